/**
 * One system call on the wire: its arguments, and the memory that the server may ask for while it runs. Objects are
 * pooled by their connection; a slot's number is part of its addresses.
 */
import type { Result, Uio } from '../../kernel/rump_kernel.js';
import { TWO_32 } from '../frame.js';
import type { Later } from './pending.js';

/**
 * Addresses that the server is given: above what x86-64 gives a program by itself, and exact as numbers. High word: this, and
 * the call's slot below; low word: an offset into its scratch, or from the second piece of 2^28 bytes on, a buffer.
 */
const SCRATCH_SPACE = 0x000f_0000;
const PIECE_SHIFT = 28;
export const PIECE_SIZE = 2 ** PIECE_SHIFT;
const PIECE_MASK = PIECE_SIZE - 1;
const MAX_PIECES = 15;
/** SYS_MAXSYSARGS of sys/param.h and the PAD slots. */
const MAX_SLOTS = 10;
const FIRST_SCRATCH = 512;
/** Buffers larger than this are not kept for the next call. */
const KEEP = 256 * 1024;

/** The slot that a high word names, or -1. */
export function slotOf(high: number): number {
  return (high & 0xffff_0000) >>> 0 === SCRATCH_SPACE ? high & 0xffff : -1;
}

export const State = { FREE: 0, BUILDING: 1, QUEUED: 2, FLYING: 3, DONE: 4 } as const;

/** A buffer of ours or the program's that the server copies from or to. */
interface Piece {
  bytes: Uint8Array | undefined;
  uio: Uio | undefined;
  size: number;
  /** A Uio is a cursor: what the server has copied out so far. */
  moved: number;
}

export class SysCall {
  nr = 0;
  slots = 0;
  /** Arguments: low word, high word, ... */
  readonly words = new Uint32Array(MAX_SLOTS * 2);
  state: number = State.FREE;
  reqno = 0;
  /** >= 0 or -errno of Linux, once DONE. */
  result = 0;
  /** The second register of the answer (pipe, getpid). */
  second = 0;
  /** The program's memory ended while data was copied out to it. */
  fault = false;
  /** Bytes that reached the program's Uio. */
  delivered = 0;
  /** Whose call it is: the thread's id, for signals. */
  tag = 0;
  /** It may wait in the kernel for as long as it likes: a signal may end it. */
  mayBlock = false;
  /** Nobody is held up for its answer. */
  isPosted = false;
  /** Nobody waits for it any more. */
  abandoned = false;
  /** The connection's generation when the call was begun. */
  generation = 0;
  /** Not 0: a descriptor is among the arguments, and this is the errno for one of a server that is gone. */
  fdErrno = 0;
  finish: (call: SysCall) => Result = call => call.result;
  /** Undoes what an abandoned call has done after all. */
  late: ((call: SysCall) => void) | undefined;
  later: Later | undefined;

  scratch = new Uint8Array(FIRST_SCRATCH);
  view = new DataView(this.scratch.buffer);
  #top = 0;
  readonly #pieces: Piece[] = [];
  #pieceCount = 0;
  #staging = new Uint8Array(0);

  constructor(readonly slot: number) {}

  begin(nr: number): this {
    this.nr = nr;
    this.slots = 0;
    this.state = State.BUILDING;
    this.result = 0;
    this.second = 0;
    this.fault = false;
    this.fdErrno = 0;
    this.delivered = 0;
    this.mayBlock = false;
    this.isPosted = false;
    this.abandoned = false;
    this.finish = plainResult;
    this.late = undefined;
    this.later = undefined;
    this.#top = 0;
    this.#pieceCount = 0;
    return this;
  }

  // Arguments, in order.

