/** The calls on descriptors of a remote process: open, close, dup, flags, and what moves data. */
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  ELOOP,
  EMFILE,
  ENOENT,
  ENOSYS,
  EOPNOTSUPP,
  ESPIPE,
} from '../../abi/linux/errno.js';
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
  RWF_APPEND,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOWAIT,
  RWF_SYNC,
  SEEK_CUR,
  SEEK_END,
} from '../../abi/linux/fcntl.js';
import { POLLIN, POLLOUT } from '../../abi/linux/poll.js';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../../abi/linux/stat.js';
import {
  NB_F_DUPFD,
  NB_F_DUPFD_CLOEXEC,
  NB_F_SETFD,
  NB_F_SETFL,
  toNetbsdOpen,
} from '../../abi/netbsd/fcntl.js';
import { NB_FIONREAD } from '../../abi/netbsd/ioctl.js';
import { NB } from '../../abi/netbsd/nr.js';
import { decodeNetbsdStat, NB_STAT_SIZE } from '../../abi/netbsd/stat.js';
import { andThen, then } from '../../kernel/results.js';
import {
  AT_FDCWD,
  type BytePath,
  type DirSink,
  isDone,
  type Result,
  type Stat,
  type Uio,
} from '../../kernel/rump_kernel.js';
import { Description, type Descriptor } from './descriptors.js';
import { type DirectoryCalls, DirectoryReader } from './directories.js';
import { ProcessBase, type ProcessOptions, type Shared } from './process_base.js';
import type { SysCall } from './syscall.js';
import { Transfers } from './transfers.js';
import { PollWaits } from './waiting.js';

/** SETFL_MASK of fs/fcntl.c, as far as it is kept. */
const SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
/** Of open(2)'s flags, what F_GETFL does not show. */
const NOT_STATUS = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;
const RWF_KNOWN = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_NOWAIT;

export abstract class FileCalls extends ProcessBase {
  readonly #transfers: Transfers;

