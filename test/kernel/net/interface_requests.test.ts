/** ioctl(2) on interfaces: the same bytes and errnos as the host's kernel in a network namespace of the test's own. */
import { execFileSync } from 'node:child_process';
import test from 'ava';
import { EADDRNOTAVAIL, EINVAL, ENODEV, ENOTTY, EOPNOTSUPP, EPERM } from '../../../src/abi/linux/errno.js';
import * as sio from '../../../src/abi/linux/ioctl.js';
import { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM } from '../../../src/abi/linux/socket.js';
import {
  domainOf,
  interfaceRequest,
  interfaceRequestSize,
  listInterfaces,
} from '../../../src/kernel/net/interface_requests.js';
import type { KernelProcess } from '../../../src/kernel/rump_kernel.js';
import type { NetRoute } from '../../../src/kernel/socket_calls.js';
import { runC } from '../../abi/c_program.js';
import { ALICE } from '../contract/support.js';
import { now, World } from './support.js';

const world = new World();
const p = world.spawn();

function ifreq(name: string, ...value: number[]): Uint8Array {
  const out = new Uint8Array(40);
  out.set(Buffer.from(name));
  out.set(value, 16);
  return out;
}

const sockaddr = (...address: number[]) => [AF_INET, 0, 0, 0, ...address];

interface Asked {
  readonly domain: number;
  readonly request: number;
  readonly data: Uint8Array;
}

/** Reads `domain request hex` lines; prints the errno, or what the kernel has left in the struct. */
const HOST = `
import fcntl, socket, subprocess, sys
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
sockets = {}
for line in sys.stdin:
    domain, request, data = line.split()
    s = sockets.setdefault(domain, socket.socket(int(domain), socket.SOCK_DGRAM))
    try:
        print(fcntl.ioctl(s, int(request), bytes.fromhex(data)).hex())
    except OSError as e:
        print(-e.errno)
`;

function onHost(all: readonly Asked[]): string[] {
  const input = all.map(
    ({ domain, request, data }) => `${domain} ${request} ${Buffer.from(data).toString('hex')}\n`,
  );
  const said = execFileSync('unshare', ['-rn', 'python3', '-c', HOST], { input: input.join('') });
  return String(said).trimEnd().split('\n');
}

function here({ domain, request, data }: Asked): string {
  const bytes = Uint8Array.from(data);
  const status = now(interfaceRequest(p, domain, request, bytes));
  return status < 0 ? String(status) : Buffer.from(bytes).toString('hex');
}

test.serial('what is asked and refused, on sockets of three families, as by the host', t => {
  const requests = [
    sio.SIOCGIFFLAGS,
    sio.SIOCGIFADDR,
    sio.SIOCGIFDSTADDR,
    sio.SIOCGIFBRDADDR,
    sio.SIOCGIFNETMASK,
    sio.SIOCGIFMETRIC,
    sio.SIOCGIFHWADDR,
    sio.SIOCGIFINDEX,
    sio.SIOCGIFPFLAGS,
    sio.SIOCGIFTXQLEN,
    sio.SIOCGIFMAP,
    sio.SIOCGIFSLAVE,
    sio.SIOCGMIIPHY,
    sio.SIOCDEVPRIVATE + 3,
    sio.SIOCSIFNETMASK,
    sio.SIOCADDMULTI,
  ];
  const names = ['lo', 'nope', 'lo:1', '', 'sixteen-letters!'];
  const all: Asked[] = [AF_INET, AF_INET6, AF_UNIX].flatMap(domain => [
    ...requests.flatMap(request => names.map(name => ({ domain, request, data: ifreq(name) }))),
    { domain, request: sio.SIOCGIFNAME, data: ifreq('', 1) },
    { domain, request: sio.SIOCGIFNAME, data: ifreq('', 99) },
    { domain, request: sio.SIOCSIFFLAGS, data: ifreq('lo', 0x49) },
    { domain, request: sio.SIOCSIFFLAGS, data: ifreq('nope', 0x49) },
    { domain, request: sio.SIOCSIFMTU, data: ifreq('nope', 0xdc, 5) },
    { domain, request: 0x8925, data: ifreq('lo') },
  ]);
  for (const address of [sockaddr(224, 0, 0, 1), [1, 0, 0, 0, 127, 0, 0, 1], sockaddr(127, 0, 0, 1)]) {
    all.push({ domain: AF_INET, request: sio.SIOCSIFADDR, data: ifreq('lo', ...address) });
    all.push({ domain: AF_INET, request: sio.SIOCSIFADDR, data: ifreq('nope', ...address) });
  }
  for (const mask of [sockaddr(255, 0, 255, 0), sockaddr(255, 255, 0, 0), sockaddr(255, 0, 0, 0)]) {
    all.push({ domain: AF_INET, request: sio.SIOCSIFNETMASK, data: ifreq('lo', ...mask) });
    all.push({ domain: AF_INET, request: sio.SIOCGIFNETMASK, data: ifreq('lo') });
  }
  const host = onHost(all);
  t.is(host.length, all.length);
  for (const [i, one] of all.entries()) {
    const what = `${one.request.toString(16)} ${Buffer.from(one.data).toString('latin1')} of ${one.domain}`;
    t.is(here(one), host[i], what);
  }
});

