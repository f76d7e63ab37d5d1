/** The data side of a named pipe, as fifo(7) and pipe(7) have it. */
import { EAGAIN, EFAULT, ENXIO, EPIPE } from '../../abi/linux/errno.js';
import { PAGE_SIZE } from '../../abi/linux/limits.js';
import type { Result, Uio } from '../rump_kernel.js';
import { PIPE_PAGES, PipeBuffer } from './pipe_buffer.js';
import { Pump, type Waiter, WaitQueue } from './waiting.js';

/** The most bytes that a pipe holds (pipe(7)); it can be full with fewer, see PipeBuffer. */
export const FIFO_CAPACITY = PIPE_PAGES * PAGE_SIZE;

/** The access mode of one open file description. */
export interface FifoAccess {
  readonly read: boolean;
  readonly write: boolean;
}

/** What poll(2) would say: POLLIN, POLLOUT, POLLHUP and POLLERR. */
export interface FifoReadiness {
  readonly readable: boolean;
  readonly writable: boolean;
  /** All writers have gone; seen by ends that read. */
  readonly hangup: boolean;
  /** All readers have gone; seen by ends that write. */
  readonly error: boolean;
}

interface OpenRequest {
  readonly access: FifoAccess;
  /** How often the other side had been opened when the wait began: any open since then ends the wait. */
  readonly seen: number;
}

interface ReadRequest {
  readonly uio: Uio;
}

interface WriteRequest {
  readonly uio: Uio;
  /** The part that may join bytes already in the pipe has been tried. */
  begun: boolean;
  moved: number;
}

/**
 * One fifo inode's pipe. Reads and writes that block are served in the order in which they came; data moves through
 * the callers' Uios and one buffer, which exists from the first write until the last close.
 */
