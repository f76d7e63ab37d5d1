/** IPPROTO_IPV6 (do_ipv6_setsockopt() and do_ipv6_getsockopt() of net/ipv6/ipv6_sockglue.c), but for groups and raw sockets. */
import { EADDRNOTAVAIL, EINVAL, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, EPERM } from '../../abi/linux/errno.js';
import * as ip from '../../abi/linux/inet.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import { BIND_FLAGS, DEFAULT_TTL, ECN_MASK, noErrors, setUnicastIf } from './inet_options_ip.js';
import { int32, putBytes, putInts } from './option_bytes.js';
import {
  type FieldOf,
  type OptionRow,
  type OptionState,
  ofLevel,
  PING,
  RAW,
  STREAM,
  UDP,
} from './option_row.js';
import { isPrivileged } from './option_values.js';
import { RN_GET_MTU, RN_OPT_TOS, RN_OPT_TTL, RN_OPT_V6ONLY } from './stack_options.js';

const BYTE_MAX = 255;
/** IPV6_MIN_MTU of linux/ipv6.h. */
const MIN_MTU = 1280;
/** struct in6_pktinfo: an address, an index. */
const PKTINFO_SIZE = 20;
/** struct ip6_mtuinfo: a sockaddr_in6, an MTU. */
const MTUINFO_SIZE = 32;
const MTUINFO_MTU_AT = 28;
/** struct in6_flowlabel_req. */
const FLOWLABEL_REQ_SIZE = 32;
/** struct cmsghdr. */
const CMSG_HEADER = 16;
/** struct ipv6_opt_hdr is two bytes; a header has units of eight, up to 255. */
const EXTENSION_MAX = 8 * 255;

const noExtensions = 'the stack makes no extension headers and drops those that come';
const noFragments = 'the stack puts packets together before anyone sees them';
const noLabels = 'the stack sends no flow labels';
const oneAddress = 'an interface has no temporary addresses to choose';

type Row = Omit<OptionRow, 'level'>;

/** A flag for control messages that the stack has nothing for. */
function nothing(name: string, option: number, why: string): Row {
  return { name, option, value: 'flag', effect: 'kept', why };
}

/** A flag for a control message that comes with each datagram. */
function comes(name: string, option: number, flag: FieldOf<boolean>, why: string): Row {
  return { name, option, value: 'flag', effect: 'socket', flag, why: `${why} with each datagram` };
}

/** ipv6_set_opt_hdr(): a header for all packets that are sent; none can be taken away. */
function extension(name: string, option: number): Row {
  return {
    name,
    option,
    value: 'an extension header',
    effect: 'refused',
    why: noExtensions,
    set: (_, value, cred) => {
      if (option !== ip.IPV6_RTHDR && !isPrivileged(cred)) return -EPERM;
      if (value.length === 0) return 0;
      if (value.length < 2 || value.length % 8 !== 0 || value.length > EXTENSION_MAX) return -EINVAL;
      return (value[1] + 1) * 8 > value.length ? -EINVAL : -ENOPROTOOPT;
    },
    get: () => 0,
  };
}

/** A bit that IPPROTO_IP has, too, without its own rule for short values. */
function shared(
  name: string,
  option: number,
  row: OptionRow,
  why: string,
  rights?: OptionRow['rights'],
): Row {
  return {
    name,
    option,
    value: 'flag',
    effect: 'stack',
    why,
    ...(rights === undefined ? {} : { rights }),
    check: (options, value, cred) => {
      const status = row.check?.(options, value, cred) ?? 0;
      if (status === 0) options.keep(row, Number(value !== 0));
      return status;
    },
    get: (options, out) => putInts(out, options.valueOf(row)),
  };
}

