import test from 'ava';
import { exec, program } from '../support/run.js';

test('the native part runs clean under the address and undefined behaviour sanitizers', async t => {
  // Leaks cannot be looked for by a process that traces others: LeakSanitizer uses ptrace itself.
  const { stdout, stderr, status } = await exec(program('native'), [], {
    env: { ASAN_OPTIONS: 'detect_leaks=0' },
  });
  t.is(stderr, '');
  t.is(stdout, 'answered 202, injected 404\n');
  t.is(status, 0);
});
