/** stat(2) and its kin, statx(2), access(2), readlink(2), statfs(2). */
import { EINVAL, ENAMETOOLONG, ERANGE } from '../../abi/linux/errno.js';
import { AT_EACCESS, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW } from '../../abi/linux/fcntl.js';
import { PATH_MAX } from '../../abi/linux/limits.js';
import {
  AT_STATX_SYNC_TYPE,
  encodeStat,
  encodeStatfs,
  encodeStatx,
  STAT_SIZE,
  STATFS_SIZE,
  STATX__RESERVED,
  STATX_SIZE,
} from '../../abi/linux/stat.js';
import type { KernelProcess, Result, Stat, StatFs } from '../../kernel/rump_kernel.js';
import { shownPath } from '../../policy/decide.js';
import { because, type Call, type Hijack, reply, rumpFd, whenDone, withPath } from '../hijack.js';
import { emptyFlag, type Target, targetOf } from '../target.js';

function newStat(): Stat {
  return {
    dev: 0,
    ino: 0,
    mode: 0,
    nlink: 0,
    uid: 0,
    gid: 0,
    rdev: 0,
    size: 0,
    blksize: 0,
    blocks: 0,
    atimeSec: 0,
    atimeNsec: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
    ctimeSec: 0,
    ctimeNsec: 0,
    btimeSec: 0,
    btimeNsec: 0,
    mntId: 0,
  };
}

const buffer = new Uint8Array(256);
const view = new DataView(buffer.buffer);

function answerStat(call: Call, result: Result, stat: Stat, at: number): void {
  whenDone(call, result, done => {
    if (done < 0) return call.answer(done);
    encodeStat(view, 0, stat);
    call.answer(call.write(at, buffer, 0, STAT_SIZE));
  });
}

function statTarget(call: Call, target: Target, flags: number, bufferArg: number): void {
  if (!target.rump) return call.run();
  const stat = newStat();
  const result = call.state.kernel.statAt(target.at, target.path, flags | emptyFlag(target), stat);
  answerStat(call, result, stat, call.address(bufferArg));
}

export function sysStat(call: Call, hijack: Hijack): void {
  statTarget(call, targetOf(call, hijack, -1, 0), 0, 1);
}

export function sysLstat(call: Call, hijack: Hijack): void {
  const target = targetOf(call, hijack, -1, 0);
  // The magic link itself is the host's.
  if (target.magic >= 0) return call.run();
  statTarget(call, target, AT_SYMLINK_NOFOLLOW, 1);
}

export function sysFstat(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const stat = newStat();
  answerStat(call, call.state.kernel.fstat(fd, stat), stat, call.address(1));
}

export function sysNewfstatat(call: Call, hijack: Hijack): void {
  const flags = call.int(3);
  const target = targetOf(call, hijack, 0, 1, flags);
  if (target.rump && (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)) !== 0)
    return call.answer(-EINVAL);
  if (target.magic >= 0 && (flags & AT_SYMLINK_NOFOLLOW) !== 0) return call.run();
  statTarget(call, target, flags, 2);
}

