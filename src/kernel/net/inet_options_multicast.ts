/** Groups: IP_ADD_MEMBERSHIP and the like of IPPROTO_IP (net/ipv4/igmp.c) and of IPPROTO_IPV6 (net/ipv6/mcast.c). */
import { EADDRNOTAVAIL, EINVAL, ENODEV, ENOPROTOOPT, EPROTO } from '../../abi/linux/errno.js';
import * as ip from '../../abi/linux/inet.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import { boundIndex } from './inet_options_device.js';
import { int32, putInts } from './option_bytes.js';
import { type OptionRow, type OptionState, ofLevel, STREAM } from './option_row.js';
import { byAddress, byIndex, inRange } from './option_values.js';
import { RN_OPT_MULTICAST_IF, RN_OPT_MULTICAST_LOOP, RN_OPT_MULTICAST_TTL } from './stack_options.js';

/** struct ip_mreq: a group, an interface's address; ip_mreqn: its index, too; ip_mreq_source: three addresses. */
const MREQ_SIZE = 8;
const MREQN_SIZE = 12;
const MREQ_SOURCE_SIZE = 12;
/** struct ipv6_mreq: a group, an index. */
const MREQ6_SIZE = 20;
/** struct group_req: an index, at 8 a sockaddr_storage; group_source_req: another one. */
const GROUP_REQ_SIZE = 136;
const GROUP_AT = 8;
const GROUP_SOURCE_REQ_SIZE = 264;
/** struct ip_msfilter and group_filter without sources. */
const MSFILTER_SIZE = 16;
const GROUP_FILTER_SIZE = 144;
/** Where sockaddr_in and sockaddr_in6 have the address. */
const IN_ADDRESS_AT = 4;
const IN6_ADDRESS_AT = 8;
const BYTE_MAX = 255;
const IN_ADDR_SIZE = 4;

const noSources = 'the stack speaks IGMPv2 and MLDv1, which know groups and no sources';
const hears = 'packets of groups come by the interfaces where it is a member';

/** A group's packets, from now on or no longer. */
function join(options: OptionState, group: Uint8Array, index: number, leave: boolean): number {
  const isGroup = group.length === 4 ? (group[0] & 0xf0) === 0xe0 : group[0] === 0xff;
  // ip_mc_leave_group() looks for what was joined, whatever it is.
  if (!isGroup && !(leave && group.length === 4)) return -EINVAL;
  if (index !== 0 && byIndex(options, index) === undefined && !leave) return -ENODEV;
  return options.target.join(group, index, leave);
}

/** ip_mc_find_dev(): by index, else by address, else by route. */
function membership(options: OptionState, value: Uint8Array, leave: boolean): number {
  if (options.kind === STREAM) return -EPROTO;
  if (value.length < MREQ_SIZE) return -EINVAL;
  const group = value.slice(0, 4);
  let index = value.length >= MREQN_SIZE ? int32(value, 8) : 0;
  if (index === 0 && int32(value, 4) !== 0) {
    if (!leave && (group[0] & 0xf0) !== 0xe0) return -EINVAL;
    const found = byAddress(options, value.subarray(4, 8));
    if (found === undefined) return leave ? -EADDRNOTAVAIL : -ENODEV;
    index = found.index;
  }
  return join(options, group, index, leave);
}

function membership6(options: OptionState, value: Uint8Array, leave: boolean): number {
  if (value.length < MREQ6_SIZE) return -EINVAL;
  if (options.kind === STREAM) return -EPROTO;
  return join(options, value.slice(0, 16), int32(value, 16), leave);
}

/** MCAST_JOIN_GROUP and MCAST_LEAVE_GROUP. */
function groupRequest(options: OptionState, value: Uint8Array, family: number, leave: boolean): number {
  if (value.length < GROUP_REQ_SIZE) return -EINVAL;
  const isV6 = family === AF_INET6;
  if ((value[GROUP_AT] | (value[GROUP_AT + 1] << 8)) !== family) return isV6 ? -EADDRNOTAVAIL : -EINVAL;
  const at = GROUP_AT + (isV6 ? IN6_ADDRESS_AT : IN_ADDRESS_AT);
  return join(options, value.slice(at, at + (isV6 ? 16 : 4)), int32(value), leave);
}

function refuseAfter(size: number, exact: boolean): NonNullable<OptionRow['set']> {
  return (_, value) => (value.length < size || (exact && value.length !== size) ? -EINVAL : -ENOPROTOOPT);
}

