/** open, close, dup, and what else is done to descriptors as such. */
import { EBADF, EINVAL } from '../../../abi/linux/errno.js';
import {
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
} from '../../../abi/linux/fcntl.js';
import { S_IFIFO } from '../../../abi/linux/stat.js';
import {
  fromNetbsdOpen,
  NB_AT_FDCWD,
  NB_O_CLOEXEC,
  NB_O_EXLOCK,
  NB_O_NONBLOCK,
  NB_O_SHLOCK,
} from '../../../abi/netbsd/fcntl.js';
import { AT_FDCWD, type BytePath, isDone } from '../../../kernel/rump_kernel.js';
import { type Call, type Steps, settle, wait } from '../call.js';
import { RLIMIT_NOFILE } from '../process.js';

/** A directory descriptor argument: NetBSD's AT_FDCWD is Linux's. Others below 0 must not reach the kernel, which has special ones. */
export function directory(call: Call, slot: number): number {
  const fd = call.int(slot);
  if (fd === NB_AT_FDCWD) return AT_FDCWD;
  return fd < 0 ? -1 : fd;
}

export function* open(call: Call): Steps {
  const path = yield* call.path(0);
  return yield* openAt(call, AT_FDCWD, path, call.int(1), call.uint(2));
}

export function* openat(call: Call): Steps {
  const path = yield* call.path(1);
  return yield* openAt(call, directory(call, 0), path, call.int(2), call.uint(3));
}

function* openAt(call: Call, at: number, path: BytePath, flags: number, mode: number): Steps {
  // Access mode 3 is none (FFLAGS of fcntl.h).
  if ((flags & 3) === 3) return -EINVAL;
  const locks = flags & (NB_O_SHLOCK | NB_O_EXLOCK);
  if (locks === (NB_O_SHLOCK | NB_O_EXLOCK)) return -EINVAL;
  const fd = yield* wait(call.kernel.openAt(at, path, fromNetbsdOpen(flags), mode & 0o7777, 0));
  if (fd < 0 || locks === 0) return fd;
  const type = locks === NB_O_EXLOCK ? LOCK_EX : LOCK_SH;
  const locked = yield* wait(call.kernel.flock(fd, type | ((flags & NB_O_NONBLOCK) !== 0 ? LOCK_NB : 0)));
  if (locked >= 0) return fd;
  call.kernel.close(fd);
  return locked;
}

export function close(call: Call): number | Steps {
  call.process.forget(call.int(0));
  return settle(call.kernel.close(call.int(0)));
}

export function dup(call: Call): number | Steps {
  return settle(call.kernel.dup(call.int(0), 0, false));
}

export function dup2(call: Call): number | Steps {
  return dupTo(call, false);
}

/** dup3: as dup2 where both are the same, in NetBSD 7. */
export function dup3(call: Call): number | Steps {
  const flags = call.int(2);
  if ((flags & ~(NB_O_CLOEXEC | NB_O_NONBLOCK | 0x1000000)) !== 0) return -EINVAL;
  return dupTo(call, (flags & NB_O_CLOEXEC) !== 0);
}

function dupTo(call: Call, cloexec: boolean): number | Steps {
  const { kernel } = call;
  const from = call.int(0);
  const to = call.int(1);
  if (!kernel.isOpen(from) || to < 0 || to >= call.process.limits[RLIMIT_NOFILE].soft) return -EBADF;
  if (from === to) return to;
  if (kernel.isOpen(to)) {
    call.process.forget(to);
    kernel.close(to);
  }
  return settle(kernel.dup(from, to, cloexec));
}

/**
 * pipe(2) out of what there is: a fifo that has lost its name before anybody else is served. The descriptors come in both
 * registers.
 */
export function pipe(call: Call): number {
  const ends = makePipe(call, 0);
  if (typeof ends === 'number') return ends;
  call.second = ends[1];
  return ends[0];
}

export function pipe2(call: Call): number {
  const flags = call.int(1);
  if ((flags & ~(NB_O_CLOEXEC | NB_O_NONBLOCK | 0x1000000)) !== 0) return -EINVAL;
  const ends = makePipe(call, fromNetbsdOpen(flags) & (O_CLOEXEC | O_NONBLOCK));
  if (typeof ends === 'number') return ends;
  call.copyout(call.ulong(0), new Uint8Array(new Int32Array(ends).buffer));
  return 0;
}

let pipes = 0;

/** Both ends, the one to read first. `flags`: O_CLOEXEC, O_NONBLOCK. */
function makePipe(call: Call, flags: number): [number, number] | number {
  const { kernel } = call;
  const name = `/.pipe ${process.pid} ${pipes++}`;
  const made = kernel.mknodAt(AT_FDCWD, name, S_IFIFO | 0o600, 0);
  if (!isDone(made) || made < 0) return isDone(made) ? made : -EINVAL;
  const reader = kernel.openAt(AT_FDCWD, name, O_RDONLY | O_NONBLOCK | flags, 0, 0);
  const writer = kernel.openAt(AT_FDCWD, name, O_WRONLY | O_NONBLOCK | flags, 0, 0);
  kernel.unlinkAt(AT_FDCWD, name, 0);
  if (!isDone(reader) || !isDone(writer)) return -EINVAL;
  if (reader < 0 || writer < 0) {
    if (reader >= 0) kernel.close(reader);
    return reader < 0 ? reader : writer;
  }
  if ((flags & O_NONBLOCK) === 0) {
    kernel.setStatusFlags(reader, 0);
    kernel.setStatusFlags(writer, 0);
  }
  return [reader, writer];
}
