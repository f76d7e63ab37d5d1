/** The calls that read and change attributes: stat, chmod, chown, utimensat, truncate, statfs, xattr. */
import { EBADF, EINVAL, EISDIR, EOPNOTSUPP, EROFS } from '../abi/linux/errno.js';
import { AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW } from '../abi/linux/fcntl.js';
import { AT_STATX_SYNC_TYPE } from '../abi/linux/stat.js';
import { checkSetXattr, checkXattrName, NO_XATTRS, XattrStore, type XattrTarget } from './parts/xattr.js';
import { PathCalls } from './process_paths.js';
import {
  AT_FDCWD,
  type BytePath,
  type Result,
  type Stat,
  type StatFs,
  type TimeSpec,
  UTIME_OMIT,
} from './rump_kernel.js';
import { MAY_READ, MAY_WRITE, permission } from './vfs/access.js';
import { changeMode, changeOwner, changeTimes, fillStat, isTimeValid, resize } from './vfs/attributes.js';
import { FOLLOW } from './vfs/namei.js';
import { type Dentry, DirectoryBase, type Inode, RegularInode, SymlinkInode } from './vfs/vnode.js';

const STAT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;

function walkFlags(atFlags: number): number {
  return (atFlags & AT_SYMLINK_NOFOLLOW) !== 0 ? 0 : FOLLOW;
}

export abstract class AttributeCalls extends PathCalls {
  statAt(at: number, path: BytePath, flags: number, out: Stat): Result {
    if ((flags & ~STAT_FLAGS) !== 0) return -EINVAL;
    const found = this.find(at, path, flags, walkFlags(flags));
    if (typeof found === 'number') return found;
    fillStat(found.inode, out);
    return 0;
  }

  fstat(fd: number, out: Stat): Result {
    const file = this.files.get(fd);
    if (file === undefined) return -EBADF;
    fillStat(file.inode, out);
    return 0;
  }

  chmodAt(at: number, path: BytePath, mode: number, flags: number): Result {
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
    const found = this.find(at, path, flags, walkFlags(flags));
    if (typeof found === 'number') return found;
    if (found.inode instanceof SymlinkInode) return found.inode.fs.readOnly ? -EROFS : -EOPNOTSUPP;
    return changeMode(found.inode, mode, this.cred);
  }

  fchmod(fd: number, mode: number): Result {
    const file = this.fileOf(fd);
    return file === undefined ? -EBADF : changeMode(file.inode, mode, this.cred);
  }

  chownAt(at: number, path: BytePath, uid: number, gid: number, flags: number): Result {
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
    const found = this.find(at, path, flags, walkFlags(flags));
    return typeof found === 'number' ? found : changeOwner(found.inode, uid, gid, this.cred);
  }

  fchown(fd: number, uid: number, gid: number): Result {
    const file = this.fileOf(fd);
    return file === undefined ? -EBADF : changeOwner(file.inode, uid, gid, this.cred);
  }

  utimensAt(at: number, path: BytePath | null, atime: TimeSpec, mtime: TimeSpec, flags: number): Result {
    // Nothing to do is no error, whatever the path is (utimensat(2)).
    if (atime.nsec === UTIME_OMIT && mtime.nsec === UTIME_OMIT) return 0;
    if (path === null && flags !== 0) return -EINVAL;
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
    const found = this.#target(at, path, flags);
    if (typeof found === 'number') return found;
    if (!isTimeValid(atime) || !isTimeValid(mtime)) return -EINVAL;
    return changeTimes(found.inode, atime, mtime, this.cred);
  }

  truncate(path: BytePath, length: number): Result {
    if (length < 0) return -EINVAL;
    const found = this.find(AT_FDCWD, path, 0, FOLLOW);
    if (typeof found === 'number') return found;
    const { inode } = found;
    if (inode instanceof DirectoryBase) return -EISDIR;
    if (!(inode instanceof RegularInode)) return -EINVAL;
    if (inode.fs.readOnly) return -EROFS;
    const refused = permission(inode, MAY_WRITE, this.cred);
    return refused !== 0 ? refused : resize(inode, length, false, this.fsize, this.cred);
  }

  statfs(path: BytePath, out: StatFs): Result {
    const found = this.find(AT_FDCWD, path, 0, FOLLOW);
    if (typeof found === 'number') return found;
    found.inode.fs.fillStatFs(out);
    return 0;
  }

  fstatfs(fd: number, out: StatFs): Result {
    const file = this.files.get(fd);
    if (file === undefined) return -EBADF;
    file.inode.fs.fillStatFs(out);
    return 0;
  }

  getXattr(at: number, path: BytePath | null, flags: number, name: BytePath, out: Uint8Array): Result {
    const refused = checkXattrName(name);
    if (refused !== 0) return refused;
    const found = this.#target(at, path, flags);
    if (typeof found === 'number') return found;
    return (found.inode.xattrs ?? NO_XATTRS).get(xattrTarget(found.inode), this.cred, name, out);
  }

  listXattr(at: number, path: BytePath | null, flags: number, out: Uint8Array): Result {
    const found = this.#target(at, path, flags);
    if (typeof found === 'number') return found;
    return (found.inode.xattrs ?? NO_XATTRS).list(this.cred, out);
  }

  setXattr(
    at: number,
    path: BytePath | null,
    flags: number,
    name: BytePath,
    value: Uint8Array,
    xflags: number,
  ): Result {
    const refused = checkSetXattr(name, value.length, xflags);
    if (refused !== 0) return refused;
    const found = this.#target(at, path, flags);
    if (typeof found === 'number') return found;
    const { inode } = found;
    if (inode.fs.readOnly) return -EROFS;
    if (inode.fs.type === 'proc') return -EOPNOTSUPP;
    const store = inode.xattrs ?? new XattrStore();
    const status = store.set(xattrTarget(inode), this.cred, name, value, xflags);
    if (status === 0) {
      inode.xattrs = store;
      this.#changed(inode);
    }
    return status;
  }

  removeXattr(at: number, path: BytePath | null, flags: number, name: BytePath): Result {
    const refused = checkXattrName(name);
    if (refused !== 0) return refused;
    const found = this.#target(at, path, flags);
    if (typeof found === 'number') return found;
    const { inode } = found;
    if (inode.fs.readOnly) return -EROFS;
    const status = (inode.xattrs ?? NO_XATTRS).remove(xattrTarget(inode), this.cred, name);
    if (status === 0) this.#changed(inode);
    return status;
  }

  /** A path, or with null an open descriptor itself, which may not be one of O_PATH. */
  #target(at: number, path: BytePath | null, flags: number): Dentry | number {
    if (path !== null) return this.find(at, path, flags, walkFlags(flags));
    return this.fileOf(at)?.dentry ?? -EBADF;
  }

  #changed(inode: Inode): void {
    this.kernel.clock.tick();
    inode.changed(this.kernel.clock);
  }
}

function xattrTarget(inode: Inode): XattrTarget {
  return {
    mode: inode.mode,
    uid: inode.uid,
    access: (cred, want) => permission(inode, want === 'read' ? MAY_READ : MAY_WRITE, cred),
  };
}
