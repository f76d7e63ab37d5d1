/** The calls of a remote process on descriptors as such: open, close, dup, flags, and what a file is. */
import { EBADF, EINVAL, ELOOP, EMFILE, ENOENT, ENOSYS, EOPNOTSUPP } from '../../abi/linux/errno.js';
import {
  __O_TMPFILE,
  AT_SYMLINK_NOFOLLOW,
  FD_CLOEXEC,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_TRUNC,
} from '../../abi/linux/fcntl.js';
import { S_IFLNK, S_IFMT } from '../../abi/linux/stat.js';
import {
  NB_F_DUPFD,
  NB_F_DUPFD_CLOEXEC,
  NB_F_SETFD,
  NB_F_SETFL,
  toNetbsdOpen,
} from '../../abi/netbsd/fcntl.js';
import { NB } from '../../abi/netbsd/nr.js';
import { decodeNetbsdStat, NB_STAT_SIZE } from '../../abi/netbsd/stat.js';
import { andThen, then } from '../../kernel/results.js';
import { AT_FDCWD, type BytePath, type Result, type Stat } from '../../kernel/rump_kernel.js';
import { Description, type Descriptor } from './descriptors.js';
import { ProcessBase } from './process_base.js';
import type { SysCall } from './syscall.js';

/** SETFL_MASK of fs/fcntl.c, as far as it is kept. */
const SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
/** Of open(2)'s flags, what F_GETFL does not show. */
const NOT_STATUS = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

export abstract class DescriptorCalls extends ProcessBase {
  openAt(at: number, path: BytePath, flags: number, mode: number, resolve: number): Result {
    // openat2(2) with rules for the walk: programs that get this walk by themselves.
    if (resolve !== 0) return -ENOSYS;
    if ((flags & __O_TMPFILE) !== 0) return -EOPNOTSUPP;
    if (path === '') return -ENOENT;
    const room = this.table.next(0, this.options.nofile);
    if (room < 0) return room;
    const call = this.onPath(NB.openat, at, path);
    if (typeof call === 'number') return call;
    call.int(wireFlags(flags)).int(mode);
    const whole = this.wholePath(at, path);
    const opened = this.opened(call, flags, whole);
    const mayBeLink = (flags & O_PATH) !== 0 && (flags & (O_NOFOLLOW | O_DIRECTORY)) === O_NOFOLLOW;
    return mayBeLink
      ? then(opened, fd => (fd === -ELOOP ? this.#openLink(at, path, whole, flags) : fd))
      : opened;
  }

  /** O_PATH of a symlink itself. */
  #openLink(at: number, path: BytePath, whole: BytePath, flags: number): Result {
    const stat = {} as Stat;
    return andThen(this.statAt(at, path, AT_SYMLINK_NOFOLLOW, stat), () => {
      if ((stat.mode & S_IFMT) !== S_IFLNK) return -ELOOP;
      const file = new Description(flags & (O_PATH | O_NOFOLLOW), whole);
      file.isLink = true;
      file.type = S_IFLNK;
      return this.installLocal(file, (flags & O_CLOEXEC) !== 0);
    });
  }

  abstract statAt(at: number, path: BytePath, flags: number, out: Stat): Result;

  reopen(fd: number, flags: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -ENOENT;
    const { path } = entry.file;
    // The server has no name for an open file but its path; where another file has that by now, a copy of the descriptor is what is left.
    return andThen(this.isStillAt(fd, path), same =>
      same === 1
        ? this.openAt(AT_FDCWD, path, flags & ~(O_CREAT | O_NOFOLLOW), 0, 0)
        : this.dup(fd, 0, (flags & O_CLOEXEC) !== 0),
    );
  }

  /** 1 when a path leads to the file that is open, 0 when not. */
  protected abstract isStillAt(fd: number, path: BytePath): Result;

  /** Submits a call that opens a file, and gives it a number. */
  protected opened(call: SysCall, flags: number, path: BytePath): Result {
    const { shared } = this;
    // Opening a fifo waits for its other end; nothing else that O_EXCL or O_DIRECTORY let through does.
    const never = (flags & (O_NONBLOCK | O_DIRECTORY | O_PATH)) !== 0 || (flags & O_EXCL) !== 0;
    call.mayBlock = !never;
    call.late = done => {
      const { remote } = shared;
      if (done.result >= 0 && done.generation === remote.generation)
        remote.submit(remote.begin(NB.close).int(done.result));
    };
    return this.finishWith(call, done => {
      if (done.result < 0) return done.result;
      const shown = (flags & O_PATH) !== 0 ? flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW) : statusFlags(flags);
      return this.installRemote(
        done.result,
        new Description(shown, path),
        (flags & O_CLOEXEC) !== 0,
        0,
        done.generation,
      );
    });
  }

  /** `generation`: of the connection by which the number came; it means nothing to a later server. */
  protected installRemote(
    remote: number,
    file: Description,
    cloexec: boolean,
    min: number,
    generation: number,
  ): number {
    const entry = { remote, file, generation, cloexec, poller: this.table.poller };
    const fd = this.table.install(entry, min, this.options.nofile);
    if (fd < 0) this.submit(this.begin(NB.close).int(remote));
    return fd;
  }

