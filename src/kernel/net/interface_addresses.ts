/** Requests of netdevice(7) about addresses: of IPv4 (devinet_ioctl() of net/ipv4/devinet.c) and of IPv6 (addrconf_*_ioctl() of net/ipv6/addrconf.c). */
import { EADDRNOTAVAIL, EINVAL, ENODEV, EOPNOTSUPP } from '../../abi/linux/errno.js';
import { AT_IFR6_IFINDEX, AT_IFR6_PREFIXLEN, AT_IFREQ_VALUE, IFNAMSIZ } from '../../abi/linux/ifreq.js';
import * as sio from '../../abi/linux/ioctl.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import type { Result } from '../rump_kernel.js';
import type { InterfaceAddress, NetInterface, SocketProcess } from '../socket_calls.js';
import { whenAllowed, withLink } from './interface_links.js';
import type { InterfaceRequest } from './interface_requests.js';

const AT_ADDRESS = AT_IFREQ_VALUE + 4;
const SOCKADDR_SIZE = 16;
const NO_ADDRESS = new Uint8Array(4);

/** Of sockets of AF_INET: what is asked of the interface's address. */
const ASKED = new Map<number, (address: InterfaceAddress) => Uint8Array>([
  [sio.SIOCGIFADDR, own => own.address],
  [sio.SIOCGIFDSTADDR, own => own.address],
  [sio.SIOCGIFBRDADDR, own => own.broadcast ?? NO_ADDRESS],
  [sio.SIOCGIFNETMASK, own => maskOf(own.prefixLength)],
]);

const CHANGES = new Set([sio.SIOCSIFADDR, sio.SIOCSIFDSTADDR, sio.SIOCSIFBRDADDR, sio.SIOCSIFNETMASK]);

export function isAddressRequest(request: number): boolean {
  return ASKED.has(request) || CHANGES.has(request);
}

export function maskOf(prefixLength: number): Uint8Array {
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0);
  return mask;
}

/** -EINVAL when the set bits are not the first ones (bad_mask()). */
export function prefixOf(mask: Uint8Array): number {
  const bits = Buffer.from(mask).readUInt32BE(0);
  const prefixLength = Math.clz32(~bits);
  return Buffer.from(maskOf(prefixLength)).readUInt32BE(0) === bits ? prefixLength : -EINVAL;
}

/** The network that an address had before there were masks (inet_abc_len()): -EINVAL for those that no host has. */
function classPrefix([first]: Uint8Array): number {
  if (first === 0) return 0;
  if (first < 128) return 8;
  if (first < 192) return 16;
  if (first < 224) return 24;
  return first < 240 ? -EINVAL : 32;
}

/** What is in a struct ifreq. */
interface Named {
  readonly name: string;
  /** An alias, as in `eth0:1`: a label of an address, which none here has. */
  readonly hasLabel: boolean;
  readonly family: number;
  readonly address: Uint8Array;
}

function parse(data: Buffer): Named {
  const [text] = data.toString('latin1', 0, IFNAMSIZ - 1).split('\0', 1);
  const [name, label] = text.split(':', 2);
  return {
    name,
    hasLabel: label !== undefined,
    family: data.readUInt16LE(AT_IFREQ_VALUE),
    address: Uint8Array.from(data.subarray(AT_ADDRESS, AT_ADDRESS + 4)),
  };
}

/** The checks come in the kernel's order: the right to change, the address, the interface, its address. */
export function addressRequest({ process, request, data }: InterfaceRequest): Result {
  const named = parse(data);
  const asked = ASKED.get(request);
  if (asked !== undefined) {
    return withAddress(process, named, (_, own) => {
      if (own === undefined) return -EADDRNOTAVAIL;
      data.fill(0, AT_IFREQ_VALUE, AT_IFREQ_VALUE + SOCKADDR_SIZE);
      data.writeUInt16LE(AF_INET, AT_IFREQ_VALUE);
      data.set(asked(own), AT_ADDRESS);
      return 0;
    });
  }
  return whenAllowed(process, () => {
    if (named.family !== AF_INET) return -EINVAL;
    return withAddress(process, named, (link, own) => change(process, request, named, link, own));
  });
}

function withAddress(
  process: SocketProcess,
  { name, hasLabel }: Named,
  next: (link: NetInterface, own: InterfaceAddress | undefined) => Result,
): Result {
  return withLink(
    process,
    link => link.name === name,
    link => next(link, hasLabel ? undefined : link.addresses.find(({ family }) => family === AF_INET)),
  );
}

function change(
  process: SocketProcess,
  request: number,
  { name, address, hasLabel }: Named,
  link: NetInterface,
  own: InterfaceAddress | undefined,
): Result {
  if (request === sio.SIOCSIFADDR) {
    if (hasLabel) return -EOPNOTSUPP;
    return setAddress(process, name, own, address);
  }
  if (own === undefined) return -EADDRNOTAVAIL;
  if (request !== sio.SIOCSIFNETMASK) {
    // The broadcast address follows from the network, and no interface here has one other end.
    const follows = request === sio.SIOCSIFBRDADDR ? own.broadcast : own.address;
    return Buffer.from(address).equals(follows ?? NO_ADDRESS) ? 0 : -EOPNOTSUPP;
  }
  const prefixLength = prefixOf(address);
  if (prefixLength < 0 || prefixLength === own.prefixLength) return Math.min(prefixLength, 0);
  return process.changeInterface({
    name: link.name,
    addAddress: { family: AF_INET, address: own.address, prefixLength },
  });
}

/** SIOCSIFADDR: in the place of what was there; 0.0.0.0 is none. */
function setAddress(
  process: SocketProcess,
  name: string,
  own: InterfaceAddress | undefined,
  address: Uint8Array,
): Result {
  const prefixLength = classPrefix(address);
  if (prefixLength < 0) return prefixLength;
  if (own !== undefined && Buffer.from(address).equals(own.address)) return 0;
  const isNone = Buffer.from(address).equals(NO_ADDRESS);
  return process.changeInterface({
    name,
    ...(own !== undefined && { removeAddress: { family: AF_INET, address: own.address } }),
    ...(!isNone && { addAddress: { family: AF_INET, address, prefixLength } }),
  });
}

/** SIOCSIFADDR, SIOCDIFADDR and SIOCSIFDSTADDR of a socket of AF_INET6: struct in6_ifreq. */
export function v6AddressRequest({ process, request, data }: InterfaceRequest): Result {
  const given = { family: AF_INET6, address: Uint8Array.from(data.subarray(0, 16)) };
  const prefixLength = data.readUInt32LE(AT_IFR6_PREFIXLEN);
  const index = data.readInt32LE(AT_IFR6_IFINDEX);
  return whenAllowed(process, () => {
    // sit0 alone can have another end.
    if (request === sio.SIOCSIFDSTADDR) return -ENODEV;
    if (prefixLength > 128) return -EINVAL;
    return withLink(
      process,
      link => link.index === index,
      ({ name }) =>
        process.changeInterface(
          request === sio.SIOCSIFADDR
            ? { name, addAddress: { ...given, prefixLength } }
            : { name, removeAddress: given },
        ),
    );
  });
}
