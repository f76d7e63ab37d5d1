/** Open file descriptions (open(2)): what a descriptor refers to, shared by its copies. */
import { EBADF, EINVAL, ENOTTY, EPERM, ESPIPE } from '../abi/linux/errno.js';
import {
  O_ACCMODE,
  O_NOATIME,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  SEEK_CUR,
  SEEK_SET,
} from '../abi/linux/fcntl.js';
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../abi/linux/poll.js';
import type { Credentials, DirSink, Pending, Result, Uio } from './rump_kernel.js';
import type { Watcher } from './socket_calls.js';
import type { Dentry, Inode } from './vfs/vnode.js';

/** Who reads or writes. */
export interface Caller {
  readonly pid: number;
  readonly cred: Credentials;
  /** RLIMIT_FSIZE in bytes. */
  readonly fsize: number;
}

/** An event that will not come: a poll(2) for what this file never has. */
class Never implements Pending {
  onDone(): void {}
  cancel(): number {
    return 0;
  }
}

/** The largest offset + 1 (MAX_LFS_FILESIZE). */
export const OFFSET_END = 2 ** 63;

/**
 * One open file description; each kind of file has its own. What a kind does not have answers what the host does:
 * no reading or writing without the access mode (EBADF), no positions (ESPIPE).
 */
export abstract class OpenFile {
  readonly dentry: Dentry;
  readonly inode: Inode;
  /** The access mode, status flags and what else of open(2)'s flags F_GETFL shows. */
  flags: number;
  offset = 0;
  /** Who opened it: whoever is that still may link it by its descriptor alone. */
  opener: Credentials | undefined;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  #references = 0;

  constructor(dentry: Dentry, flags: number) {
    this.dentry = dentry;
    this.inode = dentry.inode;
    this.flags = flags;
    const mode = flags & O_ACCMODE;
    const isPath = (flags & O_PATH) !== 0;
    // Access mode 3 may neither read nor write (OPEN_FMODE of linux/fs.h).
    this.canRead = !isPath && (mode === O_RDONLY || mode === 2);
    this.canWrite = !isPath && (mode === O_WRONLY || mode === 2);
  }

  /** A child of fork(2) gets a copy of its descriptor. */
  get isInherited(): boolean {
    return true;
  }

  get isPath(): boolean {
    return (this.flags & O_PATH) !== 0;
  }

  get isNonblocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }

  /** Descriptors, messages on their way and calls that refer to it. */
  get references(): number {
    return this.#references;
  }

  /** One more descriptor refers to it; the first one keeps the inode and its file system in use. */
  acquire(): void {
    this.#references++;
    if (this.#references > 1) return;
    this.inode.opens++;
    this.inode.fs.users++;
    if (this.canWrite) this.inode.fs.writers++;
  }

  /** One less; the last one closes it. */
  release(): void {
    this.#references--;
    if (this.#references > 0) return;
    const { inode } = this;
    inode.locks?.releaseDescription(this);
    this.closed();
    inode.opens--;
    if (this.canWrite) inode.fs.writers--;
    inode.fs.released(inode);
    inode.fs.leave();
  }

  /** read(2) at the offset, which advances. `nonblock`: as if O_NONBLOCK were set. */
  read(_uio: Uio, _caller: Caller, _nonblock: boolean): Result {
    return this.canRead ? -EINVAL : -EBADF;
  }

  /** As a read() that does not block and leaves the bytes where they are; only sockets can. */
  peek(_uio: Uio, _caller: Caller): Result {
    return -EINVAL;
  }

  /** write(2) at the offset, which advances, or at the end with O_APPEND. */
  write(_uio: Uio, _caller: Caller, _nonblock: boolean): Result {
    return this.canWrite ? -EINVAL : -EBADF;
  }

  /** pread(2). */
  readAt(_uio: Uio, _offset: number, _caller: Caller): Result {
    return -ESPIPE;
  }

  /** pwrite(2); with `append` at the end, wherever that is. */
  writeAt(_uio: Uio, _offset: number, _append: boolean, _caller: Caller): Result {
    return -ESPIPE;
  }

  /** lseek(2). */
  seek(_offset: number, _whence: number): number {
    return -ESPIPE;
  }

  /** FIONREAD. */
  readable(): number {
    return -ENOTTY;
  }

  /** poll(2): what never blocks is always ready. */
  poll(events: number): Result {
    const ready = events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
    return ready !== 0 ? ready : new Never();
  }

  /** Tells a watcher of each change of readiness: 0, or -EPERM for what is always ready (as epoll_ctl(2) says). */
  watch(_watcher: Watcher): number {
    return -EPERM;
  }

  /** getdents(2): how many entries `sink` took; -ENOTDIR but for directories. */
  abstract getDents(sink: DirSink): number;

  /** fsync(2). */
  sync(): number {
    return this.isPath ? -EBADF : -EINVAL;
  }

  /** The last descriptor is gone. */
  protected closed(): void {}

  protected get keepsAccessTime(): boolean {
    return (this.flags & O_NOATIME) !== 0;
  }

  /** SEEK_SET and SEEK_CUR, the same for all that have positions; `next` is what others come to. */
  protected position(offset: number, whence: number, end: number, limit: number): number {
    let next: number;
    if (whence === SEEK_SET) next = offset;
    else if (whence === SEEK_CUR) next = this.offset + offset;
    else if (whence === 2) next = end + offset;
    else return -EINVAL;
    if (next < 0 || next >= limit || Number.isNaN(next)) return -EINVAL;
    this.offset = next;
    return next;
  }
}
