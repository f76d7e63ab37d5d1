/** Answers of rtnetlink over a stack of two interfaces: netlink(7), rtnetlink(7). */
import test from 'ava';
import { EBADF, EEXIST, ENODEV, EOPNOTSUPP, EPERM, EPROTONOSUPPORT } from '../../../src/abi/linux/errno.js';
import { attributesOf, NetlinkWriter, netlinkMessages } from '../../../src/abi/linux/netlink.js';
import { answer } from '../../../src/kernel/net/netlink_route.js';
import type { KernelProcess } from '../../../src/kernel/rump_kernel.js';
import type { InterfaceChange, NetInterface, NetRoute } from '../../../src/kernel/socket_calls.js';
import { ALICE, ROOT } from '../contract/support.js';
import { now, World } from './support.js';

const counters = { rxPackets: 1, txPackets: 2, rxBytes: 2 ** 33, txBytes: 4 };
const at = (address: number[], prefixLength: number, scope: number) => ({
  family: address.length === 4 ? 2 : 10,
  address: Uint8Array.from(address),
  prefixLength,
  broadcast: undefined,
  scope,
});
const loopback6 = [...new Array<number>(15).fill(0), 1];

class FakeStack {
  readonly changes: unknown[] = [];
  interfaces(out: NetInterface[]): number {
    out.push(
      {
        index: 1,
        name: 'lo',
        flags: 0x49,
        mtu: 65536,
        hardwareType: 772,
        mac: new Uint8Array(0),
        addresses: [at([127, 0, 0, 1], 8, 254), at(loopback6, 128, 254)],
        ...counters,
      },
      {
        index: 2,
        name: 'eth0',
        flags: 0x1002,
        mtu: 1500,
        hardwareType: 1,
        mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
        addresses: [at([10, 0, 0, 2], 24, 0)],
        ...counters,
      },
    );
    return 2;
  }
  changeInterface(change: InterfaceChange): number {
    this.changes.push(change);
    return 0;
  }
  routes(out: NetRoute[]): number {
    out.push({
      family: 2,
      destination: Uint8Array.of(0, 0, 0, 0),
      prefixLength: 0,
      gateway: Uint8Array.of(10, 0, 0, 1),
      interface: 2,
    });
    out.push({
      family: 2,
      destination: Uint8Array.of(10, 0, 0, 0),
      prefixLength: 24,
      gateway: undefined,
      interface: 2,
    });
    return 2;
  }
  changeRoute(route: NetRoute, remove: boolean): number {
    this.changes.push([route, remove]);
    return 0;
  }
}

function ask(type: number, flags: number, head: number[], cred = ROOT, fill = (_: NetlinkWriter) => {}) {
  const writer = new NetlinkWriter();
  writer.struct(head.length).set(head);
  fill(writer);
  const [request] = netlinkMessages(writer.finish(type, flags | 1, 7, 0));
  const stack = new FakeStack();
  return { said: answer(request, { port: 5, cred, isStrict: false }, stack), changes: stack.changes };
}

function messages(said: ReturnType<typeof answer>) {
  if (typeof said === 'number') throw new Error(`errno ${-said}`);
  return said.messages.map(bytes => [...netlinkMessages(bytes)][0]);
}

test('a dump of links: names, flags, numbers of packets beyond 32 bits', t => {
  const links = messages(ask(18, 0x300, new Array<number>(16).fill(0)).said);
  t.deepEqual(
    links.map(({ type, flags, seq, bytes }) => [type, flags, seq, bytes.readUInt32LE(12)]),
    [
      [16, 2, 7, 5],
      [16, 2, 7, 5],
    ],
  );
  t.deepEqual(
    links.map(({ payload }) => String(attributesOf(payload, 16).get(3))),
    ['lo\0', 'eth0\0'],
  );
  t.is(attributesOf(links[0].payload, 16).get(23)?.readBigUInt64LE(16), 2n ** 33n);
});

test('addresses and routes; the longest prefix is the answer for one address', t => {
  t.deepEqual(
    messages(ask(22, 0x300, [0]).said).map(({ payload }) => [payload[0], payload[1]]),
    [
      [2, 8],
      [2, 24],
      [10, 128],
    ],
  );
  t.is(messages(ask(22, 0x300, [10]).said).length, 1);
  t.is(messages(ask(26, 0x300, new Array<number>(12).fill(0)).said).length, 2);
  const near = ask(26, 0, [2, 32, ...new Array<number>(10).fill(0)], ROOT, w =>
    w.attribute(1, Uint8Array.of(10, 0, 0, 9)),
  );
  t.false(attributesOf(messages(near.said)[0].payload, 12).has(5));
});

test('changes reach the stack, with the rights to; what is there is there', t => {
  const up = [0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
  t.deepEqual(ask(16, 4, up).changes, [{ name: 'eth0', up: true }]);
  t.is(ask(16, 4, up, ALICE).said, -EPERM);
  t.is(ask(18, 0, [0, 0, 0, 0, 9, ...new Array<number>(11).fill(0)]).said, -ENODEV);
  const address = (last: number) => (w: NetlinkWriter) => void w.attribute(2, Uint8Array.of(10, 0, 0, last));
  t.is(ask(20, 0x600, [2, 24, 0, 0, 2, 0, 0, 0], ROOT, address(2)).said, -EEXIST);
  t.is(ask(20, 0x600, [2, 24, 0, 0, 2, 0, 0, 0], ROOT, address(3)).changes.length, 1);
  t.is(ask(30, 0x300, [0]).said, -EOPNOTSUPP);
});

test('a protocol that nobody serves', t => {
  const p: KernelProcess = new World().spawn();
  t.is(p.socket(16, 3, 9), -EPROTONOSUPPORT);
  t.is(p.bind(now(p.socket(1, 1, 0)) + 1, new Uint8Array(12)), -EBADF);
});
