/** The programs of ../../net/transfer.test.ts, through a server in another process, over tcp. */
import '../../../support/over_tcp.js';
import '../../net/transfer.test.js';