export class Fifo {
  #buffer: PipeBuffer | undefined;
  #readers = 0;
  #writers = 0;
  /** How often each side was opened, ever. */
  #readerOpens = 0;
  #writerOpens = 0;
  readonly #pump = new Pump(
    () => this.#step(),
    () => this.#tellWatchers(),
  );
  readonly #openers = new WaitQueue<OpenRequest>(
    () => this.#pump.runSoon(),
    request => {
      this.#leave(request.access);
      return 0;
    },
  );
  readonly #reads = new WaitQueue<ReadRequest>(
    () => this.#pump.runSoon(),
    () => 0,
  );
  readonly #writes = new WaitQueue<WriteRequest>(
    () => this.#pump.runSoon(),
    request => request.moved,
  );
  readonly #watchers = new Set<() => void>();

  /** A new open file description's side of the pipe; it counts as open once its `open` was called. */
  end(access: FifoAccess): FifoEnd {
    return new FifoEnd(this, access);
  }

  /** FIONREAD: bytes that can be read now. */
  readable(): number {
    return this.#buffer?.size ?? 0;
  }

  /** Runs `changed` after every change that may alter somebody's readiness. Returns how to stop that. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  /**
   * open(2) as fifo(7) has it: a reader waits for a writer and a writer for a reader, while counting as
   * open already; both at once never waits. A non-blocking reader succeeds, a non-blocking writer without
   * a reader is -ENXIO. When the wait is cancelled the end counts as closed.
   */
  open(access: FifoAccess, nonblock: boolean): Result {
    const both = access.read && access.write;
    if (!both && access.write && nonblock && this.#readers === 0) return -ENXIO;
    const partnerMissing = access.read ? this.#writers === 0 : this.#readers === 0;
    const seen = access.read ? this.#writerOpens : this.#readerOpens;
    this.#enter(access);
    this.#pump.run();
    if (both || nonblock || !partnerMissing) return 0;
    return this.#openers.add({ access, seen });
  }

  /** The end of an open file description that was opened with `access`. */
  close(access: FifoAccess): void {
    this.#leave(access);
  }

  /**
   * For an end that opens now: while this many writers have come and none is there, that is "no writer yet" to
   * it and no hangup (f_pipe in the host's fs/pipe.c). -1 when a writer is there: its going will be one.
   */
  writersBefore(): number {
    return this.#writers === 0 ? this.#writerOpens : -1;
  }

  /**
   * read(2): what is there, up to the buffer; 0 at the end (empty and no writer left); else -EAGAIN or a wait.
   */
  read(uio: Uio, nonblock: boolean): Result {
    if (uio.resid === 0) return 0;
    if (this.readable() > 0 && (nonblock || this.#reads.isEmpty)) {
      const moved = this.#buffer?.drain(uio) ?? 0;
      this.#pump.run();
      return moved;
    }
    if (this.readable() === 0 && this.#writers === 0) return 0;
    return nonblock ? -EAGAIN : this.#reads.add({ uio });
  }

  /**
   * write(2): at most PIPE_BUF bytes go whole, more may go in parts; -EPIPE without a reader (the caller sends
   * SIGPIPE); -EAGAIN or a wait when there is no room. A blocking write that lost its readers
   * or was cancelled after some bytes gives those.
   */
  write(uio: Uio, nonblock: boolean): Result {
    if (uio.resid === 0) return 0;
    const request: WriteRequest = { uio, begun: false, moved: 0 };
    // While others wait there is no free page to take from them, only room in the last one for a small write.
    const result = this.#writeNow(request);
    if (result !== undefined) return result;
    if (nonblock) return request.moved > 0 ? request.moved : -EAGAIN;
    return this.#writes.add(request);
  }

  /** Readiness of an end with `access` that noted `writersBefore` when it opened. */
  readiness(access: FifoAccess, writersBefore: number): FifoReadiness {
    return {
      readable: access.read && this.readable() > 0,
      writable: access.write && this.#buffer?.isFull !== true,
      hangup: access.read && this.#writers === 0 && this.#writerOpens !== writersBefore,
      error: access.write && this.#readers === 0,
    };
  }

  /** Fills the buffer and feeds blocked readers by turns until the write has its result or is stuck. */
  #writeNow(request: WriteRequest): number | undefined {
    for (;;) {
      const result = this.#advance(request);
      this.#pump.run();
      if (result !== undefined) return result;
      if (this.#buffer?.isFull === true) return undefined;
    }
  }

  /** One attempt at a write. Its result, or undefined when it has to wait. */
  #advance(request: WriteRequest): number | undefined {
    if (this.#readers === 0) return request.moved > 0 ? request.moved : -EPIPE;
    this.#buffer ??= new PipeBuffer();
    const joined = request.begun ? 0 : this.#buffer.append(request.uio);
    request.begun = true;
    if (joined < 0) return joined;
    request.moved += joined + this.#buffer.fill(request.uio);
    if (request.uio.resid === 0) return request.moved;
    if (this.#buffer.isFull) return undefined;
    return request.moved > 0 ? request.moved : -EFAULT;
  }

  #enter(access: FifoAccess): void {
    if (access.read) {
      this.#readers++;
      this.#readerOpens++;
    }
    if (access.write) {
      this.#writers++;
      this.#writerOpens++;
    }
  }

  #leave(access: FifoAccess): void {
    if (access.read) this.#readers--;
    if (access.write) this.#writers--;
    // fifo(7): what nobody has read is lost with the last end.
    if (this.#readers + this.#writers === 0) this.#buffer = undefined;
    this.#pump.run();
  }

  #tellWatchers(): void {
    for (const changed of [...this.#watchers]) changed();
  }

  #step(): boolean {
    return this.#serveOpener() || this.#serveReader() || this.#serveWriter();
  }

  #serveOpener(): boolean {
    const waiter = this.#openers.find(
      ({ access, seen }) => (access.read ? this.#writerOpens : this.#readerOpens) !== seen,
    );
    waiter?.complete(0);
    return waiter !== undefined;
  }

  #serveReader(): boolean {
    const waiter = this.#reads.head();
    if (waiter === undefined) return false;
    if (this.readable() > 0) waiter.complete(this.#buffer?.drain(waiter.request.uio) ?? 0);
    else if (this.#writers === 0) waiter.complete(0);
    else return false;
    return true;
  }

  #serveWriter(): boolean {
    const waiter: Waiter<WriteRequest> | undefined = this.#writes.head();
    if (waiter === undefined) return false;
    const before = waiter.request.moved;
    const result = this.#advance(waiter.request);
    if (result !== undefined) waiter.complete(result);
    return result !== undefined || waiter.request.moved > before;
  }
}

/** One open file description of a fifo. */
export class FifoEnd {
  readonly fifo: Fifo;
  readonly access: FifoAccess;
  #writersBefore = -1;
  #isOpen = false;

  constructor(fifo: Fifo, access: FifoAccess) {
    this.fifo = fifo;
    this.access = access;
  }

  /** open(2); see Fifo.open. A cancelled wait leaves the end closed. */
  open(nonblock: boolean): Result {
    this.#writersBefore = this.fifo.writersBefore();
    const result = this.fifo.open(this.access, nonblock);
    if (typeof result === 'number') {
      this.#isOpen = result === 0;
      return result;
    }
    return {
      onDone: done =>
        result.onDone(status => {
          this.#isOpen = true;
          done(status);
        }),
      cancel: () => result.cancel(),
    };
  }

  read(uio: Uio, nonblock: boolean): Result {
    return this.fifo.read(uio, nonblock);
  }

  write(uio: Uio, nonblock: boolean): Result {
    return this.fifo.write(uio, nonblock);
  }

  readiness(): FifoReadiness {
    return this.fifo.readiness(this.access, this.#writersBefore);
  }

  /** Once; later calls do nothing, nor does closing an end whose open failed or still waits (cancel that instead). */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.fifo.close(this.access);
  }
}
