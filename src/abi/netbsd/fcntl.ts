/** sys/fcntl.h and sys/unistd.h of NetBSD, beside Linux's. */
import * as linux from '../linux/fcntl.js';

export const NB_O_ACCMODE = 0x3;
export const NB_O_RDONLY = 0x0;
export const NB_O_WRONLY = 0x1;
export const NB_O_RDWR = 0x2;
export const NB_O_NONBLOCK = 0x4;
export const NB_O_APPEND = 0x8;
export const NB_O_SHLOCK = 0x10;
export const NB_O_EXLOCK = 0x20;
export const NB_O_ASYNC = 0x40;
export const NB_O_SYNC = 0x80;
export const NB_O_NOFOLLOW = 0x100;
export const NB_O_CREAT = 0x200;
export const NB_O_TRUNC = 0x400;
export const NB_O_EXCL = 0x800;
export const NB_O_NOCTTY = 0x8000;
export const NB_O_DSYNC = 0x10000;
export const NB_O_RSYNC = 0x20000;
export const NB_O_ALT_IO = 0x40000;
export const NB_O_DIRECT = 0x80000;
export const NB_O_DIRECTORY = 0x200000;
export const NB_O_CLOEXEC = 0x400000;
export const NB_O_SEARCH = 0x800000;
export const NB_O_NOSIGPIPE = 0x1000000;

/** Flags with one bit on each side. O_LARGEFILE, O_NOATIME, O_PATH and O_TMPFILE have none on NetBSD. */
const FLAGS: readonly (readonly [number, number])[] = [
  [linux.O_NONBLOCK, NB_O_NONBLOCK],
  [linux.O_APPEND, NB_O_APPEND],
  [linux.O_ASYNC, NB_O_ASYNC],
  [linux.O_NOFOLLOW, NB_O_NOFOLLOW],
  [linux.O_CREAT, NB_O_CREAT],
  [linux.O_TRUNC, NB_O_TRUNC],
  [linux.O_EXCL, NB_O_EXCL],
  [linux.O_NOCTTY, NB_O_NOCTTY],
  [linux.O_DIRECT, NB_O_DIRECT],
  [linux.O_DIRECTORY, NB_O_DIRECTORY],
  [linux.O_CLOEXEC, NB_O_CLOEXEC],
];

/** open(2)'s flags for NetBSD. What it lacks is dropped: whether that is right is for the caller to decide. */
export function toNetbsdOpen(flags: number): number {
  let netbsd = flags & linux.O_ACCMODE;
  for (const [from, to] of FLAGS) if ((flags & from) !== 0) netbsd |= to;
  // O_SYNC holds O_DSYNC's bit on Linux.
  if ((flags & linux.O_SYNC) === linux.O_SYNC) netbsd |= NB_O_SYNC;
  else if ((flags & linux.O_DSYNC) !== 0) netbsd |= NB_O_DSYNC;
  return netbsd;
}

/** open(2)'s flags as Linux's. O_SHLOCK, O_EXLOCK, O_RSYNC, O_SEARCH and O_NOSIGPIPE are dropped. */
export function fromNetbsdOpen(netbsd: number): number {
  let flags = netbsd & NB_O_ACCMODE;
  for (const [to, from] of FLAGS) if ((netbsd & from) !== 0) flags |= to;
  if ((netbsd & NB_O_SYNC) !== 0) flags |= linux.O_SYNC;
  else if ((netbsd & NB_O_DSYNC) !== 0) flags |= linux.O_DSYNC;
  return flags;
}

export const NB_F_DUPFD = 0;
export const NB_F_GETFD = 1;
export const NB_F_SETFD = 2;
export const NB_F_GETFL = 3;
export const NB_F_SETFL = 4;
export const NB_F_GETOWN = 5;
export const NB_F_SETOWN = 6;
export const NB_F_GETLK = 7;
export const NB_F_SETLK = 8;
export const NB_F_SETLKW = 9;
export const NB_F_CLOSEM = 10;
export const NB_F_MAXFD = 11;
export const NB_F_DUPFD_CLOEXEC = 12;
export const NB_F_GETNOSIGPIPE = 13;
export const NB_F_SETNOSIGPIPE = 14;
export const NB_FD_CLOEXEC = 1;

