/** The kernel's interfaces as NetBSD's programs see them: names, flags, addresses. */
import { IPV4_SIZE, IPV6_SIZE, isLinkScope, prefixMask } from '../../abi/address.js';
import { ENODEV, ENXIO } from '../../abi/linux/errno.js';
import { ARPHRD_LOOPBACK } from '../../abi/linux/rtnetlink.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import {
  embedScope,
  encodeSockaddrDl,
  NB_IFF_MULTICAST,
  NB_IFF_SIMPLEX,
  NB_IFT_ETHER,
  NB_IFT_LOOP,
  netbsdSockaddrIn,
  netbsdSockaddrIn6,
  sockaddrIpv4,
  sockaddrIpv6,
} from '../../abi/netbsd/interface.js';
import { LINUX_LOOPBACK, NETBSD_LOOPBACK, toNetbsdInterfaceFlags } from '../../abi/netbsd/interface_words.js';
import { NB_AF_INET, NB_AF_INET6 } from '../../abi/netbsd/socket.js';
import { isDone, type Result } from '../../kernel/rump_kernel.js';
import type { InterfaceAddress, NetInterface, NetRoute, SocketProcess } from '../../kernel/socket_calls.js';

export function netbsdName(name: string): string {
  return name === LINUX_LOOPBACK ? NETBSD_LOOPBACK : name;
}

export function linuxName(name: string): string | undefined {
  if (name === NETBSD_LOOPBACK) return LINUX_LOOPBACK;
  return name === LINUX_LOOPBACK ? undefined : name;
}

export function linksOf(kernel: SocketProcess): NetInterface[] {
  const links: NetInterface[] = [];
  kernel.interfaces(links);
  return links;
}

export function routesOf(kernel: SocketProcess): NetRoute[] {
  const routes: NetRoute[] = [];
  kernel.routes(routes);
  return routes;
}

/** Changes of this kernel's stack never wait. What is no interface is ENXIO on NetBSD. */
export function changed(result: Result): number {
  if (!isDone(result)) throw new Error('a change of an interface waits');
  return result === -ENODEV ? -ENXIO : result;
}

export function isLoopback({ hardwareType }: NetInterface): boolean {
  return hardwareType === ARPHRD_LOOPBACK;
}

/** NB_IFF_* of an interface; an Ethernet does not hear itself (SIMPLEX), and lo0 has MULTICAST on NetBSD. */
export function netbsdFlags(link: NetInterface): number {
  return toNetbsdInterfaceFlags(link.flags) | (isLoopback(link) ? NB_IFF_MULTICAST : NB_IFF_SIMPLEX);
}

/** NB_IFT_* */
export function netbsdType(link: NetInterface): number {
  return isLoopback(link) ? NB_IFT_LOOP : NB_IFT_ETHER;
}

/** The sockaddr_dl of an interface. */
export function linkSockaddr(link: NetInterface): Uint8Array {
  const { index, mac } = link;
  return encodeSockaddrDl({ index, type: netbsdType(link), name: netbsdName(link.name), hardware: mac });
}

/** An address of an interface; the scope of a link-local one is within it. */
export function sockaddrOf(family: number, address: Uint8Array, index: number): Uint8Array {
  if (family === AF_INET) return netbsdSockaddrIn(address);
  return embedScope(address, isLinkScope(address) ? index : 0);
}

export function maskSockaddr(family: number, length: number): Uint8Array {
  if (family === AF_INET) return netbsdSockaddrIn(prefixMask(length, IPV4_SIZE));
  return netbsdSockaddrIn6(prefixMask(length, IPV6_SIZE));
}

/** A mask as the routing table has it: it ends with its last byte that is not 0, and is empty when it has none. */
export function shortMask(family: number, length: number): Uint8Array {
  if (length === 0) return new Uint8Array(0);
  const mask = maskSockaddr(family, length).slice(0, (family === AF_INET ? 4 : 8) + Math.ceil(length / 8));
  mask[0] = mask.length;
  return mask;
}

/** Where a broadcast goes, or the other end; lo0's addresses are their own other ends. */
export function otherSockaddr(link: NetInterface, address: InterfaceAddress): Uint8Array | undefined {
  if (isLoopback(link)) return sockaddrOf(address.family, address.address, link.index);
  return address.broadcast === undefined ? undefined : netbsdSockaddrIn(address.broadcast);
}

/** An address that a program names: AF_* of Linux, bytes, and the interface that it means something on, or 0. */
export interface Named {
  readonly family: number;
  readonly address: Uint8Array;
  readonly scope: number;
}

/** A sockaddr of AF_INET or AF_INET6, undefined for all others. */
export function namedBy(sockaddr: Uint8Array): Named | undefined {
  switch (sockaddr[1]) {
    case NB_AF_INET:
      return { family: AF_INET, address: sockaddrIpv4(sockaddr), scope: 0 };
    case NB_AF_INET6: {
      const { ipv6, scope } = sockaddrIpv6(sockaddr);
      return { family: AF_INET6, address: ipv6, scope };
    }
    default:
      return undefined;
  }
}
