/**
 * Network interfaces of NetBSD (net/if.h, net/if_dl.h, net/if_types.h, netinet/in_var.h, netinet6/in6_var.h): flags, the structs of
 * SIOC* ioctls and their addresses. Addresses are sockaddrs of NetBSD, with their length byte.
 */
import { IPV4_SIZE, IPV6_SIZE, isLinkScope, prefixLength } from '../address.js';
import { NB_AF_INET, NB_AF_INET6, NB_AF_LINK, NB_SOCKADDR_IN_SIZE, NB_SOCKADDR_IN6_SIZE } from './socket.js';

export const NB_IFNAMSIZ = 16;

export const NB_IFF_UP = 0x1;
export const NB_IFF_BROADCAST = 0x2;
export const NB_IFF_DEBUG = 0x4;
export const NB_IFF_LOOPBACK = 0x8;
export const NB_IFF_POINTOPOINT = 0x10;
export const NB_IFF_NOTRAILERS = 0x20;
export const NB_IFF_RUNNING = 0x40;
export const NB_IFF_NOARP = 0x80;
export const NB_IFF_PROMISC = 0x100;
export const NB_IFF_ALLMULTI = 0x200;
export const NB_IFF_OACTIVE = 0x400;
export const NB_IFF_SIMPLEX = 0x800;
export const NB_IFF_LINK0 = 0x1000;
export const NB_IFF_LINK1 = 0x2000;
export const NB_IFF_LINK2 = 0x4000;
export const NB_IFF_MULTICAST = 0x8000;

/** What SIOCSIFFLAGS leaves as it is (net/if.h). */
export const NB_IFF_CANTCHANGE =
  NB_IFF_BROADCAST |
  NB_IFF_POINTOPOINT |
  NB_IFF_RUNNING |
  NB_IFF_OACTIVE |
  NB_IFF_SIMPLEX |
  NB_IFF_MULTICAST |
  NB_IFF_ALLMULTI |
  NB_IFF_PROMISC;

/** IFFBITS of net/if.h: names of the flags, bit 0 first. */
export const NB_IFF_NAMES = (
  'UP BROADCAST DEBUG LOOPBACK POINTOPOINT NOTRAILERS RUNNING NOARP ' +
  'PROMISC ALLMULTI OACTIVE SIMPLEX LINK0 LINK1 LINK2 MULTICAST'
).split(' ');
/** Flags of an IPv4 address (IN_IFF_* of netinet/in_var.h), bit 0 first. */
export const NB_IN_IFF_NAMES = 'TENTATIVE DUPLICATED DETACHED TRYTENTATIVE'.split(' ');
/** Flags of an IPv6 address (IN6_IFF_* of netinet6/in6_var.h), bit 0 first. */
export const NB_IN6_IFF_NAMES =
  'ANYCAST TENTATIVE DUPLICATED DETACHED DEPRECATED NODAD AUTOCONF TEMPORARY'.split(' ');

/** net/if_types.h */
export const NB_IFT_ETHER = 0x6;
export const NB_IFT_LOOP = 0x18;

// struct ifreq: a name, and a union that begins with an address, flags, a number.

export const NB_IFREQ_SIZE = 144;
/** ifr_ifru */
export const NB_IFR_VALUE = 16;
/** struct in6_ifreq: the same with a larger union. */
export const NB_IN6_IFREQ_SIZE = 288;

/** Writes an interface's name at the beginning of a request. Names of 16 bytes or more are cut: callers check. */
function putName(bytes: Uint8Array, name: string): void {
  for (let i = 0; i < Math.min(name.length, NB_IFNAMSIZ - 1); i++) bytes[i] = name.charCodeAt(i);
}

/** The name at the beginning of a request, or of a list's entry. */
export function netbsdIfName(bytes: Uint8Array, at = 0): string {
  const whole = bytes.subarray(at, at + NB_IFNAMSIZ);
  const end = whole.indexOf(0);
  return String.fromCharCode(...whole.subarray(0, end < 0 ? NB_IFNAMSIZ : end));
}

/** A struct ifreq, or with `size` an in6_ifreq, that names an interface and an address of it. */
export function encodeIfreq(name: string, address?: Uint8Array, size: number = NB_IFREQ_SIZE): Uint8Array {
  const bytes = new Uint8Array(size);
  putName(bytes, name);
  if (address !== undefined) bytes.set(address.subarray(0, size - NB_IFR_VALUE), NB_IFR_VALUE);
  return bytes;
}

