/** The calls of a remote process that move data: read, write, seek, poll, getdents. */
import { EAGAIN, EBADF, EFAULT, EINVAL, EOPNOTSUPP, ESPIPE } from '../../abi/linux/errno.js';
import {
  O_APPEND,
  RWF_APPEND,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOWAIT,
  RWF_SYNC,
  SEEK_CUR,
  SEEK_END,
} from '../../abi/linux/fcntl.js';
import { POLLIN, POLLOUT } from '../../abi/linux/poll.js';
import { S_IFDIR } from '../../abi/linux/stat.js';
import { NB_FIONREAD } from '../../abi/netbsd/ioctl.js';
import { NB } from '../../abi/netbsd/nr.js';
import { andThen, then } from '../../kernel/results.js';
import { type DirSink, isDone, type Result, type Uio } from '../../kernel/rump_kernel.js';
import type { Descriptor } from './descriptors.js';
import { type DirectoryCalls, DirectoryReader } from './directories.js';
import type { ProcessOptions, Shared } from './process_base.js';
import { DescriptorCalls } from './process_descriptors.js';
import { Transfers } from './transfers.js';
import { PollWaits } from './waiting.js';

const RWF_KNOWN = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_NOWAIT;

export abstract class FileCalls extends DescriptorCalls {
  readonly #transfers: Transfers;

  constructor(shared: Shared, options: ProcessOptions) {
    super(shared, options);
    this.#transfers = new Transfers(
      (nr, fd) => this.onFd(nr, fd),
      call => this.submit(call),
    );
  }

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
