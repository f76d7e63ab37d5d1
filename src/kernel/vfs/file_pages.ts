/** One regular file's contents: which page of the store holds which page of the file. */
import { EFAULT, ENOMEM, ENOSPC } from '../../abi/linux/errno.js';
import type { Uio } from '../rump_kernel.js';
import { PAGE_SIZE, type PageStore } from './pages.js';

/** Pages of the file in one leaf of the map. */
const LEAF_PAGES = 512;
const FIRST_LEAF_PAGES = 4;
const HOLE = 0;
/** Counted as the file's own by fallocate(2), but never written: reads as zeros, takes no memory, is no data to SEEK_DATA. */
const RESERVED = 0xffffffff;
/** Reserved twice: tmpfs takes a page that it finds not written yet for zeros, and SEEK_DATA finds it from then on. */
const ZEROED = 0xfffffffe;

const ZEROS = new Uint8Array(65536);

/** What a file system may still store, in pages. */
export interface PageBudget {
  usedPages: number;
  /** Infinity: as much as there is. */
  maxPages: number;
}

/**
 * A sparse array of pages: leaves of up to 512 entries in a Map, so that a hole costs nothing however long it is.
 * An entry is the store's page number + 1, HOLE, RESERVED or ZEROED. Bytes of a page beyond the file's size are always zero.
 */
export class FilePages {
  readonly #store: PageStore;
  readonly #budget: PageBudget;
  readonly #leaves = new Map<number, Uint32Array>();
  /** The Map's keys in order, made when a search needs them. */
  #sorted: number[] | undefined;
  /** Pages that the file owns, reserved ones too. */
  count = 0;

  constructor(store: PageStore, budget: PageBudget) {
    this.#store = store;
    this.#budget = budget;
  }

