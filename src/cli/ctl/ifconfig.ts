/** ifconfig: network interfaces and their addresses, in the words and the form of NetBSD's ifconfig(8). */
import { EADDRNOTAVAIL } from '../../abi/linux/errno.js';
import {
  bitsOfMask,
  encodeAliasreq,
  encodeIfdrv,
  encodeIfreq,
  encodeIfreqValue,
  ifreqFlags,
  ifreqValue,
  NB_IFD_DATA,
  NB_IFD_LEN,
  NB_IFF_BROADCAST,
  NB_IFF_NAMES,
  NB_IFF_POINTOPOINT,
  NB_IFLINKSTR_QUERYLEN,
  NB_IFLINKSTR_UNSET,
  NB_IFR_VALUE,
  NB_IN_IFF_NAMES,
  NB_IN6_IFF_NAMES,
  NB_IN6_IFREQ_SIZE,
  sockaddrIpv6,
} from '../../abi/netbsd/interface.js';
import {
  NB_SIOCAIFADDR,
  NB_SIOCAIFADDR_IN6,
  NB_SIOCDIFADDR,
  NB_SIOCDIFADDR_IN6,
  NB_SIOCGIFADDR,
  NB_SIOCGIFAFLAG_IN,
  NB_SIOCGIFAFLAG_IN6,
  NB_SIOCGIFFLAGS,
  NB_SIOCGLINKSTR,
  NB_SIOCIFCREATE,
  NB_SIOCIFDESTROY,
  NB_SIOCSIFFLAGS,
  NB_SIOCSIFMTU,
  NB_SIOCSLINKSTR,
} from '../../abi/netbsd/ioctl.js';
import { NB_AF_INET, NB_AF_INET6, NB_SOCK_DGRAM } from '../../abi/netbsd/socket.js';
import {
  formatHardware,
  formatSockaddr,
  type Interfaces,
  keptSockaddrOf,
  maskSockaddr,
} from './addresses.js';
import { CallError, Refusal } from './errors.js';
import { type Change, parseChanges } from './ifconfig_words.js';
import { type Interface, type InterfaceAddress, interfaceNamed, interfaces } from './interfaces.js';
import type { Session } from './session.js';
import { RumpSocket } from './sockets.js';
import type { Tool } from './tool.js';

export function ifconfig(tool: Tool, args: readonly string[]): void {
  const { session } = tool;
  const [name, ...words] = args;
  if (name === undefined || name === '-a' || name === '-l') {
    if (words.length > 0) throw new Refusal(`'${words[0]}': ${name} stands alone`);
    const all = interfaces(session);
    if (name === '-l') tool.out.line(all.map(each => each.name).join(' '));
    else for (const each of all) show(tool, each, all);
    return;
  }
  if (name.startsWith('-')) throw new Refusal(`unknown option '${name}': -a or -l`);
  if (name.length > 15) throw new Refusal(`'${name}': names have at most 15 characters`);
  if (words.length === 0) return show(tool, interfaceNamed(session, name), interfaces(session));
  // All words are understood before the first is done.
  for (const change of parseChanges(words, () => interfaces(session))) {
    try {
      apply(session, name, change);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw new Refusal(`${change.word} ${name}: ${error.message}`);
    }
  }
}

// Changes.

function apply(session: Session, name: string, change: Change): void {
  const family = change.kind === 'address' ? change.given.family : NB_AF_INET;
  // An interface that is to be made is not there yet; all others say so in words of their own.
  if (change.kind !== 'create') interfaceNamed(session, name);
  RumpSocket.use(session, family, NB_SOCK_DGRAM, 0, socket => {
    switch (change.kind) {
      case 'create':
        return socket.ioctl(NB_SIOCIFCREATE, encodeIfreq(name));
      case 'destroy':
        return socket.ioctl(NB_SIOCIFDESTROY, encodeIfreq(name));
      case 'flags':
        return changeFlags(socket, name, change.set, change.clear);
      case 'mtu':
        return socket.ioctl(NB_SIOCSIFMTU, encodeIfreqValue(name, change.mtu));
      case 'linkstr':
        return setLinkString(socket, name, change.text);
      case 'address':
        return changeAddress(socket, name, change);
    }
  });
}

function changeFlags(socket: RumpSocket, name: string, set: number, clear: number): void {
  const request = encodeIfreq(name);
  socket.ioctl(NB_SIOCGIFFLAGS, request);
  const flags = (ifreqFlags(request) | set) & ~clear;
  socket.ioctl(NB_SIOCSIFFLAGS, encodeIfreqValue(name, flags));
}

function setLinkString(socket: RumpSocket, name: string, text: string | undefined): void {
  if (text === undefined) return socket.ioctl(NB_SIOCSLINKSTR, encodeIfdrv(name, NB_IFLINKSTR_UNSET, 0));
  const bytes = Buffer.from(`${text}\0`, 'latin1');
  socket.ioctlPointer(NB_SIOCSLINKSTR, encodeIfdrv(name, 0, bytes.length), NB_IFD_DATA, bytes);
}

