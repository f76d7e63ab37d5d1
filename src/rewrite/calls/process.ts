/** Calls that change what both kernels believe of a process: identity, limits, and how children are made. */
import { readFileSync } from 'node:fs';
import { EFAULT } from '../../abi/linux/errno.js';
import { CLONE_UNTRACED } from '../../abi/linux/sched.js';
import type { Credentials } from '../../kernel/rump_kernel.js';
import { type Call, RLIMIT_NOFILE } from '../hijack.js';

/** sys/resource.h */
const RLIMIT_FSIZE = 1;
const TWO_32 = 0x1_0000_0000;

/** Filesystem ids of a thread: /proc/PID/status, Uid and Gid lines (real, effective, saved, filesystem). */
export function credentialsOf(tid: number): Credentials {
  const status = readFileSync(`/proc/${tid}/status`, 'latin1');
  const field = (name: string): number[] => {
    const line = new RegExp(`^${name}:(.*)$`, 'm').exec(status);
    return line === null ? [] : line[1].trim().split(/\s+/).filter(Boolean).map(Number);
  };
  return { uid: field('Uid')[3], gid: field('Gid')[3], groups: field('Groups') };
}

/** setuid(2) and its family: the host decides, and the rump kernel follows. */
export function sysSetid(call: Call): void {
  call.runThen(result => {
    if (result >= 0) call.state.kernel.setCredentials(credentialsOf(call.tid));
    call.finish(result);
  });
}

const limit = new Uint8Array(16);
const limitView = new DataView(limit.buffer);

function readSoft(): number {
  const high = limitView.getUint32(4, true);
  return high === 0xffffffff ? Number.POSITIVE_INFINITY : high * TWO_32 + limitView.getUint32(0, true);
}

/** The program has set a limit of its own: what we made of it before is forgotten. */
function noteLimit(call: Call, resource: number, soft: number): void {
  const { state } = call;
  if (resource === RLIMIT_NOFILE) {
    state.nofile = -1;
    state.limits.nofile = soft;
  } else {
    state.limits.fsize = soft;
  }
  state.kernel.setLimits(state.limits);
}

/** A raised RLIMIT_NOFILE is shown as the program set it. */
function showLimit(call: Call, at: number): void {
  const { nofile, nofileHard } = call.state;
  if (nofile < 0) return;
  limitView.setUint32(0, nofile, true);
  limitView.setUint32(4, 0, true);
  limitView.setUint32(8, nofileHard, true);
  limitView.setUint32(12, 0, true);
  call.write(at, limit);
}

function limits(call: Call, resource: number, setAt: number, getAt: number): void {
  if (resource !== RLIMIT_NOFILE && resource !== RLIMIT_FSIZE) return call.run();
  let soft = -1;
  if (setAt !== 0 && call.read(setAt, limit) === 0) soft = readSoft();
  call.runThen(result => {
    if (result === 0) {
      if (getAt !== 0 && resource === RLIMIT_NOFILE) showLimit(call, getAt);
      if (soft >= 0) noteLimit(call, resource, soft);
    }
    call.finish(result);
  });
}
export function sysGetrlimit(call: Call): void {
  limits(call, call.int(0), 0, call.address(1));
}
export function sysSetrlimit(call: Call): void {
  limits(call, call.int(0), call.address(1), 0);
}
export function sysPrlimit64(call: Call): void {
  const pid = call.int(0);
  if (pid !== 0 && pid !== call.state.pid) return call.run();
  limits(call, call.int(1), call.address(2), call.address(3));
}

/** clone(2): a child that asks not to be traced would escape; it is traced all the same. */
export function sysClone(call: Call): void {
  const flags = call.long(0);
  if ((flags & CLONE_UNTRACED) === 0) return call.run();
  const rest = [1, 2, 3, 4].map(n => call.long(n));
  call.runThen(result => call.finish(result), call.nr, flags - CLONE_UNTRACED, ...rest);
}

/** struct clone_args (linux/sched.h) has its flags first. */
const CLONE_ARGS_FLAGS = 8;
const CLONE_ARGS_MAX = 4096;

export function sysClone3(call: Call): void {
  const size = call.long(1);
  if (size < CLONE_ARGS_FLAGS || size > CLONE_ARGS_MAX) return call.run();
  const args = new Uint8Array(size);
  if (call.read(call.address(0), args) < 0) return call.run();
  const view = new DataView(args.buffer);
  const flags = view.getUint32(0, true);
  if ((flags & CLONE_UNTRACED) === 0) return call.run();
  view.setUint32(0, flags & ~CLONE_UNTRACED, true);
  const at = call.scratch(size);
  if (at < 0 || call.write(at, args) < 0) return call.answer(at < 0 ? at : -EFAULT);
  call.runThen(result => call.finish(result), call.nr, at, size);
}
