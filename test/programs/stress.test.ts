/** Threads, forks, execs, signals and rump calls mixed at random for a minute, by a program that checks every step (procs/stress.c). */
import test from 'ava';
import { inRump, program } from '../support/run.js';

const SECONDS = 60;
/** Of ten thousand random steps a minute on a slow machine, each kind comes up. */
const KINDS = 'file directory tcp local fifo interrupted lock signal fork exec kill'.split(' ');

test('a minute of threads, forks, execs, signals and rump calls', async t => {
  const seed = process.env.STRESS_SEED ?? String(1 + (Date.now() % 0x7fffffff));
  const { stdout, stderr, status } = await inRump(
    `${program('stress.static')} /rump ${SECONDS} ${seed} && rm /rump/lock && ls -A /rump`,
    { timeout: 300_000 },
  );
  const what = `STRESS_SEED=${seed}\n${stdout}\n${stderr}`;
  t.is(status, 0, what);
  t.is(stderr, '', what);
  const counts = stdout.trimEnd().split('\n');
  // Nothing is left of any step, in killed processes too.
  t.is(counts.pop(), 'dev', what);
  t.deepEqual(
    counts.map(line => line.split(' ')[0]),
    KINDS,
    what,
  );
  for (const line of counts) t.true(Number(line.split(' ')[1]) > 0, what);
});
