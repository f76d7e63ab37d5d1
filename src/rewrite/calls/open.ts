/** open(2), creat(2), openat(2), openat2(2). */
import { E2BIG, EINVAL } from '../../abi/linux/errno.js';
import {
  O_CLOEXEC,
  O_CREAT,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../abi/linux/fcntl.js';
import { type Call, type Hijack, whenDone } from '../hijack.js';
import { answerAny } from '../placing.js';
import { type Target, targetOf } from '../target.js';

/** struct open_how (linux/openat2.h): flags, mode, resolve, 64 bits each. */
const OPEN_HOW_SIZE = 24;
const OPEN_HOW_MAX = 4096;
const MODE_BITS = 0o7777;
const RESOLVE_VALID =
  RESOLVE_NO_XDEV |
  RESOLVE_NO_MAGICLINKS |
  RESOLVE_NO_SYMLINKS |
  RESOLVE_BENEATH |
  RESOLVE_IN_ROOT |
  RESOLVE_CACHED;

function open(call: Call, hijack: Hijack, target: Target, flags: number, mode: number, resolve = 0): void {
  if (!target.rump) {
    call.run();
    return;
  }
  const { kernel } = call.state;
  const result =
    target.magic >= 0
      ? kernel.reopen(target.magic, flags)
      : kernel.openAt(target.at, target.path, flags, mode & MODE_BITS, resolve);
  whenDone(call, result, rump =>
    answerAny(call, hijack, rump, { cloexec: (flags & O_CLOEXEC) !== 0, isFile: true }),
  );
}

export function sysOpen(call: Call, hijack: Hijack): void {
  open(call, hijack, targetOf(call, hijack, -1, 0), call.int(1), call.int(2));
}

export function sysCreat(call: Call, hijack: Hijack): void {
  open(call, hijack, targetOf(call, hijack, -1, 0), O_CREAT | O_WRONLY | O_TRUNC, call.int(1));
}

export function sysOpenat(call: Call, hijack: Hijack): void {
  open(call, hijack, targetOf(call, hijack, 0, 1), call.int(2), call.int(3));
}

/** As openat, but whatever it does not know is EINVAL, and a larger struct must hold zeroes (openat2(2)). */
export function sysOpenat2(call: Call, hijack: Hijack): void {
  const target = targetOf(call, hijack, 0, 1);
  if (!target.rump) {
    call.run();
    return;
  }
  const size = call.long(3);
  if (size < OPEN_HOW_SIZE) return call.answer(-EINVAL);
  if (size > OPEN_HOW_MAX) return call.answer(-E2BIG);
  const how = new Uint8Array(size);
  const fault = call.read(call.address(2), how);
  if (fault < 0) return call.answer(fault);
  if (how.subarray(OPEN_HOW_SIZE).some(byte => byte !== 0)) return call.answer(-E2BIG);
  const words = new Uint32Array(how.buffer, 0, OPEN_HOW_SIZE / 4);
  const [flags, flagsHigh, mode, modeHigh, resolve, resolveHigh] = words;
  const creates = (flags & O_CREAT) !== 0 || (flags & O_TMPFILE) === O_TMPFILE;
  if ((flagsHigh | modeHigh | resolveHigh) !== 0 || (resolve & ~RESOLVE_VALID) !== 0)
    return call.answer(-EINVAL);
  if ((mode & ~MODE_BITS) !== 0 || (mode !== 0 && !creates)) return call.answer(-EINVAL);
  open(call, hijack, target, flags | 0, mode, resolve);
}
