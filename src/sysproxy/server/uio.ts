/** A client's memory as the kernel's reads and writes see it. */
import type { Pending, Uio } from '../../kernel/rump_kernel.js';
import { PIECE } from './limits.js';
import type { Session } from './session.js';

/** Part of a client's memory, from an iovec or the arguments of read(2). */
export interface Range {
  readonly address: number;
  readonly length: number;
}

/** What is read goes straight into the frames that the client gets: as few COPYOUTs as ranges and pieces allow. */
export class ReadUio implements Uio {
  readonly #session: Session;
  readonly #ranges: readonly Range[];
  #at = 0;
  /** Bytes of ranges[at] that are filled. */
  #filled = 0;
  resid: number;
  /** Bytes of the COPYOUT that may grow, and how many frames there were when it began. */
  #copyout = 0;
  #frames = -1;

  /** The memory of `ranges`, in order, from its `skip`th byte on, `length` bytes of it. */
  constructor(session: Session, ranges: readonly Range[], skip: number, length: number) {
    this.#session = session;
    this.#ranges = ranges;
    this.resid = length;
    this.#filled = skip;
    this.#settle();
  }

  move(buf: Uint8Array, offset: number, length: number): number {
    let moved = 0;
    while (moved < length) moved += this.#put(buf, offset + moved, length - moved);
    this.resid -= moved;
    return moved;
  }

  #put(buf: Uint8Array, offset: number, length: number): number {
    const session = this.#session;
    const range = this.#ranges[this.#at];
    const grows = this.#frames === session.frames && this.#copyout < PIECE;
    const room = Math.min(range.length - this.#filled, grows ? PIECE - this.#copyout : PIECE);
    const part = Math.min(length, room);
    let to: number;
    if (grows) to = session.growCopyout(this.#copyout, part);
    else {
      to = session.beginCopyout(range.address + this.#filled, part);
      this.#frames = session.frames;
      this.#copyout = 0;
    }
    session.outgoing.set(buf.subarray(offset, offset + part), to);
    this.#copyout += part;
    this.#filled += part;
    this.#settle();
    return part;
  }

  /** On to the range that has room. */
  #settle(): void {
    while (this.#at < this.#ranges.length && this.#filled >= this.#ranges[this.#at].length) {
      this.#filled -= this.#ranges[this.#at].length;
      this.#at++;
      this.#frames = -1;
    }
  }
}

/** Bytes that a client has sent, for a write. They are borrowed: a write that has to wait keeps them first. */
export class WriteUio implements Uio {
  #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get resid(): number {
    return this.#bytes.length - this.#at;
  }

  move(buf: Uint8Array, offset: number, length: number): number {
    buf.set(this.#bytes.subarray(this.#at, this.#at + length), offset);
    this.#at += length;
    return length;
  }

  keep(): void {
    this.#bytes = this.#bytes.slice(this.#at);
    this.#at = 0;
  }
}

/** Waits until the client has read most of what was sent to it. */
export function drained(session: Session): Pending {
  let go: (() => void) | undefined;
  return {
    onDone: done => {
      go = () => done(0);
      session.whenDrained(go);
    },
    cancel: () => {
      if (go !== undefined) session.notDrained(go);
      return 0;
    },
  };
}
