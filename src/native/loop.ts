/**
 * One place for all that happens outside of calls: host descriptors that are ready, times that have come, and results to be
 * handed out. The loops that turn it are synchronous; nothing in it may need Node's event loop.
 */
import { EPOLLIN, EPOLLOUT, net, readyEvents, readyFd, waitReady } from './net.js';

/** As much as one recv(2) takes; a frame that lies in it whole is not copied. */
const INBOX = 256 * 1024;
/** epoll_wait(2) takes an int. */
const LONGEST_MS = 2 ** 31 - 1;

/** What the loop calls when a descriptor is ready. */
export interface Waiter {
  /** `events`: EPOLL* bits of net.ts. */
  onReady(events: number): void;
}

export interface Timer {
  /** Milliseconds of performance.now(). */
  readonly due: number;
  readonly run: () => void;
}

export class EventLoop {
  readonly inbox = new Uint8Array(INBOX);
  readonly #waiters = new Map<number, Waiter>();
  /** By time, the latest first: the next one is taken off the end. */
  readonly #timers: Timer[] = [];
  #completions: (() => void)[] = [];
  /** Told how many milliseconds there are until turn() has to be called, -1: only when a descriptor is ready. */
  onTimeout: (milliseconds: number) => void = () => {};

  /** Calls `waiter` when fd can be read, or written with `output`. */
  watch(fd: number, waiter: Waiter, output: boolean): void {
    this.#waiters.set(fd, waiter);
    net.watch(fd, output ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  unwatch(fd: number): void {
    if (this.#waiters.delete(fd)) net.watch(fd, 0);
  }

  /** Runs `run` after some milliseconds; give the timer to cancel() to take it back. */
  after(milliseconds: number, run: () => void): Timer {
    const timer = { due: performance.now() + milliseconds, run };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timers[middle].due > timer.due) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    if (low === this.#timers.length - 1) this.#tell();
    return timer;
  }

  cancel(timer: Timer): void {
    const at = this.#timers.indexOf(timer);
    if (at < 0) return;
    this.#timers.splice(at, 1);
    if (at === this.#timers.length) this.#tell();
  }

  /** Runs `run` at the next turn: results are never handed out from within another call. */
  complete(run: () => void): void {
    this.#completions.push(run);
    if (this.#completions.length === 1) this.#tell();
  }

  /** True when turn() would find something to wait for. */
  get busy(): boolean {
    return this.#waiters.size + this.#timers.length + this.#completions.length > 0;
  }

  /** Waits for descriptors and timers, at most `timeout` milliseconds (-1: no limit), and deals with what is ready. */
  turn(timeout: number): void {
    const ready = waitReady(this.timeout(timeout));
    // Dealing with one may end another, and may wait again: the list is copied first.
    const found: number[] = [];
    for (let i = 0; i < ready; i++) if (readyEvents(i) !== 0) found.push(readyFd(i), readyEvents(i));
    for (let i = 0; i < found.length; i += 2) this.ready(found[i], found[i + 1]);
    this.runDue();
  }

  // For a loop that waits by itself, for descriptors of its own, too.

  /** Milliseconds that a wait may take, at most `limit` (-1: no limit). */
  timeout(limit: number): number {
    if (this.#completions.length > 0) return 0;
    const next = this.#timers.at(-1);
    if (next === undefined) return limit;
    const left = Math.min(Math.max(0, Math.ceil(next.due - performance.now())), LONGEST_MS);
    return limit < 0 ? left : Math.min(left, limit);
  }

  /** A descriptor is ready: false when it is none of this loop's. */
  ready(fd: number, events: number): boolean {
    const waiter = this.#waiters.get(fd);
    waiter?.onReady(events);
    return waiter !== undefined;
  }

  /** Goes on with timers whose time has come, and hands out results. */
  runDue(): void {
    this.#runTimers();
    this.#runCompletions();
    this.#tell();
  }

  #runTimers(): void {
    if (this.#timers.length === 0) return;
    const now = performance.now();
    for (let next = this.#timers.at(-1); next !== undefined && next.due <= now; next = this.#timers.at(-1)) {
      this.#timers.pop();
      next.run();
    }
  }

  #runCompletions(): void {
    while (this.#completions.length > 0) {
      const all = this.#completions;
      this.#completions = [];
      for (const run of all) run();
    }
  }

  #tell(): void {
    this.onTimeout(this.timeout(-1));
  }
}
