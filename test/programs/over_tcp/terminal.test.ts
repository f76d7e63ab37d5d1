/** The programs of ../terminal.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../terminal.test.js';
