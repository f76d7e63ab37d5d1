/** Bad input to calls on sockets: answered as on the host's loopback, and the tracer lives. */
import test from 'ava';
import { exec, program, rumphijack, same } from '../../support/run.js';

for (const kind of ['', '.static']) {
  test(`bad addresses, options, vectors and messages${kind}`, async t => {
    const result = await same(t, program(`badsock${kind}`));
    t.is(result.status, 0, result.stderr);
    t.true(result.stdout.split('\n').length > 300, result.stdout);
  });
}

const seed = Math.floor(Math.random() * 1e9);

for (const policy of ['path=/rump,socket=all:nolocal', 'path=/rump,socket=all']) {
  test(`20,000 random calls on sockets, ${policy}, seed ${seed}`, async t => {
    const args = ['run', '--hijack', policy, '--', program('sockfuzz'), String(seed), '20000'];
    const { stdout, stderr } = await exec(rumphijack, args);
    t.is(stdout, 'lived\n', stderr);
    // Nor does the tracer tell of a fault of its own.
    t.is(stderr, '');
  });
}
