/** The programs of ../../net/servers.test.ts, through a server in another process, over tcp. */
import '../../../support/over_tcp.js';
import '../../net/servers.test.js';
