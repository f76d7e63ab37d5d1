/** Stream sockets of AF_UNIX: unix(7), and net/unix/af_unix.c where it says nothing. */
import test from 'ava';
import {
  EACCES,
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EINVAL,
  EISCONN,
  ENOENT,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  ESOCKTNOSUPPORT,
} from '../../../src/abi/linux/errno.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from '../../../src/abi/linux/poll.js';
import {
  AF_UNIX,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_WAITALL,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_ACCEPTCONN,
  SO_ERROR,
  SO_PEERCRED,
  SO_RCVTIMEO,
  SO_SNDBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RDM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '../../../src/abi/linux/socket.js';
import { AT_FDCWD, type KernelProcess } from '../../../src/kernel/rump_kernel.js';
import { ALICE, stat } from '../contract/support.js';
import {
  nameOf,
  now,
  option,
  pair,
  pathname,
  receiving,
  send,
  setOption,
  start,
  text,
  toInts,
  World,
  waits,
} from './support.js';

const ALL = POLLIN | POLLOUT | POLLRDHUP;

/** What poll(2) says now. */
function poll(process: KernelProcess, fd: number): number {
  const result = process.poll(fd, ALL);
  if (typeof result === 'number') return result;
  result.cancel();
  return 0;
}

function listener(process: KernelProcess, path: string, backlog = 5, type = SOCK_STREAM): number {
  const fd = now(process.socket(AF_UNIX, type, 0));
  if (now(process.bind(fd, pathname(path))) !== 0) throw new Error(`cannot bind ${path}`);
  process.listen(fd, backlog);
  return fd;
}

test('a pair carries bytes both ways, ends with its last descriptor, and knows who made it', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  t.is(send(p, a, 'one'), 3);
  t.is(send(p, a, 'two'), 3);
  t.is(p.readable(b), 6);
  t.is(text(p, b, 4), 'onet');
  t.is(text(p, b, 100), 'wo');
  t.is(text(p, b, 1, MSG_DONTWAIT), -EAGAIN);
  t.is(send(p, b, 'back'), 4);
  t.is(text(p, a, 2, MSG_PEEK), 'ba');
  t.is(text(p, a, 9), 'back');
  const creds = new Uint8Array(12);
  t.is(p.getsockopt(b, 1, SO_PEERCRED, creds), 12);
  t.deepEqual(toInts(creds), [100, 0, 0]);
  const copy = now(p.dup(a, 0, false));
  p.close(a);
  t.is(poll(p, b), POLLOUT);
  p.close(copy);
  t.is(poll(p, b), ALL | POLLHUP);
  t.is(text(p, b, 1), '');
  t.is(send(p, b, 'x'), -EPIPE);
});

test('sockets are made as unix_create() makes them', t => {
  const p = new World().spawn();
  t.is(p.socket(AF_UNIX, SOCK_RDM, 0), -ESOCKTNOSUPPORT);
  t.is(p.socket(AF_UNIX, SOCK_STREAM, 6), -EPROTONOSUPPORT);
  t.true(now(p.socket(AF_UNIX, SOCK_STREAM, AF_UNIX)) > 0);
  t.is(option(p, now(p.socket(AF_UNIX, 3, 0)), SO_TYPE), SOCK_DGRAM);
  const fd = now(p.socket(AF_UNIX, SOCK_STREAM, 0));
  t.is(poll(p, fd), POLLOUT | POLLHUP);
  t.is(send(p, fd, 'x'), -ENOTCONN);
  t.is(text(p, fd, 1), -EINVAL);
  t.is(nameOf(p, fd), '\x01\0');
  t.is(nameOf(p, fd, true), -ENOTCONN);
  t.is(p.listen(fd, 1), -EINVAL);
  t.is(p.accept(fd, 0, undefined), -EINVAL);
});

