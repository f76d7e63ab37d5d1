/** Addresses and control messages of AF_UNIX (unix(7)). */
import { AF_UNIX } from './socket.js';

// linux/un.h: struct sockaddr_un
/** Where sun_path begins. */
export const SUN_PATH_OFFSET = 2;
/** Room for a path or a name in sun_path. */
export const UNIX_PATH_MAX = 108;
/** sizeof(struct sockaddr_un). */
export const SOCKADDR_UN_SIZE = SUN_PATH_OFFSET + UNIX_PATH_MAX;

// linux/socket.h: struct cmsghdr { size_t len; int level; int type; }
export const CMSGHDR_SIZE = 16;
const CMSG_ALIGNMENT = 8;
/** sizeof(struct ucred): pid, uid, gid. */
export const UCRED_SIZE = 12;
// net/scm.h: descriptors in one message
export const SCM_MAX_FD = 253;

/** CMSG_SPACE of cmsg(3), bytes. */
export function cmsgSpace(length: number): number {
  return CMSGHDR_SIZE + Math.ceil(length / CMSG_ALIGNMENT) * CMSG_ALIGNMENT;
}

/** A sockaddr's family, -1 for one that is too short to have it. */
export function familyOf(address: Uint8Array): number {
  return address.length < SUN_PATH_OFFSET ? -1 : address[0] | (address[1] << 8);
}

/** The address of a socket at a path as the kernel keeps it: sun_path ends with NUL. `path`: one character per byte. */
export function pathAddress(path: string): Uint8Array {
  const bytes = Buffer.alloc(SUN_PATH_OFFSET + path.length + 1);
  bytes.writeUInt16LE(AF_UNIX, 0);
  bytes.write(path, SUN_PATH_OFFSET, 'latin1');
  return bytes;
}

/** sun_path up to its NUL, or to its end where there is none; one character per byte. */
export function pathOfAddress(address: Uint8Array): string {
  const path = Buffer.from(address.buffer, address.byteOffset, address.length).subarray(SUN_PATH_OFFSET);
  const end = path.indexOf(0);
  return path.toString('latin1', 0, end < 0 ? path.length : end);
}
