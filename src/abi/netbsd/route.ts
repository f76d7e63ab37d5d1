/**
 * Routing messages of NetBSD (net/route.h, net/if.h): what a PF_ROUTE socket takes and gives, and what the sysctls
 * net.route.0.AF.NET_RT_DUMP and NET_RT_IFLIST list. Addresses are sockaddrs, aligned to 8 bytes, in the order of their bits.
 */
import { getInt64, setInt64 } from '../bytes.js';

export const NB_NET_RT_DUMP = 1;
export const NB_NET_RT_FLAGS = 2;
export const NB_NET_RT_IFLIST = 5;

export const NB_RTM_VERSION = 4;
export const NB_RTM_ADD = 0x1;
export const NB_RTM_DELETE = 0x2;
export const NB_RTM_CHANGE = 0x3;
export const NB_RTM_GET = 0x4;
export const NB_RTM_NEWADDR = 0xc;
export const NB_RTM_DELADDR = 0xd;
export const NB_RTM_IFINFO = 0x14;

export const NB_RTA_DST = 0x1;
export const NB_RTA_GATEWAY = 0x2;
export const NB_RTA_NETMASK = 0x4;
export const NB_RTA_IFP = 0x10;
export const NB_RTA_IFA = 0x20;
export const NB_RTA_BRD = 0x80;

/** Places of addresses in a message's list. */
export const NB_RTAX_DST = 0;
export const NB_RTAX_GATEWAY = 1;
export const NB_RTAX_NETMASK = 2;
export const NB_RTAX_GENMASK = 3;
export const NB_RTAX_IFP = 4;
export const NB_RTAX_IFA = 5;
export const NB_RTAX_BRD = 7;
export const NB_RTAX_MAX = 9;

export const NB_RTF_UP = 0x1;
export const NB_RTF_GATEWAY = 0x2;
export const NB_RTF_HOST = 0x4;
export const NB_RTF_REJECT = 0x8;
export const NB_RTF_DYNAMIC = 0x10;
export const NB_RTF_MODIFIED = 0x20;
/** The kernel's mark on a message that it has dealt with. */
export const NB_RTF_DONE = 0x40;
export const NB_RTF_MASK = 0x80;
export const NB_RTF_CONNECTED = 0x100;
export const NB_RTF_LLDATA = 0x400;
export const NB_RTF_STATIC = 0x800;
export const NB_RTF_BLACKHOLE = 0x1000;
export const NB_RTF_PROTO2 = 0x4000;
export const NB_RTF_PROTO1 = 0x8000;
export const NB_RTF_SRC = 0x10000;
export const NB_RTF_ANNOUNCE = 0x20000;
export const NB_RTF_LOCAL = 0x40000;
export const NB_RTF_BROADCAST = 0x80000;

/** Sockaddrs by NB_RTAX_*. */
export type RouteAddresses = readonly (Uint8Array | undefined)[];

/** rmx_*: each is 64 bits wide, in this order from the beginning of struct rt_metrics. */
const METRICS = [
  'locks',
  'mtu',
  'hopcount',
  'recvpipe',
  'sendpipe',
  'ssthresh',
  'rtt',
  'rttvar',
  'expire',
  'pksent',
] as const;
export type RouteMetrics = Readonly<Record<(typeof METRICS)[number], number>>;
/** Bits of rmx_locks, and of rtm_inits. */
export const NB_RTV_MTU = 0x1;
export const NB_RTV_HOPCOUNT = 0x2;
export const NB_RTV_EXPIRE = 0x4;
export const NB_RTV_RPIPE = 0x8;
export const NB_RTV_SPIPE = 0x10;
export const NB_RTV_SSTHRESH = 0x20;
export const NB_RTV_RTT = 0x40;
export const NB_RTV_RTTVAR = 0x80;

export const NB_RT_MSGHDR_SIZE = 120;
export const NB_RTM_INDEX = 4;
export const NB_RTM_FLAGS = 8;
export const NB_RTM_ADDRS = 12;
export const NB_RTM_PID = 16;
export const NB_RTM_SEQ = 20;
export const NB_RTM_ERRNO = 24;
export const NB_RTM_INITS = 32;
const RTM_RMX = 40;
export const NB_IF_MSGHDR_SIZE = 152;
export const NB_IF_DATA_SIZE = 136;
/** struct ifa_msghdr */
const IFA_MSGHDR_SIZE = 24;