test('a connection over a path: names, readiness, descriptors', t => {
  const world = new World();
  const server = world.spawn();
  const client = world.spawn(ALICE);
  const listening = listener(server, '/sock');
  t.is(stat(server, '/sock').mode, 0o140755);
  t.is(option(server, listening, SO_ACCEPTCONN), 1);
  t.is(poll(server, listening), 0);
  const fd = now(client.socket(AF_UNIX, SOCK_STREAM, 0));
  t.is(client.connect(fd, pathname('/sock')), -EACCES);
  server.chmodAt(AT_FDCWD, '/sock', 0o777, 0);
  t.is(client.connect(fd, pathname('/sock')), 0);
  t.is(client.connect(fd, pathname('/sock')), -EISCONN);
  t.is(poll(server, listening), POLLIN);
  // Sent before it is accepted.
  t.is(send(client, fd, 'early'), 5);
  const peer = { bytes: new Uint8Array(128), length: -1 };
  const accepted = now(server.accept(listening, 0, peer));
  t.is(peer.length, 2);
  t.is(nameOf(server, accepted), '\x01\0/sock\0');
  t.is(nameOf(client, fd, true), '\x01\0/sock\0');
  t.is(nameOf(client, fd), '\x01\0');
  t.is(text(server, accepted, 10), 'early');
  const creds = new Uint8Array(12);
  server.getsockopt(accepted, 1, SO_PEERCRED, creds);
  t.deepEqual(toInts(creds), [101, 1000, 1000]);
  client.getsockopt(fd, 1, SO_PEERCRED, creds);
  t.deepEqual(toInts(creds), [100, 0, 0]);
  t.is(server.accept(listening, SOCK_NONBLOCK | 1, undefined), -EINVAL);
});

test('names: taken, missing, of another type, without a listener', t => {
  const p = new World().spawn();
  listener(p, '/sock');
  const fd = now(p.socket(AF_UNIX, SOCK_STREAM, 0));
  t.is(p.bind(fd, pathname('/sock')), -EADDRINUSE);
  t.is(p.bind(fd, pathname('/none/sock')), -ENOENT);
  t.is(p.bind(fd, Buffer.from([AF_UNIX])), -EINVAL);
  t.is(p.bind(fd, Buffer.from([2, 0, 1, 1])), -EINVAL);
  t.is(p.connect(fd, pathname('/none')), -ENOENT);
  t.is(p.connect(fd, pathname('/dev/null')), -ECONNREFUSED);
  const packets = now(p.socket(AF_UNIX, SOCK_SEQPACKET, 0));
  t.is(p.connect(packets, pathname('/sock')), -EPROTOTYPE);
  t.is(p.bind(packets, pathname('/packets')), 0);
  t.is(p.connect(now(p.socket(AF_UNIX, SOCK_SEQPACKET, 0)), pathname('/packets')), -ECONNREFUSED);
  t.is(p.bind(packets, pathname('/again')), -EINVAL);
  t.is(p.bind(packets, pathname('/packets')), -EADDRINUSE);
  t.is(p.statAt(AT_FDCWD, '/again', 0, stat(p, '/')), -ENOENT);
  p.close(packets);
  t.is(p.connect(now(p.socket(AF_UNIX, SOCK_SEQPACKET, 0)), pathname('/packets')), -ECONNREFUSED);
  // A path of 108 bytes has no NUL; the kernel adds one.
  const long = `/${'x'.repeat(107)}`;
  t.is(p.bind(fd, pathname(long)), 0);
  t.is(nameOf(p, fd), `\x01\0${long}\0`);
});

test('abstract names live as long as their socket, and each type has its own; autobind', t => {
  const p = new World().spawn();
  const fd = listener(p, '\0name');
  t.is(nameOf(p, fd), '\x01\0\0name');
  const other = now(p.socket(AF_UNIX, SOCK_STREAM, 0));
  t.is(p.bind(other, pathname('\0name')), -EADDRINUSE);
  t.is(p.connect(other, pathname('\0name\0')), -ECONNREFUSED);
  t.is(p.bind(now(p.socket(AF_UNIX, SOCK_DGRAM, 0)), pathname('\0name')), 0);
  t.is(p.connect(other, pathname('\0name')), 0);
  p.close(fd);
  t.is(p.bind(now(p.socket(AF_UNIX, SOCK_STREAM, 0)), pathname('\0name')), 0);
  const anonymous = now(p.socket(AF_UNIX, SOCK_STREAM, 0));
  t.is(p.bind(anonymous, pathname('')), 0);
  t.regex(String(nameOf(p, anonymous)).slice(3), /^[0-9a-f]{5}$/);
});

test('a bound path keeps its file system in use until the last connection over it is closed', t => {
  const p = new World().spawn();
  p.mkdirAt(AT_FDCWD, '/m', 0o755);
  p.mount('none', '/m', 'tmpfs', 0, '');
  const listening = listener(p, '/m/sock');
  const fd = now(p.socket(AF_UNIX, SOCK_STREAM, 0));
  t.is(p.connect(fd, pathname('/m/sock')), 0);
  const accepted = now(p.accept(listening, 0, undefined));
  p.close(listening);
  t.is(p.umount('/m', 0), -16);
  p.close(accepted);
  t.is(p.umount('/m', 0), 0);
});

