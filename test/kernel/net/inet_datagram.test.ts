import test from 'ava';
import {
  EACCES,
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EDESTADDRREQ,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENETUNREACH,
  ENOTCONN,
  EPERM,
  EPIPE,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from '../../../src/abi/linux/errno.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '../../../src/abi/linux/inet.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from '../../../src/abi/linux/poll.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_RDWR,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '../../../src/abi/linux/socket.js';
import type { KernelProcess } from '../../../src/kernel/rump_kernel.js';
import { addressOut, events, in4, in6, nameOf, text } from './inet_support.js';
import { now, receive, send, start, World, waits } from './support.js';

const world = new World();

function bound(p: KernelProcess, address = in4('127.0.0.1', 0)): { fd: number; port: number } {
  const fd = now(p.socket(address[0], SOCK_DGRAM, 0));
  now(p.bind(fd, address));
  const out = addressOut();
  now(p.getsockname(fd, out));
  return { fd, port: (out.bytes[2] << 8) | out.bytes[3] };
}

function sender(name: string): string {
  return text({
    bytes: Uint8Array.from(Buffer.concat([Buffer.from(name, 'latin1'), Buffer.alloc(128)])),
    length: name.length,
  });
}

test('datagrams keep their bounds, and say where they come from', t => {
  const p = world.spawn();
  const a = bound(p);
  const b = bound(p);
  t.is(send(p, a.fd, 'one', 0, [], in4('127.0.0.1', b.port)), 3);
  t.is(send(p, a.fd, '', 0, [], in4('127.0.0.1', b.port)), 0);
  t.is(send(p, a.fd, 'three', 0, [], in4('127.0.0.1', b.port)), 5);
  t.is(events(p, b.fd), POLLIN | POLLOUT);
  const first = receive(p, b.fd, 100);
  t.is(first.text, 'one');
  t.is(sender(first.name), `127.0.0.1:${a.port}`);
  t.is(receive(p, b.fd, 100).result, 0);
  const cut = receive(p, b.fd, 2, MSG_PEEK);
  t.deepEqual([cut.text, cut.flags], ['th', MSG_TRUNC]);
  t.is(receive(p, b.fd, 2, MSG_TRUNC).result, 5);
  t.is(events(p, b.fd), POLLOUT);
  t.is(p.recvMsg(b.fd, { resid: 1, move: () => 0 }, MSG_DONTWAIT, undefined), -EAGAIN);
});

test('a receiver waits', t => {
  const p = world.spawn();
  const a = bound(p);
  const waiting = waits(t, p.recvMsg(a.fd, { resid: 10, move: (_b, _o, n) => n }, 0, undefined));
  const b = bound(p);
  send(p, b.fd, 'hello', 0, [], in4('127.0.0.1', a.port));
  t.is(waiting.result, 5);
});

test('IPv6, and IPv4 on a socket of both', t => {
  const p = world.spawn();
  const both = bound(p, in6('::', 0));
  const six = bound(p, in6('::1', 0));
  const four = bound(p);
  send(p, six.fd, 'six', 0, [], in6('::1', both.port));
  send(p, four.fd, 'four', 0, [], in4('127.0.0.1', both.port));
  const first = receive(p, both.fd, 100);
  t.deepEqual([first.text, sender(first.name)], ['six', `[::1]:${six.port}`]);
  const second = receive(p, both.fd, 100);
  t.deepEqual([second.text, sender(second.name)], ['four', `[::ffff:127.0.0.1]:${four.port}`]);
  t.is(send(p, both.fd, 'back', 0, [], in6('::ffff:127.0.0.1', four.port)), 4);
  t.is(receive(p, four.fd, 100).text, 'back');
});

test('connected: one peer only, and errors that packets bring', t => {
  const p = world.spawn();
  const a = bound(p);
  const b = bound(p);
  const other = bound(p);
  t.is(p.connect(a.fd, in4('127.0.0.1', b.port)), 0);
  t.is(nameOf(p, a.fd, 'peer'), `127.0.0.1:${b.port}`);
  send(p, other.fd, 'not for you', 0, [], in4('127.0.0.1', a.port));
  t.is(p.recvMsg(a.fd, { resid: 1, move: () => 0 }, MSG_DONTWAIT, undefined), -EAGAIN);
  t.is(send(p, a.fd, 'x'), 1);
  t.is(receive(p, b.fd, 10).text, 'x');
  now(p.close(b.fd));
  t.is(send(p, a.fd, 'x'), 1);
  t.is(events(p, a.fd), POLLOUT | POLLERR);
  t.is(send(p, a.fd, 'x'), -ECONNREFUSED);
  t.is(send(p, a.fd, 'x'), 1);
  t.is(p.recvMsg(a.fd, { resid: 1, move: () => 0 }, 0, undefined), -ECONNREFUSED);
  t.is(p.connect(a.fd, Uint8Array.of(AF_UNSPEC, 0)), 0);
  t.is(p.getpeername(a.fd, addressOut()), -ENOTCONN);
  t.is(send(p, a.fd, 'x'), -EDESTADDRREQ);
});

test('a socket gets a port with its first datagram', t => {
  const p = world.spawn();
  const a = bound(p);
  const fd = now(p.socket(AF_INET, SOCK_DGRAM, 0));
  t.is(nameOf(p, fd, 'sock'), '0.0.0.0:0');
  send(p, fd, 'x', 0, [], in4('127.0.0.1', a.port));
  const port = Number(sender(receive(p, a.fd, 10).name).split(':')[1]);
  t.true(port >= 32768 && port < 61000);
  t.is(nameOf(p, fd, 'sock'), `0.0.0.0:${port}`);
});

test('what may not be sent', t => {
  const p = world.spawn();
  const a = bound(p);
  t.is(send(p, a.fd, 'x', 0, [], in4('192.0.2.1', 9)), -ENETUNREACH);
  t.is(send(p, a.fd, 'x', 0, [], in4('127.0.0.1', 0)), -EINVAL);
  t.is(send(p, a.fd, 'x', 0, [], in4('127.0.0.1', 9).subarray(0, 15)), -EINVAL);
  t.is(send(p, a.fd, 'x', 0, [], in4('127.255.255.255', 9)), -EACCES);
  t.is(send(p, a.fd, Buffer.alloc(65508), 0, [], in4('127.0.0.1', 9)), -EMSGSIZE);
  t.is(send(p, a.fd, Buffer.alloc(65507), 0, [], in4('127.0.0.1', a.port)), 65507);
  t.is(receive(p, a.fd, 70000).result, 65507);
  t.is(p.bind(now(p.socket(AF_INET, SOCK_DGRAM, 0)), in4('127.0.0.1', a.port)), -EADDRINUSE);
});

test('a queue that is full drops what comes', t => {
  const p = world.spawn();
  const a = bound(p);
  const b = bound(p);
  for (let i = 0; i < 1000; i++)
    t.is(send(p, b.fd, Buffer.alloc(1000, i), 0, [], in4('127.0.0.1', a.port)), 1000);
  let got = 0;
  while (p.recvMsg(a.fd, { resid: 1000, move: (_b, _o, n) => n }, MSG_DONTWAIT, undefined) === 1000) got++;
  t.true(got > 50 && got < 1000, `${got}`);
});

test('shutdown', t => {
  const p = world.spawn();
  const a = bound(p);
  const waiting = start(p.recvMsg(a.fd, { resid: 1, move: () => 0 }, 0, undefined));
  t.is(p.shutdown(a.fd, SHUT_RDWR), -ENOTCONN);
  t.is(waiting.result, 0);
  t.is(events(p, a.fd), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
  t.is(send(p, a.fd, 'x', 0, [], in4('127.0.0.1', 9)), -EPIPE);
});

test('what socket(2) refuses', t => {
  const p = world.spawn();
  const user = world.spawn({ uid: 1000, gid: 1000, groups: [] });
  t.is(p.socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), -EPROTONOSUPPORT);
  t.is(p.socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), -EPROTONOSUPPORT);
  t.is(p.socket(AF_INET, SOCK_SEQPACKET, 0), -ESOCKTNOSUPPORT);
  t.is(p.socket(AF_INET, SOCK_STREAM, 263), -EINVAL);
  t.is(p.socket(AF_INET, SOCK_STREAM, 262), -EPROTONOSUPPORT);
  t.is(p.socket(AF_INET, SOCK_RAW, 0), -EPROTONOSUPPORT);
  t.is(user.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), -EPERM);
  t.is(user.bind(now(user.socket(AF_INET, SOCK_DGRAM, 0)), in4('0.0.0.0', 53)), -EACCES);
  t.is(user.listen(bound(user).fd, 1), -95);
  t.not(p.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP), -EISCONN);
});