  /** An int, zero-extended as the stock client does. */
  int(value: number): this {
    return this.#slot(value >>> 0, 0);
  }
  /** A 64-bit number, negative or not. */
  long(value: number): this {
    return this.#slot(value >>> 0, Math.floor(value / TWO_32) >>> 0);
  }
  /** The slot that stands before a 64-bit offset in some calls. */
  pad(): this {
    return this.#slot(0, 0);
  }
  /** A null pointer. */
  nil(): this {
    return this.#slot(0, 0);
  }
  /** A path or a name, one character per byte. */
  string(text: string): this {
    const at = this.reserve(text.length + 1);
    for (let i = 0; i < text.length; i++) this.scratch[at + i] = text.charCodeAt(i);
    this.scratch[at + text.length] = 0;
    return this.pointer(at);
  }
  /** A place in scratch that reserve() gave. */
  pointer(at: number): this {
    return this.#slot(at, this.high);
  }
  /** A buffer of ours, to be read or written by the server. */
  buffer(bytes: Uint8Array, length = bytes.length): this {
    return this.#slot(this.mapBuffer(bytes, length), this.high);
  }
  /** The program's memory that a read fills. */
  target(uio: Uio, length: number): this {
    return this.#slot(this.#piece(undefined, uio, length), this.high);
  }
  /**
   * The program's memory that a write takes, copied now: the server must get what it asks for, whatever the program does meanwhile.
   * Returns how many bytes there were.
   */
  source(uio: Uio, length: number): number {
    if (this.#staging.length < length) this.#staging = new Uint8Array(length);
    const got = uio.move(this.#staging, 0, length);
    this.#slot(this.#piece(this.#staging, undefined, got), this.high);
    return got;
  }

  /** The high word of this call's addresses. */
  get high(): number {
    return (SCRATCH_SPACE | this.slot) >>> 0;
  }

  /** Room in scratch, aligned to 8 and zeroed; its offset. `scratch` and `view` may be new afterwards. */
  reserve(size: number): number {
    const at = this.#top;
    this.#top = (at + size + 7) & ~7;
    if (this.#top > this.scratch.length) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.#top)));
      larger.set(this.scratch.subarray(0, at));
      this.scratch = larger;
      this.view = new DataView(larger.buffer);
    }
    this.scratch.fill(0, at, this.#top);
    return at;
  }

  /** Maps a buffer without an argument of its own, for pointers inside structs: the low word of its address. */
  mapBuffer(bytes: Uint8Array, length = bytes.length): number {
    return this.#piece(bytes, undefined, length);
  }

  /** As mapBuffer(), of the program's memory that a read fills. */
  mapTarget(uio: Uio, length: number): number {
    return this.#piece(undefined, uio, length);
  }

  /** Writes a pointer to `low`, of this call's space, into scratch. */
  putPointer(at: number, low: number): void {
    this.view.setUint32(at, low, true);
    this.view.setUint32(at + 4, this.high, true);
  }

  #piece(bytes: Uint8Array | undefined, uio: Uio | undefined, size: number): number {
    const index = this.#pieceCount++;
    if (index >= MAX_PIECES) throw new RangeError('too many buffers in one call');
    const piece = this.#pieces[index];
    if (piece === undefined) {
      this.#pieces.push({ bytes, uio, size, moved: 0 });
    } else {
      piece.bytes = bytes;
      piece.uio = uio;
      piece.size = size;
      piece.moved = 0;
    }
    return ((index + 1) * PIECE_SIZE) >>> 0;
  }

  #slot(low: number, high: number): this {
    this.words[this.slots * 2] = low;
    this.words[this.slots * 2 + 1] = high;
    this.slots++;
    return this;
  }

  // What the server asks for.

  /** COPYIN: fills out[at...]; false when the range is not this call's. */
  copyIn(low: number, length: number, out: Uint8Array, at: number): boolean {
    const index = (low >>> PIECE_SHIFT) - 1;
    const offset = low & PIECE_MASK;
    if (index < 0) {
      if (offset + length > this.#top) return false;
      out.set(this.scratch.subarray(offset, offset + length), at);
      return true;
    }
    const piece = index < this.#pieceCount ? this.#pieces[index] : undefined;
    if (piece?.bytes === undefined || offset + length > piece.size) return false;
    out.set(piece.bytes.subarray(offset, offset + length), at);
    return true;
  }

  /** COPYINSTR: how many bytes from `low` there are, the NUL included, at most `max`; 0 when it is not this call's. */
  stringLength(low: number, max: number): number {
    if (low >= this.#top) return 0;
    const end = this.scratch.indexOf(0, low);
    return Math.min(max, (end < 0 || end >= this.#top ? this.#top - 1 : end) - low + 1);
  }

  /** COPYOUT: takes bytes[at ... at + length]; false when the range is not this call's to be written. */
  copyOut(low: number, length: number, bytes: Uint8Array, at: number): boolean {
    const index = (low >>> PIECE_SHIFT) - 1;
    const offset = low & PIECE_MASK;
    if (index < 0) {
      if (offset + length > this.#top) return false;
      this.scratch.set(bytes.subarray(at, at + length), offset);
      return true;
    }
    const piece = index < this.#pieceCount ? this.#pieces[index] : undefined;
    if (piece === undefined || offset + length > piece.size) return false;
    if (piece.bytes !== undefined) {
      piece.bytes.set(bytes.subarray(at, at + length), offset);
      return true;
    }
    if (piece.uio === undefined || offset !== piece.moved) return false;
    piece.moved += length;
    if (this.fault || this.abandoned) return true;
    const moved = piece.uio.move(bytes, at, length);
    this.delivered += moved;
    if (moved < length) this.fault = true;
    return true;
  }

  /** The call is over: nothing of it may be asked for any more. */
  release(): void {
    this.state = State.FREE;
    this.finish = plainResult;
    this.late = undefined;
    this.later = undefined;
    for (let i = 0; i < this.#pieceCount; i++) {
      this.#pieces[i].bytes = undefined;
      this.#pieces[i].uio = undefined;
    }
    this.#pieceCount = 0;
    this.#top = 0;
    if (this.#staging.length > KEEP) this.#staging = new Uint8Array(0);
    if (this.scratch.length > KEEP) {
      this.scratch = new Uint8Array(FIRST_SCRATCH);
      this.view = new DataView(this.scratch.buffer);
    }
  }
}

export function plainResult(call: SysCall): Result {
  return call.result;
}
