/** Threads, processes and signals in all their ways, by programs that check themselves (threading.c, signalling.c): as without us. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { program, same, scratch } from '../../support/run.js';

const THREADING = {
  exec: 'exec from a thread: the leader sleeps, is gone, works or waits',
  leader: 'the leader of a thread group ends, the others go on',
  churn: 'five hundred threads, made and gone',
  clone: 'clone and clone3 with flags in every legal mix, and into namespaces',
  vfork: 'vfork: the parent waits, its other threads go on',
  spawn: 'posix_spawn with files and a directory of the rump kernel',
  daemon: 'a daemon that forks twice',
} as const;

const SIGNALLING = {
  'real-time': 'real-time signals come once each, in order, with their values',
  synchronous: 'sigwaitinfo, sigtimedwait and signalfd',
  restart: 'SIGALRM on an alternate stack, during reads, receives and accepts, with and without SA_RESTART',
  ignored: 'ignored signals neither end a wait nor cut a transfer short',
  stop: 'stopping and going on of a process with three threads, thirty times',
  killed: 'SIGKILL at any moment: locks and connections are gone with the process',
  core: 'core dumps, and none where the limit says so',
  thread: 'a signal to one thread of several is that thread’s',
} as const;

for (const kind of ['', '.static']) {
  for (const [parts, name] of [
    [THREADING, 'threading'],
    [SIGNALLING, 'signalling'],
  ] as const) {
    for (const [part, title] of Object.entries(parts)) {
      test(`${title}${kind}`, async t => {
        const cores = join(scratch(t), 'cores');
        mkdirSync(cores);
        const result = await same(t, `${program(name + kind)} "$DIR" ${part}`, { env: { CORES: cores } });
        t.is(result.status, 0, result.stderr);
        t.true(result.stdout.endsWith(`${part}: well\n`));
      });
    }
  }
}
