/** The interfaces of the TCP/IP stack: what is there from the start, what can be changed, and what Linux refuses. */
import { join } from 'node:path';
import test from 'ava';
import { EEXIST, ENETUNREACH, ENODEV, EOPNOTSUPP, EPERM, ESRCH } from '../../../src/abi/linux/errno.js';
import { AF_INET, AF_INET6, AF_NETLINK, SOCK_RAW, SOCK_STREAM } from '../../../src/abi/linux/socket.js';
import { readInterfaceInfo } from '../../../src/kernel/net/interface_info.js';
import type { KernelProcess } from '../../../src/kernel/rump_kernel.js';
import type { NetInterface, NetRoute } from '../../../src/kernel/socket_calls.js';
import { runC } from '../../abi/c_program.js';
import { root } from '../../support/run.js';
import { ALICE } from '../contract/support.js';
import { in4 } from './inet_support.js';
import { now, World } from './support.js';

/** The stack is one per process. */
const world = new World();
const p = world.spawn();

function interfaces(process: KernelProcess): NetInterface[] {
  const out: NetInterface[] = [];
  now(process.interfaces(out));
  return out;
}

function routes(process: KernelProcess): string[] {
  const out: NetRoute[] = [];
  now(process.routes(out));
  return out.map(
    route =>
      `${[...route.destination].join('.')}/${route.prefixLength} ${[...(route.gateway ?? [])].join('.')} ${route.interface}`,
  );
}

test.serial('lo is there and up before the first socket, with its addresses and routes', t => {
  const [lo, ...others] = interfaces(p);
  t.deepEqual(others, []);
  t.is(lo.name, 'lo');
  t.is(lo.index, 1);
  t.is(lo.flags, 0x10049);
  t.is(lo.hardwareType, 772);
  t.deepEqual(
    lo.addresses.map(({ family, address, prefixLength, broadcast, scope }) => [
      family,
      [...address].join('.'),
      prefixLength,
      broadcast,
      scope,
    ]),
    [
      [AF_INET, '127.0.0.1', 8, undefined, 254],
      [AF_INET6, '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1', 128, undefined, 254],
    ],
  );
  t.deepEqual(routes(p), ['127.0.0.0/8  1', '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1/128  1']);
});

test.serial('an interface that is down is unreachable, and counts nothing; up again it works', t => {
  const listener = now(p.socket(AF_INET, SOCK_STREAM, 0));
  t.is(p.bind(listener, in4('127.0.0.1', 4000)), 0);
  t.is(p.listen(listener, 5), 0);
  t.is(p.changeInterface({ name: 'lo', up: false }), 0);
  t.is(interfaces(p)[0].flags, 0x8);
  t.deepEqual(routes(p), []);
  const before = interfaces(p)[0].rxPackets;
  t.is(p.connect(now(p.socket(AF_INET, SOCK_STREAM, 0)), in4('127.0.0.1', 4000)), -ENETUNREACH);
  t.is(interfaces(p)[0].rxPackets, before);
  t.is(p.changeInterface({ name: 'lo', up: true }), 0);
  t.is(p.connect(now(p.socket(AF_INET, SOCK_STREAM, 0)), in4('127.0.0.1', 4000)), 0);
  const after = interfaces(p)[0];
  t.true(after.rxPackets >= before + 3 && after.rxBytes >= 3 * 40);
  t.is(after.rxPackets, after.txPackets);
});

