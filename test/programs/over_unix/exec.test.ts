/** The programs of ../exec.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../exec.test.js';
