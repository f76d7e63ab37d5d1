/** What a server may ask of our client while a call runs: its memory and no other, anonymous memory, signals. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NB } from '../../../src/abi/netbsd/nr.js';
import { EventLoop } from '../../../src/native/loop.js';
import { net } from '../../../src/native/net.js';
import { CallPool, Connection } from '../../../src/sysproxy/client/connection.js';
import { Class, Type } from '../../../src/sysproxy/frame.js';
import { frame, parseFrame, type TestFrame } from '../server/sync_client.js';

const inbox = new Uint8Array(65536);
const signals: [number, number][] = [];

/** A connection of ours, and the other end of it. */
function pair(t: ExecutionContext): {
  connection: Connection;
  pool: CallPool;
  ask: (...frames: Buffer[]) => TestFrame[];
} {
  const dir = mkdtempSync(join(tmpdir(), 'requests-'));
  const path = join(dir, 'socket');
  const listener = net.listen(path);
  const pool = new CallPool();
  const fd = net.connect(path);
  const peer = net.accept(listener);
  const connection = new Connection(fd, new EventLoop(), pool, {
    onLost: () => {},
    onSignal: (tag, signal) => signals.push([tag, signal]),
  });
  t.teardown(() => {
    for (const each of [listener, peer]) net.close(each);
    if (!connection.lost) connection.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const ask = (...frames: Buffer[]): TestFrame[] => {
    const bytes = Buffer.concat(frames);
    net.send(peer, bytes, 0, bytes.length);
    connection.onReady();
    const got = net.recv(peer, inbox, 0, inbox.length);
    const found: TestFrame[] = [];
    for (let at = 0; at < got; ) {
      const length = Buffer.from(inbox.buffer).readUInt32LE(at);
      found.push(parseFrame(Buffer.from(inbox.slice(at, at + length))));
      at += length;
    }
    return found;
  };
  return { connection, pool, ask };
}

function copy(type: number, length: number, address: bigint, data = Buffer.alloc(0)): Buffer {
  const body = Buffer.alloc(16 + data.length);
  body.writeBigUInt64LE(BigInt(length), 0);
  body.writeBigUInt64LE(address, 8);
  data.copy(body, 16);
  return frame(7, Class.REQ, type, 0, body);
}

test('a call shows its own memory, and zeros for all else', t => {
  const { connection, pool, ask } = pair(t);
  const secret = Buffer.from('of the client, not of the call');
  const call = pool.begin(NB.getxattr).string('/path').buffer(secret.subarray(0, 6));
  connection.send(call);
  const [request] = ask();
  const [path, buffer] = [request?.body.readBigUInt64LE(0) ?? 0n, request?.body.readBigUInt64LE(8) ?? 0n];
  const shown = (type: number, length: number, address: bigint): string | undefined =>
    ask(copy(type, length, address))[0]?.body.toString();
  t.is(shown(Type.COPYINSTR, 1024, path), '/path\0');
  t.is(shown(Type.COPYINSTR, 3, path), '/pa');
  t.is(shown(Type.COPYIN, 6, buffer), 'of the');
  // Beyond its end, at addresses of a program, of nobody, and of another call.
  for (const address of [
    buffer + 1n,
    0n,
    0x400000n,
    0x7fff_ffff_0000n,
    (1n << 64n) - 8n,
    buffer + (1n << 32n),
  ])
    t.is(shown(Type.COPYIN, 6, address), '\0'.repeat(6), String(address));
  t.is(shown(Type.COPYINSTR, 100, 0x400000n), '\0');
  ask(
    copy(Type.COPYOUT, 4, buffer + 4n, Buffer.from('XXXX')),
    copy(Type.COPYOUT, 4, 0x400000n, Buffer.from('XXXX')),
  );
  t.is(secret.toString(), 'of the client, not of the call');
  ask(copy(Type.COPYOUT, 2, buffer, Buffer.from('OF')));
  t.is(secret.toString('latin1', 0, 6), 'OF the');
  t.is(connection.strays, 9);
  t.false(connection.lost);
});

test('memory is shown only while the call runs', t => {
  const { connection, pool, ask } = pair(t);
  const call = pool.begin(NB.chdir).string('/path');
  connection.send(call);
  const [request] = ask();
  const path = request?.body.readBigUInt64LE(0) ?? 0n;
  ask(frame(request?.reqno ?? 0, Class.RESP, Type.SYSCALL, 0, Buffer.alloc(24)));
  t.is(ask(copy(Type.COPYINSTR, 100, path))[0]?.body.toString(), '\0');
});

test('ANONMMAP gives memory that can be copied to and from, up to a limit', t => {
  const { ask } = pair(t);
  const map = (length: bigint): bigint => {
    const body = Buffer.alloc(8);
    body.writeBigUInt64LE(length);
    const [answer] = ask(frame(3, Class.REQ, Type.ANONMMAP, 0, body));
    t.is(answer?.type, Type.ANONMMAP);
    return answer?.body.readBigUInt64LE(0) ?? 0n;
  };
  const [first, second] = [map(100n), map(5000n)];
  t.true(first !== 0n && second >= first + 100n);
  ask(copy(Type.COPYOUT, 5, second + 10n, Buffer.from('there')));
  t.is(ask(copy(Type.COPYIN, 7, second + 9n))[0]?.body.toString(), '\0there\0');
  t.is(ask(copy(Type.COPYIN, 2, first + 99n))[0]?.body.toString(), '\0\0');
  t.is(map(1n << 40n), 0n);
  t.is(map(0n), 0n);
});

test('RAISE goes to the thread of the call; of several, to the one that is answered next', t => {
  const { connection, pool, ask } = pair(t);
  const raise = frame(9, Class.REQ, Type.RAISE, 16, Buffer.alloc(0));
  const send = (tag: number): number => {
    const call = pool.begin(NB.write).int(3).nil().long(0);
    call.tag = tag;
    connection.send(call);
    return call.reqno;
  };
  const first = send(111);
  ask(raise);
  t.deepEqual(signals.splice(0), [[111, 16]]);
  const second = send(222);
  ask(raise);
  t.deepEqual(signals, []);
  ask(frame(second, Class.RESP, Type.SYSCALL, 0, Buffer.alloc(24)));
  t.deepEqual(signals.splice(0), [[222, 16]]);
  ask(frame(first, Class.RESP, Type.SYSCALL, 0, Buffer.alloc(24)));
});

test('what no server asks ends the connection', t => {
  for (const bad of [
    frame(1, Class.REQ, 9, 0, Buffer.alloc(16)),
    frame(1, Class.REQ, Type.COPYIN, 0, Buffer.alloc(8)),
    copy(Type.COPYIN, 2 ** 32, 0n),
    copy(Type.COPYOUT, 10, 0n, Buffer.from('short')),
  ]) {
    const { connection, ask } = pair(t);
    ask(bad);
    t.true(connection.lost);
  }
});
