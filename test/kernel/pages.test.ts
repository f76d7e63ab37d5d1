/** Where file contents are kept: runs, holes, zeros, memory given back. */
import test from 'ava';
import { EFAULT, ENOMEM, ENOSPC } from '../../src/abi/linux/errno.js';
import type { Uio } from '../../src/kernel/rump_kernel.js';
import { FilePages } from '../../src/kernel/vfs/file_pages.js';
import { PAGE_SIZE, PageStore, SLAB_BYTES, type SlabProvider } from '../../src/kernel/vfs/pages.js';
import { BufferUio } from '../../src/kernel/vfs/uio.js';

const MIB = 1024 * 1024;

/** Slabs that count what is taken from the host and given back. */
class CountingSlabs implements SlabProvider {
  allocated = 0;
  discarded = 0;
  discards = 0;

  allocate(bytes: number): Uint8Array {
    this.allocated += bytes;
    return new Uint8Array(bytes);
  }

  discard(slab: Uint8Array, offset: number, length: number): void {
    this.discarded += length;
    this.discards++;
    slab.fill(0, offset, offset + length);
  }
}

/** Program memory of any size that is not there: counts moves, fills with one byte, ends after `limit` bytes. */
class PatternUio implements Uio {
  resid: number;
  moves = 0;
  readonly #fill: number | undefined;
  #left: number;

  constructor(length: number, fill?: number, limit = Infinity) {
    this.resid = length;
    this.#fill = fill;
    this.#left = limit;
  }

