/** The programs of ../../net/transfer.test.ts, through a server in another process, over unix. */
import '../../../support/over_unix.js';
import '../../net/transfer.test.js';
