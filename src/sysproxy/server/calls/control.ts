/** fcntl, ioctl, flock, lseek, getdents and other calls on open descriptors. */
import { EBADF, EINVAL, ENOTTY, EOVERFLOW } from '../../../abi/linux/errno.js';
import { FD_CLOEXEC, O_ACCMODE, O_NONBLOCK, SEEK_CUR, SEEK_SET } from '../../../abi/linux/fcntl.js';
import { makedev, S_IFCHR, S_IFDIR, S_IFMT } from '../../../abi/linux/stat.js';
import { encodeNetbsdDirent } from '../../../abi/netbsd/dirent.js';
import {
  decodeNetbsdFlock,
  encodeNetbsdFlock,
  fromNetbsdOpen,
  NB_F_CLOSEM,
  NB_F_DUPFD,
  NB_F_DUPFD_CLOEXEC,
  NB_F_GETFD,
  NB_F_GETFL,
  NB_F_GETLK,
  NB_F_GETNOSIGPIPE,
  NB_F_GETOWN,
  NB_F_MAXFD,
  NB_F_SETFD,
  NB_F_SETFL,
  NB_F_SETLK,
  NB_F_SETLKW,
  NB_F_SETNOSIGPIPE,
  NB_FLOCK_SIZE,
  NB_SEEK_END,
  toNetbsdOpen,
} from '../../../abi/netbsd/fcntl.js';
import {
  NB_FIOASYNC,
  NB_FIOCLEX,
  NB_FIONBIO,
  NB_FIONCLEX,
  NB_FIONREAD,
  NB_FIONWRITE,
  NB_TIOCGETA,
  netbsdIoctlLength,
} from '../../../abi/netbsd/ioctl.js';
import { OpenSocket } from '../../../kernel/net/open_socket.js';
import type { FileLock, Result, Stat } from '../../../kernel/rump_kernel.js';
import { type Call, type Steps, settle, wait } from '../call.js';
import { RLIMIT_NOFILE } from '../process.js';
import { interfaceIoctl, isInterfaceIoctl } from './interfaces.js';

/** The device that descriptors 0 to 2 are open on (the embedded kernel's console.ts). */
const CONSOLE = makedev(5, 1);

export function fcntl(call: Call): number | Steps {
  const { kernel } = call;
  const fd = call.int(0);
  const argument = call.int(2);
  switch (call.int(1)) {
    case NB_F_DUPFD:
    case NB_F_DUPFD_CLOEXEC:
      if (!kernel.isOpen(fd)) return -EBADF;
      return settle(kernel.dup(fd, argument, call.int(1) === NB_F_DUPFD_CLOEXEC));
    case NB_F_GETFD:
      return settle(kernel.getFdFlags(fd));
    case NB_F_SETFD:
      return settle(kernel.setFdFlags(fd, argument & FD_CLOEXEC));
    case NB_F_GETFL:
      return statusFlags(call, fd);
    case NB_F_SETFL:
      return settle(kernel.setStatusFlags(fd, fromNetbsdOpen(argument)));
    case NB_F_GETLK:
    case NB_F_SETLK:
    case NB_F_SETLKW:
      return lock(call, fd, call.int(1));
    case NB_F_CLOSEM:
      return closeFrom(call, fd);
    case NB_F_MAXFD:
      return Math.max(highest(call), 0);
    case NB_F_GETOWN:
    case NB_F_GETNOSIGPIPE:
    case NB_F_SETNOSIGPIPE:
      return kernel.isOpen(fd) ? 0 : -EBADF;
    default:
      return kernel.isOpen(fd) ? -EINVAL : -EBADF;
  }
}

/** F_CLOSEM: this descriptor and all above it. */
function closeFrom(call: Call, first: number): number {
  if (first < 0) return -EBADF;
  for (let fd = highest(call); fd >= first; fd--) {
    if (!call.kernel.isOpen(fd)) continue;
    call.process.forget(fd);
    call.kernel.close(fd);
  }
  return 0;
}

/** The highest descriptor that is open, or -1. */
function highest(call: Call): number {
  for (let fd = call.process.limits[RLIMIT_NOFILE].hard - 1; fd >= 0; fd--)
    if (call.kernel.isOpen(fd)) return fd;
  return -1;
}

function* statusFlags(call: Call, fd: number): Steps {
  const flags = yield* wait(call.kernel.getStatusFlags(fd));
  return flags < 0 ? flags : toNetbsdOpen(flags);
}

