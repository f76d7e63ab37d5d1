/** IPPROTO_IP (do_ip_setsockopt() and do_ip_getsockopt() of net/ipv4/ip_sockglue.c), but for groups. */
import { EADDRNOTAVAIL, EINVAL, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, EPERM } from '../../abi/linux/errno.js';
import * as ip from '../../abi/linux/inet.js';
import { AF_INET } from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import { boundIndex } from './inet_options_device.js';
import { int32, putInts, putShortInt } from './option_bytes.js';
import { type OptionRow, type OptionState, ofLevel, RAW, STREAM } from './option_row.js';
import { byIndex, isPrivileged } from './option_values.js';
import { RN_GET_MTU, RN_OPT_FREEBIND, RN_OPT_HDRINCL, RN_OPT_TOS, RN_OPT_TTL } from './stack_options.js';

/** IPDEFTTL of linux/ip.h. */
export const DEFAULT_TTL = 64;
/** INET_ECN_MASK of net/inet_ecn.h: TCP's own bits of the type of service. */
export const ECN_MASK = 3;
const BYTE_MAX = 255;
/** MAX_IPOPTLEN of linux/ip.h: bytes. */
const OPTIONS_MAX = 40;
const notRaw: readonly [number, number] = [RAW, ENOPROTOOPT];
/** Multicast routing: MRT_* of linux/mroute.h and MRT6_* of linux/mroute6.h. */
const MRT_BASE = 200;
const MRT_MAX = 212;

const noOptions = 'the stack makes no options of IP and drops those that come';
const noFragments = 'the stack puts packets together before anyone sees them';
export const noErrors =
  'an ICMP error is told by SO_ERROR and the next call; the queue of errors stays empty';
const noIpsec = 'there is no IPsec';

/** Binding to addresses that are not the stack's: IP_FREEBIND, and IP_TRANSPARENT with the right to it. */
function tellFreebind(options: OptionState, other: OptionRow, value: number): number {
  return options.target.set(RN_OPT_FREEBIND, Number(value !== 0 || options.valueOf(other) !== 0));
}

const FREEBIND: OptionRow = {
  name: 'IP_FREEBIND',
  level: ip.IPPROTO_IP,
  option: ip.IP_FREEBIND,
  value: 'flag',
  effect: 'stack',
  why: 'bind(2) takes addresses that no interface has',
  needsByte: true,
  check: (options, value) => tellFreebind(options, TRANSPARENT, value),
};

const TRANSPARENT: OptionRow = {
  name: 'IP_TRANSPARENT',
  level: ip.IPPROTO_IP,
  option: ip.IP_TRANSPARENT,
  value: 'flag',
  effect: 'stack',
  why: 'as IP_FREEBIND; no rule sends it the packets of others; root’s',
  rights: (_, value, cred) => (value !== 0 && !isPrivileged(cred) ? -EPERM : 0),
  needsByte: true,
  check: (options, value) => tellFreebind(options, FREEBIND, value),
};

/** One bit each for sockets of both families (net/ipv6/ipv6_sockglue.c: "we don't have a separate transparent bit"). */
export const BIND_FLAGS = { FREEBIND, TRANSPARENT };

/** IP_UNICAST_IF and IPV6_UNICAST_IF: an index in network order, as it is kept. */
export function setUnicastIf(options: OptionState, row: OptionRow, value: Uint8Array): number {
  if (value.length !== 4) return -EINVAL;
  const index = ((value[0] << 24) | (value[1] << 16) | (value[2] << 8) | value[3]) >>> 0;
  if (index !== 0) {
    if (byIndex(options, index) === undefined) return -EADDRNOTAVAIL;
    if (boundIndex(options) !== 0) return -EINVAL;
  }
  options.keep(row, int32(value));
  return 0;
}

const UNICAST_IF: OptionRow = {
  name: 'IP_UNICAST_IF',
  level: ip.IPPROTO_IP,
  option: ip.IP_UNICAST_IF,
  value: 'an index in network order',
  effect: 'kept',
  why: 'a wish, which routes may overrule; SO_BINDTODEVICE is the one that binds',
  set: (options, value) => setUnicastIf(options, UNICAST_IF, value),
};

