/**
 * Messages of NetBSD (sys/socket.h, sys/uio.h): MSG_* flags, struct msghdr, struct iovec and control messages, and Linux's
 * for the same.
 */
import { getUint64, setInt64 } from '../bytes.js';
import * as inet from '../linux/inet.js';
import * as linux from '../linux/socket.js';
import {
  NB_IP_PKTINFO,
  NB_IP_RECVTTL,
  NB_IPPROTO_IP,
  NB_IPPROTO_IPV6,
  NB_IPV6_HOPLIMIT,
  NB_IPV6_PKTINFO,
  NB_IPV6_TCLASS,
  NB_SOL_SOCKET,
} from './sockopt.js';
import { decodeNetbsdTimeval, encodeNetbsdTimeval, NB_TIMEVAL_SIZE } from './time.js';

export const NB_MSG_OOB = 0x1;
export const NB_MSG_PEEK = 0x2;
export const NB_MSG_DONTROUTE = 0x4;
export const NB_MSG_EOR = 0x8;
export const NB_MSG_TRUNC = 0x10;
export const NB_MSG_CTRUNC = 0x20;
export const NB_MSG_WAITALL = 0x40;
export const NB_MSG_DONTWAIT = 0x80;
export const NB_MSG_BCAST = 0x100;
export const NB_MSG_MCAST = 0x200;
export const NB_MSG_NOSIGNAL = 0x400;
export const NB_MSG_CMSG_CLOEXEC = 0x800;
export const NB_MSG_NBIO = 0x1000;
export const NB_MSG_WAITFORONE = 0x2000;

const FLAGS: readonly (readonly [number, number])[] = [
  [linux.MSG_OOB, NB_MSG_OOB],
  [linux.MSG_PEEK, NB_MSG_PEEK],
  [linux.MSG_DONTROUTE, NB_MSG_DONTROUTE],
  [linux.MSG_EOR, NB_MSG_EOR],
  [linux.MSG_TRUNC, NB_MSG_TRUNC],
  [linux.MSG_CTRUNC, NB_MSG_CTRUNC],
  [linux.MSG_WAITALL, NB_MSG_WAITALL],
  [linux.MSG_DONTWAIT, NB_MSG_DONTWAIT],
  [linux.MSG_NOSIGNAL, NB_MSG_NOSIGNAL],
  [linux.MSG_CMSG_CLOEXEC, NB_MSG_CMSG_CLOEXEC],
  [linux.MSG_WAITFORONE, NB_MSG_WAITFORONE],
];

/** MSG_* for NetBSD; what it lacks is dropped: MSG_MORE, MSG_CONFIRM and MSG_BATCH are hints, MSG_ERRQUEUE is not. */
export function toNetbsdMsg(flags: number): number {
  let netbsd = 0;
  for (const [from, to] of FLAGS) if ((flags & from) !== 0) netbsd |= to;
  return netbsd;
}
/** MSG_* as Linux's; what it lacks is dropped: MSG_BCAST, MSG_MCAST, MSG_NBIO. */
export function toLinuxMsg(netbsd: number): number {
  let flags = 0;
  for (const [to, from] of FLAGS) if ((netbsd & from) !== 0) flags |= to;
  return flags;
}

// struct msghdr, mmsghdr and iovec.

export const NB_MSGHDR_SIZE = 48;
export const NB_MSG_NAME = 0;
export const NB_MSG_NAMELEN = 8;
export const NB_MSG_IOV = 16;
export const NB_MSG_IOVLEN = 24;
export const NB_MSG_CONTROL = 32;
export const NB_MSG_CONTROLLEN = 40;
export const NB_MSG_FLAGS = 44;
/** struct mmsghdr: a msghdr and the bytes that were sent or received (unsigned). */
export const NB_MMSGHDR_SIZE = 56;
export const NB_MSG_LEN = 48;
export const NB_IOVEC_SIZE = 16;

