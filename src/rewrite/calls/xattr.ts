/** Extended attributes (xattr(7)): setxattr to fremovexattr, and the at forms of Linux 6.13. */
import { E2BIG, EFAULT, EINVAL, ERANGE } from '../../abi/linux/errno.js';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from '../../abi/linux/fcntl.js';
import type { Result } from '../../kernel/rump_kernel.js';
import { type Call, type Hijack, reply, rumpFd, whenDone } from '../hijack.js';
import { targetOf } from '../target.js';

/** linux/limits.h */
const XATTR_NAME_MAX = 255;
const XATTR_SIZE_MAX = 65536;
const XATTR_LIST_MAX = 65536;
/** struct xattr_args (linux/xattr.h): value, size, flags. */
const XATTR_ARGS_SIZE = 16;

/** What the attribute belongs to, and the argument after those that name it. */
interface Owner {
  at: number;
  path: string | null;
  flags: number;
  next: number;
}

/** How a call names the file. */
type Form = 'path' | 'link' | 'fd' | 'at';

/** The rump file that the call names; undefined when it is the host's and has been let run. */
function owner(call: Call, hijack: Hijack, form: Form): Owner | undefined {
  if (form === 'fd') {
    const fd = rumpFd(call, hijack, 0);
    return fd < 0 ? undefined : { at: fd, path: null, flags: 0, next: 1 };
  }
  const flags = form === 'at' ? call.int(2) : form === 'link' ? AT_SYMLINK_NOFOLLOW : 0;
  const target = form === 'at' ? targetOf(call, hijack, 0, 1, flags) : targetOf(call, hijack, -1, 0);
  if (!target.rump) {
    call.run();
    return undefined;
  }
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) {
    call.answer(-EINVAL);
    return undefined;
  }
  const path = target.magic >= 0 || (target.path === '' && form === 'at') ? null : target.path;
  return { at: target.at, path, flags: flags & AT_SYMLINK_NOFOLLOW, next: form === 'at' ? 3 : 1 };
}

/** An attribute's name; -ERANGE for one that is empty or too long (xattr_getname). */
function attribute(call: Call, n: number): string | number {
  const name = call.string(call.address(n), XATTR_NAME_MAX + 1);
  if (typeof name === 'number') return name === -EFAULT ? name : -ERANGE;
  return name === '' ? -ERANGE : name;
}

/** Value, size and flags, which the at forms pass in a struct. */
interface Value {
  address: number;
  size: number;
  flags: number;
}

function readValue(call: Call, form: Form, n: number): Value | number {
  if (form !== 'at') return { address: call.address(n), size: call.long(n + 1), flags: call.int(n + 2) };
  const size = call.long(n + 1);
  if (size < XATTR_ARGS_SIZE) return -EINVAL;
  if (size > XATTR_ARGS_SIZE) return -E2BIG;
  const bytes = new Uint8Array(XATTR_ARGS_SIZE);
  const fault = call.read(call.address(n), bytes);
  if (fault < 0) return fault;
  const view = new DataView(bytes.buffer);
  return {
    address: Number(view.getBigUint64(0, true)),
    size: view.getUint32(8, true),
    flags: view.getUint32(12, true),
  };
}

function store(call: Call, hijack: Hijack, form: Form): void {
  const file = owner(call, hijack, form);
  if (file === undefined) return;
  const value = readValue(call, form, file.next + 1);
  if (typeof value === 'number') return call.answer(value);
  if ((value.flags & ~3) !== 0) return call.answer(-EINVAL);
  const name = attribute(call, file.next);
  if (typeof name === 'number') return call.answer(name);
  if (value.size < 0 || value.size > XATTR_SIZE_MAX) return call.answer(-E2BIG);
  const bytes = new Uint8Array(value.size);
  const fault = call.read(value.address, bytes);
  if (fault < 0) return call.answer(fault);
  reply(call, call.state.kernel.setXattr(file.at, file.path, file.flags, name, bytes, value.flags));
}

/** Hands out what the kernel wrote: `size` 0 asks for the length alone. */
function give(call: Call, address: number, out: Uint8Array, result: Result): void {
  whenDone(call, result, length => {
    if (length <= 0 || out.length === 0) return call.answer(length);
    const fault = call.write(address, out, 0, length);
    call.answer(fault < 0 ? fault : length);
  });
}

function get(call: Call, hijack: Hijack, form: Form): void {
  const file = owner(call, hijack, form);
  if (file === undefined) return;
  const value = readValue(call, form, file.next + 1);
  if (typeof value === 'number') return call.answer(value);
  if (form === 'at' && value.flags !== 0) return call.answer(-EINVAL);
  const name = attribute(call, file.next);
  if (typeof name === 'number') return call.answer(name);
  const out = new Uint8Array(Math.min(Math.max(value.size, 0), XATTR_SIZE_MAX));
  give(call, value.address, out, call.state.kernel.getXattr(file.at, file.path, file.flags, name, out));
}

function list(call: Call, hijack: Hijack, form: Form): void {
  const file = owner(call, hijack, form);
  if (file === undefined) return;
  const out = new Uint8Array(Math.min(Math.max(call.long(file.next + 1), 0), XATTR_LIST_MAX));
  give(call, call.address(file.next), out, call.state.kernel.listXattr(file.at, file.path, file.flags, out));
}

function remove(call: Call, hijack: Hijack, form: Form): void {
  const file = owner(call, hijack, form);
  if (file === undefined) return;
  const name = attribute(call, file.next);
  if (typeof name === 'number') return call.answer(name);
  reply(call, call.state.kernel.removeXattr(file.at, file.path, file.flags, name));
}

const form =
  (operation: (call: Call, hijack: Hijack, form: Form) => void, how: Form) =>
  (call: Call, hijack: Hijack): void =>
    operation(call, hijack, how);

export const sysSetxattr = form(store, 'path');
export const sysLsetxattr = form(store, 'link');
export const sysFsetxattr = form(store, 'fd');
export const sysSetxattrat = form(store, 'at');
export const sysGetxattr = form(get, 'path');
export const sysLgetxattr = form(get, 'link');
export const sysFgetxattr = form(get, 'fd');
export const sysGetxattrat = form(get, 'at');
export const sysListxattr = form(list, 'path');
export const sysLlistxattr = form(list, 'link');
export const sysFlistxattr = form(list, 'fd');
export const sysListxattrat = form(list, 'at');
export const sysRemovexattr = form(remove, 'path');
export const sysLremovexattr = form(remove, 'link');
export const sysFremovexattr = form(remove, 'fd');
export const sysRemovexattrat = form(remove, 'at');
