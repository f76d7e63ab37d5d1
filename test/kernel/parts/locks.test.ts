import test from 'ava';
import { EAGAIN, EDEADLK, EINVAL, EOVERFLOW } from '../../../src/abi/linux/errno.js';
import {
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_MAND,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
} from '../../../src/abi/linux/fcntl.js';
import {
  type LockOwner,
  type LockRequest,
  LockTable,
  LockWaits,
  lockRange,
} from '../../../src/kernel/parts/locks.js';
import { cancel, follow } from './waited.js';

class Owner {
  readonly pid: number;
  constructor(pid: number) {
    this.pid = pid;
  }
}

const [a, b, c] = [new Owner(1), new Owner(2), new Owner(3)];
const description = { kind: 'a description' };

function posix(owner: Owner, type: number, start = 0, end = Infinity): LockRequest {
  return { kind: 'posix', owner, pid: owner.pid, type, start, end };
}

function ofd(owner: LockOwner, type: number, start = 0, end = Infinity): LockRequest {
  return { kind: 'ofd', owner, pid: 99, type, start, end };
}

function table(): LockTable {
  return new LockTable(new LockWaits());
}

test('readers share, writers do not', t => {
  const locks = table();
  t.is(locks.set(posix(a, F_RDLCK, 0, 9), false), 0);
  t.is(locks.set(posix(b, F_RDLCK, 5, 14), false), 0);
  t.is(locks.set(posix(b, F_WRLCK, 9, 9), false), -EAGAIN);
  t.is(locks.set(posix(b, F_WRLCK, 10, 20), false), 0);
});

test('F_GETLK names the lock in the way', t => {
  const locks = table();
  locks.set(posix(a, F_RDLCK, 0, 9), false);
  locks.set(posix(a, F_WRLCK, 20, Infinity), false);
  t.is(locks.get(posix(b, F_RDLCK, 0, 9)), undefined);
  t.deepEqual(locks.get(posix(b, F_WRLCK, 5, 5)), { start: 0, end: 9, type: F_RDLCK, pid: 1 });
  t.deepEqual(locks.get(posix(b, F_RDLCK)), { start: 20, end: Infinity, type: F_WRLCK, pid: 1 });
  t.is(locks.get(posix(a, F_WRLCK)), undefined);
});

test('an unlock in the middle splits, a lock over all merges', t => {
  const locks = table();
  locks.set(posix(a, F_WRLCK, 0, 29), false);
  locks.set(posix(a, F_UNLCK, 10, 19), false);
  t.is(locks.set(posix(b, F_WRLCK, 10, 19), false), 0);
  t.deepEqual(locks.get(posix(b, F_WRLCK)), { start: 0, end: 9, type: F_WRLCK, pid: 1 });
  locks.set(posix(b, F_UNLCK), false);
  locks.set(posix(a, F_WRLCK, 10, 19), false);
  t.deepEqual(locks.get(posix(b, F_WRLCK)), { start: 0, end: 29, type: F_WRLCK, pid: 1 });
});

test('a downgrade lets waiting readers in', t => {
  const locks = table();
  locks.set(posix(a, F_WRLCK), false);
  const reader = follow(locks.set(posix(b, F_RDLCK), true));
  const writer = follow(locks.set(posix(c, F_WRLCK), true));
  t.is(reader.result, undefined);
  locks.set(posix(a, F_RDLCK), false);
  t.is(reader.result, 0);
  t.is(writer.result, undefined);
  locks.releasePosix(a);
  locks.releasePosix(b);
  t.is(writer.result, 0);
  locks.releasePosix(c);
  t.true(locks.isIdle);
});

test('POSIX and OFD locks exclude each other, within one process too; OFD holders have no pid', t => {
  const locks = table();
  t.is(locks.set(ofd(description, F_WRLCK, 0, 9), false), 0);
  t.is(locks.set(posix(a, F_RDLCK, 9, 9), false), -EAGAIN);
  t.is(locks.get(posix(a, F_RDLCK, 9, 9))?.pid, -1);
  t.is(locks.set(posix(a, F_RDLCK, 10, 10), false), 0);
  t.is(locks.set(ofd(description, F_WRLCK, 10, 10), false), -EAGAIN);
  locks.releaseDescription(description);
  t.is(locks.set(posix(a, F_RDLCK, 9, 9), false), 0);
});

test('F_OFD_GETLK with F_UNLCK finds the own lock', t => {
  const locks = table();
  locks.set(ofd(description, F_RDLCK, 3, 5), false);
  locks.set(posix(a, F_WRLCK, 7, 7), false);
  t.deepEqual(locks.get(ofd(description, F_UNLCK)), { start: 3, end: 5, type: F_RDLCK, pid: -1 });
  t.is(locks.get(ofd(description, F_UNLCK, 6, 9)), undefined);
});

