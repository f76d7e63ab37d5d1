/**
 * Socket options of NetBSD (sys/socket.h, sys/un.h, netinet/in.h, netinet/tcp.h, netinet/icmp6.h, netinet6/in6.h), and
 * Linux's for the same.
 */
import * as inet from '../linux/inet.js';
import * as linux from '../linux/socket.js';

export const NB_SOL_SOCKET = 0xffff;
export const NB_SO_DEBUG = 0x1;
export const NB_SO_ACCEPTCONN = 0x2;
export const NB_SO_REUSEADDR = 0x4;
export const NB_SO_KEEPALIVE = 0x8;
export const NB_SO_DONTROUTE = 0x10;
export const NB_SO_BROADCAST = 0x20;
export const NB_SO_USELOOPBACK = 0x40;
export const NB_SO_LINGER = 0x80;
export const NB_SO_OOBINLINE = 0x100;
export const NB_SO_REUSEPORT = 0x200;
export const NB_SO_NOSIGPIPE = 0x800;
export const NB_SO_ACCEPTFILTER = 0x1000;
export const NB_SO_TIMESTAMP = 0x2000;
export const NB_SO_SNDBUF = 0x1001;
export const NB_SO_RCVBUF = 0x1002;
export const NB_SO_SNDLOWAT = 0x1003;
export const NB_SO_RCVLOWAT = 0x1004;
export const NB_SO_ERROR = 0x1007;
export const NB_SO_TYPE = 0x1008;
export const NB_SO_OVERFLOWED = 0x1009;
export const NB_SO_NOHEADER = 0x100a;
export const NB_SO_SNDTIMEO = 0x100b;
export const NB_SO_RCVTIMEO = 0x100c;

/** sys/un.h: options of an AF_LOCAL socket, at level 0, where an AF_INET one has IP_*. */
export const NB_LOCAL_CONNWAIT = 0x2;
export const NB_LOCAL_PEEREID = 0x3;
export const NB_LOCAL_CREDS = 0x4;

export const NB_IPPROTO_IP = 0;
export const NB_IPPROTO_ICMP = 1;
export const NB_IPPROTO_TCP = 6;
export const NB_IPPROTO_UDP = 17;
export const NB_IPPROTO_IPV6 = 41;
export const NB_IPPROTO_ICMPV6 = 58;
export const NB_IPPROTO_RAW = 255;

export const NB_IP_OPTIONS = 1;
export const NB_IP_HDRINCL = 2;
export const NB_IP_TOS = 3;
export const NB_IP_TTL = 4;
export const NB_IP_RECVOPTS = 5;
export const NB_IP_RECVRETOPTS = 6;
export const NB_IP_RECVDSTADDR = 7;
export const NB_IP_RETOPTS = 8;
export const NB_IP_MULTICAST_IF = 9;
export const NB_IP_MULTICAST_TTL = 10;
export const NB_IP_MULTICAST_LOOP = 11;
export const NB_IP_ADD_MEMBERSHIP = 12;
export const NB_IP_DROP_MEMBERSHIP = 13;
export const NB_IP_PORTALGO = 18;
export const NB_IP_PORTRANGE = 19;
export const NB_IP_RECVIF = 20;
export const NB_IP_ERRORMTU = 21;
export const NB_IP_RECVTTL = 23;
export const NB_IP_MINTTL = 24;
/** Tells the destination of a datagram, as Linux's does; IP_RECVPKTINFO tells its source. */
export const NB_IP_PKTINFO = 25;
export const NB_IP_RECVPKTINFO = 26;