test('a full backlog: EAGAIN, or a wait that accept ends; a listener that goes refuses those who wait', t => {
  const p = new World().spawn();
  const listening = listener(p, '/sock', 0);
  const connect = (type: number) => {
    const fd = now(p.socket(AF_UNIX, type, 0));
    return [fd, p.connect(fd, pathname('/sock'))] as const;
  };
  const [first, connected] = connect(SOCK_STREAM);
  t.is(connected, 0);
  t.is(connect(SOCK_STREAM | SOCK_NONBLOCK)[1], -EAGAIN);
  const second = waits(t, connect(SOCK_STREAM)[1]);
  const third = waits(t, connect(SOCK_STREAM)[1]);
  const accepted = now(p.accept(listening, 0, undefined));
  t.is(second.result, 0);
  t.is(third.result, undefined);
  p.close(listening);
  t.is(third.result, -ECONNREFUSED);
  t.is(send(p, first, 'x'), 1);
  t.is(text(p, accepted, 1), 'x');
});

test('who was not accepted when the listener goes is reset', t => {
  const p = new World().spawn();
  const listening = listener(p, '/sock');
  const fd = now(p.socket(AF_UNIX, SOCK_STREAM, 0));
  p.connect(fd, pathname('/sock'));
  p.close(listening);
  t.is(poll(p, fd), ALL | POLLHUP | POLLERR);
  t.is(option(p, fd, SO_ERROR), ECONNRESET);
  t.is(option(p, fd, SO_ERROR), 0);
  t.is(text(p, fd, 1), '');
});

test('a call that waits is woken by data, by the end, and by nothing else', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  const first = receiving(p, b, 10);
  const second = receiving(p, b, 10);
  const waiting = [waits(t, first.result), waits(t, second.result)];
  send(p, a, 'x');
  t.is(first.received(waiting[0].result ?? -1).text, 'x');
  t.is(waiting[1].result, undefined);
  p.shutdown(a, SHUT_WR);
  t.is(waiting[1].result, 0);
});

test('MSG_WAITALL gets all, or what there is at the end; a cancelled wait says what it had', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  send(p, a, 'ab');
  const whole = receiving(p, b, 5, MSG_WAITALL);
  const waiting = waits(t, whole.result);
  send(p, a, 'cd');
  t.is(waiting.result, undefined);
  send(p, a, 'efg');
  t.is(whole.received(waiting.result ?? -1).text, 'abcde');
  const cut = waits(t, receiving(p, b, 5, MSG_WAITALL).result);
  t.is(cut.cancel(), 2);
  send(p, a, 'h');
  const last = waits(t, receiving(p, b, 5, MSG_WAITALL).result);
  p.close(a);
  t.is(last.result, 1);
});

test('a full send buffer: as much as the host takes, then a wait until much is read', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  const big = new Uint8Array(1_000_000).map((_, i) => i % 251);
  t.is(send(p, a, big, MSG_DONTWAIT), 219264);
  t.is(p.unsent(a), 222720);
  t.is(poll(p, a), 0);
  t.is(send(p, a, 'x', MSG_DONTWAIT), -EAGAIN);
  const more = waits(t, send(p, a, big.subarray(219264)));
  const got = Buffer.alloc(big.length);
  for (let at = 0; at < big.length; ) at += got.write(String(text(p, b, 70000)), at, 'latin1');
  t.is(more.result, big.length - 219264);
  t.deepEqual(got, Buffer.from(big));
  t.is(p.unsent(a), 0);
  t.is(poll(p, a), POLLOUT);
});

test('a signal ends a long write with what was taken; the end of the reader ends it, too', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  t.is(waits(t, send(p, a, new Uint8Array(300_000))).cancel(), 219264);
  const waiting = waits(t, send(p, a, 'x'));
  p.close(b);
  t.is(waiting.result, -ECONNRESET);
  t.is(send(p, a, 'x'), -EPIPE);
});