/** An echo request with a sum that is right for IPv4. */
function echo(type: number): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes[0] = type;
  bytes.set([0x12, 0x34, 0, 1], 4);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  bytes.set([(~sum >> 8) & 0xff, ~sum & 0xff], 2);
  return bytes;
}

test('raw sockets: ping 127.0.0.1 and ::1', t => {
  const p = world.spawn();
  const four = now(p.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  t.is(send(p, four, echo(8), 0, [], in4('127.0.0.1', 0)), 16);
  // The request comes by the interface, too.
  t.is(Buffer.from(receive(p, four, 100).text, 'latin1')[20], 8);
  const answer = Buffer.from(receive(p, four, 100).text, 'latin1');
  t.deepEqual([answer.length, answer[0], answer[20], answer.readUInt16BE(24)], [36, 0x45, 0, 0x1234]);
  const six = now(p.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  t.is(send(p, six, echo(128), 0, [], in6('::1', 0)), 16);
  t.is(Buffer.from(receive(p, six, 100).text, 'latin1')[0], 128);
  const answer6 = Buffer.from(receive(p, six, 100).text, 'latin1');
  t.deepEqual([answer6.length, answer6[0], answer6.readUInt16BE(4)], [16, 129, 0x1234]);
});

test('echo requests without privileges', t => {
  const user = world.spawn({ uid: 1000, gid: 1000, groups: [] });
  const four = now(user.socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
  t.is(send(user, four, echo(8), 0, [], in4('127.0.0.1', 0)), 16);
  const answer = Buffer.from(receive(user, four, 100).text, 'latin1');
  t.deepEqual([answer.length, answer[0]], [16, 0]);
  t.is(`${answer.readUInt16BE(4)}`, nameOf(user, four, 'sock').split(':')[1]);
  const six = now(user.socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6));
  t.is(send(user, six, echo(128), 0, [], in6('::1', 0)), 16);
  t.is(Buffer.from(receive(user, six, 100).text, 'latin1')[0], 129);
  t.is(send(user, four, echo(0), 0, [], in4('127.0.0.1', 0)), -EINVAL);
});
