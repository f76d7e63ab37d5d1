/** Random frames and bodies, the same for the same seed. */
import { NB_MAX } from '../../src/abi/netbsd/nr.js';
import { putHeader } from '../../src/sysproxy/frame.js';

/** xorshift32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  bits(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
  /** 0 to limit - 1. */
  below(limit: number): number {
    return this.bits() % limit;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(from: readonly T[]): T {
    const item = from[this.below(from.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

/** Numbers that programs and attackers like. */
const NUMBERS = [
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  16,
  100,
  255,
  256,
  512,
  1023,
  1024,
  4096,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];
const REBOOT = 208;

/** A number of a call: known ones mostly; never reboot(2), which is meant to end a server. */
export function callNumber(random: Random): number {
  const nr = random.chance(95) ? random.below(NB_MAX) : random.bits();
  return nr === REBOOT ? 20 : nr;
}

export class FrameWriter {
  readonly bytes = new Uint8Array(256 * 1024);
  readonly view = new DataView(this.bytes.buffer);
  length = 0;
  frames = 0;

  constructor(readonly random: Random) {}

  clear(): void {
    this.length = 0;
    this.frames = 0;
  }

  /** Room for one more frame of usual size. */
  get hasRoom(): boolean {
    return this.length < this.bytes.length - 72 * 1024;
  }

  /** A frame with a body of `size` bytes; returns where that begins. `announced`: the length in its header, if another. */
  frame(reqno: number, cls: number, type: number, info: number, size: number, announced = size + 24): number {
    const at = this.length;
    putHeader(this.view, at, announced, reqno, 0, cls, type, info);
    this.bytes.fill(0, at + 24, at + 24 + size);
    this.length += 24 + size;
    this.frames++;
    return at + 24;
  }

  /** A word of 64 bits: small, an address, or anything. */
  word(at: number): void {
    const { random, view } = this;
    view.setUint32(at, random.chance(80) ? random.pick(NUMBERS) : random.bits(), true);
    view.setUint32(at + 4, random.chance(90) ? 0 : random.bits(), true);
  }

  noise(at: number, size: number): void {
    for (let i = 0; i < size; i++) this.bytes[at + i] = this.random.bits();
  }

  /** What makes no sense: wrong classes, types and lengths. */
  nonsense(): void {
    const { random } = this;
    const size = random.below(64);
    const announced = random.chance(97) ? size + 24 : random.pick([0, 1, 23, 24, 25, 2 ** 20, 2 ** 31]);
    const at = this.frame(
      random.below(50),
      random.below(4),
      random.below(11),
      random.bits(),
      size,
      announced,
    );
    this.noise(at, size);
  }
}