  /** Gives a file that is made up here its number. */
  protected installLocal(file: Description, cloexec: boolean, min = 0): number {
    const { generation } = this.shared.remote;
    const entry = { remote: -1, file, generation, cloexec, poller: this.table.poller };
    const fd = this.table.install(entry, min, this.options.nofile);
    if (fd < 0 && file.references === 0) file.local?.process.close(file.local.fd);
    return fd;
  }

  close(fd: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    this.table.delete(fd);
    if (entry.remote < 0) return 0;
    if (entry.generation !== this.shared.remote.generation) return 0;
    return this.submit(this.putFd(this.begin(NB.close), entry));
  }

  dup(fd: number, min: number, cloexec: boolean): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    const next = this.table.next(min, this.options.nofile);
    if (next < 0) return next;
    if (entry.remote < 0) return this.installLocal(entry.file, cloexec, min);
    const command = cloexec ? NB_F_DUPFD_CLOEXEC : NB_F_DUPFD;
    const copy = (from: number): Result => {
      const call = this.putFd(this.begin(NB.fcntl), entry).int(command).int(from);
      return this.finishWith(call, done => done.result);
    };
    // The server's own limit may be lower than the number that is wanted here.
    const copied = then(copy(next), remote => (remote === -EINVAL || remote === -EMFILE ? copy(0) : remote));
    return andThen(copied, remote => this.installRemote(remote, entry.file, cloexec, min, entry.generation));
  }

  isOpen(fd: number): boolean {
    return this.table.get(fd) !== undefined;
  }

  getFdFlags(fd: number): Result {
    const entry = this.table.get(fd);
    return entry === undefined ? -EBADF : entry.cloexec ? FD_CLOEXEC : 0;
  }

  setFdFlags(fd: number, flags: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    entry.cloexec = (flags & FD_CLOEXEC) !== 0;
    if (entry.file.local !== undefined) return 0;
    return this.submit(
      this.putFd(this.begin(NB.fcntl), entry)
        .int(NB_F_SETFD)
        .int(entry.cloexec ? 1 : 0),
    );
  }

  getStatusFlags(fd: number): Result {
    return this.table.get(fd)?.file.flags ?? -EBADF;
  }

  setStatusFlags(fd: number, flags: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    const { file } = entry;
    const before = file.flags;
    const after = (before & ~SETTABLE) | (flags & SETTABLE);
    file.flags = after;
    if (file.local !== undefined || !this.#differsThere(file, before, after)) return 0;
    return then(this.#sendStatus(entry, after), result => {
      if (result < 0) file.flags = before;
      return result;
    });
  }

  /** O_NONBLOCK is kept here for what the server's side never blocks on. */
  #differsThere(file: Description, before: number, after: number): boolean {
    const changed = before ^ after;
    return (changed & O_APPEND) !== 0 || ((changed & O_NONBLOCK) !== 0 && !file.nonblocking);
  }

  #sendStatus(entry: Descriptor, flags: number): Result {
    const kept = entry.file.nonblocking ? flags | O_NONBLOCK : flags;
    const wire = toNetbsdOpen(kept & (O_APPEND | O_NONBLOCK | O_ACCMODE));
    return this.submit(this.putFd(this.begin(NB.fcntl), entry).int(NB_F_SETFL).int(wire));
  }

  fileType(fd: number): Result {
    const entry = this.table.get(fd);
    return entry === undefined ? -EBADF : this.typeOf(entry);
  }

  /** S_IF* of an open file; asked for once. What may block is made not to, on the server's side. */
  protected typeOf(entry: Descriptor): Result {
    const { file } = entry;
    if (file.type !== 0) return file.type;
    if (file.local !== undefined) return file.local.process.fileType(file.local.fd);
    const call = this.putFd(this.begin(NB.__fstat50), entry);
    const at = call.reserve(NB_STAT_SIZE);
    const asked = this.finishWith(call.pointer(at), done => {
      if (done.result < 0) return done.result;
      const stat = {} as Stat;
      decodeNetbsdStat(done.view, at, stat);
      return stat.mode & S_IFMT;
    });
    return andThen(asked, type => this.typeIs(entry, type));
  }

  /** The type has become known. */
  protected typeIs(entry: Descriptor, type: number): Result {
    const { file } = entry;
    file.type = type;
    if (!file.canBlock || file.isPath || file.nonblocking) return type;
    file.nonblocking = true;
    return then(this.#sendStatus(entry, file.flags), () => type);
  }
}

/** What is sent of open(2)'s flags: O_PATH is an open that never waits and is never read from. */
function wireFlags(flags: number): number {
  if ((flags & O_PATH) === 0) return toNetbsdOpen(flags);
  return toNetbsdOpen((flags & (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) | O_NONBLOCK);
}

function statusFlags(flags: number): number {
  return (flags & ~NOT_STATUS) | O_LARGEFILE;
}
