/** Sockets of a server of ours, by the client's calls: what they give, how they wait, and what ends their waits. */
import test from 'ava';
import {
  EADDRINUSE,
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  ECONNREFUSED,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENOTCONN,
  ENOTSOCK,
  EPIPE,
} from '../../../src/abi/linux/errno.js';
import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  AF_UNIX,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SHUT_RD,
  SHUT_WR,
  SO_ERROR,
  SO_RCVTIMEO,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../../src/abi/linux/socket.js';
import { addressOut, in4, in6, text } from '../../kernel/net/inet_support.js';
import { ints, option, pair, pathname, toInts } from '../../kernel/net/support.js';
import { MemoryUio } from '../../kernel/parts/memory_uio.js';
import { Remote } from './socket_support.js';

test('TCP: connections are made, named, and carry data both ways', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const { fd, port } = remote.listener();
  const accepting = process.accept(fd, 0, addressOut());
  t.is(typeof accepting, 'object', 'accept waits');
  const end = remote.done(process.socket(AF_INET, SOCK_STREAM, 0));
  t.is(remote.done(process.connect(end, in4('127.0.0.1', port))), 0);
  const other = remote.done(accepting);
  const [name, peer] = [addressOut(), addressOut()];
  t.is(remote.done(process.getpeername(end, peer)), 0);
  t.is(text(peer), `127.0.0.1:${port}`);
  t.is(remote.done(process.getsockname(end, name)), 0);
  t.is(remote.done(process.getpeername(other, peer)), 0);
  t.is(text(peer), text(name));
  t.is(remote.done(remote.send(end, 'ping')), 4);
  t.is(remote.receive(other), 'ping');
  t.is(remote.done(process.write(other, MemoryUio.from('pong'))), 4);
  const uio = MemoryUio.into(2);
  t.is(remote.done(process.read(end, uio)), 2);
  t.is(uio.text, 'po');
  t.is(remote.done(process.readable(end)), 2);
  t.is(remote.receive(end), 'ng');
  t.is(remote.done(process.connect(end, in4('127.0.0.1', port))), -EISCONN);
});

test('TCP: half-close, end of file, and EPIPE', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const [end, other] = remote.connection();
  t.is(remote.done(process.shutdown(end, SHUT_WR)), 0);
  t.is(remote.receive(other), '');
  t.is(remote.done(remote.send(other, 'late')), 4);
  t.is(remote.receive(end), 'late');
  t.is(remote.done(remote.send(end, 'x')), -EPIPE);
  t.is(remote.done(process.close(other)), 0);
  t.is(remote.receive(end), '');
  t.is(remote.done(process.close(end)), 0);
  t.is(remote.done(remote.send(end, 'x')), -EBADF);
});

test('A receiver waits for data, a sender for room', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const [end, other] = remote.connection();
  const uio = MemoryUio.into(10);
  const receiving = process.recvMsg(other, uio, 0, undefined);
  t.is(typeof receiving, 'object');
  remote.done(remote.send(end, 'at last'));
  t.is(remote.done(receiving), 7);
  t.is(uio.text, 'at last');

  const length = 8_000_000;
  const bytes = Buffer.alloc(length, '0123456789abcdef');
  const sending = process.sendMsg(end, MemoryUio.from(bytes), 0, undefined);
  t.is(typeof sending, 'object');
  let sent = 0;
  if (typeof sending !== 'number')
    sending.onDone(result => {
      sent = result;
    });
  const got = MemoryUio.into(length);
  t.is(remote.done(process.recvMsg(other, got, MSG_WAITALL, undefined)), length);
  t.true(bytes.equals(got.got));
  remote.until(() => sent !== 0, 'the sender is done');
  t.is(sent, length);
});

test('Without waiting: EAGAIN, as much as there is room for, EINPROGRESS', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const { fd, port } = remote.listener();
  const [end, other] = remote.connection();
  t.is(remote.receive(other, 10, MSG_DONTWAIT), -EAGAIN);
  const part = remote.done(
    process.sendMsg(end, MemoryUio.from(Buffer.alloc(8_000_000)), MSG_DONTWAIT, undefined),
  );
  t.true(part > 0 && part < 8_000_000, String(part));
  t.is(remote.done(remote.send(end, 'x', MSG_DONTWAIT)), -EAGAIN);
  const client = remote.done(process.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  t.is(remote.done(process.connect(client, in4('127.0.0.1', port))), -EINPROGRESS);
  t.true(remote.done(process.poll(client, 4)) === 4);
  t.is(option(process, client, SO_ERROR), 0);
  t.is(remote.done(process.setStatusFlags(fd, SOCK_NONBLOCK)), 0);
  t.true(remote.done(process.poll(fd, 1)) === 1);
  const accepted = remote.done(process.accept(fd, 0, undefined));
  t.true(accepted > 0);
  t.is(remote.done(process.accept(fd, 0, undefined)), -EAGAIN);
  t.is(remote.done(process.getStatusFlags(accepted)), 2, 'a new socket waits, whatever the listener does');
});

