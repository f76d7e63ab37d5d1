/** The programs of ../mounts.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../mounts.test.js';