  constructor(shared: Shared, options: ProcessOptions) {
    super(shared, options);
    this.#transfers = new Transfers(
      (nr, fd) => this.onFd(nr, fd),
      call => this.submit(call),
    );
  }

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
      return this.#install(
        done.result,
        new Description(shown, path),
        (flags & O_CLOEXEC) !== 0,
        0,
        done.generation,
      );
    });
  }

  /** `generation`: of the connection by which the number came; it means nothing to a later server. */
  #install(remote: number, file: Description, cloexec: boolean, min: number, generation: number): number {
    const entry = { remote, file, generation, cloexec };
    const fd = this.table.install(entry, min, this.options.nofile);
    if (fd < 0) this.submit(this.begin(NB.close).int(remote));
    return fd;
  }

  /** Gives a file that is made up here its number. */
  protected installLocal(file: Description, cloexec: boolean, min = 0): number {
    const entry = { remote: -1, file, generation: this.shared.remote.generation, cloexec };
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
    return andThen(copied, remote => this.#install(remote, entry.file, cloexec, min, entry.generation));
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

  // Data.

  read(fd: number, uio: Uio): Result {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    const { local } = entry.file;
    if (local !== undefined) return local.process.read(local.fd, uio);
    return andThen(this.typeOf(entry), () =>
      entry.file.canBlock
        ? this.#whenReady(entry, POLLIN, entry.file.waits, () => this.#transfers.readOnce(fd, uio))
        : this.#transfers.read(fd, uio),
    );
  }

  write(fd: number, uio: Uio): Result {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    const { local } = entry.file;
    if (local !== undefined) return local.process.write(local.fd, uio);
    return andThen(this.typeOf(entry), () =>
      entry.file.canBlock ? this.#writeAll(entry, fd, uio) : this.#transfers.write(fd, uio),
    );
  }

  pread(fd: number, uio: Uio, offset: number, flags: number): Result {
    if (offset < -1) return -EINVAL;
    if ((flags & ~RWF_KNOWN) !== 0 || (flags & RWF_NOWAIT) !== 0) return -EOPNOTSUPP;
    if (offset === -1) return this.read(fd, uio);
    const entry = this.table.get(fd);
    if (entry?.file.canBlock) return -ESPIPE;
    const local = entry?.file.local;
    if (local !== undefined) return local.process.pread(local.fd, uio, offset, flags);
    return this.#transfers.readAt(fd, uio, offset);
  }

  pwrite(fd: number, uio: Uio, offset: number, flags: number): Result {
    if (offset < -1) return -EINVAL;
    // What NetBSD cannot do for one call alone.
    if ((flags & ~RWF_KNOWN) !== 0 || (flags & (RWF_NOWAIT | RWF_APPEND)) !== 0) return -EOPNOTSUPP;
    if (offset === -1) return this.write(fd, uio);
    const entry = this.table.get(fd);
    if (entry?.file.canBlock) return -ESPIPE;
    // On Linux O_APPEND comes before the offset (pwrite(2), BUGS); on NetBSD it does not.
    if (entry !== undefined && (entry.file.flags & O_APPEND) !== 0) return this.#appendAt(fd, uio);
    return this.#transfers.writeAt(fd, uio, offset);
  }

  /** pwrite(2) with O_APPEND: at the end, and the offset stays. */
  #appendAt(fd: number, uio: Uio): Result {
    return andThen(this.lseek(fd, 0, SEEK_CUR), here =>
      then(this.#transfers.write(fd, uio), written => then(this.lseek(fd, here, 0), () => written)),
    );
  }

  /** Tries; when that would block and the program wants to wait, waits for readiness and tries again. */
  #whenReady(entry: Descriptor, events: number, waits: boolean, attempt: () => Result): Result {
    return then(attempt(), result => {
      if (result !== -EAGAIN || !waits) return result;
      return andThen(this.#polls().wait(entry, events), () => this.#whenReady(entry, events, waits, attempt));
    });
  }

  /** A write to what may be full: all of it, when the program wants to wait. */
  #writeAll(entry: Descriptor, fd: number, uio: Uio): Result {
    const wanted = uio.resid;
    const bytes = new Uint8Array(wanted);
    const there = uio.move(bytes, 0, wanted);
    if (there === 0 && wanted > 0) return -EFAULT;
    let moved = 0;
    const some = (): Result =>
      then(
        this.#whenReady(entry, POLLOUT, entry.file.waits, () =>
          this.#transfers.writeBytes(fd, bytes.subarray(moved, there)),
        ),
        written => {
          if (written < 0) return moved > 0 ? moved : written;
          moved += written;
          return moved < there && written > 0 && entry.file.waits ? some() : moved;
        },
      );
    const result = some();
    if (isDone(result)) return result;
    return {
      onDone: done => result.onDone(done),
      cancel: () => {
        result.cancel();
        return moved;
      },
    };
  }

  #waits: PollWaits | undefined;
  #polls(): PollWaits {
    if (this.#waits?.remote !== this.shared.remote) this.#waits = new PollWaits(this.shared.remote);
    return this.#waits;
  }

  poll(fd: number, events: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    const { local } = entry.file;
    if (local !== undefined) return local.process.poll(local.fd, events);
    return then(this.#polls().now(entry, events), revents =>
      revents !== 0 ? revents : this.#polls().wait(entry, events),
    );
  }

  lseek(fd: number, offset: number, whence: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    const { local } = entry.file;
    if (local !== undefined) return local.process.lseek(local.fd, offset, whence);
    // SEEK_DATA and SEEK_HOLE are not there; programs take EINVAL for that.
    if (whence < 0 || whence > SEEK_END) return -EINVAL;
    const { directory } = entry.file;
    if (directory !== undefined) return directory.seek(this.#directoryCalls(entry), offset, whence);
    return this.submit(this.putFd(this.begin(NB.lseek), entry).pad().long(offset).int(whence));
  }

  getDents(fd: number, sink: DirSink): Result {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    const { local } = entry.file;
    if (local !== undefined) return local.process.getDents(local.fd, sink);
    return andThen(this.typeOf(entry), type => {
      const { file } = entry;
      if (type === S_IFDIR) file.directory ??= new DirectoryReader();
      if (file.directory === undefined) return -20;
      return file.directory.read(this.#directoryCalls(entry), sink);
    });
  }

  #directoryCalls(entry: Descriptor): DirectoryCalls {
    return {
      call: nr => this.putFd(this.begin(nr), entry),
      submit: call => this.submit(call),
    };
  }

  copyRange(fdIn: number, offIn: number, fdOut: number, offOut: number, length: number): Result {
    const [from, to] = [this.table.get(fdIn), this.table.get(fdOut)];
    if (from === undefined || to === undefined || from.file.isPath || to.file.isPath) return -EBADF;
    return this.#transfers.copy(
      (uio, at) => (offIn < 0 ? this.read(fdIn, uio) : this.pread(fdIn, uio, offIn + at, 0)),
      (uio, at) => (offOut < 0 ? this.write(fdOut, uio) : this.pwrite(fdOut, uio, offOut + at, 0)),
      unread => (offIn < 0 ? this.lseek(fdIn, -unread, SEEK_CUR) : 0),
      length,
    );
  }

  readable(fd: number): Result {
    const call = this.onFd(NB.ioctl, fd);
    if (typeof call === 'number') return call;
    call.long(NB_FIONREAD);
    const at = call.reserve(4);
    return this.finishWith(call.pointer(at), done =>
      done.result < 0 ? done.result : done.view.getInt32(at, true),
    );
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
