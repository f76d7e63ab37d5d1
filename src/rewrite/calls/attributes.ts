/** Modes, owners, times and sizes: chmod(2), chown(2), utimensat(2), truncate(2), fallocate(2), fsync(2). */
import { EINVAL } from '../../abi/linux/errno.js';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from '../../abi/linux/fcntl.js';
import { type TimeSpec, UTIME_NOW, UTIME_OMIT } from '../../kernel/rump_kernel.js';
import { type Call, type Hijack, reply, replyGrow, rumpFd } from '../hijack.js';
import { emptyFlag, type Target, targetOf } from '../target.js';

function chmod(call: Call, target: Target, mode: number, flags: number): void {
  if (!target.rump) return call.run();
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return call.answer(-EINVAL);
  reply(call, call.state.kernel.chmodAt(target.at, target.path, mode, flags | emptyFlag(target)));
}
export function sysChmod(call: Call, hijack: Hijack): void {
  chmod(call, targetOf(call, hijack, -1, 0), call.int(1), 0);
}
export function sysFchmodat(call: Call, hijack: Hijack): void {
  chmod(call, targetOf(call, hijack, 0, 1), call.int(2), 0);
}
export function sysFchmodat2(call: Call, hijack: Hijack): void {
  const flags = call.int(3);
  chmod(call, targetOf(call, hijack, 0, 1, flags), call.int(2), flags);
}
export function sysFchmod(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) reply(call, call.state.kernel.fchmod(fd, call.int(1)));
}

function chown(call: Call, target: Target, first: number, flags: number): void {
  if (!target.rump) return call.run();
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return call.answer(-EINVAL);
  const { kernel } = call.state;
  reply(
    call,
    kernel.chownAt(target.at, target.path, call.int(first), call.int(first + 1), flags | emptyFlag(target)),
  );
}
export function sysChown(call: Call, hijack: Hijack): void {
  chown(call, targetOf(call, hijack, -1, 0), 1, 0);
}
export function sysLchown(call: Call, hijack: Hijack): void {
  chown(call, targetOf(call, hijack, -1, 0), 1, AT_SYMLINK_NOFOLLOW);
}
export function sysFchownat(call: Call, hijack: Hijack): void {
  const flags = call.int(4);
  chown(call, targetOf(call, hijack, 0, 1, flags), 2, flags);
}
export function sysFchown(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) reply(call, call.state.kernel.fchown(fd, call.int(1), call.int(2)));
}

// Times.

/** linux/stat.h: special values of tv_nsec. */
const LINUX_UTIME_NOW = 0x3fffffff;
const LINUX_UTIME_OMIT = 0x3ffffffe;
const NSEC_PER_SEC = 1_000_000_000;
const NSEC_PER_USEC = 1000;
const USEC_PER_SEC = 1_000_000;
const TWO_32 = 0x1_0000_0000;
const NOW: TimeSpec = { sec: 0, nsec: UTIME_NOW };

/** Two pairs of 64-bit numbers: struct timespec[2] or struct timeval[2]. */
function readPairs(call: Call, address: number): number[] | number {
  const bytes = new Uint8Array(32);
  const fault = call.read(address, bytes);
  if (fault < 0) return fault;
  const words = new Int32Array(bytes.buffer);
  return [0, 2, 4, 6].map(i => words[i + 1] * TWO_32 + (words[i] >>> 0));
}

/** struct timespec[2], NULL for now; -EINVAL for nanoseconds that are none. */
function timespecs(call: Call, address: number): TimeSpec[] | number {
  if (address === 0) return [NOW, NOW];
  const pairs = readPairs(call, address);
  if (typeof pairs === 'number') return pairs;
  const times: TimeSpec[] = [];
  for (const i of [0, 2]) {
    const nsec = pairs[i + 1];
    if (nsec === LINUX_UTIME_NOW) times.push(NOW);
    else if (nsec === LINUX_UTIME_OMIT) times.push({ sec: 0, nsec: UTIME_OMIT });
    else if (nsec < 0 || nsec >= NSEC_PER_SEC) return -EINVAL;
    else times.push({ sec: pairs[i], nsec });
  }
  return times;
}

