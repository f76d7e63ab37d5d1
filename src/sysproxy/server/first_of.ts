/** The first of several waits; the others are abandoned. Its result is 0. */
import type { Pending } from '../../kernel/rump_kernel.js';

export class FirstOf implements Pending {
  readonly #all: readonly Pending[];

  constructor(all: readonly Pending[]) {
    this.#all = all;
  }

  onDone(done: (result: number) => void): void {
    let over = false;
    for (const pending of this.#all) {
      pending.onDone(() => {
        if (over) return;
        over = true;
        for (const other of this.#all) if (other !== pending) other.cancel();
        done(0);
      });
    }
  }

  cancel(): number {
    for (const pending of this.#all) pending.cancel();
    return 0;
  }
}
