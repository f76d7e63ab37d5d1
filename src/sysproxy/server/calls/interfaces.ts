/** ioctl(2) on sockets about interfaces and their addresses (sys/net/if.c, sys/netinet/in.c, sys/netinet6/in6.c). */
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EEXIST,
  EINVAL,
  ENOTTY,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
} from '../../../abi/linux/errno.js';
import { AF_INET, AF_INET6 } from '../../../abi/linux/socket.js';
import {
  type AddressRequest,
  bitsOfMask,
  decodeAliasreq,
  ifreqFlags,
  ifreqValue,
  NB_IFF_BROADCAST,
  NB_IFF_CANTCHANGE,
  NB_IFF_POINTOPOINT,
  NB_IFF_UP,
  NB_IFNAMSIZ,
  NB_IFR_VALUE,
  NB_IFREQ_SIZE,
  netbsdIfName,
} from '../../../abi/netbsd/interface.js';
import {
  NB_SIOCAIFADDR,
  NB_SIOCAIFADDR_IN6,
  NB_SIOCDIFADDR,
  NB_SIOCDIFADDR_IN6,
  NB_SIOCGIFADDR,
  NB_SIOCGIFADDR_IN6,
  NB_SIOCGIFAFLAG_IN,
  NB_SIOCGIFAFLAG_IN6,
  NB_SIOCGIFALIAS,
  NB_SIOCGIFBRDADDR,
  NB_SIOCGIFCONF,
  NB_SIOCGIFDATA,
  NB_SIOCGIFDSTADDR,
  NB_SIOCGIFFLAGS,
  NB_SIOCGIFINDEX,
  NB_SIOCGIFMTU,
  NB_SIOCGIFNETMASK,
  NB_SIOCGIFNETMASK_IN6,
  NB_SIOCIFCREATE,
  NB_SIOCIFDESTROY,
  NB_SIOCIFGCLONERS,
  NB_SIOCSIFFLAGS,
  NB_SIOCSIFMTU,
  netbsdIoctlLength,
} from '../../../abi/netbsd/ioctl.js';
import { NB_IF_DATA_SIZE, NB_IF_MSGHDR_SIZE, NB_RTM_DELADDR } from '../../../abi/netbsd/route.js';
import type { OpenSocket } from '../../../kernel/net/open_socket.js';
import type { InterfaceAddress, InterfaceChange, NetInterface } from '../../../kernel/socket_calls.js';
import type { Call, Steps } from '../call.js';
import {
  changed,
  isLoopback,
  linkSockaddr,
  linksOf,
  linuxName,
  maskSockaddr,
  type Named,
  namedBy,
  netbsdFlags,
  netbsdName,
  otherSockaddr,
  sockaddrOf,
} from '../interface_view.js';
import { addressMessage, interfaceMessage } from '../route_lists.js';
import { tellRouteSockets } from '../route_socket.js';

/** A request on a socket: its argument, and the interface that it begins with the name of. */
interface Request {
  readonly call: Call;
  readonly socket: OpenSocket;
  readonly code: number;
  /** The argument; what is written into it goes back to a client that asked. */
  readonly bytes: Uint8Array;
  readonly link: NetInterface;
}

type Answer = (request: Request) => number;

/** Requests that read or change an interface, or the addresses of one family. */
interface Entry {
  /** AF_*: whose sockets answer it; all do when there is none. */
  readonly family: number | undefined;
  /** The argument goes back to the client. */
  readonly gives: boolean;
  readonly answer: Answer;
}

const reads = (answer: Answer, family?: number): Entry => ({ family, gives: true, answer });
const changes = (answer: Answer, family?: number): Entry => ({ family, gives: false, answer });