test('Refused connections, with and without waiting', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const waits = remote.done(process.socket(AF_INET, SOCK_STREAM, 0));
  t.is(remote.done(process.connect(waits, in4('127.0.0.1', 1))), -ECONNREFUSED);
  const not = remote.done(process.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  t.is(remote.done(process.connect(not, in4('127.0.0.1', 1))), -EINPROGRESS);
  t.true((remote.done(process.poll(not, 4)) & 4) !== 0);
  t.is(option(process, not, SO_ERROR), ECONNREFUSED);
  t.is(option(process, not, SO_ERROR), 0);
});

test('UDP: addresses, lengths that were cut, long datagrams, no peer any more', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const [from, to] = [0, 1].map(() => {
    const fd = remote.done(process.socket(AF_INET, SOCK_DGRAM, 0));
    remote.done(process.bind(fd, in4('127.0.0.1', 0)));
    return fd;
  });
  const address = addressOut();
  remote.done(process.getsockname(to, address));
  const name = address.bytes.slice(0, address.length);
  t.is(remote.done(process.sendMsg(from, MemoryUio.from('datagram'), 0, { name, control: [] })), 8);
  t.is(remote.done(process.readable(to)), 8);
  const message = { name: addressOut(), controlRoom: 0, control: [], flags: 0 };
  const uio = MemoryUio.into(4);
  t.is(remote.done(process.recvMsg(to, uio, MSG_PEEK, message)), 4);
  t.is(message.flags, MSG_TRUNC);
  t.is(remote.done(process.recvMsg(to, MemoryUio.into(4), MSG_TRUNC, message)), 8);
  remote.done(process.getsockname(from, address));
  t.is(text(message.name), text(address));
  const long = 'long'.repeat(12_000);
  t.is(remote.done(process.sendMsg(from, MemoryUio.from(long), 0, { name, control: [] })), long.length);
  t.is(remote.receive(to, 65536), long);
  t.is(remote.done(process.connect(from, name)), 0);
  t.is(remote.done(remote.send(from, '')), 0);
  t.is(remote.receive(to), '');
  t.is(
    remote.done(process.connect(from, Uint8Array.of(AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))),
    0,
  );
  t.is(remote.done(process.getpeername(from, address)), -ENOTCONN);
});

test('IPv6: a socket takes connections of IPv4, too', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const fd = remote.done(process.socket(AF_INET6, SOCK_STREAM, 0));
  t.is(remote.done(process.bind(fd, in6('::', 0))), 0);
  t.is(remote.done(process.listen(fd, 5)), 0);
  const name = addressOut();
  remote.done(process.getsockname(fd, name));
  const port = (name.bytes[2] << 8) | name.bytes[3];
  const [four, six] = [AF_INET, AF_INET6].map(family => remote.done(process.socket(family, SOCK_STREAM, 0)));
  t.is(remote.done(process.connect(four, in4('127.0.0.1', port))), 0);
  t.is(remote.done(process.connect(six, in6('::1', port))), 0);
  const peer = addressOut();
  const [first, second] = [0, 1].map(() => {
    remote.done(process.accept(fd, 0, peer));
    return text(peer);
  });
  t.regex(first, /^\[::ffff:127\.0\.0\.1\]:\d+$/);
  t.regex(second, /::0?1\]:\d+$/);
});