/** struct timeval[2], NULL for now. */
function timevals(call: Call, address: number): TimeSpec[] | number {
  if (address === 0) return [NOW, NOW];
  const pairs = readPairs(call, address);
  if (typeof pairs === 'number') return pairs;
  if ([pairs[1], pairs[3]].some(usec => usec < 0 || usec >= USEC_PER_SEC)) return -EINVAL;
  return [0, 2].map(i => ({ sec: pairs[i], nsec: pairs[i + 1] * NSEC_PER_USEC }));
}

function setTimes(call: Call, target: Target, times: TimeSpec[] | number, flags: number): void {
  if (typeof times === 'number') return call.answer(times);
  const { kernel } = call.state;
  const path = target.magic >= 0 ? null : target.path;
  reply(call, kernel.utimensAt(target.at, path, times[0], times[1], flags));
}

export function sysUtime(call: Call, hijack: Hijack): void {
  const target = targetOf(call, hijack, -1, 0);
  if (!target.rump) return call.run();
  const address = call.address(1);
  if (address === 0) return setTimes(call, target, [NOW, NOW], 0);
  const bytes = new Uint8Array(16);
  const fault = call.read(address, bytes);
  if (fault < 0) return call.answer(fault);
  const words = new Int32Array(bytes.buffer);
  const at = (i: number): TimeSpec => ({ sec: words[i + 1] * TWO_32 + (words[i] >>> 0), nsec: 0 });
  setTimes(call, target, [at(0), at(2)], 0);
}
export function sysUtimes(call: Call, hijack: Hijack): void {
  const target = targetOf(call, hijack, -1, 0);
  if (!target.rump) return call.run();
  setTimes(call, target, timevals(call, call.address(1)), 0);
}
/** futimesat(2), utimensat(2): a null path names the descriptor. */
function timesAt(
  call: Call,
  hijack: Hijack,
  flags: number,
  read: (call: Call, address: number) => TimeSpec[] | number,
): void {
  if (call.address(1) === 0) {
    const fd = rumpFd(call, hijack, 0);
    if (fd < 0) return;
    if (flags !== 0) return call.answer(-EINVAL);
    const times = read(call, call.address(2));
    if (typeof times === 'number') return call.answer(times);
    return reply(call, call.state.kernel.utimensAt(fd, null, times[0], times[1], 0));
  }
  const target = targetOf(call, hijack, 0, 1, flags);
  if (!target.rump) return call.run();
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return call.answer(-EINVAL);
  setTimes(call, target, read(call, call.address(2)), flags);
}
export function sysFutimesat(call: Call, hijack: Hijack): void {
  timesAt(call, hijack, 0, timevals);
}
export function sysUtimensat(call: Call, hijack: Hijack): void {
  timesAt(call, hijack, call.int(3), timespecs);
}

// Sizes.

export function sysTruncate(call: Call, hijack: Hijack): void {
  const target = targetOf(call, hijack, -1, 0);
  if (!target.rump) return call.run();
  const length = call.long(1);
  if (length < 0) return call.answer(-EINVAL);
  const { kernel } = call.state;
  replyGrow(
    call,
    target.magic >= 0 ? kernel.ftruncate(target.magic, length) : kernel.truncate(target.path, length),
  );
}
export function sysFtruncate(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const length = call.long(1);
  replyGrow(call, length < 0 ? -EINVAL : call.state.kernel.ftruncate(fd, length));
}
export function sysFallocate(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) replyGrow(call, call.state.kernel.fallocate(fd, call.int(1), call.long(2), call.long(3)));
}
/** fsync, fdatasync, syncfs, sync_file_range: what is in memory is as safe as it gets. */
export function sysFsync(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) reply(call, call.state.kernel.fsync(fd));
}
/** posix_fadvise(2): advice that a memory file system has no use for; bad advice is an error all the same. */
export function sysFadvise64(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const POSIX_FADV_NOREUSE = 5;
  const advice = call.uint(3);
  call.answer(call.long(2) < 0 || advice > POSIX_FADV_NOREUSE ? -EINVAL : 0);
}
