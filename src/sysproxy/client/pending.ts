/** Results that come later: what a call over the wire gives when the server does not answer at once. */
import type { Pending, Result } from '../../kernel/rump_kernel.js';

/** A result that somebody else settles. */
export class Later implements Pending {
  #done: ((result: number) => void) | undefined;
  #settled = false;
  #cancelled = false;
  #killable: boolean;
  #onCancel: () => number;

  /** `killable`: see Pending. `onCancel` gives what cancel() returns. */
  constructor(killable: boolean, onCancel: () => number = () => 0) {
    this.#killable = killable;
    this.#onCancel = onCancel;
  }

  get killable(): boolean {
    return this.#killable;
  }

  onDone(done: (result: number) => void): void {
    this.#done = done;
  }

  cancel(): number {
    if (this.#settled || this.#cancelled) return 0;
    this.#cancelled = true;
    return this.#onCancel();
  }

  /** Another call goes on where this one ended. */
  follow(next: Pending): void {
    if (this.#cancelled) {
      next.cancel();
      return;
    }
    this.#killable = next.killable === true;
    this.#onCancel = () => next.cancel();
    next.onDone(result => this.settle(result));
  }

  settle(result: number): void {
    if (this.#settled || this.#cancelled) return;
    this.#settled = true;
    this.#done?.(result);
  }
}

/** Several calls in a row that are one call of the program's. */
class Chain implements Pending {
  #current: Pending;
  #done: ((result: number) => void) | undefined;
  #cancelled = false;

  constructor(first: Pending, next: (value: number) => Result) {
    this.#current = first;
    first.onDone(value => {
      if (this.#cancelled) return;
      const result = next(value);
      if (typeof result === 'number') {
        this.#done?.(result);
        return;
      }
      this.#current = result;
      result.onDone(last => {
        if (!this.#cancelled) this.#done?.(last);
      });
    });
  }

  get killable(): boolean {
    return this.#current.killable === true;
  }

  onDone(done: (result: number) => void): void {
    this.#done = done;
  }

  cancel(): number {
    this.#cancelled = true;
    return this.#current.cancel();
  }
}

/** Goes on with a result when it is there, at once if it is: what the whole then gives. */
export function then(result: Result, next: (value: number) => Result): Result {
  return typeof result === 'number' ? next(result) : new Chain(result, next);
}

/** As then(), for what comes after a success; an error is the result of the whole. */
export function andThen(result: Result, next: (value: number) => Result): Result {
  return then(result, value => (value < 0 ? value : next(value)));
}