const TABLE = new Map<number, Entry>([
  [NB_SIOCGIFFLAGS, reads(({ bytes, link }) => put16(bytes, netbsdFlags(link)))],
  [NB_SIOCGIFMTU, reads(({ bytes, link }) => put32(bytes, link.mtu))],
  [NB_SIOCGIFINDEX, reads(({ bytes, link }) => put32(bytes, link.index))],
  [NB_SIOCGIFDATA, reads(({ bytes, link }) => put(bytes, dataOf(link)))],
  [NB_SIOCSIFFLAGS, changes(changeFlags)],
  [NB_SIOCSIFMTU, changes(changeMtu)],
  [NB_SIOCIFDESTROY, changes(destroy)],
  [NB_SIOCGIFADDR, reads(request => giveAddress(request, ownSockaddr), AF_INET)],
  [NB_SIOCGIFNETMASK, reads(request => giveAddress(request, maskOf), AF_INET)],
  [NB_SIOCGIFBRDADDR, reads(request => giveOther(request, NB_IFF_BROADCAST), AF_INET)],
  [NB_SIOCGIFDSTADDR, reads(request => giveOther(request, NB_IFF_POINTOPOINT), AF_INET)],
  [NB_SIOCGIFALIAS, reads(giveAlias, AF_INET)],
  [NB_SIOCGIFAFLAG_IN, reads(giveAddressFlags, AF_INET)],
  [NB_SIOCAIFADDR, changes(addAddress, AF_INET)],
  [NB_SIOCDIFADDR, changes(removeAddress, AF_INET)],
  [NB_SIOCGIFADDR_IN6, reads(request => giveAddress(request, ownSockaddr), AF_INET6)],
  [NB_SIOCGIFNETMASK_IN6, reads(request => giveAddress(request, maskOf), AF_INET6)],
  [NB_SIOCGIFAFLAG_IN6, reads(giveAddressFlags, AF_INET6)],
  [NB_SIOCAIFADDR_IN6, changes(addAddress, AF_INET6)],
  [NB_SIOCDIFADDR_IN6, changes(removeAddress, AF_INET6)],
]);

/** The group of a code that is about interfaces: IOCGROUP() of sys/ioccom.h. */
const GROUP_INTERFACE = 'i'.charCodeAt(0);

export function isInterfaceIoctl(code: number): boolean {
  return ((code >>> 8) & 0xff) === GROUP_INTERFACE;
}

export function* interfaceIoctl(call: Call, socket: OpenSocket): Steps {
  const [code, at] = [call.uint(1), call.ulong(2)];
  if (code === NB_SIOCGIFCONF) return yield* list(call, at);
  if (code === NB_SIOCIFGCLONERS) return yield* cloners(call, at);
  const entry = TABLE.get(code);
  if (entry === undefined && code !== NB_SIOCIFCREATE) return -ENOTTY;
  const bytes = yield* call.copyin(at, netbsdIoctlLength(code));
  const name = netbsdIfName(bytes);
  const link = linksOf(call.kernel).find(each => each.name === linuxName(name));
  if (entry === undefined) return create(call, link);
  if (link === undefined) return -ENXIO;
  if (entry.family !== undefined && entry.family !== socket.domain) {
    // Another protocol's ioctl() does not know the code.
    return socket.domain === AF_INET || socket.domain === AF_INET6 ? -EINVAL : -EOPNOTSUPP;
  }
  const status = entry.answer({ call, socket, code, bytes, link });
  if (status >= 0 && entry.gives) call.copyout(at, bytes);
  return status;
}

// Lists.

/** struct ifconf: ifc_len, and at 8 ifc_buf. */
const IFCONF_SIZE = 16;

