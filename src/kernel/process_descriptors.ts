/** The calls on descriptors as such: open, close, dup, fcntl (fs/file.c, fs/fcntl.c). */
import { EBADF, EINVAL, EMFILE, ENAMETOOLONG, ENOENT, EOPNOTSUPP, EPERM } from '../abi/linux/errno.js';
import {
  AT_EMPTY_PATH,
  AT_HANDLE_FID,
  AT_SYMLINK_FOLLOW,
  FD_CLOEXEC,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_NOATIME,
  O_NONBLOCK,
} from '../abi/linux/fcntl.js';
import type { OpenFile } from './open_files.js';
import { OpenFifo } from './open_special.js';
import { ProcessBase } from './process_base.js';
import type { BytePath, Result } from './rump_kernel.js';
import { isOwner } from './vfs/access.js';
import { pathFromRoot } from './vfs/mounts.js';
import { FOLLOW } from './vfs/namei.js';
import { checkFlags, openDentry, openPath } from './vfs/open.js';
import type { Dentry } from './vfs/vnode.js';
import { RegularInode } from './vfs/vnode.js';

/** SETFL_MASK of fs/fcntl.c, without O_ASYNC, which no file here can do. */
const SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

export abstract class DescriptorCalls extends ProcessBase {
  openAt(at: number, path: BytePath, flags: number, mode: number, resolve: number): Result {
    const cleaned = checkFlags(flags, resolve);
    if (cleaned < 0) return cleaned;
    if (path === '') return -ENOENT;
    if (this.files.isFull(this.nofile)) return -EMFILE;
    const start = this.startOf(at, path);
    if (typeof start === 'number') return start;
    const file = openPath(this.kernel.lookup, start, path, cleaned, mode, resolve, this);
    return typeof file === 'number' ? file : this.#install(file, cleaned);
  }

  reopen(fd: number, flags: number): Result {
    const cleaned = checkFlags(flags & ~O_CREAT, 0);
    if (cleaned < 0) return cleaned;
    if (this.files.isFull(this.nofile)) return -EMFILE;
    const known = this.files.get(fd);
    if (known === undefined) return -ENOENT;
    const file = openDentry(known.dentry, cleaned, this);
    return typeof file === 'number' ? file : this.#install(file, cleaned);
  }

  close(fd: number): Result {
    return this.files.close(fd);
  }

  dup(fd: number, min: number, cloexec: boolean): Result {
    const file = this.files.get(fd);
    return file === undefined ? -EBADF : this.files.install(file, min, this.nofile, cloexec);
  }

  isOpen(fd: number): boolean {
    return this.files.get(fd) !== undefined;
  }

  getFdFlags(fd: number): Result {
    if (this.files.get(fd) === undefined) return -EBADF;
    return this.files.isCloseOnExec(fd) ? FD_CLOEXEC : 0;
  }

  setFdFlags(fd: number, flags: number): Result {
    if (this.files.get(fd) === undefined) return -EBADF;
    this.files.setCloseOnExec(fd, (flags & FD_CLOEXEC) !== 0);
    return 0;
  }

  getStatusFlags(fd: number): Result {
    return this.files.get(fd)?.flags ?? -EBADF;
  }

  setStatusFlags(fd: number, flags: number): Result {
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    const turnsOn = flags & ~file.flags;
    if ((turnsOn & O_NOATIME) !== 0 && !isOwner(file.inode, this.cred)) return -EPERM;
    if ((turnsOn & O_DIRECT) !== 0 && !(file.inode instanceof RegularInode)) return -EINVAL;
    file.flags = (file.flags & ~SETTABLE) | (flags & SETTABLE);
    return 0;
  }

  fileType(fd: number): Result {
    return this.files.get(fd)?.inode.type ?? -EBADF;
  }

  pathOf(fd: number, out: Uint8Array): Result {
    const dentry = this.files.get(fd)?.dentry;
    if (dentry === undefined) return -EBADF;
    const path = Buffer.from(this.#shownPath(dentry), 'latin1');
    if (path.length > out.length) return -ENAMETOOLONG;
    out.set(path);
    return path.length;
  }

  #shownPath(dentry: Dentry): BytePath {
    if (dentry.inode.fs === this.kernel.sockets.fs) return dentry.name;
    const path = pathFromRoot(dentry, this.kernel.root) ?? `/${dentry.name}`;
    if (dentry.isAttached) return path;
    // O_TMPFILE's are named for their inode, below the file system's root.
    return dentry.name === `#${dentry.inode.ino}` ? `/${dentry.name} (deleted)` : `${path} (deleted)`;
  }

  nameToHandle(at: number, path: BytePath, flags: number, out: Uint8Array): Result {
    if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID)) !== 0) return -EINVAL;
    const found = this.find(at, path, flags, (flags & AT_SYMLINK_FOLLOW) !== 0 ? FOLLOW : 0);
    if (typeof found === 'number') return found;
    return found.inode.fs.type === 'proc' ? -EOPNOTSUPP : this.kernel.makeHandle(found, out);
  }

  openByHandle(handle: Uint8Array, flags: number): Result {
    if (this.cred.uid !== 0) return -EPERM;
    const found = this.kernel.findHandle(handle);
    if (typeof found === 'number') return found;
    const cleaned = checkFlags(flags & ~O_CREAT, 0);
    if (cleaned < 0) return cleaned;
    if (this.files.isFull(this.nofile)) return -EMFILE;
    const file = openDentry(found, cleaned & ~O_DIRECTORY, this);
    return typeof file === 'number' ? file : this.#install(file, cleaned);
  }

  /** Gives an open file its number; a fifo's open may have to wait for the other end first. */
  #install(file: OpenFile, flags: number): Result {
    file.opener = this.cred;
    const cloexec = (flags & O_CLOEXEC) !== 0;
    const install = (): number => this.files.install(file, 0, this.nofile, cloexec);
    if (!(file instanceof OpenFifo)) return install();
    const opened = file.end.open(file.isNonblocking);
    if (typeof opened === 'number') {
      if (opened < 0) return opened;
      if ((flags & O_DIRECT) === 0) return install();
      file.end.close();
      return -EINVAL;
    }
    return {
      onDone: done =>
        opened.onDone(status => {
          const result = status < 0 ? status : install();
          // The last number went to somebody else while this call waited.
          if (result < 0) file.end.close();
          done(result);
        }),
      cancel: () => opened.cancel(),
    };
  }
}
