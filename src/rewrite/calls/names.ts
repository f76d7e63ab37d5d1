/** Calls that make, remove and rename names: mkdir(2) to renameat2(2). */
import { EINVAL, EXDEV } from '../../abi/linux/errno.js';
import {
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from '../../abi/linux/fcntl.js';
import { PATH_MAX } from '../../abi/linux/limits.js';
import { type Call, type Hijack, reply } from '../hijack.js';
import { emptyFlag, secondTargetOf, type Target, targetOf } from '../target.js';

function mkdir(call: Call, target: Target, mode: number): void {
  if (!target.rump) return call.run();
  reply(call, call.state.kernel.mkdirAt(target.at, target.path, mode));
}
export function sysMkdir(call: Call, hijack: Hijack): void {
  mkdir(call, targetOf(call, hijack, -1, 0), call.int(1));
}
export function sysMkdirat(call: Call, hijack: Hijack): void {
  mkdir(call, targetOf(call, hijack, 0, 1), call.int(2));
}

function mknod(call: Call, target: Target, mode: number, dev: number): void {
  if (!target.rump) return call.run();
  reply(call, call.state.kernel.mknodAt(target.at, target.path, mode, dev));
}
export function sysMknod(call: Call, hijack: Hijack): void {
  mknod(call, targetOf(call, hijack, -1, 0), call.int(1), call.uint(2));
}
export function sysMknodat(call: Call, hijack: Hijack): void {
  mknod(call, targetOf(call, hijack, 0, 1), call.int(2), call.uint(3));
}

function unlink(call: Call, target: Target, flags: number): void {
  if (!target.rump) return call.run();
  if ((flags & ~AT_REMOVEDIR) !== 0) return call.answer(-EINVAL);
  reply(call, call.state.kernel.unlinkAt(target.at, target.path, flags));
}
export function sysUnlink(call: Call, hijack: Hijack): void {
  unlink(call, targetOf(call, hijack, -1, 0), 0);
}
export function sysRmdir(call: Call, hijack: Hijack): void {
  unlink(call, targetOf(call, hijack, -1, 0), AT_REMOVEDIR);
}
export function sysUnlinkat(call: Call, hijack: Hijack): void {
  unlink(call, targetOf(call, hijack, 0, 1), call.int(2));
}

/**
 * Two paths: true when both are the rump kernel's. Else the call has been ended: on the host when none is or one cannot be read,
 * with EXDEV across kernels, so that mv(1) copies.
 */
function bothRump(call: Call, from: Target, to: Target): boolean {
  if (from.rump && to.rump) return true;
  if (!from.rump && !to.rump) call.run();
  else if (from.given === undefined || to.given === undefined)
    call.answer(from.given === undefined ? from.error : to.error);
  else call.answer(-EXDEV);
  return false;
}

function rename(call: Call, from: Target, to: Target, flags: number): void {
  if (!bothRump(call, from, to)) return;
  const known = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;
  if ((flags & ~known) !== 0 || ((flags & RENAME_EXCHANGE) !== 0 && (flags & ~RENAME_EXCHANGE) !== 0))
    return call.answer(-EINVAL);
  reply(call, call.state.kernel.renameAt(from.at, from.path, to.at, to.path, flags));
}
export function sysRename(call: Call, hijack: Hijack): void {
  rename(call, targetOf(call, hijack, -1, 0), secondTargetOf(call, hijack, -1, 1), 0);
}
export function sysRenameat(call: Call, hijack: Hijack): void {
  rename(call, targetOf(call, hijack, 0, 1), secondTargetOf(call, hijack, 2, 3), 0);
}
export function sysRenameat2(call: Call, hijack: Hijack): void {
  rename(call, targetOf(call, hijack, 0, 1), secondTargetOf(call, hijack, 2, 3), call.int(4));
}

function link(call: Call, from: Target, to: Target, flags: number): void {
  if (!bothRump(call, from, to)) return;
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return call.answer(-EINVAL);
  reply(call, call.state.kernel.linkAt(from.at, from.path, to.at, to.path, flags | emptyFlag(from)));
}
export function sysLink(call: Call, hijack: Hijack): void {
  link(call, targetOf(call, hijack, -1, 0), secondTargetOf(call, hijack, -1, 1), 0);
}
export function sysLinkat(call: Call, hijack: Hijack): void {
  const flags = call.int(4);
  link(call, targetOf(call, hijack, 0, 1, flags), secondTargetOf(call, hijack, 2, 3), flags);
}

function symlink(call: Call, target: Target): void {
  if (!target.rump) return call.run();
  const contents = call.string(call.address(0), PATH_MAX);
  if (typeof contents === 'number') return call.answer(contents);
  reply(call, call.state.kernel.symlinkAt(contents, target.at, target.path));
}
export function sysSymlink(call: Call, hijack: Hijack): void {
  symlink(call, targetOf(call, hijack, -1, 1));
}
export function sysSymlinkat(call: Call, hijack: Hijack): void {
  symlink(call, targetOf(call, hijack, 1, 2));
}
