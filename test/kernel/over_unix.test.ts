/** The embedded kernel in another process, reached over unix, under the contract that all kernels share. */
import test from 'ava';
import { startServer, type TestServer } from '../support/server.js';
import { remoteContract } from './remote_contract.js';

let server: TestServer | undefined;

remoteContract('over unix', () => {
  server ??= startServer('unix');
  return server.url;
});

test.after.always(() => server?.stop());
