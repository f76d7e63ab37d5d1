import type { Uio } from '../../../src/kernel/rump_kernel.js';

/** A program's memory of `length` bytes, of which only the first `mapped` are there. */
export class MemoryUio implements Uio {
  readonly memory: Uint8Array;
  readonly #mapped: number;
  readonly #direction: 'in' | 'out';
  #at = 0;

  private constructor(memory: Uint8Array, direction: 'in' | 'out', mapped: number) {
    this.memory = memory;
    this.#direction = direction;
    this.#mapped = mapped;
  }

  /** For a read: bytes go into the memory. */
  static into(length: number, mapped = length): MemoryUio {
    return new MemoryUio(new Uint8Array(length), 'in', mapped);
  }

  /** For a write: bytes come out of the memory. */
  static from(bytes: Uint8Array | string, mapped = bytes.length): MemoryUio {
    return new MemoryUio(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, 'out', mapped);
  }

  get resid(): number {
    return this.memory.length - this.#at;
  }

  /** What a read has got so far. */
  get got(): Uint8Array {
    return this.memory.subarray(0, this.#at);
  }

  get text(): string {
    return Buffer.from(this.got).toString('latin1');
  }

  move(buf: Uint8Array, offset: number, length: number): number {
    const moved = Math.max(0, Math.min(length, this.resid, this.#mapped - this.#at));
    if (this.#direction === 'in') this.memory.set(buf.subarray(offset, offset + moved), this.#at);
    else buf.set(this.memory.subarray(this.#at, this.#at + moved), offset);
    this.#at += moved;
    return moved;
  }
}
