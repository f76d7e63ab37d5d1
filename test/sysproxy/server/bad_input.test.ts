import test from 'ava';
import fc from 'fast-check';
import { NB } from '../../../src/abi/netbsd/nr.js';
import { AT_FDCWD } from '../../../src/kernel/rump_kernel.js';
import { CALLS } from '../../../src/sysproxy/server/calls/table.js';
import { callFrame, ERROR, frame, REQ, RESP, SyncClient, type TestFrame, TestServer } from './sync_client.js';

const SYSCALL = 1;
const COPYIN = 2;
const NB_EFAULT = 14;
const NB_ENAMETOOLONG = 63;
const NB_ENOSYS = 78;
const MALFORMED = 7;
const NOTHING = new Uint8Array(0);

function withServer(t: { teardown(undo: () => void): void }): TestServer {
  const server = new TestServer();
  t.teardown(() => server.stop());
  return server;
}

const errno = (answer: TestFrame): number => answer.body.readInt32LE(0);
const value = (answer: TestFrame): number => Number(answer.body.readBigInt64LE(8));

/** The server lives, and serves others. */
function isAlive(server: TestServer): boolean {
  const client = new SyncClient(server).guest();
  client.call(2, NB.getpid);
  const answer = client.next();
  client.close();
  server.server.turn(0);
  return errno(answer) === 0 && value(answer) > 1;
}

test.serial('a GUEST without a name, and with a long one', t => {
  const server = withServer(t);
  for (const name of [NOTHING, Buffer.alloc(60000, 0x41)]) {
    const client = new SyncClient(server);
    client.send(frame(1, REQ, 0, 0, name));
    t.is(client.next().cls, RESP);
    client.close();
  }
  t.true(isAlive(server));
});

test.serial('numbers that are no call are ENOSYS', t => {
  const server = withServer(t);
  const client = new SyncClient(server).guest();
  for (const [n, nr] of [0xffffffff, 0x80000000, 500, 99999, 0].entries()) {
    client.send(frame(n + 2, REQ, SYSCALL, nr, Buffer.alloc(64)));
    t.is(errno(client.next()), NB_ENOSYS);
  }
  client.close();
});

test.serial('every call with too few arguments is malformed, and with all sorts of them is answered', t => {
  const server = withServer(t);
  const client = new SyncClient(server).guest();
  CALLS.forEach((entry, nr) => {
    if (entry === undefined || entry.slots === 0) return;
    client.send(frame(nr, REQ, SYSCALL, nr, Buffer.alloc(entry.slots * 8 - 1)));
    const answer = client.next();
    t.deepEqual([answer.cls, answer.info, answer.reqno], [ERROR, MALFORMED, nr], entry.name);
  });
  client.close();
});

/** Answers every COPYIN with an error until the call is answered. */
function refuseAll(client: SyncClient, what: string): TestFrame {
  for (;;) {
    client.until(() => client.frames.length > 0, what);
    const got = client.next();
    if (got.cls !== REQ) return got;
    if (got.type === 2 || got.type === 3) client.send(frame(got.reqno, ERROR, COPYIN, 6, NOTHING));
  }
}

test.serial('every call with addresses that are none', t => {
  const server = withServer(t);
  const client = new SyncClient(server).guest();
  // These would wait, or end the server.
  const waits = new Set<number>([NB.reboot, NB.poll, NB.__pollts50, NB.__select50, NB.__pselect50]);
  CALLS.forEach((entry, nr) => {
    if (entry === undefined || waits.has(nr)) return;
    for (const filler of [0n, 0xffffffffffffffffn, 0x7fffffffffffffffn, 0x1000n]) {
      client.send(callFrame(nr, nr, ...Array<bigint>(8).fill(filler)));
      t.is(refuseAll(client, `${entry.name} of ${filler}`).reqno, nr);
    }
  });
  t.deepEqual(server.log, []);
  client.close();
  t.true(isAlive(server));
});

