/** The programs of ../shells.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../shells.test.js';
