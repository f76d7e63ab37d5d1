/** Data from one open file to another within the kernel: copy_file_range(2), sendfile(2), splice(2). */
import { EBADF, EFAULT, EINVAL, EISDIR } from '../abi/linux/errno.js';
import { O_APPEND } from '../abi/linux/fcntl.js';
import { OpenSocket } from './net/open_socket.js';
import type { Caller, OpenFile } from './open_files.js';
import { OpenFifo } from './open_special.js';
import type { Result, Uio } from './rump_kernel.js';
import { BufferUio } from './vfs/uio.js';
import { DirectoryBase } from './vfs/vnode.js';

const CHUNK = 1024 * 1024;
/** Copies are synchronous, so one buffer serves all. */
let chunk: Uint8Array | undefined;

/** The offset that stands for the file's own. */
const CURRENT = -1;

/** Copies up to `length` bytes; fewer at the end of the input or where either side would block. -errno when none were. */
export function copyBetween(
  from: OpenFile,
  offIn: number,
  to: OpenFile,
  offOut: number,
  length: number,
  caller: Caller,
): number {
  if (!from.canRead || !to.canWrite) return -EBADF;
  if (from.inode instanceof DirectoryBase || to.inode instanceof DirectoryBase) return -EISDIR;
  if (offIn < CURRENT || offOut < CURRENT) return -EINVAL;
  chunk ??= new Uint8Array(CHUNK);
  let copied = 0;
  while (copied < length) {
    const want = Math.min(CHUNK, length - copied);
    const status = copyChunk(
      from,
      offIn === CURRENT ? CURRENT : offIn + copied,
      to,
      offOut === CURRENT ? CURRENT : offOut + copied,
      chunk.subarray(0, want),
      caller,
    );
    if (status < 0) return copied > 0 ? copied : status;
    copied += status;
    if (status < want) break;
  }
  return copied;
}

function copyChunk(
  from: OpenFile,
  offIn: number,
  to: OpenFile,
  offOut: number,
  buffer: Uint8Array,
  caller: Caller,
): number {
  const put = (source: Uint8Array): number => {
    const uio = new BufferUio(source, 'write');
    return answer(
      offOut === CURRENT
        ? to.write(uio, caller, true)
        : to.writeAt(uio, offOut, (to.flags & O_APPEND) !== 0, caller),
    );
  };
  if (from instanceof OpenFifo) return drain(from, put, buffer.length, caller);
  if (from instanceof OpenSocket) return relay(from, put, buffer, caller);
  const offsetBefore = from.offset;
  const got = answer(
    offIn === CURRENT
      ? from.read(new BufferUio(buffer, 'read'), caller, true)
      : from.readAt(new BufferUio(buffer, 'read'), offIn, caller),
  );
  if (got <= 0) return got;
  const written = put(buffer.subarray(0, got));
  // What was not written was not read either, where the input has positions.
  if (offIn === CURRENT && written < got) from.offset = offsetBefore + Math.max(written, 0);
  return written;
}

/** A reader's memory that is the output itself: what it has no place for stays in the fifo. */
class Conduit implements Uio {
  readonly takesParts = true;
  status = 0;
  constructor(
    private readonly put: (bytes: Uint8Array) => number,
    public resid: number,
  ) {}

  move(buf: Uint8Array, offset: number, length: number): number {
    const written = this.put(buf.subarray(offset, offset + length));
    if (written < length) this.status = Math.min(written, 0);
    this.resid -= Math.max(written, 0);
    return Math.max(written, 0);
  }
}

function drain(from: OpenFifo, put: (bytes: Uint8Array) => number, length: number, caller: Caller): number {
  const conduit = new Conduit(put, length);
  const got = answer(from.read(conduit, caller, true));
  return got === -EFAULT ? conduit.status : got;
}

/** Peeks at the input first, and then takes what the output took. */
function relay(
  from: OpenFile,
  put: (bytes: Uint8Array) => number,
  buffer: Uint8Array,
  caller: Caller,
): number {
  const peeked = answer(from.peek(new BufferUio(buffer, 'read'), caller));
  if (peeked <= 0) return peeked;
  const written = put(buffer.subarray(0, peeked));
  if (written <= 0) return written;
  answer(from.read(new BufferUio(buffer.subarray(0, written), 'read'), caller, true));
  return written;
}

function answer(result: Result): number {
  if (typeof result === 'number') return result;
  throw new Error('a non-blocking transfer waits');
}
