/** The programs of ../../net/python.test.ts, through a server in another process, over tcp. */
import '../../../support/over_tcp.js';
import '../../net/python.test.js';