test.serial('SIOCGIFCONF: what fits, or what is needed', t => {
  const room = new Uint8Array(100).fill(7);
  t.is(listInterfaces(p, undefined), 40);
  t.is(listInterfaces(p, room), 40);
  t.deepEqual(room.subarray(0, 40), ifreq('lo', ...sockaddr(127, 0, 0, 1)));
  t.is(room[40], 7);
  t.is(listInterfaces(p, room.subarray(0, 39)), 0);
});

test.serial('the family of a socket decides what it is asked; what is no socket is ENOTTY', t => {
  t.is(domainOf(p, now(p.socket(AF_INET6, SOCK_DGRAM, 0))), AF_INET6);
  t.is(domainOf(p, now(p.openAt(-100, '/dev/null', 0, 0, 0))), -ENOTTY);
  t.is(interfaceRequestSize(AF_UNIX, sio.SIOCGIFADDR), 0);
  t.is(interfaceRequest(p, AF_UNIX, sio.SIOCGIFADDR, ifreq('lo')), -ENOTTY);
});

/** struct rtentry to a destination; `gateway`: 4 bytes, or none. */
function rtentry(destination: number[], mask: number[], gateway?: number[], flags = 1): Uint8Array {
  const out = new Uint8Array(120);
  out.set(sockaddr(...destination), 8);
  if (gateway !== undefined) out.set(sockaddr(...gateway), 24);
  out.set(sockaddr(...mask), 40);
  new DataView(out.buffer).setUint16(56, flags | (gateway === undefined ? 0 : 2), true);
  return out;
}

function routes(process: KernelProcess): string[] {
  const out: NetRoute[] = [];
  now(process.routes(out));
  return out
    .filter(route => route.family === AF_INET && route.interface > 1)
    .map(
      ({ destination, prefixLength, gateway }) =>
        `${destination.join('.')}/${prefixLength} ${gateway?.join('.')}`,
    );
}

