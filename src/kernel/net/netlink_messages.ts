/** What the kernel says of links, addresses and routes (net/core/rtnetlink.c, net/ipv4/devinet.c, net/ipv4/fib_semantics.c). */
import { NetlinkWriter } from '../../abi/linux/netlink.js';
import {
  IF_OPER_DOWN,
  IF_OPER_UNKNOWN,
  IF_OPER_UP,
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_CACHEINFO,
  IFA_CACHEINFO_SIZE,
  IFA_F_PERMANENT,
  IFA_FLAGS,
  IFA_LABEL,
  IFA_LOCAL,
  IFADDRMSG_SIZE,
  IFF_LOOPBACK,
  IFF_RUNNING,
  IFF_UP,
  IFINFOMSG_SIZE,
  IFLA_ADDRESS,
  IFLA_BROADCAST,
  IFLA_CARRIER,
  IFLA_GROUP,
  IFLA_IFNAME,
  IFLA_LINKMODE,
  IFLA_MTU,
  IFLA_NUM_RX_QUEUES,
  IFLA_NUM_TX_QUEUES,
  IFLA_OPERSTATE,
  IFLA_PROMISCUITY,
  IFLA_QDISC,
  IFLA_STATS,
  IFLA_STATS64,
  IFLA_TXQLEN,
  INFINITE_LIFE,
  LINK_STATS_SIZE,
  LINK_STATS64_SIZE,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_TABLE,
  RTM_F_CLONED,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTMSG_SIZE,
  RTN_LOCAL,
  RTN_UNICAST,
  RTPROT_BOOT,
  RTPROT_KERNEL,
} from '../../abi/linux/rtnetlink.js';
import { AF_INET } from '../../abi/linux/socket.js';
import type { InterfaceAddress, NetInterface, NetRoute } from '../socket_calls.js';

/** Whom a message is for: nlmsg_flags, nlmsg_seq and nlmsg_pid of its header. */
export interface Heading {
  readonly flags: number;
  readonly seq: number;
  readonly port: number;
}

/** `ip link`'s qlen of a device without a queue (DEFAULT_TX_QUEUE_LEN of net/core). */
const QUEUE_LENGTH = 1000;
const TWO_32 = 2 ** 32;

export function isUp(link: NetInterface): boolean {
  return (link.flags & IFF_UP) !== 0;
}

/** RTM_NEWLINK (rtnl_fill_ifinfo()); `change`: which flags have changed, of a notice all. */
export function linkMessage(link: NetInterface, to: Heading, type = RTM_NEWLINK, change = 0): Buffer {
  const writer = new NetlinkWriter();
  const head = writer.struct(IFINFOMSG_SIZE);
  head.writeUInt16LE(link.hardwareType, 2);
  head.writeInt32LE(link.index, 4);
  head.writeUInt32LE(link.flags >>> 0, 8);
  head.writeUInt32LE(change, 12);
  const carrier = (link.flags & IFF_RUNNING) !== 0;
  const isLoopback = (link.flags & IFF_LOOPBACK) !== 0;
  const up = carrier ? IF_OPER_UP : IF_OPER_DOWN;
  writer.text(IFLA_IFNAME, link.name).u32(IFLA_TXQLEN, QUEUE_LENGTH);
  writer
    .u8(IFLA_OPERSTATE, !isUp(link) ? IF_OPER_DOWN : isLoopback ? IF_OPER_UNKNOWN : up)
    .u8(IFLA_LINKMODE, 0);
  writer.u32(IFLA_MTU, link.mtu).u32(IFLA_GROUP, 0).u32(IFLA_PROMISCUITY, 0);
  writer.u32(IFLA_NUM_TX_QUEUES, 1).u32(IFLA_NUM_RX_QUEUES, 1).u8(IFLA_CARRIER, Number(carrier));
  writer.text(IFLA_QDISC, 'noqueue');
  // A loopback interface has an address, too: zeros.
  const mac = link.mac.length > 0 || !isLoopback ? link.mac : new Uint8Array(6);
  if (mac.length > 0) {
    writer.attribute(IFLA_ADDRESS, mac);
    writer.attribute(IFLA_BROADCAST, new Uint8Array(mac.length).fill(isLoopback ? 0 : 0xff));
  }
  const counters = [link.rxPackets, link.txPackets, link.rxBytes, link.txBytes];
  const wide = Buffer.alloc(LINK_STATS64_SIZE);
  const narrow = Buffer.alloc(LINK_STATS_SIZE);
  for (const [i, counter] of counters.entries()) {
    wide.writeBigUInt64LE(BigInt(counter), 8 * i);
    narrow.writeUInt32LE(counter % TWO_32, 4 * i);
  }
  writer.attribute(IFLA_STATS64, wide).attribute(IFLA_STATS, narrow);
  return writer.finish(type, to.flags, to.seq, to.port);
}

