/** The programs of ../waiting.test.ts, through a server in another process, over unix. */
import '../../support/over_unix.js';
import '../waiting.test.js';
