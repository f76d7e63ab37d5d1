/** Messages of sendmsg(2) and recvmsg(2): struct msghdr, mmsghdr, iovec and cmsghdr of 64-bit programs (bits/socket.h, linux/uio.h). */
import { getUint64, setInt64 } from '../bytes.js';
import { EINVAL } from './errno.js';

export const IOVEC_SIZE = 16;

export const MSGHDR_SIZE = 56;
export const MSG_NAMELEN_AT = 8;
export const MSG_CONTROLLEN_AT = 40;
export const MSG_FLAGS_AT = 48;

/** struct mmsghdr: a msghdr, and the bytes that were sent or received (unsigned int). */
export const MMSGHDR_SIZE = 64;
export const MSG_LEN_AT = 56;

/** Addresses are in the program's memory, 0 for NULL; lengths are in bytes. */
export interface Msghdr {
  name: number;
  /** An int: may be negative when the program is wrong. */
  nameLength: number;
  iov: number;
  /** Entries; a size_t. */
  iovLength: number;
  control: number;
  controlLength: number;
  flags: number;
}

export function decodeMsghdr(view: DataView, at = 0): Msghdr {
  return {
    name: getUint64(view, at),
    nameLength: view.getInt32(at + MSG_NAMELEN_AT, true),
    iov: getUint64(view, at + 16),
    iovLength: getUint64(view, at + 24),
    control: getUint64(view, at + 32),
    controlLength: getUint64(view, at + MSG_CONTROLLEN_AT),
    flags: view.getInt32(at + MSG_FLAGS_AT, true),
  };
}

export function encodeMsghdr(view: DataView, at: number, message: Msghdr): void {
  setInt64(view, at, message.name);
  setInt64(view, at + MSG_NAMELEN_AT, message.nameLength >>> 0);
  setInt64(view, at + 16, message.iov);
  setInt64(view, at + 24, message.iovLength);
  setInt64(view, at + 32, message.control);
  setInt64(view, at + MSG_CONTROLLEN_AT, message.controlLength);
  setInt64(view, at + MSG_FLAGS_AT, message.flags >>> 0);
}

// Control messages: a header of length (with the header), level and type, then data; each begins at a multiple of 8.

export const CMSG_HEADER_SIZE = 16;
const CMSG_LEVEL_AT = 8;
const CMSG_TYPE_AT = 12;

/** CMSG_ALIGN(). */
function align(length: number): number {
  return (length + 7) & ~7;
}
/** CMSG_SPACE(): bytes that a control message with this much data takes. */
export function cmsgSpace(length: number): number {
  return CMSG_HEADER_SIZE + align(length);
}

export interface ControlData {
  level: number;
  type: number;
  data: Uint8Array;
}

/** The control messages in a program's buffer, as for_each_cmsghdr() finds them: -EINVAL where CMSG_OK() fails. `data` lies in `bytes`. */
export function decodeControl(bytes: Uint8Array): ControlData[] | number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: ControlData[] = [];
  for (let at = 0; at + CMSG_HEADER_SIZE <= bytes.length; ) {
    const length = getUint64(view, at);
    if (length < CMSG_HEADER_SIZE || length > bytes.length - at) return -EINVAL;
    messages.push({
      level: view.getInt32(at + CMSG_LEVEL_AT, true),
      type: view.getInt32(at + CMSG_TYPE_AT, true),
      data: bytes.subarray(at + CMSG_HEADER_SIZE, at + length),
    });
    at += align(length);
  }
  return messages;
}

/**
 * Lays control messages out as put_cmsg() does: `used` bytes of at most `room`. What does not fit is cut, and `cut` is true (MSG_CTRUNC).
 */
export function encodeControl(
  messages: readonly ControlData[],
  room: number,
): { bytes: Uint8Array; used: number; cut: boolean } {
  const total = messages.reduce((sum, message) => sum + cmsgSpace(message.data.length), 0);
  const bytes = new Uint8Array(Math.min(total, room));
  const view = new DataView(bytes.buffer);
  let at = 0;
  let cut = false;
  for (const { level, type, data } of messages) {
    const left = room - at;
    if (left < CMSG_HEADER_SIZE) {
      cut = true;
      continue;
    }
    const length = Math.min(CMSG_HEADER_SIZE + data.length, left);
    if (length < CMSG_HEADER_SIZE + data.length) cut = true;
    setInt64(view, at, length);
    view.setInt32(at + CMSG_LEVEL_AT, level, true);
    view.setInt32(at + CMSG_TYPE_AT, type, true);
    bytes.set(data.subarray(0, length - CMSG_HEADER_SIZE), at + CMSG_HEADER_SIZE);
    at += Math.min(cmsgSpace(data.length), left);
  }
  return { bytes, used: at, cut };
}
