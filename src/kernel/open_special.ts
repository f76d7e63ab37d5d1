/** Open fifos, devices, made-up files, and descriptors opened with O_PATH. */
import { EBADF, EFAULT, EINVAL, ENOTDIR } from '../abi/linux/errno.js';
import { MAX_RW_COUNT } from '../abi/linux/limits.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../abi/linux/poll.js';
import { type Caller, OFFSET_END, OpenFile } from './open_files.js';
import type { DeviceDriver } from './parts/devices.js';
import { type Fifo, FifoEnd } from './parts/fifo.js';
import type { Credentials, Pending, Result, Uio } from './rump_kernel.js';
import type { Watcher } from './socket_calls.js';
import type { Dentry, SynthFileInode } from './vfs/vnode.js';

/** O_PATH: a place in the tree, nothing that can be read or written. */
export class OpenPath extends OpenFile {
  override readAt(): number {
    return -EBADF;
  }

  override writeAt(): number {
    return -EBADF;
  }

  override seek(): number {
    return -EBADF;
  }

  override readable(): number {
    return -EBADF;
  }

  override getDents(): number {
    return -EBADF;
  }
}

const ALL_EVENTS = POLLIN | POLLOUT;

/** A poll(2) that waits for a change of the fifo. */
class FifoPoll implements Pending {
  readonly #stop: () => void;
  #done: ((result: number) => void) | undefined;

  constructor(end: FifoEnd, revents: () => number) {
    this.#stop = end.fifo.watch(() => {
      const ready = revents();
      if (ready === 0 || this.#done === undefined) return;
      this.#stop();
      this.#done(ready);
    });
  }

  onDone(done: (result: number) => void): void {
    this.#done = done;
  }

  cancel(): number {
    this.#stop();
    return 0;
  }
}

export class OpenFifo extends OpenFile {
  readonly end: FifoEnd;
  readonly #watchers: Watcher[] = [];
  /** End the watching of the fifo. */
  readonly #stops: (() => void)[] = [];

  constructor(dentry: Dentry, fifo: Fifo, flags: number) {
    super(dentry, flags);
    this.end = new FifoEnd(fifo, { read: this.canRead, write: this.canWrite });
  }

  override read(uio: Uio, _caller: Caller, nonblock: boolean): Result {
    if (!this.canRead) return -EBADF;
    return this.end.read(uio, nonblock || this.isNonblocking);
  }

  override write(uio: Uio, _caller: Caller, nonblock: boolean): Result {
    if (!this.canWrite) return -EBADF;
    return this.end.write(uio, nonblock || this.isNonblocking);
  }

  override readable(): number {
    return this.end.fifo.readable();
  }

  override poll(events: number): Result {
    const ready = this.#revents(events);
    return ready !== 0 ? ready : new FifoPoll(this.end, () => this.#revents(events));
  }

  override watch(watcher: Watcher): number {
    this.#watchers.push(watcher);
    // Whoever is told of a hangup is not told of its end, when another writer comes; end of file is as good to read.
    const tell = (): void => {
      const revents = this.#revents(ALL_EVENTS);
      watcher.changed((revents & POLLHUP) === 0 ? revents : (revents & ~POLLHUP) | POLLIN);
    };
    this.#stops.push(this.end.fifo.watch(tell));
    tell();
    return 0;
  }

  /** As pipe_poll() of the host's fs/pipe.c. */
  #revents(events: number): number {
    const { readable, writable, hangup, error } = this.end.readiness();
    const has =
      (readable ? POLLIN | POLLRDNORM : 0) |
      (writable ? POLLOUT | POLLWRNORM : 0) |
      (hangup ? POLLHUP : 0) |
      (error ? POLLERR : 0);
    return has & (events | POLLHUP | POLLERR);
  }

  override getDents(): number {
    return -ENOTDIR;
  }

  protected override closed(): void {
    for (const stop of this.#stops) stop();
    this.end.close();
    for (const watcher of this.#watchers) watcher.closed();
  }
}

export class OpenDevice extends OpenFile {
  readonly #driver: DeviceDriver;

  constructor(dentry: Dentry, driver: DeviceDriver, flags: number) {
    super(dentry, flags);
    this.#driver = driver;
  }

  override read(uio: Uio): number {
    return this.canRead ? this.#driver.read(uio) : -EBADF;
  }

  override write(uio: Uio): number {
    return this.canWrite ? this.#driver.write(uio) : -EBADF;
  }

  override readAt(uio: Uio): number {
    return this.read(uio);
  }

  override writeAt(uio: Uio): number {
    return this.write(uio);
  }

  override seek(_offset: number, whence: number): number {
    return whence >= 0 && whence <= 4 ? 0 : -EINVAL;
  }

  override readable(): number {
    return this.#driver.readable();
  }

  override getDents(): number {
    return -ENOTDIR;
  }
}

/** A made-up file: its text is made at the first read and stays the same until it is read from the start again. */
export class OpenSynth extends OpenFile {
  readonly #file: SynthFileInode;
  #text: Uint8Array | undefined;

  constructor(dentry: Dentry, file: SynthFileInode, flags: number) {
    super(dentry, flags);
    this.#file = file;
  }

  override read(uio: Uio, caller: Caller): number {
    const moved = this.readAt(uio, this.offset, caller);
    if (moved > 0) this.offset += moved;
    return moved;
  }

  override write(uio: Uio, caller: Caller): number {
    const taken = this.writeAt(uio, this.offset, false, caller);
    if (taken > 0) this.offset += taken;
    return taken;
  }

  override readAt(uio: Uio, offset: number, caller: Caller): number {
    if (!this.canRead) return -EBADF;
    const text = this.#textAt(offset, caller.cred);
    const length = Math.min(uio.resid, text.length - offset);
    if (length <= 0) return 0;
    const moved = uio.move(text, offset, length);
    return moved > 0 ? moved : -EFAULT;
  }

  override writeAt(uio: Uio, _offset: number, _append: boolean, caller: Caller): number {
    if (!this.canWrite) return -EBADF;
    const { node } = this.#file;
    if (node.write === undefined) return -EINVAL;
    const text = new Uint8Array(Math.min(uio.resid, MAX_RW_COUNT, 65536));
    if (text.length === 0) return 0;
    if (uio.move(text, 0, text.length) < text.length) return -EFAULT;
    return node.write(text, caller.cred);
  }

  override seek(offset: number, whence: number): number {
    return this.position(offset, whence, 0, OFFSET_END);
  }

  override getDents(): number {
    return -ENOTDIR;
  }

  #textAt(offset: number, cred: Credentials): Uint8Array {
    if (offset === 0 || this.#text === undefined) this.#text = this.#file.node.read(cred);
    return this.#text;
  }
}
