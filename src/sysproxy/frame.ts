/** Frames of rump_sp: a header of 24 bytes, little-endian, and a body (rumpuser_sp's sp_common.c, struct rsp_hdr). */

export const HEADER_SIZE = 24;

export const Class = { REQ: 0, RESP: 1, ERROR: 2 } as const;

export const Type = {
  HANDSHAKE: 0,
  SYSCALL: 1,
  COPYIN: 2,
  COPYINSTR: 3,
  COPYOUT: 4,
  COPYOUTSTR: 5,
  ANONMMAP: 6,
  PREFORK: 7,
  RAISE: 8,
} as const;

export const Handshake = { GUEST: 0, AUTH: 1, FORK: 2, EXEC: 3 } as const;

/** What an ERROR frame says (enum rumpsp_err). */
export const SpError = {
  NONE: 0,
  TRYAGAIN: 1,
  AUTH: 2,
  INVALID_PREFORK: 3,
  RFORK_FAILED: 4,
  INEXEC: 5,
  NOMEM: 6,
  MALFORMED_REQUEST: 7,
} as const;

/** sizeof auth of a PREFORK's answer, and of a FORK handshake's body: auth and an int. */
export const AUTH_SIZE = 16;
export const FORK_BODY_SIZE = 20;
/** struct rsp_copydata before its data: length, address. */
export const COPY_SIZE = 16;
/** struct rsp_sysresp: int error, padding, two registers. */
export const SYSRESP_SIZE = 24;
/** MAXBANNER of sp_common.c, with its NUL. */
export const BANNER_MAX = 96;

export const TWO_32 = 0x1_0000_0000;

/** Offset of a header's class, 16 bits. */
export const CLASS_AT = 16;

/** Fills in a header; the request number in two halves. */
export function putHeader(
  view: DataView,
  at: number,
  length: number,
  reqnoLow: number,
  reqnoHigh: number,
  cls: number,
  type: number,
  info: number,
): void {
  view.setUint32(at, length, true);
  view.setUint32(at + 4, 0, true);
  view.setUint32(at + 8, reqnoLow, true);
  view.setUint32(at + 12, reqnoHigh, true);
  view.setUint16(at + CLASS_AT, cls, true);
  view.setUint16(at + 18, type, true);
  view.setUint32(at + 20, info, true);
}

/** A frame as it arrived. Valid while its handler runs: the bytes are the receiver's. */
export interface Frame {
  reqnoLow: number;
  reqnoHigh: number;
  cls: number;
  type: number;
  info: number;
  /** The body is bytes[at ... at + size]. */
  bytes: Uint8Array;
  view: DataView;
  at: number;
  size: number;
}

/** The first room for a frame that comes in pieces. */
const FIRST_ROOM = 4096;
/** A larger buffer is not kept for the next one: there may be hundreds of connections. */
const KEEP = 128 * 1024;

/**
 * Cuts a stream into frames. A frame that lies whole in what was received is handed on without a copy; what is
 * cut is gathered in a buffer that grows with the bytes that have come, not with the length that was announced.
 */
export class FrameReader {
  readonly #limit: number;
  readonly #frame: Frame;
  readonly #none = new Uint8Array(0);
  #partial: Uint8Array;
  #partialView: DataView;
  #have = 0;
  #lastBytes: Uint8Array;
  #lastView: DataView;

  /** `limit`: bytes of the longest frame that is taken. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#partial = this.#none;
    this.#partialView = new DataView(this.#none.buffer);
    this.#lastBytes = this.#none;
    this.#lastView = this.#partialView;
    const { bytes, view } = { bytes: this.#none, view: this.#partialView };
    this.#frame = { reqnoLow: 0, reqnoHigh: 0, cls: 0, type: 0, info: 0, bytes, view, at: 0, size: 0 };
  }

  /**
   * Takes the next `length` bytes of the stream. `onFrame` returns false to stop: what follows is dropped. Returns false when
   * it did, or when a length is below the header's or over the limit: then the stream cannot be followed any more.
   */
  feed(bytes: Uint8Array, length: number, onFrame: (frame: Frame) => boolean): boolean {
    let at = 0;
    if (this.#have > 0) {
      at = this.#complete(bytes, length);
      if (at < 0) return false;
      if (this.#have > 0) return true;
      if (!this.#emit(this.#partial, this.#partialView, 0, onFrame)) return false;
      if (this.#partial.length > KEEP) this.#partial = this.#none;
    }
    const view = this.#viewOf(bytes);
    while (length - at >= HEADER_SIZE) {
      const size = frameLength(view, at);
      if (size < HEADER_SIZE || size > this.#limit) return false;
      if (size > length - at) break;
      if (!this.#emit(bytes, view, at, onFrame)) return false;
      at += size;
    }
    if (at < length) this.#keep(bytes, at, length);
    return true;
  }

  /** Goes on with the frame that was cut. Returns how many bytes it took (#have is 0 when it is whole), or -1 for a bad length. */
  #complete(bytes: Uint8Array, length: number): number {
    let at = 0;
    for (let goal = HEADER_SIZE; ; ) {
      if (this.#have >= HEADER_SIZE) {
        goal = frameLength(this.#partialView, 0);
        if (goal < HEADER_SIZE || goal > this.#limit) return -1;
        if (this.#have === goal) {
          this.#have = 0;
          return at;
        }
      }
      const take = Math.min(goal - this.#have, length - at);
      if (take === 0) return at;
      this.#keep(bytes, at, at + take);
      at += take;
    }
  }

  #keep(bytes: Uint8Array, from: number, to: number): void {
    const need = this.#have + to - from;
    if (need > this.#partial.length) {
      const larger = new Uint8Array(Math.max(FIRST_ROOM, 2 ** Math.ceil(Math.log2(need))));
      larger.set(this.#partial.subarray(0, this.#have));
      this.#partial = larger;
      this.#partialView = new DataView(larger.buffer);
    }
    this.#partial.set(bytes.subarray(from, to), this.#have);
    this.#have = need;
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.#lastBytes) {
      this.#lastBytes = bytes;
      this.#lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return this.#lastView;
  }

  #emit(bytes: Uint8Array, view: DataView, at: number, onFrame: (frame: Frame) => boolean): boolean {
    const frame = this.#frame;
    frame.reqnoLow = view.getUint32(at + 8, true);
    frame.reqnoHigh = view.getUint32(at + 12, true);
    frame.cls = view.getUint16(at + 16, true);
    frame.type = view.getUint16(at + 18, true);
    frame.info = view.getUint32(at + 20, true);
    frame.bytes = bytes;
    frame.view = view;
    frame.at = at + HEADER_SIZE;
    frame.size = view.getUint32(at, true) - HEADER_SIZE;
    return onFrame(frame);
  }
}

/** The length that a header announces; one beyond 32 bits is over any limit. */
function frameLength(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}
