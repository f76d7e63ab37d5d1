/** What the routing table answers to a message that a program has written (route_output() of sys/net/rtsock.c). */
import { EACCES, EEXIST, EINVAL, ENETUNREACH, ENODEV, EOPNOTSUPP, ESRCH } from '../../abi/linux/errno.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import { bitsOfMask, decodeSockaddrDl } from '../../abi/netbsd/interface.js';
import {
  decodeRouteMessage,
  encodeRouteMessage,
  NB_RTAX_DST,
  NB_RTAX_GATEWAY,
  NB_RTAX_IFA,
  NB_RTAX_IFP,
  NB_RTAX_NETMASK,
  NB_RTF_GATEWAY,
  NB_RTF_HOST,
  NB_RTM_ADD,
  NB_RTM_CHANGE,
  NB_RTM_DELETE,
  NB_RTM_GET,
  type RouteAddresses,
  type RouteMessage,
} from '../../abi/netbsd/route.js';
import { NB_AF_LINK } from '../../abi/netbsd/socket.js';
import { interfaceFor, isSame, type RouteWish } from '../../kernel/net/netlink_changes.js';
import { matches } from '../../kernel/net/netlink_messages.js';
import type { Credentials } from '../../kernel/rump_kernel.js';
import type { NetInterface, NetRoute, SocketProcess } from '../../kernel/socket_calls.js';
import { changed, linksOf, maskSockaddr, namedBy, routesOf } from './interface_view.js';
import { routeEntry } from './route_lists.js';

/** 0, -errno, or the message that answers RTM_GET. `bytes` is one whole message. */
export function answerRequest(
  bytes: Uint8Array,
  kernel: SocketProcess,
  cred: Credentials,
): number | Uint8Array {
  const message = decodeRouteMessage(bytes);
  const wish = wishOf(message, linksOf(kernel));
  if (typeof wish === 'number') return wish;
  if (message.type === NB_RTM_GET) return get(message, wish, kernel);
  if (cred.uid !== 0) return -EACCES;
  switch (message.type) {
    case NB_RTM_ADD:
      return message.addresses[NB_RTAX_GATEWAY] === undefined ? -EINVAL : add(wish, kernel);
    case NB_RTM_DELETE: {
      const found = existing(wish, kernel);
      return found === undefined ? -ESRCH : changed(kernel.changeRoute(found, true));
    }
    case NB_RTM_CHANGE:
      return change(wish, kernel);
    default:
      return -EOPNOTSUPP;
  }
}

/** What a message says of a route: -EINVAL without a destination. The interface is 0 where none is named. */
function wishOf({ flags, addresses }: RouteMessage, links: readonly NetInterface[]): RouteWish | number {
  const destination = namedBy(addresses[NB_RTAX_DST] ?? new Uint8Array(0));
  if (destination === undefined) return -EINVAL;
  const { family, address } = destination;
  const bits = address.length * 8;
  const mask = addresses[NB_RTAX_NETMASK];
  const isHost = (flags & NB_RTF_HOST) !== 0 || mask === undefined;
  const prefixLength = isHost ? bits : bitsOfMask(family, mask);
  if (prefixLength === undefined) return -EINVAL;
  const gateway = addresses[NB_RTAX_GATEWAY];
  const through = gateway === undefined ? undefined : namedBy(gateway);
  if (gateway !== undefined && through === undefined && gateway[1] !== NB_AF_LINK) return -EINVAL;
  if (through !== undefined && through.family !== family) return -EINVAL;
  const isGateway = (flags & NB_RTF_GATEWAY) !== 0 && through !== undefined;
  return {
    family,
    prefixLength,
    destination: masked(family, address, prefixLength),
    gateway: isGateway ? through.address : undefined,
    interface: through?.scope || interfaceOf(addresses, through?.address, links) || destination.scope,
  };
}

function masked(family: number, address: Uint8Array, prefixLength: number): Uint8Array {
  const mask = maskSockaddr(family, prefixLength).subarray(family === AF_INET ? 4 : 8);
  return address.map((byte, i) => byte & mask[i]);
}

/** The interface that a message names by itself, by its link address or by an address of its own. */
function interfaceOf(
  addresses: RouteAddresses,
  gateway: Uint8Array | undefined,
  links: readonly NetInterface[],
): number {
  for (const place of [NB_RTAX_IFP, NB_RTAX_GATEWAY]) {
    const sockaddr = addresses[place];
    if (sockaddr !== undefined && sockaddr[1] === NB_AF_LINK) {
      const { index } = decodeSockaddrDl(sockaddr);
      if (index !== 0) return index;
    }
  }
  const own = namedBy(addresses[NB_RTAX_IFA] ?? new Uint8Array(0))?.address ?? gateway;
  if (own === undefined) return 0;
  const holder = links.find(link => link.addresses.some(each => Buffer.from(own).equals(each.address)));
  return holder?.index ?? 0;
}

function existing(wish: RouteWish, kernel: SocketProcess): NetRoute | undefined {
  return routesOf(kernel).find(
    route =>
      isSame(route, wish) &&
      (wish.gateway === undefined ||
        (route.gateway !== undefined && Buffer.from(wish.gateway).equals(route.gateway))),
  );
}

function add(wish: RouteWish, kernel: SocketProcess): number {
  if (routesOf(kernel).some(route => isSame(route, wish))) return -EEXIST;
  return put(wish, kernel);
}

function put(wish: RouteWish, kernel: SocketProcess): number {
  const index = interfaceFor(wish, linksOf(kernel));
  // ifa_ifwithroute(): no interface leads there.
  if (index < 0) return index === -ENODEV ? -ENETUNREACH : index;
  return changed(kernel.changeRoute({ ...wish, interface: index }, false));
}

function change(wish: RouteWish, kernel: SocketProcess): number {
  const old = existing({ ...wish, gateway: undefined }, kernel);
  if (old === undefined) return -ESRCH;
  const removed = changed(kernel.changeRoute(old, true));
  if (removed !== 0) return removed;
  const status = put({ ...wish, interface: wish.interface || old.interface }, kernel);
  // What was there is better than nothing.
  if (status !== 0) kernel.changeRoute(old, false);
  return status;
}

/** The route that a packet to the destination takes; with a mask the one that is exactly so. */
function get(message: RouteMessage, wish: RouteWish, kernel: SocketProcess): number | Uint8Array {
  const routes = routesOf(kernel);
  const bits = wish.family === AF_INET6 ? 128 : 32;
  let best: NetRoute | undefined;
  if (wish.prefixLength < bits) best = routes.find(route => isSame(route, wish));
  else {
    for (const route of routes) {
      if (route.family !== wish.family || !matches(wish.destination, route.destination, route.prefixLength))
        continue;
      if (best === undefined || route.prefixLength > best.prefixLength) best = route;
    }
  }
  if (best === undefined) return -ESRCH;
  const entry = routeEntry(best, linksOf(kernel));
  const addresses = [...entry.addresses];
  // Interface and own address are told to who has made room for them.
  if (message.addresses[NB_RTAX_IFP] === undefined && message.addresses[NB_RTAX_IFA] === undefined) {
    addresses[NB_RTAX_IFP] = undefined;
    addresses[NB_RTAX_IFA] = undefined;
  }
  return encodeRouteMessage({ ...entry, addresses, pid: message.pid, seq: message.seq });
}
