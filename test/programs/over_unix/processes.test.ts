/** The programs of ../processes.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../processes.test.js';