/** SIOCGIFCONF: a struct ifreq for each address; one that is empty for an interface without any. */
function* list(call: Call, at: number): Steps {
  const bytes = yield* call.copyin(at, IFCONF_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const room = view.getInt32(0, true);
  const to = Number(view.getBigUint64(8, true));
  const entries = linksOf(call.kernel).flatMap(link =>
    [linkSockaddr(link), ...link.addresses.map(each => ownSockaddr(link, each))].map(sockaddr =>
      ifreqOf(netbsdName(link.name), sockaddr),
    ),
  );
  const fits =
    to === 0 ? entries.length : Math.max(0, Math.min(entries.length, Math.floor(room / NB_IFREQ_SIZE)));
  if (to !== 0) call.copyout(to, Buffer.concat(entries.slice(0, fits)));
  view.setInt32(0, fits * NB_IFREQ_SIZE, true);
  call.copyout(at, bytes);
  return 0;
}

function ifreqOf(name: string, sockaddr: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(NB_IFREQ_SIZE);
  for (let i = 0; i < Math.min(name.length, NB_IFNAMSIZ - 1); i++) bytes[i] = name.charCodeAt(i);
  bytes.set(sockaddr, NB_IFR_VALUE);
  return bytes;
}

/** struct if_clonereq: what interfaces can be made of; nothing here. */
const IF_CLONEREQ_SIZE = 16;

function* cloners(call: Call, at: number): Steps {
  const bytes = yield* call.copyin(at, IF_CLONEREQ_SIZE);
  bytes.fill(0, 0, 4);
  call.copyout(at, bytes);
  return 0;
}

/** if_clone_create(): no driver of this kernel makes interfaces by name; --net attaches them. */
function create(call: Call, link: NetInterface | undefined): number {
  if (call.kernel.cred.uid !== 0) return -EPERM;
  return link === undefined ? -EINVAL : -EEXIST;
}

/** if_clone_destroy(): what no driver has made by name cannot be destroyed so. */
function destroy({ call, link }: Request): number {
  // loop_clone_destroy(): lo0 stays.
  return call.kernel.cred.uid !== 0 || isLoopback(link) ? -EPERM : -EINVAL;
}

// Interfaces.

function changeFlags({ call, bytes, link }: Request): number {
  const wanted = ifreqFlags(bytes);
  const differ = (wanted ^ netbsdFlags(link)) & ~NB_IFF_CANTCHANGE & 0xffff;
  if ((differ & ~NB_IFF_UP) !== 0) return call.kernel.cred.uid !== 0 ? -EPERM : -EOPNOTSUPP;
  return apply(call, { name: link.name, up: (wanted & NB_IFF_UP) !== 0 });
}

function changeMtu({ call, bytes, link }: Request): number {
  return apply(call, { name: link.name, mtu: ifreqValue(bytes) });
}

/** Makes a change, and tells of it on sockets of AF_ROUTE. */
function apply(call: Call, change: InterfaceChange): number {
  const status = changed(call.kernel.changeInterface(change));
  const link = linkNamed(call, change.name);
  if (status === 0 && link !== undefined)
    tellRouteSockets(call.session.state.routeSockets, interfaceMessage(link, false));
  return status;
}

function linkNamed(call: Call, name: string): NetInterface | undefined {
  return linksOf(call.kernel).find(link => link.name === name);
}

/** struct if_data */
function dataOf(link: NetInterface): Uint8Array {
  return interfaceMessage(link).subarray(NB_IF_MSGHDR_SIZE - NB_IF_DATA_SIZE, NB_IF_MSGHDR_SIZE);
}

// Addresses.

function ownSockaddr({ index }: NetInterface, { family, address }: InterfaceAddress): Uint8Array {
  return sockaddrOf(family, address, index);
}

function maskOf(_link: NetInterface, { family, prefixLength }: InterfaceAddress): Uint8Array {
  return maskSockaddr(family, prefixLength);
}

/**
 * The address that a request means: the one that it names, of IPv4 the first when it names none. EADDRNOTAVAIL.
 */
function meant({ socket, bytes, link }: Request): InterfaceAddress | number {
  const own = link.addresses.filter(({ family }) => family === socket.domain);
  const sockaddr = bytes.subarray(NB_IFR_VALUE);
  const named = namedBy(sockaddr);
  if (named === undefined || (named.family === AF_INET && named.address.every(byte => byte === 0)))
    return socket.domain === AF_INET && own.length > 0 ? own[0] : -EADDRNOTAVAIL;
  return found(link, named) ?? -EADDRNOTAVAIL;
}

function found(link: NetInterface, { family, address }: Named): InterfaceAddress | undefined {
  return link.addresses.find(each => each.family === family && Buffer.from(address).equals(each.address));
}

function giveAddress(
  request: Request,
  what: (link: NetInterface, address: InterfaceAddress) => Uint8Array,
): number {
  const address = meant(request);
  return typeof address === 'number' ? address : put(request.bytes, what(request.link, address));
}

/** The broadcast address or the other end, of interfaces that have such. */
function giveOther(request: Request, flag: number): number {
  const address = meant(request);
  if (typeof address === 'number') return address;
  const other = otherSockaddr(request.link, address);
  if ((netbsdFlags(request.link) & flag) === 0 || other === undefined) return -EINVAL;
  return put(request.bytes, other);
}

/** struct ifaliasreq: the address, then its other end, then its mask. */
function giveAlias(request: Request): number {
  const { bytes, link } = request;
  const address = meant(request);
  if (typeof address === 'number') return address;
  const other = otherSockaddr(link, address) ?? new Uint8Array(0);
  const parts = [ownSockaddr(link, address), other, maskOf(link, address)];
  bytes.fill(0, NB_IFR_VALUE);
  for (const [i, part] of parts.entries()) bytes.set(part, NB_IFR_VALUE + i * parts[0].length);
  return 0;
}

/** IN_IFF_* and IN6_IFF_*: an address of this stack is none of what they say. */
function giveAddressFlags(request: Request): number {
  const address = meant(request);
  return typeof address === 'number' ? address : put32(request.bytes, 0);
}

/** in_control() and in6_control(): an address that is there already gets the new mask, and the interface comes up. */
function addAddress({ call, socket, bytes, link }: Request): number {
  const asked = decodeAliasreq(bytes);
  const named = namedBy(asked.address);
  if (named === undefined || named.family !== socket.domain) return -EAFNOSUPPORT;
  const existing = found(link, named);
  const prefixLength = prefixOf(named, asked, existing);
  if (prefixLength === undefined) return -EINVAL;
  if (existing?.prefixLength === prefixLength) return 0;
  const own = { family: named.family, address: named.address };
  const change: InterfaceChange = { name: link.name, addAddress: { ...own, prefixLength } };
  if (existing !== undefined) change.removeAddress = own;
  if ((netbsdFlags(link) & NB_IFF_UP) === 0) change.up = true;
  const status = changed(call.kernel.changeInterface(change));
  if (status !== 0) return status;
  const now = linkNamed(call, link.name);
  const address = now === undefined ? undefined : found(now, named);
  if (now === undefined || address === undefined) return 0;
  const { routeSockets } = call.session.state;
  tellRouteSockets(routeSockets, addressMessage(now, address));
  if (change.up === true) tellRouteSockets(routeSockets, interfaceMessage(now, false));
  return 0;
}

/** Without a mask an IPv4 network is that of the address's class (in_ifinit() of in.c). undefined: EINVAL. */
function prefixOf(
  { family, address }: Named,
  { mask }: AddressRequest,
  existing: InterfaceAddress | undefined,
): number | undefined {
  if (mask.length > 0) return bitsOfMask(family, mask);
  if (family === AF_INET6) return existing?.prefixLength;
  return address[0] < 128 ? 8 : address[0] < 192 ? 16 : 24;
}

function removeAddress(request: Request): number {
  const { call, link } = request;
  const address = meant(request);
  if (typeof address === 'number') return address;
  const removeAddress = { family: address.family, address: address.address };
  const status = changed(call.kernel.changeInterface({ name: link.name, removeAddress }));
  if (status === 0)
    tellRouteSockets(call.session.state.routeSockets, addressMessage(link, address, NB_RTM_DELADDR));
  return status;
}

// The argument.

function put(bytes: Uint8Array, value: Uint8Array): number {
  bytes.fill(0, NB_IFR_VALUE);
  bytes.set(value.subarray(0, bytes.length - NB_IFR_VALUE), NB_IFR_VALUE);
  return 0;
}

function put16(bytes: Uint8Array, value: number): number {
  new DataView(bytes.buffer, bytes.byteOffset).setUint16(NB_IFR_VALUE, value, true);
  return 0;
}

function put32(bytes: Uint8Array, value: number): number {
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(NB_IFR_VALUE, value, true);
  return 0;
}
