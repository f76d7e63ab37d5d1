/** The programs of ../tools.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../tools.test.js';
