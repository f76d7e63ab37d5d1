/** Locks of a remote kernel whose answers take their time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EAGAIN } from '../../../src/abi/linux/errno.js';
import { AT_FDCWD, type FileLock, type KernelProcess, type Result } from '../../../src/kernel/rump_kernel.js';
import { SysproxyClient } from '../../../src/sysproxy/client/client.js';
import { root, scratch } from '../../support/run.js';
import { startServer } from '../../support/server.js';

const [LOCK_EX, LOCK_NB, LOCK_UN] = [2, 4, 8];
const O_RDWR_CREAT = 0o102;
/** Longer than a call waits without giving the thread back. */
const DELAY = '20';

/** A client of a server that is a slow wire away; the server's process does not share our thread. */
async function slowClient(t: ExecutionContext): Promise<SysproxyClient> {
  const server = startServer('unix');
  const listen = join(scratch(t), 'relay');
  const script = join(root, 'dist/test/support/relay.js');
  const relay = spawn(
    process.execPath,
    [script, listen, server.url.slice('unix://'.length), DELAY, '65536'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  await once(relay.stdout, 'data');
  const client = SysproxyClient.open({ url: `unix://${listen}` }, 'locks');
  t.teardown(() => {
    client.close();
    relay.kill();
    server.stop();
  });
  return client;
}

function waiting(client: SysproxyClient): (result: Result) => number {
  return result => {
    if (typeof result === 'number') return result;
    let value: number | undefined;
    result.onDone(done => {
      value = done;
    });
    while (value === undefined) client.loop.turn(-1);
    return value;
  };
}

/** Two processes that have a file open each. */
function two(client: SysproxyClient): [KernelProcess, number, KernelProcess, number] {
  const now = waiting(client);
  const cred = { uid: 0, gid: 0, groups: [] };
  const make = (pid: number): [KernelProcess, number] => {
    const made = client.spawn({ comm: 'locks', pid, cred, umask: 0o022, prefix: '' });
    return [made, now(made.openAt(AT_FDCWD, '/f', O_RDWR_CREAT, 0o644, 0))];
  };
  return [...make(100), ...make(200)];
}

/**
 * Begins to wait for a lock, and goes away while the attempt that gets it is on the wire. False when a busy machine had the answer come before
 * that: the lock is held then.
 */
function overtakes(client: SysproxyClient, wait: Result, release: () => number): boolean {
  if (typeof wait === 'number') throw new Error('the lock is free');
  let isOver = false;
  let isCancelled = false;
  wait.onDone(() => {
    if (isCancelled) throw new Error('a result after cancel()');
    isOver = true;
  });
  // The first attempt is answered, and a second one is sent.
  const end = performance.now() + 3 * Number(DELAY);
  while (performance.now() < end) client.loop.turn(5);
  release();
  while (!isOver && wait.killable === true) client.loop.turn(5);
  if (isOver) return false;
  wait.cancel();
  isCancelled = true;
  return true;
}

/** The first result that is not EAGAIN: what is on the wire still holds the lock for a moment. */
function soon(attempt: () => number): number {
  let result = attempt();
  for (let left = 1000; result === -EAGAIN && left > 0; left--) result = attempt();
  return result;
}

/** overtakes(), as often as it takes: `hold` takes the lock for whoever is waited for, `undo` gives it back. */
function overtake(
  client: SysproxyClient,
  { hold, wait, release, undo }: Record<'hold' | 'release' | 'undo', () => number> & { wait: () => Result },
): void {
  do {
    if (hold() !== 0) throw new Error('the lock is not free');
    if (overtakes(client, wait(), release)) return;
  } while (undo() === 0);
  throw new Error('the lock is not held');
}

test.serial('flock: a wait that was ended by a signal leaves no lock', async t => {
  const client = await slowClient(t);
  const now = waiting(client);
  const [a, fdA, b, fdB] = two(client);
  const calls = {
    hold: () => now(a.flock(fdA, LOCK_EX)),
    wait: () => b.flock(fdB, LOCK_EX),
    release: () => now(a.flock(fdA, LOCK_UN)),
    undo: () => now(b.flock(fdB, LOCK_UN)),
  };
  for (let round = 0; round < 5; round++) {
    overtake(client, calls);
    // The next lock of the process itself comes after what is given back, and holds.
    t.is(now(b.flock(fdB, LOCK_EX | LOCK_NB)), 0);
    t.is(now(a.flock(fdA, LOCK_EX | LOCK_NB)), -EAGAIN);
    t.is(now(b.flock(fdB, LOCK_UN)), 0);
    overtake(client, calls);
    t.is(
      soon(() => now(a.flock(fdA, LOCK_EX | LOCK_NB))),
      0,
    );
    t.is(now(a.flock(fdA, LOCK_UN)), 0);
  }
});

test.serial('fcntl: a wait goes on until the lock is free, and one that was ended leaves none', async t => {
  const client = await slowClient(t);
  const now = waiting(client);
  const [a, fdA, b, fdB] = two(client);
  const lock = (type: number): FileLock => ({ type, whence: 0, start: 10, len: 5, pid: 0 });
  t.is(now(a.setLock(fdA, lock(1), false, false)), 0);
  t.is(now(b.setLock(fdB, lock(1), false, false)), -EAGAIN);
  const asked = lock(1);
  t.is(now(b.getLock(fdB, asked, false)), 0);
  t.deepEqual(asked, { ...lock(1), pid: 100 });
  overtake(client, {
    hold: () => now(a.setLock(fdA, lock(1), false, false)),
    wait: () => b.setLock(fdB, lock(1), false, true),
    release: () => now(a.setLock(fdA, lock(2), false, false)),
    undo: () => now(b.setLock(fdB, lock(2), false, false)),
  });
  t.is(
    soon(() => now(a.setLock(fdA, lock(1), false, false))),
    0,
  );
  const wait = b.setLock(fdB, lock(1), false, true);
  t.is(now(a.setLock(fdA, lock(2), false, false)), 0);
  t.is(now(wait), 0);
});
