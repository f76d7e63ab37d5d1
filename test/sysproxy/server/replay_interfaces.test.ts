/**
 * NetBSD's own ifconfig, route, arp and ping: one server for all, as a process has one TCP/IP stack. What was shmif0 there is eth0 here;
 * of lists, all that both have has to be the same.
 */
import test from 'ava';
import { AF_INET } from '../../../src/abi/linux/socket.js';
import { decodeSockaddrDl } from '../../../src/abi/netbsd/interface.js';
import { NB } from '../../../src/abi/netbsd/nr.js';
import {
  decodeAddressMessage,
  decodeInterfaceMessage,
  decodeRouteMessage,
  NB_RTAX_NETMASK,
  NB_RTM_IFINFO,
  NB_RTM_NEWADDR,
  type RouteAddresses,
  splitMessages,
} from '../../../src/abi/netbsd/route.js';
import { NB_AF_LINK } from '../../../src/abi/netbsd/socket.js';
import { Interfaces } from '../../../src/kernel/net/interfaces.js';
import { describe } from './compare.js';
import { type Answer, replay } from './replay.js';
import { parseFrame, TestServer } from './sync_client.js';
import { type Line, readTranscript } from './transcript.js';

let server: TestServer | undefined;
let interfaces: Interfaces | undefined;

function addEthernet(last: number): void {
  interfaces?.addEthernet(Uint8Array.of(0xb2, 0xa0, 0x97, 0xfe, 0xd6, last), 1500);
}

test.before(() => {
  const made = new TestServer();
  server = made;
  made.inside.interfaces([]);
  const { stack } = made.kernel.sockets;
  if (!(stack instanceof Interfaces)) throw new Error('there is no TCP/IP stack');
  interfaces = stack;
  addEthernet(0x54);
  const addAddress = { family: AF_INET, address: Uint8Array.of(10, 9, 9, 1), prefixLength: 24 };
  made.inside.changeInterface({ name: 'eth0', up: true, addAddress });
});
test.after.always(() => server?.stop());

const SHMIF = Buffer.from('shmif').toString('hex');

/** shmif0 is eth0, and shmif1 is eth1: in requests, which have a name of 16 bytes. */
function renamed(line: Line): Line {
  const { bytes, frame } = line;
  if (bytes === undefined || frame === undefined) return line;
  const name = (digit: string): string => Buffer.from(`eth${digit}\0\0`).toString('hex');
  const hex = bytes
    .toString('hex')
    .replace(new RegExp(`${SHMIF}3([01])`, 'g'), (_, digit: string) => name(digit));
  const changed = Buffer.from(hex, 'hex');
  return { ...line, bytes: changed, frame: parseFrame(changed) };
}

/** A routing message without what is the machine's own: numbers of packets, MTUs, times, and the length of names. */
function messageText(bytes: Uint8Array): string {
  if (bytes[3] === NB_RTM_IFINFO) {
    const { index, flags, type, addresses } = decodeInterfaceMessage(bytes);
    return `interface ${index} flags ${flags.toString(16)} type ${type}${addressesText(addresses)}`;
  }
  if (bytes[3] === NB_RTM_NEWADDR) {
    const { index, addresses } = decodeAddressMessage(bytes);
    return `address of ${index}${addressesText(addresses)}`;
  }
  const { type, index, flags, errno, addresses } = decodeRouteMessage(bytes);
  return `route ${type} if ${index} flags ${flags.toString(16)} errno ${errno}${addressesText(addresses)}`;
}

function addressesText(addresses: RouteAddresses): string {
  return addresses
    .map((address, place) => (address === undefined ? '' : ` ${place}=${addressText(address, place)}`))
    .join('');
}

function addressText(address: Uint8Array, place: number): string {
  // The table's own masks have all bits set up to the address; a link's mask is as long as its name.
  if (place === NB_RTAX_NETMASK) {
    const isLink = address[1] !== 2 && address.length > 8 && address.length < 16 && address[1] === 0;
    return isLink
      ? 'name'
      : Buffer.from(address.subarray(address.length > 8 ? 8 : 4))
          .toString('hex')
          .replace(/(00)+$/, '');
  }
  if (address[1] !== NB_AF_LINK) return Buffer.from(address).toString('hex');
  const { index, type, name } = decodeSockaddrDl(address);
  const own = name.replace(/\0+$/, '');
  return `link ${index} type ${type} ${own}`;
}

/** An answer's texts: of a list of routing messages one for each. */
function texts(answer: Answer): string[] {
  const [list] = answer.copyouts;
  const isList = answer.nr === NB.__sysctl || answer.nr === NB.read;
  const messages = isList && list !== undefined ? splitMessages(list.bytes) : [];
  if (messages.length === 0) return [masked(describe(answer))];
  return [`${answer.key} call ${answer.nr}: ${answer.outcome}`, ...messages.map(messageText)];
}

