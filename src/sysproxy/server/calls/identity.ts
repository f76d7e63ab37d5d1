/** Who a process is: numbers, users, groups, limits. */
import { EINVAL, EPERM, ESRCH } from '../../../abi/linux/errno.js';
import type { Call, Steps } from '../call.js';
import { type Ids, RLIMIT_FSIZE, RLIMIT_NOFILE } from '../process.js';

/** init's number: the parent of every client (rump_sp). */
const INIT = 1;
/** NGROUPS_MAX of sys/syslimits.h. */
const NGROUPS_MAX = 16;
/** sys/resource.h: RLIM_INFINITY. */
const RLIM_INFINITY = 0x7fff_ffff_ffff_ffffn;
const RLIMIT_SIZE = 16;
const LOGIN_ROOM = 17;

export function getpid(call: Call): number {
  call.second = INIT;
  return call.process.pid;
}
export function getppid(): number {
  return INIT;
}
export function getuid(call: Call): number {
  call.second = call.process.user.effective;
  return call.process.user.real;
}
export function geteuid(call: Call): number {
  return call.process.user.effective;
}
export function getgid(call: Call): number {
  call.second = call.process.group.effective;
  return call.process.group.real;
}
export function getegid(call: Call): number {
  return call.process.group.effective;
}
export function issetugid(): number {
  return 0;
}

/** What a process may become: anything as root, else one of its own. */
function mayBe(call: Call, ids: Ids, id: number): boolean {
  return call.process.user.effective === 0 || id === ids.real || id === ids.saved || id === ids.effective;
}

function become(call: Call, ids: Ids, change: Partial<Ids>): number {
  for (const id of Object.values(change)) if (!mayBe(call, ids, id)) return -EPERM;
  Object.assign(ids, change);
  call.process.tellCredentials();
  return 0;
}

export function setuid(call: Call): number {
  const id = call.int(0);
  return become(call, call.process.user, { real: id, effective: id, saved: id });
}
export function seteuid(call: Call): number {
  return become(call, call.process.user, { effective: call.int(0) });
}
export function setgid(call: Call): number {
  const id = call.int(0);
  return become(call, call.process.group, { real: id, effective: id, saved: id });
}
export function setegid(call: Call): number {
  return become(call, call.process.group, { effective: call.int(0) });
}
function setBoth(call: Call, ids: Ids): number {
  const change: Partial<Ids> = {};
  if (call.int(0) !== -1) change.real = call.int(0);
  if (call.int(1) !== -1) change.effective = call.int(1);
  const done = become(call, ids, change);
  if (done === 0 && call.int(0) !== -1) ids.saved = ids.effective;
  return done;
}
export function setreuid(call: Call): number {
  return setBoth(call, call.process.user);
}
export function setregid(call: Call): number {
  return setBoth(call, call.process.group);
}

export function getgroups(call: Call): number {
  const { groups } = call.process;
  if (call.int(0) === 0) return groups.length;
  if (call.int(0) < groups.length) return -EINVAL;
  call.copyout(call.ulong(1), new Uint8Array(Uint32Array.from(groups).buffer));
  return groups.length;
}
export function* setgroups(call: Call): Steps {
  if (call.process.user.effective !== 0) return -EPERM;
  const count = call.int(0);
  if (count < 0 || count > NGROUPS_MAX) return -EINVAL;
  const bytes = yield* call.copyin(call.ulong(1), count * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  call.process.groups = Array.from({ length: count }, (_, i) => view.getUint32(i * 4, true));
  call.process.tellCredentials();
  return 0;
}

// Groups of processes: kept, since nothing here is sent signals.

export function getpgrp(call: Call): number {
  return call.process.processGroup;
}
export function getpgid(call: Call): number {
  const pid = call.int(0);
  const process = pid === 0 ? call.process : call.session.state.processes.get(pid);
  return process === undefined ? -ESRCH : process.processGroup;
}
export function getsid(call: Call): number {
  const pid = call.int(0);
  const process = pid === 0 ? call.process : call.session.state.processes.get(pid);
  return process === undefined ? -ESRCH : process.session;
}
export function setpgid(call: Call): number {
  const { process } = call;
  const [pid, group] = [call.int(0) || process.pid, call.int(1) || process.pid];
  if (pid !== process.pid) return -ESRCH;
  if (group < 0) return -EINVAL;
  process.processGroup = group;
  return 0;
}
export function setsid(call: Call): number {
  const { process } = call;
  if (process.processGroup === process.pid) return -EPERM;
  process.processGroup = process.pid;
  process.session = process.pid;
  return process.pid;
}

export function* setlogin(call: Call): Steps {
  if (call.process.user.effective !== 0) return -EPERM;
  call.process.login = yield* call.copyinstr(call.ulong(0), LOGIN_ROOM);
  return 0;
}
export function getlogin(call: Call): number {
  const name = Buffer.from(`${call.process.login}\0`, 'latin1');
  call.copyout(call.ulong(0), name.subarray(0, Math.min(call.ulong(1), name.length)));
  return 0;
}

// Limits.

function toRlim(value: number): bigint {
  return Number.isFinite(value) ? BigInt(value) : RLIM_INFINITY;
}
function fromRlim(value: bigint): number {
  return value >= RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(value);
}

export function getrlimit(call: Call): number {
  const limit = call.process.limits[call.uint(0)];
  if (limit === undefined) return -EINVAL;
  const bytes = new Uint8Array(RLIMIT_SIZE);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, toRlim(limit.soft), true);
  view.setBigUint64(8, toRlim(limit.hard), true);
  call.copyout(call.ulong(1), bytes);
  return 0;
}

export function* setrlimit(call: Call): Steps {
  const which = call.uint(0);
  const limit = call.process.limits[which];
  if (limit === undefined) return -EINVAL;
  const bytes = yield* call.copyin(call.ulong(1), RLIMIT_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let soft = fromRlim(view.getBigUint64(0, true));
  let hard = fromRlim(view.getBigUint64(8, true));
  if (call.process.user.effective !== 0 && (soft > limit.hard || hard > limit.hard)) return -EPERM;
  // A rump kernel has room for so many descriptors, whatever is asked (maxfiles).
  if (which === RLIMIT_NOFILE) [soft, hard] = [Math.min(soft, limit.hard), Math.min(hard, limit.hard)];
  if (soft > hard) soft = hard;
  limit.soft = soft;
  limit.hard = hard;
  if (which === RLIMIT_NOFILE || which === RLIMIT_FSIZE) call.process.tellLimits();
  return 0;
}
