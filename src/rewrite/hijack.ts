import { EBADF, EFAULT, EFBIG, EMFILE, EPIPE } from '../abi/linux/errno.js';
import { F_DUPFD, F_DUPFD_CLOEXEC } from '../abi/linux/fcntl.js';
import { PATH_MAX } from '../abi/linux/limits.js';
import { SIGPIPE, SIGXFSZ } from '../abi/linux/signal.js';
import { SO_TYPE, SOCK_STREAM, SOL_SOCKET } from '../abi/linux/socket.js';
import { NR } from '../abi/linux/syscalls.js';
import { then } from '../kernel/results.js';
import type { KernelProcess, Result } from '../kernel/rump_kernel.js';
import type { PathDecision } from '../policy/decide.js';
import type { Policy } from '../policy/policy.js';
import { explainRule } from '../policy/words.js';
import type { StoppedCall } from '../tracer/call.js';
import { native } from '../tracer/native.js';
import { installStop } from './stacked.js';
import { ProcessState } from './state.js';
import type { Stats } from './stats.js';

export type Call = StoppedCall<ProcessState>;

/** One handler per system call: reads arguments, asks policy and descriptor map, calls the kernel, ends the call. */
export type Handler = (call: Call, hijack: Hijack) => void;

/** What all handlers know. */
export interface Hijack {
  readonly policy: Policy;
  /** Number at which each tracee keeps the source of its placeholders. */
  readonly hidden: number;
  /** Reasons are wanted: -v. */
  readonly verbose: boolean;
  readonly stats: Stats;
  /** One line for the user, on stderr. */
  warn(message: string): void;
  /** As warn(), but the first of its kind only. */
  warnOnce(kind: string, message: string): void;
  /** True for a pid (or tid) of ours. */
  isTraced(pid: number): boolean;
  stateOf(pid: number): ProcessState | undefined;
}

/** Ends the call with the kernel's result, now or when it is there. */
export function reply(call: Call, result: Result): void {
  if (typeof result === 'number') call.answer(result);
  else call.wait(result, done => call.answer(done));
}

/** Goes on with the kernel's result, now or when it is there. */
export function whenDone(call: Call, result: Result, next: (result: number) => void): void {
  if (typeof result === 'number') next(result);
  else call.wait(result, next);
}

/** Goes on with the path of an open descriptor, '' when it has none. */
export function withPath(kernel: KernelProcess, fd: number, next: (path: string) => Result): Result {
  const out = Buffer.alloc(PATH_MAX);
  return then(kernel.pathOf(fd, out), length => next(out.toString('latin1', 0, Math.max(length, 0))));
}

/** As reply(), for calls that let a file grow: SIGXFSZ for one at RLIMIT_FSIZE, in the thread that called. */
export function replyGrow(call: Call, result: Result): void {
  whenDone(call, result, done => {
    if (done === -EFBIG && Number.isFinite(call.state.limits.fsize)) native.tkill(call.tid, SIGXFSZ);
    call.answer(done);
  });
}

/** As replyGrow(), for calls that write: SIGPIPE for a broken pipe. */
export function replyWrite(call: Call, fd: number, result: Result): void {
  if (typeof result === 'number' && result >= 0) return call.answer(result);
  whenDone(call, result, done => {
    if (done === -EPIPE) brokenPipe(call, fd);
    else replyGrow(call, done);
  });
}

const typeOut = new Uint8Array(4);

/** EPIPE: with SIGPIPE in the thread that called, but for sockets that are no streams (only those send it in the host's net/). */
export function brokenPipe(call: Call, fd: number): void {
  whenDone(call, call.state.kernel.getsockopt(fd, SOL_SOCKET, SO_TYPE, typeOut), length => {
    if (length < 0 || typeOut[0] === SOCK_STREAM) native.tkill(call.tid, SIGPIPE);
    call.answer(-EPIPE);
  });
}

/** The rump descriptor behind descriptor argument `n`, or -1 when it is the host's: then the call has been let run. */
export function rumpFd(call: Call, hijack: Hijack, n: number): number {
  const fd = call.int(n);
  const rump = call.state.files.get(fd);
  if (rump < 0) {
    // The placeholders' source is ours: the program never opened it.
    if (fd === hijack.hidden) call.answer(-EBADF);
    else call.run();
  } else if (hijack.verbose) because(call, `${fd}`, `fd ${fd} is rump ${rump}`);
  return rump;
}

/** Notes what the decision was about and why, for -v. */
export function because(call: Call, subject: string, reason: string): void {
  call.subject = subject;
  call.reason = reason;
}

/** Notes a path decision, for -v. */
export function becausePath(call: Call, hijack: Hijack, path: string, decision: PathDecision): void {
  because(
    call,
    JSON.stringify(Buffer.from(path, 'latin1').toString()),
    explainRule(decision.rule, hijack.policy, path),
  );
}

