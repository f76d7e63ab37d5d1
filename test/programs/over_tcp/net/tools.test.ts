/** The programs of ../../net/tools.test.ts, through a server in another process, over tcp. */
import '../../../support/over_tcp.js';
import '../../net/tools.test.js';
