/** open(2): the checks of fs/open.c and fs/namei.c, and the open file description that comes of it. */
import {
  EACCES,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EPERM,
  EROFS,
} from '../../abi/linux/errno.js';
import {
  __O_SYNC,
  __O_TMPFILE,
  FASYNC,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_TRUNC,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../abi/linux/fcntl.js';
import { S_IFIFO, S_IFREG, S_ISVTX, S_IWOTH } from '../../abi/linux/stat.js';
import type { Caller, OpenFile } from '../open_files.js';
import { OpenDirectory, OpenRegular } from '../open_regular.js';
import { OpenDevice, OpenFifo, OpenPath, OpenSynth } from '../open_special.js';
import { findDevice } from '../parts/devices.js';
import type { BytePath } from '../rump_kernel.js';
import { isOwner, MAY_EXEC, MAY_READ, MAY_WRITE, permission } from './access.js';
import { resize } from './attributes.js';
import { DIRECTORY, FOLLOW, LAST_NORM, type NameLookup, type Walker } from './namei.js';
import { mayCreate, placeOf } from './names.js';
import { addName, makeInode } from './tmpfs.js';
import {
  Dentry,
  DirectoryBase,
  FifoInode,
  type Inode,
  isDevice,
  isSocket,
  RegularInode,
  SymlinkInode,
  SynthDirInode,
  SynthFileInode,
} from './vnode.js';

/** Who opens. */
export interface Opener extends Walker, Caller {
  readonly fileMask: number;
}

const RESOLVE_ALL =
  RESOLVE_NO_XDEV |
  RESOLVE_NO_MAGICLINKS |
  RESOLVE_NO_SYMLINKS |
  RESOLVE_BENEATH |
  RESOLVE_IN_ROOT |
  RESOLVE_CACHED;

/** VALID_OPEN_FLAGS of linux/fcntl.h; open(2) drops all others. */
const VALID =
  O_ACCMODE |
  O_CREAT |
  O_EXCL |
  O_NOCTTY |
  O_TRUNC |
  O_APPEND |
  O_NONBLOCK |
  __O_SYNC |
  O_DSYNC |
  FASYNC |
  O_DIRECT |
  O_LARGEFILE |
  O_DIRECTORY |
  O_NOFOLLOW |
  O_NOATIME |
  O_CLOEXEC |
  O_PATH |
  __O_TMPFILE;
const PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
/** Not kept in the open file description. */
const ONLY_FOR_OPEN = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

/** What the access mode asks of the permission bits; mode 3 asks for both. */
const ACCESS = [MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE];

/** Flags as build_open_flags takes them: cleaned, or -EINVAL for combinations that mean nothing. */
export function checkFlags(flags: number, resolve: number): number {
  if ((resolve & ~RESOLVE_ALL) !== 0) return -EINVAL;
  if ((resolve & RESOLVE_BENEATH) !== 0 && (resolve & RESOLVE_IN_ROOT) !== 0) return -EINVAL;
  let cleaned = flags & VALID;
  if ((cleaned & O_PATH) !== 0) cleaned &= PATH_FLAGS;
  else cleaned |= O_LARGEFILE;
  if ((cleaned & (O_DIRECTORY | O_CREAT)) === (O_DIRECTORY | O_CREAT)) return -EINVAL;
  if ((cleaned & __O_TMPFILE) !== 0) {
    if ((cleaned & O_DIRECTORY) === 0 || (ACCESS[cleaned & O_ACCMODE] & MAY_WRITE) === 0) return -EINVAL;
  }
  return cleaned;
}

function accessOf(flags: number): number {
  return ACCESS[flags & O_ACCMODE] | ((flags & O_TRUNC) !== 0 ? MAY_WRITE : 0);
}

/** Opens a path; `flags` as `checkFlags` returned them. An open file that nothing refers to yet, or -errno. */
export function openPath(
  lookup: NameLookup,
  start: Dentry,
  path: BytePath,
  flags: number,
  mode: number,
  resolve: number,
  opener: Opener,
): OpenFile | number {
  if ((flags & O_CREAT) !== 0) return openOrCreate(lookup, start, path, flags, mode, resolve, opener);
  const follow = (flags & O_NOFOLLOW) === 0 ? FOLLOW : 0;
  const wants = (flags & O_DIRECTORY) !== 0 ? DIRECTORY : 0;
  const found = lookup.lookup(start, path, follow | wants, opener, resolve);
  if (typeof found === 'number') return found;
  if ((flags & __O_TMPFILE) !== 0) return makeTemporary(found, flags, mode, opener);
  return openDentry(found, flags, opener);
}

/** Opens what a dentry leads to. -errno as openPath. */
export function openDentry(dentry: Dentry, flags: number, opener: Opener): OpenFile | number {
  const { inode } = dentry;
  if ((flags & O_DIRECTORY) !== 0 && !(inode instanceof DirectoryBase)) return -ENOTDIR;
  if ((flags & O_PATH) !== 0) return new OpenPath(dentry, flags & ~ONLY_FOR_OPEN);
  const refused = mayOpen(inode, flags, opener);
  if (refused !== 0) return refused;
  const file = describe(dentry, flags & ~ONLY_FOR_OPEN);
  if (typeof file === 'number') return file;
  if ((flags & O_TRUNC) !== 0 && inode instanceof RegularInode) {
    const status = resize(inode, 0, true, opener.fsize, opener.cred);
    if (status !== 0) return status;
  }
  return file;
}

function mayOpen(inode: Inode, flags: number, opener: Opener): number {
  const access = accessOf(flags);
  if ((flags & O_TRUNC) !== 0 && inode.type === S_IFREG && inode.fs.readOnly) return -EROFS;
  if (inode instanceof SymlinkInode) return -ELOOP;
  if (inode instanceof DirectoryBase && (access & MAY_WRITE) !== 0) return -EISDIR;
  if (isDevice(inode) && inode.fs.noDev) return -EACCES;
  const refused = permission(inode, access, opener.cred);
  if (refused !== 0) return refused;
  return (flags & O_NOATIME) !== 0 && !isOwner(inode, opener.cred) ? -EPERM : 0;
}

/** The open file of each kind. -ENXIO for sockets' names and devices that are not there. */
function describe(dentry: Dentry, flags: number): OpenFile | number {
  const { inode } = dentry;
  if (inode instanceof RegularInode) return new OpenRegular(dentry, inode, flags);
  if (inode instanceof DirectoryBase) {
    return (flags & O_DIRECT) !== 0 ? -EINVAL : new OpenDirectory(dentry, inode, flags);
  }
  if (inode instanceof FifoInode) {
    return (flags & O_ACCMODE) === O_ACCMODE ? -EINVAL : new OpenFifo(dentry, inode.fifo, flags);
  }
  if (inode instanceof SynthFileInode) return new OpenSynth(dentry, inode, flags);
  if (isSocket(inode)) return -ENXIO;
  const driver = findDevice(inode.mode, inode.rdev);
  if (typeof driver === 'number') return driver;
  return (flags & O_DIRECT) !== 0 ? -EINVAL : new OpenDevice(dentry, driver, flags);
}

function openOrCreate(
  lookup: NameLookup,
  start: Dentry,
  path: BytePath,
  flags: number,
  mode: number,
  resolve: number,
  opener: Opener,
): OpenFile | number {
  const exclusive = (flags & O_EXCL) !== 0;
  const follow = (flags & O_NOFOLLOW) === 0 && !exclusive;
  let status = lookup.lookupParent(start, path, opener, resolve);
  for (;;) {
    if (status !== 0) return status;
    if (lookup.last === LAST_NORM && lookup.trailingSlash) return -EISDIR;
    const found = lookup.finish(follow);
    // Names that the kernel makes up cannot be created: as in /proc, they are just not there.
    if (found === -ENOENT && lookup.parent.inode instanceof SynthDirInode) return found;
    if (found === -ENOENT) return create(lookup, flags, mode, opener);
    if (typeof found === 'number') {
      if (found < 0) return found;
      status = lookup.resume();
      continue;
    }
    if (exclusive) return -EEXIST;
    if (found.inode instanceof DirectoryBase) return -EISDIR;
    if (lookup.last === LAST_NORM && isTrap(lookup.parent.inode, found.inode, opener)) return -EACCES;
    return openDentry(found, flags, opener);
  }
}

/**
 * O_CREAT that meets somebody else's link, device or socket in a sticky directory that all may write to
 * (may_create_in_sticky; files and fifos are let through, as the host does unless fs.protected_regular says otherwise).
 */
function isTrap(directory: Inode, inode: Inode, opener: Opener): boolean {
  if ((directory.mode & (S_ISVTX | S_IWOTH)) !== (S_ISVTX | S_IWOTH)) return false;
  if (inode.type === S_IFREG || inode.type === S_IFIFO) return false;
  return inode.uid !== directory.uid && inode.uid !== opener.cred.uid;
}

/** A new regular file where the look-up ended; the mode's permissions do not bind this one open. */
function create(lookup: NameLookup, flags: number, mode: number, opener: Opener): OpenFile | number {
  const { parent } = lookup;
  if (parent.inode.fs.readOnly) return -EROFS;
  const refused = mayCreate(parent.inode, opener.cred);
  const place = placeOf(parent);
  if (typeof place === 'number') return refused !== 0 && refused !== place ? refused : -EACCES;
  if (refused !== 0) return refused;
  const inode = makeInode(place.directory, S_IFREG | (mode & 0o7777 & ~opener.fileMask), 0, opener.cred);
  if (typeof inode === 'number') return inode;
  return describe(addName(place, lookup.name, inode), flags & ~ONLY_FOR_OPEN);
}

/** O_TMPFILE: a regular file without a name, in the directory's file system. */
function makeTemporary(directory: Dentry, flags: number, mode: number, opener: Opener): OpenFile | number {
  if (directory.inode.fs.readOnly) return -EROFS;
  const refused = permission(directory.inode, MAY_WRITE | MAY_EXEC, opener.cred);
  if (refused !== 0) return refused;
  const place = placeOf(directory);
  if (typeof place === 'number') return -EACCES;
  const inode = makeInode(place.directory, S_IFREG | (mode & 0o7777 & ~opener.fileMask), 0, opener.cred);
  if (typeof inode === 'number') return inode;
  inode.nlink = 0;
  inode.isLinkable = (flags & O_EXCL) === 0;
  const dentry = new Dentry(inode, `#${inode.ino}`, directory);
  dentry.isAttached = false;
  return describe(dentry, flags & ~ONLY_FOR_OPEN);
}