/** Where multicast packets go: the index is kept, and the address is what is given back. */
const MULTICAST_IF: OptionRow = {
  name: 'IP_MULTICAST_IF',
  level: ip.IPPROTO_IP,
  option: ip.IP_MULTICAST_IF,
  value: 'an address, struct ip_mreq or ip_mreqn',
  effect: 'stack',
  why: 'where packets to groups go',
  set: (options, value) => setMulticastIf(options, value),
  get: (options, out) => {
    // An int that is short gets a byte of it only with IPPROTO_IP's ints; this is none.
    return putInts(out.subarray(0, IN_ADDR_SIZE), options.valueOf(MULTICAST_IF));
  },
};

function setMulticastIf(options: OptionState, value: Uint8Array): number {
  if (options.kind === STREAM || value.length < IN_ADDR_SIZE) return -EINVAL;
  const at = value.length >= MREQ_SIZE ? 4 : 0;
  const address = value.length >= MREQ_SIZE ? int32(value, at) : int32(value);
  let index = value.length >= MREQN_SIZE ? int32(value, 8) : 0;
  if (index === 0) {
    if (address !== 0) index = byAddress(options, value.subarray(at, at + 4))?.index ?? -1;
  } else if (byIndex(options, index) === undefined) index = -1;
  if (index < 0) return -EADDRNOTAVAIL;
  const bound = boundIndex(options);
  if (index !== 0 && bound !== 0 && index !== bound) return -EINVAL;
  if (options.target.domain === AF_INET) {
    const status = options.target.set(RN_OPT_MULTICAST_IF, index);
    if (status < 0) return status;
  }
  options.keep(MULTICAST_IF, address);
  return 0;
}

/** The same names and numbers at both levels. */
function groupRows(family: number): Omit<OptionRow, 'level'>[] {
  const exact = family === AF_INET;
  const source = { value: 'struct group_source_req', effect: 'refused' as const, why: noSources };
  const set = refuseAfter(GROUP_SOURCE_REQ_SIZE, exact);
  return [
    {
      name: 'MCAST_JOIN_GROUP',
      option: ip.MCAST_JOIN_GROUP,
      value: 'struct group_req',
      effect: 'stack',
      why: hears,
      set: (options, value) => groupRequest(options, value, family, false),
      get: false,
    },
    {
      name: 'MCAST_LEAVE_GROUP',
      option: ip.MCAST_LEAVE_GROUP,
      value: 'struct group_req',
      effect: 'stack',
      why: 'they no longer do',
      set: (options, value) => groupRequest(options, value, family, true),
      get: false,
    },
    { name: 'MCAST_BLOCK_SOURCE', option: ip.MCAST_BLOCK_SOURCE, set, ...source },
    { name: 'MCAST_UNBLOCK_SOURCE', option: ip.MCAST_UNBLOCK_SOURCE, set, ...source },
    { name: 'MCAST_JOIN_SOURCE_GROUP', option: ip.MCAST_JOIN_SOURCE_GROUP, set, ...source },
    { name: 'MCAST_LEAVE_SOURCE_GROUP', option: ip.MCAST_LEAVE_SOURCE_GROUP, set, ...source },
    {
      name: 'MCAST_MSFILTER',
      option: ip.MCAST_MSFILTER,
      value: 'struct group_filter',
      effect: 'refused',
      why: noSources,
      set: refuseAfter(GROUP_FILTER_SIZE, false),
    },
  ];
}

const sourceV4 = {
  value: 'struct ip_mreq_source',
  effect: 'refused' as const,
  why: noSources,
  set: refuseAfter(MREQ_SOURCE_SIZE, true),
};

