/** mount(2) of NetBSD: flags (sys/fstypes.h) and the arguments of file systems. */
import { setInt64 } from '../bytes.js';
import * as linux from '../linux/mount.js';

export const NB_MNT_RDONLY = 0x1;
export const NB_MNT_SYNCHRONOUS = 0x2;
export const NB_MNT_NOEXEC = 0x4;
export const NB_MNT_NOSUID = 0x8;
export const NB_MNT_NODEV = 0x10;
export const NB_MNT_UNION = 0x20;
export const NB_MNT_ASYNC = 0x40;
export const NB_MNT_LOCAL = 0x1000;
export const NB_MNT_ROOTFS = 0x4000;
export const NB_MNT_UPDATE = 0x10000;
export const NB_MNT_RELATIME = 0x20000;
export const NB_MNT_RELOAD = 0x40000;
export const NB_MNT_FORCE = 0x80000;
export const NB_MNT_GETARGS = 0x400000;
export const NB_MNT_NOATIME = 0x4000000;

const FLAGS: readonly (readonly [number, number])[] = [
  [linux.MS_RDONLY, NB_MNT_RDONLY],
  [linux.MS_SYNCHRONOUS, NB_MNT_SYNCHRONOUS],
  [linux.MS_NOEXEC, NB_MNT_NOEXEC],
  [linux.MS_NOSUID, NB_MNT_NOSUID],
  [linux.MS_NODEV, NB_MNT_NODEV],
  [linux.MS_REMOUNT, NB_MNT_UPDATE],
  [linux.MS_RELATIME, NB_MNT_RELATIME],
  [linux.MS_NOATIME, NB_MNT_NOATIME],
];

/** MS_* for NetBSD; what it lacks is dropped. */
export function toNetbsdMount(flags: number): number {
  let netbsd = 0;
  for (const [from, to] of FLAGS) if ((flags & from) !== 0) netbsd |= to;
  return netbsd;
}
/** MNT_* as MS_*; what Linux lacks is dropped. */
export function fromNetbsdMount(netbsd: number): number {
  let flags = 0;
  for (const [to, from] of FLAGS) if ((netbsd & from) !== 0) flags |= to;
  return flags;
}

/** umount2(2)'s flags: NetBSD has no lazy detaching; force is the nearest to it. */
export function toNetbsdUnmount(flags: number): number {
  return (flags & (linux.MNT_FORCE | linux.MNT_DETACH)) !== 0 ? NB_MNT_FORCE : 0;
}

// struct tmpfs_args (fs/tmpfs/tmpfs_args.h).

export const NB_TMPFS_ARGS_SIZE = 40;
export const NB_TMPFS_ARGS_VERSION = 1;
const TA_NODES_MAX = 8;
const TA_SIZE_MAX = 16;
const TA_ROOT_UID = 24;
const TA_ROOT_GID = 28;
const TA_ROOT_MODE = 32;

export interface TmpfsArgs {
  version: number;
  /** 0: no limit. */
  nodesMax: number;
  /** Bytes, 0: no limit but memory. */
  sizeMax: number;
  uid: number;
  gid: number;
  mode: number;
}

export function encodeTmpfsArgs(view: DataView, at: number, args: TmpfsArgs): void {
  view.setInt32(at, args.version, true);
  view.setInt32(at + 4, 0, true);
  setInt64(view, at + TA_NODES_MAX, args.nodesMax);
  setInt64(view, at + TA_SIZE_MAX, args.sizeMax);
  view.setUint32(at + TA_ROOT_UID, args.uid, true);
  view.setUint32(at + TA_ROOT_GID, args.gid, true);
  view.setUint32(at + TA_ROOT_MODE, args.mode, true);
  view.setUint32(at + TA_ROOT_MODE + 4, 0, true);
}
export function decodeTmpfsArgs(view: DataView, at: number): TmpfsArgs {
  return {
    version: view.getInt32(at, true),
    nodesMax: Number(view.getBigUint64(at + TA_NODES_MAX, true)),
    sizeMax: Number(view.getBigUint64(at + TA_SIZE_MAX, true)),
    uid: view.getUint32(at + TA_ROOT_UID, true),
    gid: view.getUint32(at + TA_ROOT_GID, true),
    mode: view.getUint32(at + TA_ROOT_MODE, true),
  };
}

/**
 * Arguments that begin with a pointer to a path: struct ufs_args (ufs/ufs/ufsmount.h) has nothing else; struct null_args
 * (miscfs/genfs/layer.h), struct iso_args (fs/cd9660/cd9660_mount.h) and struct msdosfs_args go on with an export_args30 of
 * 128 bytes that is not used.
 */
export const NB_UFS_ARGS_SIZE = 8;
export const NB_NULL_ARGS_SIZE = 136;
export const NB_ISO_ARGS_SIZE = 144;
export const NB_MSDOSFS_ARGS_SIZE = 168;

/** struct ptyfs_args (fs/ptyfs/ptyfs.h). */
export const NB_PTYFS_ARGS_SIZE = 16;
const PTYFS_ARGSVERSION = 2;

export function encodePtyfsArgs(view: DataView, at: number, gid: number, mode: number): void {
  view.setInt32(at, PTYFS_ARGSVERSION, true);
  view.setUint32(at + 4, gid, true);
  view.setUint32(at + 8, mode, true);
  view.setInt32(at + 12, 0, true);
}

export interface MsdosfsArgs {
  uid: number;
  gid: number;
  /** Permission bits that files and directories have. */
  mask: number;
  dirmask: number;
}

/** struct msdosfs_args (fs/msdosfs/msdosfsmount.h), apart from the path at its start. */
export function encodeMsdosfsArgs(view: DataView, at: number, args: MsdosfsArgs): void {
  const [UID, GID, MASK, FLAGS, VERSION, DIRMASK, GMTOFF] = [136, 140, 144, 148, 152, 156, 160];
  const MSDOSFSMNT_VERSIONED = 16;
  const MSDOSFSMNT_VERSION = 3;
  view.setUint32(at + UID, args.uid, true);
  view.setUint32(at + GID, args.gid, true);
  view.setUint32(at + MASK, args.mask, true);
  view.setInt32(at + FLAGS, MSDOSFSMNT_VERSIONED, true);
  view.setInt32(at + VERSION, MSDOSFSMNT_VERSION, true);
  view.setUint32(at + DIRMASK, args.dirmask, true);
  view.setInt32(at + GMTOFF, 0, true);
}
