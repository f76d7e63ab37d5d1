/** Permissions: may these credentials do that to this inode? (path_resolution(7), capabilities(7)) */
import { EACCES, EPERM, EROFS } from '../../abi/linux/errno.js';
import { S_IFDIR, S_IFLNK, S_IFREG, S_ISGID, S_ISUID, S_ISVTX, S_IXGRP } from '../../abi/linux/stat.js';
import type { Credentials } from '../rump_kernel.js';
import { type Inode, SynthFileInode } from './vnode.js';

export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

/** True when a group's rights are the caller's too. */
export function inGroup(cred: Credentials, gid: number): boolean {
  return cred.gid === gid || cred.groups.includes(gid);
}

/** CAP_FOWNER, or the file is one's own. */
export function isOwner(inode: Inode, cred: Credentials): boolean {
  return cred.uid === inode.uid || cred.uid === 0;
}

/** 0; -EROFS when a write meets a read-only file system; -EACCES (inode_permission of fs/namei.c). */
export function permission(inode: Inode, mask: number, cred: Credentials): number {
  if ((mask & MAY_WRITE) !== 0 && inode.fs.readOnly) {
    const type = inode.type;
    if (type === S_IFREG || type === S_IFDIR || type === S_IFLNK) return -EROFS;
  }
  const { mode } = inode;
  const shift = cred.uid === inode.uid ? 6 : inGroup(cred, inode.gid) ? 3 : 0;
  if ((mask & ~(mode >> shift) & 7) === 0) return 0;
  if (cred.uid !== 0 || (inode instanceof SynthFileInode && inode.node.bindsRoot === true)) return -EACCES;
  // CAP_DAC_OVERRIDE runs a file only if somebody may.
  if (inode.type !== S_IFDIR && (mask & MAY_EXEC) !== 0 && (mode & 0o111) === 0) return -EACCES;
  return 0;
}

/** In a sticky directory only the owner of the file or of the directory may remove a name: 0 or -EPERM. */
export function checkSticky(directory: Inode, victim: Inode, cred: Credentials): number {
  if ((directory.mode & S_ISVTX) === 0) return 0;
  return cred.uid === victim.uid || cred.uid === directory.uid || cred.uid === 0 ? 0 : -EPERM;
}

/** The mode without the bits that a write, truncation or (for non-directories) a chown takes away; chmod(2), chown(2). */
export function withoutPrivileges(inode: Inode, cred: Credentials): number {
  let { mode } = inode;
  mode &= ~S_ISUID;
  if ((mode & S_ISGID) !== 0 && ((mode & S_IXGRP) !== 0 || (!inGroup(cred, inode.gid) && cred.uid !== 0))) {
    mode &= ~S_ISGID;
  }
  return mode;
}

/** A write by `cred`: set-id bits and file capabilities go, unless CAP_FSETID keeps the bits. */
export function dropPrivileges(inode: Inode, cred: Credentials): void {
  inode.xattrs?.dropCapabilities();
  if (cred.uid !== 0 && (inode.mode & (S_ISUID | S_ISGID)) !== 0) inode.mode = withoutPrivileges(inode, cred);
}
