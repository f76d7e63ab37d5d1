/** The programs of ../../net/web.test.ts, through a server in another process, over unix. */
import '../../../support/over_unix.js';
import '../../net/web.test.js';
