/** Each row of the table of options against the host's kernel: what is there at first, and what values of every size do. */
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../../../src/abi/linux/inet.js';
import { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '../../../src/abi/linux/socket.js';
import { OPTION_TABLE } from '../../../src/kernel/net/inet_options.js';
import type { OptionRow } from '../../../src/kernel/net/option_row.js';
import { enterOwnNetwork } from '../../support/own_network.js';
import { now } from '../contract/support.js';
import { HostSockets, type SocketSide } from './host_sockets.js';
import { World } from './support.js';

const PROTOCOL = 253;
const SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 20, 32, 40, 64, 136, 264];
const NUMBERS = [0, 1, -1, 2, 3, 4, 5, 8, 87, 88, 255, 256, 0x401, 0x800, 65536, 0x7fffffff, -0x80000000];

const KINDS = [
  ['tcp', SOCK_STREAM, 0, 0],
  ['udp', SOCK_DGRAM, 0, 0],
  ['ping', SOCK_DGRAM, IPPROTO_ICMP, IPPROTO_ICMPV6],
  ['raw icmp', SOCK_RAW, IPPROTO_ICMP, IPPROTO_ICMPV6],
  ['raw 253', SOCK_RAW, PROTOCOL, PROTOCOL],
] as const;

/** As many ints as there is room for; the last may be cut. */
function value(size: number, number: number, rest: number): Uint8Array {
  const ints = new Int32Array(Math.max(Math.ceil(size / 4), 1)).fill(rest);
  ints[0] = number;
  return new Uint8Array(ints.buffer).subarray(0, size);
}

function get(side: SocketSide, fd: number, { level, option }: OptionRow, size: number): string {
  const out = new Uint8Array(size);
  const length = now(side.getsockopt(fd, level, option, out));
  return length < 0 ? `${length}` : `${length} bytes ${Buffer.from(out.subarray(0, length)).toString('hex')}`;
}

/** Options whose bytes are a kernel's own matter: their lengths alone are compared. */
const OWN_BYTES = new Set(['SO_COOKIE', 'SO_NETNS_COOKIE', 'TCP_INFO']);

interface Answer {
  what: string;
  /** setsockopt(2)'s result; 0 when the option is only read. */
  status: number;
  read: string;
}

/** What a side says of one option. */
function ask(side: SocketSide, row: OptionRow, socket: () => number): Answer[] {
  let fd = socket();
  const answers = SIZES.map(size => ({ what: `get ${size}`, status: 0, read: get(side, fd, row, size) }));
  side.close(fd);
  fd = socket();
  for (const size of SIZES) {
    for (const number of NUMBERS) {
      for (const rest of size > 4 ? [0, number] : [0]) {
        const status = now(side.setsockopt(fd, row.level, row.option, value(size, number, rest)));
        answers.push({ what: `set ${size} to ${number} ${rest}`, status, read: get(side, fd, row, 8) });
        if (status !== 0) continue;
        side.close(fd);
        fd = socket();
      }
    }
  }
  side.close(fd);
  return answers;
}

/** Newer kernels tell more in struct tcp_info. */
const TCP_INFO_SIZE = 232;

/** What goes by settings and routes of the host's network, when it is not the test's own. */
const BY_HOST = new Set([
  'IPV6_ADD_MEMBERSHIP',
  'IPV6_MULTICAST_IF',
  'IPV6_UNICAST_IF',
  'IP_ADD_MEMBERSHIP',
  'IP_DROP_MEMBERSHIP',
  'IP_MULTICAST_IF',
  'IP_UNICAST_IF',
  'MCAST_JOIN_GROUP',
  'SO_BINDTODEVICE',
  'SO_BINDTOIFINDEX',
  'SO_RCVBUF',
  'SO_RCVLOWAT',
  'SO_SNDBUF',
  'TCP_CC_INFO',
  'TCP_CONGESTION',
]);

/** Answers that hang on how the host is set up, or on interfaces that one of the kernels has not. */
function isAboutHost(row: OptionRow, { what }: Answer): boolean {
  // What is longer than a kernel can wait is given back in its ticks.
  if (row.name === 'SO_LINGER') return / -\d+$/.test(what);
  if (row.name === 'TCP_INFO') return Number(/^get (\d+)/.exec(what)?.[1] ?? 0) > TCP_INFO_SIZE;
  if (!isOwn && BY_HOST.has(row.name)) return true;
  if (hasInterfaces) return false;
  return ['IP_MULTICAST_IF', 'IPV6_MULTICAST_IF'].includes(row.name) && / to 1 /.test(what);
}

/** What is refused may fail where the host's does not, or otherwise; all else, and what it says yes to, is as on the host. */
function isRight(row: OptionRow, ours: Answer, theirs: Answer): boolean {
  if (row.effect === 'refused' && (ours.status < 0 || ours.read.startsWith('-'))) return true;
  if (isAboutHost(row, ours)) return true;
  if (ours.status !== theirs.status) return false;
  if (OWN_BYTES.has(row.name)) return ours.read.split(' ')[0] === theirs.read.split(' ')[0];
  return ours.read === theirs.read;
}

const isOwn = enterOwnNetwork();
if (isOwn) {
  writeFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'reno');
  // The default hangs on how much memory there is.
  writeFileSync('/proc/sys/net/ipv4/tcp_rmem', '4096 131072 6291456');
}
const host = new HostSockets();
const rump = new World().spawn({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: [] });
const hasInterfaces = now(rump.interfaces([])) > 0;

const FAMILIES = [
  ['IPv4', AF_INET],
  ['IPv6', AF_INET6],
] as const;

for (const [family, domain] of FAMILIES) {
  for (const [kind, type, protocol4, protocol6] of KINDS) {
    test(`options of ${kind} sockets of ${family} as on the host`, t => {
      const protocol = domain === AF_INET ? protocol4 : protocol6;
      const fd = host.socket(domain, type, protocol);
      if (fd < 0) {
        t.log(`the host refuses such sockets to this user: errno ${-fd}`);
        t.false(isOwn);
        return;
      }
      host.close(fd);
      const wrong: string[] = [];
      for (const row of OPTION_TABLE) {
        const expected = ask(host, row, () => host.socket(domain, type, protocol));
        const answers = ask(rump, row, () => now(rump.socket(domain, type, protocol)));
        for (const [i, ours] of answers.entries()) {
          const theirs = expected[i];
          if (isRight(row, ours, theirs)) continue;
          const { status, read } = theirs;
          wrong.push(`${row.name}: ${ours.what}: ${ours.status} ${ours.read}; the host: ${status} ${read}`);
        }
      }
      t.deepEqual(wrong, []);
    });
  }
}
