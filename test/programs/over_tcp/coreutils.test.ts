/** The programs of ../coreutils.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../coreutils.test.js';