test('two readers that both want to write: the second one deadlocks', t => {
  const locks = table();
  locks.set(posix(a, F_RDLCK), false);
  locks.set(posix(b, F_RDLCK), false);
  const upgrade = follow(locks.set(posix(a, F_WRLCK), true));
  t.is(locks.set(posix(b, F_WRLCK), true), -EDEADLK);
  locks.releasePosix(b);
  t.is(upgrade.result, 0);
});

test('a circle over three processes and two files is found; a cancelled wait breaks it', t => {
  const waits = new LockWaits();
  const [one, two] = [new LockTable(waits), new LockTable(waits)];
  one.set(posix(a, F_WRLCK, 0, 0), false);
  one.set(posix(b, F_WRLCK, 1, 1), false);
  two.set(posix(c, F_WRLCK, 0, 0), false);
  const first = follow(one.set(posix(a, F_WRLCK, 1, 1), true));
  follow(two.set(posix(b, F_WRLCK, 0, 0), true));
  t.is(one.set(posix(c, F_WRLCK, 0, 0), true), -EDEADLK);
  cancel(first);
  t.is(follow(one.set(posix(c, F_WRLCK, 0, 0), true)).result, undefined);
});

test('OFD locks are not part of deadlock detection', t => {
  const locks = table();
  const other = { kind: 'another' };
  locks.set(ofd(description, F_WRLCK, 0, 0), false);
  locks.set(ofd(other, F_WRLCK, 1, 1), false);
  follow(locks.set(ofd(description, F_WRLCK, 1, 1), true));
  t.is(typeof locks.set(ofd(other, F_WRLCK, 0, 0), true), 'object');
});

test('a cancelled wait takes no lock', t => {
  const locks = table();
  locks.set(posix(a, F_WRLCK), false);
  const waiting = follow(locks.set(posix(b, F_WRLCK), true));
  t.is(cancel(waiting), 0);
  locks.releasePosix(a);
  t.is(waiting.result, undefined);
  t.true(locks.isIdle);
});

test('a reader does not wait behind a writer that waits', t => {
  const locks = table();
  locks.set(posix(a, F_RDLCK), false);
  follow(locks.set(posix(b, F_WRLCK), true));
  t.is(locks.set(posix(c, F_RDLCK), true), 0);
});

test('a callback may lock and unlock', t => {
  const locks = table();
  locks.set(posix(a, F_WRLCK), false);
  const order: string[] = [];
  follow(locks.set(posix(b, F_WRLCK), true), () => {
    order.push('b');
    locks.releasePosix(b);
    order.push('b released');
  });
  follow(locks.set(posix(c, F_WRLCK), true), () => order.push('c'));
  locks.releasePosix(a);
  t.deepEqual(order, ['b', 'b released', 'c']);
});

test('flock: shared, exclusive, conversions, and nothing to do with byte ranges', t => {
  const locks = table();
  locks.set(posix(a, F_WRLCK), false);
  t.is(locks.flock(a, LOCK_SH), 0);
  t.is(locks.flock(b, LOCK_SH | LOCK_NB), 0);
  t.is(locks.flock(c, LOCK_EX | LOCK_NB), -EAGAIN);
  t.is(locks.flock(a, LOCK_EX | LOCK_NB), -EAGAIN);
  t.is(locks.flock(b, LOCK_EX | LOCK_NB), 0, 'the failed conversion lost a its lock');
  const waiting = follow(locks.flock(c, LOCK_SH));
  t.is(waiting.result, undefined);
  t.is(locks.flock(b, LOCK_SH), 0);
  t.is(waiting.result, 0);
  t.is(locks.flock(b, LOCK_UN), 0);
  locks.releaseDescription(c);
  t.is(locks.flock(a, LOCK_EX), 0);
});

test('flock: operations that are none', t => {
  for (const operation of [0, LOCK_SH | LOCK_EX, LOCK_UN | LOCK_SH, 16 | LOCK_UN]) {
    t.is(table().flock(a, operation), -EINVAL);
  }
  t.is(table().flock(a, LOCK_MAND | LOCK_SH), 0);
  t.is(table().flock(a, LOCK_UN | LOCK_NB), 0);
});

test('ranges as struct flock gives them', t => {
  t.deepEqual(lockRange(0, 5, 0), { start: 5, end: Infinity });
  t.deepEqual(lockRange(10, 5, 10), { start: 15, end: 24 });
  t.deepEqual(lockRange(10, 0, -10), { start: 0, end: 9 });
  t.is(lockRange(0, -1, 5), -EINVAL);
  t.is(lockRange(0, 5, -6), -EINVAL);
  t.is(lockRange(1, 2 ** 63, 0), -EOVERFLOW);
  t.is(lockRange(0, 2 ** 62, 2 ** 63), -EOVERFLOW);
  t.deepEqual(lockRange(0, 0, 2 ** 63), { start: 0, end: Infinity });
});