/** A struct ifreq with ifr_mtu, ifr_metric or the like. */
export function encodeIfreqValue(name: string, value: number): Uint8Array {
  const bytes = encodeIfreq(name);
  new DataView(bytes.buffer).setInt32(NB_IFR_VALUE, value, true);
  return bytes;
}
/** ifr_flags is 16 bits wide. */
export function ifreqFlags(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint16(NB_IFR_VALUE, true);
}
/** ifr_mtu, ifr_index, ifr_addrflags. */
export function ifreqValue(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(NB_IFR_VALUE, true);
}

// struct in_aliasreq and in6_aliasreq: SIOCAIFADDR and SIOCAIFADDR_IN6.

export const NB_IN_ALIASREQ_SIZE = 64;
export const NB_IN6_ALIASREQ_SIZE = 128;
const ALIAS_ADDRESS = 16;
const IN6_FLAGS = ALIAS_ADDRESS + 3 * NB_SOCKADDR_IN6_SIZE;
const IN6_VLTIME = IN6_FLAGS + 4 + 16;
/** ND6_INFINITE_LIFETIME of netinet6/nd6.h */
const INFINITE = 0xffffffff;

/** What SIOCAIFADDR sets; addresses are sockaddrs, empty where there is none. */
export interface AddressRequest {
  readonly name: string;
  readonly address: Uint8Array;
  /** The broadcast address, or the other end of a point-to-point link; the kernel finds the former by itself. */
  readonly other: Uint8Array;
  readonly mask: Uint8Array;
}

/** A struct in_aliasreq or in6_aliasreq, by the family of the address; an IPv6 address is to live for ever. */
export function encodeAliasreq(request: AddressRequest): Uint8Array {
  const isIpv6 = request.address[1] === NB_AF_INET6;
  const step = isIpv6 ? NB_SOCKADDR_IN6_SIZE : NB_SOCKADDR_IN_SIZE;
  const bytes = new Uint8Array(isIpv6 ? NB_IN6_ALIASREQ_SIZE : NB_IN_ALIASREQ_SIZE);
  putName(bytes, request.name);
  for (const [i, address] of [request.address, request.other, request.mask].entries())
    bytes.set(address.subarray(0, step), ALIAS_ADDRESS + i * step);
  if (isIpv6) {
    const view = new DataView(bytes.buffer);
    view.setUint32(IN6_VLTIME, INFINITE, true);
    view.setUint32(IN6_VLTIME + 4, INFINITE, true);
  }
  return bytes;
}

/** As encodeAliasreq() takes it; the family is that of the struct's length. */
export function decodeAliasreq(bytes: Uint8Array): AddressRequest {
  const step = bytes.length === NB_IN6_ALIASREQ_SIZE ? NB_SOCKADDR_IN6_SIZE : NB_SOCKADDR_IN_SIZE;
  const address = (i: number): Uint8Array => {
    const at = ALIAS_ADDRESS + i * step;
    return bytes.slice(at, at + Math.min(bytes[at], step));
  };
  return { name: netbsdIfName(bytes), address: address(0), other: address(1), mask: address(2) };
}

// struct ifdrv: a string that names what a driver is connected to (SIOCGLINKSTR, SIOCSLINKSTR).

export const NB_IFDRV_SIZE = 40;
export const NB_IFD_CMD = 16;
export const NB_IFD_LEN = 24;
export const NB_IFD_DATA = 32;
/** Asks for the length alone. */
export const NB_IFLINKSTR_QUERYLEN = 1;
export const NB_IFLINKSTR_UNSET = 2;

/** A struct ifdrv without its pointer. */
export function encodeIfdrv(name: string, command: number, length: number): Uint8Array {
  const bytes = new Uint8Array(NB_IFDRV_SIZE);
  const view = new DataView(bytes.buffer);
  putName(bytes, name);
  view.setUint32(NB_IFD_CMD, command, true);
  view.setUint32(NB_IFD_LEN, length, true);
  return bytes;
}

// Addresses.

/** A struct sockaddr_in with port 0. */
export function netbsdSockaddrIn(ipv4: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(NB_SOCKADDR_IN_SIZE);
  bytes[0] = NB_SOCKADDR_IN_SIZE;
  bytes[1] = NB_AF_INET;
  bytes.set(ipv4, 4);
  return bytes;
}

