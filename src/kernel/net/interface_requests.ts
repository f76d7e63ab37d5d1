/**
 * Requests of netdevice(7) by ioctl(2) on a socket of any family (dev_ioctl() of net/core/dev_ioctl.c), in terms of the calls that every
 * kernel has. Structs are the bytes that the program gave, and are filled in in place.
 */
import { EINVAL, ENOTSOCK, ENOTTY, EOPNOTSUPP } from '../../abi/linux/errno.js';
import {
  AT_IFREQ_VALUE,
  IFMAP_SIZE,
  IFNAMSIZ,
  IFREQ_SIZE,
  IN6_IFREQ_SIZE,
  IN6_RTMSG_SIZE,
  RTENTRY_SIZE,
} from '../../abi/linux/ifreq.js';
import * as sio from '../../abi/linux/ioctl.js';
import { IFF_UP } from '../../abi/linux/rtnetlink.js';
import { AF_INET, AF_INET6, SO_DOMAIN, SOL_SOCKET } from '../../abi/linux/socket.js';
import { andThen } from '../results.js';
import type { Result } from '../rump_kernel.js';
import type { InterfaceChange, NetInterface, SocketProcess } from '../socket_calls.js';
import { addressRequest, isAddressRequest, v6AddressRequest } from './interface_addresses.js';
import { withLink, withLinks } from './interface_links.js';
import { routeRequest, v6RouteRequest } from './interface_routes.js';

/** As `ip link`'s qlen. */
const QUEUE_LENGTH = 1000;
const PRIVATE_REQUESTS = 16;

/** What one request is about. */
export interface InterfaceRequest {
  readonly process: SocketProcess;
  readonly request: number;
  readonly data: Buffer;
}

/** Fills in what is asked of an interface: 0, or -errno. */
const ASKED = new Map<number, (link: NetInterface, data: Buffer) => number>([
  [sio.SIOCGIFFLAGS, (link, data) => putU16(data, link.flags & 0xffff)],
  [sio.SIOCGIFMETRIC, (_, data) => putI32(data, 0)],
  [sio.SIOCGIFMTU, (link, data) => putI32(data, link.mtu)],
  [sio.SIOCGIFINDEX, (link, data) => putI32(data, link.index)],
  [sio.SIOCGIFTXQLEN, (_, data) => putI32(data, QUEUE_LENGTH)],
  [sio.SIOCGIFHWADDR, putHardwareAddress],
  [sio.SIOCGIFMAP, (_, data) => putNothing(data, IFMAP_SIZE)],
  [sio.SIOCGIFSLAVE, () => -EINVAL],
  [sio.SIOCETHTOOL, () => -EOPNOTSUPP],
  [sio.SIOCGMIIPHY, () => -EOPNOTSUPP],
  [sio.SIOCGMIIREG, () => -EOPNOTSUPP],
  ...Array.from({ length: PRIVATE_REQUESTS }, (_, i) => [sio.SIOCDEVPRIVATE + i, () => -EOPNOTSUPP] as const),
]);

/** What is to be changed, or -errno for what this kernel does not change; that comes after the right to change and the name. */
const CHANGED = new Map<number, (data: Buffer) => Omit<InterfaceChange, 'name'> | number>([
  [sio.SIOCSIFFLAGS, data => ({ up: (data.readUInt16LE(AT_IFREQ_VALUE) & IFF_UP) !== 0 })],
  [sio.SIOCSIFMTU, data => ({ mtu: data.readInt32LE(AT_IFREQ_VALUE) })],
  [sio.SIOCADDMULTI, () => -EINVAL],
  [sio.SIOCDELMULTI, () => -EINVAL],
  ...[
    sio.SIOCSIFMETRIC,
    sio.SIOCSIFNAME,
    sio.SIOCSIFHWADDR,
    sio.SIOCSIFSLAVE,
    sio.SIOCSIFHWBROADCAST,
    sio.SIOCSIFTXQLEN,
    sio.SIOCSMIIREG,
    sio.SIOCSIFMAP,
  ].map(request => [request, () => -EOPNOTSUPP] as const),
]);

function putU16(data: Buffer, value: number): number {
  data.writeUInt16LE(value, AT_IFREQ_VALUE);
  return 0;
}

function putI32(data: Buffer, value: number): number {
  data.writeInt32LE(value, AT_IFREQ_VALUE);
  return 0;
}

function putNothing(data: Buffer, size: number): number {
  data.fill(0, AT_IFREQ_VALUE, AT_IFREQ_VALUE + size);
  return 0;
}

/** ifr_hwaddr: the kind of interface, and the address; zeros where there is none. */
function putHardwareAddress(link: NetInterface, data: Buffer): number {
  data.fill(0, AT_IFREQ_VALUE, AT_IFREQ_VALUE + 16);
  data.writeUInt16LE(link.hardwareType, AT_IFREQ_VALUE);
  data.set(link.mac, AT_IFREQ_VALUE + 2);
  return 0;
}

