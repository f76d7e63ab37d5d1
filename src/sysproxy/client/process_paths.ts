/** The calls of a remote process that take paths, and what they say and change about files. */
import {
  EACCES,
  EBADF,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
} from '../../abi/linux/errno.js';
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_CREAT,
  O_EXCL,
  O_WRONLY,
} from '../../abi/linux/fcntl.js';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from '../../abi/linux/stat.js';
import { toLinuxErrno } from '../../abi/netbsd/errno.js';
import { toNetbsdAt } from '../../abi/netbsd/fcntl.js';
import { NB } from '../../abi/netbsd/nr.js';
import { decodeNetbsdStat, NB_STAT_SIZE, toNetbsdDev } from '../../abi/netbsd/stat.js';
import {
  encodeNetbsdTimespec,
  NB_TIMESPEC_SIZE,
  NB_UTIME_NOW,
  NB_UTIME_OMIT,
} from '../../abi/netbsd/time.js';
import { andThen, then } from '../../kernel/results.js';
import {
  AT_FDCWD,
  type BytePath,
  type Result,
  type Stat,
  type TimeSpec,
  UTIME_NOW,
  UTIME_OMIT,
} from '../../kernel/rump_kernel.js';
import { joinPath } from './process_base.js';
import { FileCalls } from './process_files.js';
import type { SysCall } from './syscall.js';

/** PATH_MAX of NetBSD's sys/syslimits.h, which getcwd fills at most. */
const NB_PATH_MAX = 1024;

export abstract class PathCalls extends FileCalls {
  // What they say.

  statAt(at: number, path: BytePath, flags: number, out: Stat): Result {
    if (path === '' && (flags & AT_EMPTY_PATH) !== 0)
      return at === AT_FDCWD ? this.statAt(at, '.', 0, out) : this.fstat(at, out);
    const call = this.onPath(NB.fstatat, at, path);
    if (typeof call === 'number') return call;
    const to = call.reserve(NB_STAT_SIZE);
    call.pointer(to).int(toNetbsdAt(flags & AT_SYMLINK_NOFOLLOW));
    return this.finishWith(call, done => decoded(done, to, out));
  }

