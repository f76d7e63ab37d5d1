/** The programs of ../../net/tools.test.ts, through a server in another process, over unix. */
import '../../../support/over_unix.js';
import '../../net/tools.test.js';