/** Bytes of the struct that a request takes on a socket of `domain`; 0: it is none of these. SIOCGIFCONF is listInterfaces()'s. */
export function interfaceRequestSize(domain: number, request: number): number {
  if (ASKED.has(request) || CHANGED.has(request) || request === sio.SIOCGIFNAME) return IFREQ_SIZE;
  if (request === sio.SIOCGIFBR || request === sio.SIOCSIFBR) return IFREQ_SIZE;
  const isRoute = request === sio.SIOCADDRT || request === sio.SIOCDELRT;
  if (domain === AF_INET) {
    if (isRoute) return RTENTRY_SIZE;
    return isAddressRequest(request) || request === sio.SIOCGIFPFLAGS ? IFREQ_SIZE : 0;
  }
  if (domain !== AF_INET6) return 0;
  if (isRoute) return IN6_RTMSG_SIZE;
  const isAddress =
    request === sio.SIOCSIFADDR || request === sio.SIOCDIFADDR || request === sio.SIOCSIFDSTADDR;
  return isAddress ? IN6_IFREQ_SIZE : 0;
}

/** The family of a socket, -ENOTTY for what is none. */
export function domainOf(process: SocketProcess, fd: number): Result {
  const out = Buffer.alloc(4);
  const got = process.getsockopt(fd, SOL_SOCKET, SO_DOMAIN, out);
  if (got === -ENOTSOCK) return -ENOTTY;
  return andThen(got, () => out.readInt32LE(0));
}

/**
 * One request on a socket of `domain`: 0, and `data` (interfaceRequestSize() bytes) is as the kernel leaves it; -errno. -ENOTTY for a request
 * that is none of these. `device`: what rt_dev of a struct rtentry points to.
 */
export function interfaceRequest(
  process: SocketProcess,
  domain: number,
  request: number,
  bytes: Uint8Array,
  device?: string,
): Result {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (interfaceRequestSize(domain, request) !== data.length) return -ENOTTY;
  const about = { process, request, data };
  if (request === sio.SIOCADDRT || request === sio.SIOCDELRT) {
    return domain === AF_INET ? routeRequest(about, device) : v6RouteRequest(about);
  }
  if (data.length === IN6_IFREQ_SIZE) return v6AddressRequest(about);
  if (request === sio.SIOCGIFBR || request === sio.SIOCSIFBR) return -EOPNOTSUPP;
  if (request === sio.SIOCGIFPFLAGS) return -EINVAL;
  if (request === sio.SIOCGIFNAME) return nameRequest(about);
  if (isAddressRequest(request)) return addressRequest(about);
  const change = CHANGED.get(request);
  if (change !== undefined) return changeRequest(about, change(data));
  const asked = ASKED.get(request);
  const name = nameIn(data);
  return asked === undefined
    ? -ENOTTY
    : withLink(
        process,
        link => link.name === name,
        link => asked(link, data),
      );
}

/** The name in a struct ifreq; what is behind a colon is a label of an address. */
function nameIn(data: Buffer): string {
  const text = data.toString('latin1', 0, IFNAMSIZ - 1);
  return text.split('\0', 1)[0].split(':', 1)[0];
}

function nameRequest({ process, data }: InterfaceRequest): Result {
  const index = data.readInt32LE(AT_IFREQ_VALUE);
  return withLink(
    process,
    link => link.index === index,
    ({ name }) => {
      data.fill(0, 0, IFNAMSIZ).write(name, 'latin1');
      return 0;
    },
  );
}

function changeRequest(
  { process, data }: InterfaceRequest,
  change: Omit<InterfaceChange, 'name'> | number,
): Result {
  const name = nameIn(data);
  if (typeof change !== 'number') return process.changeInterface({ ...change, name });
  // Nothing is changed, but the right to and the name are looked at.
  return andThen(process.changeInterface({ name }), () => change);
}

/**
 * SIOCGIFCONF: fills `room` with a struct ifreq for each IPv4 address, as many as fit; returns the bytes filled, or without
 * room the bytes that all need.
 */
export function listInterfaces(process: SocketProcess, room: Uint8Array | undefined): Result {
  return withLinks(process, links => {
    let filled = 0;
    for (const link of links) {
      for (const { family, address } of link.addresses) {
        if (family !== AF_INET) continue;
        if (room !== undefined) {
          if (filled + IFREQ_SIZE > room.length) return filled;
          const entry = Buffer.from(room.buffer, room.byteOffset + filled, IFREQ_SIZE).fill(0);
          entry.write(link.name, 'latin1');
          entry.writeUInt16LE(AF_INET, AT_IFREQ_VALUE);
          entry.set(address, AT_IFREQ_VALUE + 4);
        }
        filled += IFREQ_SIZE;
      }
    }
    return filled;
  });
}