export function sysStatx(call: Call, hijack: Hijack): void {
  const flags = call.int(2);
  const target = targetOf(call, hijack, 0, 1, flags);
  if (!target.rump || (target.magic >= 0 && (flags & AT_SYMLINK_NOFOLLOW) !== 0)) return call.run();
  const known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
  const mask = call.uint(3);
  if ((mask & STATX__RESERVED) !== 0 || (flags & ~known) !== 0) return call.answer(-EINVAL);
  if ((flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) return call.answer(-EINVAL);
  const stat = newStat();
  const at = call.address(4);
  const result = call.state.kernel.statAt(
    target.at,
    target.path,
    (flags & ~AT_STATX_SYNC_TYPE) | emptyFlag(target),
    stat,
  );
  whenDone(call, result, done => {
    if (done < 0) return call.answer(done);
    encodeStatx(view, 0, stat, mask);
    call.answer(call.write(at, buffer, 0, STATX_SIZE));
  });
}

function access(call: Call, target: Target, mode: number, flags: number): void {
  if (!target.rump) return call.run();
  if ((mode & ~7) !== 0 || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0)
    return call.answer(-EINVAL);
  reply(call, call.state.kernel.accessAt(target.at, target.path, mode, flags | emptyFlag(target)));
}

export function sysAccess(call: Call, hijack: Hijack): void {
  access(call, targetOf(call, hijack, -1, 0), call.int(1), 0);
}
export function sysFaccessat(call: Call, hijack: Hijack): void {
  access(call, targetOf(call, hijack, 0, 1), call.int(2), 0);
}
export function sysFaccessat2(call: Call, hijack: Hijack): void {
  const flags = call.int(3);
  access(call, targetOf(call, hijack, 0, 1, flags), call.int(2), flags);
}

/** Goes on with what the host's magic links would show of the rump kernel, or undefined. */
function magicLink(
  call: Call,
  hijack: Hijack,
  target: Target,
  next: (link: string | undefined) => void,
): void {
  const { state } = call;
  if (target.magic >= 0) {
    let link = '';
    const found = withPath(state.kernel, target.magic, path => {
      link = shownPath(hijack.policy, path);
      return 0;
    });
    return whenDone(call, found, () => next(link));
  }
  const match = /^\/proc\/(self|thread-self|\d+)\/(exe|cwd)$/.exec(target.given ?? '');
  if (match === null) return next(undefined);
  const owner = match[1].endsWith('self') ? state : hijack.stateOf(Number(match[1]));
  if (match[2] === 'exe') return next(owner?.exe);
  if (!owner?.cwd.rump) return next(undefined);
  currentDirectory(call, hijack, owner.kernel, path => next(typeof path === 'string' ? path : undefined));
}

/** Goes on with the working directory as getcwd(2) shows it: -ENOENT when it was removed, -ENAMETOOLONG when PATH_MAX has no room for it. */
export function currentDirectory(
  call: Call,
  hijack: Hijack,
  kernel: KernelProcess,
  next: (path: string | number) => void,
): void {
  const out = new Uint8Array(PATH_MAX);
  whenDone(call, kernel.getcwd(out), length => {
    if (length < 0) return next(length === -ERANGE ? -ENAMETOOLONG : length);
    const path = shownPath(hijack.policy, Buffer.from(out.buffer, 0, length).toString('latin1'));
    next(path.length < PATH_MAX ? path : -ENAMETOOLONG);
  });
}

function readlink(call: Call, hijack: Hijack, target: Target, bufferArg: number): void {
  if (!target.given?.startsWith('/')) return plainLink(call, target, bufferArg);
  // The target is read again after a wait: by then another call may have used it.
  const own = { ...target };
  magicLink(call, hijack, own, link => {
    if (link === undefined) return plainLink(call, own, bufferArg);
    if (hijack.verbose) because(call, JSON.stringify(own.given), 'the link leads into the rump kernel');
    const size = call.int(bufferArg + 1);
    if (size <= 0) return call.answer(-EINVAL);
    const bytes = Buffer.from(link, 'latin1').subarray(0, size);
    const fault = call.write(call.address(bufferArg), bytes);
    call.answer(fault < 0 ? fault : bytes.length);
  });
}

function plainLink(call: Call, target: Target, bufferArg: number): void {
  if (!target.rump) return call.run();
  const size = call.int(bufferArg + 1);
  if (size <= 0) return call.answer(-EINVAL);
  const out = new Uint8Array(Math.min(size, PATH_MAX));
  whenDone(call, call.state.kernel.readlinkAt(target.at, target.path, out), length => {
    if (length < 0) return call.answer(length);
    const fault = call.write(call.address(bufferArg), out, 0, length);
    call.answer(fault < 0 ? fault : length);
  });
}

export function sysReadlink(call: Call, hijack: Hijack): void {
  readlink(call, hijack, targetOf(call, hijack, -1, 0), 1);
}
export function sysReadlinkat(call: Call, hijack: Hijack): void {
  // An empty path names the descriptor itself here without any flag (readlinkat(2)).
  readlink(call, hijack, targetOf(call, hijack, 0, 1, AT_EMPTY_PATH), 2);
}

function newStatfs(): StatFs {
  return {
    type: 0,
    bsize: 0,
    blocks: 0,
    bfree: 0,
    bavail: 0,
    files: 0,
    ffree: 0,
    fsid: 0,
    namelen: 0,
    frsize: 0,
    flags: 0,
  };
}

function answerStatfs(call: Call, result: Result, fs: StatFs, at: number): void {
  whenDone(call, result, done => {
    if (done < 0) return call.answer(done);
    encodeStatfs(view, 0, fs);
    call.answer(call.write(at, buffer, 0, STATFS_SIZE));
  });
}

export function sysStatfs(call: Call, hijack: Hijack): void {
  const target = targetOf(call, hijack, -1, 0);
  if (!target.rump) return call.run();
  const fs = newStatfs();
  const { kernel } = call.state;
  const result = target.magic >= 0 ? kernel.fstatfs(target.magic, fs) : kernel.statfs(target.path, fs);
  answerStatfs(call, result, fs, call.address(1));
}

export function sysFstatfs(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const fs = newStatfs();
  answerStatfs(call, call.state.kernel.fstatfs(fd, fs), fs, call.address(1));
}