/** Addresses are in the program's memory, 0 where there is none; lengths in bytes. */
export interface NetbsdMessage {
  name: number;
  nameLength: number;
  iov: number;
  /** Entries of the iovec; negative when the program is wrong. */
  iovCount: number;
  control: number;
  controlLength: number;
  /** NB_MSG_*. */
  flags: number;
}

export function encodeNetbsdMsghdr(view: DataView, at: number, message: NetbsdMessage): void {
  setInt64(view, at + NB_MSG_NAME, message.name);
  setInt64(view, at + NB_MSG_NAMELEN, message.nameLength);
  setInt64(view, at + NB_MSG_IOV, message.iov);
  view.setInt32(at + NB_MSG_IOVLEN, message.iovCount, true);
  view.setInt32(at + NB_MSG_IOVLEN + 4, 0, true);
  setInt64(view, at + NB_MSG_CONTROL, message.control);
  view.setUint32(at + NB_MSG_CONTROLLEN, message.controlLength, true);
  view.setInt32(at + NB_MSG_FLAGS, message.flags, true);
}
export function decodeNetbsdMsghdr(view: DataView, at: number): NetbsdMessage {
  return {
    name: getUint64(view, at + NB_MSG_NAME),
    nameLength: view.getUint32(at + NB_MSG_NAMELEN, true),
    iov: getUint64(view, at + NB_MSG_IOV),
    iovCount: view.getInt32(at + NB_MSG_IOVLEN, true),
    control: getUint64(view, at + NB_MSG_CONTROL),
    controlLength: view.getUint32(at + NB_MSG_CONTROLLEN, true),
    flags: view.getInt32(at + NB_MSG_FLAGS, true),
  };
}

/** A struct iovec, which is Linux's: address and length. */
export function encodeNetbsdIovec(view: DataView, at: number, base: number, length: number): void {
  setInt64(view, at, base);
  setInt64(view, at + 8, length);
}
export function decodeNetbsdIovec(view: DataView, at: number): { base: number; length: number } {
  return { base: getUint64(view, at), length: getUint64(view, at + 8) };
}

// Control messages. The header is 12 bytes on NetBSD (32-bit length), 16 on Linux (64-bit length); data and the next header
// are aligned to 8 on both, so that the data of both are at 16, and the length of both counts from the header's start.

export const NB_CMSGHDR_SIZE = 12;
/** Where the data are (CMSG_DATA). */
export const NB_CMSG_DATA = 16;
export const NB_SCM_RIGHTS = 0x1;
export const NB_SCM_TIMESTAMP = 0x8;
export const NB_SCM_CREDS = 0x10;

export interface ControlMessage {
  level: number;
  type: number;
  data: Uint8Array;
}

/** Where level and type are: the one thing in which the two systems' control messages differ. */
interface Layout {
  level: number;
  type: number;
}
const NETBSD: Layout = { level: 4, type: 8 };
const LINUX: Layout = { level: 8, type: 12 };

/** CMSG_ALIGN of both. */
function align(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** The messages, in order; undefined when a length is wrong: EINVAL. The data are not copied. */
function walk(bytes: Uint8Array, layout: Layout): ControlMessage[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: ControlMessage[] = [];
  for (let at = 0; at + NB_CMSG_DATA <= bytes.length; ) {
    const length = layout === NETBSD ? view.getUint32(at, true) : getUint64(view, at);
    if (length < NB_CMSG_DATA || length > bytes.length - at) return undefined;
    messages.push({
      level: view.getInt32(at + layout.level, true),
      type: view.getInt32(at + layout.type, true),
      data: bytes.subarray(at + NB_CMSG_DATA, at + length),
    });
    at += align(length);
  }
  return messages;
}

function build(messages: readonly ControlMessage[], layout: Layout): Uint8Array {
  const bytes = new Uint8Array(
    messages.reduce((sum, { data }) => sum + NB_CMSG_DATA + align(data.length), 0),
  );
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { level, type, data } of messages) {
    view.setUint32(at, NB_CMSG_DATA + data.length, true);
    view.setInt32(at + layout.level, level, true);
    view.setInt32(at + layout.type, type, true);
    bytes.set(data, at + NB_CMSG_DATA);
    at += NB_CMSG_DATA + align(data.length);
  }
  return bytes;
}

