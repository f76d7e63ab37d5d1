import { readlinkSync } from 'node:fs';
import { EPERM } from '../abi/linux/errno.js';
import { AT_EMPTY_PATH } from '../abi/linux/fcntl.js';
import { AT_FDCWD, AT_PROC } from '../kernel/rump_kernel.js';
import { decidePath, prefixParent } from '../policy/decide.js';
import { because, becausePath, type Call, type Hijack } from './hijack.js';

/** Where a path argument leads. */
export interface Target {
  rump: boolean;
  /** For the rump kernel: AT_FDCWD, AT_PROC or a rump descriptor. */
  at: number;
  /** For the rump kernel. An empty path names `at` itself, if the call allows it. */
  path: string;
  /** The rump descriptor that a /proc/self/fd/N or /dev/fd/N names, or -1. */
  magic: number;
  /** The program's own path, or undefined when it could not be read. */
  given: string | undefined;
  /** Why it could not: -EFAULT, -ENAMETOOLONG. */
  error: number;
}

export function newTarget(): Target {
  return { rump: false, at: AT_FDCWD, path: '', magic: -1, given: undefined, error: 0 };
}

/** One scratch object per path argument of a call; a handler reads it before anything else can stop. */
const first = newTarget();
const second = newTarget();

const SLASH = 0x2f;
/** proc(5), and the links that Debian's /dev holds into it. */
const MAGIC =
  /^(?:\/dev\/(?:fd\/(\d+)|(stdin|stdout|stderr))|\/proc\/(?:self|thread-self|(\d+))\/(?:task\/\d+\/)?fd\/(\d+))$/;
const STANDARD = ['stdin', 'stdout', 'stderr'];

/** The descriptor that a magic link names, and whose; without `pid` the caller's. undefined for all other paths. */
export function magicLink(path: string): { pid: number | undefined; fd: number } | undefined {
  if (!path.startsWith('/dev/') && !path.startsWith('/proc/')) return undefined;
  const match = MAGIC.exec(path);
  if (match === null) return undefined;
  const [, devFd, standard, pid, procFd] = match;
  const fd = standard !== undefined ? STANDARD.indexOf(standard) : Number(devFd ?? procFd);
  return { pid: pid === undefined ? undefined : Number(pid), fd };
}

/** The rump descriptor that a magic link names, or -1. */
function magicFd(call: Call, hijack: Hijack, path: string): number {
  const link = magicLink(path);
  if (link === undefined) return -1;
  const { pid, fd } = link;
  const owner = pid === undefined ? call.state : hijack.stateOf(pid);
  // Another process's descriptor is in another table of the rump kernel: the host shows its placeholder.
  return owner === call.state ? call.state.files.get(fd) : -1;
}

function host(target: Target): Target {
  target.rump = false;
  return target;
}

/**
 * Decides a path argument. `dir` is the index of its directory descriptor, or -1 for calls without one; `flags` may hold AT_EMPTY_PATH.
 * A path that cannot be read is the host's: it has the right errno.
 */
export function targetOf(
  call: Call,
  hijack: Hijack,
  dir: number,
  pathArg: number,
  flags = 0,
  target: Target = first,
): Target {
  const path = call.path(pathArg);
  target.magic = -1;
  if (typeof path === 'number') {
    target.given = undefined;
    target.error = path;
    if (path === -EPERM) {
      const { pid } = call.thread.process;
      hijack.warnOnce(
        'memory',
        `pid ${pid} hides its memory from us (prctl PR_SET_DUMPABLE): its paths go to the host`,
      );
    }
    // statx(fd, NULL, AT_EMPTY_PATH) names the descriptor (statx(2), Linux 6.11).
    if ((flags & AT_EMPTY_PATH) === 0 || call.address(pathArg) !== 0) return host(target);
    return relative(call, hijack, dir, '', target);
  }
  target.given = path;
  if (path.charCodeAt(0) === SLASH) return absolute(call, hijack, path, target);
  if (path === '' && (flags & AT_EMPTY_PATH) === 0) return host(target);
  return relative(call, hijack, dir, path, target);
}

/** As targetOf() for the second path of a call that has two: both stay readable. */
export function secondTargetOf(call: Call, hijack: Hijack, dir: number, pathArg: number, flags = 0): Target {
  return targetOf(call, hijack, dir, pathArg, flags, second);
}

/** Decides an absolute path that was read already. */
export function absolute(call: Call, hijack: Hijack, path: string, target: Target = first): Target {
  target.magic = call.state.files.size === 0 ? -1 : magicFd(call, hijack, path);
  if (target.magic >= 0) {
    target.rump = true;
    target.at = target.magic;
    target.path = '';
    if (hijack.verbose) because(call, JSON.stringify(path), `it names rump ${target.magic}`);
    return target;
  }
  const decision = decidePath(hijack.policy, path, hijack.isTraced);
  target.rump = decision.rump;
  if (!decision.rump) return target;
  target.at = decision.view === 'proc' ? AT_PROC : AT_FDCWD;
  target.path = decision.path;
  if (hijack.verbose) becausePath(call, hijack, path, decision);
  return target;
}

/** The absolute path, when a host directory and a relative path meet the prefix between them. */
function fromHostDirectory(call: Call, hijack: Hijack, fd: number, path: string): string | undefined {
  const parent = prefixParent(hijack.policy, path);
  if (parent === undefined) return undefined;
  try {
    const link = fd === AT_FDCWD ? 'cwd' : `fd/${fd}`;
    if (readlinkSync(`/proc/${call.tid}/${link}`, 'latin1') !== parent) return undefined;
  } catch {
    // No such descriptor: the host has the errno.
    return undefined;
  }
  return parent === '/' ? `/${path}` : `${parent}/${path}`;
}

function relative(call: Call, hijack: Hijack, dir: number, path: string, target: Target): Target {
  const { state } = call;
  const fd = dir < 0 ? AT_FDCWD : call.int(dir);
  if (fd === AT_FDCWD) {
    target.rump = state.cwd.rump;
    target.at = AT_FDCWD;
  } else {
    target.at = state.files.get(fd);
    target.rump = target.at >= 0;
  }
  if (!target.rump) {
    const whole = fromHostDirectory(call, hijack, fd, path);
    return whole === undefined ? target : absolute(call, hijack, whole, target);
  }
  target.path = path;
  if (hijack.verbose) {
    const why =
      fd === AT_FDCWD ? 'the working directory is in the rump kernel' : `fd ${fd} is rump ${target.at}`;
    because(call, JSON.stringify(path), why);
  }
  return target;
}

/** AT_EMPTY_PATH where the target is a descriptor that a magic link named. */
export function emptyFlag(target: Target): number {
  return target.magic >= 0 ? AT_EMPTY_PATH : 0;
}
