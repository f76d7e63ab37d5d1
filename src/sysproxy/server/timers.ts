/** Times at which calls go on, as Pendings. */
import type { Pending } from '../../kernel/rump_kernel.js';
import type { EventLoop, Timer } from '../../native/loop.js';

/** A wait for a time. Its result is 0. */
class Delay implements Pending {
  #timer: Timer | undefined;

  constructor(
    readonly loop: EventLoop,
    readonly due: number,
  ) {}

  onDone(done: (result: number) => void): void {
    this.#timer = this.loop.after(Math.max(0, this.due - performance.now()), () => done(0));
  }

  cancel(): number {
    if (this.#timer !== undefined) this.loop.cancel(this.#timer);
    return 0;
  }
}

export class Timers {
  constructor(readonly loop: EventLoop) {}

  /** Milliseconds of a clock that never jumps. */
  now(): number {
    return performance.now();
  }

  /** A wait for that many milliseconds, counted from now. */
  after(milliseconds: number): Pending {
    return new Delay(this.loop, this.now() + milliseconds);
  }
}
