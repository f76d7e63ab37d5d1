import { native } from './native.js';

/**
 * A cursor over a tracee's memory: one buffer or an iovec. One object per thread serves all its calls, so that a read or a write
 * allocates nothing. `toTracee` is the direction of a read.
 */
export class TraceeUio {
  #tid = 0;
  #toTracee = false;
  #address = 0;
  #left = 0;
  #vector: readonly number[] = [];
  #next = 0;
  resid = 0;

  /** Points the cursor at one buffer. */
  single(tid: number, toTracee: boolean, address: number, length: number): this {
    this.#tid = tid;
    this.#toTracee = toTracee;
    this.#address = address;
    this.#left = length;
    this.#vector = [];
    this.#next = 0;
    this.resid = length;
    return this;
  }

  /** Points the cursor at a vector: base, length, base, length, ... */
  vectored(tid: number, toTracee: boolean, vector: readonly number[]): this {
    this.single(tid, toTracee, 0, 0);
    this.#vector = vector;
    for (let i = 1; i < vector.length; i += 2) this.resid += vector[i];
    return this;
  }

  /** Uio.move: fewer bytes than asked only where the tracee's memory ends. */
  move(buf: Uint8Array, offset: number, length: number): number {
    let moved = 0;
    while (moved < length) {
      if (this.#left === 0) {
        if (this.#next >= this.#vector.length) break;
        this.#address = this.#vector[this.#next];
        this.#left = this.#vector[this.#next + 1];
        this.#next += 2;
        continue;
      }
      const want = Math.min(this.#left, length - moved);
      const n = this.#toTracee
        ? native.write(this.#tid, this.#address, buf, offset + moved, want)
        : native.read(this.#tid, this.#address, buf, offset + moved, want);
      if (n <= 0) break;
      this.#address += n;
      this.#left -= n;
      this.resid -= n;
      moved += n;
      if (n < want) break;
    }
    return moved;
  }
}
