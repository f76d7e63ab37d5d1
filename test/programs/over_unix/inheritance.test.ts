/** The programs of ../inheritance.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../inheritance.test.js';
