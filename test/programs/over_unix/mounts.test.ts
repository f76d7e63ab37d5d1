/** The programs of ../mounts.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../mounts.test.js';
