/** Times at which calls go on; the loop asks when it has to wake up. */
import type { Pending } from '../../kernel/rump_kernel.js';

/** A wait for a time. Its result is 0. */
class Timer implements Pending {
  readonly at: number;
  readonly #timers: Timers;
  done: ((result: number) => void) | undefined;

  constructor(timers: Timers, at: number) {
    this.#timers = timers;
    this.at = at;
  }

  onDone(done: (result: number) => void): void {
    this.done = done;
    this.#timers.insert(this);
  }

  cancel(): number {
    this.#timers.remove(this);
    return 0;
  }
}

export class Timers {
  /** By time, the latest first: the next one is taken off the end. */
  readonly #waiting: Timer[] = [];
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /** A wait for that many milliseconds, counted from now. */
  after(milliseconds: number): Pending {
    return new Timer(this, this.now() + milliseconds);
  }

  /** Milliseconds until the next one, rounded up, at most `limit` (-1: no limit); for waitReady(). */
  timeout(limit: number): number {
    const next = this.#waiting.at(-1);
    if (next === undefined) return limit;
    const left = Math.min(Math.max(0, Math.ceil(next.at - this.now())), 2 ** 31 - 1);
    return limit < 0 ? left : Math.min(left, limit);
  }

  /** Goes on with those whose time has come. */
  run(): void {
    if (this.#waiting.length === 0) return;
    const now = this.now();
    for (let next = this.#waiting.at(-1); next !== undefined && next.at <= now; next = this.#waiting.at(-1)) {
      this.#waiting.pop();
      next.done?.(0);
    }
  }

  insert(timer: Timer): void {
    let low = 0;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#waiting[middle].at > timer.at) low = middle + 1;
      else high = middle;
    }
    this.#waiting.splice(low, 0, timer);
  }

  remove(timer: Timer): void {
    const at = this.#waiting.indexOf(timer);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}