/** RTM_NEWADDR (inet_fill_ifaddr(), inet6_fill_ifaddr()). */
export function addressMessage(
  link: NetInterface,
  address: InterfaceAddress,
  to: Heading,
  type = RTM_NEWADDR,
): Buffer {
  const writer = new NetlinkWriter();
  const head = writer.struct(IFADDRMSG_SIZE);
  head[0] = address.family;
  head[1] = address.prefixLength;
  head[2] = IFA_F_PERMANENT;
  head[3] = address.scope;
  head.writeUInt32LE(link.index, 4);
  writer.attribute(IFA_ADDRESS, address.address);
  if (address.family === AF_INET) {
    writer.attribute(IFA_LOCAL, address.address);
    if (address.broadcast !== undefined) writer.attribute(IFA_BROADCAST, address.broadcast);
    writer.text(IFA_LABEL, link.name);
  }
  const lifetimes = Buffer.alloc(IFA_CACHEINFO_SIZE);
  lifetimes.writeUInt32LE(INFINITE_LIFE, 0);
  lifetimes.writeUInt32LE(INFINITE_LIFE, 4);
  writer.u32(IFA_FLAGS, IFA_F_PERMANENT).attribute(IFA_CACHEINFO, lifetimes);
  return writer.finish(type, to.flags, to.seq, to.port);
}

/** The table that a route is shown in: what stays within the machine is in the local one. */
export function tableOf(route: NetRoute, links: readonly NetInterface[]): number {
  const link = links.find(({ index }) => index === route.interface);
  return link !== undefined && (link.flags & IFF_LOOPBACK) !== 0 ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
}

export function protocolOf(route: NetRoute): number {
  return route.gateway === undefined ? RTPROT_KERNEL : RTPROT_BOOT;
}

/**
 * RTM_NEWROUTE (fib_dump_info(), rt6_fill_node()). `destination`: the address that was looked up, in the answer to `ip route get`.
 */
export function routeMessage(
  route: NetRoute,
  links: readonly NetInterface[],
  to: Heading,
  type = RTM_NEWROUTE,
  destination?: Uint8Array,
): Buffer {
  const writer = new NetlinkWriter();
  const table = tableOf(route, links);
  const isLocal = table === RT_TABLE_LOCAL;
  const head = writer.struct(RTMSG_SIZE);
  head[0] = route.family;
  head[1] = destination === undefined ? route.prefixLength : destination.length * 8;
  // `ip route get` of the host says main, whatever table it was.
  head[4] = destination === undefined ? table : RT_TABLE_MAIN;
  head[5] = destination === undefined ? protocolOf(route) : 0;
  if (destination === undefined && route.family === AF_INET) {
    head[6] = isLocal ? RT_SCOPE_HOST : route.gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  }
  head[7] = isLocal ? RTN_LOCAL : RTN_UNICAST;
  if (destination !== undefined) head.writeUInt32LE(RTM_F_CLONED, 8);
  writer.u32(RTA_TABLE, head[4]);
  if (destination !== undefined) writer.attribute(RTA_DST, destination);
  else if (route.prefixLength > 0) writer.attribute(RTA_DST, route.destination);
  if (route.gateway !== undefined) writer.attribute(RTA_GATEWAY, route.gateway);
  writer.u32(RTA_OIF, route.interface);
  const source = sourceOf(route, links, destination !== undefined);
  if (source !== undefined) writer.attribute(RTA_PREFSRC, source);
  return writer.finish(type, to.flags, to.seq, to.port);
}

/** The address that packets of a route leave with: of routes to a network of the interface, and of each that was looked up. */
function sourceOf(
  route: NetRoute,
  links: readonly NetInterface[],
  isLookup: boolean,
): Uint8Array | undefined {
  const link = links.find(({ index }) => index === route.interface);
  if (!isLookup && (route.gateway !== undefined || route.family !== AF_INET)) return undefined;
  const own = link?.addresses.filter(({ family }) => family === route.family) ?? [];
  const near = route.gateway ?? route.destination;
  return (own.find(({ address, prefixLength }) => matches(near, address, prefixLength)) ?? own[0])?.address;
}

/** Whether the first `bits` bits of two addresses are the same. */
export function matches(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < bits; i += 8) {
    const mask = bits - i >= 8 ? 0xff : (0xff << (8 - (bits - i))) & 0xff;
    if (((a[i >> 3] ^ b[i >> 3]) & mask) !== 0) return false;
  }
  return true;
}
