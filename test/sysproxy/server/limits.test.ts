import test from 'ava';
import { NB } from '../../../src/abi/netbsd/nr.js';
import { AT_FDCWD } from '../../../src/kernel/rump_kernel.js';
import { callFrame, ERROR, frame, REQ, RESP, SyncClient, type TestFrame, TestServer } from './sync_client.js';

const O_RDWR = 2;
const NB_O_CREAT = 0x200;
const NB_EBADF = 9;
const NB_EAGAIN = 35;
const COPYIN = 2;
const COPYOUT = 4;
const PREFORK = 7;
const TRYAGAIN = 1;
const INVALID_PREFORK = 3;
const NOTHING = new Uint8Array(0);

const errno = (answer: TestFrame): number => answer.body.readInt32LE(0);
const value = (answer: TestFrame): number => Number(answer.body.readBigInt64LE(8));
const second = (answer: TestFrame): number => Number(answer.body.readBigInt64LE(16));

/** Makes a call and answers what it asks for out of `memory`, in order. */
function done(client: SyncClient, nr: number, args: number[], memory: Buffer[] = []): TestFrame {
  client.call(7, nr, ...args);
  for (;;) {
    const got = client.next();
    if (got.cls !== REQ) return got;
    if (got.type === COPYOUT) continue;
    client.send(frame(got.reqno, RESP, COPYIN, 0, memory.shift() ?? NOTHING));
  }
}

function open(client: SyncClient, path: string): number {
  const flags = O_RDWR | NB_O_CREAT;
  return value(done(client, NB.open, [1, flags, 0o644], [Buffer.from(`${path}\0`)]));
}

test.serial('200 clients at once, and one too many', t => {
  const server = new TestServer({ clients: 200 });
  t.teardown(() => server.stop());
  const clients = Array.from({ length: 200 }, (_, i) => new SyncClient(server).guest(`c${i}`));
  const extra = new SyncClient(server);
  extra.until(() => extra.isOver, 'end of the one too many');
  t.is(extra.banner, '');
  extra.close();
  for (const client of clients) client.call(2, NB.getpid);
  const pids = new Set(clients.map(client => value(client.next())));
  t.is(pids.size, 200);
  clients[0].close();
  server.server.turn(0);
  t.is(new SyncClient(server).guest().isOver, false);
  for (const client of clients) client.close();
  server.server.turn(0);
  server.server.turn(0);
  server.server.turn(0);
  server.server.turn(0);
  t.true(server.server.clients <= 1);
});

test.serial('clients share files, not descriptors; a child shares offsets', t => {
  const server = new TestServer();
  t.teardown(() => server.stop());
  const [a, b] = [new SyncClient(server).guest(), new SyncClient(server).guest()];
  t.is(open(a, '/shared'), 3);
  t.is(value(done(a, NB.write, [3, 1, 5], [Buffer.from('hello')])), 5);
  t.is(errno(done(b, NB.write, [3, 1, 5])), NB_EBADF);
  t.is(open(b, '/shared'), 3);
  t.is(value(done(b, NB.lseek, [3, 0, 0, 2])), 5);
  a.send(frame(9, REQ, PREFORK, 0, NOTHING));
  const secret = a.next().body;
  const child = new SyncClient(server);
  child.send(frame(1, REQ, 0, 2, Buffer.concat([secret, Buffer.alloc(4)])));
  t.is(child.next().cls, RESP);
  t.is(value(done(child, NB.write, [3, 1, 1], [Buffer.from('!')])), 1);
  t.is(value(done(a, NB.lseek, [3, 0, 0, 1])), 6);
  const again = new SyncClient(server);
  again.send(frame(1, REQ, 0, 2, Buffer.concat([secret, Buffer.alloc(4)])));
  t.is(again.next().info, INVALID_PREFORK);
  for (const client of [a, b, child, again]) client.close();
});

