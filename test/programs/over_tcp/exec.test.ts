/** The programs of ../exec.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../exec.test.js';
