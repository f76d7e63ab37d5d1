import test from 'ava';
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  ECONNREFUSED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EPIPE,
} from '../../../src/abi/linux/errno.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from '../../../src/abi/linux/poll.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_WAITALL,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_RCVBUF,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '../../../src/abi/linux/socket.js';
import type { KernelProcess } from '../../../src/kernel/rump_kernel.js';
import { MemoryUio } from '../parts/memory_uio.js';
import { connected, events, in4, in6, nameOf, recvText, sendText, server } from './inet_support.js';
import { now, setOption, start, World, waits } from './support.js';

const world = new World();

function stream(process: KernelProcess, domain = AF_INET, flags = 0): number {
  return now(process.socket(domain, SOCK_STREAM | flags, 0));
}

test('a connection: bytes both ways, names, and the end', t => {
  const p = world.spawn();
  const { fd, port } = server(p, '127.0.0.1');
  const client = stream(p);
  t.is(now(p.connect(client, in4('127.0.0.1', port))), 0);
  const peer = now(p.accept(fd, 0, undefined));
  t.is(nameOf(p, client, 'peer'), `127.0.0.1:${port}`);
  t.is(nameOf(p, peer, 'peer'), nameOf(p, client, 'sock'));
  t.is(sendText(p, client, 'ping'), 4);
  t.is(recvText(p, peer), 'ping');
  t.is(sendText(p, peer, 'pong'), 4);
  t.is(recvText(p, client), 'pong');
  now(p.close(client));
  t.is(recvText(p, peer), '');
  t.is(events(p, peer), POLLIN | POLLOUT | POLLRDHUP);
});

test('IPv6, and a server of both families', t => {
  const p = world.spawn();
  const { fd, port } = server(p, '::');
  const six = stream(p, AF_INET6);
  t.is(now(p.connect(six, in6('::1', port))), 0);
  const first = now(p.accept(fd, 0, undefined));
  t.is(nameOf(p, first, 'peer'), nameOf(p, six, 'sock'));
  const four = stream(p);
  t.is(now(p.connect(four, in4('127.0.0.1', port))), 0);
  const second = now(p.accept(fd, 0, undefined));
  t.is(nameOf(p, second, 'sock'), `[::ffff:127.0.0.1]:${port}`);
  t.is(nameOf(p, second, 'peer'), `[::ffff:127.0.0.1]:${nameOf(p, four, 'sock').split(':')[1]}`);
});

test('all of 127/8 is this machine', t => {
  const p = world.spawn();
  const { fd, port } = server(p, '0.0.0.0');
  const client = stream(p);
  t.is(now(p.connect(client, in4('127.1.2.3', port))), 0);
  const peer = now(p.accept(fd, 0, undefined));
  t.is(nameOf(p, peer, 'sock'), `127.1.2.3:${port}`);
  t.is(nameOf(p, peer, 'peer').split(':')[0], '127.0.0.1');
});

test('nobody listens: ECONNREFUSED, at once or by SO_ERROR', t => {
  const p = world.spawn();
  const { fd, port } = server(p, '127.0.0.1');
  now(p.close(fd));
  t.is(p.connect(stream(p), in4('127.0.0.1', port)), -ECONNREFUSED);
  const client = stream(p, AF_INET, SOCK_NONBLOCK);
  t.is(p.connect(client, in4('127.0.0.1', port)), -EINPROGRESS);
  t.is(events(p, client), POLLERR | POLLHUP | POLLIN | POLLOUT | POLLRDHUP);
  t.is(p.connect(client, in4('127.0.0.1', port)), -ECONNREFUSED);
});

test('a connection is made while nobody waits: EINPROGRESS, 0, EISCONN', t => {
  const p = world.spawn();
  const { port } = server(p, '127.0.0.1');
  const client = stream(p, AF_INET, SOCK_NONBLOCK);
  t.is(p.connect(client, in4('127.0.0.1', port)), -EINPROGRESS);
  t.is(events(p, client), POLLOUT);
  t.is(p.connect(client, in4('127.0.0.1', port)), 0);
  t.is(p.connect(client, in4('127.0.0.1', port)), -EISCONN);
});

