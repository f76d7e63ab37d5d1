/** The server's own requests: copies between it and the memory of a call, and anonymous memory. */
import { Class, COPY_SIZE, type Frame, HEADER_SIZE, putHeader, TWO_32, Type } from '../frame.js';
import type { Outbox } from '../outbox.js';
import type { CallPool } from './connection.js';

/** No call has more than this to be copied at once; a server that asks for more is not one. */
const COPY_LIMIT = 16 * 1024 * 1024;
/** Memory that ANONMMAP may take in all, bytes. */
const ANON_LIMIT = 16 * 1024 * 1024;
/** High word of its addresses: beside those of calls, and no program's either. */
const ANON_SPACE = 0x000e_0000;
const PAGE = 4096;

interface Region {
  readonly low: number;
  readonly bytes: Uint8Array;
}

export class ServerRequests {
  readonly #outbox: Outbox;
  readonly #pool: CallPool;
  readonly #regions: Region[] = [];
  #anonTop = PAGE;
  strays = 0;

  constructor(outbox: Outbox, pool: CallPool) {
    this.#outbox = outbox;
    this.#pool = pool;
  }

  /** Answers a request. Returns false for one that no server makes: the connection is of no use then. */
  serve(frame: Frame): boolean {
    switch (frame.type) {
      case Type.COPYIN:
        return frame.size >= COPY_SIZE && this.#copyIn(frame);
      case Type.COPYINSTR:
        return frame.size >= COPY_SIZE && this.#copyInString(frame);
      case Type.COPYOUT:
      case Type.COPYOUTSTR:
        return frame.size >= COPY_SIZE && this.#copyOut(frame);
      case Type.ANONMMAP:
        return frame.size >= 8 && this.#anonymous(frame);
      default:
        // The stock client aborts here.
        return false;
    }
  }

  #respond(frame: Frame, type: number, size: number): number {
    const at = this.#outbox.reserve(HEADER_SIZE + size);
    const { view } = this.#outbox;
    putHeader(view, at, HEADER_SIZE + size, frame.reqnoLow, frame.reqnoHigh, Class.RESP, type, 0);
    return at + HEADER_SIZE;
  }

  /** Exactly as many bytes as were asked for, or a real server reads beyond its own buffer; zeros for what is not ours to show. */
  #copyIn(frame: Frame): boolean {
    const { view, at } = frame;
    const length = view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
    if (length > COPY_LIMIT) return false;
    const [low, high] = [view.getUint32(at + 8, true), view.getUint32(at + 12, true)];
    const to = this.#respond(frame, Type.COPYIN, length);
    const { bytes } = this.#outbox;
    const known =
      this.#pool.flying(high)?.copyIn(low, length, bytes, to) ?? this.#regionIn(high, low, length, to);
    if (known) return true;
    this.strays++;
    bytes.fill(0, to, to + length);
    return true;
  }

  #copyInString(frame: Frame): boolean {
    const { view, at } = frame;
    const max = view.getUint32(at + 4, true) > 0 ? COPY_LIMIT : view.getUint32(at, true);
    const [low, high] = [view.getUint32(at + 8, true), view.getUint32(at + 12, true)];
    const call = this.#pool.flying(high);
    const length = call?.stringLength(low, Math.min(max, COPY_LIMIT)) ?? 0;
    if (call === undefined || length === 0) {
      this.strays++;
      const to = this.#respond(frame, Type.COPYIN, Math.min(max, 1));
      if (max > 0) this.#outbox.bytes[to] = 0;
      return true;
    }
    const to = this.#respond(frame, Type.COPYIN, length);
    call.copyIn(low, length, this.#outbox.bytes, to);
    return true;
  }

  #copyOut(frame: Frame): boolean {
    const { view, at, size } = frame;
    const length = size - COPY_SIZE;
    const announced = view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
    if (announced !== length) return false;
    const [low, high] = [view.getUint32(at + 8, true), view.getUint32(at + 12, true)];
    const data = at + COPY_SIZE;
    if (this.#pool.flying(high)?.copyOut(low, length, frame.bytes, data)) return true;
    const region = this.#region(high, low, length);
    if (region === undefined) this.strays++;
    else region.bytes.set(frame.bytes.subarray(data, data + length), low - region.low);
    return true;
  }

  // ANONMMAP: memory of ours that the server then copies from and to.

  #anonymous(frame: Frame): boolean {
    const { view, at } = frame;
    const length = view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
    const low = this.#anonTop;
    const granted = length > 0 && length <= ANON_LIMIT - (low - PAGE);
    if (granted) {
      this.#regions.push({ low, bytes: new Uint8Array(length) });
      this.#anonTop += Math.ceil(length / PAGE) * PAGE;
    }
    // NULL as from a failed mmap(2): the server's call then ends with ENOMEM.
    const to = this.#respond(frame, Type.ANONMMAP, 8);
    this.#outbox.view.setUint32(to, granted ? low : 0, true);
    this.#outbox.view.setUint32(to + 4, granted ? ANON_SPACE : 0, true);
    return true;
  }

  #region(high: number, low: number, length: number): Region | undefined {
    if (high !== ANON_SPACE) return undefined;
    return this.#regions.find(
      ({ low: start, bytes }) => low >= start && low + length <= start + bytes.length,
    );
  }

  #regionIn(high: number, low: number, length: number, to: number): boolean {
    const region = this.#region(high, low, length);
    if (region === undefined) return false;
    const from = low - region.low;
    this.#outbox.bytes.set(region.bytes.subarray(from, from + length), to);
    return true;
  }
}
