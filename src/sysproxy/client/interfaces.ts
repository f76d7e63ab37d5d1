/** A remote kernel's interfaces and routes in Linux's words: what sysctl net.route tells (NetBSD's sysctl_rtable() of net/rtsock.c). */
import { isLinkScope } from '../../abi/address.js';
import { ENOENT, ENOMEM } from '../../abi/linux/errno.js';
import * as rt from '../../abi/linux/rtnetlink.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import * as nb from '../../abi/netbsd/interface.js';
import { LINUX_LOOPBACK, NETBSD_LOOPBACK, toLinuxInterfaceFlags } from '../../abi/netbsd/interface_words.js';
import { NB } from '../../abi/netbsd/nr.js';
import * as route from '../../abi/netbsd/route.js';
import { NB_AF_INET, NB_AF_INET6, NB_AF_LINK, NB_AF_ROUTE } from '../../abi/netbsd/socket.js';
import { NB_CTL_NET } from '../../abi/netbsd/sysctl.js';
import { then } from '../../kernel/results.js';
import type { Result } from '../../kernel/rump_kernel.js';
import type { InterfaceAddress, NetInterface, NetRoute } from '../../kernel/socket_calls.js';
import type { SysctlCalls } from './sysctl_tree.js';

/** Enough for a few hundred routes at once; a larger table is asked for again. Bytes. */
const FIRST_ROOM = 32 * 1024;
const ATTEMPTS = 4;
/** net.route.0.FAMILY.WHAT.0 */
const NAME_LENGTH = 6;
const NOTHING = new Uint8Array(0);
/** Reads a table and goes on with it; one that the server has not is empty. -errno. */
function table(
  calls: SysctlCalls,
  what: number,
  next: (messages: Uint8Array[]) => number,
  room = FIRST_ROOM,
  attempts = ATTEMPTS,
): Result {
  const out = new Uint8Array(room);
  const call = calls.begin(NB.__sysctl);
  const at = call.reserve(NAME_LENGTH * 4);
  [NB_CTL_NET, NB_AF_ROUTE, 0, 0, what, 0].forEach((number, i) => {
    call.view.setInt32(at + i * 4, number, true);
  });
  call.pointer(at).int(NAME_LENGTH).buffer(out);
  const lengthAt = call.reserve(8);
  call.view.setUint32(lengthAt, room, true);
  call.pointer(lengthAt).nil().long(0);
  let length = 0;
  call.finish = done => {
    length = done.view.getUint32(lengthAt, true);
    return done.result;
  };
  return then(calls.submit(call), status => {
    if (status === -ENOMEM && attempts > 1) return table(calls, what, next, room * 4, attempts - 1);
    if (status === -ENOENT) return next([]);
    return status < 0 ? status : next(route.splitMessages(out.subarray(0, Math.min(length, room))));
  });
}

/** SocketProcess.interfaces() */
export function remoteInterfaces(calls: SysctlCalls, out: NetInterface[]): Result {
  return table(calls, route.NB_NET_RT_IFLIST, messages => {
    const found = new Map<number, NetInterface>();
    for (const message of messages) {
      if (message[3] === route.NB_RTM_IFINFO) {
        const link = linkOf(message);
        found.set(link.index, link);
      } else if (message[3] === route.NB_RTM_NEWADDR) {
        const { index, addresses } = route.decodeAddressMessage(message);
        const link = found.get(index);
        const address = link === undefined ? undefined : addressOf(addresses, link);
        if (address !== undefined) link?.addresses.push(address);
      }
    }
    out.push(...found.values());
    return found.size;
  });
}

