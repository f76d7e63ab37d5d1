/** A thousand connections at once, and what is left of them: nothing but TIME_WAIT. */
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import koffi from 'koffi';
import * as errno from '../../../src/abi/linux/errno.js';
import { POLLIN } from '../../../src/abi/linux/poll.js';
import * as so from '../../../src/abi/linux/socket.js';
import type { KernelProcess } from '../../../src/kernel/rump_kernel.js';
import { MemoryUio } from '../parts/memory_uio.js';
import { events, in4, in6, recvText, sendText, server } from './inet_support.js';
import { ints, now, option, World } from './support.js';

const CONNECTIONS = 1000;
/** Numbers of rn_count() of native/lwip/count.c. */
const COUNTS = ['sockets', 'connections', 'listeners', 'udp', 'bytes'] as const;

const world = new World();

const library = koffi.load(fileURLToPath(new URL('../../../../native/librumpnet.so', import.meta.url)));
const count = library.func('int rn_count(int what)');

/** What there is of each. */
function counts(): Record<string, number> {
  return Object.fromEntries(COUNTS.map((name, what) => [name, Number(count(what))]));
}

/** What the stack has before and after `run` must be the same. */
function leavesNothing(t: ExecutionContext, run: () => void): void {
  const before = counts();
  run();
  t.deepEqual(counts(), before);
}

function connectAll(client: KernelProcess, address: Uint8Array, many: number): number[] {
  return Array.from({ length: many }, () => {
    const fd = now(client.socket(address[0], so.SOCK_STREAM, 0));
    const status = now(client.connect(fd, address));
    if (status !== 0) throw new Error(`connect: ${status}`);
    return fd;
  });
}

for (const address of ['127.0.0.1', '::1']) {
  test.serial(
    `${CONNECTIONS} connections to ${address}: each has its own bytes, and closing leaves nothing`,
    t => {
      leavesNothing(t, () => {
        const [serving, client] = [world.spawn(), world.spawn()];
        const { fd, port } = server(serving, address, CONNECTIONS);
        const at = address === '::1' ? in6(address, port) : in4(address, port);
        const clients = connectAll(client, at, CONNECTIONS);
        const peers = clients.map(() => now(serving.accept(fd, 0, undefined)));
        t.is(counts().connections, 2 * CONNECTIONS);
        for (const [i, one] of clients.entries()) sendText(client, one, `to ${i}`);
        t.true(peers.every(peer => (events(serving, peer) & POLLIN) !== 0));
        for (const [i, peer] of peers.entries()) {
          if (recvText(serving, peer) !== `to ${i}`) t.fail(`connection ${i} has another's bytes`);
          sendText(serving, peer, `from ${i}`);
        }
        for (const [i, one] of clients.entries()) {
          if (recvText(client, one) !== `from ${i}`) t.fail(`connection ${i} has another's bytes`);
        }
        for (const one of clients) client.close(one);
        for (const peer of peers) serving.close(peer);
        serving.close(fd);
      });
    },
  );
}

test.serial(
  'connections that end with bytes unread, reset, half-closed or never accepted leave nothing',
  t => {
    leavesNothing(t, () => {
      const p = world.spawn();
      const { fd, port } = server(p, '127.0.0.1', 400);
      const clients = connectAll(p, in4('127.0.0.1', port), 400);
      const peers = clients.slice(0, 300).map(() => now(p.accept(fd, 0, undefined)));
      for (const [i, peer] of peers.entries()) {
        sendText(p, peer, 'x'.repeat(3000));
        sendText(p, clients[i], 'y'.repeat(3000));
        if (i % 3 === 1) p.setsockopt(peer, so.SOL_SOCKET, so.SO_LINGER, ints(1, 0));
        if (i % 3 === 2) p.shutdown(peer, 1);
      }
      t.true(counts().bytes >= 300 * 6000);
      for (const peer of peers) p.close(peer);
      t.is(option(p, clients[0], so.SO_ERROR), errno.ECONNRESET);
      p.close(fd);
      t.is(option(p, clients[399], so.SO_ERROR), errno.ECONNRESET);
      for (const one of clients) p.close(one);
    });
  },
);

test.serial(
  'a queue that is full: those behind it wait, come in as others are accepted, or are refused with the listener',
  t => {
    leavesNothing(t, () => {
      const p = world.spawn();
      const { fd, port } = server(p, '127.0.0.1', 1);
      const clients = Array.from({ length: 5 }, () =>
        now(p.socket(so.AF_INET, so.SOCK_STREAM | so.SOCK_NONBLOCK, 0)),
      );
      const to = in4('127.0.0.1', port);
      for (const one of clients) t.is(p.connect(one, to), -errno.EINPROGRESS);
      // One more than the backlog is in the queue.
      t.deepEqual(
        clients.map(one => p.connect(one, to)),
        [0, 0, -errno.EALREADY, -errno.EALREADY, -errno.EALREADY],
      );
      const first = now(p.accept(fd, 0, undefined));
      t.is(p.connect(clients[2], to), 0);
      p.close(fd);
      t.is(p.connect(clients[3], to), -errno.ECONNREFUSED);
      t.is(p.connect(clients[4], to), -errno.ECONNREFUSED);
      for (const one of [...clients, first]) p.close(one);
    });
  },
);

test.serial('a port in TIME_WAIT is in use, but not with SO_REUSEADDR', t => {
  const p = world.spawn();
  const { fd, port } = server(p, '127.0.0.1');
  const [client] = connectAll(p, in4('127.0.0.1', port), 1);
  const peer = now(p.accept(fd, 0, undefined));
  for (const one of [fd, peer, client]) p.close(one);
  const again = now(p.socket(so.AF_INET, so.SOCK_STREAM, 0));
  t.is(p.bind(again, in4('127.0.0.1', port)), -errno.EADDRINUSE);
  t.is(p.close(again), 0);
});

test.serial('datagrams that nobody reads go with their sockets', t => {
  leavesNothing(t, () => {
    const p = world.spawn();
    const sockets = Array.from({ length: 200 }, () => now(p.socket(so.AF_INET, so.SOCK_DGRAM, 0)));
    for (const fd of sockets) {
      p.bind(fd, in4('127.0.0.1', 0));
      const name = { bytes: new Uint8Array(128), length: 0 };
      p.getsockname(fd, name);
      const to = name.bytes.slice(0, name.length);
      for (let i = 0; i < 20; i++)
        p.sendMsg(sockets[0], MemoryUio.from('x'.repeat(100)), 0, { name: to, control: [] });
    }
    t.true(counts().bytes >= 200 * 2000);
    t.is(counts().udp >= 200, true);
    for (const fd of sockets) p.close(fd);
  });
});
