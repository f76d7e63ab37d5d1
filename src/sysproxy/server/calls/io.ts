/** read, write and their kin. */
import { EBADF, EINVAL, EPIPE } from '../../../abi/linux/errno.js';
import { O_ACCMODE, O_RDONLY } from '../../../abi/linux/fcntl.js';
import { IOV_MAX } from '../../../abi/linux/limits.js';
import { POLLERR, POLLOUT } from '../../../abi/linux/poll.js';
import { S_IFIFO } from '../../../abi/linux/stat.js';
import { OpenSocket } from '../../../kernel/net/open_socket.js';
import type { Uio } from '../../../kernel/rump_kernel.js';
import { type Call, type Steps, wait } from '../call.js';
import { CallError, callError } from '../errors.js';
import { FIFO_PIECE, PIECE } from '../limits.js';
import { drained, type Range, ReadUio, WriteUio } from '../uio.js';
import { gather, readIovec, totalOf } from '../vectors.js';
import { transmit } from './messages.js';

/** Read at a time: more than a fifo holds, so that only files that have all of it are asked again. */
const BATCH = 256 * 1024;

/** The descriptor's own offset, in place of one. */
const CURRENT = -1;

export function read(call: Call): number | Steps {
  return readInto(call, [{ address: call.ulong(1), length: call.ulong(2) }], CURRENT);
}

export function pread(call: Call): number | Steps {
  const offset = call.long(4);
  if (offset < 0) return -EINVAL;
  return readInto(call, [{ address: call.ulong(1), length: call.ulong(2) }], offset);
}

export function* readv(call: Call): Steps {
  return yield* readVector(call, yield* iovec(call), CURRENT);
}

export function* preadv(call: Call): Steps {
  const offset = call.long(4);
  if (offset < 0) return -EINVAL;
  return yield* readVector(call, yield* iovec(call), offset);
}

export function write(call: Call): Steps {
  return writeFrom(call, [{ address: call.ulong(1), length: call.ulong(2) }], CURRENT);
}

export function* pwrite(call: Call): Steps {
  const offset = call.long(4);
  if (offset < 0) return -EINVAL;
  return yield* writeFrom(call, [{ address: call.ulong(1), length: call.ulong(2) }], offset);
}

export function* writev(call: Call): Steps {
  return yield* writeFrom(call, yield* iovec(call), CURRENT);
}

export function* pwritev(call: Call): Steps {
  const offset = call.long(4);
  if (offset < 0) return -EINVAL;
  return yield* writeFrom(call, yield* iovec(call), offset);
}

/** The vectors of many calls may come in one receive, behind the look at what the client has read that a call begins with. */
function* readVector(call: Call, ranges: readonly Range[], offset: number): Steps {
  if (call.session.isFull) yield drained(call.session);
  const result = readInto(call, ranges, offset);
  return typeof result === 'number' ? result : yield* result;
}

/** The iovec in slots 1 and 2. */
function* iovec(call: Call): Steps<Range[]> {
  const count = call.int(2);
  if (count <= 0 || count > IOV_MAX) throw callError(EINVAL);
  return yield* readIovec(call, call.ulong(1), count);
}

function readInto(call: Call, ranges: readonly Range[], offset: number): number | Steps {
  const total = totalOf(ranges);
  // A socket gives what is there, and is not asked again: it would wait for more.
  const isSocket = total > BATCH && call.file(call.int(0)) instanceof OpenSocket;
  if (total > BATCH && !isSocket) return readMuch(call, ranges, total, offset);
  const uio = new ReadUio(call.session, ranges, 0, Math.min(total, BATCH));
  const result = readOnce(call, uio, offset);
  return typeof result === 'number' ? result : wait(result);
}

function readOnce(call: Call, uio: Uio, offset: number) {
  const fd = call.int(0);
  return offset === CURRENT ? call.kernel.read(fd, uio) : call.kernel.pread(fd, uio, offset, 0);
}

/** More than a client can be sent at once: in batches, as it reads them. */
function* readMuch(call: Call, ranges: readonly Range[], total: number, offset: number): Steps {
  let done = 0;
  while (done < total) {
    const length = Math.min(BATCH, total - done);
    const uio = new ReadUio(call.session, ranges, done, length);
    const got = yield* wait(readOnce(call, uio, offset === CURRENT ? CURRENT : offset + done));
    if (got < 0) return done > 0 ? done : got;
    done += got;
    if (got < length) break;
    if (call.session.isFull) yield drained(call.session);
  }
  return done;
}

function* writeFrom(call: Call, ranges: readonly Range[], offset: number): Steps {
  const total = totalOf(ranges);
  const fd = call.int(0);
  const flags = call.kernel.getStatusFlags(fd);
  // Before anything is asked of the client, as NetBSD does.
  if (typeof flags !== 'number' || flags < 0 || (flags & O_ACCMODE) === O_RDONLY) return -EBADF;
  const file = call.file(fd);
  if (file instanceof OpenSocket && offset === CURRENT)
    return yield* transmit(call, fd, file, ranges, { flags: 0 });
  if (total === 0) return yield* wait(writeOnce(call, new WriteUio(new Uint8Array(0)), offset));
  const isFifo = call.kernel.fileType(fd) === S_IFIFO;
  if (isFifo && hasNoReader(call, fd)) {
    call.raiseSigpipe(fd);
    return -EPIPE;
  }
  const piece = isFifo ? FIFO_PIECE : PIECE;
  let done = 0;
  while (done < total) {
    const length = Math.min(piece, total - done);
    const put = yield* writePiece(call, ranges, done, length, offset === CURRENT ? CURRENT : offset + done);
    if (put === -EPIPE) call.raiseSigpipe(fd);
    if (put < 0) return done > 0 ? done : put;
    done += put;
    if (put < length) break;
  }
  if (file !== undefined) call.session.state.fileEvents.wrote(file.inode);
  return done;
}

/** Known before the data is asked for, so that it is not. */
function hasNoReader(call: Call, fd: number): boolean {
  const revents = call.kernel.poll(fd, POLLOUT);
  if (typeof revents === 'number') return revents > 0 && (revents & POLLERR) !== 0;
  revents.cancel();
  return false;
}

function* writePiece(
  call: Call,
  ranges: readonly Range[],
  from: number,
  length: number,
  offset: number,
): Steps {
  let uio: WriteUio;
  try {
    uio = new WriteUio(yield* gather(call, ranges, from, length));
  } catch (error) {
    if (error instanceof CallError) return -error.errno;
    throw error;
  }
  const result = writeOnce(call, uio, offset);
  if (typeof result === 'number') return result;
  uio.keep();
  return yield result;
}

function writeOnce(call: Call, uio: Uio, offset: number) {
  const fd = call.int(0);
  return offset === CURRENT ? call.kernel.write(fd, uio) : call.kernel.pwrite(fd, uio, offset, 0);
}