export const NB_IPV6_UNICAST_HOPS = 4;
export const NB_IPV6_MULTICAST_IF = 9;
export const NB_IPV6_MULTICAST_HOPS = 10;
export const NB_IPV6_MULTICAST_LOOP = 11;
export const NB_IPV6_JOIN_GROUP = 12;
export const NB_IPV6_LEAVE_GROUP = 13;
export const NB_IPV6_PORTRANGE = 14;
export const NB_IPV6_CHECKSUM = 26;
export const NB_IPV6_V6ONLY = 27;
export const NB_IPV6_RTHDRDSTOPTS = 35;
export const NB_IPV6_RECVPKTINFO = 36;
export const NB_IPV6_RECVHOPLIMIT = 37;
export const NB_IPV6_RECVRTHDR = 38;
export const NB_IPV6_RECVHOPOPTS = 39;
export const NB_IPV6_RECVDSTOPTS = 40;
export const NB_IPV6_USE_MIN_MTU = 42;
export const NB_IPV6_RECVPATHMTU = 43;
export const NB_IPV6_PKTINFO = 46;
export const NB_IPV6_HOPLIMIT = 47;
export const NB_IPV6_HOPOPTS = 49;
export const NB_IPV6_DSTOPTS = 50;
export const NB_IPV6_RTHDR = 51;
export const NB_IPV6_RECVTCLASS = 57;
export const NB_IPV6_TCLASS = 61;
export const NB_IPV6_DONTFRAG = 62;

export const NB_TCP_NODELAY = 1;
export const NB_TCP_MAXSEG = 2;
export const NB_TCP_KEEPIDLE = 3;
export const NB_TCP_KEEPINTVL = 5;
export const NB_TCP_KEEPCNT = 6;
export const NB_TCP_KEEPINIT = 7;
export const NB_TCP_INFO = 9;
export const NB_TCP_MD5SIG = 0x10;
export const NB_TCP_CONGCTL = 0x20;

export const NB_ICMP6_FILTER = 18;

/**
 * How the value looks on both systems. These are the same bytes on both, whatever they are:
 * - `int`: 4 bytes
 * - `linger`: l_onoff, l_linger in seconds, 4 bytes each
 * - `timeval`: 16 bytes, seconds and microseconds. The upper half of the microseconds is padding on NetBSD, which may hold
 *   garbage when it comes from there: zero it for Linux
 * - `in_addr`: 4 bytes in network order; Linux takes a struct ip_mreq or ip_mreqn, too
 * - `mreq`: struct ip_mreq, two in_addr; Linux takes a struct ip_mreqn, too, whose interface is the third word
 * - `mreq6`: struct ipv6_mreq, 16 bytes of group and an interface's number
 * - `ucred`: process, user and group, 4 bytes each
 * - `string`: a name that ends in NUL
 * - `bytes`: anything else
 *
 * And these are not:
 * - `errno`: an int, to be translated with errno.ts
 * - `byte`: an int on Linux, one byte on NetBSD, which takes an int as well but answers with a byte
 * - `filter`: 32 bytes whose bits are set for what Linux blocks and for what NetBSD passes
 */
export type SockoptFormat =
  | 'int'
  | 'linger'
  | 'timeval'
  | 'in_addr'
  | 'mreq'
  | 'mreq6'
  | 'ucred'
  | 'string'
  | 'bytes'
  | 'errno'
  | 'byte'
  | 'filter';

export interface Sockopt {
  level: number;
  name: number;
  format: SockoptFormat;
}

/** Linux's number, NetBSD's number, the format. */
type Row = readonly [number, number, SockoptFormat];

