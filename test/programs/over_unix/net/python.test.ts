/** The programs of ../../net/python.test.ts, through a server in another process, over unix. */
import '../../../support/over_unix.js';
import '../../net/python.test.js';
