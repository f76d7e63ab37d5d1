/** The programs of ../processes.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../processes.test.js';