const SOCKET: readonly Row[] = [
  [linux.SO_DEBUG, NB_SO_DEBUG, 'int'],
  [linux.SO_ACCEPTCONN, NB_SO_ACCEPTCONN, 'int'],
  [linux.SO_REUSEADDR, NB_SO_REUSEADDR, 'int'],
  [linux.SO_KEEPALIVE, NB_SO_KEEPALIVE, 'int'],
  [linux.SO_DONTROUTE, NB_SO_DONTROUTE, 'int'],
  [linux.SO_BROADCAST, NB_SO_BROADCAST, 'int'],
  [linux.SO_LINGER, NB_SO_LINGER, 'linger'],
  [linux.SO_OOBINLINE, NB_SO_OOBINLINE, 'int'],
  [linux.SO_REUSEPORT, NB_SO_REUSEPORT, 'int'],
  [linux.SO_TIMESTAMP, NB_SO_TIMESTAMP, 'int'],
  [linux.SO_SNDBUF, NB_SO_SNDBUF, 'int'],
  [linux.SO_RCVBUF, NB_SO_RCVBUF, 'int'],
  [linux.SO_SNDLOWAT, NB_SO_SNDLOWAT, 'int'],
  [linux.SO_RCVLOWAT, NB_SO_RCVLOWAT, 'int'],
  [linux.SO_ERROR, NB_SO_ERROR, 'errno'],
  // SOCK_* of the first six types are the same.
  [linux.SO_TYPE, NB_SO_TYPE, 'int'],
  [linux.SO_SNDTIMEO, NB_SO_SNDTIMEO, 'timeval'],
  [linux.SO_RCVTIMEO, NB_SO_RCVTIMEO, 'timeval'],
  // Only to NetBSD: the rows above come first on the way back.
  [linux.SO_SNDBUFFORCE, NB_SO_SNDBUF, 'int'],
  [linux.SO_RCVBUFFORCE, NB_SO_RCVBUF, 'int'],
];

/** Of SOL_SOCKET on Linux, of level 0 on NetBSD, for AF_LOCAL sockets alone. */
const LOCAL: readonly Row[] = [
  [linux.SO_PEERCRED, NB_LOCAL_PEEREID, 'ucred'],
  [linux.SO_PASSCRED, NB_LOCAL_CREDS, 'int'],
];

const IP: readonly Row[] = [
  [inet.IP_OPTIONS, NB_IP_OPTIONS, 'bytes'],
  [inet.IP_HDRINCL, NB_IP_HDRINCL, 'int'],
  [inet.IP_TOS, NB_IP_TOS, 'int'],
  [inet.IP_TTL, NB_IP_TTL, 'int'],
  [inet.IP_RECVOPTS, NB_IP_RECVOPTS, 'int'],
  [inet.IP_RETOPTS, NB_IP_RECVRETOPTS, 'int'],
  [inet.IP_MULTICAST_IF, NB_IP_MULTICAST_IF, 'in_addr'],
  [inet.IP_MULTICAST_TTL, NB_IP_MULTICAST_TTL, 'byte'],
  [inet.IP_MULTICAST_LOOP, NB_IP_MULTICAST_LOOP, 'byte'],
  [inet.IP_ADD_MEMBERSHIP, NB_IP_ADD_MEMBERSHIP, 'mreq'],
  [inet.IP_DROP_MEMBERSHIP, NB_IP_DROP_MEMBERSHIP, 'mreq'],
  [inet.IP_RECVTTL, NB_IP_RECVTTL, 'int'],
  [inet.IP_MINTTL, NB_IP_MINTTL, 'int'],
  [inet.IP_PKTINFO, NB_IP_PKTINFO, 'int'],
];

