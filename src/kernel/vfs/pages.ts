/** Memory for file contents: pages out of large slabs, given back to the host when files shrink. */

/** Bytes of a page, as on the host. */
export const PAGE_SIZE = 4096;
/** Pages of a slab. */
export const SLAB_PAGES = 16384;
/** Bytes of a slab: 64 MiB. */
export const SLAB_BYTES = SLAB_PAGES * PAGE_SIZE;

/** Dirty free pages that may always be kept: 8 MiB. */
const DIRTY_FLOOR = 2048;
/** Beyond the floor, one dirty free page is kept for this many used ones. */
const USED_PER_DIRTY = 8;

/** Where slabs come from. */
export interface SlabProvider {
  /** Zeroed memory, committed by the host only where it is touched. Throws when there is none. */
  allocate(bytes: number): Uint8Array;
  /** The range's memory goes back to the host; it reads as zeros afterwards. Both are multiples of the page size. */
  discard(slab: Uint8Array, offset: number, length: number): void;
}

/** Slabs on the JavaScript heap: discarding clears, but only the whole slab's end gives memory back. */
export const heapSlabs: SlabProvider = {
  allocate: bytes => new Uint8Array(bytes),
  discard: (slab, offset, length) => {
    slab.fill(0, offset, offset + length);
  },
};

const WORDS = SLAB_PAGES / 32;
const ALL_FREE = 0xffffffff;

/** One slab with a bit per page. */
class Slab {
  readonly bytes: Uint8Array;
  /** 1: nobody's. */
  readonly free = new Uint32Array(WORDS).fill(ALL_FREE);
  /** 1: free, but with old contents that still take memory. */
  readonly dirty = new Uint32Array(WORDS);
  freeCount = SLAB_PAGES;
  dirtyCount = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The first free page at or after `from`, or -1. */
  firstFree(from: number): number {
    let word = from >>> 5;
    if (word >= WORDS) return -1;
    let bits = this.free[word] & (ALL_FREE << (from & 31));
    while (bits === 0) {
      word++;
      if (word === WORDS) return -1;
      bits = this.free[word];
    }
    return word * 32 + 31 - Math.clz32(bits & -bits);
  }

  /** Takes free pages from `first` on, up to `max` of them. Returns how many. */
  take(first: number, max: number): number {
    const limit = Math.min(first + max, SLAB_PAGES);
    let page = first;
    while (page < limit) {
      const word = page >>> 5;
      if ((page & 31) === 0 && limit - page >= 32 && this.free[word] === ALL_FREE) {
        this.free[word] = 0;
        if (this.dirty[word] !== 0) this.#forgetDirty(word, ALL_FREE);
        page += 32;
        continue;
      }
      const bit = 1 << (page & 31);
      if ((this.free[word] & bit) === 0) break;
      this.free[word] &= ~bit;
      if ((this.dirty[word] & bit) !== 0) this.#forgetDirty(word, bit);
      page++;
    }
    this.freeCount -= page - first;
    return page - first;
  }

  /** The pages are nobody's and dirty from now on. */
  put(first: number, count: number): void {
    for (let page = first; page < first + count; ) {
      const word = page >>> 5;
      const bits = Math.min(32 - (page & 31), first + count - page);
      const mask = bits === 32 ? ALL_FREE : ((1 << bits) - 1) << (page & 31);
      this.free[word] |= mask;
      this.dirty[word] |= mask;
      page += bits;
    }
    this.freeCount += count;
    this.dirtyCount += count;
  }

  /** Hands every run of dirty pages to `discard`, as byte ranges. */
  clean(discard: (slab: Uint8Array, offset: number, length: number) => void): void {
    let start = -1;
    for (let page = 0; page <= SLAB_PAGES; page++) {
      if (start < 0 && (page & 31) === 0 && this.dirty[page >>> 5] === 0 && page < SLAB_PAGES) {
        page += 31;
        continue;
      }
      const isDirty = page < SLAB_PAGES && (this.dirty[page >>> 5] & (1 << (page & 31))) !== 0;
      if (isDirty && start < 0) start = page;
      if (!isDirty && start >= 0) {
        discard(this.bytes, start * PAGE_SIZE, (page - start) * PAGE_SIZE);
        start = -1;
      }
    }
    this.dirty.fill(0);
    this.dirtyCount = 0;
  }

