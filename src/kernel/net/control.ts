/** Control messages on their way to a receiver, of all families (put_cmsg() of net/core/scm.c). */
import { MSG_CTRUNC, SCM_TIMESTAMP, SCM_TIMESTAMPNS, SOL_SOCKET } from '../../abi/linux/socket.js';
import { CMSGHDR_SIZE, cmsgSpace } from '../../abi/linux/un.js';
import type { IncomingMessage } from '../socket_calls.js';

/** Bytes that are left for control messages. */
export function roomOf(message: IncomingMessage): number {
  let used = 0;
  for (const { data } of message.control) used += cmsgSpace(data.length);
  return Math.max(0, message.controlRoom - used);
}

/** Adds a control message; what does not fit is cut off, with MSG_CTRUNC. */
export function putControl(message: IncomingMessage, level: number, type: number, data: Uint8Array): void {
  const room = roomOf(message);
  if (room < CMSGHDR_SIZE + data.length) message.flags |= MSG_CTRUNC;
  if (room < CMSGHDR_SIZE) return;
  message.control.push({ level, type, data: data.subarray(0, room - CMSGHDR_SIZE) });
}

/** SCM_TIMESTAMP or SCM_TIMESTAMPNS: struct timeval or timespec of 64-bit programs. `time`: milliseconds since 1970. */
export function putTimestamp(message: IncomingMessage, time: number, inNanoseconds: boolean): void {
  const seconds = Math.floor(time / 1000);
  const rest = (time - seconds * 1000) * (inNanoseconds ? 1_000_000 : 1000);
  const data = new Uint8Array(BigInt64Array.of(BigInt(seconds), BigInt(Math.floor(rest))).buffer);
  putControl(message, SOL_SOCKET, inNanoseconds ? SCM_TIMESTAMPNS : SCM_TIMESTAMP, data);
}
