/** Socket addresses between a client, which has NetBSD's, and the kernel, which has Linux's. */
import { EAFNOSUPPORT, EINVAL } from '../../abi/linux/errno.js';
import { SOCKADDR_STORAGE_SIZE } from '../../abi/linux/socket.js';
import {
  NB_AF_LOCAL,
  NB_SA_FAMILY,
  NB_SOCKADDR_UN_SIZE,
  NB_SUN_PATH,
  toLinuxSockaddr,
  toNetbsdSockaddr,
} from '../../abi/netbsd/socket.js';
import type { AddressOut } from '../../kernel/socket_calls.js';
import type { Call, Steps } from './call.js';
import { callError } from './errors.js';

/** Longest address: its length is a byte. */
const LONGEST = 255;
/** Linux's sun_path has four bytes more than NetBSD's; what is longer has no place in it. */
const PATH_ROOM = NB_SOCKADDR_UN_SIZE - NB_SUN_PATH + 4;
/** A local socket without a name, as NetBSD shows it (sun_noname of uipc_usrreq.c). */
const NO_NAME = Uint8Array.of(NB_SUN_PATH, NB_AF_LOCAL);

export function addressOut(): AddressOut {
  return { bytes: new Uint8Array(SOCKADDR_STORAGE_SIZE), length: 0 };
}

/** An address argument as Linux's. Ends the call with EINVAL, EFAULT or EAFNOSUPPORT, as sockargs() of uipc_syscalls.c. */
export function* socketAddress(call: Call, at: number, length: number): Steps<Uint8Array> {
  if (length > LONGEST || length <= NB_SUN_PATH) throw callError(EINVAL);
  const bytes = yield* call.copyin(at, length);
  if (bytes[NB_SA_FAMILY] === NB_AF_LOCAL) {
    const end = bytes.indexOf(0, NB_SUN_PATH);
    if ((end < 0 ? length : end) - NB_SUN_PATH > PATH_ROOM) throw callError(EINVAL);
  }
  const address = toLinuxSockaddr(bytes);
  if (address === undefined) throw callError(EAFNOSUPPORT);
  return address;
}

/** What the kernel says as NetBSD's; a name that NetBSD cannot have is none. */
export function netbsdAddress({ bytes, length }: AddressOut): Uint8Array {
  if (length === 0) return new Uint8Array(0);
  return toNetbsdSockaddr(bytes.subarray(0, Math.min(length, bytes.length))) ?? NO_NAME;
}

/**
 * Gives an address to a client whose room is at `lengthAt`; what does not fit is cut, and the length says what was given
 * (copyout_sockname() of uipc_syscalls.c).
 */
export function* giveAddress(call: Call, at: number, lengthAt: number, address: AddressOut): Steps {
  if (at === 0) return 0;
  const bytes = yield* call.copyin(lengthAt, 4);
  const room = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  const given = putAddress(call, at, room, address);
  call.copyout(lengthAt, new Uint8Array(Uint32Array.of(given).buffer));
  return 0;
}

/** As giveAddress(), for who knows the room: how much was given. Ends the call with EINVAL for a length below 0. */
export function putAddress(call: Call, at: number, room: number, address: AddressOut): number {
  if (room < 0) throw callError(EINVAL);
  const bytes = netbsdAddress(address).subarray(0, room);
  call.copyout(at, bytes);
  return bytes.length;
}