  move(buf: Uint8Array, offset: number, length: number): number {
    const moved = Math.min(length, this.#left);
    if (this.#fill !== undefined) buf.fill(this.#fill, offset, offset + moved);
    this.#left -= moved;
    this.resid -= moved;
    this.moves++;
    return moved;
  }
}

function make(maxPages = Infinity): {
  slabs: CountingSlabs;
  store: PageStore;
  budget: { usedPages: number; maxPages: number };
  file: FilePages;
} {
  const slabs = new CountingSlabs();
  const store = new PageStore(slabs);
  const budget = { usedPages: 0, maxPages };
  return { slabs, store, budget, file: new FilePages(store, budget) };
}

function write(file: FilePages, offset: number, text: string): number {
  return file.write(new BufferUio(Buffer.from(text), 'write'), offset, text.length);
}

function read(file: FilePages, offset: number, length: number): string {
  const out = Buffer.alloc(length, '?');
  file.read(new BufferUio(out, 'read'), offset, length);
  return out.toString('latin1');
}

test('a large write and read are few moves', t => {
  const { file } = make();
  const source = new PatternUio(64 * MIB, 7);
  t.is(file.write(source, 0, 64 * MIB), 64 * MIB);
  t.true(source.moves <= 64 / 2 + 1, `${source.moves} moves`);
  const target = new PatternUio(64 * MIB);
  t.is(file.read(target, 0, 64 * MIB), 64 * MIB);
  t.true(target.moves <= 2, `${target.moves} moves`);
});

test('moves per byte stay the same as a file grows', t => {
  const { file } = make();
  const counts: number[] = [];
  for (let at = 0; at < 128; at++) {
    const source = new PatternUio(MIB, 1);
    file.write(source, at * MIB, MIB);
    counts.push(source.moves);
  }
  t.true(Math.max(...counts) <= 2);
});

test('a run does not cross a slab, and data that does is whole', t => {
  const { file, slabs } = make();
  const border = SLAB_BYTES;
  file.write(new PatternUio(border + MIB, 1), 0, border + MIB);
  t.is(slabs.allocated, 2 * SLAB_BYTES);
  write(file, border - 3, 'abcdef');
  t.is(read(file, border - 4, 8), '\x01abcdef\x01');
});

test('bytes around a partial write are zero, also on used memory', t => {
  const { store, budget, file } = make();
  const other = new FilePages(store, budget);
  other.write(new PatternUio(4 * PAGE_SIZE, 0xff), 0, 4 * PAGE_SIZE);
  other.truncate(0);
  write(file, PAGE_SIZE + 100, 'x');
  t.is(read(file, PAGE_SIZE, PAGE_SIZE), `${'\0'.repeat(100)}x${'\0'.repeat(PAGE_SIZE - 101)}`);
  t.is(file.count, 1);
});

test('what was cut off does not come back', t => {
  const { file } = make();
  write(file, 0, 'abcdef');
  file.truncate(3);
  t.is(read(file, 0, 6), 'abc\0\0\0');
});

test('holes cost nothing, at any offset', t => {
  const { file, store } = make();
  write(file, 2 ** 42, 'far');
  t.is(file.count, 1);
  t.is(store.usedPages, 1);
  t.is(read(file, 2 ** 42 - 2, 5), '\0\0far');
  t.is(file.seekData(0), 2 ** 42);
  t.is(file.seekHole(0), 0);
  t.is(file.seekHole(2 ** 42), 2 ** 42 + PAGE_SIZE);
  t.is(file.seekData(2 ** 42 + PAGE_SIZE), -1);
  const target = new PatternUio(16 * MIB);
  file.read(target, 0, 16 * MIB);
  t.true(target.moves <= 16 * 16 + 16);
});

test('punching clears edges and gives whole pages back', t => {
  const { file } = make();
  file.write(new PatternUio(4 * PAGE_SIZE, 0x61), 0, 4 * PAGE_SIZE);
  file.punch(PAGE_SIZE - 2, 3 * PAGE_SIZE + 2);
  t.is(file.count, 2);
  t.is(read(file, PAGE_SIZE - 3, 4), 'a\0\0\0');
  t.is(read(file, 3 * PAGE_SIZE + 1, 2), '\0a');
  file.punch(10, 12);
  t.is(read(file, 9, 4), 'a\0\0a');
});

test('reserved pages count, take no memory, and are no data', t => {
  const { file, store, budget } = make(10);
  t.is(file.reserve(0, 8 * PAGE_SIZE), 0);
  t.deepEqual([file.count, budget.usedPages, store.usedPages], [8, 8, 0]);
  t.is(file.seekData(0), -1);
  t.is(file.reserve(PAGE_SIZE, 2 * PAGE_SIZE), 0);
  t.deepEqual([file.seekData(0), file.seekHole(PAGE_SIZE)], [PAGE_SIZE, 2 * PAGE_SIZE]);
  t.is(file.reserve(0, 11 * PAGE_SIZE), -ENOSPC);
  t.is(file.count, 8);
  write(file, PAGE_SIZE, 'x');
  t.deepEqual([file.count, budget.usedPages, store.usedPages], [8, 8, 1]);
  file.truncate(0);
  t.deepEqual([file.count, budget.usedPages, store.usedPages], [0, 0, 0]);
});

test('a full file system stores what fits', t => {
  const { file } = make(3);
  t.is(file.write(new PatternUio(5 * PAGE_SIZE, 1), 100, 5 * PAGE_SIZE), 3 * PAGE_SIZE - 100);
  t.is(file.write(new PatternUio(1, 1), 3 * PAGE_SIZE, 1), -ENOSPC);
  t.is(file.write(new PatternUio(1, 1), 0, 1), 1);
});

test('a host without memory is ENOMEM, and what was stored stays', t => {
  const slabs = new CountingSlabs();
  const store = new PageStore({
    allocate: bytes => {
      if (slabs.allocated > 0) throw new RangeError('no memory');
      return slabs.allocate(bytes);
    },
    discard: () => {},
  });
  const file = new FilePages(store, { usedPages: 0, maxPages: Infinity });
  t.is(file.write(new PatternUio(SLAB_BYTES + 1, 1), 0, SLAB_BYTES + 1), SLAB_BYTES);
  t.is(file.write(new PatternUio(1, 1), SLAB_BYTES, 1), -ENOMEM);
});

test('memory that ends is a short count, or EFAULT', t => {
  const { file, store } = make();
  t.is(file.write(new PatternUio(3 * PAGE_SIZE, 1, 0), 0, 3 * PAGE_SIZE), -EFAULT);
  t.is(store.usedPages, 0);
  t.is(file.write(new PatternUio(3 * PAGE_SIZE, 1, 5000), 0, 3 * PAGE_SIZE), 5000);
  t.is(store.usedPages, 2);
  t.is(read(file, 4999, 3), '\x01\0\0');
  t.is(file.read(new PatternUio(100, undefined, 0), 0, 100), -EFAULT);
  t.is(file.read(new PatternUio(100, undefined, 7), 0, 100), 7);
});

test('a deleted file gives its memory back, bounded in what is kept', t => {
  const { file, store, slabs } = make();
  const size = 512 * MIB;
  file.write(new PatternUio(size, 1), 0, size);
  t.is(slabs.allocated, size);
  file.truncate(0);
  t.is(store.usedPages, 0);
  t.true(slabs.discarded >= size - 8 * MIB);
  t.true(slabs.discards < 1000, `${slabs.discards} discards`);
});

test('creating and deleting over and over uses the same memory', t => {
  const { store, budget, slabs } = make();
  for (let i = 0; i < 2000; i++) {
    const file = new FilePages(store, budget);
    file.write(new PatternUio(MIB, 1), 0, MIB);
    file.truncate(0);
  }
  t.is(slabs.allocated, SLAB_BYTES);
  t.true((store.usedPages + store.dirtyPages) * PAGE_SIZE <= 8 * MIB);
});

test('memory stays within 1.3 times of what is stored while half of it goes', t => {
  const { store, budget } = make();
  const files = Array.from({ length: 1000 }, () => new FilePages(store, budget));
  for (const file of files) file.write(new PatternUio(256 * 1024, 1), 0, 256 * 1024);
  files.forEach((file, at) => {
    if (at % 2 === 0) file.truncate(0);
  });
  t.true(store.usedPages + store.dirtyPages <= store.usedPages * 1.3);
});

test('sixteen files written in turns read in few moves', t => {
  const { store, budget } = make();
  const files = Array.from({ length: 16 }, () => new FilePages(store, budget));
  for (let at = 0; at < 8; at++) for (const file of files) file.write(new PatternUio(MIB, 1), at * MIB, MIB);
  for (const file of files) {
    const target = new PatternUio(8 * MIB);
    file.read(target, 0, 8 * MIB);
    t.true(target.moves <= 16);
  }
});