const V4_ROWS = ofLevel(ip.IPPROTO_IP, [
  MULTICAST_IF,
  {
    name: 'IP_MULTICAST_TTL',
    option: ip.IP_MULTICAST_TTL,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_MULTICAST_TTL,
    why: 'of packets to groups; -1: 1',
    initial: 1,
    only: [~STREAM, EINVAL],
    needsByte: true,
    check: (_, value) => (value === -1 ? 0 : inRange(value, 0, BYTE_MAX)),
    convert: value => (value === -1 ? 1 : value),
  },
  {
    name: 'IP_MULTICAST_LOOP',
    option: ip.IP_MULTICAST_LOOP,
    value: 'flag',
    effect: 'stack',
    stack: RN_OPT_MULTICAST_LOOP,
    why: 'members on the same host hear them, too',
    initial: 1,
    needsByte: true,
  },
  {
    name: 'IP_ADD_MEMBERSHIP',
    option: ip.IP_ADD_MEMBERSHIP,
    value: 'struct ip_mreq or ip_mreqn',
    effect: 'stack',
    why: hears,
    set: (options, value) => membership(options, value, false),
    get: false,
  },
  {
    name: 'IP_DROP_MEMBERSHIP',
    option: ip.IP_DROP_MEMBERSHIP,
    value: 'struct ip_mreq or ip_mreqn',
    effect: 'stack',
    why: 'they no longer do',
    set: (options, value) => membership(options, value, true),
    get: false,
  },
  { name: 'IP_UNBLOCK_SOURCE', option: ip.IP_UNBLOCK_SOURCE, ...sourceV4 },
  { name: 'IP_BLOCK_SOURCE', option: ip.IP_BLOCK_SOURCE, ...sourceV4 },
  { name: 'IP_ADD_SOURCE_MEMBERSHIP', option: ip.IP_ADD_SOURCE_MEMBERSHIP, ...sourceV4 },
  { name: 'IP_DROP_SOURCE_MEMBERSHIP', option: ip.IP_DROP_SOURCE_MEMBERSHIP, ...sourceV4 },
  {
    name: 'IP_MSFILTER',
    option: ip.IP_MSFILTER,
    value: 'struct ip_msfilter',
    effect: 'refused',
    why: noSources,
    set: refuseAfter(MSFILTER_SIZE, false),
  },
  ...groupRows(AF_INET),
  {
    name: 'IP_MULTICAST_ALL',
    option: ip.IP_MULTICAST_ALL,
    value: 'int',
    effect: 'kept',
    why: 'a socket hears the groups of which any socket on the interface is a member',
    initial: options => Number(options.target.domain === AF_INET),
    needsByte: true,
    range: [0, 1],
  },
]);

const V6_ROWS = ofLevel(ip.IPPROTO_IPV6, [
  {
    name: 'IPV6_MULTICAST_IF',
    option: ip.IPV6_MULTICAST_IF,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_MULTICAST_IF,
    why: 'where packets to groups go',
    only: [~STREAM, ENOPROTOOPT],
    check: (options, value) => {
      if (value === 0) return 0;
      if (byIndex(options, value) === undefined) return -ENODEV;
      const bound = boundIndex(options);
      return bound !== 0 && bound !== value ? -EINVAL : 0;
    },
  },
  {
    name: 'IPV6_MULTICAST_HOPS',
    option: ip.IPV6_MULTICAST_HOPS,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_MULTICAST_TTL,
    why: 'of packets to groups; -1: 1',
    initial: 1,
    only: [~STREAM, ENOPROTOOPT],
    range: [-1, BYTE_MAX],
    convert: value => (value === -1 ? 1 : value),
  },
  {
    name: 'IPV6_MULTICAST_LOOP',
    option: ip.IPV6_MULTICAST_LOOP,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_MULTICAST_LOOP,
    why: 'members on the same host hear them, too',
    initial: 1,
    range: [0, 1],
  },
  {
    name: 'IPV6_ADD_MEMBERSHIP',
    option: ip.IPV6_ADD_MEMBERSHIP,
    value: 'struct ipv6_mreq',
    effect: 'stack',
    why: hears,
    set: (options, value) => membership6(options, value, false),
    get: false,
  },
  {
    name: 'IPV6_DROP_MEMBERSHIP',
    option: ip.IPV6_DROP_MEMBERSHIP,
    value: 'struct ipv6_mreq',
    effect: 'stack',
    why: 'they no longer do',
    set: (options, value) => membership6(options, value, true),
    get: false,
  },
  ...['IPV6_JOIN_ANYCAST', 'IPV6_LEAVE_ANYCAST'].map((name, i) => ({
    name,
    option: ip.IPV6_JOIN_ANYCAST + i,
    value: 'struct ipv6_mreq',
    effect: 'refused' as const,
    why: 'the stack has no anycast addresses',
    set: refuseAfter(MREQ6_SIZE, false),
  })),
  ...groupRows(AF_INET6),
  {
    name: 'IPV6_MULTICAST_ALL',
    option: ip.IPV6_MULTICAST_ALL,
    value: 'flag',
    effect: 'kept',
    why: 'as IP_MULTICAST_ALL',
    initial: 1,
  },
]);

export const MULTICAST_ROWS: readonly OptionRow[] = [...V4_ROWS, ...V6_ROWS];
