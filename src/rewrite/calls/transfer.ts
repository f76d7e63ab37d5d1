/**
 * sendfile(2), copy_file_range(2), splice(2): inside the rump kernel, and across kernels by way of scratch memory in the
 * tracee, where the host's half of the transfer is an ordinary read or write of the thread's own, so that it blocks and is interrupted as such.
 */
import { EAGAIN, EBADF, EINVAL, EISDIR, EOPNOTSUPP, EPIPE, ESPIPE } from '../../abi/linux/errno.js';
import {
  F_GETFL,
  O_ACCMODE,
  O_APPEND,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  SEEK_CUR,
  SEEK_SET,
} from '../../abi/linux/fcntl.js';
import { MAX_RW_COUNT } from '../../abi/linux/limits.js';
import { POLLIN, POLLOUT } from '../../abi/linux/poll.js';
import { MSG_DONTWAIT, MSG_PEEK } from '../../abi/linux/socket.js';
import { S_IFDIR, S_IFIFO, S_IFREG, S_IFSOCK } from '../../abi/linux/stat.js';
import { NR } from '../../abi/linux/syscalls.js';
import { andThen, then } from '../../kernel/results.js';
import type { KernelProcess, Pending, Result } from '../../kernel/rump_kernel.js';
import { because, brokenPipe, type Call, type Hijack, whenDone } from '../hijack.js';

/** How much one call moves across kernels; fewer bytes than asked are a legal answer of all these calls. */
const CHUNK = 128 * 1024;
const TWO_32 = 0x1_0000_0000;

/** One end of a transfer. */
interface End {
  /** The program's number. */
  fd: number;
  /** The rump descriptor, or -1 for a host one. */
  rump: number;
  /** Address of an off_t that is used and advanced instead of the descriptor's own offset; 0: none. */
  offsetAt: number;
  /** Its value, or -1. */
  offset: number;
}

const word = new Uint8Array(8);
const wordView = new DataView(word.buffer);

/** Describes an end; -EFAULT for a bad offset pointer, -EINVAL for a negative offset. */
function end(call: Call, fd: number, offsetAt: number): End | number {
  const result: End = { fd, rump: call.state.files.get(fd), offsetAt, offset: -1 };
  if (offsetAt === 0) return result;
  const fault = call.read(offsetAt, word);
  if (fault < 0) return fault;
  result.offset = wordView.getInt32(4, true) * TWO_32 + wordView.getUint32(0, true);
  return result.offset < 0 ? -EINVAL : result;
}

/** Stores an advanced offset for the program. */
function advance(call: Call, side: End, moved: number): void {
  if (side.offsetAt === 0 || moved <= 0) return;
  const offset = side.offset + moved;
  wordView.setUint32(0, offset % TWO_32, true);
  wordView.setUint32(4, Math.floor(offset / TWO_32), true);
  call.write(side.offsetAt, word);
}

/** Whether a rump end can take part: 0, or -errno. */
type Check = (kernel: KernelProcess, side: End, isTarget: boolean) => Result;

/** EBADF for a descriptor that is not open for its direction. */
const isOpenFor: Check = (kernel, side, isTarget) =>
  then(kernel.getStatusFlags(side.rump), status => {
    if (status < 0) return -EBADF;
    return (status & O_ACCMODE) === (isTarget ? O_RDONLY : O_WRONLY) ? -EBADF : 0;
  });

/** `errno` for a target that appends. */
function appends(kernel: KernelProcess, side: End, errno: number): Result {
  return then(kernel.getStatusFlags(side.rump), status =>
    status >= 0 && (status & O_APPEND) !== 0 ? -errno : 0,
  );
}

/** sendfile(2), splice(2): what the mode lets through may still be of the wrong kind. */
const isStream: Check = (kernel, side, isTarget) =>
  then(kernel.fileType(side.rump), type => {
    if (side.offset >= 0 && (type === S_IFIFO || type === S_IFSOCK)) return -ESPIPE;
    if (type === S_IFDIR) return -EINVAL;
    return isTarget ? appends(kernel, side, EINVAL) : 0;
  });

/** copy_file_range(2): regular files alone (generic_file_rw_checks, fs/read_write.c). */
const isRegular: Check = (kernel, side) =>
  then(kernel.fileType(side.rump), type => (type === S_IFREG ? 0 : type === S_IFDIR ? -EISDIR : -EINVAL));
