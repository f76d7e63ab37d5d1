/** The programs of ../busybox.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../busybox.test.js';
