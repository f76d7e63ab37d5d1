/** Making, removing and renaming names: the checks of fs/namei.c, in its order. */
import {
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} from '../../abi/linux/errno.js';
import { RENAME_EXCHANGE, RENAME_NOREPLACE } from '../../abi/linux/fcntl.js';
import { S_IFREG, S_ISGID, S_ISUID, S_IXGRP } from '../../abi/linux/stat.js';
import type { BytePath, Credentials } from '../rump_kernel.js';
import { checkSticky, isOwner, MAY_EXEC, MAY_READ, MAY_WRITE, permission } from './access.js';
import { LAST_DOT, LAST_DOTDOT, LAST_NORM, type NameLookup, type Walker } from './namei.js';
import { addLink, exchangeNames, moveName, type Place, removeName } from './tmpfs.js';
import { type Dentry, DirectoryBase, DirectoryInode, type Inode } from './vnode.js';

/** May names be made in this directory? 0; -ENOENT when it was removed; -EACCES, -EROFS; -EPERM where nothing can be made. */
export function mayCreate(directory: Inode, cred: Credentials): number {
  if (directory instanceof DirectoryInode && directory.isDead) return -ENOENT;
  const refused = permission(directory, MAY_WRITE | MAY_EXEC, cred);
  if (refused !== 0) return refused;
  return directory instanceof DirectoryInode ? 0 : -EPERM;
}

/** May this entry be removed from its directory? (may_delete) */
function mayDelete(parent: Dentry, victim: Dentry, wantsDirectory: boolean, cred: Credentials): number {
  const refused =
    permission(parent.inode, MAY_WRITE | MAY_EXEC, cred) || checkSticky(parent.inode, victim.inode, cred);
  if (refused !== 0) return refused;
  const isDirectory = victim.inode instanceof DirectoryBase;
  if (wantsDirectory && !isDirectory) return -ENOTDIR;
  if (!wantsDirectory && isDirectory) return -EISDIR;
  return parent.inode instanceof DirectoryInode ? 0 : -EPERM;
}

/**
 * Looks up where a new name is to go (filename_create): -EEXIST, -ENOENT for a trailing slash unless a directory is to be made,
 * -EROFS. The place is in `lookup`; whether the caller may create there is `mayCreate`'s to say.
 */
export function lookupNew(
  lookup: NameLookup,
  start: Dentry,
  path: BytePath,
  isDirectory: boolean,
  walker: Walker,
): number {
  const status = lookup.lookupParent(start, path, walker);
  if (status !== 0) return status;
  if (lookup.last !== LAST_NORM) return -EEXIST;
  const found = lookup.peek();
  if (typeof found === 'number') return found;
  if (found !== undefined) return -EEXIST;
  if (lookup.trailingSlash && !isDirectory) return -ENOENT;
  return lookup.parent.inode.fs.readOnly ? -EROFS : 0;
}

/** The directory that a look-up ended in, where names can be made. Only after `mayCreate` or `mayDelete`. */
export function placeOf(dentry: Dentry): Place | number {
  const directory = dentry.inode;
  return directory instanceof DirectoryInode ? { dentry, directory } : -EPERM;
}

/** unlink(2). */
export function unlink(lookup: NameLookup, start: Dentry, path: BytePath, walker: Walker): number {
  const status = lookup.lookupParent(start, path, walker);
  if (status !== 0) return status;
  if (lookup.last !== LAST_NORM) return -EISDIR;
  if (lookup.parent.inode.fs.readOnly) return -EROFS;
  const victim = lookup.peek();
  if (victim === undefined) return -ENOENT;
  if (typeof victim === 'number') return victim;
  if (lookup.trailingSlash) return victim.inode instanceof DirectoryBase ? -EISDIR : -ENOTDIR;
  return remove(lookup.parent, victim, false, walker.cred);
}

/** rmdir(2). */
export function rmdir(lookup: NameLookup, start: Dentry, path: BytePath, walker: Walker): number {
  const status = lookup.lookupParent(start, path, walker);
  if (status !== 0) return status;
  if (lookup.last === LAST_DOTDOT) return -ENOTEMPTY;
  if (lookup.last === LAST_DOT) return -EINVAL;
  if (lookup.last !== LAST_NORM) return -EBUSY;
  if (lookup.parent.inode.fs.readOnly) return -EROFS;
  const victim = lookup.peek();
  if (victim === undefined) return -ENOENT;
  return typeof victim === 'number' ? victim : remove(lookup.parent, victim, true, walker.cred);
}

function remove(parent: Dentry, victim: Dentry, wantsDirectory: boolean, cred: Credentials): number {
  const refused = mayDelete(parent, victim, wantsDirectory, cred);
  if (refused !== 0) return refused;
  if (victim.mounted !== undefined) return -EBUSY;
  const place = placeOf(parent);
  return typeof place === 'number' ? place : removeName(place, victim);
}

/** link(2) of an inode that was looked up, to a place that `lookupNew` found. */
export function link(lookup: NameLookup, source: Dentry, cred: Credentials): number {
  const { inode } = source;
  const { parent } = lookup;
  if (inode.fs !== parent.inode.fs) return -EXDEV;
  if (!mayLink(inode, cred)) return -EPERM;
  const refused = mayCreate(parent.inode, cred);
  if (refused !== 0) return refused;
  const place = placeOf(parent);
  if (typeof place === 'number') return place;
  if (inode instanceof DirectoryBase) return -EPERM;
  if (inode.nlink === 0 && !inode.isLinkable) return -ENOENT;
  return addLink(place, lookup.name, inode);
}