/** The control messages of a buffer of NetBSD's; undefined when a length is wrong: EINVAL. The data are not copied. */
export function decodeNetbsdControl(bytes: Uint8Array): ControlMessage[] | undefined {
  return walk(bytes, NETBSD);
}
/** A buffer of NetBSD's, each message padded to its alignment. */
export function encodeNetbsdControl(messages: readonly ControlMessage[]): Uint8Array {
  return build(messages, NETBSD);
}
/** As decodeNetbsdControl, of Linux's. */
export function decodeLinuxControl(bytes: Uint8Array): ControlMessage[] | undefined {
  return walk(bytes, LINUX);
}
/** As encodeNetbsdControl, of Linux's. */
export function encodeLinuxControl(messages: readonly ControlMessage[]): Uint8Array {
  return build(messages, LINUX);
}

/** struct sockcred without groups (there is room for one): process, uid, euid, gid, egid, number of groups. */
export const NB_SOCKCRED_SIZE = 28;
const SC_PID = 0;
const SC_UID = 4;
const SC_EUID = 8;
const SC_GID = 12;
const SC_EGID = 16;
/** struct ucred of Linux: process, user, group. */
const UCRED_SIZE = 12;
const UCRED_UID = 4;
const UCRED_GID = 8;
/** struct in_pktinfo: destination and interface on NetBSD; interface, local address and destination on Linux. */
const PKTINFO_SIZE = 8;
const LINUX_PKTINFO_SIZE = 12;

type Convert = (from: Uint8Array, view: DataView) => Uint8Array | undefined;

const same: Convert = from => from;

/** Data of a fixed size, filled in by `fill`; undefined when `from` is shorter than `needs`. */
function fixed(needs: number, size: number, fill: (to: DataView, from: DataView) => void): Convert {
  return (from, view) => {
    if (from.length < needs) return undefined;
    const to = new Uint8Array(size);
    fill(new DataView(to.buffer), view);
    return to;
  };
}

function copy32(to: DataView, at: number, from: DataView, fromAt: number): void {
  to.setUint32(at, from.getUint32(fromAt, true), true);
}

const credsToLinux = fixed(SC_EGID + 4, UCRED_SIZE, (to, from) => {
  copy32(to, 0, from, SC_PID);
  copy32(to, UCRED_UID, from, SC_UID);
  copy32(to, UCRED_GID, from, SC_GID);
});
const credsToNetbsd = fixed(UCRED_SIZE, NB_SOCKCRED_SIZE, (to, from) => {
  copy32(to, SC_PID, from, 0);
  copy32(to, SC_UID, from, UCRED_UID);
  copy32(to, SC_EUID, from, UCRED_UID);
  copy32(to, SC_GID, from, UCRED_GID);
  copy32(to, SC_EGID, from, UCRED_GID);
});
const timeToLinux = fixed(NB_TIMEVAL_SIZE, NB_TIMEVAL_SIZE, (to, from) => {
  const { sec, usec } = decodeNetbsdTimeval(from, 0);
  setInt64(to, 0, sec);
  setInt64(to, 8, usec);
});
const timeToNetbsd = fixed(NB_TIMEVAL_SIZE, NB_TIMEVAL_SIZE, (to, from) => {
  const { sec, usec } = decodeNetbsdTimeval(from, 0);
  encodeNetbsdTimeval(to, 0, sec, usec);
});
const pktinfoToLinux = fixed(PKTINFO_SIZE, LINUX_PKTINFO_SIZE, (to, from) => {
  copy32(to, 0, from, 4);
  copy32(to, 4, from, 0);
  copy32(to, 8, from, 0);
});
/** To send with: the local address. */
const pktinfoToNetbsd = fixed(LINUX_PKTINFO_SIZE, PKTINFO_SIZE, (to, from) => {
  copy32(to, 0, from, 4);
  copy32(to, 4, from, 0);
});
const byteToInt = fixed(1, 4, (to, from) => to.setUint32(0, from.getUint8(0), true));
const intToByte = fixed(4, 1, (to, from) => to.setUint8(0, from.getUint8(0)));