test.serial('a client that is gone leaves no locks, no readers and no waits', t => {
  const server = new TestServer();
  t.teardown(() => server.stop());
  const [holder, waiter] = [new SyncClient(server).guest(), new SyncClient(server).guest()];
  open(holder, '/lock');
  open(waiter, '/lock');
  const [LOCK_EX, LOCK_NB] = [2, 4];
  t.is(errno(done(holder, NB.flock, [3, LOCK_EX])), 0);
  t.is(errno(done(waiter, NB.flock, [3, LOCK_EX | LOCK_NB])), NB_EAGAIN);
  waiter.call(5, NB.flock, 3, LOCK_EX);
  waiter.call(6, NB.getpid);
  t.is(waiter.next().reqno, 6);
  holder.close();
  t.is(waiter.next().reqno, 5);
  const ends = done(waiter, NB.pipe, []);
  t.deepEqual([value(ends), second(ends)], [4, 5]);
  // In the middle of a read, a lock and a poll, and of a write whose data never comes.
  waiter.call(8, NB.read, 4, 1, 10);
  waiter.call(9, NB.poll, 1, 1, -1);
  waiter.call(10, NB.write, 3, 1, 100);
  waiter.turn(0);
  waiter.close();
  server.server.turn(0);
  t.is(server.server.clients, 0);
  t.is(server.inside.openAt(AT_FDCWD, '/lock', 2, 0, 0), 3);
  t.is(server.inside.flock(3, LOCK_EX | LOCK_NB), 0);
  t.deepEqual(server.log, []);
});

test.serial('more calls under way than a client may have', t => {
  const server = new TestServer({ calls: 10 });
  t.teardown(() => server.stop());
  const client = new SyncClient(server).guest();
  done(client, NB.pipe, []);
  for (let i = 0; i < 12; i++) client.call(100 + i, NB.read, 3, 1, 1);
  for (const reqno of [110, 111]) {
    const refused = client.next();
    t.deepEqual([refused.cls, refused.info, refused.reqno], [ERROR, TRYAGAIN, reqno]);
  }
  client.close();
});

test.serial('announced forks are bounded, and those of clients that are gone as well', t => {
  const server = new TestServer({ preforks: 3, orphans: 4 });
  t.teardown(() => server.stop());
  const secrets: Buffer[] = [];
  for (let round = 0; round < 3; round++) {
    const client = new SyncClient(server).guest();
    for (let i = 0; i < 3; i++) {
      client.send(frame(i, REQ, PREFORK, 0, NOTHING));
      secrets.push(client.next().body);
    }
    client.send(frame(9, REQ, PREFORK, 0, NOTHING));
    t.is(client.next().info, TRYAGAIN);
    client.close();
    server.server.turn(0);
  }
  const welcome = secrets.map(secret => {
    const child = new SyncClient(server);
    child.send(frame(1, REQ, 0, 2, Buffer.concat([secret, Buffer.alloc(4)])));
    const answer = child.next();
    child.close();
    return answer.cls === RESP;
  });
  t.deepEqual(welcome, [false, false, false, false, false, true, true, true, true]);
});

test.serial('a client that does not read holds up itself alone, and gets all of it later', t => {
  const server = new TestServer({ unread: 128 * 1024 });
  t.teardown(() => server.stop());
  const [lazy, other] = [new SyncClient(server).guest(), new SyncClient(server).guest()];
  done(lazy, NB.open, [1, 0, 0], [Buffer.from('/dev/zero\0')]);
  const SIZE = 1024 * 1024;
  const READS = 40;
  for (let i = 0; i < READS; i++) lazy.send(callFrame(1000 + i, NB.read, 3, 4096, SIZE));
  const before = process.memoryUsage();
  for (let i = 0; i < 100; i++) server.server.turn(0);
  const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
  t.true(grown < 8 * SIZE, `${grown} bytes more`);
  other.call(2, NB.getpid);
  t.is(other.next().reqno, 2);
  const got = new Map<number, number>();
  let bytes = 0;
  lazy.until(() => {
    for (let each = lazy.frames.shift(); each !== undefined; each = lazy.frames.shift()) {
      if (each.cls === REQ) bytes += each.body.length - 16;
      else got.set(each.reqno, value(each));
    }
    return got.size === READS;
  }, 'all the data');
  t.is(bytes, READS * SIZE);
  t.true([...got.values()].every(length => length === SIZE));
  lazy.close();
  other.close();
});

