/** Calls that tell and change what files are: stat, access, modes, owners, times, sizes, attributes. */
import { EBADF, EINVAL, EOPNOTSUPP } from '../../../abi/linux/errno.js';
import {
  AT_EACCESS,
  AT_SYMLINK_NOFOLLOW,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
} from '../../../abi/linux/fcntl.js';
import { toNetbsdErrno } from '../../../abi/netbsd/errno.js';
import { fromNetbsdAt } from '../../../abi/netbsd/fcntl.js';
import { encodeNetbsdStat, NB_STAT_SIZE } from '../../../abi/netbsd/stat.js';
import {
  decodeNetbsdTimespec,
  decodeNetbsdTimeval,
  NB_TIMESPEC_SIZE,
  NB_UTIME_NOW,
  NB_UTIME_OMIT,
} from '../../../abi/netbsd/time.js';
import {
  AT_FDCWD,
  type BytePath,
  type Result,
  type Stat,
  type TimeSpec,
  UTIME_NOW,
  UTIME_OMIT,
} from '../../../kernel/rump_kernel.js';
import { type Call, type Steps, settle, wait } from '../call.js';
import { directory } from './descriptors.js';

function* answerStat(call: Call, result: Result, stat: Stat, address: number): Steps {
  const done = yield* wait(result);
  if (done < 0) return done;
  const bytes = new Uint8Array(NB_STAT_SIZE);
  encodeNetbsdStat(new DataView(bytes.buffer), 0, stat);
  call.copyout(address, bytes);
  return 0;
}

const statPath = (flags: number) =>
  function* (call: Call): Steps {
    const path = yield* call.path(0);
    const stat = {} as Stat;
    return yield* answerStat(call, call.kernel.statAt(AT_FDCWD, path, flags, stat), stat, call.ulong(1));
  };
export const stat = statPath(0);
export const lstat = statPath(AT_SYMLINK_NOFOLLOW);

export function fstat(call: Call): Steps {
  const found = {} as Stat;
  return answerStat(call, call.kernel.fstat(call.int(0), found), found, call.ulong(1));
}
export function* fstatat(call: Call): Steps {
  const path = yield* call.path(1);
  const flags = fromNetbsdAt(call.int(3));
  if (flags < 0 || (flags & ~AT_SYMLINK_NOFOLLOW) !== 0) return -EINVAL;
  const found = {} as Stat;
  const result = call.kernel.statAt(directory(call, 0), path, flags, found);
  return yield* answerStat(call, result, found, call.ulong(2));
}

export function* access(call: Call): Steps {
  const path = yield* call.path(0);
  const mode = call.int(1);
  return (mode & ~7) !== 0 ? -EINVAL : yield* wait(call.kernel.accessAt(AT_FDCWD, path, mode, 0));
}
export function* faccessat(call: Call): Steps {
  const path = yield* call.path(1);
  const mode = call.int(2);
  const flags = fromNetbsdAt(call.int(3));
  if ((mode & ~7) !== 0 || flags < 0 || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW)) !== 0) return -EINVAL;
  return yield* wait(call.kernel.accessAt(directory(call, 0), path, mode, flags));
}

// Modes and owners.

const chmodPath = (flags: number) =>
  function* (call: Call): Steps {
    const path = yield* call.path(0);
    return yield* wait(call.kernel.chmodAt(AT_FDCWD, path, call.uint(1) & 0o7777, flags));
  };
export const chmod = chmodPath(0);
export const lchmod = chmodPath(AT_SYMLINK_NOFOLLOW);
export function fchmod(call: Call): number | Steps {
  return settle(call.kernel.fchmod(call.int(0), call.uint(1) & 0o7777));
}
export function* fchmodat(call: Call): Steps {
  const path = yield* call.path(1);
  const flags = fromNetbsdAt(call.int(3));
  if (flags < 0) return -EINVAL;
  return yield* wait(call.kernel.chmodAt(directory(call, 0), path, call.uint(2) & 0o7777, flags));
}

const chownPath = (flags: number) =>
  function* (call: Call): Steps {
    const path = yield* call.path(0);
    return yield* wait(call.kernel.chownAt(AT_FDCWD, path, call.int(1), call.int(2), flags));
  };
export const chown = chownPath(0);
export const lchown = chownPath(AT_SYMLINK_NOFOLLOW);
export function fchown(call: Call): number | Steps {
  return settle(call.kernel.fchown(call.int(0), call.int(1), call.int(2)));
}
export function* fchownat(call: Call): Steps {
  const path = yield* call.path(1);
  const flags = fromNetbsdAt(call.int(4));
  if (flags < 0) return -EINVAL;
  return yield* wait(call.kernel.chownAt(directory(call, 0), path, call.int(2), call.int(3), flags));
}

