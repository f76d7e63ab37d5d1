/** Imported before a test file of programs: its programs use a server over tcp. */
import { useServers } from './run.js';
import { startServer } from './server.js';

useServers(() => startServer('tcp'));