test.serial('changes that are refused: without the right to, of nothing, and what lwIP cannot', t => {
  const alice = world.spawn(ALICE);
  t.is(alice.changeInterface({ name: 'lo', up: false }), -EPERM);
  t.is(p.changeInterface({ name: 'nope', up: true }), -ENODEV);
  const other = { family: AF_INET, address: Uint8Array.of(127, 0, 0, 2), prefixLength: 8 };
  t.is(p.changeInterface({ name: 'lo', addAddress: other }), -EOPNOTSUPP);
  const same = { family: AF_INET, address: Uint8Array.of(127, 0, 0, 1), prefixLength: 8 };
  t.is(p.changeInterface({ name: 'lo', addAddress: same }), -EEXIST);
  const gateway = (last: number, prefixLength = 0): NetRoute => ({
    family: AF_INET,
    destination: new Uint8Array(4),
    prefixLength,
    gateway: Uint8Array.of(127, 0, 0, last),
    interface: 1,
  });
  t.is(p.changeRoute(gateway(1), false), -EOPNOTSUPP);
  t.is(p.changeRoute({ ...gateway(1), interface: 9 }, false), -ENODEV);
  t.is(p.changeRoute(gateway(1, 12), true), -ESRCH);
  t.is(alice.changeRoute(gateway(1), false), -EPERM);
});

test.serial('another network for the same address keeps connections', t => {
  const address = Uint8Array.of(127, 0, 0, 1);
  t.is(p.changeInterface({ name: 'lo', addAddress: { family: AF_INET, address, prefixLength: 16 } }), 0);
  t.is(interfaces(p)[0].addresses[0].prefixLength, 16);
  t.is(p.changeInterface({ name: 'lo', addAddress: { family: AF_INET, address, prefixLength: 8 } }), 0);
});

test.serial('netlink answers from the same interfaces', t => {
  t.true(now(p.socket(AF_NETLINK, SOCK_RAW, 0)) >= 0);
});

test('what the stack says of an interface is laid out as struct rn_netif_info', t => {
  const names =
    'is_up mtu has_mac is_default mac gateway4 has_gateway6 gateway6 address_count addresses'.split(' ');
  const rows = runC(
    `
#include <stddef.h>
#include <stdio.h>
#include "${join(root, 'native/lwip/rumpnetif.h')}"
int main(void) {
  printf("%zu\\n%zu\\n", sizeof(struct rn_netif_info), sizeof(struct rn_netif_address));
  ${names.map(name => `printf("%zu\\n", offsetof(struct rn_netif_info, ${name}));`).join('')}
}`,
    undefined,
    ['-isystem', '/usr/include/lwip'],
  ).map(([value]) => Number(value));
  const [size, addressSize, ...at] = rows;
  const staging = new Uint8Array(size);
  const view = new DataView(staging.buffer);
  const offset = (name: string) => at[names.indexOf(name)];
  for (const [i, name] of ['is_up', 'has_mac', 'is_default', 'has_gateway6'].entries()) {
    view.setInt32(offset(name), i + 1, true);
  }
  for (let i = 0; i < 4; i++) view.setBigInt64(8 * i, BigInt(i + 1), true);
  view.setInt32(offset('mtu'), 1500, true);
  staging.set([2, 0, 0, 0, 0, 9], offset('mac'));
  staging.set([10, 0, 0, 1], offset('gateway4'));
  staging.fill(7, offset('gateway6'), offset('gateway6') + 16);
  view.setInt32(offset('address_count'), 2, true);
  const second = offset('addresses') + addressSize;
  view.setInt32(offset('addresses'), AF_INET, true);
  view.setInt32(second, AF_INET6, true);
  view.setInt32(second + 4, 64, true);
  staging.fill(8, second + 8, second + 24);
  t.deepEqual(readInterfaceInfo(staging), {
    rxPackets: 1,
    txPackets: 2,
    rxBytes: 3,
    txBytes: 4,
    isUp: true,
    mtu: 1500,
    mac: Uint8Array.of(2, 0, 0, 0, 0, 9),
    addresses: [
      { family: AF_INET, prefixLength: 0, address: new Uint8Array(4) },
      { family: AF_INET6, prefixLength: 64, address: new Uint8Array(16).fill(8) },
    ],
    gateways: [
      { family: AF_INET, address: Uint8Array.of(10, 0, 0, 1) },
      { family: AF_INET6, address: new Uint8Array(16).fill(7) },
    ],
  });
});