/** The console's block size, the machine's name, sizes of lists, ports, and what only a checksum differs in. */
function masked(text: string): string {
  return text
    .replace(/blksize \d+/, 'blksize -')
    .replace(/(call 202: errno 0; 0, 0; \w+: )(72756d702d\w+|[0-9a-f]{4,12}00); \w+: \w+$/, '$1name')
    .replace(/(call 202: errno 0; 0, 0; \w+: )[0-9a-f]{4}0{12}$/, '$1size')
    .replace(/(: 1c18)[0-9a-f]{4}0/, '$1-0')
    .replace(/(call 29: .*84 bytes), sum \d+/, '$1');
}

/** What is otherwise, and why: texts that NetBSD has, or ours. */
interface Difference {
  readonly in: readonly string[];
  readonly why: string;
  readonly netbsd?: RegExp;
  readonly ours?: RegExp;
}

const DIFFERENCES: readonly Difference[] = [
  {
    in: ['nb-ifconfig-create', 'nb-ifconfig-destroy'],
    why: 'no interface is made by name: the driver is not there, and neither is what it had made',
    netbsd: /^0\/4 call 54: errno 0; 0, 0$/,
    ours: /^0\/4 call 54: errno (22|6); 0, 0$/,
  },
  {
    in: ['nb-route-show'],
    why: 'own addresses have no routes of their own through lo0 (flags LOCAL), but lo0 has its network',
    netbsd: /^route 4 if 1 flags 40[04]05 /,
    ours: /^route 4 if 1 flags 101 errno 0 0=100200007f0+ 1=link 1 type 24 lo0 2=ff /,
  },
  {
    in: ['nb-route-show', 'nb-arp'],
    why: 'lo0 has no link-local address',
    netbsd: /^(route 4 if 1 flags 1 errno 0 0=1c180{12}fe8000010+ |address of 1 2=f{16} 5=1c180{12}fe800001)/,
  },
  {
    in: ['nb-route-show'],
    why: 'groups have no routes',
    netbsd: /^route 4 if [12] flags 101 errno 0 0=1c180{12}ff0[12]/,
  },
  {
    in: ['nb-arp'],
    why: 'neighbours are not in the routing table',
    netbsd: /^(0\/4 call 202: errno 0|route 4 if 0 flags 804 .*)$/,
    ours: /^0\/4 call 202: errno 0; 0, 0; \w+: size$/,
  },
  {
    in: ['nb-route-add', 'nb-route-get'],
    why: 'a route to a network behind a gateway is more than the stack can: EOPNOTSUPP, and it is not there later',
    netbsd: /^(0\/[56] call 4: errno 0; 160, 0|route 4 if 2 flags 843 .*)$/,
    ours: /^(0\/6 call 4: errno 45; 0, 0|0\/5 call 4: errno 3; 0, 0|route 4 if 0 flags 807 errno 3 .*)$/,
  },
  {
    in: ['nb-ping'],
    why: 'raw sockets get packets of ICMP with a wrong checksum, too, as on Linux: the one with which ping warms up',
    netbsd: /^0\/31 call 29: errno 0; 84, 0;/,
    ours: /^0\/31 call 29: errno 0; 28, 0; \w+: 4500001c\w{16}7f0000017f00000100008cbd71410001;/,
  },
];

const needed = new Set<Difference>();

/** What is left of one server's texts when the differences are taken out. */
function unexplained(name: string, these: readonly string[], side: 'netbsd' | 'ours'): string[] {
  return these.filter(text => {
    const why = DIFFERENCES.find(each => each.in.includes(name) && each[side]?.test(text) === true);
    if (why !== undefined) needed.add(why);
    return why === undefined;
  });
}

for (const name of [
  ...['nb-ifconfig-create', 'nb-ifconfig-destroy', 'nb-route-show', 'nb-arp', 'nb-route-add', 'nb-route-get'],
  ...['nb-ping', 'nb-ping6', 'nb-ifconfig-inet'],
]) {
  test.serial(`${name}: as NetBSD answers it`, t => {
    if (server === undefined) return t.fail();
    const isNamed = name === 'nb-ifconfig-create' || name === 'nb-ifconfig-destroy';
    if (name === 'nb-ifconfig-inet') addEthernet(0x55);
    const lines = readTranscript(name);
    const { theirs, ours, unknown } = replay(server, isNamed ? lines : lines.map(renamed));
    const [a, b] = [theirs, ours].map(answers => answers.flatMap(texts));
    const only = (these: readonly string[], those: readonly string[]): string[] =>
      these.filter(text => !those.includes(text));
    t.deepEqual([unexplained(name, only(a, b), 'netbsd'), unexplained(name, only(b, a), 'ours')], [[], []]);
    t.deepEqual([unknown, server.log], [[], []]);
  });
}

test.serial('all differences are there', t => {
  t.deepEqual(
    DIFFERENCES.filter(each => !needed.has(each)).map(({ why }) => why),
    [],
  );
});
