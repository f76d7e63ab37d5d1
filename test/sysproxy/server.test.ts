/** What the server answers to what no proper client sends, how many it serves, and what it survives. */
import test, { type ExecutionContext } from 'ava';
import { Class, Handshake, SpError, Type } from '../../src/sysproxy/frame.js';
import { call, frame, guest, RawClient } from '../support/raw_client.js';
import { startServer } from '../support/server.js';

const [GETPID, OPEN, READ, CLOSE, MKFIFO] = [20, 5, 3, 6, 132];
const NB_ENOSYS = 78;
const NB_ENOENT = 2;

function server(t: ExecutionContext): string {
  const started = startServer('unix');
  t.teardown(() => started.stop());
  return started.url.slice('unix://'.length);
}

const path = (text: string) => (): Uint8Array => Buffer.from(`${text}\0`);

/** Sends frames on a new connection and collects what comes, until the server closes or answers no more of the marks. */
async function answers(
  at: string,
  frames: readonly Buffer[],
  expected: number,
): Promise<(string | undefined)[]> {
  const client = new RawClient(at);
  await client.banner();
  client.send(...frames);
  const found: (string | undefined)[] = [];
  for (let i = 0; i < expected; i++) {
    const answer = await client.next();
    found.push(
      answer === undefined ? 'closed' : `${answer.reqno} ${answer.cls} ${answer.type} ${answer.info}`,
    );
  }
  await client.end();
  return found;
}

const error = (reqno: number, code: number): string => `${reqno} ${Class.ERROR} 0 ${code}`;
const response = (reqno: number, type: number): string => `${reqno} ${Class.RESP} ${type} 0`;
const WELCOME = response(1, Type.HANDSHAKE);
const getpid = (reqno: number): Buffer => call(reqno, GETPID);
const SERVED = response(9, Type.SYSCALL);

const CASES: readonly (readonly [string, readonly Buffer[], readonly string[]])[] = [
  ['a call before the handshake', [getpid(1)], [error(1, SpError.AUTH), 'closed']],
  ['AUTH', [frame(1, 0, 0, Handshake.AUTH)], [error(1, SpError.AUTH), 'closed']],
  ['EXEC first', [frame(1, 0, 0, Handshake.EXEC, Buffer.from('x\0'))], [error(1, SpError.AUTH), 'closed']],
  ['an unknown handshake', [frame(1, 0, 0, 9)], [error(1, SpError.AUTH), 'closed']],
  [
    'FORK with unknown auth',
    [frame(1, 0, 0, Handshake.FORK, Buffer.alloc(20))],
    [error(1, SpError.INVALID_PREFORK), 'closed'],
  ],
  [
    'FORK with 16 bytes',
    [frame(1, 0, 0, Handshake.FORK, Buffer.alloc(16))],
    [error(1, SpError.MALFORMED_REQUEST), 'closed'],
  ],
  [
    'a second GUEST',
    [guest(), guest('again\0', 2)],
    [WELCOME, error(2, SpError.MALFORMED_REQUEST), 'closed'],
  ],
  ['a GUEST with an empty body', [guest(''), getpid(9)], [WELCOME, SERVED]],
  ['a GUEST without NUL', [guest('unterminated'), getpid(9)], [WELCOME, SERVED]],
  ['a GUEST of 100 bytes', [guest(`${'x'.repeat(99)}\0`), getpid(9)], [WELCOME, SERVED]],
  [
    'an unknown type',
    [guest(), frame(2, 0, 9, 0), getpid(9)],
    [WELCOME, error(2, SpError.MALFORMED_REQUEST), SERVED],
  ],
  [
    'an unknown class',
    [guest(), frame(2, 7, 1, 20), getpid(9)],
    [WELCOME, error(2, SpError.MALFORMED_REQUEST), SERVED],
  ],
  [
    'COPYIN from a client',
    [guest(), frame(2, 0, 2, 0, Buffer.alloc(16)), getpid(9)],
    [WELCOME, error(2, SpError.MALFORMED_REQUEST), SERVED],
  ],
  ['an answer to nothing', [guest(), frame(77, 1, 2, 0, Buffer.alloc(8)), getpid(9)], [WELCOME, SERVED]],
  [
    'a call with too few arguments',
    [guest(), call(2, OPEN), getpid(9)],
    [WELCOME, error(2, SpError.MALFORMED_REQUEST), SERVED],
  ],
  [
    'call 0xffffffff',
    [guest(), call(2, 0xffffffff), getpid(9)],
    [WELCOME, response(2, Type.SYSCALL), SERVED],
  ],
  ['a handshake and a call in one write', [guest(), getpid(9)], [WELCOME, SERVED]],
  ['the same number twice', [guest(), getpid(9), getpid(9)], [WELCOME, SERVED, SERVED]],
];

for (const [title, frames, expected] of CASES) {
  test(title, async t => {
    t.deepEqual(await answers(server(t), frames, expected.length), [...expected]);
  });
}

test('lengths that are none close the connection', async t => {
  const at = server(t);
  for (const length of [0n, 1n, 23n, 1n << 20n, 1n << 31n, 1n << 60n, (1n << 64n) - 1n]) {
    const bad = getpid(2);
    bad.writeBigUInt64LE(length, 0);
    t.deepEqual(await answers(at, [guest(), bad], 2), [WELCOME, 'closed'], `${length}`);
  }
});

test('unknown calls, and those that a rump kernel has not, are ENOSYS', async t => {
  const client = await RawClient.guest(server(t));
  for (const nr of [0, 1, 2, 37, 59, 197, 500, 1000, 0x7fffffff])
    t.is((await client.call(call(3, nr, 0, 0, 0, 0, 0, 0, 0, 0)))[0], NB_ENOSYS, `${nr}`);
  await client.end();
});

