/** The programs of ../python.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../python.test.js';