/** A struct sockaddr_in6 with port 0. */
export function netbsdSockaddrIn6(ipv6: Uint8Array, scope = 0): Uint8Array {
  const bytes = new Uint8Array(NB_SOCKADDR_IN6_SIZE);
  bytes[0] = NB_SOCKADDR_IN6_SIZE;
  bytes[1] = NB_AF_INET6;
  bytes.set(ipv6, 8);
  new DataView(bytes.buffer).setUint32(24, scope, true);
  return bytes;
}

/** The address of a sockaddr_in, zeros where the sockaddr ends before it does, as masks may. */
export function sockaddrIpv4(sockaddr: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  bytes.set(sockaddr.subarray(4, 8));
  return bytes;
}

export interface ScopedIpv6 {
  readonly ipv6: Uint8Array;
  /** Index of the interface, 0 where none is named. */
  readonly scope: number;
}

/** The address of a sockaddr_in6. The kernel keeps the scope of a link-local one in its second 16 bits, and shows it so (RFC 4007, KAME). */
export function sockaddrIpv6(sockaddr: Uint8Array): ScopedIpv6 {
  const ipv6 = new Uint8Array(16);
  ipv6.set(sockaddr.subarray(8, 24));
  let scope = sockaddr.length < NB_SOCKADDR_IN6_SIZE ? 0 : sockaddr[24] | (sockaddr[25] << 8);
  if (isLinkScope(ipv6) && (ipv6[2] !== 0 || ipv6[3] !== 0)) {
    scope = (ipv6[2] << 8) | ipv6[3];
    ipv6.fill(0, 2, 4);
  }
  return { ipv6, scope };
}

/** The sockaddr_in6 of a link-local address as routes and SIOCAIFADDR_IN6 have it: the scope within the address. */
export function embedScope(ipv6: Uint8Array, scope: number): Uint8Array {
  const bytes = netbsdSockaddrIn6(ipv6);
  if (scope !== 0) {
    bytes[10] = scope >> 8;
    bytes[11] = scope & 0xff;
  }
  return bytes;
}

/**
 * Bits of a mask that may be shorter than its family's sockaddr, whose family may be missing; undefined for one with gaps. AF_INET has the
 * same number on both systems; every other family is IPv6's.
 */
export function bitsOfMask(family: number, mask: Uint8Array): number | undefined {
  const bytes = new Uint8Array(family === NB_AF_INET ? IPV4_SIZE : IPV6_SIZE);
  const from = family === NB_AF_INET ? 4 : 8;
  bytes.set(mask.subarray(from, from + bytes.length));
  return prefixLength(bytes);
}

// struct sockaddr_dl: an interface's index, name and hardware address.

export const NB_SOCKADDR_DL_SIZE = 20;
/** sdl_data */
export const NB_SDL_DATA = 8;

export interface LinkAddress {
  readonly index: number;
  /** NB_IFT_* */
  readonly type: number;
  readonly name: string;
  readonly hardware: Uint8Array;
}

export function encodeSockaddrDl(link: LinkAddress): Uint8Array {
  const used = NB_SDL_DATA + link.name.length + link.hardware.length;
  const bytes = new Uint8Array(used);
  bytes[0] = used;
  bytes[1] = NB_AF_LINK;
  bytes[2] = link.index & 0xff;
  bytes[3] = link.index >> 8;
  bytes[4] = link.type;
  bytes[5] = link.name.length;
  bytes[6] = link.hardware.length;
  for (let i = 0; i < link.name.length; i++) bytes[NB_SDL_DATA + i] = link.name.charCodeAt(i);
  bytes.set(link.hardware, NB_SDL_DATA + link.name.length);
  return bytes;
}

/** What is missing in a short one is empty. */
export function decodeSockaddrDl(sockaddr: Uint8Array): LinkAddress {
  const bytes = new Uint8Array(NB_SDL_DATA);
  bytes.set(sockaddr.subarray(0, NB_SDL_DATA));
  const hardwareAt = NB_SDL_DATA + bytes[5];
  return {
    index: bytes[2] | (bytes[3] << 8),
    type: bytes[4],
    name: String.fromCharCode(...sockaddr.subarray(NB_SDL_DATA, hardwareAt)),
    hardware: sockaddr.slice(hardwareAt, hardwareAt + bytes[6]),
  };
}