/**
 * Gives the program a number for rump descriptor `rump`: a placeholder at the lowest free number from rump + fdoff, or from `min` if that is
 * higher. `like` is the program's number whose placeholder is copied: a file's by default, or the one that `rump` is a copy of. Returns the
 * number, or -errno after closing the rump descriptor.
 */
export function placeFd(
  call: Call,
  hijack: Hijack,
  rump: number,
  cloexec: boolean,
  min = 0,
  like = hijack.hidden,
): number {
  const { state } = call;
  const mirror = state.files.mirrorOf(like);
  if (state.standardFree && min < STANDARD) {
    const low = claimStandard(call, hijack, like, cloexec);
    if (low !== NOT_FREE) {
      if (low < 0) state.kernel.close(rump);
      else state.files.set(low, rump, mirror);
      return low;
    }
  }
  const at = Math.max(rump + hijack.policy.fdoff, min);
  const command = cloexec ? F_DUPFD_CLOEXEC : F_DUPFD;
  let fd = call.hostCall(NR.fcntl, like, command, at);
  if (fd < 0 && fd !== -EBADF) {
    // EMFILE or EINVAL: the number is above the limit, which the program is not to notice (it counts rump descriptors itself).
    raiseLimit(call, at + 1);
    fd = call.hostCall(NR.fcntl, like, command, at);
  }
  if (fd < 0) {
    state.kernel.close(rump);
    return fd === -EBADF ? fd : -EMFILE;
  }
  state.files.set(fd, rump, mirror);
  return fd;
}

/** Descriptors 0 to 2. */
export const STANDARD = 3;
/** Of claimStandard(): the three are all taken. */
export const NOT_FREE = -4096;

/**
 * Puts a copy of placeholder `like` on a free number of 0 to 2: open(2) and dup(2) give the lowest free number, and old programs
 * close one of these to have it. Returns the number, -errno, or NOT_FREE.
 */
export function claimStandard(call: Call, hijack: Hijack, like: number, cloexec: boolean): number {
  const { state } = call;
  const low = call.hostCall(NR.fcntl, like, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
  if (low < 0) return NOT_FREE;
  if (low >= STANDARD) {
    call.hostCall(NR.close, low);
    state.standardFree = false;
    return NOT_FREE;
  }
  const stopped = stopLow(call, hijack, low);
  if (stopped >= 0) return low;
  call.hostCall(NR.close, low);
  return stopped;
}

/** Answers a call that made rump descriptor `rump` with the program's number for it. */
export function answerFd(
  call: Call,
  hijack: Hijack,
  rump: number,
  cloexec: boolean,
  min = 0,
  like = hijack.hidden,
): void {
  call.answer(rump < 0 ? rump : placeFd(call, hijack, rump, cloexec, min, like));
}

/** How many numbers a raised limit leaves for the next descriptors. */
const ROOM = 64;

/** Makes room for a number in the host's table; the program goes on seeing the limit that it set. */
export function raiseLimit(call: Call, needed: number): void {
  const { state } = call;
  const limit = new Uint8Array(16);
  const scratch = call.scratch(limit.length);
  if (scratch < 0) return;
  if (call.hostCall(NR.prlimit64, 0, RLIMIT_NOFILE, 0, scratch) < 0 || call.read(scratch, limit) === -EFAULT)
    return;
  const view = new DataView(limit.buffer);
  const [soft, hard] = [view.getUint32(0, true), view.getUint32(8, true)];
  // The number may be below the limit and taken by a descriptor of the host's: room above the limit is needed then, too.
  if (native.setNofile(state.pid, Math.max(needed, soft) + ROOM) < 0 || state.nofile >= 0) return;
  state.nofile = soft;
  state.nofileHard = hard;
}

/** True for a number that the program's own RLIMIT_NOFILE lets it use; the host's limit may have been raised by us. */
export function isProgramLimit(call: Call, fd: number): boolean {
  return call.state.nofile < 0 || fd < call.state.nofile;
}

/** sys/resource.h */
export const RLIMIT_NOFILE = 7;

/** Makes a low number stop from now on: it becomes, or may become, a rump descriptor's. Returns 0 or -errno. */
export function stopLow(call: Call, hijack: Hijack, fd: number): number {
  if (fd >= hijack.hidden || call.thread.process.stopped.has(fd)) return 0;
  const result = installStop(call, fd);
  if (result === 0) call.thread.process.stopped.add(fd);
  return result;
}

/** unshare(2) has succeeded for the calling thread: it alone gets tables of its own. */
export function unshare(call: Call, what: { files: boolean; fs: boolean }): void {
  const { thread, state } = call;
  if (thread.process.threads.size === 1) return state.unshare(what);
  const files = what.files ? state.files.copy() : state.files.share();
  const cwd = what.fs ? state.cwd.copy() : state.cwd.share();
  thread.state = new ProcessState(
    state.pid,
    state.kernel.fork(state.pid, { files: !what.files, fs: !what.fs }),
    files,
    cwd,
  );
  state.exitThread();
}
