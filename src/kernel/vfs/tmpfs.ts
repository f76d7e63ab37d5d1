/** What tmpfs does to directories and inodes once a call is allowed (mm/shmem.c and fs/libfs.c of the host). */
import { ENOSPC, ENOTEMPTY } from '../../abi/linux/errno.js';
import { S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_ISGID, S_IXGRP } from '../../abi/linux/stat.js';
import type { BytePath, Credentials } from '../rump_kernel.js';
import { inGroup } from './access.js';
import {
  Dentry,
  DirectoryInode,
  FifoInode,
  type Inode,
  RegularInode,
  SpecialInode,
  SymlinkInode,
} from './vnode.js';

/** A symbolic link up to this length takes no page (SHORT_SYMLINK_LEN counts the NUL). */
const SHORT_SYMLINK = 127;

/** A directory with the dentry that leads to it: where names are made and removed. */
export interface Place {
  readonly dentry: Dentry;
  readonly directory: DirectoryInode;
}

/** The group and mode of a new file: a set-group-ID directory passes its group on (inode_init_owner). */
function inherited(
  directory: DirectoryInode,
  mode: number,
  cred: Credentials,
): { mode: number; gid: number } {
  if ((directory.mode & S_ISGID) === 0) return { mode, gid: cred.gid };
  if ((mode & S_IFMT) === S_IFDIR) return { mode: mode | S_ISGID, gid: directory.gid };
  const groupRuns = (mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP);
  const keeps = !groupRuns || cred.uid === 0 || inGroup(cred, directory.gid);
  return { mode: keeps ? mode : mode & ~S_ISGID, gid: directory.gid };
}

/** A new inode for `directory`'s file system, without a name yet; -ENOSPC when there may be no more. */
export function makeInode(
  directory: DirectoryInode,
  mode: number,
  rdev: number,
  cred: Credentials,
): Inode | number {
  const { fs } = directory;
  if (!fs.takeInode()) return -ENOSPC;
  fs.clock.tick();
  const owner = inherited(directory, mode, cred);
  const permissions = owner.mode & 0o7777;
  switch (mode & S_IFMT) {
    case S_IFREG:
      return new RegularInode(fs, permissions, cred.uid, owner.gid);
    case S_IFDIR:
      return new DirectoryInode(fs, permissions, cred.uid, owner.gid);
    case S_IFIFO:
      return new FifoInode(fs, permissions, cred.uid, owner.gid);
    default:
      return new SpecialInode(fs, owner.mode, cred.uid, owner.gid, rdev);
  }
}

/** A new symbolic link, without a name yet; -ENOSPC. */
export function makeSymlink(directory: DirectoryInode, target: BytePath, cred: Credentials): Inode | number {
  const { fs } = directory;
  const pages = target.length > SHORT_SYMLINK ? 1 : 0;
  if (fs.usedPages + pages > fs.maxPages || !fs.takeInode()) return -ENOSPC;
  fs.usedPages += pages;
  fs.clock.tick();
  return new SymlinkInode(fs, target, cred.uid, inherited(directory, 0, cred).gid, pages);
}

/** Gives a new inode its first name. */
export function addName(place: Place, name: BytePath, inode: Inode): Dentry {
  const entry = new Dentry(inode, name, place.dentry);
  place.directory.insert(place.dentry, entry, name);
  if (inode instanceof DirectoryInode) place.directory.nlink++;
  place.directory.modified(place.directory.fs.clock);
  return entry;
}

/** Gives an inode one more name (link(2)); -ENOSPC: hard links count as inodes. */
export function addLink(place: Place, name: BytePath, inode: Inode): number {
  const { fs } = inode;
  if (inode.nlink > 0 && !fs.takeInode()) return -ENOSPC;
  fs.clock.tick();
  inode.nlink++;
  inode.changed(fs.clock);
  place.directory.insert(place.dentry, new Dentry(inode, name, place.dentry), name);
  place.directory.modified(fs.clock);
  return 0;
}

/** Takes a name away, of a directory too, which must be empty (-ENOTEMPTY). */
export function removeName(place: Place, entry: Dentry): number {
  const { inode } = entry;
  if (inode instanceof DirectoryInode && inode.entries.size > 0) return -ENOTEMPTY;
  place.directory.fs.clock.tick();
  place.directory.remove(entry);
  place.directory.modified(place.directory.fs.clock);
  dropLink(place, inode);
  return 0;
}

/** An inode has lost a name of its own in `place`. */
function dropLink(place: Place, inode: Inode): void {
  inode.changed(inode.fs.clock);
  if (inode instanceof DirectoryInode) {
    inode.nlink = 0;
    inode.isDead = true;
    place.directory.nlink--;
  } else {
    // Additional names count as inodes; the last one is the inode's own.
    if (inode.nlink > 1) inode.fs.usedInodes--;
    inode.nlink--;
  }
  inode.fs.released(inode);
}

/** rename(2) of an entry to a name in `to`, replacing `target` if there is one: -ENOTEMPTY for a directory that is not empty. */
export function moveName(from: Place, entry: Dentry, to: Place, name: BytePath, target?: Dentry): number {
  const { clock } = from.directory.fs;
  if (target?.inode instanceof DirectoryInode && target.inode.entries.size > 0) return -ENOTEMPTY;
  clock.tick();
  from.directory.remove(entry);
  if (target === undefined) {
    to.directory.insert(to.dentry, entry, name);
  } else {
    // The name has been there all the time: a reader of the directory must not miss it.
    to.directory.replace(to.dentry, target, entry, name, target.cookie);
    dropLink(to, target.inode);
  }
  if (entry.inode instanceof DirectoryInode && from.directory !== to.directory) {
    from.directory.nlink--;
    to.directory.nlink++;
  }
  from.directory.modified(clock);
  to.directory.modified(clock);
  entry.inode.changed(clock);
  return 0;
}

/** rename(2) with RENAME_EXCHANGE: two entries change places. */
export function exchangeNames(from: Place, entry: Dentry, to: Place, other: Dentry): void {
  const { clock } = from.directory.fs;
  clock.tick();
  const [fromName, fromCookie] = [entry.name, entry.cookie];
  to.directory.replace(to.dentry, other, entry, other.name, other.cookie);
  from.directory.replace(from.dentry, entry, other, fromName, fromCookie);
  const moved = Number(entry.inode instanceof DirectoryInode) - Number(other.inode instanceof DirectoryInode);
  from.directory.nlink -= moved;
  to.directory.nlink += moved;
  for (const inode of [from.directory, to.directory, entry.inode, other.inode]) inode.changed(clock);
  from.directory.modified(clock);
  to.directory.modified(clock);
}
