/** What a connection still has to send. */
import { net } from '../native/net.js';

const FIRST_ROOM = 4096;
/** A buffer larger than this is given back when it is empty. */
const KEEP = 256 * 1024;

export class Outbox {
  /** The buffer and its view are new after a reserve() that grew them. */
  bytes = new Uint8Array(FIRST_ROOM);
  view = new DataView(this.bytes.buffer);
  #start = 0;
  #end = 0;

  /** Bytes that wait to be sent. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** Makes room for `length` bytes and returns where they go in `bytes`; they count as queued. */
  reserve(length: number): number {
    if (this.#end + length > this.bytes.length) this.#makeRoom(length);
    const at = this.#end;
    this.#end += length;
    return at;
  }

  /** Takes back the last bytes that were reserved. */
  shrink(length: number): void {
    this.#end -= length;
  }

  /** Sends what the socket takes now. Returns the bytes that are left, or -errno. */
  flush(fd: number): number {
    while (this.#start < this.#end) {
      const sent = net.send(fd, this.bytes, this.#start, this.#end - this.#start);
      if (sent < 0) return sent;
      if (sent === 0) return this.size;
      this.#start += sent;
    }
    this.clear();
    return 0;
  }

  /** As if `length` bytes from the front had been sent. */
  sent(length: number): void {
    this.#start += length;
    if (this.#start === this.#end) this.clear();
  }

  clear(): void {
    this.#start = 0;
    this.#end = 0;
    if (this.bytes.length > KEEP) this.#replace(new Uint8Array(FIRST_ROOM));
  }

  /** The first byte that waits. */
  get start(): number {
    return this.#start;
  }

  #makeRoom(length: number): void {
    const need = this.size + length;
    const target = need <= this.bytes.length ? this.bytes : new Uint8Array(2 ** Math.ceil(Math.log2(need)));
    target.set(this.bytes.subarray(this.#start, this.#end));
    this.#end = this.size;
    this.#start = 0;
    if (target !== this.bytes) this.#replace(target);
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
