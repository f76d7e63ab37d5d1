/** Extended attributes: NetBSD's calls of this kind were made after Linux's (setxattr(2)). */
import { E2BIG, EOPNOTSUPP } from '../../../abi/linux/errno.js';
import { AT_SYMLINK_NOFOLLOW } from '../../../abi/linux/fcntl.js';
import { AT_FDCWD, type BytePath } from '../../../kernel/rump_kernel.js';
import { type Call, type Handler, type Steps, wait } from '../call.js';

/** linux/limits.h: as large as values and lists are. */
const SIZE_MAX = 65536;
const NAME_MAX = 256;

type How = 'path' | 'link' | 'fd';

interface File {
  readonly at: number;
  readonly path: BytePath | null;
  readonly flags: number;
}

function* file(call: Call, how: How): Steps<File> {
  if (how === 'fd') return { at: call.int(0), path: null, flags: 0 };
  const path = yield* call.path(0);
  return { at: AT_FDCWD, path, flags: how === 'link' ? AT_SYMLINK_NOFOLLOW : 0 };
}

export const get = (how: How): Handler =>
  function* (call) {
    const { at, path, flags } = yield* file(call, how);
    const name = yield* call.copyinstr(call.ulong(1), NAME_MAX);
    const out = new Uint8Array(Math.min(call.ulong(3), SIZE_MAX));
    const length = yield* wait(call.kernel.getXattr(at, path, flags, name, out));
    if (length > 0 && out.length > 0) call.copyout(call.ulong(2), out.subarray(0, length));
    return length;
  };

export const list = (how: How): Handler =>
  function* (call) {
    const { at, path, flags } = yield* file(call, how);
    const out = new Uint8Array(Math.min(call.ulong(2), SIZE_MAX));
    const length = yield* wait(call.kernel.listXattr(at, path, flags, out));
    if (length > 0 && out.length > 0) call.copyout(call.ulong(1), out.subarray(0, length));
    return length;
  };

export const set = (how: How): Handler =>
  function* (call) {
    const { at, path, flags } = yield* file(call, how);
    const name = yield* call.copyinstr(call.ulong(1), NAME_MAX);
    if (call.ulong(3) > SIZE_MAX) return -E2BIG;
    const value = yield* call.copyin(call.ulong(2), call.ulong(3));
    return yield* wait(call.kernel.setXattr(at, path, flags, name, value, call.int(4)));
  };

export const remove = (how: How): Handler =>
  function* (call) {
    const { at, path, flags } = yield* file(call, how);
    const name = yield* call.copyinstr(call.ulong(1), NAME_MAX);
    return yield* wait(call.kernel.removeXattr(at, path, flags, name));
  };

/** The older extattr calls: no file system here has them. */
export function extattr(): number {
  return -EOPNOTSUPP;
}
