/** The programs of ../waiting.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../waiting.test.js';