interface Kind {
  /** Level and type. */
  linux: readonly [number, number];
  netbsd: readonly [number, number];
  toLinux: Convert;
  toNetbsd: Convert;
}

const KINDS: readonly Kind[] = [
  {
    linux: [linux.SOL_SOCKET, linux.SCM_RIGHTS],
    netbsd: [NB_SOL_SOCKET, NB_SCM_RIGHTS],
    toLinux: same,
    toNetbsd: same,
  },
  {
    linux: [linux.SOL_SOCKET, linux.SCM_CREDENTIALS],
    netbsd: [NB_SOL_SOCKET, NB_SCM_CREDS],
    toLinux: credsToLinux,
    toNetbsd: credsToNetbsd,
  },
  {
    linux: [linux.SOL_SOCKET, linux.SCM_TIMESTAMP],
    netbsd: [NB_SOL_SOCKET, NB_SCM_TIMESTAMP],
    toLinux: timeToLinux,
    toNetbsd: timeToNetbsd,
  },
  {
    linux: [inet.IPPROTO_IP, inet.IP_PKTINFO],
    netbsd: [NB_IPPROTO_IP, NB_IP_PKTINFO],
    toLinux: pktinfoToLinux,
    toNetbsd: pktinfoToNetbsd,
  },
  {
    linux: [inet.IPPROTO_IP, inet.IP_TTL],
    netbsd: [NB_IPPROTO_IP, NB_IP_RECVTTL],
    toLinux: byteToInt,
    toNetbsd: intToByte,
  },
  {
    linux: [inet.IPPROTO_IPV6, inet.IPV6_PKTINFO],
    netbsd: [NB_IPPROTO_IPV6, NB_IPV6_PKTINFO],
    toLinux: same,
    toNetbsd: same,
  },
  {
    linux: [inet.IPPROTO_IPV6, inet.IPV6_HOPLIMIT],
    netbsd: [NB_IPPROTO_IPV6, NB_IPV6_HOPLIMIT],
    toLinux: same,
    toNetbsd: same,
  },
  {
    linux: [inet.IPPROTO_IPV6, inet.IPV6_TCLASS],
    netbsd: [NB_IPPROTO_IPV6, NB_IPV6_TCLASS],
    toLinux: same,
    toNetbsd: same,
  },
];

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** One of Linux's messages for NetBSD; undefined for a kind that it lacks or data that are too short: EINVAL. The numbers of descriptors stay. */
export function toNetbsdControl(message: ControlMessage): ControlMessage | undefined {
  const kind = KINDS.find(k => k.linux[0] === message.level && k.linux[1] === message.type);
  const data = kind?.toNetbsd(message.data, viewOf(message.data));
  if (kind === undefined || data === undefined) return undefined;
  return { level: kind.netbsd[0], type: kind.netbsd[1], data };
}
/** One of NetBSD's messages for Linux; undefined for a kind that it lacks or data that are too short. The numbers of descriptors stay. */
export function toLinuxControl(message: ControlMessage): ControlMessage | undefined {
  const kind = KINDS.find(k => k.netbsd[0] === message.level && k.netbsd[1] === message.type);
  const data = kind?.toLinux(message.data, viewOf(message.data));
  if (kind === undefined || data === undefined) return undefined;
  return { level: kind.linux[0], type: kind.linux[1], data };
}