test('half-close', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  send(p, a, 'last');
  t.is(p.shutdown(a, SHUT_WR), 0);
  t.is(send(p, a, 'x'), -EPIPE);
  t.is(poll(p, b), ALL);
  t.is(text(p, b, 10), 'last');
  t.is(text(p, b, 10), '');
  t.is(send(p, b, 'answer'), 6);
  t.is(text(p, a, 10), 'answer');
  t.is(p.shutdown(a, SHUT_RD), 0);
  t.is(send(p, b, 'x'), -EPIPE);
  t.is(text(p, a, 1), '');
  t.is(poll(p, a), ALL | POLLHUP);
  t.is(p.shutdown(a, SHUT_RDWR + 1), -EINVAL);
});

test('unread data at the end is a reset for the other side', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  send(p, a, 'never read');
  send(p, b, 'read first');
  p.close(b);
  t.is(poll(p, a), ALL | POLLHUP | POLLERR);
  t.is(text(p, a, 100), 'read first');
  t.is(text(p, a, 1), -ECONNRESET);
  t.is(text(p, a, 1), '');
});

test('a socket that is closed while a call waits lives until that call ends', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  const call = receiving(p, b, 10);
  const waiting = waits(t, call.result);
  p.close(b);
  t.is(send(p, a, 'late'), 4);
  t.is(call.received(waiting.result ?? -1).text, 'late');
  t.is(send(p, a, 'x'), -EPIPE);
});

test('accept waits, and shutdown ends that', t => {
  const p = new World().spawn();
  const listening = listener(p, '/sock');
  const first = waits(t, p.accept(listening, 0, undefined));
  const fd = now(p.socket(AF_UNIX, SOCK_STREAM, 0));
  p.connect(fd, pathname('/sock'));
  t.true((first.result ?? -1) > 0);
  const second = waits(t, p.accept(listening, 0, undefined));
  p.shutdown(listening, SHUT_RD);
  t.is(second.result, -EINVAL);
  t.is(p.connect(now(p.socket(AF_UNIX, SOCK_STREAM, 0)), pathname('/sock')), -ECONNREFUSED);
});

test('a timeout of SO_RCVTIMEO ends a wait', t => {
  const world = new World();
  const p = world.spawn();
  const [, b] = pair(p, SOCK_STREAM);
  const timeout = new Uint8Array(16);
  new DataView(timeout.buffer).setBigInt64(8, 1000n, true);
  t.is(p.setsockopt(b, 1, SO_RCVTIMEO, timeout), 0);
  const waiting = waits(t, receiving(p, b, 1).result);
  while (waiting.result === undefined) world.kernel.loop.turn(100);
  t.is(waiting.result, -EAGAIN);
});

test('a small send buffer, and sending to a name', t => {
  const p = new World().spawn();
  const [a] = pair(p, SOCK_STREAM);
  t.is(setOption(p, a, SO_SNDBUF, 1), 0);
  t.is(option(p, a, SO_SNDBUF), 4608);
  t.is(send(p, a, new Uint8Array(100_000), MSG_DONTWAIT), 4480);
  t.is(send(p, a, 'x', 0, [], pathname('/x')), -EISCONN);
  const fd = now(p.socket(AF_UNIX, SOCK_STREAM, 0));
  t.is(send(p, fd, 'x', 0, [], pathname('/x')), -EOPNOTSUPP);
});

test('a watcher is told of each change, and again of more data', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  const told: (number | string)[] = [];
  const watcher = { changed: (revents: number) => told.push(revents), closed: () => told.push('closed') };
  p.watch(b, watcher);
  send(p, a, 'x');
  send(p, a, 'y');
  text(p, b, 1);
  text(p, b, 1);
  p.close(a);
  p.close(b);
  t.deepEqual(told, [POLLOUT, POLLOUT | POLLIN, POLLOUT | POLLIN, POLLOUT, ALL | POLLHUP, 'closed']);
});

test('poll waits for what is asked, beside a writer that waits', t => {
  const p = new World().spawn();
  const [a, b] = pair(p, SOCK_STREAM);
  const writing = waits(t, send(p, a, new Uint8Array(300_000)));
  const readable = waits(t, p.poll(a, POLLIN));
  const writable = waits(t, p.poll(a, POLLOUT));
  send(p, b, 'x');
  t.is(readable.result, POLLIN);
  t.is(writable.result, undefined);
  t.is(start(p.read(b, { resid: 0, move: () => 0 })).result, 0);
  while (writing.result === undefined) text(p, b, 300_000);
  text(p, b, 300_000);
  t.is(writable.result, POLLOUT);
});
