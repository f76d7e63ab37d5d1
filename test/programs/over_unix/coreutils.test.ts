/** The programs of ../coreutils.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../coreutils.test.js';
