/**
 * Sockets of NetBSD (sys/socket.h, sys/un.h, netinet/in.h, netinet6/in6.h): address families, types and addresses, and
 * Linux's for the same. Options are in sockopt.ts.
 */
import * as linux from '../linux/socket.js';

export * from './sockopt.js';

export const NB_AF_UNSPEC = 0;
export const NB_AF_LOCAL = 1;
export const NB_AF_INET = 2;
export const NB_AF_SNA = 11;
export const NB_AF_APPLETALK = 16;
export const NB_AF_OROUTE = 17;
export const NB_AF_LINK = 18;
export const NB_AF_IPX = 23;
export const NB_AF_INET6 = 24;
export const NB_AF_ISDN = 26;
export const NB_AF_ARP = 28;
export const NB_AF_BLUETOOTH = 31;
export const NB_AF_MPLS = 33;
export const NB_AF_ROUTE = 34;
export const NB_AF_MAX = 35;

/** Families that both have. Linux's AF_ROUTE is its AF_NETLINK, whose messages are not NetBSD's: not here. */
const FAMILIES: readonly (readonly [number, number])[] = [
  [linux.AF_UNSPEC, NB_AF_UNSPEC],
  [linux.AF_UNIX, NB_AF_LOCAL],
  [linux.AF_INET, NB_AF_INET],
  [linux.AF_INET6, NB_AF_INET6],
  [linux.AF_SNA, NB_AF_SNA],
  [linux.AF_APPLETALK, NB_AF_APPLETALK],
  [linux.AF_IPX, NB_AF_IPX],
  [linux.AF_ISDN, NB_AF_ISDN],
  [linux.AF_BLUETOOTH, NB_AF_BLUETOOTH],
  [linux.AF_MPLS, NB_AF_MPLS],
];

/** NetBSD's family for one of Linux's; undefined where there is none: EAFNOSUPPORT. */
export function toNetbsdFamily(family: number): number | undefined {
  return FAMILIES.find(([number]) => number === family)?.[1];
}
/** Linux's family for one of NetBSD's; undefined where there is none: EAFNOSUPPORT. */
export function toLinuxFamily(netbsd: number): number | undefined {
  return FAMILIES.find(([, number]) => number === netbsd)?.[0];
}

export const NB_SOCK_STREAM = 1;
export const NB_SOCK_DGRAM = 2;
export const NB_SOCK_RAW = 3;
export const NB_SOCK_RDM = 4;
export const NB_SOCK_SEQPACKET = 5;
/** And SOCK_DCCP. */
export const NB_SOCK_CONN_DGRAM = 6;
export const NB_SOCK_CLOEXEC = 0x10000000;
export const NB_SOCK_NONBLOCK = 0x20000000;
export const NB_SOCK_NOSIGPIPE = 0x40000000;
export const NB_SOCK_FLAGS_MASK = 0xf0000000;

/** Type and flags of socket(2) for NetBSD: the types are the same. Bits that are none of Linux's are kept off the flags. */
export function toNetbsdSockType(type: number): number {
  let netbsd = type & ~(linux.SOCK_CLOEXEC | linux.SOCK_NONBLOCK | NB_SOCK_FLAGS_MASK);
  if ((type & linux.SOCK_CLOEXEC) !== 0) netbsd |= NB_SOCK_CLOEXEC;
  if ((type & linux.SOCK_NONBLOCK) !== 0) netbsd |= NB_SOCK_NONBLOCK;
  return netbsd;
}
/** Type and flags of socket(2) as Linux's; SOCK_NOSIGPIPE, which it lacks, is dropped. */
export function toLinuxSockType(netbsd: number): number {
  let type = netbsd & ~(NB_SOCK_FLAGS_MASK | linux.SOCK_CLOEXEC | linux.SOCK_NONBLOCK);
  if ((netbsd & NB_SOCK_CLOEXEC) !== 0) type |= linux.SOCK_CLOEXEC;
  if ((netbsd & NB_SOCK_NONBLOCK) !== 0) type |= linux.SOCK_NONBLOCK;
  return type;
}

/** shutdown(2): the same on both. */
export const NB_SHUT_RD = 0;
export const NB_SHUT_WR = 1;
export const NB_SHUT_RDWR = 2;

