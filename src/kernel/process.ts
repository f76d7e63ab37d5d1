/** A process of the embedded kernel: its life, its locks, mounts and modules; the rest is in the classes below it. */

import { EBADF, EINVAL, ENOEXEC, EPERM } from '../abi/linux/errno.js';
import {
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from '../abi/linux/fcntl.js';
import { UMOUNT_NOFOLLOW } from '../abi/linux/mount.js';
import type { OpenFile } from './open_files.js';
import { type LockRange, lockRange } from './parts/locks.js';
import { unload } from './parts/modules.js';
import { SocketCalls } from './process_sockets.js';
import type { MountInfo, Result } from './rump_kernel.js';
import { AT_FDCWD, type BytePath, type FileLock, type KernelProcess } from './rump_kernel.js';
import { UMOUNT_FLAGS } from './vfs/mounts.js';
import { FOLLOW } from './vfs/namei.js';

export class EmbeddedProcess extends SocketCalls implements KernelProcess {
  fork(pid: number, share: { files: boolean; fs: boolean }): EmbeddedProcess {
    const { kernel, comm, prefix, cred, nofile, fsize } = this;
    const files = share.files ? this.files.share() : this.files.copy();
    const fs = share.fs ? this.fs.share() : this.fs.copy();
    return new EmbeddedProcess({ kernel, pid, comm, prefix, cred, nofile, fsize, files, fs });
  }

  unshare(what: { files: boolean; fs: boolean }): void {
    if (what.files && this.files.isShared) {
      const own = this.files.copy();
      this.files.leave();
      this.files = own;
    }
    if (what.fs && this.fs.isShared) {
      const own = this.fs.copy();
      this.fs.leave();
      this.fs = own;
    }
  }

  exec(comm: string): void {
    this.unshare({ files: true, fs: false });
    this.comm = comm;
    this.files.closeOnExec();
  }

  exit(): void {
    this.files.leave();
    this.fs.leave();
  }

  flock(fd: number, operation: number): Result {
    const type = operation & ~LOCK_NB;
    if (type !== LOCK_SH && type !== LOCK_EX && type !== LOCK_UN) return -EINVAL;
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    if (type !== LOCK_UN && !file.canRead && !file.canWrite) return -EBADF;
    return this.kernel.locksOf(file.inode).flock(file, operation);
  }

  getLock(fd: number, lock: FileLock, ofd: boolean): Result {
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    if (lock.type !== F_RDLCK && lock.type !== F_WRLCK && !(ofd && lock.type === F_UNLCK)) return -EINVAL;
    if (ofd && lock.pid !== 0) return -EINVAL;
    const range = this.#range(file, lock);
    if (typeof range === 'number') return range;
    const request = { ...range, ...this.#owner(file, ofd), type: lock.type, pid: this.pid };
    const conflict = file.inode.locks?.get(request);
    if (conflict === undefined) {
      lock.type = F_UNLCK;
      return 0;
    }
    lock.type = conflict.type;
    lock.whence = SEEK_SET;
    lock.start = conflict.start;
    lock.len = conflict.end === Infinity ? 0 : conflict.end - conflict.start + 1;
    lock.pid = conflict.pid;
    return 0;
  }

  setLock(fd: number, lock: FileLock, ofd: boolean, wait: boolean): Result {
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    const range = this.#range(file, lock);
    if (typeof range === 'number') return range;
    if (lock.type !== F_RDLCK && lock.type !== F_WRLCK && lock.type !== F_UNLCK) return -EINVAL;
    if (lock.type === F_RDLCK && !file.canRead) return -EBADF;
    if (lock.type === F_WRLCK && !file.canWrite) return -EBADF;
    if (ofd && lock.pid !== 0) return -EINVAL;
    const request = { ...range, ...this.#owner(file, ofd), type: lock.type, pid: this.pid };
    return this.kernel.locksOf(file.inode).set(request, wait);
  }

  mount(source: BytePath, target: BytePath, type: BytePath, flags: number, data: BytePath): Result {
    const found = this.find(AT_FDCWD, target, 0, FOLLOW);
    if (typeof found === 'number') return found;
    return this.kernel.mounts.mount(source, found, type, flags, data, this.cred);
  }

  umount(target: BytePath, flags: number): Result {
    if ((flags & ~UMOUNT_FLAGS) !== 0) return -EINVAL;
    const found = this.find(AT_FDCWD, target, 0, (flags & UMOUNT_NOFOLLOW) !== 0 ? 0 : FOLLOW);
    return typeof found === 'number' ? found : this.kernel.mounts.umount(found, flags, this.cred);
  }

  mounts(out: MountInfo[]): Result {
    out.push(...this.kernel.mounts.list(this.prefix));
    return out.length;
  }

  /** -EPERM without fsuid 0; else -ENOEXEC: this kernel loads nothing. */
  initModule(_image: Uint8Array): Result {
    return this.cred.uid !== 0 ? -EPERM : -ENOEXEC;
  }

  deleteModule(name: BytePath, _flags: number): Result {
    return this.cred.uid !== 0 ? -EPERM : unload(name);
  }

  /** Whose a byte-range lock is: the descriptor table's or the open file description's. */
  #owner(file: OpenFile, ofd: boolean): { kind: 'posix' | 'ofd'; owner: object } {
    return ofd ? { kind: 'ofd', owner: file } : { kind: 'posix', owner: this.files };
  }

  #range(file: OpenFile, lock: FileLock): LockRange | number {
    switch (lock.whence) {
      case SEEK_SET:
        return lockRange(0, lock.start, lock.len);
      case SEEK_CUR:
        return lockRange(file.offset, lock.start, lock.len);
      case SEEK_END:
        return lockRange(file.inode.size, lock.start, lock.len);
      default:
        return -EINVAL;
    }
  }
}
