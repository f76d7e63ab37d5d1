/** The calls that make, remove and rename names, and the working directory (fs/namei.c, fs/open.c). */
import {
  EACCES,
  EBADF,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EPERM,
  ERANGE,
  EROFS,
} from '../abi/linux/errno.js';
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
} from '../abi/linux/fcntl.js';
import { PATH_MAX } from '../abi/linux/limits.js';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from '../abi/linux/stat.js';
import { putPath } from './process_base.js';
import { IoCalls } from './process_io.js';
import { AT_FDCWD, type BytePath, type Result } from './rump_kernel.js';
import { MAY_EXEC, MAY_WRITE, permission } from './vfs/access.js';
import { pathFromRoot } from './vfs/mounts.js';
import { DIRECTORY, FOLLOW } from './vfs/namei.js';
import { checkRenameFlags, link, lookupNew, mayCreate, placeOf, rename, rmdir, unlink } from './vfs/names.js';
import { addName, makeInode, makeSymlink, type Place } from './vfs/tmpfs.js';
import { type Dentry, DirectoryBase, DirectoryInode, SymlinkInode } from './vfs/vnode.js';

export abstract class PathCalls extends IoCalls {
  mkdirAt(at: number, path: BytePath, mode: number): Result {
    // Only permission bits and the sticky bit: set-id bits come from the parent alone (vfs_mkdir).
    return this.#make(at, path, S_IFDIR | (mode & 0o1777 & ~this.fileMask), 0);
  }

  mknodAt(at: number, path: BytePath, mode: number, dev: number): Result {
    const type = (mode & S_IFMT) === 0 ? S_IFREG : mode & S_IFMT;
    if (type === S_IFDIR) return -EPERM;
    if (![S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK].includes(type)) return -EINVAL;
    const isDevice = type === S_IFCHR || type === S_IFBLK;
    return this.#make(at, path, type | (mode & 0o7777 & ~this.fileMask), isDevice ? dev : 0);
  }

  symlinkAt(target: BytePath, at: number, path: BytePath): Result {
    if (target === '') return -ENOENT;
    if (target.length >= PATH_MAX) return -ENAMETOOLONG;
    const place = this.#placeFor(at, path, false);
    if (typeof place === 'number') return place;
    const inode = makeSymlink(place.directory, target, this.cred);
    if (typeof inode === 'number') return inode;
    addName(place, this.kernel.lookup.name, inode);
    return 0;
  }

  linkAt(oldAt: number, oldPath: BytePath, newAt: number, newPath: BytePath, flags: number): Result {
    if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
    // CAP_DAC_READ_SEARCH, or the opener's own credentials (LOOKUP_LINKAT_EMPTY of fs/namei.c).
    if (oldPath === '' && this.cred.uid !== 0) {
      const file = this.files.get(oldAt);
      if (file !== undefined && file.opener !== this.cred) return -ENOENT;
    }
    const source = this.find(oldAt, oldPath, flags, (flags & AT_SYMLINK_FOLLOW) !== 0 ? FOLLOW : 0);
    if (typeof source === 'number') return source;
    const status = this.#lookupNew(newAt, newPath, false);
    return status !== 0 ? status : link(this.kernel.lookup, source, this.cred);
  }

  unlinkAt(at: number, path: BytePath, flags: number): Result {
    if ((flags & ~AT_REMOVEDIR) !== 0) return -EINVAL;
    const start = this.#start(at, path);
    if (typeof start === 'number') return start;
    const remove = (flags & AT_REMOVEDIR) !== 0 ? rmdir : unlink;
    return remove(this.kernel.lookup, start, path, this);
  }

  renameAt(oldAt: number, oldPath: BytePath, newAt: number, newPath: BytePath, flags: number): Result {
    const refused = checkRenameFlags(flags);
    if (refused !== 0) return refused;
    const oldStart = this.#start(oldAt, oldPath);
    if (typeof oldStart === 'number') return oldStart;
    const newStart = this.#start(newAt, newPath);
    // The old path's own errors come before those of the new one's descriptor.
    if (typeof newStart === 'number') {
      return this.kernel.lookup.lookupParent(oldStart, oldPath, this) || newStart;
    }
    return rename(this.kernel.lookup, oldStart, oldPath, newStart, newPath, flags, this);
  }

