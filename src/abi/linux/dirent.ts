/** Directory entries of getdents64(2) and of the older getdents(2): linux/dirent.h, fs/readdir.c. */

import { putInt64 } from '../bytes.js';

/** Bytes before the name in struct linux_dirent64: d_ino, d_off, d_reclen, d_type. */
const NAME_64 = 19;
/** Bytes before the name in struct linux_dirent, whose d_type is the record's last byte. */
const NAME_OLD = 18;

/** The length in bytes of a getdents64 record: a multiple of 8, with the name's final NUL. */
export function dirent64Length(nameLength: number): number {
  return (NAME_64 + nameLength + 1 + 7) & ~7;
}

/** The length in bytes of a getdents record: a multiple of 8, with the name's final NUL and the type. */
export function direntLength(nameLength: number): number {
  return (NAME_OLD + nameLength + 2 + 7) & ~7;
}

/**
 * Writes a struct linux_dirent64 into `out` at `offset`.
 *
 * @param name one character per byte
 * @param type DT_*
 * @param next where the entry after this one is (d_off; also for lseek)
 * @returns the record's length, or 0 when it does not fit; then nothing was written
 */
export function encodeDirent64(
  out: Uint8Array,
  offset: number,
  name: string,
  ino: number,
  type: number,
  next: number,
): number {
  const length = dirent64Length(name.length);
  if (offset + length > out.length) return 0;
  putHead(out, offset, ino, next, length);
  out[offset + 18] = type;
  putName(out, offset + NAME_64, name, offset + length);
  return length;
}

/** As `encodeDirent64`, for getdents(2): struct linux_dirent, with the type in its last byte. */
export function encodeDirent(
  out: Uint8Array,
  offset: number,
  name: string,
  ino: number,
  type: number,
  next: number,
): number {
  const length = direntLength(name.length);
  if (offset + length > out.length) return 0;
  putHead(out, offset, ino, next, length);
  putName(out, offset + NAME_OLD, name, offset + length);
  out[offset + length - 1] = type;
  return length;
}

function putHead(out: Uint8Array, offset: number, ino: number, next: number, length: number): void {
  putInt64(out, offset, ino);
  putInt64(out, offset + 8, next);
  out[offset + 16] = length & 0xff;
  out[offset + 17] = length >> 8;
}

/** The name, then NULs up to `end`: the padding must not show what was in the buffer before. */
function putName(out: Uint8Array, offset: number, name: string, end: number): void {
  for (let i = 0; i < name.length; i++) out[offset + i] = name.charCodeAt(i);
  out.fill(0, offset + name.length, end);
}
