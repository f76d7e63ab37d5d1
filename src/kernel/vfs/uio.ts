import type { Uio } from '../rump_kernel.js';

/** Which way a {@link BufferUio} moves bytes: a read takes them from the kernel, a write puts them into it. */
export type Direction = 'read' | 'write';

/** A Uio over plain memory of this process. */
export class BufferUio implements Uio {
  readonly #memory: Uint8Array;
  readonly #direction: Direction;
  #position = 0;

  constructor(memory: Uint8Array, direction: Direction) {
    this.#memory = memory;
    this.#direction = direction;
  }

  get resid(): number {
    return this.#memory.length - this.#position;
  }

  move(buf: Uint8Array, offset: number, length: number): number {
    const start = this.#position;
    const end = start + length;
    if (this.#direction === 'read') this.#memory.set(buf.subarray(offset, offset + length), start);
    else buf.set(this.#memory.subarray(start, end), offset);
    this.#position = end;
    return length;
  }
}