export const NB_F_RDLCK = 1;
export const NB_F_UNLCK = 2;
export const NB_F_WRLCK = 3;

/** The same on both (flock(2), lseek(2), access(2)). */
export const NB_LOCK_SH = 1;
export const NB_LOCK_EX = 2;
export const NB_LOCK_NB = 4;
export const NB_LOCK_UN = 8;
export const NB_SEEK_SET = 0;
export const NB_SEEK_CUR = 1;
export const NB_SEEK_END = 2;

export const NB_AT_FDCWD = -100;
export const NB_AT_EACCESS = 0x100;
export const NB_AT_SYMLINK_NOFOLLOW = 0x200;
export const NB_AT_SYMLINK_FOLLOW = 0x400;
export const NB_AT_REMOVEDIR = 0x800;

/** AT_* flags for NetBSD. AT_EACCESS and AT_REMOVEDIR share a bit on Linux: `remove` says which call it is for. */
export function toNetbsdAt(flags: number, remove = false): number {
  let netbsd = remove ? NB_AT_REMOVEDIR : 0;
  if ((flags & linux.AT_SYMLINK_NOFOLLOW) !== 0) netbsd |= NB_AT_SYMLINK_NOFOLLOW;
  if ((flags & linux.AT_SYMLINK_FOLLOW) !== 0) netbsd |= NB_AT_SYMLINK_FOLLOW;
  if (!remove && (flags & linux.AT_EACCESS) !== 0) netbsd |= NB_AT_EACCESS;
  return netbsd;
}

/** AT_* flags as Linux's; -1 for one that is unknown. */
export function fromNetbsdAt(netbsd: number): number {
  const known = NB_AT_EACCESS | NB_AT_SYMLINK_NOFOLLOW | NB_AT_SYMLINK_FOLLOW | NB_AT_REMOVEDIR;
  if ((netbsd & ~known) !== 0) return -1;
  let flags = 0;
  if ((netbsd & NB_AT_SYMLINK_NOFOLLOW) !== 0) flags |= linux.AT_SYMLINK_NOFOLLOW;
  if ((netbsd & NB_AT_SYMLINK_FOLLOW) !== 0) flags |= linux.AT_SYMLINK_FOLLOW;
  if ((netbsd & NB_AT_EACCESS) !== 0) flags |= linux.AT_EACCESS;
  if ((netbsd & NB_AT_REMOVEDIR) !== 0) flags |= linux.AT_REMOVEDIR;
  return flags;
}

// struct flock: l_start, l_len, l_pid, l_type, l_whence.

export const NB_FLOCK_SIZE = 24;
const L_LEN = 8;
const L_PID = 16;
const L_TYPE = 20;
const L_WHENCE = 22;

/** As FileLock of the kernel interface. */
export interface LockFields {
  type: number;
  whence: number;
  start: number;
  len: number;
  pid: number;
}

const LOCK_TYPES: readonly (readonly [number, number])[] = [
  [linux.F_RDLCK, NB_F_RDLCK],
  [linux.F_WRLCK, NB_F_WRLCK],
  [linux.F_UNLCK, NB_F_UNLCK],
];

/** Writes a lock; its type must be one of F_RDLCK, F_WRLCK, F_UNLCK (else it becomes 0, which NetBSD refuses). */
export function encodeNetbsdFlock(view: DataView, at: number, lock: LockFields): void {
  view.setBigInt64(at, BigInt(lock.start), true);
  view.setBigInt64(at + L_LEN, BigInt(lock.len), true);
  view.setInt32(at + L_PID, lock.pid, true);
  view.setInt16(at + L_TYPE, LOCK_TYPES.find(([type]) => type === lock.type)?.[1] ?? 0, true);
  view.setInt16(at + L_WHENCE, lock.whence, true);
}

/** Reads a lock; a type that is none becomes -1. */
export function decodeNetbsdFlock(view: DataView, at: number, lock: LockFields): void {
  const type = view.getInt16(at + L_TYPE, true);
  lock.start = Number(view.getBigInt64(at, true));
  lock.len = Number(view.getBigInt64(at + L_LEN, true));
  lock.pid = view.getInt32(at + L_PID, true);
  lock.type = LOCK_TYPES.find(([, netbsd]) => netbsd === type)?.[0] ?? -1;
  lock.whence = view.getInt16(at + L_WHENCE, true);
}
