/** The programs of ../../net/servers.test.ts, through a server in another process, over unix. */
import '../../../support/over_unix.js';
import '../../net/servers.test.js';
