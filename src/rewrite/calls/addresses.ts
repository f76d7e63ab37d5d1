/** Addresses of sockets in the program's memory, and the paths in those of AF_UNIX. */
import { EFAULT, EINVAL } from '../../abi/linux/errno.js';
import { AF_UNIX, SOCKADDR_STORAGE_SIZE } from '../../abi/linux/socket.js';
import type { AddressOut } from '../../kernel/socket_calls.js';
import { decidePath, prefixFor } from '../../policy/decide.js';
import type { Call, Hijack } from '../hijack.js';

/** offsetof(struct sockaddr_un, sun_path), linux/un.h; what comes before it is sun_family. */
const SUN_PATH = 2;
/** sizeof(struct sockaddr_un), which has room for a path of UNIX_PATH_MAX bytes. */
const SOCKADDR_UN_SIZE = 110;
const SLASH = 0x2f;

const word = new Uint8Array(4);
const wordView = new DataView(word.buffer);

/** An int of the program's, or undefined (EFAULT). */
export function readInt(call: Call, at: number): number | undefined {
  return call.read(at, word) < 0 ? undefined : wordView.getInt32(0, true);
}

/** 0 or -EFAULT. */
export function writeInt(call: Call, at: number, value: number): number {
  wordView.setInt32(0, value, true);
  return call.write(at, word);
}

function isAbsolutePath(address: Uint8Array, length: number): boolean {
  const hasPath = length > SUN_PATH && length <= SOCKADDR_UN_SIZE && address[SUN_PATH] === SLASH;
  return hasPath && address[0] === AF_UNIX && address[1] === 0;
}

/** A path of the program's becomes the rump kernel's: what decides is the same as for files. */
function toRump(address: Uint8Array, hijack: Hijack): Uint8Array {
  if (!isAbsolutePath(address, address.length)) return address;
  const end = address.indexOf(0, SUN_PATH);
  const path = Buffer.from(address.buffer, address.byteOffset, address.length);
  const decision = decidePath(
    hijack.policy,
    path.toString('latin1', SUN_PATH, end < 0 ? address.length : end),
    hijack.isTraced,
  );
  // What is not below the prefix is in the rump kernel all the same, where its socket is, under the same name.
  if (!decision.rump || decision.view !== 'root') return address;
  return Buffer.concat([address.subarray(0, SUN_PATH), Buffer.from(`${decision.path}\0`, 'latin1')]);
}

/** A path of the rump kernel's is shown as getcwd(2) would show it. */
function toProgram(out: AddressOut, hijack: Hijack): AddressOut {
  const prefix = prefixFor(hijack.policy);
  if (prefix === '' || !isAbsolutePath(out.bytes, out.length)) return out;
  const bytes = Buffer.concat([
    out.bytes.subarray(0, SUN_PATH),
    Buffer.from(prefix, 'latin1'),
    out.bytes.subarray(SUN_PATH, out.length),
  ]);
  return { bytes, length: bytes.length };
}

/** A socket's address out of the program's memory (move_addr_to_kernel, net/socket.c), or -errno. */
export function readAddress(call: Call, hijack: Hijack, at: number, length: number): Uint8Array | number {
  if (length < 0 || length > SOCKADDR_STORAGE_SIZE) return -EINVAL;
  const address = new Uint8Array(length);
  return call.read(at, address) < 0 ? -EFAULT : toRump(address, hijack);
}

/** Where the kernel puts an address. */
export function addressOut(): AddressOut {
  return { bytes: new Uint8Array(SOCKADDR_STORAGE_SIZE), length: 0 };
}

/** Gives the program an address, as much as it has room for, and its whole length (move_addr_to_user, net/socket.c). */
export function writeAddress(
  call: Call,
  hijack: Hijack,
  address: AddressOut,
  at: number,
  lengthAt: number,
): number {
  const room = readInt(call, lengthAt);
  if (room === undefined) return -EFAULT;
  if (room < 0) return -EINVAL;
  const out = toProgram(address, hijack);
  if (call.write(at, out.bytes, 0, Math.min(room, out.length)) < 0) return -EFAULT;
  return writeInt(call, lengthAt, out.length);
}