const takesRange: Check = (kernel, side, isTarget) => (isTarget ? appends(kernel, side, EBADF) : 0);

/** sendfile(2) reads from what can be sought in (splice_direct_to_actor(), fs/splice.c). */
const canSeek: Check = (kernel, side, isTarget) =>
  isTarget
    ? 0
    : then(kernel.fileType(side.rump), type => (type === S_IFIFO || type === S_IFSOCK ? -EINVAL : 0));

/** In Linux's order: each check on both ends before the next one. */
const STREAM_CHECKS = [isOpenFor, isStream];
const SENDFILE_CHECKS = [...STREAM_CHECKS, canSeek];
const RANGE_CHECKS = [isRegular, isOpenFor, takesRange];

function checkBoth(call: Call, from: End, to: End, checks: readonly Check[]): Result {
  const { kernel } = call.state;
  return checks.reduce<Result>(
    (before, check) =>
      andThen(before, () =>
        andThen(from.rump < 0 ? 0 : check(kernel, from, false), () =>
          to.rump < 0 ? 0 : check(kernel, to, true),
        ),
      ),
    0,
  );
}

function transfer(
  call: Call,
  hijack: Hijack,
  [from, to]: [End, End],
  length: number,
  checks: readonly Check[],
): void {
  whenDone(call, checkBoth(call, from, to, checks), wrong => {
    // A descriptor that is not open at all comes before whatever is wrong with the other.
    if (wrong < 0) call.answer(hostSide(call, from, to) || wrong);
    else begin(call, hijack, [from, to], length);
  });
}

/** Both ends can take part. */
function begin(call: Call, hijack: Hijack, [from, to]: [End, End], length: number): void {
  if (hijack.verbose) because(call, `${from.fd}, ${to.fd}`, reasonOf(from, to));
  const count = Math.min(length, MAX_RW_COUNT);
  if (count === 0) return call.answer(hostSide(call, from, to));
  if (from.rump >= 0 && to.rump >= 0) return inside(call, from, to, count);
  const scratch = call.scratch(CHUNK);
  if (scratch < 0) return call.answer(scratch);
  if (from.rump >= 0) rumpToHost(call, from, to, Math.min(count, CHUNK), scratch);
  else hostToRump(call, from, to, Math.min(count, CHUNK), scratch);
}

/** Where the host's end is not used: all the same it has to be open. 0 or -EBADF. */
function hostSide(call: Call, from: End, to: End): number {
  for (const side of [from, to])
    if (side.rump < 0 && call.hostCall(NR.fcntl, side.fd, F_GETFL) < 0) return -EBADF;
  return 0;
}

function reasonOf(from: End, to: End): string {
  const name = (side: End): string =>
    side.rump < 0 ? `fd ${side.fd} is the host's` : `fd ${side.fd} is rump ${side.rump}`;
  return `${name(from)}, ${name(to)}`;
}

function inside(call: Call, from: End, to: End, count: number): void {
  const result = call.state.kernel.copyRange(from.rump, from.offset, to.rump, to.offset, count);
  whenDone(call, result, moved => {
    if (moved === -EAGAIN) return waitFor(call, from, to, () => inside(call, from, to, count));
    if (moved === -EPIPE) return brokenPipe(call, to.rump);
    advance(call, from, moved);
    advance(call, to, moved);
    call.answer(moved);
  });
}

/** When a rump end is ready for `events`; -EAGAIN at once when it is not and does not block. */
function isReady(call: Call, side: End, events: number): Result {
  const { kernel } = call.state;
  return then(kernel.getStatusFlags(side.rump), status => {
    const ready = kernel.poll(side.rump, events);
    if (typeof ready === 'number' || (status & O_NONBLOCK) === 0) return ready;
    ready.cancel();
    return -EAGAIN;
  });
}

/** A fifo or a socket would block: waits for it, and goes on, unless it is not to block. */
function waitFor(call: Call, from: End, to: End, next: () => void): void {
  // What is ready already is not what the call has to wait for.
  const both = andThen(isReady(call, from, POLLIN), () => isReady(call, to, POLLOUT));
  if (typeof both === 'number') return call.answer(both < 0 ? both : -EAGAIN);
  call.wait(both, ready => (ready < 0 ? call.answer(ready) : next()));
}

