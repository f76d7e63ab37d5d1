/** struct msghdr on the wire, and what goes with the data: control messages. */
import { EINVAL } from '../../abi/linux/errno.js';
import { MSG_CTRUNC, MSG_EOR, MSG_OOB, MSG_TRUNC, SCM_RIGHTS, SOL_SOCKET } from '../../abi/linux/socket.js';
import { CMSGHDR_SIZE, cmsgSpace } from '../../abi/linux/un.js';
import {
  decodeNetbsdControl,
  decodeNetbsdMsghdr,
  encodeNetbsdControl,
  encodeNetbsdMsghdr,
  NB_IOVEC_SIZE,
  NB_MSG_CONTROL,
  NB_MSG_IOV,
  NB_MSG_NAME,
  NB_MSGHDR_SIZE,
  toLinuxControl,
  toLinuxMsg,
  toNetbsdControl,
} from '../../abi/netbsd/msg.js';
import { NB_SOCKADDR_STORAGE_SIZE } from '../../abi/netbsd/socket.js';
import type { Uio } from '../../kernel/rump_kernel.js';
import type { ControlMessage, IncomingMessage } from '../../kernel/socket_calls.js';
import { putLinuxAddress } from './socket_address.js';
import type { SysCall } from './syscall.js';

/** MLEN of NetBSD: the server takes and gives at most this much control data, and any that Linux asks room for fits. */
const CONTROL_ROOM = 4096;
const FD_SIZE = 4;
/** What recvmsg(2) tells. */
const TOLD = MSG_OOB | MSG_EOR | MSG_TRUNC | MSG_CTRUNC;

/**
 * NetBSD's bytes of control messages, undefined for none. `remoteOf` gives the server's number of a descriptor; its error, and -EINVAL for
 * what NetBSD has no word for.
 */
export function wireControl(
  messages: readonly ControlMessage[],
  remoteOf: (fd: number) => number,
): Uint8Array | undefined | number {
  if (messages.length === 0) return undefined;
  const wire: ControlMessage[] = [];
  for (const message of messages) {
    const translated = toNetbsdControl(message);
    if (translated === undefined) return -EINVAL;
    if (isRights(message)) {
      const data = translated.data.slice();
      const wrong = mapInts(data, remoteOf);
      if (wrong < 0) return wrong;
      wire.push({ ...translated, data });
    } else wire.push(translated);
  }
  return encodeNetbsdControl(wire);
}

function isRights({ level, type }: ControlMessage): boolean {
  return level === SOL_SOCKET && type === SCM_RIGHTS;
}

/** Puts other numbers in place of those in `data`; the first error, or 0. */
function mapInts(data: Uint8Array, map: (value: number) => number): number {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at + FD_SIZE <= data.length; at += FD_SIZE) {
    const value = map(view.getInt32(at, true));
    if (value < 0) return value;
    view.setInt32(at, value, true);
  }
  return 0;
}

/** The struct msghdr of one buffer that is sent, as the next argument. */
export function putMessage(
  call: SysCall,
  bytes: Uint8Array,
  name: Uint8Array | undefined,
  control: Uint8Array,
): void {
  const at = call.reserve(NB_MSGHDR_SIZE);
  const iov = call.reserve(NB_IOVEC_SIZE);
  encodeNetbsdMsghdr(call.view, at, {
    name: 0,
    nameLength: name?.length ?? 0,
    iov: 0,
    iovCount: 1,
    control: 0,
    controlLength: control.length,
    flags: 0,
  });
  if (name !== undefined) call.putPointer(at + NB_MSG_NAME, call.mapBuffer(name));
  call.putPointer(at + NB_MSG_IOV, iov);
  call.putPointer(at + NB_MSG_CONTROL, call.mapBuffer(control));
  call.putPointer(iov, call.mapBuffer(bytes));
  call.view.setUint32(iov + 8, bytes.length, true);
  call.pointer(at);
}

export interface ReceiveRoom {
  readonly at: number;
  readonly nameAt: number;
  readonly control: Uint8Array;
}

/** The struct msghdr of one buffer that is received into, as the next argument. */
export function receiveRoom(
  call: SysCall,
  into: Uint8Array | Uio,
  length: number,
  message: IncomingMessage,
): ReceiveRoom {
  const at = call.reserve(NB_MSGHDR_SIZE);
  const iov = call.reserve(NB_IOVEC_SIZE);
  const nameAt = call.reserve(NB_SOCKADDR_STORAGE_SIZE);
  const control = new Uint8Array(message.controlRoom > 0 ? CONTROL_ROOM : 0);
  encodeNetbsdMsghdr(call.view, at, {
    name: 0,
    nameLength: message.name === undefined ? 0 : NB_SOCKADDR_STORAGE_SIZE,
    iov: 0,
    iovCount: 1,
    control: 0,
    controlLength: control.length,
    flags: 0,
  });
  if (message.name !== undefined) call.putPointer(at + NB_MSG_NAME, nameAt);
  call.putPointer(at + NB_MSG_IOV, iov);
  if (control.length > 0) call.putPointer(at + NB_MSG_CONTROL, call.mapBuffer(control));
  call.putPointer(
    iov,
    into instanceof Uint8Array ? call.mapBuffer(into, length) : call.mapTarget(into, length),
  );
  call.view.setUint32(iov + 8, length, true);
  call.pointer(at);
  return { at, nameAt, control };
}

/** What becomes of descriptors that come in a message; they are the server's numbers. */
export interface Receiver {
  /** The number that it gets here, or -errno: then it is closed. */
  install(remote: number): number;
  /** There is no room for it. */
  drop(remote: number): void;
}

/** What has come with the data. */
export function takeMessage(
  call: SysCall,
  { at, nameAt, control }: ReceiveRoom,
  message: IncomingMessage,
  receiver: Receiver,
): void {
  const header = decodeNetbsdMsghdr(call.view, at);
  // Flags of the call come back, too.
  message.flags |= toLinuxMsg(header.flags) & TOLD;
  if (message.name !== undefined) {
    const length = Math.min(header.nameLength, NB_SOCKADDR_STORAGE_SIZE);
    putLinuxAddress(call.scratch.subarray(nameAt, nameAt + length), message.name);
  }
  const used = Math.min(header.controlLength, control.length);
  let room = message.controlRoom;
  for (const each of decodeNetbsdControl(control.subarray(0, used)) ?? []) {
    const known = toLinuxControl(each);
    if (known === undefined) continue;
    const data = isRights(known) ? takeRights(known.data, room, message, receiver) : known.data.slice();
    if (data === undefined) continue;
    message.control.push({ ...known, data });
    room -= cmsgSpace(data.length);
  }
}

/** The descriptors that have come, as far as there is room for them and numbers; the others are closed (scm_detach_fds()). */
function takeRights(
  data: Uint8Array,
  room: number,
  message: IncomingMessage,
  receiver: Receiver,
): Uint8Array | undefined {
  const remotes = Array.from({ length: data.length >> 2 }, (_, i) =>
    new DataView(data.buffer, data.byteOffset).getInt32(i * FD_SIZE, true),
  );
  const fits = Math.max(0, Math.floor((room - CMSGHDR_SIZE) / FD_SIZE));
  const fds: number[] = [];
  for (const remote of remotes) {
    const fd = fds.length < fits ? receiver.install(remote) : -1;
    if (fds.length >= fits) receiver.drop(remote);
    if (fd >= 0) fds.push(fd);
    else message.flags |= MSG_CTRUNC;
  }
  return fds.length === 0 ? undefined : new Uint8Array(Int32Array.from(fds).buffer);
}
