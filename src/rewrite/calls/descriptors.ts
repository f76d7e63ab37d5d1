/** close(2), close_range(2), dup(2), fcntl(2), flock(2), ioctl(2). */
import { EBADF, EINVAL } from '../../abi/linux/errno.js';
import {
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_GETLK,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_SETFD,
  F_SETFL,
  F_SETLK,
  F_SETLKW,
  FD_CLOEXEC,
  O_CLOEXEC,
  O_NONBLOCK,
} from '../../abi/linux/fcntl.js';
import { FIOCLEX, FIONBIO, FIONCLEX, FIONREAD } from '../../abi/linux/ioctl.js';
import { NR } from '../../abi/linux/syscalls.js';
import { andThen } from '../../kernel/results.js';
import type { FileLock } from '../../kernel/rump_kernel.js';
import {
  answerFd,
  type Call,
  type Hijack,
  isProgramLimit,
  reply,
  rumpFd,
  STANDARD,
  stopLow,
  unshare,
  whenDone,
} from '../hijack.js';
import { socketIoctl } from './socket_ioctl.js';

/** The number is free in both tables once the host has closed its placeholder. */
export function sysClose(call: Call, hijack: Hijack): void {
  const fd = call.int(0);
  if (fd >= 0 && fd < STANDARD) call.state.standardFree = true;
  const rump = rumpFd(call, hijack, 0);
  if (rump < 0) return;
  call.state.files.delete(fd);
  call.state.kernel.close(rump);
  call.run();
}

export function sysCloseRange(call: Call, hijack: Hijack): void {
  const [first, last, flags] = [call.uint(0), call.uint(1), call.uint(2)];
  const { hidden } = hijack;
  if (first > last || (flags & ~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)) !== 0) return call.run();
  if (first < STANDARD) call.state.standardFree = true;
  if ((flags & CLOSE_RANGE_UNSHARE) !== 0) unshare(call, { files: true, fs: false });
  const { state } = call;
  for (const fd of state.files.numbers(first, last)) {
    const rump = state.files.get(fd);
    if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) {
      state.kernel.setFdFlags(rump, FD_CLOEXEC);
    } else {
      state.files.delete(fd);
      state.kernel.close(rump);
    }
  }
  if (first > hidden || last < hidden) return call.run();
  // The placeholders' source lies in the range: close around it.
  let result = 0;
  if (first < hidden) result = call.hostCall(NR.close_range, first, hidden - 1, flags);
  if (result === 0 && last > hidden) result = call.hostCall(NR.close_range, hidden + 1, last, flags);
  call.answer(result);
}

/** The placeholder that a copy of the program's number gets: a socket's own, which is waited for by what it is. */
function likeOf(call: Call, hijack: Hijack, fd: number): number {
  return call.state.files.mirrorOf(fd) === undefined ? hijack.hidden : fd;
}

export function sysDup(call: Call, hijack: Hijack): void {
  const rump = rumpFd(call, hijack, 0);
  if (rump < 0) return;
  const like = likeOf(call, hijack, call.int(0));
  whenDone(call, call.state.kernel.dup(rump, 0, false), copy => answerFd(call, hijack, copy, false, 0, like));
}

/**
 * dup2(2) and dup3(2) with a rump descriptor on either side. The host moves the placeholder, which tells whether the
 * numbers are right; the map follows.
 */
function dupTo(call: Call, hijack: Hijack, flags: number): void {
  const { state } = call;
  const [from, to] = [call.int(0), call.int(1)];
  if (from === hijack.hidden || to === hijack.hidden) return call.answer(-EBADF);
  const source = state.files.get(from);
  const replaced = state.files.get(to);
  const mirror = state.files.mirrorOf(from);
  if ((source < 0 && replaced < 0) || from === to) return call.run();
  if (source >= 0) {
    if (to >= 0 && !isProgramLimit(call, to)) return call.answer(-EBADF);
    const stopped = to < 0 ? 0 : stopLow(call, hijack, to);
    if (stopped < 0) return call.answer(stopped);
  }
  const result = call.hostCall(call.nr, from, to, flags);
  if (result < 0) return call.answer(result);
  if (replaced >= 0) {
    state.files.delete(to);
    state.kernel.close(replaced);
  }
  if (source < 0) return call.answer(result);
  whenDone(call, state.kernel.dup(source, 0, (flags & O_CLOEXEC) !== 0), copy => {
    if (copy >= 0) state.files.set(to, copy, mirror);
    else call.hostCall(NR.close, to);
    call.answer(copy < 0 ? copy : to);
  });
}
export function sysDup2(call: Call, hijack: Hijack): void {
  dupTo(call, hijack, 0);
}
export function sysDup3(call: Call, hijack: Hijack): void {
  dupTo(call, hijack, call.int(2));
}

export function sysFlock(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) reply(call, call.state.kernel.flock(fd, call.int(1)));
}

