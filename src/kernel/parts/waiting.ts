/** Calls that wait: the Pending that a caller holds, and the order in which they are served. */
import type { Pending } from '../rump_kernel.js';

/**
 * A call in a queue. It is served only once the caller has said where the answer goes (`onDone`), so that a
 * callback can never run before onDone has returned and a call that was served is always one that was answered:
 * there is no moment between the two in which it could be cancelled.
 */
export class Waiter<Request> implements Pending {
  /** What is asked for; changed by the queue's owner while the call makes progress. */
  readonly request: Request;
  #queue: WaitQueue<Request>;
  #done: ((result: number) => void) | undefined;

  constructor(queue: WaitQueue<Request>, request: Request) {
    this.#queue = queue;
    this.request = request;
  }

  onDone(done: (result: number) => void): void {
    this.#done = done;
    this.#queue.armed();
  }

  cancel(): number {
    return this.#queue.remove(this) ? this.#queue.abandoned(this.request) : 0;
  }

  /** True when it may be served. */
  get isArmed(): boolean {
    return this.#done !== undefined;
  }

  /** Takes the call out of its queue and gives its result. The state it stands for must be complete by now. */
  complete(result: number): void {
    if (this.#queue.remove(this)) this.#done?.(result);
  }
}

/** Waiting calls in the order in which they came. */
export class WaitQueue<Request> {
  #waiters: Waiter<Request>[] = [];
  /** Somebody can be served from now on: look again, but not within this call. */
  readonly armed: () => void;
  /** A request was cancelled and has left the queue. Returns the bytes it had moved. */
  readonly abandoned: (request: Request) => number;

  constructor(armed: () => void, abandoned: (request: Request) => number) {
    this.armed = armed;
    this.abandoned = abandoned;
  }

  add(request: Request): Waiter<Request> {
    const waiter = new Waiter(this, request);
    this.#waiters.push(waiter);
    return waiter;
  }

  /** The first waiter that can be served and that `accept` takes. */
  find(accept: (request: Request) => boolean): Waiter<Request> | undefined {
    return this.#waiters.find(waiter => waiter.isArmed && accept(waiter.request));
  }

  /** The first waiter that can be served. */
  head(): Waiter<Request> | undefined {
    return this.#waiters.find(waiter => waiter.isArmed);
  }

  remove(waiter: Waiter<Request>): boolean {
    const at = this.#waiters.indexOf(waiter);
    if (at < 0) return false;
    this.#waiters.splice(at, 1);
    return true;
  }

  get isEmpty(): boolean {
    return this.#waiters.length === 0;
  }
}

/**
 * Serves waiting calls one at a time: `step` makes one change, tells the call that it concerns, and returns true,
 * or returns false when nothing can be done. A step's callback may call back into the object; what that
 * changes is picked up by the run that is under way, never by a second one inside it. `settled` runs when nothing is left to do.
 */
export class Pump {
  readonly #step: () => boolean;
  readonly #settled: () => void;
  #running = false;
  #scheduled = false;

  constructor(step: () => boolean, settled: () => void = () => {}) {
    this.#step = step;
    this.#settled = settled;
  }

  run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#step());
    } finally {
      this.#running = false;
    }
    this.#settled();
  }

  /** Runs when the current call stack has ended. */
  runSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.run();
    });
  }
}