function* lock(call: Call, fd: number, command: number): Steps {
  const { kernel } = call;
  if (!kernel.isOpen(fd)) return -EBADF;
  const bytes = yield* call.copyin(call.ulong(2), NB_FLOCK_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const asked: FileLock = { type: 0, whence: 0, start: 0, len: 0, pid: 0 };
  decodeNetbsdFlock(view, 0, asked);
  if (asked.type < 0) return -EINVAL;
  if (command !== NB_F_GETLK) return yield* wait(kernel.setLock(fd, asked, false, command === NB_F_SETLKW));
  const done = yield* wait(kernel.getLock(fd, asked, false));
  if (done < 0) return done;
  encodeNetbsdFlock(view, 0, asked);
  call.copyout(call.ulong(2), bytes);
  return 0;
}

export function flock(call: Call): number | Steps {
  return settle(call.kernel.flock(call.int(0), call.int(1)));
}

export function ioctl(call: Call): number | Steps {
  const { kernel } = call;
  const fd = call.int(0);
  if (!kernel.isOpen(fd)) return -EBADF;
  switch (call.uint(1)) {
    case NB_FIOCLEX:
      return settle(kernel.setFdFlags(fd, FD_CLOEXEC));
    case NB_FIONCLEX:
      return settle(kernel.setFdFlags(fd, 0));
    case NB_FIONREAD:
      return counted(call, kernel.readable(fd));
    case NB_FIONWRITE:
      return counted(call, kernel.unsent(fd));
    case NB_FIONBIO:
      return nonblocking(call, fd);
    case NB_FIOASYNC:
      return 0;
    case NB_TIOCGETA:
      return terminal(call, fd);
    default:
      return socketIoctl(call, fd);
  }
}

function socketIoctl(call: Call, fd: number): number | Steps {
  const file = call.file(fd);
  if (!isInterfaceIoctl(call.uint(1)) || !(file instanceof OpenSocket)) return -ENOTTY;
  return interfaceIoctl(call, file);
}

/** Programs ask whether the console is a terminal, and a rump kernel says yes (rumpkern's cons.c), but nothing more about it. */
function* terminal(call: Call, fd: number): Steps {
  const stat = {} as Stat;
  const status = yield* wait(call.kernel.fstat(fd, stat));
  if (status < 0) return status;
  if ((stat.mode & S_IFMT) !== S_IFCHR || stat.rdev !== CONSOLE) return -ENOTTY;
  call.copyout(call.ulong(2), new Uint8Array(netbsdIoctlLength(NB_TIOCGETA)));
  return 0;
}

function word(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

function* counted(call: Call, count: Result): Steps {
  const bytes = yield* wait(count);
  if (bytes < 0) return bytes;
  call.copyout(call.ulong(2), word(bytes));
  return 0;
}

function* nonblocking(call: Call, fd: number): Steps {
  const value = yield* call.copyin(call.ulong(2), 4);
  const on = value.some(byte => byte !== 0);
  const flags = yield* wait(call.kernel.getStatusFlags(fd));
  if (flags < 0) return flags;
  return yield* wait(call.kernel.setStatusFlags(fd, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

export function lseek(call: Call): number | Steps {
  const whence = call.int(3);
  if (whence < 0 || whence > NB_SEEK_END) return call.kernel.isOpen(call.int(0)) ? -EINVAL : -EBADF;
  return settle(call.kernel.lseek(call.int(0), call.long(2), whence));
}

/** fsync(2), fdatasync(2), fsync_range(2). */
export function fsync(call: Call): number | Steps {
  return settle(call.kernel.fsync(call.int(0)));
}

/** The most that one getdents(2) gives, as in NetBSD. */
const GETDENTS_MAX = 64 * 1024;

/** Entries, and then where the next call begins; on NetBSD the offset itself is the entries' affair. */
export function* getdents(call: Call): Steps {
  const { kernel } = call;
  const fd = call.int(0);
  const flags = yield* wait(kernel.getStatusFlags(fd));
  if (flags < 0 || (flags & O_ACCMODE) === 1) return -EBADF;
  const type = yield* wait(kernel.fileType(fd));
  if (type !== S_IFDIR) return -EINVAL;
  const buffer = new Uint8Array(Math.min(call.ulong(2), GETDENTS_MAX));
  const start = yield* wait(kernel.lseek(fd, 0, SEEK_CUR));
  let used = 0;
  let refused = false;
  const ends: number[] = [];
  const done = yield* wait(
    kernel.getDents(fd, (name, ino, entryType) => {
      const length = encodeNetbsdDirent(buffer, used, name, ino, entryType);
      refused = length === 0;
      used += length;
      if (length > 0) ends.push(used);
      return length > 0;
    }),
  );
  if (done < 0) return done;
  if (used === 0 && refused) {
    yield* wait(kernel.lseek(fd, start, SEEK_SET));
    return buffer.length === 0 ? -EINVAL : -EOVERFLOW;
  }
  // A frame for each, as the real server sends them.
  let from = 0;
  for (const end of ends) {
    call.copyout(call.ulong(1) + from, buffer.subarray(from, end));
    from = end;
  }
  return used;
}
