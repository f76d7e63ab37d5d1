/** A call on a socket that waits: attempts are made until one has a result. */
import { EAGAIN } from '../../abi/linux/errno.js';
import type { EventLoop, Timer } from '../../native/loop.js';
import type { Pending } from '../rump_kernel.js';

/** What a call waits for: those that are in or out are served in the order in which they came, polls and calls that wait for another socket at any time. */
export type Direction = 'in' | 'out' | 'poll' | 'elsewhere';

export interface Attempt {
  /** The result, or undefined when it would block. May be made again and again; must not call into other waits. */
  run(): number | undefined;
  /** Bytes that earlier attempts have moved: what a signal or the timeout ends the call with. */
  readonly moved: number;
  /** What the timeout ends the call with when nothing was moved; by default -EAGAIN. connect(2) has -EINPROGRESS. */
  readonly timeoutResult?: number;
  /** There will be no more attempts, and no result: what they keep may go. */
  cancelled?(): void;
}

interface Owner {
  /** The caller has said where the result goes. `missed`: the socket has changed meanwhile. */
  armed(missed: boolean): void;
  /** The wait is over, whichever way. */
  over(wait: SocketWait): void;
}

export class SocketWait implements Pending {
  readonly direction: Direction;
  readonly #attempt: Attempt;
  readonly #owner: Owner;
  readonly #loop: EventLoop;
  #timer: Timer | undefined;
  readonly #timeout: number;
  #done: ((result: number) => void) | undefined;
  #missed = false;
  #isOver = false;

  /** `timeout`: milliseconds, 0: none. */
  constructor(loop: EventLoop, direction: Direction, attempt: Attempt, timeout: number, owner: Owner) {
    this.#loop = loop;
    this.direction = direction;
    this.#attempt = attempt;
    this.#timeout = timeout;
    this.#owner = owner;
  }

  /** With a timeout, a signal ends the call for good (sock_intr_errno of net/sock.h). */
  get restarts(): boolean {
    return this.#timeout === 0;
  }

  onDone(done: (result: number) => void): void {
    this.#done = done;
    if (this.#timeout > 0) this.#timer = this.#loop.after(this.#timeout, () => this.#expire());
    this.#owner.armed(this.#missed);
  }

  cancel(): number {
    if (this.#isOver) return 0;
    this.#end();
    this.#attempt.cancelled?.();
    return this.#attempt.moved;
  }

  /** The socket has changed: true when the wait is over. Before onDone() nothing can be served. */
  retry(): boolean {
    if (this.#isOver) return true;
    const done = this.#done;
    if (done === undefined) {
      this.#missed = true;
      return false;
    }
    const result = this.#attempt.run();
    if (result === undefined) return false;
    this.#end();
    done(result);
    return true;
  }

  #expire(): void {
    this.#timer = undefined;
    if (this.#isOver) return;
    const done = this.#done;
    this.#end();
    this.#attempt.cancelled?.();
    const { moved, timeoutResult = -EAGAIN } = this.#attempt;
    done?.(moved > 0 ? moved : timeoutResult);
  }

  #end(): void {
    this.#isOver = true;
    if (this.#timer !== undefined) this.#loop.cancel(this.#timer);
    this.#owner.over(this);
  }
}
