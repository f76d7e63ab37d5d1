/** The programs of ../shells.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../shells.test.js';