const IPV6: readonly Row[] = [
  [inet.IPV6_UNICAST_HOPS, NB_IPV6_UNICAST_HOPS, 'int'],
  [inet.IPV6_MULTICAST_IF, NB_IPV6_MULTICAST_IF, 'int'],
  [inet.IPV6_MULTICAST_HOPS, NB_IPV6_MULTICAST_HOPS, 'int'],
  [inet.IPV6_MULTICAST_LOOP, NB_IPV6_MULTICAST_LOOP, 'int'],
  [inet.IPV6_ADD_MEMBERSHIP, NB_IPV6_JOIN_GROUP, 'mreq6'],
  [inet.IPV6_DROP_MEMBERSHIP, NB_IPV6_LEAVE_GROUP, 'mreq6'],
  [inet.IPV6_CHECKSUM, NB_IPV6_CHECKSUM, 'int'],
  [inet.IPV6_V6ONLY, NB_IPV6_V6ONLY, 'int'],
  [inet.IPV6_RTHDRDSTOPTS, NB_IPV6_RTHDRDSTOPTS, 'bytes'],
  [inet.IPV6_RECVPKTINFO, NB_IPV6_RECVPKTINFO, 'int'],
  [inet.IPV6_RECVHOPLIMIT, NB_IPV6_RECVHOPLIMIT, 'int'],
  [inet.IPV6_RECVRTHDR, NB_IPV6_RECVRTHDR, 'int'],
  [inet.IPV6_RECVHOPOPTS, NB_IPV6_RECVHOPOPTS, 'int'],
  [inet.IPV6_RECVDSTOPTS, NB_IPV6_RECVDSTOPTS, 'int'],
  [inet.IPV6_RECVPATHMTU, NB_IPV6_RECVPATHMTU, 'int'],
  [inet.IPV6_PKTINFO, NB_IPV6_PKTINFO, 'bytes'],
  [inet.IPV6_HOPLIMIT, NB_IPV6_HOPLIMIT, 'int'],
  [inet.IPV6_HOPOPTS, NB_IPV6_HOPOPTS, 'bytes'],
  [inet.IPV6_DSTOPTS, NB_IPV6_DSTOPTS, 'bytes'],
  [inet.IPV6_RTHDR, NB_IPV6_RTHDR, 'bytes'],
  [inet.IPV6_RECVTCLASS, NB_IPV6_RECVTCLASS, 'int'],
  [inet.IPV6_TCLASS, NB_IPV6_TCLASS, 'int'],
  [inet.IPV6_DONTFRAG, NB_IPV6_DONTFRAG, 'int'],
];

/** TCP_INFO and TCP_MD5SIG have structs of their own on each: not here. */
const TCP: readonly Row[] = [
  [inet.TCP_NODELAY, NB_TCP_NODELAY, 'int'],
  [inet.TCP_MAXSEG, NB_TCP_MAXSEG, 'int'],
  [inet.TCP_KEEPIDLE, NB_TCP_KEEPIDLE, 'int'],
  [inet.TCP_KEEPINTVL, NB_TCP_KEEPINTVL, 'int'],
  [inet.TCP_KEEPCNT, NB_TCP_KEEPCNT, 'int'],
  [inet.TCP_CONGESTION, NB_TCP_CONGCTL, 'string'],
];

const ICMPV6: readonly Row[] = [[inet.ICMPV6_FILTER, NB_ICMP6_FILTER, 'filter']];

/** Linux's level, NetBSD's level, whether it is only for AF_LOCAL sockets (or, false, never for them), the options. */
const LEVELS: readonly (readonly [number, number, boolean | undefined, readonly Row[]])[] = [
  [linux.SOL_SOCKET, NB_SOL_SOCKET, undefined, SOCKET],
  [linux.SOL_SOCKET, NB_IPPROTO_IP, true, LOCAL],
  [inet.IPPROTO_IP, NB_IPPROTO_IP, false, IP],
  [inet.IPPROTO_IPV6, NB_IPPROTO_IPV6, false, IPV6],
  [inet.IPPROTO_TCP, NB_IPPROTO_TCP, false, TCP],
  [inet.IPPROTO_ICMPV6, NB_IPPROTO_ICMPV6, false, ICMPV6],
];

/** NetBSD's option for one of Linux's; undefined for what it lacks: ENOPROTOOPT. `local`: the socket is an AF_LOCAL one. */
export function toNetbsdSockopt(level: number, name: number, local = false): Sockopt | undefined {
  for (const [from, to, only, rows] of LEVELS) {
    if (from !== level || (only ?? local) !== local) continue;
    const row = rows.find(([number]) => number === name);
    if (row !== undefined) return { level: to, name: row[1], format: row[2] };
  }
  return undefined;
}

/** Linux's option for one of NetBSD's; undefined for what it lacks: ENOPROTOOPT. `local`: the socket is an AF_LOCAL one. */
export function toLinuxSockopt(level: number, name: number, local = false): Sockopt | undefined {
  for (const [to, from, only, rows] of LEVELS) {
    if (from !== level || (only ?? local) !== local) continue;
    const row = rows.find(([, number]) => number === name);
    if (row !== undefined) return { level: to, name: row[0], format: row[2] };
  }
  return undefined;
}
