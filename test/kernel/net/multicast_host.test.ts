/** Groups on the loopback interface, beside the host's: who hears what, and what is refused. */
import assert from 'node:assert/strict';
import test from 'ava';
import { EAGAIN } from '../../../src/abi/linux/errno.js';
import * as inet from '../../../src/abi/linux/inet.js';
import { POLLIN } from '../../../src/abi/linux/poll.js';
import * as so from '../../../src/abi/linux/socket.js';
import type { Result } from '../../../src/kernel/rump_kernel.js';
import { enterOwnNetwork } from '../../support/own_network.js';
import { MemoryUio } from '../parts/memory_uio.js';
import { HostSockets, type SocketSide } from './host_sockets.js';
import { in4, in6 } from './inet_support.js';
import { ints, now, World } from './support.js';

const PORT = 20000;
const LO = 1;
const GROUP4 = [224, 1, 2, 3];
const GROUP6 = [0xff, 0x02, ...Array(13).fill(0), 0x42];

function at(result: Result, pending = -EAGAIN): number {
  if (typeof result === 'number') return result;
  result.cancel();
  return pending;
}

/** What one kernel says, call by call. */
function script(side: SocketSide, isV6: boolean): unknown[] {
  const domain = isV6 ? so.AF_INET6 : so.AF_INET;
  const level = isV6 ? inet.IPPROTO_IPV6 : inet.IPPROTO_IP;
  const [add, drop] = isV6
    ? [inet.IPV6_ADD_MEMBERSHIP, inet.IPV6_DROP_MEMBERSHIP]
    : [inet.IP_ADD_MEMBERSHIP, inet.IP_DROP_MEMBERSHIP];
  const request = isV6
    ? Uint8Array.of(...GROUP6, ...ints(LO))
    : Uint8Array.of(...GROUP4, 0, 0, 0, 0, ...ints(LO));
  const group = isV6 ? in6('ff02::42', PORT, LO) : in4('224.1.2.3', PORT);
  const any = isV6 ? in6('::', PORT) : in4('0.0.0.0', PORT);
  const said: unknown[] = [];
  const fds = Array.from({ length: 3 }, () => now(side.socket(domain, so.SOCK_DGRAM, 0)));
  const [sender, member, other] = fds;
  const say = (result: Result) => said.push(at(result));
  const send = (text: string) =>
    say(side.sendMsg(sender, MemoryUio.from(text), so.MSG_DONTWAIT, { name: group, control: [] }));
  const hear = (fd: number) => {
    const uio = MemoryUio.into(100);
    said.push([
      at(side.recvMsg(fd, uio, so.MSG_DONTWAIT, undefined)),
      uio.text,
      at(side.poll(fd, POLLIN), 0),
    ]);
  };
  for (const fd of [member, other]) {
    say(side.setsockopt(fd, so.SOL_SOCKET, so.SO_REUSEADDR, ints(1)));
    say(side.bind(fd, any));
  }
  send('no interface');
  const which = isV6 ? ints(LO) : Uint8Array.of(...Array(8).fill(0), ...ints(LO));
  const name = isV6 ? inet.IPV6_MULTICAST_IF : inet.IP_MULTICAST_IF;
  say(side.setsockopt(sender, level, name, which));
  send('nobody is a member');
  hear(member);
  say(side.setsockopt(member, level, add, request));
  say(side.setsockopt(member, level, add, request));
  say(side.setsockopt(other, level, add, request));
  send('to both');
  hear(member);
  hear(other);
  say(side.setsockopt(member, level, drop, request));
  say(side.setsockopt(member, level, drop, request));
  send('to those on the interface');
  hear(other);
  say(side.setsockopt(other, level, drop, request));
  send('nobody is left');
  hear(other);
  for (const fd of fds) say(side.close(fd));
  return said;
}

const HEARD = 'to those on the interface';
const world = new World();
const isOwn = enterOwnNetwork();
for (const [family, isV6] of [
  ['IPv4', false],
  ['IPv6', true],
] as const) {
  test(`groups of ${family} on the loopback interface: members hear, and no others`, t => {
    const rump = script(world.spawn(), isV6);
    const heard = rump.filter(Array.isArray).map(([, text]: unknown[]) => text);
    t.deepEqual(heard, ['', 'to both', 'to both', HEARD, '']);
    // Linux has no route to groups of IPv6 on lo, and the stack has: docs/differences.md.
    if (isOwn && !isV6) assert.deepEqual(rump, script(new HostSockets(), isV6));
  });
}