/** The rump file is read where it stands, and its offset moves by what the host has taken. */
function rumpToHost(call: Call, from: End, to: End, count: number, scratch: number): void {
  const { kernel } = call.state;
  whenDone(call, kernel.fileType(from.rump), type => {
    if (type === S_IFSOCK) return socketToHost(call, from, to, count, scratch);
    const positional = type === S_IFREG;
    const start = !positional || from.offset >= 0 ? from.offset : kernel.lseek(from.rump, 0, SEEK_CUR);
    const read = (at: number): Result => {
      const uio = call.uio(true, scratch, count);
      return positional ? kernel.pread(from.rump, uio, at, 0) : kernel.read(from.rump, uio);
    };
    let here = 0;
    const got = then(start, at => {
      here = at;
      return positional && at < 0 ? at : read(at);
    });
    whenDone(call, got, bytes => {
      if (bytes <= 0) return call.answer(bytes < 0 ? bytes : hostSide(call, from, to));
      toHost(call, from, to, { scratch, bytes, next: positional && from.offset < 0 ? here : -1 });
    });
  });
}

/** What is peeked at is written to the host's end, and as much as it took is received. */
function socketToHost(call: Call, from: End, to: End, count: number, scratch: number): void {
  const { kernel } = call.state;
  const peek = kernel.recvMsg(from.rump, call.uio(true, scratch, count), MSG_PEEK, undefined);
  whenDone(call, peek, bytes => {
    if (bytes <= 0) return call.answer(bytes < 0 ? bytes : hostSide(call, from, to));
    const done = (written: number): void => {
      if (written <= 0) return call.finish(written);
      advance(call, to, written);
      const taken = kernel.recvMsg(from.rump, call.uio(true, scratch, written), MSG_DONTWAIT, undefined);
      whenDone(call, taken, () => call.finish(written));
    };
    if (to.offset >= 0) call.runThen(done, NR.pwrite64, to.fd, scratch, bytes, to.offset);
    else call.runThen(done, NR.write, to.fd, scratch, bytes);
  });
}

/** What was read is written to the host's end. `next`: where the rump file's own offset stands, which then moves; -1: nowhere. */
function toHost(
  call: Call,
  from: End,
  to: End,
  { scratch, bytes, next }: { scratch: number; bytes: number; next: number },
): void {
  const done = (written: number): void => {
    if (written <= 0) return call.finish(written);
    advance(call, from, written);
    advance(call, to, written);
    if (next < 0) return call.finish(written);
    whenDone(call, call.state.kernel.lseek(from.rump, next + written, SEEK_SET), () => call.finish(written));
  };
  if (to.offset >= 0) call.runThen(done, NR.pwrite64, to.fd, scratch, bytes, to.offset);
  else call.runThen(done, NR.write, to.fd, scratch, bytes);
}

/** A fifo or socket that is to block is waited for before anything is read, so that a signal finds nothing half done. */
function hostToRump(call: Call, from: End, to: End, count: number, scratch: number): void {
  whenDone(call, isReady(call, to, POLLOUT), ready => {
    if (ready < 0) return call.answer(ready);
    const done = (got: number): void => {
      if (got <= 0) return call.finish(got);
      const end = (written: number): void => {
        advance(call, from, written);
        advance(call, to, written);
        if (written === -EPIPE) brokenPipe(call, to.rump);
        else call.answer(written);
      };
      write(call, from, to, { scratch, got }, end);
    };
    if (from.offset >= 0) call.runThen(done, NR.pread64, from.fd, scratch, count, from.offset);
    else call.runThen(done, NR.read, from.fd, scratch, count);
  });
}

/** Bytes of the host's that are to be written: `got` of them, at `scratch` in the tracee. */
interface Taken {
  scratch: number;
  got: number;
}

function write(call: Call, from: End, to: End, taken: Taken, end: (written: number) => void): void {
  const { kernel } = call.state;
  const { got } = taken;
  const uio = call.uio(false, taken.scratch, got);
  const result = to.offset >= 0 ? kernel.pwrite(to.rump, uio, to.offset, 0) : kernel.write(to.rump, uio);
  const next = (written: number): void => {
    if (written === got || from.offset >= 0) return end(written);
    // What was not written was not read either; but a pipe cannot take it back.
    const moved = Math.max(written, 0);
    const back = call.hostCall(NR.lseek, from.fd, moved - got, SEEK_CUR);
    if (back === -ESPIPE && (written >= 0 || written === -EAGAIN)) writeRest(call, to, taken, moved, end);
    else end(written);
  };
  if (typeof result === 'number') next(result);
  else call.wait(from.offset >= 0 ? result : unbroken(result), next);
}

