/**
 * Reading directories. NetBSD gives entries without offsets; Linux programs want one for each (telldir(3)). They are counted here,
 * and a count leads back to its entry by way of the block that it came in.
 */
import { EINVAL } from '../../abi/linux/errno.js';
import { SEEK_CUR, SEEK_SET } from '../../abi/linux/fcntl.js';
import { decodeNetbsdDirents } from '../../abi/netbsd/dirent.js';
import { NB } from '../../abi/netbsd/nr.js';
import { andThen, then } from '../../kernel/results.js';
import type { BytePath, DirSink, Result } from '../../kernel/rump_kernel.js';
import type { SysCall } from './syscall.js';

const BLOCK_SIZE = 32 * 1024;

interface Entry {
  readonly name: BytePath;
  readonly ino: number;
  readonly type: number;
}

/** Makes calls on one descriptor of the directory. */
export interface DirectoryCalls {
  call(nr: number): SysCall | number;
  submit(call: SysCall, finish?: (call: SysCall) => Result): Result;
}

/** Where a block of entries begins: how many come before it, and the server's offset of it. */
interface Block {
  readonly first: number;
  readonly offset: number;
}

export class DirectoryReader {
  #entries: Entry[] = [];
  /** Of the entries that are here, the next to be given out. */
  #next = 0;
  /** Number of the first entry that is here. */
  #first = 0;
  #blocks: Block[] = [{ first: 0, offset: 0 }];
  readonly #buffer = new Uint8Array(BLOCK_SIZE);

  /** getdents(2): gives entries to `sink` until it takes no more or there are none. */
  read(calls: DirectoryCalls, sink: DirSink): Result {
    for (; this.#next < this.#entries.length; this.#next++) {
      const entry = this.#entries[this.#next];
      if (!sink(entry.name, entry.ino, entry.type, this.#first + this.#next + 1)) return 0;
    }
    return andThen(this.#fetch(calls), count => (count === 0 ? 0 : this.read(calls, sink)));
  }

  /** lseek(2): to a number that an entry came with, to the start, or none at all. */
  seek(calls: DirectoryCalls, offset: number, whence: number): Result {
    const here = this.#first + this.#next;
    if (whence === SEEK_CUR && offset === 0) return here;
    const target = whence === SEEK_CUR ? here + offset : offset;
    if ((whence !== SEEK_SET && whence !== SEEK_CUR) || target < 0) return -EINVAL;
    if (target >= this.#first && target <= this.#first + this.#entries.length && target > 0) {
      this.#next = target - this.#first;
      return target;
    }
    return this.#rewind(calls, target);
  }

  #rewind(calls: DirectoryCalls, target: number): Result {
    let block = this.#blocks[0];
    for (const candidate of this.#blocks) if (candidate.first <= target) block = candidate;
    return andThen(seekTo(calls, block.offset, SEEK_SET), () => {
      this.#entries = [];
      this.#first = block.first;
      this.#next = 0;
      this.#blocks = this.#blocks.filter(({ first }) => first <= block.first);
      return this.#skipTo(calls, target);
    });
  }

  #skipTo(calls: DirectoryCalls, target: number): Result {
    if (target === this.#first) return target;
    return andThen(this.#fetch(calls), count => {
      // Behind the end, or the directory has become shorter: the next read finds nothing.
      if (count === 0) return target;
      if (target > this.#first + count) return this.#skipTo(calls, target);
      this.#next = target - this.#first;
      return target;
    });
  }

  /** Reads the next block. Returns how many entries it has. */
  #fetch(calls: DirectoryCalls): Result {
    const call = calls.call(NB.__getdents30);
    if (typeof call === 'number') return call;
    call.buffer(this.#buffer).int(BLOCK_SIZE);
    const read = calls.submit(call);
    return andThen(read, length => {
      if (length === 0) return 0;
      const entries: Entry[] = [];
      decodeNetbsdDirents(this.#buffer, Math.min(length, BLOCK_SIZE), (name, ino, type) => {
        if (ino !== 0) entries.push({ name, ino, type });
      });
      const first = this.#first + this.#entries.length;
      this.#first = first;
      this.#entries = entries;
      this.#next = 0;
      return then(seekTo(calls, 0, SEEK_CUR), offset => {
        if (offset >= 0) this.#blocks.push({ first: first + entries.length, offset });
        return entries.length;
      });
    });
  }
}

function seekTo(calls: DirectoryCalls, offset: number, whence: number): Result {
  const call = calls.call(NB.lseek);
  if (typeof call === 'number') return call;
  return calls.submit(call.pad().long(offset).int(whence));
}