  readlinkAt(at: number, path: BytePath, out: Uint8Array): Result {
    const found = this.find(at, path, AT_EMPTY_PATH, 0);
    if (typeof found === 'number') return found;
    const { inode } = found;
    if (!(inode instanceof SymlinkInode)) return path === '' ? -ENOENT : -EINVAL;
    this.kernel.clock.tick();
    inode.accessed(this.kernel.clock);
    return putPath(inode.target, out);
  }

  accessAt(at: number, path: BytePath, mode: number, flags: number): Result {
    if ((mode & ~7) !== 0) return -EINVAL;
    if ((flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
    const found = this.find(at, path, flags, (flags & AT_SYMLINK_NOFOLLOW) !== 0 ? 0 : FOLLOW);
    if (typeof found === 'number') return found;
    const { inode } = found;
    if ((mode & MAY_EXEC) !== 0 && inode.type === S_IFREG && inode.fs.noExec) return -EACCES;
    const refused = permission(inode, mode, this.cred);
    if (refused !== 0) return refused;
    const isSpecial = [S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK].includes(inode.type);
    return (mode & MAY_WRITE) !== 0 && !isSpecial && inode.fs.readOnly ? -EROFS : 0;
  }

  getcwd(out: Uint8Array): Result {
    const { cwd } = this.fs;
    if (cwd.inode instanceof DirectoryInode && cwd.inode.isDead) return -ENOENT;
    const path = pathFromRoot(cwd, this.kernel.root);
    if (path === undefined) return -ENOENT;
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    return path.length > out.length ? -ERANGE : putPath(path, out);
  }

  chdir(path: BytePath): Result {
    return this.#enter(this.find(AT_FDCWD, path, 0, FOLLOW | DIRECTORY));
  }

  fchdir(fd: number): Result {
    const file = this.files.get(fd);
    if (file === undefined) return -EBADF;
    return this.#enter(file.inode instanceof DirectoryBase ? file.dentry : -ENOTDIR);
  }

  umask(mask: number): number {
    const previous = this.fs.umask;
    this.fs.umask = mask & 0o777;
    return previous;
  }

  #enter(found: Dentry | number): number {
    if (typeof found === 'number') return found;
    const refused = permission(found.inode, MAY_EXEC, this.cred);
    if (refused === 0) this.fs.cwd = found;
    return refused;
  }

  // What an AF_UNIX socket asks for (SocketCaller).

  resolve(path: BytePath): Dentry | number {
    return this.find(AT_FDCWD, path, 0, FOLLOW);
  }

  makeSocket(path: BytePath, permissions: number, refused: number): Dentry | number {
    const place = this.#placeFor(AT_FDCWD, path, false);
    if (typeof place === 'number') return place;
    if (refused !== 0) return refused;
    const mode = S_IFSOCK | (permissions & ~this.fileMask);
    const inode = makeInode(place.directory, mode, 0, this.cred);
    return typeof inode === 'number' ? inode : addName(place, this.kernel.lookup.name, inode);
  }

  /** The start of a path that may not be empty. */
  #start(at: number, path: BytePath): Dentry | number {
    return path === '' ? -ENOENT : this.startOf(at, path);
  }

  #lookupNew(at: number, path: BytePath, isDirectory: boolean): number {
    const start = this.#start(at, path);
    return typeof start === 'number' ? start : lookupNew(this.kernel.lookup, start, path, isDirectory, this);
  }

  /** Where a new name goes, once it may be made. */
  #placeFor(at: number, path: BytePath, isDirectory: boolean): Place | number {
    const status =
      this.#lookupNew(at, path, isDirectory) || mayCreate(this.kernel.lookup.parent.inode, this.cred);
    return status !== 0 ? status : placeOf(this.kernel.lookup.parent);
  }

  #make(at: number, path: BytePath, mode: number, rdev: number): number {
    const place = this.#placeFor(at, path, (mode & S_IFMT) === S_IFDIR);
    if (typeof place === 'number') return place;
    const type = mode & S_IFMT;
    // CAP_MKNOD
    if ((type === S_IFCHR || type === S_IFBLK) && this.cred.uid !== 0) return -EPERM;
    const inode = makeInode(place.directory, mode, rdev, this.cred);
    if (typeof inode === 'number') return inode;
    addName(place, this.kernel.lookup.name, inode);
    return 0;
  }
}
