/** What the sysctls net.route.0.AF.NET_RT_* list: interfaces with their addresses, and the routing table (sys/net/rtsock.c). */
import { EINVAL, ENOENT, EPERM } from '../../abi/linux/errno.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import { encodeSockaddrDl, NB_SOCKADDR_DL_SIZE } from '../../abi/netbsd/interface.js';
import {
  encodeAddressMessage,
  encodeInterfaceMessage,
  encodeRouteMessage,
  NB_NET_RT_DUMP,
  NB_NET_RT_FLAGS,
  NB_NET_RT_IFLIST,
  NB_RTAX_BRD,
  NB_RTAX_DST,
  NB_RTAX_GATEWAY,
  NB_RTAX_IFA,
  NB_RTAX_IFP,
  NB_RTAX_NETMASK,
  NB_RTF_CONNECTED,
  NB_RTF_GATEWAY,
  NB_RTF_HOST,
  NB_RTF_STATIC,
  NB_RTF_UP,
  NB_RTM_GET,
  NB_RTM_NEWADDR,
  NO_METRICS,
  type RouteMessage,
} from '../../abi/netbsd/route.js';
import { toLinuxFamily } from '../../abi/netbsd/socket.js';
import type { InterfaceAddress, NetInterface, NetRoute, SocketProcess } from '../../kernel/socket_calls.js';
import {
  isLoopback,
  linkSockaddr,
  linksOf,
  maskSockaddr,
  netbsdFlags,
  netbsdType,
  otherSockaddr,
  routesOf,
  shortMask,
  sockaddrOf,
} from './interface_view.js';

/** Bytes of a sockaddr_dl before its name. */
const SDL_DATA = 8;

/** Messages of one list, `rest` being what stands behind net.route.0; -errno. */
export function routeList(
  kernel: SocketProcess,
  rest: readonly number[],
  writes: boolean,
): Uint8Array[] | number {
  const links = linksOf(kernel);
  // Without a TCP/IP stack there is no such node.
  if (links.length === 0) return -ENOENT;
  if (writes) return -EPERM;
  if (rest.length !== 3) return -EINVAL;
  const [netbsdFamily, what, argument] = rest;
  // 0 is all families, and so is none of ours: nothing is found then.
  const family = netbsdFamily === 0 ? 0 : (toLinuxFamily(netbsdFamily) ?? -1);
  switch (what) {
    case NB_NET_RT_DUMP:
      return table(kernel, family, () => true);
    case NB_NET_RT_FLAGS:
      return table(kernel, family, flags => (flags & argument) !== 0);
    case NB_NET_RT_IFLIST:
      return interfaceList(links, family, argument);
    default:
      return -EINVAL;
  }
}

/** `index`: of one interface, 0 for all. */
function interfaceList(links: readonly NetInterface[], family: number, index: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (const link of links) {
    if (index !== 0 && link.index !== index) continue;
    messages.push(interfaceMessage(link));
    if (family === 0) messages.push(linkAddressMessage(link));
    for (const address of link.addresses) {
      if (family !== 0 && address.family !== family) continue;
      messages.push(addressMessage(link, address));
    }
  }
  return messages;
}

/** `isListed`: with its name, as in lists; changes are told without. */
export function interfaceMessage(link: NetInterface, isListed = true): Uint8Array {
  const addresses: Uint8Array[] = [];
  if (isListed) addresses[NB_RTAX_IFP] = linkSockaddr(link);
  return encodeInterfaceMessage(
    {
      index: link.index,
      flags: netbsdFlags(link),
      type: netbsdType(link),
      mtu: link.mtu,
      inPackets: link.rxPackets,
      outPackets: link.txPackets,
      inBytes: link.rxBytes,
      outBytes: link.txBytes,
      addresses: Array.from(addresses),
    },
    link.mac.length,
  );
}

/** An interface's own address is its sockaddr_dl, and the mask says how long its name is. */
function linkAddressMessage(link: NetInterface): Uint8Array {
  const address = linkSockaddr(link);
  const mask = new Uint8Array(address.length - link.mac.length);
  mask[0] = mask.length;
  mask.fill(0xff, SDL_DATA);
  const addresses: Uint8Array[] = [];
  addresses[NB_RTAX_NETMASK] = mask;
  addresses[NB_RTAX_IFA] = address;
  return encodeAddressMessage({ index: link.index, metric: 0, flags: 0, addresses: Array.from(addresses) });
}