/** struct rt_msghdr and what follows it. */
export interface RouteMessage {
  /** NB_RTM_* */
  readonly type: number;
  /** Of the interface. */
  readonly index: number;
  /** NB_RTF_* */
  readonly flags: number;
  readonly pid: number;
  readonly seq: number;
  /** NetBSD's number. */
  readonly errno: number;
  /** Which metrics are to be set: NB_RTV_*. */
  readonly inits: number;
  readonly metrics: RouteMetrics;
  readonly addresses: RouteAddresses;
}

/** struct if_msghdr, RTM_IFINFO: an interface. */
export interface InterfaceMessage {
  readonly index: number;
  /** NB_IFF_* */
  readonly flags: number;
  /** NB_IFT_* */
  readonly type: number;
  readonly mtu: number;
  readonly inPackets: number;
  readonly outPackets: number;
  readonly inBytes: number;
  readonly outBytes: number;
  readonly addresses: RouteAddresses;
}

/** struct ifa_msghdr, RTM_NEWADDR: an address of an interface. */
export interface AddressMessage {
  readonly index: number;
  readonly metric: number;
  readonly flags: number;
  readonly addresses: RouteAddresses;
}

/** RT_ROUNDUP of net/route.h */
function roundUp(length: number): number {
  return length > 0 ? Math.ceil(length / 8) * 8 : 8;
}

/** A message of this header size with the addresses behind it; length, version, type are in place. */
function build(headerSize: number, type: number, addresses: RouteAddresses): Uint8Array {
  let size = headerSize;
  for (const address of addresses) if (address !== undefined) size += roundUp(address.length);
  const bytes = new Uint8Array(size);
  bytes[0] = size & 0xff;
  bytes[1] = size >> 8;
  bytes[2] = NB_RTM_VERSION;
  bytes[3] = type;
  let at = headerSize;
  for (const address of addresses) {
    if (address === undefined) continue;
    bytes.set(address, at);
    at += roundUp(address.length);
  }
  return bytes;
}

function addressBits(addresses: RouteAddresses): number {
  return addresses.reduce((bits, address, i) => (address === undefined ? bits : bits | (1 << i)), 0);
}

/** The addresses of `bits` from `at` on; what the message is too short for is not there. */
function addressesOf(bytes: Uint8Array, at: number, bits: number): RouteAddresses {
  const addresses: (Uint8Array | undefined)[] = [];
  let next = at;
  for (let i = 0; i < NB_RTAX_MAX; i++) {
    if ((bits & (1 << i)) === 0 || next >= bytes.length || next + bytes[next] > bytes.length) {
      addresses.push(undefined);
      continue;
    }
    addresses.push(bytes.slice(next, next + bytes[next]));
    next += roundUp(bytes[next]);
  }
  return addresses;
}

/** All 0: what nothing is known of. */
export const NO_METRICS = Object.fromEntries(METRICS.map(name => [name, 0])) as RouteMetrics;

export function encodeRouteMessage(
  message: Partial<RouteMessage> & Pick<RouteMessage, 'type' | 'addresses'>,
): Uint8Array {
  const { type, addresses, metrics = NO_METRICS } = message;
  const bytes = build(NB_RT_MSGHDR_SIZE, type, addresses);
  const view = new DataView(bytes.buffer);
  view.setUint16(NB_RTM_INDEX, message.index ?? 0, true);
  view.setInt32(NB_RTM_FLAGS, message.flags ?? 0, true);
  view.setInt32(NB_RTM_ADDRS, addressBits(addresses), true);
  view.setInt32(NB_RTM_PID, message.pid ?? 0, true);
  view.setInt32(NB_RTM_SEQ, message.seq ?? 0, true);
  view.setInt32(NB_RTM_ERRNO, message.errno ?? 0, true);
  view.setInt32(NB_RTM_INITS, message.inits ?? 0, true);
  for (const [i, name] of METRICS.entries()) setInt64(view, RTM_RMX + i * 8, metrics[name]);
  return bytes;
}