test('Unix sockets: at a path, in pairs, and descriptors in messages', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const fd = remote.done(process.socket(AF_UNIX, SOCK_STREAM, 0));
  t.is(remote.done(process.bind(fd, pathname('/at'))), 0);
  const again = remote.done(process.socket(AF_UNIX, SOCK_STREAM, 0));
  t.is(remote.done(process.bind(again, pathname('/at'))), -EADDRINUSE);
  t.is(remote.done(process.listen(fd, 5)), 0);
  t.is(remote.done(process.connect(again, pathname('/at'))), 0);
  const accepted = remote.done(process.accept(fd, 0, undefined));
  t.is(remote.done(remote.send(again, 'by path')), 7);
  t.is(remote.receive(accepted), 'by path');

  const [end, other] = pair(process, SOCK_STREAM);
  const control = [{ level: SOL_SOCKET, type: 1, data: ints(accepted) }];
  t.is(remote.done(process.sendMsg(end, MemoryUio.from('it'), 0, { name: undefined, control })), 2);
  const message = { name: undefined, controlRoom: 64, control: [] as typeof control, flags: 0 };
  t.is(remote.done(process.recvMsg(other, MemoryUio.into(10), 0, message)), 2);
  const [passed] = toInts(message.control[0].data);
  remote.done(process.close(accepted));
  t.is(remote.done(remote.send(again, 'to the copy')), 11);
  t.is(remote.receive(passed), 'to the copy');
  t.is(remote.done(process.close(passed)), 0);
  t.is(remote.receive(again), '', 'the last descriptor is closed');
});

test('What ends a wait: a signal, SO_RCVTIMEO, shutdown(2), the end of the server', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const [end, other] = remote.connection();
  const interrupted = process.recvMsg(other, MemoryUio.into(10), 0, undefined);
  if (typeof interrupted === 'number') return t.fail('it does not wait');
  interrupted.onDone(() => t.fail('a result after the signal'));
  t.not(interrupted.restarts, false);
  t.is(interrupted.cancel(), 0);
  remote.done(remote.send(end, 'kept'));
  t.is(remote.receive(other), 'kept', 'nothing was taken by the call that was interrupted');

  const timeout = new Uint8Array(16);
  new DataView(timeout.buffer).setBigInt64(8, 20_000n, true);
  t.is(remote.done(process.setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, timeout)), 0);
  t.is(remote.receive(other), -EAGAIN);
  t.is(remote.done(process.setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(16))), 0);

  const reading = process.recvMsg(other, MemoryUio.into(10), 0, undefined);
  t.is(remote.done(process.shutdown(other, SHUT_RD)), 0);
  t.is(remote.done(reading), 0);

  const { fd } = remote.listener();
  const accepting = process.accept(fd, 0, undefined);
  const receiving = process.recvMsg(end, MemoryUio.into(10), 0, undefined);
  const results: number[] = [];
  for (const call of [accepting, receiving]) {
    if (typeof call === 'number') t.fail('it does not wait');
    else call.onDone(result => results.push(result));
  }
  remote.server.stop();
  remote.until(() => results.length === 2, 'the server is missed');
  t.deepEqual(results, [-ENOTCONN, -ENOTCONN]);
  t.is(remote.done(remote.send(end, 'x')), -ENOTCONN);
});

test('What is no socket, and what cannot be one', t => {
  const remote = new Remote(t);
  const { process } = remote;
  t.is(remote.done(process.socket(AF_PACKET, SOCK_DGRAM, 0)), -EAFNOSUPPORT);
  t.is(remote.done(process.socket(AF_INET, SOCK_STREAM | 0x100, 0)), -EINVAL);
  t.is(remote.done(process.bind(77, in4('127.0.0.1', 0))), -EBADF);
  const file = remote.done(process.openAt(-100, '/file', 0o102, 0o644, 0));
  t.is(remote.done(process.bind(file, in4('127.0.0.1', 0))), -ENOTSOCK);
  const fd = remote.done(process.socket(AF_INET, SOCK_STREAM, 0));
  t.is(remote.done(process.bind(fd, in4('127.0.0.1', 0).subarray(0, 15))), -EINVAL);
  t.is(remote.done(process.bind(fd, in6('::1', 0))), -EAFNOSUPPORT);
  t.is(remote.done(process.accept(fd, 0, undefined)), -EINVAL);
  t.is(remote.receive(fd), -ENOTCONN);
  t.is(remote.done(remote.send(fd, 'x')), -EPIPE);
  t.is(remote.done(process.shutdown(fd, SHUT_WR)), -ENOTCONN);
});

test('A child has the sockets of its parent, and they stay when the parent is gone', t => {
  const remote = new Remote(t);
  const [end, other] = remote.connection();
  const child = remote.process.fork(2, { files: false, fs: false });
  remote.done(remote.process.close(other));
  t.is(remote.done(remote.send(end, 'to the child')), 12);
  const uio = MemoryUio.into(100);
  t.is(remote.done(child.recvMsg(other, uio, 0, undefined)), 12);
  const waiting = child.recvMsg(other, uio, 0, undefined);
  t.is(typeof waiting, 'object');
  t.is(remote.done(child.close(end)), 0);
  remote.process.exit();
  t.is(remote.done(waiting), 0, 'the end of file is heard of by the child itself');
});
