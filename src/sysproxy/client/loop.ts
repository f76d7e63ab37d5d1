/** What all connections of one client share: the buffer that is received into, timers, and results to be handed out. */
import { EPOLLIN, EPOLLOUT, net, readyEvents, readyFd, waitReady } from '../net.js';

/** As much as one recv(2) takes; a frame that lies in it whole is not copied. */
const INBOX = 256 * 1024;

/** What the loop calls when a socket is ready. */
export interface Waiter {
  onReady(): void;
}

export interface Timer {
  readonly due: number;
  readonly run: () => void;
}

export class ClientLoop {
  readonly inbox = new Uint8Array(INBOX);
  readonly #waiters = new Map<number, Waiter>();
  readonly #timers = new Set<Timer>();
  #completions: (() => void)[] = [];
  /** Told how many milliseconds there are until turn() has to be called, -1: only when a socket is ready. */
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
    this.#timers.add(timer);
    this.#tell();
    return timer;
  }

  cancel(timer: Timer): void {
    if (this.#timers.delete(timer)) this.#tell();
  }

  /** Runs `run` at the next turn: results are never handed out from within another call. */
  complete(run: () => void): void {
    this.#completions.push(run);
    if (this.#completions.length === 1) this.#tell();
  }

  /** True when turn() would find something to wait for. */
  get busy(): boolean {
    return this.#waiters.size + this.#timers.size + this.#completions.length > 0;
  }

  /** Waits for sockets and timers, at most `timeout` milliseconds (-1: no limit), and deals with what is ready. */
  turn(timeout: number): void {
    const ready = waitReady(this.#wait(timeout));
    // Dealing with one may end another: the list is copied first.
    const fds: number[] = [];
    for (let i = 0; i < ready; i++) if (readyEvents(i) !== 0) fds.push(readyFd(i));
    for (const fd of fds) this.#waiters.get(fd)?.onReady();
    this.#runTimers();
    this.#runCompletions();
    this.#tell();
  }

  #runTimers(): void {
    if (this.#timers.size === 0) return;
    const now = performance.now();
    for (const timer of [...this.#timers]) {
      if (timer.due > now || !this.#timers.delete(timer)) continue;
      timer.run();
    }
  }

  #runCompletions(): void {
    while (this.#completions.length > 0) {
      const all = this.#completions;
      this.#completions = [];
      for (const run of all) run();
    }
  }

  /** Milliseconds until something is due, at most `limit`. */
  #wait(limit: number): number {
    if (this.#completions.length > 0) return 0;
    let wait = limit;
    const now = performance.now();
    for (const { due } of this.#timers) {
      const left = Math.max(0, Math.ceil(due - now));
      if (wait < 0 || left < wait) wait = left;
    }
    return wait;
  }

  #tell(): void {
    this.onTimeout(this.#wait(-1));
  }
}
