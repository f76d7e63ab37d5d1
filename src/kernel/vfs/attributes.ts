/** stat(2), chmod(2), chown(2), utimensat(2), truncate(2) on inodes that were looked up (fs/attr.c, mm/shmem.c). */
import { EACCES, EFBIG, EINVAL, EPERM, EROFS } from '../../abi/linux/errno.js';
import { S_IFDIR, S_ISGID } from '../../abi/linux/stat.js';
import { type Credentials, type Stat, type TimeSpec, UTIME_NOW, UTIME_OMIT } from '../rump_kernel.js';
import { dropPrivileges, inGroup, isOwner, MAY_WRITE, permission, withoutPrivileges } from './access.js';
import { PAGE_SIZE } from './pages.js';
import type { Inode, RegularInode } from './vnode.js';

/** Fills `out` as stat(2) has it. */
export function fillStat(inode: Inode, out: Stat): void {
  out.dev = inode.fs.dev;
  out.ino = inode.ino;
  out.mode = inode.mode;
  out.nlink = inode.nlink;
  out.uid = inode.uid;
  out.gid = inode.gid;
  out.rdev = inode.rdev;
  out.size = inode.size;
  out.blksize = PAGE_SIZE;
  out.blocks = inode.blocks;
  out.atimeSec = inode.atimeSec;
  out.atimeNsec = inode.atimeNsec;
  out.mtimeSec = inode.mtimeSec;
  out.mtimeNsec = inode.mtimeNsec;
  out.ctimeSec = inode.ctimeSec;
  out.ctimeNsec = inode.ctimeNsec;
  out.btimeSec = inode.btimeSec;
  out.btimeNsec = inode.btimeNsec;
  out.mntId = inode.fs.mount?.id ?? 0;
}

/** chmod(2): -EROFS, -EPERM. A group that is not the caller's takes no set-group-ID bit. */
export function changeMode(inode: Inode, mode: number, cred: Credentials): number {
  if (inode.fs.readOnly) return -EROFS;
  if (!isOwner(inode, cred) || inode.fs.type === 'proc') return -EPERM;
  let bits = mode & 0o7777;
  if (cred.uid !== 0 && !inGroup(cred, inode.gid)) bits &= ~S_ISGID;
  inode.mode = inode.type | bits;
  touch(inode);
  return 0;
}

/** chown(2), -1 leaves an id as it is: -EROFS, -EPERM. */
export function changeOwner(inode: Inode, uid: number, gid: number, cred: Credentials): number {
  if (inode.fs.readOnly) return -EROFS;
  if (inode.fs.type === 'proc') return -EPERM;
  const isRoot = cred.uid === 0;
  const owns = cred.uid === inode.uid;
  if (uid !== -1 && !isRoot && !(owns && uid === inode.uid)) return -EPERM;
  if (gid !== -1 && !isRoot && !(owns && (gid === inode.gid || inGroup(cred, gid)))) return -EPERM;
  if (inode.type !== S_IFDIR) {
    if (!isRoot && !owns && withoutPrivileges(inode, cred) !== inode.mode) return -EPERM;
    inode.mode = withoutPrivileges(inode, cred);
    inode.xattrs?.dropCapabilities();
  }
  if (uid !== -1) inode.uid = uid;
  if (gid !== -1) inode.gid = gid;
  touch(inode);
  return 0;
}

/** utimensat(2): -EINVAL for nanoseconds out of range, -EROFS, -EACCES (both now, may not write), -EPERM. */
export function changeTimes(inode: Inode, atime: TimeSpec, mtime: TimeSpec, cred: Credentials): number {
  if (inode.fs.readOnly) return -EROFS;
  if (inode.fs.type === 'proc') return -EPERM;
  const bothNow = atime.nsec === UTIME_NOW && mtime.nsec === UTIME_NOW;
  if (!isOwner(inode, cred)) {
    if (!bothNow) return -EPERM;
    if (permission(inode, MAY_WRITE, cred) !== 0) return -EACCES;
  }
  const { clock } = inode.fs;
  touch(inode);
  if (atime.nsec !== UTIME_OMIT) {
    inode.atimeSec = atime.nsec === UTIME_NOW ? clock.sec : atime.sec;
    inode.atimeNsec = atime.nsec === UTIME_NOW ? clock.nsec : atime.nsec;
  }
  if (mtime.nsec !== UTIME_OMIT) {
    inode.mtimeSec = mtime.nsec === UTIME_NOW ? clock.sec : mtime.sec;
    inode.mtimeNsec = mtime.nsec === UTIME_NOW ? clock.nsec : mtime.nsec;
  }
  return 0;
}

/** True for an instant or UTIME_NOW or UTIME_OMIT. */
export function isTimeValid(time: TimeSpec): boolean {
  return time.nsec === UTIME_NOW || time.nsec === UTIME_OMIT || (time.nsec >= 0 && time.nsec <= 999_999_999);
}

/** 0, or -EFBIG when a file may not grow to `size` bytes (inode_newsize_ok; the caller sends SIGXFSZ). */
export function checkNewSize(inode: Inode, size: number, fsize: number): number {
  return size > inode.size && (size > fsize || size > 2 ** 63) ? -EFBIG : 0;
}

/**
 * Sets a file's size; times change when it does, or `always` (ftruncate(2), O_TRUNC).
 * -EINVAL below 0, -EFBIG.
 */
export function resize(
  file: RegularInode,
  size: number,
  always: boolean,
  fsize: number,
  cred: Credentials,
): number {
  if (size < 0) return -EINVAL;
  const refused = checkNewSize(file, size, fsize);
  if (refused !== 0) return refused;
  dropPrivileges(file, cred);
  if (size !== file.size || always) {
    file.fs.clock.tick();
    file.modified(file.fs.clock);
  }
  // Pages beyond the size, which fallocate(2) left there, go even when the size stays.
  if (size <= file.size) file.pages.truncate(size);
  file.size = size;
  return 0;
}

function touch(inode: Inode): void {
  inode.fs.clock.tick();
  inode.changed(inode.fs.clock);
}