  /** Moves `length` bytes from `offset` on to the reader. Returns how many, or -EFAULT when none could be. */
  read(uio: Uio, offset: number, length: number): number {
    let moved = 0;
    while (moved < length) {
      const want = length - moved;
      const index = Math.floor((offset + moved) / PAGE_SIZE);
      const inPage = (offset + moved) % PAGE_SIZE;
      const entry = this.#entry(index);
      let step: number;
      let done: number;
      if (!hasPage(entry)) {
        step = Math.min(want, this.#emptyBytes(index, inPage, want), ZEROS.length);
        done = uio.move(ZEROS, 0, step);
      } else {
        step = Math.min(want, this.#runPages(index, entry, inPage + want) * PAGE_SIZE - inPage);
        const page = entry - 1;
        done = uio.move(this.#store.slabOf(page), this.#store.offsetOf(page) + inPage, step);
      }
      moved += done;
      if (done < step) break;
    }
    return moved > 0 || length === 0 ? moved : -EFAULT;
  }

  /**
   * Stores `length` bytes of the writer's from `offset` on. Returns how many: fewer where its memory or the
   * file system's space ends; -EFAULT, -ENOSPC or -ENOMEM when none could be stored.
   */
  write(uio: Uio, offset: number, length: number): number {
    let moved = 0;
    while (moved < length) {
      const want = length - moved;
      const index = Math.floor((offset + moved) / PAGE_SIZE);
      const inPage = (offset + moved) % PAGE_SIZE;
      const entry = this.#entry(index);
      if (!hasPage(entry)) {
        const stored = this.#fill(uio, index, inPage, want, entry);
        if (stored < 0) return moved > 0 ? moved : stored;
        moved += stored;
        continue;
      }
      const step = Math.min(want, this.#runPages(index, entry, inPage + want) * PAGE_SIZE - inPage);
      const page = entry - 1;
      const done = uio.move(this.#store.slabOf(page), this.#store.offsetOf(page) + inPage, step);
      moved += done;
      if (done < step) return moved > 0 ? moved : -EFAULT;
    }
    return moved;
  }

  /** Drops everything from `size` on. */
  truncate(size: number): void {
    const inPage = size % PAGE_SIZE;
    if (inPage !== 0) this.#clear(Math.floor(size / PAGE_SIZE), inPage, PAGE_SIZE);
    this.#drop(Math.ceil(size / PAGE_SIZE), Infinity);
  }

  /** Makes a hole of the bytes from `start` to before `end`. */
  punch(start: number, end: number): void {
    const first = Math.ceil(start / PAGE_SIZE);
    const last = Math.floor(end / PAGE_SIZE);
    if (first > last) {
      this.#clear(last, start % PAGE_SIZE, end % PAGE_SIZE);
      return;
    }
    if (start % PAGE_SIZE !== 0) this.#clear(first - 1, start % PAGE_SIZE, PAGE_SIZE);
    if (end % PAGE_SIZE !== 0) this.#clear(last, 0, end % PAGE_SIZE);
    this.#drop(first, last);
  }

  /** Makes sure that the bytes from `start` to before `end` can be written later. Returns 0 or -ENOSPC. */
  reserve(start: number, end: number): number {
    const first = Math.floor(start / PAGE_SIZE);
    const last = Math.ceil(end / PAGE_SIZE);
    const room = this.#budget.maxPages - this.#budget.usedPages;
    // Already more than all that is here plus all that may come: no need to count, which could take for ever.
    if (last - first > room + this.count) return -ENOSPC;
    let holes = 0;
    for (let index = first; index < last; index++) if (this.#entry(index) === HOLE) holes++;
    if (holes > room) return -ENOSPC;
    for (let index = first; index < last; ) {
      const leaf = this.#leaf(index, Math.min(last - 1, index - (index % LEAF_PAGES) + LEAF_PAGES - 1));
      const end = Math.min(last - index + (index % LEAF_PAGES), leaf.length);
      for (let slot = index % LEAF_PAGES; slot < end; slot++, index++)
        if (!hasPage(leaf[slot])) leaf[slot] = leaf[slot] === HOLE ? RESERVED : ZEROED;
    }
    this.#account(holes);
    return 0;
  }

  /** The first byte of data at or after `offset`, or -1 when there is none. */
  seekData(offset: number): number {
    const first = Math.floor(offset / PAGE_SIZE);
    const keys = this.#sortedKeys();
    for (let at = lowerBound(keys, Math.floor(first / LEAF_PAGES)); at < keys.length; at++) {
      const base = keys[at] * LEAF_PAGES;
      const leaf = this.#leaves.get(keys[at]);
      if (leaf === undefined) continue;
      for (let slot = Math.max(0, first - base); slot < leaf.length; slot++) {
        if (leaf[slot] !== HOLE && leaf[slot] !== RESERVED)
          return Math.max(offset, (base + slot) * PAGE_SIZE);
      }
    }
    return -1;
  }

  /** The first byte at or after `offset` that is in a hole; may lie beyond the file's size. */
  seekHole(offset: number): number {
    let index = Math.floor(offset / PAGE_SIZE);
    for (let entry = this.#entry(index); entry !== HOLE && entry !== RESERVED; entry = this.#entry(index))
      index++;
    return Math.max(offset, index * PAGE_SIZE);
  }

  #entry(index: number): number {
    const leaf = this.#leaves.get(Math.floor(index / LEAF_PAGES));
    if (leaf === undefined) return HOLE;
    const slot = index % LEAF_PAGES;
    return slot < leaf.length ? leaf[slot] : HOLE;
  }

  /** The leaf of page `index`, long enough for page `last` of the same leaf. */
  #leaf(index: number, last: number): Uint32Array {
    const key = Math.floor(index / LEAF_PAGES);
    const needed = (last % LEAF_PAGES) + 1;
    const leaf = this.#leaves.get(key);
    if (leaf !== undefined && leaf.length >= needed) return leaf;
    let length = key === 0 ? Math.max(FIRST_LEAF_PAGES, leaf?.length ?? 0) : LEAF_PAGES;
    while (length < needed) length *= 2;
    const longer = new Uint32Array(length);
    if (leaf === undefined) this.#sorted = undefined;
    else longer.set(leaf);
    this.#leaves.set(key, longer);
    return longer;
  }

  /** Bytes without data from `inPage` of page `index` on, as far as its leaf says; at least to the page's end. */
  #emptyBytes(index: number, inPage: number, want: number): number {
    const leaf = this.#leaves.get(Math.floor(index / LEAF_PAGES));
    const slot = index % LEAF_PAGES;
    const pages = Math.min(LEAF_PAGES - slot, Math.ceil((inPage + want) / PAGE_SIZE));
    if (leaf === undefined) return pages * PAGE_SIZE - inPage;
    let count = 1;
    while (count < pages && isEmpty(leaf, slot + count)) count++;
    return count * PAGE_SIZE - inPage;
  }

  /** How many of the file's pages from `index` on, for at most `bytes`, lie next to each other in the store. */
  #runPages(index: number, entry: number, bytes: number): number {
    let count = 1;
    if (bytes <= PAGE_SIZE) return count;
    const pages = Math.ceil(bytes / PAGE_SIZE);
    let next = entry + 1;
    let leaf = this.#leaves.get(Math.floor(index / LEAF_PAGES));
    let slot = (index % LEAF_PAGES) + 1;
    for (; count < pages; count++, slot++, next++) {
      if (slot === LEAF_PAGES) {
        leaf = this.#leaves.get(Math.floor((index + count) / LEAF_PAGES));
        slot = 0;
      }
      if (leaf === undefined || leaf[slot] !== next || this.#store.beginsSlab(next - 1)) break;
    }
    return count;
  }

  /** One step of a write into pages that hold nothing yet. Returns the bytes stored, or -errno when none were. */
  #fill(uio: Uio, index: number, inPage: number, want: number, kind: number): number {
    const slot = index % LEAF_PAGES;
    let pages = Math.min(LEAF_PAGES - slot, Math.ceil((inPage + want) / PAGE_SIZE));
    if (kind === HOLE) pages = Math.min(pages, this.#budget.maxPages - this.#budget.usedPages);
    if (pages < 1) return -ENOSPC;
    pages = this.#emptyRun(slot, index, pages, kind);
    const first = this.#store.allocate(pages);
    if (first < 0) return -ENOMEM;
    const count = this.#store.runLength;
    const slab = this.#store.slabOf(first);
    const at = this.#store.offsetOf(first);
    const step = Math.min(want, count * PAGE_SIZE - inPage);
    const done = uio.move(slab, at + inPage, step);
    const kept = done === 0 ? 0 : Math.ceil((inPage + done) / PAGE_SIZE);
    if (kept < count) this.#store.release(first + kept, count - kept);
    if (kept === 0) return -EFAULT;
    if (inPage > 0) slab.fill(0, at, at + inPage);
    slab.fill(0, at + inPage + done, at + kept * PAGE_SIZE);
    const leaf = this.#leaf(index, index + kept - 1);
    for (let i = 0; i < kept; i++) leaf[slot + i] = first + i + 1;
    if (kind === HOLE) this.#account(kept);
    return done;
  }

  /** How many of `pages` entries from `slot` on are of this kind, the first one known to be. */
  #emptyRun(slot: number, index: number, pages: number, kind: number): number {
    const leaf = this.#leaves.get(Math.floor(index / LEAF_PAGES));
    if (leaf === undefined) return pages;
    let count = 1;
    while (count < pages && (slot + count < leaf.length ? leaf[slot + count] : HOLE) === kind) count++;
    return count;
  }

  /** Zeroes bytes of one page, where it has any. */
  #clear(index: number, start: number, end: number): void {
    const entry = this.#entry(index);
    if (!hasPage(entry)) return;
    const at = this.#store.offsetOf(entry - 1);
    this.#store.slabOf(entry - 1).fill(0, at + start, at + end);
  }

  /** Gives back the pages from `first` to before `end`. */
  #drop(first: number, end: number): void {
    if (this.count === 0) return;
    const firstLeaf = Math.floor(first / LEAF_PAGES);
    const endLeaf = Math.ceil(end / LEAF_PAGES);
    if (endLeaf - firstLeaf <= this.#leaves.size) {
      for (let key = firstLeaf; key < endLeaf; key++) this.#dropInLeaf(key, first, end);
    } else {
      for (const key of this.#leaves.keys())
        if (key >= firstLeaf && key < endLeaf) this.#dropInLeaf(key, first, end);
    }
  }

  #dropInLeaf(key: number, first: number, end: number): void {
    const leaf = this.#leaves.get(key);
    if (leaf === undefined) return;
    const base = key * LEAF_PAGES;
    const from = Math.max(0, first - base);
    const to = Math.min(leaf.length, end - base);
    if (from >= to) return;
    const dropped = this.#releaseSlots(leaf, from, to);
    this.#account(-dropped);
    if ((from === 0 && to === leaf.length) || leaf.every(entry => entry === HOLE)) {
      this.#leaves.delete(key);
      this.#sorted = undefined;
    }
  }

  /** Empties entries, giving their pages back run by run. Returns how many were in use. */
  #releaseSlots(leaf: Uint32Array, from: number, to: number): number {
    let used = 0;
    let runStart = 0;
    let runLength = 0;
    for (let slot = from; slot < to; slot++) {
      const entry = leaf[slot];
      if (entry === HOLE) continue;
      used++;
      leaf[slot] = HOLE;
      if (!hasPage(entry)) continue;
      if (runLength > 0 && entry === runStart + runLength && !this.#store.beginsSlab(entry - 1)) {
        runLength++;
        continue;
      }
      if (runLength > 0) this.#store.release(runStart - 1, runLength);
      runStart = entry;
      runLength = 1;
    }
    if (runLength > 0) this.#store.release(runStart - 1, runLength);
    return used;
  }

  #account(pages: number): void {
    this.count += pages;
    this.#budget.usedPages += pages;
  }

  #sortedKeys(): readonly number[] {
    this.#sorted ??= [...this.#leaves.keys()].sort((a, b) => a - b);
    return this.#sorted;
  }
}

/** True when an entry names a page of the store. */
function hasPage(entry: number): boolean {
  return entry !== HOLE && entry < ZEROED;
}

/** True when there is nothing to read but zeros. */
function isEmpty(leaf: Uint32Array, slot: number): boolean {
  return slot >= leaf.length || !hasPage(leaf[slot]);
}

/** The first position in sorted `keys` whose key is not below `key`. */
function lowerBound(keys: readonly number[], key: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
