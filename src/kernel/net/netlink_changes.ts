/** Requests of rtnetlink that change links, addresses and routes (rtnetlink(7)): 0 or -errno. */
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EEXIST,
  EINVAL,
  ENETUNREACH,
  ENODEV,
  EOPNOTSUPP,
  ESRCH,
} from '../../abi/linux/errno.js';
import {
  attributesOf,
  type NetlinkMessage,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
} from '../../abi/linux/netlink.js';
import {
  IFA_ADDRESS,
  IFA_LOCAL,
  IFADDRMSG_SIZE,
  IFF_UP,
  IFINFOMSG_SIZE,
  IFLA_ADDRESS,
  IFLA_ALT_IFNAME,
  IFLA_EXT_MASK,
  IFLA_IFNAME,
  IFLA_MTU,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
  RTA_TABLE,
  RTMSG_SIZE,
  RTN_UNICAST,
  RTN_UNSPEC,
} from '../../abi/linux/rtnetlink.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import type { InterfaceChange, NetInterface, NetRoute } from '../socket_calls.js';
import { isUp, matches } from './netlink_messages.js';
import type { NetStack } from './sockets.js';

/** What can be changed of a link here. */
const LINK_ATTRIBUTES = new Set([IFLA_IFNAME, IFLA_ALT_IFNAME, IFLA_MTU, IFLA_EXT_MASK, IFLA_ADDRESS]);

export function linksOf(stack: NetStack): NetInterface[] {
  const links: NetInterface[] = [];
  stack.interfaces(links);
  return links;
}

export function routesOf(stack: NetStack): NetRoute[] {
  const routes: NetRoute[] = [];
  stack.routes(routes);
  return routes;
}

/** Bytes of an address of the family; 0 for families that have none here. */
export function addressLength(family: number): number {
  return family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0;
}

/** A string attribute, without its NUL. */
export function textOf(attribute: Buffer | undefined): string | undefined {
  return attribute?.toString('latin1').split('\0', 1)[0];
}

/** A number of 32 bits; 0 where there is none. */
export function numberOf(attribute: Buffer | undefined): number {
  return attribute === undefined || attribute.length < 4 ? 0 : attribute.readUInt32LE(0);
}

/** The link that an ifinfomsg means, by index or by name: -ENODEV, -EINVAL. */
export function findLink(payload: Buffer, links: readonly NetInterface[]): NetInterface | number {
  if (payload.length < IFINFOMSG_SIZE) return -EINVAL;
  const index = payload.readInt32LE(4);
  if (index < 0) return -EINVAL;
  if (index > 0) return links.find(link => link.index === index) ?? -ENODEV;
  const attributes = attributesOf(payload, IFINFOMSG_SIZE);
  const name = textOf(attributes.get(IFLA_IFNAME) ?? attributes.get(IFLA_ALT_IFNAME));
  if (name === undefined) return -EINVAL;
  return links.find(link => link.name === name) ?? -ENODEV;
}

/** RTM_NEWLINK and RTM_SETLINK: up and down, and the MTU. */
export function changeLink({ payload, flags }: NetlinkMessage, stack: NetStack, cred: Credentials): number {
  const link = findLink(payload, linksOf(stack));
  if (typeof link === 'number') return link === -ENODEV && (flags & NLM_F_CREATE) !== 0 ? -EOPNOTSUPP : link;
  if ((flags & (NLM_F_CREATE | NLM_F_EXCL)) === (NLM_F_CREATE | NLM_F_EXCL)) return -EEXIST;
  const attributes = attributesOf(payload, IFINFOMSG_SIZE);
  for (const type of attributes.keys()) if (!LINK_ATTRIBUTES.has(type)) return -EOPNOTSUPP;
  const change: InterfaceChange = { name: link.name };
  const mac = attributes.get(IFLA_ADDRESS);
  if (mac !== undefined && !mac.equals(link.mac)) return -EOPNOTSUPP;
  const name = textOf(attributes.get(IFLA_IFNAME));
  if (name !== undefined && name !== link.name) return -EOPNOTSUPP;
  const wanted = payload.readUInt32LE(8);
  const mask = payload.readUInt32LE(12);
  // rtnl_dev_get_flags(): no mask and flags are all flags.
  const changed = mask !== 0 ? mask : wanted !== 0 ? 0xffffffff : 0;
  if ((changed & IFF_UP) !== 0 && ((wanted & IFF_UP) !== 0) !== isUp(link)) change.up = !isUp(link);
  if (attributes.has(IFLA_MTU)) change.mtu = numberOf(attributes.get(IFLA_MTU));
  if (change.up === undefined && change.mtu === undefined) return 0;
  return stack.changeInterface(change, cred);
}