test('a full backlog: connect waits until there is room', t => {
  const p = world.spawn();
  const { fd, port } = server(p, '127.0.0.1', 1);
  t.is(now(p.connect(stream(p), in4('127.0.0.1', port))), 0);
  t.is(now(p.connect(stream(p), in4('127.0.0.1', port))), 0);
  const third = stream(p);
  const waiting = waits(t, p.connect(third, in4('127.0.0.1', port)));
  const fourth = stream(p, AF_INET, SOCK_NONBLOCK);
  t.is(p.connect(fourth, in4('127.0.0.1', port)), -EINPROGRESS);
  t.is(p.connect(fourth, in4('127.0.0.1', port)), -EALREADY);
  t.is(events(p, fourth), 0);
  now(p.accept(fd, 0, undefined));
  t.is(waiting.result, 0);
  now(p.accept(fd, 0, undefined));
  t.is(events(p, fourth), POLLOUT);
});

test('a listener that goes refuses those in its queues', t => {
  const p = world.spawn();
  const { fd, port } = server(p, '127.0.0.1', 0);
  const client = stream(p);
  t.is(now(p.connect(client, in4('127.0.0.1', port))), 0);
  const waiting = waits(t, p.connect(stream(p), in4('127.0.0.1', port)));
  now(p.close(fd));
  t.is(waiting.result, -ECONNREFUSED);
  t.is(p.recvMsg(client, { resid: 1, move: () => 0 }, 0, undefined), -ECONNRESET);
});

test('accept waits for a connection', t => {
  const p = world.spawn();
  const { fd, port } = server(p, '127.0.0.1');
  const waiting = waits(t, p.accept(fd, 0, undefined));
  now(p.connect(stream(p), in4('127.0.0.1', port)));
  t.true(Number(waiting.result) > 0);
  const nonblocking = server(p, '127.0.0.1', 5, SOCK_NONBLOCK);
  t.is(p.accept(nonblocking.fd, 0, undefined), -EAGAIN);
  t.is(p.accept(stream(p), 0, undefined), -EINVAL);
});

test('addresses: in use, not here, no way there, of another family, cut short', t => {
  const p = world.spawn();
  const { port } = server(p, '127.0.0.1');
  t.is(p.bind(stream(p), in4('127.0.0.1', port)), -EADDRINUSE);
  t.is(p.bind(stream(p), in4('0.0.0.0', port)), -EADDRINUSE);
  t.is(p.bind(stream(p, AF_INET6), in6('::', port)), -EADDRINUSE);
  t.is(p.bind(stream(p), in4('127.0.0.2', port)), 0);
  t.is(p.bind(stream(p), in4('192.0.2.1', 0)), -EADDRNOTAVAIL);
  t.is(p.bind(stream(p, AF_INET6), in6('2001:db8::1', 0)), -EADDRNOTAVAIL);
  t.is(p.connect(stream(p), in4('192.0.2.1', 80)), -ENETUNREACH);
  t.is(p.connect(stream(p, AF_INET6), in6('2001:db8::1', 80)), -ENETUNREACH);
  t.is(p.bind(stream(p), in6('::1', 0)), -EAFNOSUPPORT);
  t.is(p.bind(stream(p, AF_INET6), in4('127.0.0.1', 0)), -EINVAL);
  t.is(p.bind(stream(p), in4('127.0.0.1', 0).subarray(0, 15)), -EINVAL);
  t.is(p.connect(stream(p), in4('127.0.0.1', port).subarray(0, 1)), -EINVAL);
  const twice = stream(p);
  t.is(p.bind(twice, in4('127.0.0.1', 0)), 0);
  t.is(p.bind(twice, in4('127.0.0.1', 0)), -EINVAL);
});