  fstat(fd: number, out: Stat): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    const { local, isLink, path } = entry.file;
    if (local !== undefined) return local.process.fstat(local.fd, out);
    if (isLink) return this.statAt(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, out);
    const call = this.putFd(this.begin(NB.__fstat50), entry);
    const to = call.reserve(NB_STAT_SIZE);
    const result = this.finishWith(call.pointer(to), done => decoded(done, to, out));
    if (entry.file.type !== 0) return result;
    return andThen(result, () => then(this.typeIs(entry, out.mode & S_IFMT), () => 0));
  }

  accessAt(at: number, path: BytePath, mode: number, flags: number): Result {
    if (path === '' && (flags & AT_EMPTY_PATH) !== 0) return this.#accessOpen(at, mode);
    const call = this.onPath(NB.faccessat, at, path);
    if (typeof call === 'number') return call;
    return this.submit(call.int(mode).int(toNetbsdAt(flags & (AT_EACCESS | AT_SYMLINK_NOFOLLOW))));
  }

  /** access(2) of what is open already: there is no such call, so the mode tells. */
  #accessOpen(at: number, mode: number): Result {
    const stat = {} as Stat;
    return andThen(this.statAt(at, '', AT_EMPTY_PATH, stat), () => {
      const { uid, gid, groups } = this.options.cred;
      if (uid === 0) return (mode & 1) === 0 || (stat.mode & 0o111) !== 0 ? 0 : -EACCES;
      const inGroup = stat.gid === gid || groups.includes(stat.gid);
      const bits = stat.uid === uid ? stat.mode >> 6 : inGroup ? stat.mode >> 3 : stat.mode;
      return (bits & mode) === mode ? 0 : -EACCES;
    });
  }

  readlinkAt(at: number, path: BytePath, out: Uint8Array): Result {
    const file = path === '' ? this.table.get(at)?.file : undefined;
    if (file?.isLink === true) return this.readlinkAt(AT_FDCWD, file.path, out);
    if (path === '') return -ENOENT;
    const call = this.onPath(NB.readlinkat, at, path);
    if (typeof call === 'number') return call;
    return this.submit(call.buffer(out).long(out.length));
  }

  // Names.

  mkdirAt(at: number, path: BytePath, mode: number): Result {
    const call = this.onPath(NB.mkdirat, at, path);
    return typeof call === 'number' ? call : this.submit(call.int(mode & 0o7777));
  }

  mknodAt(at: number, path: BytePath, mode: number, dev: number): Result {
    switch (mode & S_IFMT) {
      case 0:
      case S_IFREG:
        return this.#mkfile(at, path, mode);
      case S_IFIFO: {
        const call = this.onPath(NB.mkfifoat, at, path);
        return typeof call === 'number' ? call : this.submit(call.int(mode & 0o7777));
      }
      case S_IFCHR:
      case S_IFBLK: {
        const call = this.onPath(NB.mknodat, at, path);
        return typeof call === 'number' ? call : this.submit(call.int(mode).pad().long(toNetbsdDev(dev)));
      }
      case S_IFDIR:
      // NetBSD makes sockets by bind(2) alone.
      case S_IFSOCK:
        return -EPERM;
      default:
        return -EINVAL;
    }
  }

  /** mknod(2) of a regular file, which NetBSD makes by open(2) alone. */
  #mkfile(at: number, path: BytePath, mode: number): Result {
    if (path.endsWith('/')) return -ENOENT;
    const made = this.openAt(at, path, O_CREAT | O_EXCL | O_WRONLY, mode & 0o7777, 0);
    return andThen(made, fd => then(this.close(fd), () => 0));
  }

  unlinkAt(at: number, path: BytePath, flags: number): Result {
    const call = this.onPath(NB.unlinkat, at, path);
    if (typeof call === 'number') return call;
    const remove = (flags & AT_REMOVEDIR) !== 0;
    return then(this.submit(call.int(toNetbsdAt(0, remove))), done => {
      if (done !== -EPERM || remove) return done;
      // unlink(2) of a directory is EPERM in POSIX and NetBSD, EISDIR on Linux.
      const stat = {} as Stat;
      return then(this.statAt(at, path, AT_SYMLINK_NOFOLLOW, stat), found =>
        found === 0 && (stat.mode & S_IFMT) === S_IFDIR ? -EISDIR : -EPERM,
      );
    });
  }

  renameAt(oldAt: number, oldPath: BytePath, newAt: number, newPath: BytePath, flags: number): Result {
    // RENAME_NOREPLACE, RENAME_EXCHANGE: programs take EINVAL for a file system that has neither (rename(2)).
    if (flags !== 0) return -EINVAL;
    const call = this.#twoPaths(NB.renameat, oldAt, oldPath, newAt, newPath);
    return typeof call === 'number' ? call : this.submit(call);
  }

  linkAt(oldAt: number, oldPath: BytePath, newAt: number, newPath: BytePath, flags: number): Result {
    if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
    if (oldPath === '') return -ENOENT;
    const call = this.#twoPaths(NB.linkat, oldAt, oldPath, newAt, newPath);
    if (typeof call === 'number') return call;
    return this.submit(call.int(toNetbsdAt(flags & AT_SYMLINK_FOLLOW)));
  }

  symlinkAt(target: BytePath, at: number, path: BytePath): Result {
    if (target === '') return -ENOENT;
    const call = this.begin(NB.symlinkat).string(target);
    if (!this.putAt(call, at)) return this.refuse(call, EBADF);
    return this.submit(call.string(path));
  }

  #twoPaths(
    nr: number,
    oldAt: number,
    oldPath: BytePath,
    newAt: number,
    newPath: BytePath,
  ): SysCall | number {
    const call = this.onPath(nr, oldAt, oldPath);
    if (typeof call === 'number') return call;
    if (!this.putAt(call, newAt)) return this.refuse(call, EBADF);
    return call.string(newPath);
  }

  // Attributes.

  chmodAt(at: number, path: BytePath, mode: number, flags: number): Result {
    if (path === '' && (flags & AT_EMPTY_PATH) !== 0)
      return at === AT_FDCWD ? this.chmodAt(at, '.', mode, 0) : this.#fchmod(at, mode);
    const call = this.onPath(NB.fchmodat, at, path);
    if (typeof call === 'number') return call;
    if ((flags & AT_SYMLINK_NOFOLLOW) === 0) return this.submit(call.int(mode & 0o7777).int(0));
    // NetBSD changes the link itself; Linux refuses to.
    this.shared.remote.drop(call);
    const stat = {} as Stat;
    return andThen(this.statAt(at, path, AT_SYMLINK_NOFOLLOW, stat), () =>
      (stat.mode & S_IFMT) === 0o120000 ? -EOPNOTSUPP : this.chmodAt(at, path, mode, 0),
    );
  }

  fchmod(fd: number, mode: number): Result {
    return this.table.get(fd)?.file.isPath === true ? -EBADF : this.#fchmod(fd, mode);
  }

  #fchmod(fd: number, mode: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    if (entry.file.isLink) return -EOPNOTSUPP;
    return this.submit(this.putFd(this.begin(NB.fchmod), entry).int(mode & 0o7777));
  }

  chownAt(at: number, path: BytePath, uid: number, gid: number, flags: number): Result {
    if (path === '' && (flags & AT_EMPTY_PATH) !== 0)
      return at === AT_FDCWD ? this.chownAt(at, '.', uid, gid, 0) : this.#fchown(at, uid, gid);
    const call = this.onPath(NB.fchownat, at, path);
    if (typeof call === 'number') return call;
    return this.submit(
      call
        .int(uid)
        .int(gid)
        .int(toNetbsdAt(flags & AT_SYMLINK_NOFOLLOW)),
    );
  }

  fchown(fd: number, uid: number, gid: number): Result {
    return this.table.get(fd)?.file.isPath === true ? -EBADF : this.#fchown(fd, uid, gid);
  }

  #fchown(fd: number, uid: number, gid: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    if (entry.file.isLink) return this.chownAt(AT_FDCWD, entry.file.path, uid, gid, AT_SYMLINK_NOFOLLOW);
    return this.submit(this.putFd(this.begin(NB.fchown), entry).int(uid).int(gid));
  }

  utimensAt(at: number, path: BytePath | null, atime: TimeSpec, mtime: TimeSpec, flags: number): Result {
    if (atime.nsec === UTIME_OMIT && mtime.nsec === UTIME_OMIT) return 0;
    if (path === null || (path === '' && (flags & AT_EMPTY_PATH) !== 0)) {
      if (path === null && flags !== 0) return -EINVAL;
      if (at === AT_FDCWD) return this.utimensAt(at, '.', atime, mtime, 0);
      const entry = this.table.get(at);
      if (entry === undefined) return -EBADF;
      return this.#submitTimes(this.putFd(this.begin(NB.futimens), entry), atime, mtime, -1);
    }
    const call = this.onPath(NB.utimensat, at, path);
    if (typeof call === 'number') return call;
    return this.#submitTimes(call, atime, mtime, toNetbsdAt(flags & AT_SYMLINK_NOFOLLOW));
  }

  #submitTimes(call: SysCall, atime: TimeSpec, mtime: TimeSpec, flags: number): Result {
    const at = call.reserve(2 * NB_TIMESPEC_SIZE);
    putTime(call, at, atime);
    putTime(call, at + NB_TIMESPEC_SIZE, mtime);
    call.pointer(at);
    if (flags >= 0) call.int(flags);
    return this.submit(call);
  }

  // Sizes.

  truncate(path: BytePath, length: number): Result {
    if (length < 0) return -EINVAL;
    return this.submit(this.begin(NB.truncate).string(path).pad().long(length));
  }

  ftruncate(fd: number, length: number): Result {
    if (length < 0) return -EINVAL;
    const call = this.onFd(NB.ftruncate, fd);
    return typeof call === 'number' ? call : this.submit(call.pad().long(length));
  }

  fallocate(fd: number, mode: number, offset: number, length: number): Result {
    if (offset < 0 || length <= 0) return -EINVAL;
    const punch = mode === (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
    if (mode !== 0 && !punch) return -EOPNOTSUPP;
    const call = this.onFd(punch ? NB.fdiscard : NB.posix_fallocate, fd);
    if (typeof call === 'number') return call;
    call.pad().long(offset).long(length);
    // posix_fallocate(2) returns its error, as POSIX has it.
    return punch
      ? this.submit(call)
      : this.finishWith(call, done => (done.result > 0 ? -toLinuxErrno(done.result) : done.result));
  }

  fsync(fd: number): Result {
    const call = this.onFd(NB.fsync, fd);
    return typeof call === 'number' ? call : this.submit(call);
  }

  // The working directory.

  getcwd(out: Uint8Array): Result {
    const call = this.begin(NB.__getcwd);
    const at = call.reserve(NB_PATH_MAX);
    return this.finishWith(call.pointer(at).long(NB_PATH_MAX), done => {
      if (done.result < 0) return done.result === -ERANGE ? -ENAMETOOLONG : done.result;
      const length = done.scratch.indexOf(0, at) - at;
      if (length > out.length) return -ERANGE;
      out.set(done.scratch.subarray(at, at + length));
      return length;
    });
  }

  chdir(path: BytePath): Result {
    const { shared } = this;
    const to = joinPath(shared.cwd, path);
    return this.#move(this.begin(NB.chdir).string(path), to);
  }

  fchdir(fd: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    return this.#move(this.putFd(this.begin(NB.fchdir), entry), entry.file.path);
  }

  /** Nobody waits for what leaves a directory for one of the host's, and yet the next child must not be in it. */
  #move(call: SysCall, to: BytePath): Result {
    const { shared } = this;
    call.finish = done => {
      if (done.result >= 0) shared.cwd = to;
      return done.result;
    };
    return shared.remote.submitBarrier(call);
  }

  umask(mask: number): number {
    const { shared } = this;
    const before = shared.umask;
    shared.umask = mask & 0o777;
    if (before !== shared.umask) shared.remote.submitBarrier(this.begin(NB.umask).int(shared.umask));
    return before;
  }

  protected isStillAt(fd: number, path: BytePath): Result {
    const [open, named] = [{} as Stat, {} as Stat];
    return andThen(this.fstat(fd, open), () =>
      then(this.statAt(AT_FDCWD, path, 0, named), status =>
        status === 0 && named.ino === open.ino && named.dev === open.dev ? 1 : 0,
      ),
    );
  }

  /** The path that was opened; ' (deleted)' when another file, or none, has it now. */
  pathOf(fd: number, out: Uint8Array): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    const { path } = entry.file;
    return then(this.isStillAt(fd, path), is => {
      const text = Buffer.from(is === 0 ? `${path} (deleted)` : path, 'latin1');
      if (text.length > out.length) return -ENAMETOOLONG;
      out.set(text);
      return text.length;
    });
  }
}

function decoded(call: SysCall, at: number, out: Stat): number {
  if (call.result < 0) return call.result;
  decodeNetbsdStat(call.view, at, out);
  return 0;
}

function putTime(call: SysCall, at: number, time: TimeSpec): void {
  const nsec = time.nsec === UTIME_NOW ? NB_UTIME_NOW : time.nsec === UTIME_OMIT ? NB_UTIME_OMIT : time.nsec;
  encodeNetbsdTimespec(call.view, at, time.sec, nsec);
}