/** The two choices of an address preference: what is set, and what is no longer. */
const PREFERENCES: readonly (readonly [
  mask: number,
  cases: readonly (readonly [number, number, number])[],
])[] = [
  [
    ip.IPV6_PREFER_SRC_PUBLIC | ip.IPV6_PREFER_SRC_TMP | ip.IPV6_PREFER_SRC_PUBTMP_DEFAULT,
    [
      [
        ip.IPV6_PREFER_SRC_PUBLIC,
        ip.IPV6_PREFER_SRC_PUBLIC,
        ip.IPV6_PREFER_SRC_PUBLIC | ip.IPV6_PREFER_SRC_TMP,
      ],
      [ip.IPV6_PREFER_SRC_TMP, ip.IPV6_PREFER_SRC_TMP, ip.IPV6_PREFER_SRC_PUBLIC | ip.IPV6_PREFER_SRC_TMP],
      [ip.IPV6_PREFER_SRC_PUBTMP_DEFAULT, 0, ip.IPV6_PREFER_SRC_PUBLIC | ip.IPV6_PREFER_SRC_TMP],
    ],
  ],
  [
    ip.IPV6_PREFER_SRC_HOME | ip.IPV6_PREFER_SRC_COA,
    [
      [ip.IPV6_PREFER_SRC_HOME, 0, ip.IPV6_PREFER_SRC_COA],
      [ip.IPV6_PREFER_SRC_COA, ip.IPV6_PREFER_SRC_COA, 0],
    ],
  ],
  [
    ip.IPV6_PREFER_SRC_CGA | ip.IPV6_PREFER_SRC_NONCGA,
    [
      [ip.IPV6_PREFER_SRC_CGA, 0, 0],
      [ip.IPV6_PREFER_SRC_NONCGA, 0, 0],
    ],
  ],
];

/** ip6_sock_set_addr_preferences(): what is kept, -EINVAL. */
function preferences(old: number, value: number): number {
  let kept = old;
  for (const [mask, cases] of PREFERENCES) {
    const chosen = value & mask;
    if (chosen === 0) continue;
    const found = cases.find(([which]) => which === chosen);
    if (found === undefined) return -EINVAL;
    kept = (kept & ~found[2]) | found[1];
  }
  return kept;
}

const ADDR_PREFERENCES: OptionRow = {
  name: 'IPV6_ADDR_PREFERENCES',
  level: ip.IPPROTO_IPV6,
  option: ip.IPV6_ADDR_PREFERENCES,
  value: 'int',
  effect: 'kept',
  why: oneAddress,
  check: (options, value) => Math.min(preferences(options.valueOf(ADDR_PREFERENCES), value), 0),
  convert: (value, options) => preferences(options.valueOf(ADDR_PREFERENCES), value),
  get: (options, out) => {
    const kept = options.valueOf(ADDR_PREFERENCES);
    const source = kept & (ip.IPV6_PREFER_SRC_TMP | ip.IPV6_PREFER_SRC_PUBLIC);
    const care = kept & ip.IPV6_PREFER_SRC_COA;
    return putInts(out, (source || ip.IPV6_PREFER_SRC_PUBTMP_DEFAULT) | (care || ip.IPV6_PREFER_SRC_HOME));
  },
};

const UNICAST_IF: OptionRow = {
  name: 'IPV6_UNICAST_IF',
  level: ip.IPPROTO_IPV6,
  option: ip.IPV6_UNICAST_IF,
  value: 'an index in network order',
  effect: 'kept',
  why: 'a wish, which routes may overrule; SO_BINDTODEVICE is the one that binds',
  set: (options, value) => setUnicastIf(options, UNICAST_IF, value),
  get: (options, out) => putInts(out, options.valueOf(UNICAST_IF)),
};

/** IPV6_ADDRFORM makes a socket of AF_INET6 one of AF_INET: only a connection between such addresses. */
function setAddressForm(options: OptionState, value: Uint8Array): number {
  if (value.length < 4 || int32(value) !== AF_INET) return -EINVAL;
  if ((options.kind & (STREAM | UDP)) === 0) return -ENOPROTOOPT;
  return options.target.isConnected ? -EADDRNOTAVAIL : -ENOTCONN;
}

function getAddressForm(options: OptionState, out: Uint8Array): number {
  if ((options.kind & (STREAM | UDP)) === 0) return -ENOPROTOOPT;
  return options.target.isConnected ? putInts(out, AF_INET6) : -ENOTCONN;
}

function pathMtu(options: OptionState, out: Uint8Array): number {
  if (out.length < MTUINFO_SIZE) return -EINVAL;
  const mtu = options.target.get(RN_GET_MTU);
  if (mtu < 0) return -ENOTCONN;
  const info = new Uint8Array(MTUINFO_SIZE);
  info[0] = AF_INET6;
  putInts(info.subarray(MTUINFO_MTU_AT), mtu);
  return putBytes(out, info);
}

/** IPV6_PKTINFO: the source of all packets; none, which it is already, can be set. */
function setPktInfo(_: OptionState, value: Uint8Array): number {
  if (value.length < PKTINFO_SIZE) return -EINVAL;
  return value.subarray(0, PKTINFO_SIZE).every(byte => byte === 0) ? 0 : -ENOPROTOOPT;
}

function setPktOptions(_: OptionState, value: Uint8Array): number {
  if (value.length > 64 * 1024) return -EINVAL;
  return value.length < CMSG_HEADER ? 0 : -ENOPROTOOPT;
}