/** RTM_NEWADDR and RTM_DELADDR. */
export function changeAddress(
  { payload, flags }: NetlinkMessage,
  remove: boolean,
  stack: NetStack,
  cred: Credentials,
): number {
  if (payload.length < IFADDRMSG_SIZE) return -EINVAL;
  const [family, prefixLength] = payload;
  const length = addressLength(family);
  if (length === 0) return -EOPNOTSUPP;
  const attributes = attributesOf(payload, IFADDRMSG_SIZE);
  const local =
    attributes.get(IFA_LOCAL) ?? (family === AF_INET6 || remove ? attributes.get(IFA_ADDRESS) : undefined);
  if (prefixLength > length * 8 || (local === undefined && !remove)) return -EINVAL;
  const index = payload.readUInt32LE(4);
  const link = linksOf(stack).find(one => one.index === index);
  if (link === undefined) return -ENODEV;
  if (local !== undefined && local.length !== length) return -EINVAL;
  const existing = link.addresses.find(
    one => one.family === family && (local === undefined || local.equals(one.address)),
  );
  const { name } = link;
  if (remove) {
    if (existing === undefined) return -EADDRNOTAVAIL;
    return stack.changeInterface({ name, removeAddress: { family, address: existing.address } }, cred);
  }
  const address = Uint8Array.from(local ?? []);
  if (existing !== undefined) {
    if ((flags & NLM_F_REPLACE) === 0 || (flags & NLM_F_EXCL) !== 0) return -EEXIST;
    if (existing.prefixLength === prefixLength) return 0;
  }
  return stack.changeInterface({ name, addAddress: { family, address, prefixLength } }, cred);
}

/** What a request says of a route. */
export interface RouteWish {
  readonly family: number;
  readonly prefixLength: number;
  readonly destination: Uint8Array;
  readonly gateway: Uint8Array | undefined;
  /** 0: not said. */
  readonly interface: number;
}

function wishOf(payload: Buffer): RouteWish | number {
  if (payload.length < RTMSG_SIZE) return -EINVAL;
  const [family, prefixLength, sourceLength, tos] = payload;
  const length = addressLength(family);
  if (length === 0) return -EAFNOSUPPORT;
  const attributes = attributesOf(payload, RTMSG_SIZE);
  const type = payload[7];
  const table = attributes.has(RTA_TABLE) ? numberOf(attributes.get(RTA_TABLE)) : payload[4];
  if (type !== RTN_UNICAST && type !== RTN_UNSPEC) return -EOPNOTSUPP;
  if (table !== RT_TABLE_MAIN && table !== RT_TABLE_UNSPEC) return -EOPNOTSUPP;
  if (sourceLength !== 0 || tos !== 0) return -EOPNOTSUPP;
  const destination = attributes.get(RTA_DST) ?? Buffer.alloc(length);
  const gateway = attributes.get(RTA_GATEWAY);
  if (prefixLength > length * 8 || destination.length !== length) return -EINVAL;
  if (gateway !== undefined && gateway.length !== length) return -EINVAL;
  // Bits behind the prefix are none of the network's (fib_valid_key_len()).
  const masked = new Uint8Array(length);
  if (family === AF_INET && !matchesAll(destination, prefixLength)) return -EINVAL;
  for (let i = 0; i * 8 < prefixLength; i++) {
    const bits = Math.min(8, prefixLength - i * 8);
    masked[i] = destination[i] & (0xff << (8 - bits));
  }
  return {
    family,
    prefixLength,
    destination: masked,
    gateway: gateway === undefined ? undefined : Uint8Array.from(gateway),
    interface: numberOf(attributes.get(RTA_OIF)),
  };
}

function matchesAll(destination: Uint8Array, prefixLength: number): boolean {
  const network = Uint8Array.from(destination);
  for (let i = 0; i < network.length; i++) {
    const bits = Math.max(0, Math.min(8, prefixLength - i * 8));
    network[i] &= 0xff << (8 - bits);
  }
  return matches(destination, network, destination.length * 8);
}

export function isSame(route: NetRoute, wish: RouteWish): boolean {
  return (
    route.family === wish.family &&
    route.prefixLength === wish.prefixLength &&
    matches(route.destination, wish.destination, wish.prefixLength)
  );
}

/** RTM_NEWROUTE and RTM_DELROUTE. */
export function changeRoute(
  { payload, flags }: NetlinkMessage,
  remove: boolean,
  stack: NetStack,
  cred: Credentials,
): number {
  const wish = wishOf(payload);
  if (typeof wish === 'number') return wish;
  const existing = routesOf(stack).find(
    route =>
      isSame(route, wish) &&
      (!remove || wish.interface === 0 || wish.interface === route.interface) &&
      (!remove ||
        wish.gateway === undefined ||
        (route.gateway !== undefined && matches(route.gateway, wish.gateway, wish.gateway.length * 8))),
  );
  if (remove) return existing === undefined ? -ESRCH : stack.changeRoute(existing, true, cred);
  const index = interfaceFor(wish, linksOf(stack));
  if (index < 0) return index;
  if (existing !== undefined) {
    if ((flags & NLM_F_REPLACE) === 0 || (flags & NLM_F_EXCL) !== 0) return -EEXIST;
    const removed = stack.changeRoute(existing, true, cred);
    if (removed !== 0) return removed;
  } else if ((flags & NLM_F_CREATE) === 0) {
    return -ESRCH;
  }
  const result = stack.changeRoute({ ...wish, interface: index }, false, cred);
  // What was there is better than nothing.
  if (result !== 0 && existing !== undefined) stack.changeRoute(existing, false, cred);
  return result;
}

/** The index of the interface that a route leaves by: -ENODEV, -ENETUNREACH for a gateway that is on no network of ours. */
export function interfaceFor(wish: RouteWish, links: readonly NetInterface[]): number {
  if (wish.interface !== 0) {
    return links.some(({ index }) => index === wish.interface) ? wish.interface : -ENODEV;
  }
  const { gateway } = wish;
  if (gateway === undefined) return -ENODEV;
  const near = links.find(
    link =>
      isUp(link) &&
      link.addresses.some(({ address, prefixLength }) => matches(gateway, address, prefixLength)),
  );
  return near?.index ?? -ENETUNREACH;
}
