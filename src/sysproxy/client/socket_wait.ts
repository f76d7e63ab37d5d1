/** A call on a remote socket that waits: attempts that never block at the server, made again when the socket is ready. */
import { EAGAIN, EBADF } from '../../abi/linux/errno.js';
import type { Pending, Result } from '../../kernel/rump_kernel.js';
import type { EventLoop, Timer } from '../../native/loop.js';
import type { Readiness } from './readiness.js';
import type { Filter, Waiting } from './readiness_parts.js';

export interface Attempt {
  /** -EAGAIN: it would block. */
  run(): Result;
  /** Bytes that earlier attempts have moved: what a signal or the timeout ends the call with. */
  readonly moved: number;
  /** What the timeout ends the call with when nothing was moved; by default -EAGAIN. */
  readonly timeoutResult?: number;
}

export interface WaitOptions {
  readonly loop: EventLoop;
  /** Milliseconds, 0: for ever. */
  readonly timeout: number;
}

export class SocketWait implements Pending, Waiting {
  readonly filter: Filter;
  readonly #readiness: Readiness;
  readonly #attempt: Attempt;
  readonly #options: WaitOptions;
  #done: ((result: number) => void) | undefined;
  #timer: Timer | undefined;
  #isOver = false;
  /** An attempt is under way at the server. */
  #isBusy = false;
  /** The socket became ready before anybody wanted to know. */
  #missed = false;

  constructor(readiness: Readiness, filter: Filter, attempt: Attempt, options: WaitOptions) {
    this.filter = filter;
    this.#readiness = readiness;
    this.#attempt = attempt;
    this.#options = options;
  }

  /** What the server is doing may not be undone. */
  get killable(): boolean {
    return this.#isBusy;
  }

  /** With a timeout, a signal ends the call for good (sock_intr_errno of net/sock.h). */
  get restarts(): boolean {
    return this.#options.timeout === 0;
  }

  onDone(done: (result: number) => void): void {
    this.#done = done;
    const { loop, timeout } = this.#options;
    if (timeout > 0) this.#timer = loop.after(timeout, () => this.#expire());
    if (this.#missed) loop.complete(() => this.#readiness.serve());
  }

  cancel(): number {
    if (this.#isOver) return 0;
    this.#end();
    return this.#attempt.moved;
  }

  retry(next: (isOver: boolean) => void): 'over' | 'waits' | 'busy' {
    if (this.#isOver) return 'over';
    if (this.#isBusy) return 'waits';
    if (this.#done === undefined) {
      this.#missed = true;
      return 'waits';
    }
    const result = this.#attempt.run();
    if (typeof result === 'number') return this.#take(result);
    this.#isBusy = true;
    result.onDone(value => {
      this.#isBusy = false;
      next(this.#isOver || this.#take(value) === 'over');
    });
    return 'busy';
  }

  #take(result: number): 'over' | 'waits' {
    if (result === -EAGAIN) return 'waits';
    this.#finish(result);
    return 'over';
  }

  abandon(): void {
    if (!this.#isOver) this.#options.loop.complete(() => this.#finish(-EBADF));
  }

  #expire(): void {
    this.#timer = undefined;
    const { moved, timeoutResult = -EAGAIN } = this.#attempt;
    this.#finish(moved > 0 ? moved : timeoutResult);
  }

  #finish(result: number): void {
    if (this.#isOver) return;
    const done = this.#done;
    this.#end();
    done?.(result);
  }

  #end(): void {
    this.#isOver = true;
    if (this.#timer !== undefined) this.#options.loop.cancel(this.#timer);
    this.#readiness.leave(this);
  }
}
