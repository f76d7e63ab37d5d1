/** The programs of ../python.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../python.test.js';
