/** Readiness of remote sockets, as watchers are told: as poll(2) of the host would have it, without being asked for. */
import test from 'ava';
import { ECONNREFUSED, EPERM } from '../../../src/abi/linux/errno.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from '../../../src/abi/linux/poll.js';
import {
  AF_INET,
  MSG_DONTWAIT,
  SHUT_WR,
  SO_ERROR,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '../../../src/abi/linux/socket.js';
import { in4 } from '../../kernel/net/inet_support.js';
import { option, pair } from '../../kernel/net/support.js';
import { MemoryUio } from '../../kernel/parts/memory_uio.js';
import { Remote, Seen } from './socket_support.js';

test('A connection, from socket(2) to the end', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const { fd, port } = remote.listener();
  const listener = remote.watch(fd);
  t.is(listener.revents, 0);
  const end = remote.done(process.socket(AF_INET, SOCK_STREAM, 0));
  const client = remote.watch(end);
  t.is(client.revents, POLLOUT | POLLHUP);
  t.is(remote.done(process.connect(end, in4('127.0.0.1', port))), 0);
  t.is(client.revents, POLLOUT);
  remote.until(() => listener.revents === POLLIN, 'a connection waits');
  const other = remote.done(process.accept(fd, 0, undefined));
  t.is(listener.revents, 0);
  const server = remote.watch(other);
  t.is(server.revents, POLLOUT);
  remote.done(remote.send(end, '12345678'));
  remote.until(() => server.revents === (POLLIN | POLLOUT), 'data can be read');
  t.is(remote.receive(other, 3), '123');
  t.is(server.revents, POLLIN | POLLOUT, 'more is left');
  t.is(remote.receive(other), '45678');
  t.is(server.revents, POLLOUT);
  t.is(remote.done(process.shutdown(end, SHUT_WR)), 0);
  remote.until(() => server.revents === (POLLIN | POLLOUT | POLLRDHUP), 'the peer sends no more');
  t.is(remote.done(process.close(other)), 0);
  t.true(server.isClosed);
  remote.until(() => client.revents === (POLLIN | POLLOUT | POLLRDHUP | POLLHUP), 'the connection is over');
});

test('A full send buffer, and room again', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const [end, other] = remote.connection();
  const seen = remote.watch(end);
  let sent = 0;
  for (let part = 1; part > 0; ) {
    part = remote.done(
      process.sendMsg(end, MemoryUio.from(Buffer.alloc(1_000_000)), MSG_DONTWAIT, undefined),
    );
    if (part > 0) sent += part;
  }
  t.is(seen.revents, 0);
  const uio = MemoryUio.into(sent);
  while (uio.resid > 0)
    if (remote.done(process.recvMsg(other, uio, 0, undefined)) <= 0) return t.fail('no data');
  remote.until(() => seen.revents === POLLOUT, 'there is room');
});

test('A refused connection, and datagrams', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const fd = remote.done(process.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  const refused = remote.watch(fd);
  process.connect(fd, in4('127.0.0.1', 1));
  remote.until(
    () => refused.revents === (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP),
    'the connection is refused',
  );
  t.is(option(process, fd, SO_ERROR), ECONNREFUSED);
  t.is(refused.revents, POLLIN | POLLOUT | POLLHUP | POLLRDHUP);

  const to = remote.done(process.socket(AF_INET, SOCK_DGRAM, 0));
  remote.done(process.bind(to, in4('127.0.0.1', 0)));
  const seen = remote.watch(to);
  t.is(seen.revents, POLLOUT);
  const name = { bytes: new Uint8Array(128), length: 0 };
  remote.done(process.getsockname(to, name));
  remote.done(process.connect(to, name.bytes.slice(0, 16)));
  for (const each of ['one', 'two']) remote.done(remote.send(to, each));
  remote.until(() => seen.revents === (POLLIN | POLLOUT), 'a datagram is there');
  t.is(remote.receive(to), 'one');
  remote.until(() => seen.revents === (POLLIN | POLLOUT), 'another one is there');
  t.is(remote.receive(to), 'two');
  t.is(seen.revents, POLLOUT);
});

test('An edge for each arrival, though the bits stay', t => {
  const remote = new Remote(t);
  const [end, other] = pair(remote.process, SOCK_STREAM);
  const seen = remote.watch(other);
  remote.done(remote.send(end, 'first'));
  remote.until(() => seen.revents === (POLLIN | POLLOUT), 'the first is there');
  t.is(remote.receive(other), 'first');
  const before = seen.told;
  remote.done(remote.send(end, 'second'));
  remote.until(() => seen.told > before && (seen.revents & POLLIN) !== 0, 'the second is told');
  t.is(remote.receive(other), 'second');
});

test('A descriptor that is closed while events are asked for takes none from the others', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const [first, closed] = remote.connection();
  const [end, other] = remote.connection();
  // The queue of events is there from now on.
  const before = remote.watch(first);
  remote.quiet(() => before.told);
  const seen = new Seen();
  process.watch(closed, new Seen());
  process.watch(other, seen);
  // The request goes out; before the server has fetched what it asks for, it sees the close.
  remote.client.loop.turn(0);
  t.is(remote.done(process.close(closed)), 0);
  remote.quiet(() => seen.told);
  t.is(seen.revents, POLLOUT, 'nothing has come');
  remote.done(remote.send(end, 'late'));
  remote.until(() => seen.revents === (POLLIN | POLLOUT), 'what comes is told');
  t.is(remote.receive(other), 'late');
  t.is(seen.revents, POLLOUT);
});

test('The end of the server is told; files have nothing to tell', t => {
  const remote = new Remote(t);
  const { process } = remote;
  const file = remote.done(process.openAt(-100, '/file', 0o102, 0o644, 0));
  t.is(remote.done(process.watch(file, { changed: () => {}, closed: () => {} })), -EPERM);
  const [end] = remote.connection();
  const seen = remote.watch(end);
  remote.server.stop();
  remote.until(() => seen.revents === (POLLERR | POLLHUP), 'the server is missed');
});

test('While nothing happens nothing is done', t => {
  const remote = new Remote(t);
  const [, other] = remote.connection();
  const seen = remote.watch(other);
  const { loop } = remote.client;
  remote.quiet(() => seen.told);
  t.is(loop.timeout(-1), -1, 'no timer, nothing to be handed out: it sleeps until the server speaks');
  t.true(loop.busy, 'the server can speak');
});