// fcntl(2)

export function sysFcntl(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const { kernel } = call.state;
  const command = call.int(1);
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      return dupFrom(call, hijack, fd, command === F_DUPFD_CLOEXEC);
    case F_GETFD:
      return reply(call, kernel.getFdFlags(fd));
    case F_SETFD:
      // The placeholder gets the flag too: exec closes both.
      return whenDone(call, kernel.setFdFlags(fd, call.int(2) & FD_CLOEXEC), () => call.run());
    case F_GETFL:
      return reply(call, kernel.getStatusFlags(fd));
    case F_SETFL:
      return reply(call, kernel.setStatusFlags(fd, call.int(2)));
    case F_GETLK:
    case F_OFD_GETLK:
      return getLock(call, fd, command === F_OFD_GETLK);
    case F_SETLK:
    case F_SETLKW:
      return setLock(call, fd, false, command === F_SETLKW);
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
      return setLock(call, fd, true, command === F_OFD_SETLKW);
    default:
      // Leases, seals, owners, pipe sizes: not here (fcntl(2): EINVAL, the file does not support it).
      hijack.stats.refused++;
      call.answer(-EINVAL);
  }
}

function dupFrom(call: Call, hijack: Hijack, fd: number, cloexec: boolean): void {
  const min = call.int(2);
  if (min < 0 || !isProgramLimit(call, min)) return call.answer(-EINVAL);
  const rumpMin = Math.max(0, min - hijack.policy.fdoff);
  const like = likeOf(call, hijack, call.int(0));
  whenDone(call, call.state.kernel.dup(fd, rumpMin, cloexec), copy =>
    answerFd(call, hijack, copy, cloexec, min, like),
  );
}

/** struct flock (asm-generic/fcntl.h): short type, short whence, off_t start, off_t len, pid_t pid. */
const FLOCK_SIZE = 32;
const FLOCK_START = 8;
const FLOCK_LEN = 16;
const FLOCK_PID = 24;

function readLock(call: Call): FileLock | number {
  const bytes = new Uint8Array(FLOCK_SIZE);
  const fault = call.read(call.address(2), bytes);
  if (fault < 0) return fault;
  const view = new DataView(bytes.buffer);
  return {
    type: view.getInt16(0, true),
    whence: view.getInt16(2, true),
    start: Number(view.getBigInt64(FLOCK_START, true)),
    len: Number(view.getBigInt64(FLOCK_LEN, true)),
    pid: view.getInt32(FLOCK_PID, true),
  };
}

function getLock(call: Call, fd: number, ofd: boolean): void {
  const lock = readLock(call);
  if (typeof lock === 'number') return call.answer(lock);
  if (ofd && lock.pid !== 0) return call.answer(-EINVAL);
  const at = call.address(2);
  whenDone(call, call.state.kernel.getLock(fd, lock, ofd), done => {
    if (done < 0) return call.answer(done);
    const view = new DataView(new ArrayBuffer(FLOCK_SIZE));
    view.setInt16(0, lock.type, true);
    view.setInt16(2, lock.whence, true);
    view.setBigInt64(FLOCK_START, BigInt(lock.start), true);
    view.setBigInt64(FLOCK_LEN, BigInt(lock.len), true);
    view.setInt32(FLOCK_PID, lock.pid, true);
    call.answer(call.write(at, new Uint8Array(view.buffer)));
  });
}

function setLock(call: Call, fd: number, ofd: boolean, wait: boolean): void {
  const lock = readLock(call);
  if (typeof lock === 'number') return call.answer(lock);
  if (ofd && lock.pid !== 0) return call.answer(-EINVAL);
  reply(call, call.state.kernel.setLock(fd, lock, ofd, wait));
}

// ioctl(2)

const word = new Uint8Array(4);
const wordView = new DataView(word.buffer);

export function sysIoctl(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const { kernel } = call.state;
  switch (call.uint(1)) {
    case FIOCLEX:
    case FIONCLEX:
      return whenDone(call, kernel.setFdFlags(fd, call.uint(1) === FIOCLEX ? FD_CLOEXEC : 0), () =>
        call.run(),
      );
    case FIONREAD: {
      const at = call.address(2);
      return whenDone(call, kernel.readable(fd), bytes => {
        if (bytes < 0) return call.answer(bytes);
        wordView.setInt32(0, bytes, true);
        call.answer(call.write(at, word));
      });
    }
    case FIONBIO: {
      const fault = call.read(call.address(2), word);
      if (fault < 0) return call.answer(fault);
      const on = wordView.getInt32(0, true) !== 0;
      const changed = andThen(kernel.getStatusFlags(fd), flags =>
        kernel.setStatusFlags(fd, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK),
      );
      return reply(call, changed);
    }
    default:
      // Terminals, block devices, file attributes, clones: a file here has none of them.
      socketIoctl(call, fd, call.uint(1));
  }
}