/** `type`: RTM_NEWADDR or RTM_DELADDR. */
export function addressMessage(
  link: NetInterface,
  address: InterfaceAddress,
  type: number = NB_RTM_NEWADDR,
): Uint8Array {
  const { family, prefixLength } = address;
  const addresses: (Uint8Array | undefined)[] = [];
  addresses[NB_RTAX_NETMASK] =
    family === AF_INET ? shortMask(family, prefixLength) : maskSockaddr(family, prefixLength);
  addresses[NB_RTAX_IFA] = sockaddrOf(family, address.address, link.index);
  addresses[NB_RTAX_BRD] = otherSockaddr(link, address);
  const flags = NB_RTF_UP | (isLoopback(link) ? 0 : NB_RTF_CONNECTED);
  return encodeAddressMessage(
    { index: link.index, metric: 0, flags, addresses: Array.from(addresses) },
    type,
  );
}

function table(kernel: SocketProcess, family: number, wanted: (flags: number) => boolean): Uint8Array[] {
  const links = linksOf(kernel);
  return routesOf(kernel)
    .filter(route => family === 0 || route.family === family)
    .sort((a, b) => a.family - b.family || a.prefixLength - b.prefixLength)
    .map(route => routeEntry(route, links))
    .filter(({ flags }) => wanted(flags))
    .map(encodeRouteMessage);
}

/** Where a route leads: a gateway, a link; ::1 leads to itself. */
function gatewayOf(route: NetRoute, link: NetInterface | undefined): Uint8Array | undefined {
  const { family, destination, gateway } = route;
  if (gateway !== undefined) return sockaddrOf(family, gateway, route.interface);
  if (link === undefined) return undefined;
  if (!isLoopback(link)) return bareSockaddr(link);
  const isOne = family === AF_INET6 && route.prefixLength === 128;
  return isOne ? sockaddrOf(family, destination, link.index) : linkSockaddr(link);
}

/** What stands for a link whose hosts are yet to be found: its number and kind alone. */
function bareSockaddr(link: NetInterface): Uint8Array {
  const bytes = new Uint8Array(NB_SOCKADDR_DL_SIZE);
  const hardware = new Uint8Array(0);
  bytes.set(encodeSockaddrDl({ index: link.index, type: netbsdType(link), name: '', hardware }));
  bytes[0] = bytes.length;
  return bytes;
}

type Entry = Partial<RouteMessage> & Pick<RouteMessage, 'type' | 'addresses' | 'flags'>;

/** A route as RTM_GET has it, with its interface and the interface's address. */
export function routeEntry(route: NetRoute, links: readonly NetInterface[]): Entry {
  const { family, destination, prefixLength, gateway } = route;
  const link = links.find(({ index }) => index === route.interface);
  const isHost = prefixLength === destination.length * 8;
  const addresses: (Uint8Array | undefined)[] = [];
  addresses[NB_RTAX_DST] = sockaddrOf(family, destination, route.interface);
  addresses[NB_RTAX_GATEWAY] = gatewayOf(route, link);
  if (!isHost) addresses[NB_RTAX_NETMASK] = shortMask(family, prefixLength);
  if (link !== undefined) addresses[NB_RTAX_IFP] = linkSockaddr(link);
  const local = link?.addresses.find(each => each.family === family)?.address;
  if (local !== undefined) addresses[NB_RTAX_IFA] = sockaddrOf(family, local, route.interface);
  const kind = gateway !== undefined ? NB_RTF_GATEWAY | NB_RTF_STATIC : isHost ? 0 : NB_RTF_CONNECTED;
  return {
    type: NB_RTM_GET,
    index: route.interface,
    flags: NB_RTF_UP | kind | (isHost ? NB_RTF_HOST : 0),
    metrics: { ...NO_METRICS, mtu: link !== undefined && isLoopback(link) ? link.mtu : 0 },
    addresses: Array.from(addresses),
  };
}
