/**
 * The border between the hijacked calls and a rump kernel, whichever it is: typed values only, no structs and
 * no tracee addresses. Errors are Linux errnos, negative, as the kernel's own functions return them.
 */

import type { SocketProcess } from './socket_calls.js';

/**
 * A path or a name as the kernel sees it: any bytes but NUL, one character per byte (latin1), so that
 * comparing, slicing and map look-ups keep every byte as it was. Made by `Buffer.latin1Slice`.
 */
export type BytePath = string;

/** A call that is under way: its result comes later, or never when it is cancelled. */
export interface Pending {
  /** `done` runs once, with what the call would have returned: >= 0, or -errno. Never runs before this returns. */
  onDone(done: (result: number) => void): void;
  /**
   * Abandons the call. After this `done` never runs. Returns 0 when nothing was consumed, stored or locked by the
   * call, else the bytes that a write had already moved: a signal then ends the call with that count, not with
   * EINTR (pipe(7): a blocking write larger than PIPE_BUF may be partial).
   */
  cancel(): number;
  /**
   * True for a call that a signal must not end, as long as the program survives it (TASK_KILLABLE of the host's kernel, as for NFS):
   * it may have been carried out already.
   */
  readonly killable?: boolean;
  /** False for a call that a signal ends with EINTR even if its handler restarts calls: one with a timeout (signal(7)). */
  readonly restarts?: boolean;
}

/** >= 0: success. < 0: -errno. A Pending: not yet. */
export type Result = number | Pending;

/**
 * The program's side of a data transfer (uio(9)): a cursor over the memory that read, write and their vectors
 * name. The direction is the object's own: a read's Uio takes bytes from `buf`, a write's puts bytes into it.
 */
export interface Uio {
  /** Bytes still to be moved. */
  readonly resid: number;
  /** True where fewer bytes than asked are no fault: the memory is another file, which has room for no more. */
  readonly takesParts?: boolean;
  /**
   * Moves `length` bytes (at most resid) between the program and `buf[offset...]` and advances the cursor.
   * Returns how many were moved: fewer than asked only where the program's memory ends (EFAULT).
   */
  move(buf: Uint8Array, offset: number, length: number): number;
}

/** `at` arguments besides descriptors. */
export const AT_FDCWD = -100;
/**
 * The tree that the kernel shows in place of parts of the host's /proc: `sys/...` (its sysctl tree),
 * `mounts`, `mountinfo`, `mountstats` (its mounts) and `modules`. Paths below it are relative: `openAt(AT_PROC, 'mounts', ...)`.
 */
export const AT_PROC = -200;

/** struct stat and statx in one; times in whole seconds and nanoseconds. Filled in by the kernel, owned by the caller. */
export interface Stat {
  dev: number;
  ino: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  /** Device number of a device node (makedev(3) encoding of the host), else 0. */
  rdev: number;
  size: number;
  blksize: number;
  /** 512-byte units. */
  blocks: number;
  atimeSec: number;
  atimeNsec: number;
  mtimeSec: number;
  mtimeNsec: number;
  ctimeSec: number;
  ctimeNsec: number;
  btimeSec: number;
  btimeNsec: number;
  /** Mount id as in /proc/self/mountinfo. */
  mntId: number;
}

/** struct statfs (statfs(2)); sizes in blocks of `bsize`. */
export interface StatFs {
  type: number;
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
  fsid: number;
  namelen: number;
  frsize: number;
  /** ST_* of statvfs.h. */
  flags: number;
}

/** One end of a time update: an instant, or one of these. */
export const UTIME_NOW = -1;
export const UTIME_OMIT = -2;
export interface TimeSpec {
  sec: number;
  /** Nanoseconds, or UTIME_NOW or UTIME_OMIT. */
  nsec: number;
}

/** Takes directory entries one by one; `false` means that this one did not fit and comes again next time. */
export type DirSink = (name: BytePath, ino: number, type: number, nextOffset: number) => boolean;

/** struct flock (fcntl(2)), with `whence` resolved by the kernel. */
export interface FileLock {
  /** F_RDLCK, F_WRLCK or F_UNLCK. */
  type: number;
  whence: number;
  start: number;
  /** 0: to the end of the file; may be negative. */
  len: number;
  /** Out of F_GETLK: the holder's pid, -1 for an open file description lock. */
  pid: number;
}

/** Who is asking, as fsuid and friends (credentials(7)). Capabilities follow from fsuid 0. */
export interface Credentials {
  uid: number;
  gid: number;
  groups: readonly number[];
}