/** Writes what is left after the first `before` bytes, whether or not the descriptor blocks. */
function writeRest(call: Call, to: End, taken: Taken, before: number, end: (written: number) => void): void {
  const { kernel } = call.state;
  const ready = kernel.poll(to.rump, POLLOUT);
  const next = (): void => {
    // By what was written, not by where the first cursor stands: a write that is cut short may have read on in memory.
    const uio = call.uio(false, taken.scratch + before, taken.got - before);
    whenDone(call, kernel.write(to.rump, uio), written => {
      const total = before + Math.max(written, 0);
      if (total < taken.got && (written >= 0 || written === -EAGAIN)) writeRest(call, to, taken, total, end);
      else end(total > 0 ? total : written);
    });
  };
  if (typeof ready === 'number') next();
  // The bytes are nowhere else: a signal does not end this.
  else call.wait(unbroken(ready), next);
}

function unbroken(pending: Pending): Pending {
  return { onDone: done => pending.onDone(done), cancel: () => pending.cancel(), killable: true };
}

/** Both ends, or the call has been ended: on the host when neither is the rump kernel's. */
function ends(
  call: Call,
  hijack: Hijack,
  from: [number, number],
  to: [number, number],
): [End, End] | undefined {
  const fdFrom = call.int(from[0]);
  const fdTo = call.int(to[0]);
  if (fdFrom === hijack.hidden || fdTo === hijack.hidden) {
    call.answer(-EBADF);
    return undefined;
  }
  const { files } = call.state;
  if (files.get(fdFrom) < 0 && files.get(fdTo) < 0) {
    call.run();
    return undefined;
  }
  const a = end(call, fdFrom, from[1] < 0 ? 0 : call.address(from[1]));
  const b = end(call, fdTo, to[1] < 0 ? 0 : call.address(to[1]));
  if (typeof a === 'number' || typeof b === 'number') {
    call.answer(typeof a === 'number' ? a : typeof b === 'number' ? b : 0);
    return undefined;
  }
  return [a, b];
}

export function sysSendfile(call: Call, hijack: Hijack): void {
  const both = ends(call, hijack, [1, 2], [0, -1]);
  if (both !== undefined) transfer(call, hijack, both, Math.max(0, call.long(3)), SENDFILE_CHECKS);
}

export function sysCopyFileRange(call: Call, hijack: Hijack): void {
  const both = ends(call, hijack, [0, 1], [2, 3]);
  if (both === undefined) return;
  if (call.uint(5) !== 0) return call.answer(-EINVAL);
  transfer(call, hijack, both, Math.max(0, call.long(4)), RANGE_CHECKS);
}

/** One end of splice(2) is a pipe: a host pipe here, or a fifo of the rump kernel. */
export function sysSplice(call: Call, hijack: Hijack): void {
  const both = ends(call, hijack, [0, 1], [2, 3]);
  if (both === undefined) return;
  const [from, to] = both;
  const { kernel } = call.state;
  const length = Math.max(0, call.long(4));
  if (from.rump < 0 || to.rump < 0) return transfer(call, hijack, both, length, STREAM_CHECKS);
  const types = then(kernel.fileType(from.rump), type =>
    type === S_IFIFO ? type : kernel.fileType(to.rump),
  );
  whenDone(call, types, type => {
    if (type === S_IFIFO) transfer(call, hijack, both, length, STREAM_CHECKS);
    else call.answer(-EINVAL);
  });
}

/** tee(2) and vmsplice(2) want pipes, and a fifo of the rump kernel cannot give its pages away. */
export function sysTee(call: Call, hijack: Hijack): void {
  const both = ends(call, hijack, [0, -1], [1, -1]);
  if (both === undefined) return;
  hijack.stats.refused++;
  call.answer(-EINVAL);
}
export function sysVmsplice(call: Call, hijack: Hijack): void {
  const rump = call.state.files.get(call.int(0));
  if (rump < 0) return call.run();
  hijack.stats.refused++;
  whenDone(call, call.state.kernel.fileType(rump), type =>
    call.answer(type === S_IFIFO ? -EOPNOTSUPP : -EBADF),
  );
}