test.serial('answers to COPYIN of the wrong length are EFAULT, strings without an end ENAMETOOLONG', t => {
  const server = withServer(t);
  server.inside.openAt(AT_FDCWD, '/f', 0o102, 0o666, 0);
  const client = new SyncClient(server).guest();
  const answer = (reply: (asked: TestFrame) => Buffer): number => {
    const asked = client.next();
    t.is(asked.cls, REQ);
    client.send(reply(asked));
    return errno(client.next());
  };
  client.call(2, NB.open, 0x1000, 2, 0);
  t.is(
    answer(asked => frame(asked.reqno, RESP, COPYIN, 0, Buffer.from('/f\0'))),
    0,
  );
  for (const length of [0, 9, 11, 60000]) {
    client.call(3, NB.write, 3, 0x2000, 10);
    t.is(
      answer(asked => frame(asked.reqno, RESP, COPYIN, 0, Buffer.alloc(length))),
      NB_EFAULT,
      `${length}`,
    );
  }
  for (const bytes of [NOTHING, Buffer.alloc(1024, 0x61), Buffer.alloc(5000, 0x61)]) {
    client.call(4, NB.open, 0x1000, 0, 0);
    t.is(
      answer(asked => frame(asked.reqno, RESP, COPYIN, 0, bytes)),
      NB_ENAMETOOLONG,
    );
  }
  client.call(5, NB.write, 3, 0x2000, 10);
  const [first] = [client.next()];
  client.send(frame(first.reqno, RESP, COPYIN, 0, Buffer.alloc(10)));
  t.is(value(client.next()), 10);
  // Nobody waits for it any more.
  client.send(frame(first.reqno, RESP, COPYIN, 0, Buffer.alloc(10)));
  client.send(frame(999, RESP, 6, 0, Buffer.alloc(8)));
  client.call(6, NB.getpid);
  t.is(client.next().reqno, 6);
  client.close();
});

test.serial('frames over the limit and below the header end the connection, and no other', t => {
  const server = withServer(t);
  const other = new SyncClient(server).guest();
  for (const length of [0n, 1n, 23n, 65561n, 2n ** 32n + 24n, 2n ** 63n, 2n ** 64n - 1n]) {
    const client = new SyncClient(server).guest();
    const bytes = frame(2, REQ, SYSCALL, NB.getpid, NOTHING);
    bytes.writeBigUInt64LE(length, 0);
    client.send(bytes);
    client.until(() => client.isOver, `end after ${length}`);
    client.close();
  }
  other.call(2, NB.getpid);
  t.is(other.next().reqno, 2);
  other.close();
});

test.serial('an EXEC behind as many calls as a buffer holds', t => {
  const server = withServer(t);
  for (const calls of [83, 84, 85, 86]) {
    const client = new SyncClient(server).guest();
    const many = Array.from({ length: calls }, (_, i) => callFrame(i + 2, NB.getpid));
    client.send(Buffer.concat([...many, frame(0, REQ, 0, 3, Buffer.from('next\0'))]));
    for (let i = 0; i < calls; i++) t.is(client.next().reqno, i + 2);
    t.is(client.next().type, 0);
    client.close();
  }
  t.deepEqual(server.log, []);
});

test.serial('whatever comes, in whatever pieces, the server lives', t => {
  const server = withServer(t);
  const anyFrame = fc
    .record({
      reqno: fc.nat(9),
      cls: fc.nat(3),
      type: fc.nat(9),
      info: fc.oneof(fc.nat(3), fc.constantFrom(...Object.values(NB).filter(nr => nr !== NB.reboot))),
      body: fc.uint8Array({ maxLength: 80 }),
    })
    .map(({ reqno, cls, type, info, body }) => frame(reqno, cls, type, info, body));
  const input = fc.array(fc.oneof({ weight: 9, arbitrary: anyFrame }, fc.uint8Array({ maxLength: 40 })));
  fc.assert(
    fc.property(input, fc.boolean(), fc.nat(60), (pieces, greets, cut) => {
      const client = new SyncClient(server);
      if (greets) client.guest();
      const all = Buffer.concat(pieces);
      client.send(all.subarray(0, cut));
      client.turn(0);
      if (!client.isOver) client.send(all.subarray(cut));
      for (let i = 0; i < 3; i++) client.turn(0);
      client.close();
      server.server.turn(0);
    }),
    { numRuns: 300 },
  );
  t.deepEqual(server.log, []);
  t.true(isAlive(server));
  t.is(server.server.clients, 0);
});
