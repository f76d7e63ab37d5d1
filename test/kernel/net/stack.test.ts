import test from 'ava';
import { exec, program } from '../../support/run.js';

for (const seed of ['1', '2', '3']) {
  test(`random calls on the stack run clean under the sanitizers: seed ${seed}`, async t => {
    const { stdout, stderr, status } = await exec(program('stack'), [seed]);
    t.is(stderr, '');
    t.is(stdout, 'clean\n');
    t.is(status, 0);
  });
}