const ipsec = (errno: number) => (_: OptionState, __: Uint8Array, cred: Credentials) =>
  isPrivileged(cred) ? -errno : -EPERM;
const rootToTurnOn = (_: OptionState, value: number, cred: Credentials) =>
  value !== 0 && !isPrivileged(cred) ? -EPERM : 0;

export const IPV6_ROWS: readonly OptionRow[] = ofLevel(ip.IPPROTO_IPV6, [
  {
    name: 'IPV6_ADDRFORM',
    option: ip.IPV6_ADDRFORM,
    value: 'int',
    effect: 'refused',
    why: 'a connection keeps its family',
    set: setAddressForm,
    get: getAddressForm,
  },
  nothing('IPV6_2292PKTINFO', ip.IPV6_2292PKTINFO, 'IPV6_RECVPKTINFO is what tells it'),
  nothing('IPV6_2292HOPLIMIT', ip.IPV6_2292HOPLIMIT, 'IPV6_RECVHOPLIMIT is what tells it'),
  nothing('IPV6_2292HOPOPTS', ip.IPV6_2292HOPOPTS, noExtensions),
  nothing('IPV6_2292DSTOPTS', ip.IPV6_2292DSTOPTS, noExtensions),
  nothing('IPV6_2292RTHDR', ip.IPV6_2292RTHDR, noExtensions),
  {
    name: 'IPV6_2292PKTOPTIONS',
    option: ip.IPV6_2292PKTOPTIONS,
    value: 'control messages',
    effect: 'refused',
    why: 'as IPV6_PKTINFO; none can be set',
    set: setPktOptions,
    get: options => (options.kind === STREAM ? 0 : -ENOPROTOOPT),
  },
  nothing('IPV6_FLOWINFO', ip.IPV6_FLOWINFO, noLabels),
  {
    name: 'IPV6_UNICAST_HOPS',
    option: ip.IPV6_UNICAST_HOPS,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_TTL,
    why: 'of packets that are sent; -1: the default',
    initial: DEFAULT_TTL,
    range: [-1, BYTE_MAX],
    convert: value => (value === -1 ? DEFAULT_TTL : value),
  },
  {
    name: 'IPV6_ROUTER_ALERT',
    option: ip.IPV6_ROUTER_ALERT,
    value: 'int',
    effect: 'refused',
    why: 'the stack is no router',
    set: (_, value) => (value.length < 4 ? -EINVAL : -ENOPROTOOPT),
    get: (_, out) => putInts(out, 0),
  },
  nothing('IPV6_ROUTER_ALERT_ISOLATE', ip.IPV6_ROUTER_ALERT_ISOLATE, 'the stack is no router'),
  {
    name: 'IPV6_MTU_DISCOVER',
    option: ip.IPV6_MTU_DISCOVER,
    value: 'int',
    effect: 'kept',
    why: 'the stack sends what fits the interface, and fragments datagrams',
    initial: ip.IP_PMTUDISC_WANT,
    range: [ip.IP_PMTUDISC_DONT, ip.IP_PMTUDISC_OMIT],
  },
  {
    name: 'IPV6_MTU',
    option: ip.IPV6_MTU,
    value: 'int',
    effect: 'kept',
    why: 'read, of the way to the peer; a lower one to be set is not needed',
    check: (_, value) => (value !== 0 && value < MIN_MTU ? -EINVAL : 0),
    get: (options, out) => {
      const mtu = options.target.get(RN_GET_MTU);
      return mtu < 0 ? -ENOTCONN : putInts(out, mtu);
    },
  },
  {
    name: 'IPV6_RECVERR',
    option: ip.IPV6_RECVERR,
    value: 'flag',
    effect: 'kept',
    why: noErrors,
  },
  {
    name: 'IPV6_RECVERR_RFC4884',
    option: ip.IPV6_RECVERR_RFC4884,
    value: 'int',
    effect: 'kept',
    why: noErrors,
    range: [0, 1],
  },
  {
    name: 'IPV6_V6ONLY',
    option: ip.IPV6_V6ONLY,
    value: 'flag',
    effect: 'stack',
    stack: RN_OPT_V6ONLY,
    why: 'no packets of IPv4; before bind(2)',
    initial: options => Number(options.kind === PING),
    check: options => (options.kind === RAW || options.target.isBound ? -EINVAL : 0),
  },
  {
    name: 'IPV6_FLOWLABEL_MGR',
    option: ip.IPV6_FLOWLABEL_MGR,
    value: 'struct in6_flowlabel_req',
    effect: 'refused',
    why: noLabels,
    set: (_, value) => (value.length < FLOWLABEL_REQ_SIZE ? -EINVAL : -ENOPROTOOPT),
  },
  nothing('IPV6_FLOWINFO_SEND', ip.IPV6_FLOWINFO_SEND, noLabels),
  {
    name: 'IPV6_IPSEC_POLICY',
    option: ip.IPV6_IPSEC_POLICY,
    value: 'a policy',
    effect: 'refused',
    why: 'there is no IPsec',
    set: ipsec(EOPNOTSUPP),
  },
  {
    name: 'IPV6_XFRM_POLICY',
    option: ip.IPV6_XFRM_POLICY,
    value: 'a policy',
    effect: 'refused',
    why: 'there is no IPsec',
    set: ipsec(ENOPROTOOPT),
  },
  comes('IPV6_RECVPKTINFO', ip.IPV6_RECVPKTINFO, 'recvPktInfo6', 'the interface and the destination come'),
  {
    name: 'IPV6_PKTINFO',
    option: ip.IPV6_PKTINFO,
    value: 'struct in6_pktinfo',
    effect: 'refused',
    why: 'bind(2) or a control message of each call says where packets come from; none can be set',
    set: setPktInfo,
    get: false,
  },
  comes('IPV6_RECVHOPLIMIT', ip.IPV6_RECVHOPLIMIT, 'recvHopLimit', 'the hop limit comes'),
  nothing('IPV6_RECVHOPOPTS', ip.IPV6_RECVHOPOPTS, noExtensions),
  extension('IPV6_HOPOPTS', ip.IPV6_HOPOPTS),
  extension('IPV6_RTHDRDSTOPTS', ip.IPV6_RTHDRDSTOPTS),
  nothing('IPV6_RECVRTHDR', ip.IPV6_RECVRTHDR, noExtensions),
  extension('IPV6_RTHDR', ip.IPV6_RTHDR),
  nothing('IPV6_RECVDSTOPTS', ip.IPV6_RECVDSTOPTS, noExtensions),
  extension('IPV6_DSTOPTS', ip.IPV6_DSTOPTS),
  nothing(
    'IPV6_RECVPATHMTU',
    ip.IPV6_RECVPATHMTU,
    'the MTU of a way is its interface’s, and does not change',
  ),
  {
    name: 'IPV6_PATHMTU',
    option: ip.IPV6_PATHMTU,
    value: 'struct ip6_mtuinfo',
    effect: 'told',
    why: 'the MTU of the way to the peer',
    get: pathMtu,
  },
  {
    name: 'IPV6_DONTFRAG',
    option: ip.IPV6_DONTFRAG,
    value: 'flag',
    effect: 'kept',
    why: 'as IPV6_MTU_DISCOVER',
    anyLength: true,
  },
  comes('IPV6_RECVTCLASS', ip.IPV6_RECVTCLASS, 'recvTclass', 'the traffic class comes'),
  {
    name: 'IPV6_TCLASS',
    option: ip.IPV6_TCLASS,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_TOS,
    why: 'of packets that are sent; -1: 0',
    range: [-1, BYTE_MAX],
    convert: (value, options) => (value === -1 ? 0 : options.kind === STREAM ? value & ~ECN_MASK : value),
  },
  {
    name: 'IPV6_AUTOFLOWLABEL',
    option: ip.IPV6_AUTOFLOWLABEL,
    value: 'flag',
    effect: 'kept',
    why: noLabels,
    initial: 1,
    anyLength: true,
  },
  ADDR_PREFERENCES,
  {
    name: 'IPV6_MINHOPCOUNT',
    option: ip.IPV6_MINHOPCOUNT,
    value: 'int',
    effect: 'kept',
    why: 'as IP_MINTTL',
    range: [0, BYTE_MAX],
  },
  nothing('IPV6_RECVORIGDSTADDR', ip.IPV6_RECVORIGDSTADDR, 'IPV6_RECVPKTINFO tells the destination'),
  shared('IPV6_TRANSPARENT', ip.IPV6_TRANSPARENT, BIND_FLAGS.TRANSPARENT, 'as IP_TRANSPARENT', rootToTurnOn),
  UNICAST_IF,
  { ...nothing('IPV6_RECVFRAGSIZE', ip.IPV6_RECVFRAGSIZE, noFragments), anyLength: true },
  shared('IPV6_FREEBIND', ip.IPV6_FREEBIND, BIND_FLAGS.FREEBIND, 'as IP_FREEBIND'),
]);
