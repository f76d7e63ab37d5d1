/** The interfaces and routes of the TCP/IP stack, as netdevice(7) and rtnetlink(7) speak of them. */
import { EEXIST, ENETUNREACH, ENODEV, EOPNOTSUPP, EPERM, ESRCH } from '../../abi/linux/errno.js';
import {
  ARPHRD_ETHER,
  ARPHRD_LOOPBACK,
  IFF_BROADCAST,
  IFF_LOOPBACK,
  IFF_LOWER_UP,
  IFF_MULTICAST,
  IFF_RUNNING,
  IFF_UP,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
} from '../../abi/linux/rtnetlink.js';
import { AF_INET } from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import type { InterfaceAddress, InterfaceChange, NetInterface, NetRoute } from '../socket_calls.js';
import { type InterfaceInfo, readInterfaceInfo } from './interface_info.js';
import { isPrivileged } from './option_values.js';
import type { NetStack } from './sockets.js';
import type { Stack } from './stack.js';

/** The loopback interface, as Linux numbers and names it. */
const LOOPBACK = 1;
const LOOPBACK_NAME = 'lo';
const ETHERNET_NAME = 'eth';
/** enum of rn_netif_set() in native/lwip/rumpnetif.h. */
const RN_IF_UP = 1;
const RN_IF_MTU = 2;
/** rumpnetif.h: where in SharedPage.outgoing the bits of DHCP answers begin. */
const RN_DHCP_BIT = 16;
/** A broadcast address needs more than one host (RFC 3021). */
const LAST_BROADCAST_PREFIX = 30;

/** The host's side of an interface. */
export interface InterfacePort {
  /** There are frames to be sent. */
  onFrames(): void;
  /** An answer to its DHCP client has come. */
  onDhcp(): void;
}

export class Interfaces implements NetStack {
  readonly #stack: Stack;
  /** Index -> name, in order. */
  #names = new Map<number, string>([[LOOPBACK, LOOPBACK_NAME]]);

  /** Who is told that an interface has something for the host. */
  readonly #ports = new Map<number, InterfacePort>();

  constructor(stack: Stack) {
    this.#stack = stack;
    stack.onOutgoing = interfaces => this.#outgoing(interfaces);
  }

  interfaces(out: NetInterface[]): number {
    for (const [index, name] of this.#names) {
      const info = this.#info(index);
      if (info !== undefined) out.push(describe(index, name, info));
    }
    return this.#names.size;
  }

  #info(index: number): InterfaceInfo | undefined {
    if (this.#stack.calls.getInterface(index) < 0) return undefined;
    return readInterfaceInfo(this.#stack.shared.staging);
  }

  #indexOf(name: string): number {
    for (const [index, each] of this.#names) if (each === name) return index;
    return -ENODEV;
  }

  #outgoing(interfaces: number): void {
    for (const index of this.#names.keys()) {
      if ((interfaces & (1 << index)) !== 0) {
        const port = this.#ports.get(index);
        if (port !== undefined) port.onFrames();
        else this.#stack.calls.sendFrames(index);
      }
      if ((interfaces & (1 << (index + RN_DHCP_BIT - 1))) !== 0) this.#ports.get(index)?.onDhcp();
    }
  }

  /** From now on `port` is told. The interface's index, or -ENODEV. */
  connect(name: string, port: InterfacePort): number {
    const index = this.#indexOf(name);
    if (index > 0) this.#ports.set(index, port);
    return index;
  }

  /** A new Ethernet interface, down and without addresses: its name, or -EINVAL, -ENOSPC. `mac`: 6 bytes; `mtu`: bytes. */
  addEthernet(mac: Uint8Array, mtu: number): string | number {
    const index = this.#stack.calls.addInterface(mac, mtu);
    if (index < 0) return index;
    const name = `${ETHERNET_NAME}${index - LOOPBACK - 1}`;
    // A number that was given back is in its place again.
    this.#names = new Map([...this.#names, [index, name] as const].sort(([a], [b]) => a - b));
    return name;
  }

  /** -ENODEV; the loopback interface stays: -EOPNOTSUPP. */
  removeEthernet(name: string): number {
    const index = this.#indexOf(name);
    if (index < 0) return index;
    if (index === LOOPBACK) return -EOPNOTSUPP;
    this.#names.delete(index);
    this.#ports.delete(index);
    return this.#stack.calls.removeInterface(index);
  }

