/** The contract that all kernels share, against the server that RUMP_SERVER names, whichever it is; it is emptied. */
import test from 'ava';
import { remoteContract } from './remote_contract.js';

const url = process.env.RUMP_SERVER ?? '';

if (url !== '') remoteContract(`over ${url}`, () => url);
else test('no RUMP_SERVER is given', t => t.is(url, ''));