const LOCAL_PORT_RANGE: OptionRow = {
  name: 'IP_LOCAL_PORT_RANGE',
  level: ip.IPPROTO_IP,
  option: ip.IP_LOCAL_PORT_RANGE,
  value: 'two ports',
  effect: 'kept',
  why: 'programs share hosts’ ports by it, and have a stack of their own here',
  set: setPortRange,
};

function setPortRange(options: OptionState, value: Uint8Array): number {
  if (value.length !== 4) return -EINVAL;
  const low = value[0] | (value[1] << 8);
  const high = value[2] | (value[3] << 8);
  if (low !== 0 && high !== 0 && low > high) return -EINVAL;
  options.keep(LOCAL_PORT_RANGE, int32(value));
  return 0;
}

/** None can be taken away. */
function setOptions(_: OptionState, value: Uint8Array): number {
  if (value.length > OPTIONS_MAX) return -EINVAL;
  return value.length === 0 ? 0 : -ENOPROTOOPT;
}

const ipsec = (_: OptionState, __: Uint8Array, cred: Credentials) =>
  isPrivileged(cred) ? -ENOPROTOOPT : -EPERM;

export const IP_ROWS: readonly OptionRow[] = ofLevel(ip.IPPROTO_IP, [
  {
    name: 'IP_TOS',
    option: ip.IP_TOS,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_TOS,
    why: 'of packets that are sent',
    convert: (value, options) => (options.kind === STREAM ? value & ~ECN_MASK : value) & BYTE_MAX,
  },
  {
    name: 'IP_TTL',
    option: ip.IP_TTL,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_TTL,
    why: 'of packets that are sent; -1: the default',
    initial: DEFAULT_TTL,
    needsByte: true,
    check: (_, value) => (value !== -1 && (value < 1 || value > BYTE_MAX) ? -EINVAL : 0),
    convert: value => (value === -1 ? DEFAULT_TTL : value),
  },
  {
    name: 'IP_HDRINCL',
    option: ip.IP_HDRINCL,
    value: 'flag',
    effect: 'stack',
    stack: RN_OPT_HDRINCL,
    why: 'the program makes the header',
    initial: options => Number(options.kind === RAW && options.target.protocol === ip.IPPROTO_RAW),
    only: notRaw,
  },
  {
    name: 'IP_OPTIONS',
    option: ip.IP_OPTIONS,
    value: 'bytes',
    effect: 'refused',
    why: noOptions,
    set: setOptions,
    get: () => 0,
  },
  {
    name: 'IP_ROUTER_ALERT',
    option: ip.IP_ROUTER_ALERT,
    value: 'int',
    effect: 'refused',
    why: 'the stack is no router',
    set: options =>
      options.kind !== RAW || options.target.protocol === ip.IPPROTO_RAW ? -EINVAL : -ENOPROTOOPT,
    get: (_, out) => putShortInt(out, 0),
  },
  { name: 'IP_RECVOPTS', option: ip.IP_RECVOPTS, value: 'flag', effect: 'kept', why: noOptions },
  { name: 'IP_RETOPTS', option: ip.IP_RETOPTS, value: 'flag', effect: 'kept', why: noOptions },
  {
    name: 'IP_PKTINFO',
    option: ip.IP_PKTINFO,
    value: 'flag',
    effect: 'socket',
    flag: 'recvPktInfo',
    why: 'the interface and the destination come with each datagram',
  },
  {
    name: 'IP_PKTOPTIONS',
    option: ip.IP_PKTOPTIONS,
    value: 'control messages',
    effect: 'told',
    why: 'none are kept of a connection’s first packet',
    get: options => (options.kind === STREAM ? 0 : -ENOPROTOOPT),
  },
  {
    name: 'IP_MTU_DISCOVER',
    option: ip.IP_MTU_DISCOVER,
    value: 'int',
    effect: 'kept',
    why: 'the stack sends what fits the interface, and fragments datagrams',
    initial: ip.IP_PMTUDISC_WANT,
    range: [ip.IP_PMTUDISC_DONT, ip.IP_PMTUDISC_OMIT],
  },
  {
    name: 'IP_RECVERR',
    option: ip.IP_RECVERR,
    value: 'flag',
    effect: 'kept',
    why: noErrors,
  },
  {
    name: 'IP_RECVERR_RFC4884',
    option: ip.IP_RECVERR_RFC4884,
    value: 'int',
    effect: 'kept',
    why: noErrors,
    range: [0, 1],
  },
  {
    name: 'IP_RECVTTL',
    option: ip.IP_RECVTTL,
    value: 'flag',
    effect: 'socket',
    flag: 'recvTtl',
    why: 'the TTL comes with each datagram',
  },
  {
    name: 'IP_RECVTOS',
    option: ip.IP_RECVTOS,
    value: 'flag',
    effect: 'socket',
    flag: 'recvTos',
    why: 'the type of service comes with each datagram',
  },
  {
    name: 'IP_MTU',
    option: ip.IP_MTU,
    value: 'int',
    effect: 'told',
    why: 'of the way to the peer',
    get: (options, out) => {
      const mtu = options.target.domain === AF_INET ? options.target.get(RN_GET_MTU) : -ENOTCONN;
      return mtu < 0 ? mtu : putInts(out, mtu);
    },
  },
  FREEBIND,
  {
    name: 'IP_IPSEC_POLICY',
    option: ip.IP_IPSEC_POLICY,
    value: 'a policy',
    effect: 'refused',
    why: noIpsec,
    set: ipsec,
  },
  {
    name: 'IP_XFRM_POLICY',
    option: ip.IP_XFRM_POLICY,
    value: 'a policy',
    effect: 'refused',
    why: noIpsec,
    set: ipsec,
  },
  {
    name: 'IP_PASSSEC',
    option: ip.IP_PASSSEC,
    value: 'flag',
    effect: 'kept',
    why: 'packets have no security context',
  },
  TRANSPARENT,
  {
    name: 'IP_RECVORIGDSTADDR',
    option: ip.IP_RECVORIGDSTADDR,
    value: 'flag',
    effect: 'kept',
    why: 'IP_PKTINFO tells the destination',
  },
  {
    name: 'IP_MINTTL',
    option: ip.IP_MINTTL,
    value: 'int',
    effect: 'kept',
    why: 'guards protocols of routers (RFC 5082) against those that are no neighbours',
    needsByte: true,
    range: [0, BYTE_MAX],
  },
  {
    name: 'IP_NODEFRAG',
    option: ip.IP_NODEFRAG,
    value: 'flag',
    effect: 'kept',
    why: noFragments,
    only: notRaw,
  },
  {
    name: 'IP_CHECKSUM',
    option: ip.IP_CHECKSUM,
    value: 'flag',
    effect: 'kept',
    why: 'the checksum of a packet is right, or the stack drops it',
  },
  {
    name: 'IP_BIND_ADDRESS_NO_PORT',
    option: ip.IP_BIND_ADDRESS_NO_PORT,
    value: 'flag',
    effect: 'kept',
    why: 'a port that bind(2) gives at once is as good while there are enough',
  },
  {
    name: 'IP_RECVFRAGSIZE',
    option: ip.IP_RECVFRAGSIZE,
    value: 'flag',
    effect: 'kept',
    why: noFragments,
    only: [~STREAM, EINVAL],
  },
  UNICAST_IF,
  LOCAL_PORT_RANGE,
  {
    name: 'IP_PROTOCOL',
    option: ip.IP_PROTOCOL,
    value: 'int',
    effect: 'told',
    why: 'of raw sockets',
    initial: options => (options.kind === RAW ? options.target.protocol : 0),
  },
  ...Array.from({ length: MRT_MAX - MRT_BASE + 1 }, (_, i) => ({
    name: `MRT_BASE + ${i}`,
    option: MRT_BASE + i,
    value: 'several',
    effect: 'refused' as const,
    why: 'the stack is no router',
    set: () => -EOPNOTSUPP,
    get: () => -EOPNOTSUPP,
  })),
]);