  /** As changeInterface() of SocketProcess; lwIP has one IPv4 address for each interface, and networks of IPv6 of 64 bits: -EOPNOTSUPP. */
  changeInterface(change: InterfaceChange, cred: Credentials): number {
    if (!isPrivileged(cred)) return -EPERM;
    const index = this.#indexOf(change.name);
    if (index < 0) return index;
    const { calls } = this.#stack;
    let status = change.mtu === undefined ? 0 : calls.setInterface(index, RN_IF_MTU, change.mtu);
    if (status === 0 && change.removeAddress !== undefined) {
      this.#putAddress(change.removeAddress);
      status = calls.changeAddress(index, 0, 1);
    }
    if (status === 0 && change.addAddress !== undefined) {
      this.#putAddress(change.addAddress);
      status = calls.changeAddress(index, change.addAddress.prefixLength, 0);
    }
    if (status === 0 && change.up !== undefined)
      status = calls.setInterface(index, RN_IF_UP, Number(change.up));
    return status;
  }

  #putAddress(from: { family: number; address: Uint8Array }): void {
    const { address } = this.#stack.shared;
    address.family = from.family;
    address.port = 0;
    address.scope = 0;
    address.bytes.fill(0);
    address.bytes.set(from.address);
  }

  /** Default routes first, then the networks of interfaces that are up. */
  routes(out: NetRoute[]): number {
    const networks: NetRoute[] = [];
    const before = out.length;
    for (const index of this.#names.keys()) {
      const info = this.#info(index);
      if (!info?.isUp) continue;
      for (const { family, address } of info.gateways) {
        const destination = new Uint8Array(address.length);
        out.push({ family, destination, prefixLength: 0, gateway: address, interface: index });
      }
      for (const { family, address, prefixLength } of info.addresses) {
        const destination = networkOf(address, prefixLength);
        networks.push({ family, destination, prefixLength, gateway: undefined, interface: index });
      }
    }
    out.push(...networks);
    return out.length - before;
  }

  /** As changeRoute() of SocketProcess: default routes can be changed; networks have theirs by their addresses. */
  changeRoute(route: NetRoute, remove: boolean, cred: Credentials): number {
    if (!isPrivileged(cred)) return -EPERM;
    if (!this.#names.has(route.interface)) return -ENODEV;
    const { gateway } = route;
    if (gateway === undefined || route.prefixLength !== 0) return this.#refuseRoute(route, remove);
    if (!remove && this.#info(route.interface)?.isUp !== true) return -ENETUNREACH;
    this.#putAddress({ family: route.family, address: gateway });
    return this.#stack.calls.changeGateway(route.interface, Number(remove));
  }

  #refuseRoute(route: NetRoute, remove: boolean): number {
    const all: NetRoute[] = [];
    this.routes(all);
    const wanted = Buffer.from(route.destination);
    const exists = all.some(
      one =>
        one.prefixLength === route.prefixLength &&
        wanted.equals(one.destination) &&
        one.family === route.family,
    );
    if (remove) return exists ? -EOPNOTSUPP : -ESRCH;
    return exists ? -EEXIST : -EOPNOTSUPP;
  }
}

function describe(index: number, name: string, info: InterfaceInfo): NetInterface {
  const { mtu, mac, rxPackets, txPackets, rxBytes, txBytes } = info;
  const isLoopback = index === LOOPBACK;
  const running = info.isUp ? IFF_UP | IFF_RUNNING | IFF_LOWER_UP : 0;
  return {
    index,
    name,
    flags: running | (isLoopback ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST),
    mtu,
    hardwareType: isLoopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER,
    mac,
    addresses: info.addresses.map(each => describeAddress(each, isLoopback)),
    rxPackets,
    txPackets,
    rxBytes,
    txBytes,
  };
}

function describeAddress(
  { family, address, prefixLength }: InterfaceInfo['addresses'][number],
  isLoopback: boolean,
): InterfaceAddress {
  const hasBroadcast = family === AF_INET && !isLoopback && prefixLength <= LAST_BROADCAST_PREFIX;
  return {
    family,
    address,
    prefixLength,
    broadcast: hasBroadcast ? broadcastOf(address, prefixLength) : undefined,
    scope: scopeOf(family, address, isLoopback),
  };
}

function scopeOf(family: number, address: Uint8Array, isLoopback: boolean): number {
  if (isLoopback) return RT_SCOPE_HOST;
  const isLinkLocal = family !== AF_INET && address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
  return isLinkLocal ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

/** The mask's byte at `i`. */
function maskByte(prefixLength: number, i: number): number {
  return (0xff00 >> Math.max(0, Math.min(8, prefixLength - 8 * i))) & 0xff;
}

function networkOf(address: Uint8Array, prefixLength: number): Uint8Array {
  return address.map((byte, i) => byte & maskByte(prefixLength, i));
}

function broadcastOf(address: Uint8Array, prefixLength: number): Uint8Array {
  return address.map((byte, i) => byte | (~maskByte(prefixLength, i) & 0xff));
}
