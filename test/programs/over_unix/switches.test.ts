/** The programs of ../switches.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../switches.test.js';
