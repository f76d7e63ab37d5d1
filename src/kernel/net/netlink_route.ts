/** NETLINK_ROUTE: what the kernel answers to requests (rtnetlink_rcv_msg() of net/core/rtnetlink.c). */
import { EADDRNOTAVAIL, EINVAL, ENETUNREACH, EOPNOTSUPP, EPERM } from '../../abi/linux/errno.js';
import { attributesOf, type NetlinkMessage, NLM_F_DUMP, NLM_F_MULTI } from '../../abi/linux/netlink.js';
import {
  IFA_ADDRESS,
  IFA_LOCAL,
  IFADDRMSG_SIZE,
  IFINFOMSG_SIZE,
  IFLA_LINKINFO,
  IFLA_MASTER,
  LAST_ROUTE_TYPE,
  RTA_DST,
  RTA_OIF,
  RTA_TABLE,
  RTM_DELADDR,
  RTM_DELROUTE,
  RTM_F_CLONED,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTM_SETLINK,
  RTMSG_SIZE,
} from '../../abi/linux/rtnetlink.js';
import { AF_INET6 } from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import type { NetInterface, NetRoute } from '../socket_calls.js';
import {
  addressLength,
  changeAddress,
  changeLink,
  changeRoute,
  findLink,
  linksOf,
  numberOf,
  routesOf,
} from './netlink_changes.js';
import {
  addressMessage,
  type Heading,
  linkMessage,
  matches,
  routeMessage,
  tableOf,
} from './netlink_messages.js';
import type { NetStack } from './sockets.js';

/** Who asks: the header of answers, what it may do, and whether it wants its filters obeyed (NETLINK_GET_STRICT_CHK). */
export interface Asker {
  readonly port: number;
  readonly cred: Credentials;
  readonly isStrict: boolean;
}

/** The lowest two bits of a type: 2 asks, others change. */
const KIND_MASK = 3;
const KIND_GET = 2;

/** The messages of a dump, those of one answer, or -errno; 0 for a change that was made. */
export type Answer = { readonly isDump: boolean; readonly messages: Buffer[] } | number;

export function answer(message: NetlinkMessage, asker: Asker, stack: NetStack): Answer {
  const { type, payload, flags } = message;
  if (type > LAST_ROUTE_TYPE) return -EOPNOTSUPP;
  if (payload.length < 1) return 0;
  const isGet = (type & KIND_MASK) === KIND_GET;
  if (!isGet && asker.cred.uid !== 0) return -EPERM;
  const isDump = isGet && (flags & NLM_F_DUMP) !== 0;
  const to = { flags: isDump ? NLM_F_MULTI : 0, seq: message.seq, port: asker.port };
  const said = isGet ? ask(message, isDump, to, asker.isStrict, stack) : change(message, stack, asker.cred);
  return typeof said === 'number' ? said : { isDump, messages: said };
}

function change(message: NetlinkMessage, stack: NetStack, cred: Credentials): number {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_SETLINK:
      return changeLink(message, stack, cred);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return changeAddress(message, message.type === RTM_DELADDR, stack, cred);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return changeRoute(message, message.type === RTM_DELROUTE, stack, cred);
    default:
      return -EOPNOTSUPP;
  }
}

function ask(
  { type, payload }: NetlinkMessage,
  isDump: boolean,
  to: Heading,
  isStrict: boolean,
  stack: NetStack,
): Buffer[] | number {
  const links = linksOf(stack);
  switch (type) {
    case RTM_GETLINK:
      return isDump ? dumpLinks(payload, links, to) : oneLink(payload, links, to);
    case RTM_GETADDR:
      return isDump ? dumpAddresses(payload, links, to, isStrict) : oneAddress(payload, links, to);
    case RTM_GETROUTE:
      return isDump
        ? dumpRoutes(payload, links, routesOf(stack), to, isStrict)
        : oneRoute(payload, links, routesOf(stack), to);
    default:
      return -EOPNOTSUPP;
  }
}

