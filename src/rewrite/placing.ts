/** Placeholders of what can be waited for: each is a host socket that is kept as ready as the rump kernel's (tracer/mirror.ts). */
import { EMFILE, ENOSYS, EPERM } from '../abi/linux/errno.js';
import { O_CLOEXEC } from '../abi/linux/fcntl.js';
import { NR } from '../abi/linux/syscalls.js';
import { Mirror } from '../tracer/mirror.js';
import {
  answerFd,
  type Call,
  claimStandard,
  type Hijack,
  NOT_FREE,
  placeFd,
  raiseLimit,
  whenDone,
} from './hijack.js';

/**
 * Gives the program a number for the socket `rump`. `how` puts a copy of the tracer's descriptor into the tracee, from `at` on; it gives the
 * number or -errno, after which the rump descriptor is closed; a file's goes on to be used after -ENOSYS.
 */
function put(
  call: Call,
  hijack: Hijack,
  {
    rump,
    cloexec,
    mirror,
    isFile = false,
  }: { rump: number; cloexec: boolean; mirror: Mirror; isFile?: boolean },
  how: (fd: number, at: number, flags: number) => number,
): number {
  const { state } = call;
  const flags = cloexec ? O_CLOEXEC : 0;
  let at = rump + hijack.policy.fdoff;
  let fd = mirror.fd < 0 ? mirror.error : 0;
  if (fd === 0 && state.standardFree) {
    const low = claimStandard(call, hijack, hijack.hidden, cloexec);
    if (low >= 0) {
      // What holds the number is a file's placeholder so far.
      call.hostCall(NR.close, low);
      at = low;
    } else if (low !== NOT_FREE) {
      fd = low;
    }
  }
  if (fd === 0) fd = how(mirror.fd, at, flags);
  if (fd === -EMFILE) {
    // The program is not to notice the limit: it counts rump descriptors itself.
    raiseLimit(call, at + 1);
    fd = how(mirror.fd, at, flags);
  }
  if (fd === -ENOSYS && isFile) return fd;
  if (fd === -ENOSYS)
    hijack.warnOnce(
      'listener',
      'sockets of the rump kernel cannot be given to programs here: a seccomp filter that was there before has a listener (seccomp_unotify(2)), and the host kernel allows one',
    );
  if (fd < 0) state.kernel.close(rump);
  else state.files.set(fd, rump, mirror);
  return fd;
}

/** What most opened files have no use for is kept for the next one. */
let spare: Mirror | undefined;

/**
 * Answers a call that made the socket or opened the file `rump` with the program's number for it. Where host sockets cannot be given
 * to the program, a file's placeholder is one that is always ready.
 */
export function answerAny(
  call: Call,
  hijack: Hijack,
  rump: number,
  { cloexec, isFile }: { cloexec: boolean; isFile: boolean },
): void {
  if (rump < 0) return call.answer(rump);
  const mirror = spare ?? new Mirror();
  spare = undefined;
  whenDone(call, call.state.kernel.watch(rump, mirror), watched => {
    // A file that is always ready, as its placeholder is; or one of O_PATH, which is never asked.
    if (watched === -EPERM || (watched < 0 && isFile)) {
      spare = mirror;
      return answerFd(call, hijack, rump, cloexec);
    }
    if (watched < 0) return call.answer(watched);
    let hasRun = false;
    const fd = put(call, hijack, { rump, cloexec, mirror, isFile }, (from, at, flags) => {
      const number = call.answerInstalled(from, at, flags);
      hasRun = number !== -EMFILE && number !== -ENOSYS;
      return number;
    });
    if (hasRun) return;
    if (fd === -ENOSYS && isFile) answerFd(call, hijack, rump, cloexec);
    else call.answer(fd);
  });
}

/** Answers a call that made the socket `rump` with the program's number for it. */
export function answerSocket(call: Call, hijack: Hijack, rump: number, cloexec: boolean): void {
  answerAny(call, hijack, rump, { cloexec, isFile: false });
}

/** As answerSocket() for one of several new descriptors, of any kind: `next` is given the program's number, or -errno. */
export function placeAny(
  call: Call,
  hijack: Hijack,
  rump: number,
  cloexec: boolean,
  next: (fd: number) => void,
): void {
  const mirror = new Mirror();
  whenDone(call, call.state.kernel.watch(rump, mirror), watched => {
    if (watched === -EPERM) next(placeFd(call, hijack, rump, cloexec));
    else if (watched < 0) next(watched);
    else
      next(put(call, hijack, { rump, cloexec, mirror }, (from, at, flags) => call.install(from, at, flags)));
  });
}
