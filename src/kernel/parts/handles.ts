/** File handles (name_to_handle_at(2)): inode number and generation, 64 bits each, little-endian. */
import { EOVERFLOW, ESTALE } from '../../abi/linux/errno.js';

/** f_handle's length in bytes; its type is HANDLE_TYPE. */
export const HANDLE_LENGTH = 16;

export interface FileHandle {
  readonly ino: number;
  /** Tells this inode from others that have had its number, and from those of other runs. */
  readonly generation: number;
}

/** Where the inodes that still exist are found, one file system's or several's. */
export interface InodeIndex<Inode> {
  inodeByNumber(ino: number): Inode | undefined;
  generationOf(inode: Inode): number;
}

/** Fills `out` and returns HANDLE_LENGTH; -EOVERFLOW when it is too small (the caller then reports HANDLE_LENGTH). */
export function encodeHandle(handle: FileHandle, out: Uint8Array): number {
  if (out.length < HANDLE_LENGTH) return -EOVERFLOW;
  const view = new DataView(out.buffer, out.byteOffset, HANDLE_LENGTH);
  view.setBigUint64(0, BigInt(handle.ino), true);
  view.setBigUint64(8, BigInt(handle.generation), true);
  return HANDLE_LENGTH;
}

/** The handle that `bytes` hold, or undefined when they are none of ours. */
export function decodeHandle(bytes: Uint8Array): FileHandle | undefined {
  if (bytes.length !== HANDLE_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, HANDLE_LENGTH);
  const ino = Number(view.getBigUint64(0, true));
  const generation = Number(view.getBigUint64(8, true));
  if (!Number.isSafeInteger(ino) || !Number.isSafeInteger(generation)) return undefined;
  return { ino, generation };
}

/** The inode that open_by_handle_at(2) means; -ESTALE when the handle is malformed or its inode is gone. */
export function findByHandle<Inode extends object>(
  bytes: Uint8Array,
  index: InodeIndex<Inode>,
): Inode | number {
  const handle = decodeHandle(bytes);
  const inode = handle === undefined ? undefined : index.inodeByNumber(handle.ino);
  if (inode === undefined || index.generationOf(inode) !== handle?.generation) return -ESTALE;
  return inode;
}