test.serial('readv whose vectors come all at once, from a client that does not read', t => {
  const server = new TestServer({ unread: 128 * 1024 });
  t.teardown(() => server.stop());
  const lazy = new SyncClient(server).guest();
  done(lazy, NB.open, [1, 0, 0], [Buffer.from('/dev/zero\0')]);
  const SIZE = 256 * 1024;
  const READS = 200;
  for (let i = 0; i < READS; i++) lazy.send(callFrame(1000 + i, NB.readv, 3, 4096, 1));
  lazy.until(() => lazy.frames.length === READS, 'questions');
  const iovec = Buffer.alloc(16);
  iovec.writeBigUInt64LE(4096n, 0);
  iovec.writeBigUInt64LE(BigInt(SIZE), 8);
  const answers = lazy.frames.splice(0).map(({ reqno }) => frame(reqno, RESP, COPYIN, 0, iovec));
  const before = process.memoryUsage();
  lazy.send(Buffer.concat(answers));
  for (let i = 0; i < 100; i++) server.server.turn(0);
  const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
  t.true(grown < 32 * SIZE, `${grown} bytes more`);
  let [bytes, ended] = [0, 0];
  lazy.until(() => {
    for (let each = lazy.frames.shift(); each !== undefined; each = lazy.frames.shift()) {
      if (each.cls === REQ) bytes += each.body.length - 16;
      else if (value(each) === SIZE) ended++;
    }
    return ended === READS;
  }, 'all the data');
  t.is(bytes, READS * SIZE);
  lazy.close();
});

test.serial('byte by byte', t => {
  const server = new TestServer();
  t.teardown(() => server.stop());
  const client = new SyncClient(server);
  const bytes = Buffer.concat([
    frame(1, REQ, 0, 0, Buffer.from('slow\0')),
    callFrame(2, NB.umask, 0o77),
    callFrame(3, NB.umask, 0o22),
  ]);
  for (const byte of bytes) {
    client.send(Uint8Array.of(byte));
    client.turn(0);
  }
  t.is(client.next().type, 0);
  t.is(value(client.next()), 0o22);
  t.is(value(client.next()), 0o77);
  client.close();
});

test.serial('a pipe larger than its room, between two calls of one client', t => {
  const server = new TestServer();
  t.teardown(() => server.stop());
  const client = new SyncClient(server).guest();
  done(client, NB.pipe, []);
  const TOTAL = 300_000;
  const data = Buffer.alloc(TOTAL, 'abcdefg');
  client.call(50, NB.write, 4, 0x10000, TOTAL);
  let written = -1;
  const read: Buffer[] = [];
  let reads = 0;
  for (let have = 0; have < TOTAL || written < 0; ) {
    if (client.frames.length === 0 && reads === 0 && have < TOTAL) {
      client.call(60, NB.read, 3, 0x900000, 10_000);
      reads++;
    }
    const got = client.next();
    if (got.cls === RESP && got.reqno === 50) written = value(got);
    else if (got.cls === RESP) reads--;
    else if (got.type === COPYOUT) {
      read.push(got.body.subarray(16));
      have += got.body.length - 16;
    } else {
      const at = Number(got.body.readBigUInt64LE(8)) - 0x10000;
      const length = Number(got.body.readBigUInt64LE(0));
      client.send(frame(got.reqno, RESP, COPYIN, 0, data.subarray(at, at + length)));
    }
  }
  t.is(written, TOTAL);
  t.true(Buffer.concat(read).equals(data));
  client.close();
});
