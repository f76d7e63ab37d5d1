/** The programs of ../inheritance.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../inheritance.test.js';