/** fs.protected_hardlinks (proc_sys_fs(5)): others' files only when they are ordinary and one may read and write them. */
function mayLink(inode: Inode, cred: Credentials): boolean {
  if (isOwner(inode, cred)) return true;
  if (inode.type !== S_IFREG || (inode.mode & S_ISUID) !== 0) return false;
  if ((inode.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) return false;
  return permission(inode, MAY_READ | MAY_WRITE, cred) === 0;
}

/** One side of a rename: the entry's directory, its last component. */
interface Side {
  readonly parent: Dentry;
  readonly name: BytePath;
  readonly last: number;
  readonly trailingSlash: boolean;
}

function side(lookup: NameLookup): Side {
  const { parent, name, last, trailingSlash } = lookup;
  return { parent, name, last, trailingSlash };
}

/** What renameat2(2) says of its flags before it looks at paths: -EINVAL for RENAME_WHITEOUT too, as where there are no whiteouts. */
export function checkRenameFlags(flags: number): number {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) return -EINVAL;
  return flags === (RENAME_NOREPLACE | RENAME_EXCHANGE) ? -EINVAL : 0;
}

/** renameat2(2): RENAME_NOREPLACE, RENAME_EXCHANGE. */
export function rename(
  lookup: NameLookup,
  oldStart: Dentry,
  oldPath: BytePath,
  newStart: Dentry,
  newPath: BytePath,
  flags: number,
  walker: Walker,
): number {
  let status = lookup.lookupParent(oldStart, oldPath, walker);
  if (status !== 0) return status;
  const from = side(lookup);
  status = lookup.lookupParent(newStart, newPath, walker);
  if (status !== 0) return status;
  const to = side(lookup);
  if (from.parent.inode.fs !== to.parent.inode.fs) return -EXDEV;
  if (from.last !== LAST_NORM) return -EBUSY;
  if (to.last !== LAST_NORM) return (flags & RENAME_NOREPLACE) !== 0 ? -EEXIST : -EBUSY;
  if (from.parent.inode.fs.readOnly) return -EROFS;
  const target = lookup.peek();
  lookup.parent = from.parent;
  lookup.name = from.name;
  const source = lookup.peek();
  if (source === undefined) return -ENOENT;
  if (typeof source === 'number') return source;
  if (typeof target === 'number') return target;
  status = checkSides(from, source, to, target, flags);
  if (status !== 0) return status;
  if (source.inode === target?.inode) return 0;
  status = checkRights(from, source, to, target, flags, walker.cred);
  return status !== 0 ? status : move(from, source, to, target, flags);
}

/** What do_renameat2 refuses whoever asks. */
function checkSides(from: Side, source: Dentry, to: Side, target: Dentry | undefined, flags: number): number {
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if ((flags & RENAME_NOREPLACE) !== 0 && target !== undefined) return -EEXIST;
  if (exchange) {
    if (target === undefined) return -ENOENT;
    if (!(target.inode instanceof DirectoryBase) && to.trailingSlash) return -ENOTDIR;
  }
  if (!(source.inode instanceof DirectoryBase)) {
    if (from.trailingSlash || (!exchange && to.trailingSlash)) return -ENOTDIR;
  }
  if (isWithin(to.parent, source)) return -EINVAL;
  if (target !== undefined && isWithin(from.parent, target)) return exchange ? -EINVAL : -ENOTEMPTY;
  return 0;
}

/** What vfs_rename refuses. */
function checkRights(
  from: Side,
  source: Dentry,
  to: Side,
  target: Dentry | undefined,
  flags: number,
  cred: Credentials,
): number {
  const isDirectory = source.inode instanceof DirectoryBase;
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  let refused = mayDelete(from.parent, source, isDirectory, cred);
  if (refused !== 0) return refused;
  if (target === undefined) {
    refused = mayCreate(to.parent.inode, cred);
  } else {
    const wantsDirectory = exchange ? target.inode instanceof DirectoryBase : isDirectory;
    refused = mayDelete(to.parent, target, wantsDirectory, cred);
  }
  if (refused !== 0) return refused;
  if (from.parent !== to.parent) {
    // '..' of a directory that moves is written to.
    if (isDirectory) refused = permission(source.inode, MAY_WRITE, cred);
    if (refused === 0 && exchange && target?.inode instanceof DirectoryBase) {
      refused = permission(target.inode, MAY_WRITE, cred);
    }
    if (refused !== 0) return refused;
  }
  return source.mounted !== undefined || target?.mounted !== undefined ? -EBUSY : 0;
}

function move(from: Side, source: Dentry, to: Side, target: Dentry | undefined, flags: number): number {
  const fromPlace = placeOf(from.parent);
  const toPlace = placeOf(to.parent);
  if (typeof fromPlace === 'number') return fromPlace;
  if (typeof toPlace === 'number') return toPlace;
  if ((flags & RENAME_EXCHANGE) === 0 || target === undefined) {
    return moveName(fromPlace, source, toPlace, to.name, target);
  }
  exchangeNames(fromPlace, source, toPlace, target);
  return 0;
}

/** True when `dentry` is `ancestor` or below it. */
function isWithin(dentry: Dentry, ancestor: Dentry): boolean {
  for (let at = dentry; ; at = at.parent) {
    if (at === ancestor) return true;
    if (at.isRoot) return false;
  }
}
