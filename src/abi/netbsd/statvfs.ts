/** struct statvfs of NetBSD (sys/statvfs.h), as statvfs1, fstatvfs1 and getvfsstat give it. */
import { setInt64 } from '../bytes.js';
import * as linux from '../linux/mount.js';
import {
  NB_MNT_NOATIME,
  NB_MNT_NODEV,
  NB_MNT_NOEXEC,
  NB_MNT_NOSUID,
  NB_MNT_RDONLY,
  NB_MNT_RELATIME,
  NB_MNT_SYNCHRONOUS,
} from './mount.js';

export const NB_STATVFS_SIZE = 2256;
/** sys/fstypes.h: how statvfs1 and getvfsstat look. */
export const NB_ST_WAIT = 1;
export const NB_ST_NOWAIT = 2;
/** _VFS_NAMELEN and _VFS_MNAMELEN, with their NUL. */
const TYPE_ROOM = 32;
const PATH_ROOM = 1024;
const TWO_32 = 0x1_0000_0000;

const F_FSIDX = 128;
const F_FSID = 136;
const F_NAMEMAX = 144;
const F_OWNER = 152;
const F_FSTYPENAME = 172;
const F_MNTONNAME = 204;
const F_MNTFROMNAME = 1228;

/** 64-bit fields in order from the start. Blocks are of `frsize` bytes. */
const NUMBERS = [
  'flag',
  'bsize',
  'frsize',
  'iosize',
  'blocks',
  'bfree',
  'bavail',
  'bresvd',
  'files',
  'ffree',
  'favail',
  'fresvd',
] as const;

export type NetbsdStatvfs = { [name in (typeof NUMBERS)[number]]: number } & {
  /** f_fsidx: the device, the type's number. */
  fsidx: [number, number];
  fsid: number;
  namemax: number;
  owner: number;
  fstypename: string;
  mntonname: string;
  mntfromname: string;
};

export function newNetbsdStatvfs(): NetbsdStatvfs {
  return {
    flag: 0,
    bsize: 0,
    frsize: 0,
    iosize: 0,
    blocks: 0,
    bfree: 0,
    bavail: 0,
    bresvd: 0,
    files: 0,
    ffree: 0,
    favail: 0,
    fresvd: 0,
    fsidx: [0, 0],
    fsid: 0,
    namemax: 0,
    owner: 0,
    fstypename: '',
    mntonname: '',
    mntfromname: '',
  };
}

function putString(bytes: Uint8Array, at: number, room: number, text: string): void {
  bytes.fill(0, at, at + room);
  for (let i = 0; i < Math.min(text.length, room - 1); i++) bytes[at + i] = text.charCodeAt(i);
}

function getString(bytes: Uint8Array, at: number, room: number): string {
  const end = bytes.indexOf(0, at);
  const stop = end < 0 || end > at + room ? at + room : end;
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, stop - at).toString('latin1');
}

function getInt64(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

/** Writes the struct; strings one character per byte, cut to their room. */
export function encodeNetbsdStatvfs(bytes: Uint8Array, at: number, fs: NetbsdStatvfs): void {
  bytes.fill(0, at, at + NB_STATVFS_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  NUMBERS.forEach((name, i) => {
    setInt64(view, at + i * 8, fs[name]);
  });
  view.setInt32(at + F_FSIDX, fs.fsidx[0], true);
  view.setInt32(at + F_FSIDX + 4, fs.fsidx[1], true);
  setInt64(view, at + F_FSID, fs.fsid);
  setInt64(view, at + F_NAMEMAX, fs.namemax);
  view.setUint32(at + F_OWNER, fs.owner, true);
  putString(bytes, at + F_FSTYPENAME, TYPE_ROOM, fs.fstypename);
  putString(bytes, at + F_MNTONNAME, PATH_ROOM, fs.mntonname);
  putString(bytes, at + F_MNTFROMNAME, PATH_ROOM, fs.mntfromname);
}

export function decodeNetbsdStatvfs(bytes: Uint8Array, at: number): NetbsdStatvfs {
  const fs = newNetbsdStatvfs();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  NUMBERS.forEach((name, i) => {
    fs[name] = getInt64(view, at + i * 8);
  });
  fs.fsidx = [view.getInt32(at + F_FSIDX, true), view.getInt32(at + F_FSIDX + 4, true)];
  fs.fsid = getInt64(view, at + F_FSID);
  fs.namemax = getInt64(view, at + F_NAMEMAX);
  fs.owner = view.getUint32(at + F_OWNER, true);
  fs.fstypename = getString(bytes, at + F_FSTYPENAME, TYPE_ROOM);
  fs.mntonname = getString(bytes, at + F_MNTONNAME, PATH_ROOM);
  fs.mntfromname = getString(bytes, at + F_MNTFROMNAME, PATH_ROOM);
  return fs;
}

const FLAGS: readonly (readonly [number, number])[] = [
  [linux.ST_RDONLY, NB_MNT_RDONLY],
  [linux.ST_NOSUID, NB_MNT_NOSUID],
  [linux.ST_NODEV, NB_MNT_NODEV],
  [linux.ST_NOEXEC, NB_MNT_NOEXEC],
  [linux.ST_SYNCHRONOUS, NB_MNT_SYNCHRONOUS],
  [linux.ST_NOATIME, NB_MNT_NOATIME],
  [linux.ST_RELATIME, NB_MNT_RELATIME],
];

/** f_flag as ST_* of Linux; what has no bit there is dropped. */
export function fromNetbsdFsFlags(netbsd: number): number {
  let flags = 0;
  for (const [to, from] of FLAGS) if ((netbsd & from) !== 0) flags |= to;
  return flags;
}
/** ST_* of Linux as f_flag. */
export function toNetbsdFsFlags(flags: number): number {
  let netbsd = 0;
  for (const [from, to] of FLAGS) if ((flags & from) !== 0) netbsd |= to;
  return netbsd;
}

/** f_type of statfs(2) for NetBSD's names of file systems (linux/magic.h). */
const MAGIC: Readonly<Record<string, number>> = {
  tmpfs: linux.TMPFS_MAGIC,
  rumpfs: linux.RAMFS_MAGIC,
  ffs: 0x00011954,
  ext2fs: linux.EXT4_SUPER_MAGIC,
  msdos: linux.MSDOS_SUPER_MAGIC,
  cd9660: linux.ISOFS_SUPER_MAGIC,
  nfs: linux.NFS_SUPER_MAGIC,
  procfs: linux.PROC_SUPER_MAGIC,
  kernfs: linux.SYSFS_MAGIC,
  ptyfs: linux.DEVPTS_SUPER_MAGIC,
};

/** f_type for a file system's name; 0 for one that Linux has none for. */
export function fsMagic(fstypename: string): number {
  return MAGIC[fstypename] ?? 0;
}
