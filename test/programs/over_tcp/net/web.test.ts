/** The programs of ../../net/web.test.ts, through a server in another process, over tcp. */
import '../../../support/over_tcp.js';
import '../../net/web.test.js';
