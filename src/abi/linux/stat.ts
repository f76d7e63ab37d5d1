/**
 * struct stat (asm/stat.h), struct statx (linux/stat.h) and struct statfs (asm/statfs.h) of x86-64 as bytes,
 * and device numbers. The modes, types and flags in them are in stat_modes.ts.
 */

import { setInt64 } from '../bytes.js';
import { STATX_BASIC_STATS, STATX_BTIME, STATX_MNT_ID, STATX_MNT_ID_UNIQUE } from './stat_modes.js';

export * from './stat_modes.js';

/** sizeof(struct stat). */
export const STAT_SIZE = 144;
/** sizeof(struct statx). */
export const STATX_SIZE = 256;
/** sizeof(struct statfs). */
export const STATFS_SIZE = 120;

/** What stat and statx tell of a file. Times in whole seconds (negative before 1970) and nanoseconds. */
export interface StatFields {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Device number of a device node, in the encoding of `makedev`. */
  readonly rdev: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes. */
  readonly blksize: number;
  /** 512-byte units. */
  readonly blocks: number;
  readonly atimeSec: number;
  readonly atimeNsec: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly ctimeSec: number;
  readonly ctimeNsec: number;
  readonly btimeSec: number;
  readonly btimeNsec: number;
  readonly mntId: number;
}

/** What statfs tells of a file system; sizes in blocks of `bsize` bytes. */
export interface StatFsFields {
  readonly type: number;
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
  readonly fsid: number;
  readonly namelen: number;
  readonly frsize: number;
  /** ST_* of mount.ts. */
  readonly flags: number;
}

/** Writes struct stat: 144 bytes from `offset`. */
export function encodeStat(view: DataView, offset: number, s: StatFields): void {
  setInt64(view, offset, s.dev);
  setInt64(view, offset + 8, s.ino);
  setInt64(view, offset + 16, s.nlink);
  view.setUint32(offset + 24, s.mode, true);
  view.setUint32(offset + 28, s.uid, true);
  view.setUint32(offset + 32, s.gid, true);
  view.setUint32(offset + 36, 0, true);
  setInt64(view, offset + 40, s.rdev);
  setInt64(view, offset + 48, s.size);
  setInt64(view, offset + 56, s.blksize);
  setInt64(view, offset + 64, s.blocks);
  setInt64(view, offset + 72, s.atimeSec);
  setInt64(view, offset + 80, s.atimeNsec);
  setInt64(view, offset + 88, s.mtimeSec);
  setInt64(view, offset + 96, s.mtimeNsec);
  setInt64(view, offset + 104, s.ctimeSec);
  setInt64(view, offset + 112, s.ctimeNsec);
  zero(view, offset + 120, offset + STAT_SIZE);
}

/**
 * Writes struct statx: 256 bytes from `offset`.
 *
 * @param mask what the program asked for (STATX_*). As on Linux (vfs_statx, tmpfs) the basic fields and the
 *   mount's id are told always, the birth time where it was asked for; stx_mask says what was told.
 * @param attributes stx_attributes (STATX_ATTR_*)
 * @param attributesMask which attributes the file system knows at all
 */
export function encodeStatx(
  view: DataView,
  offset: number,
  s: StatFields,
  mask: number,
  attributes = 0,
  attributesMask = 0,
): void {
  // Two kinds of mount id share a field; there is one id here, which is never used again either.
  const id = mask & STATX_MNT_ID_UNIQUE ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID;
  const told = STATX_BASIC_STATS | (mask & STATX_BTIME) | id;
  zero(view, offset, offset + STATX_SIZE);
  view.setUint32(offset, told, true);
  view.setUint32(offset + 4, s.blksize, true);
  setInt64(view, offset + 8, attributes);
  view.setUint32(offset + 16, s.nlink, true);
  view.setUint32(offset + 20, s.uid, true);
  view.setUint32(offset + 24, s.gid, true);
  view.setUint16(offset + 28, s.mode, true);
  setInt64(view, offset + 32, s.ino);
  setInt64(view, offset + 40, s.size);
  setInt64(view, offset + 48, s.blocks);
  setInt64(view, offset + 56, attributesMask);
  setStatxTime(view, offset + 64, s.atimeSec, s.atimeNsec);
  if (told & STATX_BTIME) setStatxTime(view, offset + 80, s.btimeSec, s.btimeNsec);
  setStatxTime(view, offset + 96, s.ctimeSec, s.ctimeNsec);
  setStatxTime(view, offset + 112, s.mtimeSec, s.mtimeNsec);
  view.setUint32(offset + 128, major(s.rdev), true);
  view.setUint32(offset + 132, minor(s.rdev), true);
  view.setUint32(offset + 136, major(s.dev), true);
  view.setUint32(offset + 140, minor(s.dev), true);
  setInt64(view, offset + 144, s.mntId);
}

function setStatxTime(view: DataView, offset: number, sec: number, nsec: number): void {
  setInt64(view, offset, sec);
  view.setUint32(offset + 8, nsec, true);
}

/** Writes struct statfs: 120 bytes from `offset`. */
export function encodeStatfs(view: DataView, offset: number, s: StatFsFields): void {
  setInt64(view, offset, s.type);
  setInt64(view, offset + 8, s.bsize);
  setInt64(view, offset + 16, s.blocks);
  setInt64(view, offset + 24, s.bfree);
  setInt64(view, offset + 32, s.bavail);
  setInt64(view, offset + 40, s.files);
  setInt64(view, offset + 48, s.ffree);
  setInt64(view, offset + 56, s.fsid);
  setInt64(view, offset + 64, s.namelen);
  setInt64(view, offset + 72, s.frsize);
  setInt64(view, offset + 80, s.flags);
  zero(view, offset + 88, offset + STATFS_SIZE);
}

function zero(view: DataView, from: number, to: number): void {
  for (let at = from; at < to; at += 4) view.setUint32(at, 0, true);
}

/**
 * The device number that stat(2) and mknod(2) use (linux/kdev_t.h, new_encode_dev): 12 bits of major, 20 bits of
 * minor, in 32 bits.
 */
export function makedev(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** The major number of a device number. */
export function major(dev: number): number {
  return (dev >>> 8) & 0xfff;
}

/** The minor number of a device number. */
export function minor(dev: number): number {
  return (dev & 0xff) | ((dev >>> 12) & 0xfff00);
}