test('answers to COPYIN that are short, long or refused fail the call, no more', async t => {
  const client = await RawClient.guest(server(t));
  const open = call(3, OPEN, 0x1000, 0, 0);
  t.is((await client.call(open, () => Buffer.alloc(0)))[0], 63);
  t.is((await client.call(open, () => Buffer.from('/none')))[0], 63);
  t.is((await client.call(open, path('/none')))[0], NB_ENOENT);
  client.send(call(4, OPEN, 0x1000, 0, 0));
  const asked = await client.next();
  client.send(frame(asked?.reqno ?? 0, Class.ERROR, Type.COPYIN, 7));
  const refused = await client.next();
  t.deepEqual([refused?.cls, refused?.body.readInt32LE(0)], [Class.RESP, 14]);
  // write(2) of 10 bytes of which 3 come.
  const file = (await client.call(call(5, OPEN, 0x1000, 0x202, 0o600), path('/f')))[1];
  t.is((await client.call(call(6, 4, file, 0x2000, 10), () => Buffer.from('abc')))[0], 14);
  t.is((await client.call(getpid(9)))[0], 0);
  await client.end();
});

test('bytes may come one by one, and calls in any number at once', async t => {
  const at = server(t);
  const slow = new RawClient(at);
  await slow.banner();
  for (const byte of Buffer.concat([guest(), getpid(2)])) slow.socket.write(Buffer.of(byte));
  t.is((await slow.next())?.type, Type.HANDSHAKE);
  t.is((await slow.next())?.body.readInt32LE(0), 0);
  slow.send(...Array.from({ length: 64 }, (_, i) => getpid(10 + i)));
  const seen = new Set<number>();
  for (let i = 0; i < 64; i++) seen.add((await slow.next())?.reqno ?? 0);
  t.is(seen.size, 64);
  await slow.end();
});

test('a call that waits does not hold up others; too many at once are refused', async t => {
  const client = await RawClient.guest(server(t));
  t.is((await client.call(call(2, MKFIFO, 0x1000, 0o600), path('/fifo')))[0], 0);
  const fd = (await client.call(call(3, OPEN, 0x1000, 2, 0), path('/fifo')))[1];
  for (let i = 0; i < 256; i++) client.send(call(100 + i, READ, fd, 0x2000, 10));
  t.is((await client.call(getpid(5)))[0], -SpError.TRYAGAIN);
  await client.end();
});

test('a client that reads no answers does not make the server grow, and others are served', async t => {
  const at = server(t);
  const [greedy, other] = [await RawClient.guest(at), await RawClient.guest(at)];
  const fd = (await greedy.call(call(2, OPEN, 0x1000, 0, 0), path('/dev/zero')))[1];
  greedy.socket.pause();
  for (let i = 0; i < 200; i++) greedy.send(call(10 + i, READ, fd, 0x2000, 0x1000000));
  for (let i = 0; i < 100; i++) t.is((await other.call(getpid(3 + i)))[0], 0);
  await Promise.all([greedy.end(), other.end()]);
});

test('200 clients at once share one kernel', async t => {
  const at = server(t);
  const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.guest(at)));
  t.is((await clients[0]?.call(call(2, OPEN, 0x1000, 0x202, 0o600), path('/shared')))?.[0], 0);
  const opened = await Promise.all(
    clients.map(client => client.call(call(3, OPEN, 0x1000, 0, 0), path('/shared'))),
  );
  t.true(opened.every(([errno]) => errno === 0));
  const pids = await Promise.all(clients.map(client => client.call(getpid(4))));
  t.is(new Set(pids.map(([, pid]) => pid)).size, 200);
  t.true(pids.every(([, , parent]) => parent === 1));
  await Promise.all(clients.map(client => client.end()));
});

test('PREFORK and FORK: once, with shared offsets, also when the parent is gone', async t => {
  const at = server(t);
  const parent = await RawClient.guest(at);
  const fd = (await parent.call(call(2, OPEN, 0x1000, 0x202, 0o600), path('/f')))[1];
  const prefork = async (): Promise<Buffer> => {
    parent.send(frame(50, Class.REQ, Type.PREFORK, 0));
    return (await parent.next())?.body ?? Buffer.alloc(0);
  };
  const [first, second, cancelled] = [await prefork(), await prefork(), await prefork()];
  t.deepEqual([first.length, first.equals(second)], [16, false]);
  const child = async (auth: Buffer, cancel: number): Promise<RawClient> => {
    const client = new RawClient(at);
    await client.banner();
    client.send(
      frame(1, Class.REQ, Type.HANDSHAKE, Handshake.FORK, Buffer.concat([auth, Buffer.of(cancel, 0, 0, 0)])),
    );
    return client;
  };
  const one = await child(first, 0);
  t.is((await one.next())?.cls, Class.RESP);
  await parent.call(call(3, 4, fd, 0x2000, 4), () => Buffer.from('text'));
  t.is((await one.call(call(4, 199, fd, 0, 0, 1)))[1], 4);
  const again = await child(first, 0);
  t.is((await again.next())?.info, SpError.INVALID_PREFORK);
  t.is(await (await child(cancelled, 1)).next(), undefined);
  await parent.end();
  const late = await child(second, 0);
  t.is((await late.next())?.cls, Class.RESP);
  t.is((await late.call(call(5, CLOSE, fd)))[0], 0);
  await Promise.all([one.end(), again.end(), late.end()]);
});
