/** Results that come later: what a call over the wire gives when the server does not answer at once. */
import type { Pending } from '../../kernel/rump_kernel.js';

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

  get isCancelled(): boolean {
    return this.#cancelled;
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