/** File flags are an affair of ffs; a tmpfs of this kernel has none. */
export function* chflags(call: Call): Steps {
  yield* call.path(0);
  return call.uint(1) === 0 ? 0 : -EOPNOTSUPP;
}
export function fchflags(call: Call): number {
  if (!call.kernel.isOpen(call.int(0))) return -EBADF;
  return call.uint(1) === 0 ? 0 : -EOPNOTSUPP;
}

// Times.

const NOW: TimeSpec = { sec: 0, nsec: UTIME_NOW };
const NANO = 1_000_000_000;

/** Two times, a null pointer for now: timespecs with their two special values, or timevals. */
function* times(call: Call, slot: number, isTimeval: boolean): Steps<TimeSpec[] | undefined> {
  const address = call.ulong(slot);
  if (address === 0) return [NOW, NOW];
  const bytes = yield* call.copyin(address, 2 * NB_TIMESPEC_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const both: TimeSpec[] = [];
  for (const at of [0, NB_TIMESPEC_SIZE]) {
    const time = isTimeval ? fromTimeval(view, at) : decodeNetbsdTimespec(view, at);
    if (!isTimeval && time.nsec === NB_UTIME_NOW) both.push(NOW);
    else if (!isTimeval && time.nsec === NB_UTIME_OMIT) both.push({ sec: 0, nsec: UTIME_OMIT });
    else if (time.nsec < 0 || time.nsec >= NANO) return undefined;
    else both.push(time);
  }
  return both;
}

function fromTimeval(view: DataView, at: number): TimeSpec {
  const { sec, usec } = decodeNetbsdTimeval(view, at);
  return { sec, nsec: usec * 1000 };
}

function* setTimes(
  call: Call,
  at: number,
  path: BytePath | null,
  both: TimeSpec[] | undefined,
  flags = 0,
): Steps {
  if (both === undefined) return -EINVAL;
  return yield* wait(call.kernel.utimensAt(at, path, both[0], both[1], flags));
}
const utimesPath = (flags: number) =>
  function* (call: Call): Steps {
    const path = yield* call.path(0);
    return yield* setTimes(call, AT_FDCWD, path, yield* times(call, 1, true), flags);
  };
export const utimes = utimesPath(0);
export const lutimes = utimesPath(AT_SYMLINK_NOFOLLOW);
export function* futimes(call: Call): Steps {
  return yield* setTimes(call, call.int(0), null, yield* times(call, 1, true));
}
export function* futimens(call: Call): Steps {
  return yield* setTimes(call, call.int(0), null, yield* times(call, 1, false));
}
export function* utimensat(call: Call): Steps {
  const path = yield* call.path(1);
  const flags = fromNetbsdAt(call.int(3));
  if (flags < 0) return -EINVAL;
  return yield* setTimes(call, directory(call, 0), path, yield* times(call, 2, false), flags);
}

// Sizes.

export function* truncate(call: Call): Steps {
  const path = yield* call.path(0);
  return yield* wait(call.kernel.truncate(path, call.long(2)));
}
export function ftruncate(call: Call): number | Steps {
  return settle(call.kernel.ftruncate(call.int(0), call.long(2)));
}
/** Gives its error as its result, as POSIX has it. */
export function* posixFallocate(call: Call): Steps {
  const result = yield* wait(call.kernel.fallocate(call.int(0), 0, call.long(2), call.long(3)));
  return result < 0 ? toNetbsdErrno(-result) : 0;
}
export function fdiscard(call: Call): number | Steps {
  const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  return settle(call.kernel.fallocate(call.int(0), mode, call.long(2), call.long(3)));
}

/** pathconf(2) of names that tmpfs has an answer for (unistd.h, _PC_*). */
const PATHCONF: Readonly<Record<number, number>> = {
  1: 32767,
  4: 255,
  5: 1024,
  6: 4096,
  7: 1,
  8: 1,
  11: 64,
  13: 1,
};
export function fpathconf(call: Call): number {
  if (!call.kernel.isOpen(call.int(0))) return -EBADF;
  return PATHCONF[call.int(1)] ?? -EINVAL;
}
export function* pathconf(call: Call): Steps {
  const path = yield* call.path(0);
  const found = {} as Stat;
  const done = yield* wait(call.kernel.statAt(AT_FDCWD, path, 0, found));
  return done < 0 ? done : (PATHCONF[call.int(1)] ?? -EINVAL);
}
