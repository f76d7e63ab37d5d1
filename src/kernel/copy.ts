/** Data from one open file to another within the kernel: copy_file_range(2), sendfile(2), splice(2). */
import { EBADF, EINVAL, EISDIR } from '../abi/linux/errno.js';
import { O_APPEND } from '../abi/linux/fcntl.js';
import type { Caller, OpenFile } from './open_files.js';
import { OpenFifo } from './open_special.js';
import type { Result } from './rump_kernel.js';
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
    const want = Math.min(CHUNK, length - copied, room(to));
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

/** How much may be taken from the input without a risk that the output has no place for it. */
function room(to: OpenFile): number {
  return to instanceof OpenFifo ? 4096 : CHUNK;
}

function copyChunk(
  from: OpenFile,
  offIn: number,
  to: OpenFile,
  offOut: number,
  buffer: Uint8Array,
  caller: Caller,
): number {
  const offsetBefore = from.offset;
  const got = answer(
    offIn === CURRENT
      ? from.read(new BufferUio(buffer, 'read'), caller, true)
      : from.readAt(new BufferUio(buffer, 'read'), offIn, caller),
  );
  if (got <= 0) return got;
  const source = new BufferUio(buffer.subarray(0, got), 'write');
  const put = answer(
    offOut === CURRENT
      ? to.write(source, caller, true)
      : to.writeAt(source, offOut, (to.flags & O_APPEND) !== 0, caller),
  );
  // What was not written was not read either, where the input has positions.
  if (offIn === CURRENT && put < got) from.offset = offsetBefore + Math.max(put, 0);
  return put;
}

function answer(result: Result): number {
  if (typeof result === 'number') return result;
  throw new Error('a non-blocking transfer waits');
}