/** Links of a kind or with a master are none of ours. */
function dumpLinks(payload: Buffer, links: readonly NetInterface[], to: Heading): Buffer[] {
  const attributes = attributesOf(payload, IFINFOMSG_SIZE);
  if (attributes.has(IFLA_LINKINFO) || numberOf(attributes.get(IFLA_MASTER)) !== 0) return [];
  return links.map(link => linkMessage(link, to));
}

function oneLink(payload: Buffer, links: readonly NetInterface[], to: Heading): Buffer[] | number {
  const link = findLink(payload, links);
  return typeof link === 'number' ? link : [linkMessage(link, to)];
}

function dumpAddresses(
  payload: Buffer,
  links: readonly NetInterface[],
  to: Heading,
  isStrict: boolean,
): Buffer[] {
  const family = addressLength(payload[0]) > 0 ? payload[0] : 0;
  const index = isStrict && payload.length >= IFADDRMSG_SIZE ? payload.readUInt32LE(4) : 0;
  const messages: Buffer[] = [];
  for (const wanted of [2, AF_INET6]) {
    if (family !== 0 && family !== wanted) continue;
    for (const link of links) {
      if (index !== 0 && link.index !== index) continue;
      for (const address of link.addresses) {
        if (address.family === wanted) messages.push(addressMessage(link, address, to));
      }
    }
  }
  return messages;
}

/** IPv6 only, as on the host. */
function oneAddress(payload: Buffer, links: readonly NetInterface[], to: Heading): Buffer[] | number {
  if (payload[0] !== AF_INET6) return -EOPNOTSUPP;
  if (payload.length < IFADDRMSG_SIZE) return -EINVAL;
  const attributes = attributesOf(payload, IFADDRMSG_SIZE);
  const wanted = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (wanted === undefined || wanted.length !== 16) return -EINVAL;
  for (const link of links) {
    const found = link.addresses.find(one => one.family === AF_INET6 && wanted.equals(one.address));
    if (found !== undefined) return [addressMessage(link, found, to)];
  }
  return -EADDRNOTAVAIL;
}

function dumpRoutes(
  payload: Buffer,
  links: readonly NetInterface[],
  routes: readonly NetRoute[],
  to: Heading,
  isStrict: boolean,
): Buffer[] {
  const family = addressLength(payload[0]) > 0 ? payload[0] : 0;
  const isWhole = payload.length >= RTMSG_SIZE;
  // There is no cache of routes.
  if (isWhole && (payload.readUInt32LE(8) & RTM_F_CLONED) !== 0) return [];
  const attributes = attributesOf(payload, RTMSG_SIZE);
  const table = isStrict && isWhole ? numberOf(attributes.get(RTA_TABLE)) || payload[4] : 0;
  const index = isStrict ? numberOf(attributes.get(RTA_OIF)) : 0;
  return routes
    .filter(route => family === 0 || route.family === family)
    .filter(route => index === 0 || route.interface === index)
    .filter(route => table === 0 || tableOf(route, links) === table)
    .map(route => routeMessage(route, links, to));
}

/** `ip route get`: the route with the longest prefix. */
function oneRoute(
  payload: Buffer,
  links: readonly NetInterface[],
  routes: readonly NetRoute[],
  to: Heading,
): Buffer[] | number {
  if (payload.length < RTMSG_SIZE) return -EINVAL;
  const length = addressLength(payload[0]);
  if (length === 0) return -EOPNOTSUPP;
  const attributes = attributesOf(payload, RTMSG_SIZE);
  const wanted = attributes.get(RTA_DST) ?? Buffer.alloc(length);
  if (wanted.length !== length) return -EINVAL;
  let best: NetRoute | undefined;
  for (const route of routes) {
    if (route.family !== payload[0] || !matches(wanted, route.destination, route.prefixLength)) continue;
    if (best === undefined || route.prefixLength > best.prefixLength) best = route;
  }
  return best === undefined ? -ENETUNREACH : [routeMessage(best, links, to, RTM_NEWROUTE, wanted)];
}
