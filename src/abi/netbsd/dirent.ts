/** struct dirent of NetBSD (sys/dirent.h). DT_* are Linux's, and a whiteout (14), which Linux has too. */

export const NB_DIRENT_SIZE = 528;
export const NB_D_RECLEN = 8;
export const NB_D_NAMLEN = 10;
export const NB_D_TYPE = 12;
export const NB_D_NAME = 13;
/** sizeof d_name, with its NUL. */
const NAME_ROOM = 512;
const TWO_32 = 0x1_0000_0000;

/** Length of an entry: header, name and NUL, aligned to 8 (_DIRENT_RECLEN). */
export function netbsdDirentLength(nameLength: number): number {
  return (NB_D_NAME + nameLength + 1 + 7) & ~7;
}

/** Appends an entry at `at`, the name one character per byte. Returns its length, 0 when it does not fit. */
export function encodeNetbsdDirent(
  buf: Uint8Array,
  at: number,
  name: string,
  ino: number,
  type: number,
): number {
  const length = netbsdDirentLength(name.length);
  if (length > buf.length - at || name.length >= NAME_ROOM) return 0;
  const view = new DataView(buf.buffer, buf.byteOffset);
  buf.fill(0, at, at + length);
  view.setUint32(at, ino % TWO_32, true);
  view.setUint32(at + 4, Math.floor(ino / TWO_32), true);
  view.setUint16(at + NB_D_RECLEN, length, true);
  view.setUint16(at + NB_D_NAMLEN, name.length, true);
  buf[at + NB_D_TYPE] = type;
  for (let i = 0; i < name.length; i++) buf[at + NB_D_NAME + i] = name.charCodeAt(i);
  return length;
}

/** Hands out the entries of buf[0 ... length]; stops at one that is none. Entries with d_fileno 0 are free ones. */
export function decodeNetbsdDirents(
  buf: Uint8Array,
  length: number,
  sink: (name: string, ino: number, type: number) => void,
): void {
  const view = new DataView(buf.buffer, buf.byteOffset, buf.length);
  for (let at = 0; at + NB_D_NAME < length; ) {
    const reclen = view.getUint16(at + NB_D_RECLEN, true);
    const namlen = view.getUint16(at + NB_D_NAMLEN, true);
    if (reclen < NB_D_NAME + namlen || at + reclen > length) return;
    const ino = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
    const name = Buffer.from(buf.buffer, buf.byteOffset + at + NB_D_NAME, namlen).toString('latin1');
    sink(name, ino, buf[at + NB_D_TYPE]);
    at += reclen;
  }
}