test.serial('as ifconfig and route set up an Ethernet interface', t => {
  const name = world.kernel.sockets.stack?.addEthernet(Uint8Array.of(2, 0, 0, 0, 0, 1), 1500);
  if (typeof name !== 'string') throw new Error('no interface');
  const ask = (request: number, data: Uint8Array, device?: string) =>
    now(interfaceRequest(p, AF_INET, request, data, device));
  const has = (request: number, length = 8) => {
    const data = ifreq(name);
    const status = ask(request, data);
    return status < 0 ? status : [...data.subarray(16, 16 + length)].join('.');
  };
  t.is(has(sio.SIOCGIFADDR), -EADDRNOTAVAIL);
  t.is(has(sio.SIOCGIFHWADDR), '1.0.2.0.0.0.0.1');
  t.is(has(sio.SIOCGIFFLAGS, 2), '2.16');
  t.is(ask(sio.SIOCSIFADDR, ifreq(name, ...sockaddr(10, 0, 0, 2))), 0);
  t.is(has(sio.SIOCGIFNETMASK), '2.0.0.0.255.0.0.0');
  t.is(ask(sio.SIOCSIFNETMASK, ifreq(name, ...sockaddr(255, 255, 255, 0))), 0);
  t.is(has(sio.SIOCGIFBRDADDR), '2.0.0.0.10.0.0.255');
  t.is(ask(sio.SIOCSIFBRDADDR, ifreq(name, ...sockaddr(10, 0, 0, 255))), 0);
  t.is(ask(sio.SIOCSIFBRDADDR, ifreq(name, ...sockaddr(10, 0, 0, 0))), -EOPNOTSUPP);
  t.deepEqual(routes(p), []);
  t.is(ask(sio.SIOCSIFFLAGS, ifreq(name, 0x43, 0x10)), 0);
  t.is(has(sio.SIOCGIFFLAGS, 2), '67.16');
  t.is(ask(sio.SIOCSIFMTU, ifreq(name, 0x14, 5)), 0);
  t.is(has(sio.SIOCGIFMTU, 2), '20.5');
  t.is(ask(sio.SIOCSIFMTU, ifreq(name, 20)), -EINVAL);

  const none = [0, 0, 0, 0];
  t.is(ask(sio.SIOCADDRT, rtentry(none, none, [10, 0, 0, 1])), 0);
  t.deepEqual(routes(p), ['0.0.0.0/0 10.0.0.1', '10.0.0.0/24 undefined']);
  t.is(ask(sio.SIOCADDRT, rtentry(none, none, [10, 0, 0, 1])), -17);
  t.is(ask(sio.SIOCADDRT, rtentry(none, none, [10, 1, 0, 1])), -101);
  t.is(ask(sio.SIOCADDRT, rtentry([10, 1, 0, 1], [255, 255, 255, 0], [10, 0, 0, 1])), -EINVAL);
  t.is(ask(sio.SIOCADDRT, rtentry([10, 1, 0, 0], [255, 255, 255, 0]), 'nope'), -ENODEV);
  t.is(ask(sio.SIOCADDRT, rtentry([10, 1, 0, 0], [255, 255, 255, 0]), name), -EOPNOTSUPP);
  t.is(ask(sio.SIOCDELRT, rtentry(none, none), name), 0);
  t.is(ask(sio.SIOCDELRT, rtentry(none, none), name), -3);
  t.is(ask(sio.SIOCADDRT, rtentry(none, none, [10, 0, 0, 1]), name), 0);

  t.is(ask(sio.SIOCSIFADDR, ifreq(name, ...sockaddr(10, 9, 0, 2))), 0);
  t.deepEqual(routes(p), ['10.0.0.0/8 undefined'], 'the gateway went with the address');
  t.is(ask(sio.SIOCSIFADDR, ifreq(name, ...sockaddr(0, 0, 0, 0))), 0);
  t.is(has(sio.SIOCGIFADDR), -EADDRNOTAVAIL);
  const alice = world.spawn(ALICE);
  for (const request of [sio.SIOCSIFFLAGS, sio.SIOCSIFADDR, sio.SIOCSIFMTU, sio.SIOCSIFNAME]) {
    t.is(now(interfaceRequest(alice, AF_INET, request, ifreq('nope'))), -EPERM);
  }
  t.is(now(interfaceRequest(alice, AF_INET, sio.SIOCDELRT, rtentry(none, none))), -EPERM);
});

test.serial('IPv6: addresses and the default route by struct in6_ifreq and in6_rtmsg', t => {
  const stack = world.kernel.sockets.stack;
  const name = stack?.addEthernet(Uint8Array.of(2, 0, 0, 0, 0, 2), 1500);
  if (typeof name !== 'string') throw new Error('no interface');
  const data = ifreq(name);
  now(interfaceRequest(p, AF_INET, sio.SIOCGIFINDEX, data));
  const index = data[16];
  now(p.changeInterface({ name, up: true }));
  const address = (last: number) => [0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), last];
  const in6Ifreq = (last: number, prefix: number, at = index) =>
    Uint8Array.from([...address(last), prefix, 0, 0, 0, at, 0, 0, 0]);
  const ask = (request: number, bytes: Uint8Array) => now(interfaceRequest(p, AF_INET6, request, bytes));
  t.is(ask(sio.SIOCSIFADDR, in6Ifreq(2, 64)), 0);
  t.is(ask(sio.SIOCSIFADDR, in6Ifreq(2, 64)), -17);
  t.is(ask(sio.SIOCSIFADDR, in6Ifreq(3, 129)), -EINVAL);
  t.is(ask(sio.SIOCSIFADDR, in6Ifreq(3, 64, 99)), -ENODEV);
  const rtmsg = Buffer.alloc(80);
  rtmsg.set(address(1), 32);
  rtmsg.writeUInt32LE(3, 72);
  t.is(ask(sio.SIOCADDRT, rtmsg), 0);
  const all: NetRoute[] = [];
  now(p.routes(all));
  t.true(all.some(route => route.prefixLength === 0 && route.gateway?.join() === address(1).join()));
  t.is(ask(sio.SIOCDELRT, rtmsg), 0);
  t.is(ask(sio.SIOCDELRT, rtmsg), -3);
  t.is(ask(sio.SIOCDIFADDR, in6Ifreq(2, 64)), 0);
  t.is(ask(sio.SIOCDIFADDR, in6Ifreq(2, 64)), -EADDRNOTAVAIL);
});