// Addresses. NetBSD's begin with a byte that is their length and a byte of family, Linux's with 16 bits of family. What
// follows in a sockaddr_in and a sockaddr_in6 is the same on both: a port, addresses, in network order, a scope.

export const NB_SA_LEN = 0;
export const NB_SA_FAMILY = 1;
/** Where all that is not length or family begins, on both. */
const SA_DATA = 2;
/** Longest address: its length is a byte. */
const SA_MAX = 255;
export const NB_SOCKADDR_IN_SIZE = 16;
export const NB_SOCKADDR_IN6_SIZE = 28;
/** Linux takes a sockaddr_in6 without its scope, too (SIN6_LEN_RFC2133). */
const IN6_WITHOUT_SCOPE = 24;
export const NB_SOCKADDR_UN_SIZE = 106;
export const NB_SOCKADDR_STORAGE_SIZE = 128;
export const NB_SUN_PATH = 2;
/** sizeof sun_path. NetBSD takes longer ones as well, up to 253 bytes; Linux has room for 108. */
export const NB_SUN_PATH_ROOM = 104;
const LINUX_SUN_PATH_ROOM = 108;

/** Length of a path at `at`, which ends in NUL or with the bytes. */
function pathLength(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(0, at);
  return (end < 0 ? bytes.length : end) - at;
}

/** What follows length or family of an address of this family (Linux's number), without its junk at the end. */
function addressData(bytes: Uint8Array, family: number): Uint8Array {
  switch (family) {
    case linux.AF_INET:
      return bytes.subarray(SA_DATA, NB_SOCKADDR_IN_SIZE);
    case linux.AF_INET6: {
      if (bytes.length < IN6_WITHOUT_SCOPE) return bytes.subarray(SA_DATA);
      const whole = new Uint8Array(NB_SOCKADDR_IN6_SIZE - SA_DATA);
      whole.set(bytes.subarray(SA_DATA, NB_SOCKADDR_IN6_SIZE));
      return whole;
    }
    case linux.AF_UNIX: {
      // A socket without a name has none; a path has its NUL on both, as far as there is room for it.
      const length = pathLength(bytes, SA_DATA);
      if (length === 0) return new Uint8Array(0);
      const path = new Uint8Array(length + 1);
      path.set(bytes.subarray(SA_DATA, SA_DATA + length));
      return path;
    }
    default:
      return bytes.subarray(SA_DATA, SA_MAX);
  }
}

/**
 * Linux's address for NetBSD, with its length byte. An address too short for its family stays so: NetBSD refuses it.
 *
 * @param bytes all of the address, as long as the program says it is
 * @returns undefined where NetBSD has no such address: a family that it lacks, a name of the abstract name space, or not even
 *   a family
 */
export function toNetbsdSockaddr(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < SA_DATA) return undefined;
  const family = bytes[0] | (bytes[1] << 8);
  const netbsd = toNetbsdFamily(family);
  if (netbsd === undefined) return undefined;
  if (family === linux.AF_UNIX && bytes.length > SA_DATA && bytes[SA_DATA] === 0) return undefined;
  const data = addressData(bytes, family);
  const address = new Uint8Array(SA_DATA + data.length);
  address[NB_SA_LEN] = address.length;
  address[NB_SA_FAMILY] = netbsd;
  address.set(data, SA_DATA);
  return address;
}

/**
 * NetBSD's address as Linux's. The length byte is not looked at, as NetBSD's kernel does not either.
 *
 * @param bytes all of the address, as long as the call says it is
 * @returns undefined where Linux has no such address: a family that it lacks, or not even a family
 */
export function toLinuxSockaddr(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < SA_DATA) return undefined;
  const family = toLinuxFamily(bytes[NB_SA_FAMILY]);
  if (family === undefined) return undefined;
  let data = addressData(bytes, family);
  if (family === linux.AF_UNIX) data = data.subarray(0, LINUX_SUN_PATH_ROOM);
  const address = new Uint8Array(SA_DATA + data.length);
  address[0] = family & 0xff;
  address[1] = family >>> 8;
  address.set(data, SA_DATA);
  return address;
}
