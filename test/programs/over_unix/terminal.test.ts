/** The programs of ../terminal.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../terminal.test.js';