export interface SpawnOptions {
  /** The program's name, for ps. */
  comm: string;
  /** The host's pid, shown as the holder of locks. */
  pid: number;
  cred: Credentials;
  umask: number;
  /**
   * Where the program sees the kernel's root ('/rump', or '' for nowhere). The kernel uses it to show its own paths as the program
   * sees them (mount lists, absolute symlink targets that name it lead back to the root). Nothing else depends on it.
   */
  prefix: BytePath;
  /**
   * Takes what is written to the descriptors 0 to 2, which are then open on the kernel's console and numbers like all others.
   * Without it they are closed, and stay out of use.
   */
  console?: (bytes: Uint8Array) => void;
}

/**
 * One process of the rump kernel: credentials, working directory, umask and descriptors. All calls of a
 * traced process go through its own. Path arguments are relative to `at`, or absolute from the rump root; an
 * empty path is ENOENT unless AT_EMPTY_PATH is in flags. Flags and modes are Linux's (fcntl.h, stat.h).
 */
export interface KernelProcess extends SocketProcess {
  /** fork(2) as seen by the kernel: the child exists when this returns. `share`: CLONE_FILES, CLONE_FS. */
  fork(pid: number, share: { files: boolean; fs: boolean }): KernelProcess;
  /** unshare(2) of CLONE_FILES and CLONE_FS. */
  unshare(what: { files: boolean; fs: boolean }): void;
  /** execve(2): the descriptor table is made private and close-on-exec descriptors are closed. */
  exec(comm: string): void;
  /** The process is gone: every descriptor of its own is closed, its locks are released. */
  exit(): void;
  setCredentials(cred: Credentials): void;
  /** RLIMIT_NOFILE's soft limit, RLIMIT_FSIZE's (Infinity: none), as the program believes them to be. */
  setLimits(limits: { nofile: number; fsize: number }): void;

  // Descriptors: small integers of this kernel, not yet the program's numbers.
  openAt(at: number, path: BytePath, flags: number, mode: number, resolve: number): Result;
  close(fd: number): Result;
  /** A copy at the lowest free number >= min. */
  dup(fd: number, min: number, cloexec: boolean): Result;
  isOpen(fd: number): boolean;
  /** F_GETFD / F_SETFD: FD_CLOEXEC or 0. */
  getFdFlags(fd: number): Result;
  setFdFlags(fd: number, flags: number): Result;
  /** F_GETFL / F_SETFL: access mode and status flags. */
  getStatusFlags(fd: number): Result;
  setStatusFlags(fd: number, flags: number): Result;
  /** S_IF* of what the descriptor names. */
  fileType(fd: number): Result;
  /** The path of an open descriptor as /proc/self/fd shows it, from the rump root, with ' (deleted)' where it is. Fills `out`, returns the length. */
  pathOf(fd: number, out: Uint8Array): Result;
  /** poll(2) of one descriptor: revents when there are some (POLLERR and POLLHUP always count), else a result that comes when there are. */
  poll(fd: number, events: number): Result;
  /** open(2) of /proc/self/fd/N: the same inode, a new open file description. */
  reopen(fd: number, flags: number): Result;

  read(fd: number, uio: Uio): Result;
  write(fd: number, uio: Uio): Result;
  /** `flags`: RWF_* of pwritev2(2); offset -1 with preadv2 means the current one. */
  pread(fd: number, uio: Uio, offset: number, flags: number): Result;
  pwrite(fd: number, uio: Uio, offset: number, flags: number): Result;
  lseek(fd: number, offset: number, whence: number): Result;
  /** Both ends in this kernel; offset -1: the descriptor's own, which advances. Returns bytes copied; stops short rather than block. */
  copyRange(fdIn: number, offIn: number, fdOut: number, offOut: number, length: number): Result;
  /** FIONREAD: bytes that can be read at once. */
  readable(fd: number): Result;
  getDents(fd: number, sink: DirSink): Result;

