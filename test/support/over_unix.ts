/** Imported before a test file of programs: its programs use a server over unix. */
import { useServers } from './run.js';
import { startServer } from './server.js';

useServers(() => startServer('unix'));