test('structs are laid out as in the headers', async t => {
  const ifreqs = await import('../../../src/abi/linux/ifreq.js');
  const rows = (program: string, headers: string[]) =>
    runC(
      `#include <stddef.h>
#include <stdio.h>
${headers.map(header => `#include <${header}>`).join('\n')}
int main(void) { ${program} }`,
      undefined,
      [],
    ).map(([value]) => Number(value));
  const print = (expression: string) => `printf("%zu\\n", (size_t)(${expression}));`;
  const offset = (struct: string, field: string) => print(`offsetof(struct ${struct}, ${field})`);
  const link = rows(
    [
      print('IFNAMSIZ'),
      print('sizeof(struct ifreq)'),
      offset('ifreq', 'ifr_addr'),
      print('sizeof(struct ifmap)'),
      print('sizeof(struct ifconf)'),
      offset('ifconf', 'ifc_req'),
      print('sizeof(struct rtentry)'),
      offset('rtentry', 'rt_dst'),
      offset('rtentry', 'rt_gateway'),
      offset('rtentry', 'rt_genmask'),
      offset('rtentry', 'rt_flags'),
      offset('rtentry', 'rt_dev'),
      print('RTF_GATEWAY'),
      print('RTF_HOST'),
    ].join(''),
    ['sys/socket.h', 'linux/if.h', 'linux/route.h'],
  );
  t.deepEqual(link, [
    ifreqs.IFNAMSIZ,
    ifreqs.IFREQ_SIZE,
    ifreqs.AT_IFREQ_VALUE,
    ifreqs.IFMAP_SIZE,
    ifreqs.IFCONF_SIZE,
    ifreqs.AT_IFC_BUF,
    ifreqs.RTENTRY_SIZE,
    ifreqs.AT_RT_DST,
    ifreqs.AT_RT_GATEWAY,
    ifreqs.AT_RT_GENMASK,
    ifreqs.AT_RT_FLAGS,
    ifreqs.AT_RT_DEV,
    ifreqs.RTF_GATEWAY,
    ifreqs.RTF_HOST,
  ]);
  const v6 = rows(
    [
      print('sizeof(struct in6_ifreq)'),
      offset('in6_ifreq', 'ifr6_prefixlen'),
      offset('in6_ifreq', 'ifr6_ifindex'),
      print('sizeof(struct in6_rtmsg)'),
      offset('in6_rtmsg', 'rtmsg_gateway'),
      offset('in6_rtmsg', 'rtmsg_dst_len'),
      offset('in6_rtmsg', 'rtmsg_flags'),
      offset('in6_rtmsg', 'rtmsg_ifindex'),
    ].join(''),
    ['linux/ipv6.h', 'linux/ipv6_route.h'],
  );
  t.deepEqual(v6, [
    ifreqs.IN6_IFREQ_SIZE,
    ifreqs.AT_IFR6_PREFIXLEN,
    ifreqs.AT_IFR6_IFINDEX,
    ifreqs.IN6_RTMSG_SIZE,
    ifreqs.AT_RTMSG_GATEWAY,
    ifreqs.AT_RTMSG_DST_LEN,
    ifreqs.AT_RTMSG_FLAGS,
    ifreqs.AT_RTMSG_IFINDEX,
  ]);
});
