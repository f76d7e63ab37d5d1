/** The programs of ../switches.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../switches.test.js';
