/** Calls that take names: what is made, moved and removed, and where a process stands. */
import { EINVAL, ENAMETOOLONG, ERANGE } from '../../../abi/linux/errno.js';
import { AT_REMOVEDIR, AT_SYMLINK_FOLLOW } from '../../../abi/linux/fcntl.js';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT } from '../../../abi/linux/stat.js';
import { fromNetbsdAt, NB_AT_REMOVEDIR } from '../../../abi/netbsd/fcntl.js';
import { toLinuxDev } from '../../../abi/netbsd/stat.js';
import { AT_FDCWD } from '../../../kernel/rump_kernel.js';
import { type Call, type Steps, settle, wait } from '../call.js';
import { directory } from './descriptors.js';

const PERMISSIONS = 0o7777;
const PATH_ROOM = 4096;

export function* mkdir(call: Call): Steps {
  const path = yield* call.path(0);
  return yield* wait(call.kernel.mkdirAt(AT_FDCWD, path, call.uint(1) & PERMISSIONS));
}
export function* mkdirat(call: Call): Steps {
  const path = yield* call.path(1);
  return yield* wait(call.kernel.mkdirAt(directory(call, 0), path, call.uint(2) & PERMISSIONS));
}

export function* mkfifo(call: Call): Steps {
  const path = yield* call.path(0);
  return yield* wait(call.kernel.mknodAt(AT_FDCWD, path, S_IFIFO | (call.uint(1) & PERMISSIONS), 0));
}
export function* mkfifoat(call: Call): Steps {
  const path = yield* call.path(1);
  return yield* wait(
    call.kernel.mknodAt(directory(call, 0), path, S_IFIFO | (call.uint(2) & PERMISSIONS), 0),
  );
}

function* makeNode(call: Call, at: number, path: string, mode: number, dev: number): Steps {
  const type = mode & S_IFMT;
  // Regular files are made by open(2), sockets by bind(2).
  if (type !== S_IFCHR && type !== S_IFBLK && type !== S_IFIFO) return -EINVAL;
  return yield* wait(call.kernel.mknodAt(at, path, mode & (S_IFMT | PERMISSIONS), toLinuxDev(dev)));
}
export function* mknod(call: Call): Steps {
  const path = yield* call.path(0);
  return yield* makeNode(call, AT_FDCWD, path, call.uint(1), call.uint(2));
}
export function* mknodat(call: Call): Steps {
  const path = yield* call.path(1);
  return yield* makeNode(call, directory(call, 0), path, call.uint(2), call.uint(4));
}

export function* unlink(call: Call): Steps {
  const path = yield* call.path(0);
  return yield* wait(call.kernel.unlinkAt(AT_FDCWD, path, 0));
}
export function* rmdir(call: Call): Steps {
  const path = yield* call.path(0);
  return yield* wait(call.kernel.unlinkAt(AT_FDCWD, path, AT_REMOVEDIR));
}
export function* unlinkat(call: Call): Steps {
  const path = yield* call.path(1);
  const flags = call.int(2);
  if ((flags & ~NB_AT_REMOVEDIR) !== 0) return -EINVAL;
  return yield* wait(call.kernel.unlinkAt(directory(call, 0), path, flags === 0 ? 0 : AT_REMOVEDIR));
}

export function* rename(call: Call): Steps {
  const from = yield* call.path(0);
  const to = yield* call.path(1);
  return yield* wait(call.kernel.renameAt(AT_FDCWD, from, AT_FDCWD, to, 0));
}
export function* renameat(call: Call): Steps {
  const from = yield* call.path(1);
  const to = yield* call.path(3);
  return yield* wait(call.kernel.renameAt(directory(call, 0), from, directory(call, 2), to, 0));
}

/** NetBSD's link(2) follows a symlink that it is given. */
export function* link(call: Call): Steps {
  const from = yield* call.path(0);
  const to = yield* call.path(1);
  return yield* wait(call.kernel.linkAt(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
}
export function* linkat(call: Call): Steps {
  const from = yield* call.path(1);
  const to = yield* call.path(3);
  const flags = fromNetbsdAt(call.int(4));
  if (flags < 0 || (flags & ~AT_SYMLINK_FOLLOW) !== 0) return -EINVAL;
  return yield* wait(call.kernel.linkAt(directory(call, 0), from, directory(call, 2), to, flags));
}

export function* symlink(call: Call): Steps {
  const target = yield* call.path(0);
  const path = yield* call.path(1);
  return yield* wait(call.kernel.symlinkAt(target, AT_FDCWD, path));
}
export function* symlinkat(call: Call): Steps {
  const target = yield* call.path(0);
  const path = yield* call.path(2);
  return yield* wait(call.kernel.symlinkAt(target, directory(call, 1), path));
}

function* readLink(call: Call, at: number, path: string, address: number, size: number): Steps {
  const out = new Uint8Array(Math.min(size, PATH_ROOM));
  const length = yield* wait(call.kernel.readlinkAt(at, path, out));
  if (length > 0) call.copyout(address, out.subarray(0, length));
  return length;
}
export function* readlink(call: Call): Steps {
  const path = yield* call.path(0);
  return yield* readLink(call, AT_FDCWD, path, call.ulong(1), call.ulong(2));
}
export function* readlinkat(call: Call): Steps {
  const path = yield* call.path(1);
  return yield* readLink(call, directory(call, 0), path, call.ulong(2), call.ulong(3));
}

// Where a process stands.

export function* chdir(call: Call): Steps {
  return yield* wait(call.kernel.chdir(yield* call.path(0)));
}
export function fchdir(call: Call): number | Steps {
  return settle(call.kernel.fchdir(call.int(0)));
}
export function umask(call: Call): number {
  return call.kernel.umask(call.int(0) & 0o777);
}

/** The path with its NUL, and its length with that. */
export function* getcwd(call: Call): Steps {
  const room = call.ulong(1);
  if (room < 2) return room === 0 ? -EINVAL : -ERANGE;
  const out = new Uint8Array(PATH_ROOM);
  const length = yield* wait(call.kernel.getcwd(out));
  if (length < 0) return length === -ENAMETOOLONG ? -ERANGE : length;
  if (length >= room) return -ERANGE;
  call.copyout(call.ulong(0), out.subarray(0, length + 1));
  return length + 1;
}
