/** struct stat of NetBSD (sys/stat.h, __stat50 and later) and its device numbers (sys/types.h). Modes are Linux's. */
import { setInt64 } from '../bytes.js';
import { major, makedev, minor, type StatFields } from '../linux/stat.js';

export const NB_STAT_SIZE = 152;
export const NB_ST_MODE = 8;
export const NB_ST_INO = 16;
export const NB_ST_NLINK = 24;
export const NB_ST_UID = 28;
export const NB_ST_GID = 32;
export const NB_ST_RDEV = 40;
export const NB_ST_ATIMESPEC = 48;
export const NB_ST_MTIMESPEC = 64;
export const NB_ST_CTIMESPEC = 80;
export const NB_ST_BIRTHTIMESPEC = 96;
export const NB_ST_SIZE = 112;
export const NB_ST_BLOCKS = 120;
export const NB_ST_BLKSIZE = 128;
export const NB_ST_FLAGS = 132;
export const NB_ST_GEN = 136;

const TWO_32 = 0x1_0000_0000;
/** NODEV: a file that is no device. */
const NODEV = -1;

/** NetBSD's dev_t: major in bits 8-19, minor in 0-7 and 20-31 (makedev of sys/types.h). */
export function toNetbsdDev(dev: number): number {
  const [upper, lower] = [major(dev), minor(dev)];
  return (((upper << 8) & 0xfff00) | ((lower << 12) & 0xfff00000) | (lower & 0xff)) >>> 0;
}

/** Linux's dev_t for one of NetBSD's; 0 for NODEV. */
export function toLinuxDev(netbsd: number): number {
  if (netbsd === NODEV || netbsd === TWO_32 - 1) return 0;
  const low = netbsd >>> 0;
  return makedev((low >>> 8) & 0xfff, ((low >>> 12) & 0xfff00) | (low & 0xff));
}

/** Linux's 64-bit numbers of files fit; times before 1970 too. */
function getInt64(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

function putTime(view: DataView, at: number, sec: number, nsec: number): void {
  setInt64(view, at, sec);
  setInt64(view, at + 8, nsec);
}

/** Writes a struct stat; st_flags and st_gen are 0. */
export function encodeNetbsdStat(view: DataView, at: number, stat: StatFields): void {
  setInt64(view, at, toNetbsdDev(stat.dev));
  setInt64(view, at + NB_ST_MODE, stat.mode);
  setInt64(view, at + NB_ST_INO, stat.ino);
  view.setUint32(at + NB_ST_NLINK, stat.nlink, true);
  view.setUint32(at + NB_ST_UID, stat.uid, true);
  view.setUint32(at + NB_ST_GID, stat.gid, true);
  view.setUint32(at + NB_ST_GID + 4, 0, true);
  setInt64(view, at + NB_ST_RDEV, toNetbsdDev(stat.rdev));
  putTime(view, at + NB_ST_ATIMESPEC, stat.atimeSec, stat.atimeNsec);
  putTime(view, at + NB_ST_MTIMESPEC, stat.mtimeSec, stat.mtimeNsec);
  putTime(view, at + NB_ST_CTIMESPEC, stat.ctimeSec, stat.ctimeNsec);
  putTime(view, at + NB_ST_BIRTHTIMESPEC, stat.btimeSec, stat.btimeNsec);
  setInt64(view, at + NB_ST_SIZE, stat.size);
  setInt64(view, at + NB_ST_BLOCKS, stat.blocks);
  view.setUint32(at + NB_ST_BLKSIZE, stat.blksize, true);
  for (let i = NB_ST_FLAGS; i < NB_STAT_SIZE; i += 4) view.setUint32(at + i, 0, true);
}

/** Reads a struct stat. mntId, which NetBSD has not, becomes 0. */
export function decodeNetbsdStat(
  view: DataView,
  at: number,
  stat: { -readonly [K in keyof StatFields]: number },
): void {
  stat.dev = toLinuxDev(getInt64(view, at));
  // Above the type are bits that Linux has not (S_ARCH1 of a FAT file that was not archived).
  stat.mode = view.getUint32(at + NB_ST_MODE, true) & 0o177777;
  stat.ino = getInt64(view, at + NB_ST_INO);
  stat.nlink = view.getUint32(at + NB_ST_NLINK, true);
  stat.uid = view.getUint32(at + NB_ST_UID, true);
  stat.gid = view.getUint32(at + NB_ST_GID, true);
  stat.rdev = isDevice(stat.mode) ? toLinuxDev(getInt64(view, at + NB_ST_RDEV)) : 0;
  stat.atimeSec = getInt64(view, at + NB_ST_ATIMESPEC);
  stat.atimeNsec = getInt64(view, at + NB_ST_ATIMESPEC + 8);
  stat.mtimeSec = getInt64(view, at + NB_ST_MTIMESPEC);
  stat.mtimeNsec = getInt64(view, at + NB_ST_MTIMESPEC + 8);
  stat.ctimeSec = getInt64(view, at + NB_ST_CTIMESPEC);
  stat.ctimeNsec = getInt64(view, at + NB_ST_CTIMESPEC + 8);
  stat.btimeSec = getInt64(view, at + NB_ST_BIRTHTIMESPEC);
  stat.btimeNsec = getInt64(view, at + NB_ST_BIRTHTIMESPEC + 8);
  stat.size = getInt64(view, at + NB_ST_SIZE);
  stat.blocks = getInt64(view, at + NB_ST_BLOCKS);
  stat.blksize = view.getUint32(at + NB_ST_BLKSIZE, true);
  stat.mntId = 0;
}

/** S_ISCHR or S_ISBLK. */
function isDevice(mode: number): boolean {
  const type = mode & 0o170000;
  return type === 0o020000 || type === 0o060000;
}