/** `bytes` is one message, of at least a header. */
export function decodeRouteMessage(bytes: Uint8Array): RouteMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const metrics = METRICS.map((name, i) => [name, getInt64(view, RTM_RMX + i * 8)] as const);
  return {
    type: bytes[3],
    index: view.getUint16(NB_RTM_INDEX, true),
    flags: view.getInt32(NB_RTM_FLAGS, true),
    pid: view.getInt32(NB_RTM_PID, true),
    seq: view.getInt32(NB_RTM_SEQ, true),
    errno: view.getInt32(NB_RTM_ERRNO, true),
    inits: view.getInt32(NB_RTM_INITS, true),
    metrics: Object.fromEntries(metrics) as unknown as RouteMetrics,
    addresses: addressesOf(bytes, NB_RT_MSGHDR_SIZE, view.getInt32(NB_RTM_ADDRS, true)),
  };
}

// struct if_data, at 16 of an if_msghdr.
const IFI_TYPE = 16;
const IFI_MTU = IFI_TYPE + 8;
const IFI_IPACKETS = IFI_MTU + 24;
const IFI_OPACKETS = IFI_IPACKETS + 16;
const IFI_IBYTES = IFI_OPACKETS + 24;
const IFI_OBYTES = IFI_IBYTES + 8;
/** ifi_addrlen */
const IFI_ADDRLEN = IFI_TYPE + 1;

/** @param hardwareLength bytes of the hardware address */
export function encodeInterfaceMessage(message: InterfaceMessage, hardwareLength: number): Uint8Array {
  const bytes = build(NB_IF_MSGHDR_SIZE, NB_RTM_IFINFO, message.addresses);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, addressBits(message.addresses), true);
  // if_flags is a short: MULTICAST, its sign, fills what is above.
  view.setInt32(8, (message.flags << 16) >> 16, true);
  view.setUint16(12, message.index, true);
  bytes[IFI_TYPE] = message.type;
  bytes[IFI_ADDRLEN] = hardwareLength;
  setInt64(view, IFI_MTU, message.mtu);
  setInt64(view, IFI_IPACKETS, message.inPackets);
  setInt64(view, IFI_OPACKETS, message.outPackets);
  setInt64(view, IFI_IBYTES, message.inBytes);
  setInt64(view, IFI_OBYTES, message.outBytes);
  return bytes;
}

export function decodeInterfaceMessage(bytes: Uint8Array): InterfaceMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    index: view.getUint16(12, true),
    flags: view.getUint16(8, true),
    type: bytes[IFI_TYPE],
    mtu: getInt64(view, IFI_MTU),
    inPackets: getInt64(view, IFI_IPACKETS),
    outPackets: getInt64(view, IFI_OPACKETS),
    inBytes: getInt64(view, IFI_IBYTES),
    outBytes: getInt64(view, IFI_OBYTES),
    addresses: addressesOf(bytes, NB_IF_MSGHDR_SIZE, view.getInt32(4, true)),
  };
}

/** `type`: RTM_NEWADDR or RTM_DELADDR. */
export function encodeAddressMessage(message: AddressMessage, type: number = NB_RTM_NEWADDR): Uint8Array {
  const bytes = build(IFA_MSGHDR_SIZE, type, message.addresses);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, addressBits(message.addresses), true);
  view.setInt32(8, message.flags, true);
  view.setInt32(12, message.metric, true);
  view.setUint16(16, message.index, true);
  return bytes;
}

export function decodeAddressMessage(bytes: Uint8Array): AddressMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    flags: view.getInt32(8, true),
    metric: view.getInt32(12, true),
    index: view.getUint16(16, true),
    addresses: addressesOf(bytes, IFA_MSGHDR_SIZE, view.getInt32(4, true)),
  };
}

/** Header sizes of messages that this module knows. */
const HEADERS = new Map([
  [NB_RTM_IFINFO, NB_IF_MSGHDR_SIZE],
  [NB_RTM_NEWADDR, IFA_MSGHDR_SIZE],
  [NB_RTM_DELADDR, IFA_MSGHDR_SIZE],
]);

/** Messages one after the other, those of another version or too short for their type left out. */
export function splitMessages(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes[at] | (bytes[at + 1] << 8);
    if (length < 4 || at + length > bytes.length) break;
    const least = HEADERS.get(bytes[at + 3]) ?? NB_RT_MSGHDR_SIZE;
    if (bytes[at + 2] === NB_RTM_VERSION && length >= least) messages.push(bytes.subarray(at, at + length));
    at += length;
  }
  return messages;
}
