/** Bad input to calls on sockets: answered as on the host's loopback, and the tracer lives. */
import test from 'ava';
import { program, same } from '../../support/run.js';

for (const kind of ['', '.static']) {
  test(`bad addresses, options, vectors and messages${kind}`, async t => {
    const result = await same(t, program(`badsock${kind}`));
    t.is(result.status, 0, result.stderr);
    t.true(result.stdout.split('\n').length > 300, result.stdout);
  });
}