test('half-close: what was sent arrives, and answers still come', t => {
  const p = world.spawn();
  const [a, b] = connected(p);
  sendText(p, a, 'all');
  t.is(p.shutdown(a, SHUT_WR), 0);
  t.is(p.sendMsg(a, { resid: 1, move: () => 1 }, 0, undefined), -EPIPE);
  t.is(recvText(p, b), 'all');
  t.is(recvText(p, b), '');
  t.is(sendText(p, b, 'thanks'), 6);
  t.is(recvText(p, a), 'thanks');
  now(p.close(b));
  t.is(recvText(p, a), '');
  t.is(events(p, a), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
  const [c] = connected(p);
  t.is(p.shutdown(c, SHUT_RD), 0);
  t.is(recvText(p, c), '');
  t.is(p.shutdown(c, SHUT_RDWR), 0);
  t.is(p.shutdown(stream(p), SHUT_RDWR), -ENOTCONN);
});

test('closed with bytes that nobody read: the other side gets a reset', t => {
  const p = world.spawn();
  const [a, b] = connected(p);
  sendText(p, a, 'unread');
  now(p.close(b));
  t.is(events(p, a), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
  t.is(p.recvMsg(a, { resid: 1, move: () => 0 }, 0, undefined), -ECONNRESET);
  t.is(p.sendMsg(a, { resid: 1, move: () => 1 }, 0, undefined), -EPIPE);
  t.is(recvText(p, a), '');
});

test('receive: peek, wait for all, not wait', t => {
  const p = world.spawn();
  const [a, b] = connected(p);
  sendText(p, a, 'abcdef');
  t.is(recvText(p, b, 3, MSG_PEEK), 'abc');
  t.is(recvText(p, b, 100, MSG_PEEK), 'abcdef');
  t.is(recvText(p, b, 2), 'ab');
  const memory = new Uint8Array(8);
  let at = 0;
  const uio = {
    get resid() {
      return memory.length - at;
    },
    move(bytes: Uint8Array, offset: number, length: number) {
      memory.set(bytes.subarray(offset, offset + length), at);
      at += length;
      return length;
    },
  };
  const waiting = waits(t, p.recvMsg(b, uio, MSG_WAITALL, undefined));
  sendText(p, a, 'gh');
  t.is(waiting.result, undefined);
  sendText(p, a, 'ijkl');
  t.is(waiting.result, 8);
  t.is(Buffer.from(memory).toString(), 'cdefghij');
  t.is(recvText(p, b), 'kl');
  t.is(p.recvMsg(b, { resid: 1, move: () => 0 }, MSG_DONTWAIT, undefined), -EAGAIN);
});

test('a send waits for the reader, and nothing is lost', t => {
  const p = world.spawn();
  const [a, b] = connected(p);
  const total = 3_000_000;
  const sent = new Uint8Array(total).map((_, i) => (i * 7 + (i >> 9)) & 0xff);
  let at = 0;
  const uio = {
    get resid() {
      return total - at;
    },
    move(bytes: Uint8Array, offset: number, length: number) {
      bytes.set(sent.subarray(at, at + length), offset);
      at += length;
      return length;
    },
  };
  const waiting = waits(t, p.sendMsg(a, uio, 0, undefined));
  t.is(events(p, a) & POLLOUT, 0);
  const got = new Uint8Array(total);
  let taken = 0;
  const into = {
    resid: 100_000,
    move(bytes: Uint8Array, offset: number, length: number) {
      got.set(bytes.subarray(offset, offset + length), taken);
      taken += length;
      return length;
    },
  };
  while (taken < total) now(p.recvMsg(b, into, 0, undefined));
  t.is(waiting.result, total);
  t.deepEqual(Buffer.compare(sent, got), 0);
  t.is(events(p, a) & POLLOUT, POLLOUT);
});

/** What is sent at a time, what is read at a time, and SO_RCVBUF: bytes; 0: as it is. */
const STOPPED = [
  [65_536, 1000, 0],
  [65_536, 39_093, 0],
  // The last send that fits leaves no room that poll(2) would tell of.
  [8192, 8192, 0],
  [3000, 65_536, 0],
  // The window opens by less than lwIP tells of by itself.
  [8192, 1000, 2304],
  [65_536, 65_536, 1152],
] as const;

for (const [chunk, step, room] of STOPPED) {
  test(`a sender that was stopped goes on: ${chunk} bytes, ${step} read at a time, SO_RCVBUF ${room}`, t => {
    const p = world.spawn();
    const [a, b] = connected(p);
    if (room > 0) t.is(setOption(p, b, SO_RCVBUF, room / 2), 0);
    const total = room > 0 ? 400_000 : 4_000_000;
    const bytes = Buffer.alloc(chunk);
    let sent = 0;
    let got = 0;
    while (sent < total) {
      // A sender that polls stops when there is no room, not only when a call has failed.
      const n = p.sendMsg(a, MemoryUio.from(bytes), MSG_DONTWAIT, undefined);
      if (Number(n) > 0) sent += Number(n);
      else t.is(n, -EAGAIN);
      while ((events(p, a) & POLLOUT) === 0) {
        const taken = p.recvMsg(b, MemoryUio.into(step), MSG_DONTWAIT, undefined);
        if (!(Number(taken) > 0)) {
          t.fail(`nothing to read after ${got} of ${sent} bytes, and no room to write`);
          return;
        }
        got += Number(taken);
      }
    }
    t.true(got > (room > 0 ? 200_000 : 3_000_000), `only ${got} bytes were read`);
  });
}

test('memory that ends: EFAULT, and what was not given stays', t => {
  const p = world.spawn();
  const [a, b] = connected(p);
  sendText(p, a, 'abcdef');
  t.is(recvText(p, b, 1), 'a');
  t.is(p.recvMsg(b, { resid: 10, move: () => 0 }, 0, undefined), -14);
  t.is(p.recvMsg(b, { resid: 10, move: () => 2 }, 0, undefined), -14);
  t.is(recvText(p, b), 'bcdef');
  t.is(p.sendMsg(a, { resid: 10, move: () => 0 }, 0, undefined), -14);
  t.is(p.sendMsg(a, { resid: 10, move: () => 4 }, 0, undefined), -14);
  t.is(events(p, b), POLLOUT);
});

test('AF_UNSPEC ends a connection, and the socket can be used again', t => {
  const p = world.spawn();
  const [a, b] = connected(p);
  t.is(p.connect(a, Uint8Array.of(AF_UNSPEC, 0)), 0);
  t.is(p.recvMsg(b, { resid: 1, move: () => 0 }, 0, undefined), -ECONNRESET);
  const { port } = server(p, '127.0.0.1');
  t.is(now(p.connect(a, in4('127.0.0.1', port))), 0);
});

test('read and write tell whoever waits at the other end, too', t => {
  const p = world.spawn();
  const [a, b] = connected(p);
  const waiting = waits(t, p.recvMsg(b, MemoryUio.into(4), 0, undefined));
  t.is(now(p.write(a, MemoryUio.from('text'))), 4);
  t.is(waiting.result, 4);
  t.is(now(p.write(a, MemoryUio.from('more'))), 4);
  t.is(events(p, b), POLLIN | POLLOUT);
  t.is(now(p.read(b, MemoryUio.into(10))), 4);
  t.is(events(p, b), POLLOUT);
});

test('a wait is taken back', t => {
  const p = world.spawn();
  const [a, b] = connected(p);
  const waiting = start(p.recvMsg(b, { resid: 1, move: () => 0 }, 0, undefined));
  t.is(waiting.cancel(), 0);
  sendText(p, a, 'x');
  t.is(recvText(p, b), 'x');
});
