/** The programs of ../tools.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../tools.test.js';