  #forgetDirty(word: number, mask: number): void {
    let bits = this.dirty[word] & mask;
    this.dirty[word] &= ~mask;
    for (; bits !== 0; bits &= bits - 1) this.dirtyCount--;
  }
}

/**
 * Pages for files, by number: page n lives in slab n / SLAB_PAGES. Runs are handed out next to each other where they can be, so
 * that large transfers are few moves.
 */
export class PageStore {
  readonly #provider: SlabProvider;
  readonly #slabs: Slab[] = [];
  #slab = 0;
  #cursor = 0;
  #used = 0;
  #dirty = 0;
  /** Pages of the run that `allocate` returned last. */
  runLength = 0;

  constructor(provider: SlabProvider = heapSlabs) {
    this.#provider = provider;
  }

  /** Pages that files own. */
  get usedPages(): number {
    return this.#used;
  }

  /** Pages that nobody owns but that still take the host's memory. */
  get dirtyPages(): number {
    return this.#dirty;
  }

  /**
   * A run of at most `max` pages next to each other, all in one slab; its length is in `runLength`. What they hold is
   * undefined: the caller overwrites or clears every byte. -1 when the host has no memory left.
   */
  allocate(max: number): number {
    const slab = this.#slabWithRoom();
    if (slab === undefined) return -1;
    let first = slab.firstFree(this.#cursor);
    if (first < 0) first = slab.firstFree(0);
    const dirtyBefore = slab.dirtyCount;
    const count = slab.take(first, max);
    this.#dirty -= dirtyBefore - slab.dirtyCount;
    this.#used += count;
    this.#cursor = first + count;
    this.runLength = count;
    return this.#slab * SLAB_PAGES + first;
  }

  /** Gives back a run of pages, which may not cross slabs. */
  release(first: number, count: number): void {
    const index = Math.floor(first / SLAB_PAGES);
    const at = first % SLAB_PAGES;
    this.#slabs[index].put(at, count);
    this.#used -= count;
    this.#dirty += count;
    // Pages that are still in the cache and the page tables are the best to hand out next.
    this.#slab = index;
    this.#cursor = at;
    if (this.#dirty > DIRTY_FLOOR && this.#dirty > this.#used / USED_PER_DIRTY) this.#discardDirty();
  }

  /** The slab that holds a page. */
  slabOf(page: number): Uint8Array {
    return this.#slabs[Math.floor(page / SLAB_PAGES)].bytes;
  }

  /** Where in its slab a page begins, in bytes. */
  offsetOf(page: number): number {
    return (page % SLAB_PAGES) * PAGE_SIZE;
  }

  /** True when `page` begins a slab: a run of numbers ends before it. */
  beginsSlab(page: number): boolean {
    return page % SLAB_PAGES === 0;
  }

  #slabWithRoom(): Slab | undefined {
    const count = this.#slabs.length;
    for (let i = 0; i < count; i++) {
      const index = (this.#slab + i) % count;
      const slab = this.#slabs[index];
      if (slab.freeCount === 0) continue;
      if (i > 0) this.#moveTo(index);
      return slab;
    }
    const slab = this.#newSlab();
    if (slab !== undefined) {
      this.#slabs.push(slab);
      this.#moveTo(count);
    }
    return slab;
  }

  #newSlab(): Slab | undefined {
    try {
      return new Slab(this.#provider.allocate(SLAB_BYTES));
    } catch {
      // The writer gets ENOMEM, as when the host's own page cache finds no page.
      return undefined;
    }
  }

  #moveTo(index: number): void {
    this.#slab = index;
    this.#cursor = 0;
  }

  #discardDirty(): void {
    for (const slab of this.#slabs) {
      if (slab.dirtyCount > 0)
        slab.clean((bytes, offset, length) => this.#provider.discard(bytes, offset, length));
    }
    this.#dirty = 0;
  }
}
