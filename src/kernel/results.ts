/** Results that may come later, put together. */
import type { Pending, Result } from './rump_kernel.js';

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

  get restarts(): boolean {
    return this.#current.restarts !== false;
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