function changeAddress(socket: RumpSocket, name: string, change: Change & { kind: 'address' }): void {
  const { given, action } = change;
  const isIpv4 = given.family === NB_AF_INET;
  const remove = (address: Uint8Array): void => {
    if (isIpv4) socket.ioctl(NB_SIOCDIFADDR, encodeIfreq(name, address));
    else socket.ioctl(NB_SIOCDIFADDR_IN6, encodeIfreq(name, address, NB_IN6_IFREQ_SIZE));
  };
  if (action === 'delete') return remove(keptSockaddrOf(given));
  if (action === 'replace' && isIpv4) {
    const first = firstAddress(socket, name);
    if (first !== undefined) remove(first);
  }
  const request = encodeAliasreq({
    name,
    address: keptSockaddrOf(given),
    other: change.broadcast === undefined ? new Uint8Array(0) : keptSockaddrOf(change.broadcast),
    mask: change.prefix === undefined ? new Uint8Array(0) : maskSockaddr(change.prefix, given.family),
  });
  socket.ioctl(isIpv4 ? NB_SIOCAIFADDR : NB_SIOCAIFADDR_IN6, request);
}

/** The sockaddr of the address that a new one takes the place of. */
function firstAddress(socket: RumpSocket, name: string): Uint8Array | undefined {
  const request = encodeIfreq(name);
  try {
    socket.ioctl(NB_SIOCGIFADDR, request);
  } catch (error) {
    if (error instanceof CallError && error.errno === EADDRNOTAVAIL) return undefined;
    throw error;
  }
  return request.slice(NB_IFR_VALUE, NB_IFR_VALUE + request[NB_IFR_VALUE]);
}

// What is there.

/** As snprintb(3): 0x8049<UP,LOOPBACK,RUNNING,MULTICAST>, and 0x0. */
function bits(value: number, names: readonly string[]): string {
  const set = names.filter((_, bit) => (value & (1 << bit)) !== 0);
  return `0x${value.toString(16)}${set.length === 0 ? '' : `<${set.join(',')}>`}`;
}

function show(tool: Tool, each: Interface, all: Interfaces): void {
  const mtu = each.mtu === 0 ? '' : ` mtu ${each.mtu}`;
  tool.out.line(`${each.name}: flags=${bits(each.flags, NB_IFF_NAMES)}${mtu}`);
  const link = RumpSocket.use(tool.session, NB_AF_INET, NB_SOCK_DGRAM, 0, socket =>
    linkString(socket, each.name),
  );
  if (link !== undefined) tool.out.line(`\tlinkstr: ${link}`);
  if (each.hardware.length > 0) tool.out.line(`\taddress: ${formatHardware(each.hardware)}`);
  for (const family of [NB_AF_INET, NB_AF_INET6]) {
    const addresses = each.addresses.filter(address => address.family === family);
    if (addresses.length === 0) continue;
    RumpSocket.use(tool.session, family, NB_SOCK_DGRAM, 0, socket => {
      for (const address of addresses) tool.out.line(`\t${addressLine(socket, each, address, all)}`);
    });
  }
}

function addressLine(
  socket: RumpSocket,
  each: Interface,
  address: InterfaceAddress,
  all: Interfaces,
): string {
  const isIpv4 = address.family === NB_AF_INET;
  const prefix = bitsOfMask(address.family, address.mask);
  let line = `${isIpv4 ? 'inet' : 'inet6'} ${formatSockaddr(address.address, all)}`;
  if (prefix !== undefined) line += `/${prefix}`;
  if (address.other[1] === address.family) {
    if ((each.flags & NB_IFF_POINTOPOINT) !== 0) line += ` -> ${formatSockaddr(address.other, all)}`;
    else if ((each.flags & NB_IFF_BROADCAST) !== 0 && isIpv4)
      line += ` broadcast ${formatSockaddr(address.other, all)}`;
  }
  const flags = addressFlags(socket, each.name, address);
  line += ` flags ${bits(flags, isIpv4 ? NB_IN_IFF_NAMES : NB_IN6_IFF_NAMES)}`;
  const scope = isIpv4 ? 0 : sockaddrIpv6(address.address).scope;
  return scope === 0 ? line : `${line} scopeid 0x${scope.toString(16)}`;
}

/** IN_IFF_* or IN6_IFF_*; none where the kernel does not tell. */
function addressFlags(socket: RumpSocket, name: string, { family, address }: InterfaceAddress): number {
  const isIpv4 = family === NB_AF_INET;
  const request = encodeIfreq(name, address, isIpv4 ? undefined : NB_IN6_IFREQ_SIZE);
  return unlessRefused(() => {
    socket.ioctl(isIpv4 ? NB_SIOCGIFAFLAG_IN : NB_SIOCGIFAFLAG_IN6, request);
    return ifreqValue(request);
  }, 0);
}

/** What a shmif interface is connected to; undefined for one that is not, or cannot be. */
function linkString(socket: RumpSocket, name: string): string | undefined {
  return unlessRefused(() => {
    const request = encodeIfdrv(name, NB_IFLINKSTR_QUERYLEN, 0);
    socket.ioctl(NB_SIOCGLINKSTR, request);
    const length = new DataView(request.buffer).getUint32(NB_IFD_LEN, true);
    if (length === 0 || length > 4096) return undefined;
    const text = new Uint8Array(length);
    socket.ioctlPointer(NB_SIOCGLINKSTR, encodeIfdrv(name, 0, length), NB_IFD_DATA, text);
    return Buffer.from(text).toString('latin1').split('\0', 1)[0];
  }, undefined);
}

function unlessRefused<T>(run: () => T, otherwise: T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof CallError) return otherwise;
    throw error;
  }
}
