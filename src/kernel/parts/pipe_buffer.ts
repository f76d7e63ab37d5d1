/** What a pipe holds: 16 pages, filled and emptied as the host's fs/pipe.c does it. */
import { EFAULT } from '../../abi/linux/errno.js';
import { PAGE_SIZE } from '../../abi/linux/limits.js';
import type { Uio } from '../rump_kernel.js';

/** Pages in a pipe (PIPE_DEF_BUFFERS of linux/pipe_fs_i.h). */
export const PIPE_PAGES = 16;

/**
 * Pages in a ring. Small writes join the last page when they fit there whole, others begin a new page, so
 * that the pipe can be full with fewer bytes than 16 pages hold. A page that the program's memory
 * cannot fill or take whole counts as not moved.
 */
export class PipeBuffer {
  readonly #bytes = new Uint8Array(PIPE_PAGES * PAGE_SIZE);
  /** Where the unread bytes of each page begin and end. */
  readonly #start = new Uint16Array(PIPE_PAGES);
  readonly #end = new Uint16Array(PIPE_PAGES);
  #first = 0;
  #used = 0;
  #size = 0;

  /** Unread bytes. */
  get size(): number {
    return this.#size;
  }

  /** No page is free; there may still be room in the last one. */
  get isFull(): boolean {
    return this.#used === PIPE_PAGES;
  }

  /**
   * The beginning of a write: what is left of `uio` beyond whole pages joins the last page, when it fits. Returns the
   * bytes moved, 0 when it does not fit, or -EFAULT.
   */
  append(uio: Uio): number {
    const length = uio.resid % PAGE_SIZE;
    if (length === 0 || this.#size === 0) return 0;
    const last = (this.#first + this.#used - 1) % PIPE_PAGES;
    const end = this.#end[last];
    if (end + length > PAGE_SIZE) return 0;
    if (uio.move(this.#bytes, last * PAGE_SIZE + end, length) < length) return -EFAULT;
    this.#end[last] = end + length;
    this.#size += length;
    return length;
  }

  /** Fills free pages from `uio`. Returns the bytes moved; a page left free in spite of more to write means a fault. */
  fill(uio: Uio): number {
    let total = 0;
    while (uio.resid > 0 && !this.isFull) {
      const slot = (this.#first + this.#used) % PIPE_PAGES;
      const pages = Math.min(PIPE_PAGES - this.#used, PIPE_PAGES - slot);
      const wanted = Math.min(uio.resid, pages * PAGE_SIZE);
      const moved = uio.move(this.#bytes, slot * PAGE_SIZE, wanted);
      const kept = moved < wanted ? moved - (moved % PAGE_SIZE) : moved;
      this.#addPages(slot, kept);
      total += kept;
      if (moved < wanted) break;
    }
    return total;
  }

  /** Empties pages into `uio`. Returns the bytes moved, or -EFAULT when not even the first page's could be. */
  drain(uio: Uio): number {
    let total = 0;
    while (uio.resid > 0 && this.#size > 0) {
      const wanted = Math.min(uio.resid, this.#run());
      const moved = uio.move(this.#bytes, this.#first * PAGE_SIZE + this.#start[this.#first], wanted);
      total += this.#removePages(moved, moved < wanted && uio.takesParts !== true);
      if (moved < wanted) return total > 0 ? total : -EFAULT;
    }
    return total;
  }

  #addPages(slot: number, length: number): void {
    for (let at = 0; at < length; at += PAGE_SIZE) {
      const page = slot + at / PAGE_SIZE;
      this.#start[page] = 0;
      this.#end[page] = Math.min(PAGE_SIZE, length - at);
      this.#used++;
    }
    this.#size += length;
  }

  /** Unread bytes that lie one after the other from the first one on. */
  #run(): number {
    let page = this.#first;
    let length = this.#end[page] - this.#start[page];
    const last = Math.min(this.#first + this.#used, PIPE_PAGES) - 1;
    while (page < last && this.#end[page] === PAGE_SIZE && this.#start[page + 1] === 0) {
      page++;
      length += this.#end[page];
    }
    return length;
  }

  /** Drops up to `length` bytes: after a fault only whole pages' worth. Returns how many. */
  #removePages(length: number, wholeOnly: boolean): number {
    let left = length;
    while (left > 0) {
      const held = this.#end[this.#first] - this.#start[this.#first];
      if (left < held) {
        if (wholeOnly) break;
        this.#start[this.#first] += left;
        left = 0;
      } else {
        left -= held;
        this.#first = (this.#first + 1) % PIPE_PAGES;
        this.#used--;
      }
    }
    this.#size -= length - left;
    if (this.#used === 0) this.#first = 0;
    return length - left;
  }
}