  statAt(at: number, path: BytePath, flags: number, out: Stat): Result;
  fstat(fd: number, out: Stat): Result;
  accessAt(at: number, path: BytePath, mode: number, flags: number): Result;
  mkdirAt(at: number, path: BytePath, mode: number): Result;
  mknodAt(at: number, path: BytePath, mode: number, dev: number): Result;
  unlinkAt(at: number, path: BytePath, flags: number): Result;
  renameAt(oldAt: number, oldPath: BytePath, newAt: number, newPath: BytePath, flags: number): Result;
  linkAt(oldAt: number, oldPath: BytePath, newAt: number, newPath: BytePath, flags: number): Result;
  symlinkAt(target: BytePath, at: number, path: BytePath): Result;
  /** Fills `out` from 0 and returns the length, truncated to out's. */
  readlinkAt(at: number, path: BytePath, out: Uint8Array): Result;
  chmodAt(at: number, path: BytePath, mode: number, flags: number): Result;
  fchmod(fd: number, mode: number): Result;
  /** -1 leaves an id as it is. */
  chownAt(at: number, path: BytePath, uid: number, gid: number, flags: number): Result;
  fchown(fd: number, uid: number, gid: number): Result;
  /** `path` null: the descriptor `at` itself. */
  utimensAt(at: number, path: BytePath | null, atime: TimeSpec, mtime: TimeSpec, flags: number): Result;
  truncate(path: BytePath, length: number): Result;
  ftruncate(fd: number, length: number): Result;
  fallocate(fd: number, mode: number, offset: number, length: number): Result;
  fsync(fd: number): Result;
  statfs(path: BytePath, out: StatFs): Result;
  fstatfs(fd: number, out: StatFs): Result;

  /** The working directory from the rump root; -ENOENT when it was removed. Fills `out`, returns the length. */
  getcwd(out: Uint8Array): Result;
  chdir(path: BytePath): Result;
  fchdir(fd: number): Result;
  umask(mask: number): number;

  /** flock(2): LOCK_SH, LOCK_EX, LOCK_UN, LOCK_NB. */
  flock(fd: number, operation: number): Result;
  /** F_GETLK and F_OFD_GETLK: `lock` is overwritten with a conflicting lock, or its type becomes F_UNLCK. */
  getLock(fd: number, lock: FileLock, ofd: boolean): Result;
  setLock(fd: number, lock: FileLock, ofd: boolean, wait: boolean): Result;

  /** xattr(7). `path` null: the descriptor `at` itself; flags may hold AT_SYMLINK_NOFOLLOW. Returns the size; fills `out` unless its length is 0 (ERANGE when too small). */
  getXattr(at: number, path: BytePath | null, flags: number, name: BytePath, out: Uint8Array): Result;
  listXattr(at: number, path: BytePath | null, flags: number, out: Uint8Array): Result;
  /** `xflags`: XATTR_CREATE, XATTR_REPLACE. */
  setXattr(
    at: number,
    path: BytePath | null,
    flags: number,
    name: BytePath,
    value: Uint8Array,
    xflags: number,
  ): Result;
  removeXattr(at: number, path: BytePath | null, flags: number, name: BytePath): Result;

  /** mount(2) and umount2(2); `target` from the rump root or relative to the working directory. */
  mount(source: BytePath, target: BytePath, type: BytePath, flags: number, data: BytePath): Result;
  umount(target: BytePath, flags: number): Result;
  /** The mounts, in order, for statmount and listmount: fills `out` and returns how many there are. */
  mounts(out: MountInfo[]): Result;

  /** name_to_handle_at(2) and open_by_handle_at(2): `out` and `handle` are f_handle's bytes. Returns the length; handle type is always HANDLE_TYPE. */
  nameToHandle(at: number, path: BytePath, flags: number, out: Uint8Array): Result;
  openByHandle(handle: Uint8Array, flags: number): Result;

  /** init_module(2): the module's image. delete_module(2): its name. */
  initModule(image: Uint8Array): Result;
  deleteModule(name: BytePath, flags: number): Result;
}

/** f_handle's type of this project's kernels: ino and generation, 64 bits each (as FILEID_INO64_GEN, exportfs.h). */
export const HANDLE_TYPE = 0x81;

/** One mount, paths as the program sees them (SpawnOptions.prefix applied). */
export interface MountInfo {
  id: number;
  parentId: number;
  dev: number;
  root: BytePath;
  mountPoint: BytePath;
  /** 'rw,relatime' and the like. */
  options: string;
  type: string;
  source: BytePath;
  /** 'size=64k,mode=755' and the like. */
  superOptions: string;
  /** f_type of statfs(2). */
  magic: number;
}

/** A rump kernel. */
export interface RumpKernel {
  /** What -v and traces call it. */
  readonly name: string;
  /** A new process with nothing open, in the kernel's root directory. */
  spawn(options: SpawnOptions): KernelProcess;
}

/** True when a call has its answer. */
export function isDone(result: Result): result is number {
  return typeof result === 'number';
}
