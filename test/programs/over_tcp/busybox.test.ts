/** The programs of ../busybox.test.ts, through a server in another process, over tcp. */
import '../../support/over_tcp.js';
import '../busybox.test.js';