function linkOf(message: Uint8Array): NetInterface {
  const info = route.decodeInterfaceMessage(message);
  const { name, hardware } = nb.decodeSockaddrDl(info.addresses[route.NB_RTAX_IFP] ?? NOTHING);
  const isLoopback = (info.flags & nb.NB_IFF_LOOPBACK) !== 0;
  return {
    index: info.index,
    name: name === NETBSD_LOOPBACK ? LINUX_LOOPBACK : name,
    flags: toLinuxInterfaceFlags(info.flags),
    mtu: info.mtu,
    hardwareType: isLoopback ? rt.ARPHRD_LOOPBACK : rt.ARPHRD_ETHER,
    mac: hardware,
    addresses: [],
    rxPackets: info.inPackets,
    txPackets: info.outPackets,
    rxBytes: info.inBytes,
    txBytes: info.outBytes,
  };
}

function addressOf(addresses: route.RouteAddresses, link: NetInterface): InterfaceAddress | undefined {
  const given = addresses[route.NB_RTAX_IFA];
  const plain = given === undefined ? undefined : plainAddress(given);
  if (plain === undefined) return undefined;
  const isLoopback = (link.flags & rt.IFF_LOOPBACK) !== 0;
  const other = addresses[route.NB_RTAX_BRD];
  const hasBroadcast =
    plain.family === AF_INET && (link.flags & rt.IFF_BROADCAST) !== 0 && other !== undefined;
  return {
    ...plain,
    prefixLength: maskLength(plain, addresses[route.NB_RTAX_NETMASK]),
    broadcast: hasBroadcast ? nb.sockaddrIpv4(other) : undefined,
    scope: isLoopback
      ? rt.RT_SCOPE_HOST
      : plain.family === AF_INET6 && isLinkScope(plain.address)
        ? rt.RT_SCOPE_LINK
        : rt.RT_SCOPE_UNIVERSE,
  };
}

interface PlainAddress {
  readonly family: number;
  readonly address: Uint8Array;
}

/** Bits of an address's mask: all of them where there is none. */
function maskLength({ family, address }: PlainAddress, mask: Uint8Array | undefined): number {
  const bits = mask === undefined ? undefined : nb.bitsOfMask(family, mask);
  return bits ?? address.length * 8;
}

function plainAddress(sockaddr: Uint8Array): PlainAddress | undefined {
  if (sockaddr.length < 2) return undefined;
  if (sockaddr[1] === NB_AF_INET) return { family: AF_INET, address: nb.sockaddrIpv4(sockaddr) };
  if (sockaddr[1] === NB_AF_INET6) return { family: AF_INET6, address: nb.sockaddrIpv6(sockaddr).ipv6 };
  return undefined;
}

/** SocketProcess.routes() */
export function remoteRoutes(calls: SysctlCalls, out: NetRoute[]): Result {
  return table(calls, route.NB_NET_RT_DUMP, messages => {
    for (const message of messages) {
      const found = routeOf(route.decodeRouteMessage(message));
      if (found !== undefined) out.push(found);
    }
    return out.length;
  });
}

/** A route to somewhere: not one that NetBSD keeps for addresses of its own, nor one that refuses. */
function routeOf(entry: route.RouteMessage): NetRoute | undefined {
  const hidden =
    route.NB_RTF_REJECT |
    route.NB_RTF_BLACKHOLE |
    route.NB_RTF_LOCAL |
    route.NB_RTF_BROADCAST |
    route.NB_RTF_LLDATA;
  if ((entry.flags & route.NB_RTF_UP) === 0 || (entry.flags & hidden) !== 0) return undefined;
  const destination = plainAddress(entry.addresses[route.NB_RTAX_DST] ?? NOTHING);
  if (destination === undefined) return undefined;
  const isHost = (entry.flags & route.NB_RTF_HOST) !== 0;
  const gateway = entry.addresses[route.NB_RTAX_GATEWAY] ?? NOTHING;
  const through =
    gateway[1] === NB_AF_LINK || (entry.flags & route.NB_RTF_GATEWAY) === 0
      ? undefined
      : plainAddress(gateway);
  return {
    family: destination.family,
    destination: destination.address,
    prefixLength: maskLength(destination, isHost ? undefined : entry.addresses[route.NB_RTAX_NETMASK]),
    gateway: through?.address,
    interface: entry.index,
  };
}
