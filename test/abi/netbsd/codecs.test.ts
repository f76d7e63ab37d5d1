/** What goes there and back: numbers and structs of everything but sockets. */
import test from 'ava';
import fc from 'fast-check';
import * as lerrno from '../../../src/abi/linux/errno.js';
import * as lfcntl from '../../../src/abi/linux/fcntl.js';
import * as lmount from '../../../src/abi/linux/mount.js';
import * as lpoll from '../../../src/abi/linux/poll.js';
import * as lsignal from '../../../src/abi/linux/signal.js';
import * as errno from '../../../src/abi/netbsd/errno.js';
import * as fcntl from '../../../src/abi/netbsd/fcntl.js';
import * as ioctl from '../../../src/abi/netbsd/ioctl.js';
import * as mount from '../../../src/abi/netbsd/mount.js';
import * as poll from '../../../src/abi/netbsd/poll.js';
import * as signal from '../../../src/abi/netbsd/signal.js';
import * as statvfs from '../../../src/abi/netbsd/statvfs.js';

function union(flags: readonly number[]): number {
  return flags.reduce((all, flag) => all | flag, 0);
}

/** Any set of these flags. */
function anyOf(flags: readonly number[]): fc.Arbitrary<number> {
  return fc.subarray([...flags]).map(union);
}

/** What comes back of Linux's errors that NetBSD has no name for, unless it is EIO. */
const NEAREST: ReadonlyMap<number, number> = new Map([
  [lerrno.ENOTUNIQ, lerrno.EEXIST],
  [lerrno.EBADFD, lerrno.EBADF],
  [lerrno.ERESTART, lerrno.EINTR],
  [lerrno.ESTRPIPE, lerrno.EPIPE],
  [lerrno.ENOMEDIUM, lerrno.ENXIO],
  [lerrno.ENOKEY, lerrno.ENOENT],
  [lerrno.EKEYEXPIRED, lerrno.EACCES],
  [lerrno.EKEYREVOKED, lerrno.EACCES],
  [lerrno.EKEYREJECTED, lerrno.EACCES],
  [lerrno.EOWNERDEAD, lerrno.EPERM],
  [lerrno.EHWPOISON, lerrno.EFAULT],
]);

test("every errno of Linux's", t => {
  // Those of the 4.2BSD heritage and of POSIX come back as they were; the rest of System V's and Linux's do not.
  const names = new Set(Object.keys(errno).filter(name => name.startsWith('NB_')));
  for (let n = 1; n <= lerrno.EHWPOISON; n++) {
    const name = lerrno.errnoName(n);
    const netbsd = errno.toNetbsdErrno(n);
    t.true(netbsd >= 1 && netbsd <= errno.NB_EPROTO, name);
    const back = names.has(`NB_${name}`) ? n : (NEAREST.get(n) ?? lerrno.EIO);
    t.is(lerrno.errnoName(errno.toLinuxErrno(netbsd)), lerrno.errnoName(back), name);
  }
  t.is(errno.toNetbsdErrno(0), 0);
  for (const n of [-1, 134, 512]) t.is(errno.toNetbsdErrno(n), errno.NB_EIO);
});

test("every errno of NetBSD's", t => {
  const linux = new Map(Object.entries(lerrno));
  for (const [name, n] of Object.entries(errno)) {
    if (typeof n !== 'number') continue;
    const same = linux.get(name.slice(3));
    const back = errno.toLinuxErrno(n);
    t.true(back >= 1 && back <= lerrno.EHWPOISON, name);
    // ENOTSUP is EOPNOTSUPP on Linux.
    if (same !== undefined) t.is(back, Number(same), name);
    else t.not(back, lerrno.EIO, name);
    if (same !== undefined && n !== errno.NB_ENOTSUP) t.is(errno.toNetbsdErrno(back), n, name);
  }
  const numbers = new Set<unknown>(Object.values(errno));
  for (let n = 1; n <= errno.NB_EPROTO; n++) t.true(numbers.has(n), String(n));
  t.is(errno.toLinuxErrno(0), 0);
  for (const n of [-2, -1, 97, 1000]) t.is(errno.toLinuxErrno(n), lerrno.EIO);
});

test('open flags', t => {
  const flags = anyOf([
    lfcntl.O_NONBLOCK,
    lfcntl.O_APPEND,
    lfcntl.O_ASYNC,
    lfcntl.O_NOFOLLOW,
    lfcntl.O_CREAT,
    lfcntl.O_TRUNC,
    lfcntl.O_EXCL,
    lfcntl.O_NOCTTY,
    lfcntl.O_DIRECT,
    lfcntl.O_DIRECTORY,
    lfcntl.O_CLOEXEC,
    lfcntl.O_DSYNC,
    lfcntl.O_SYNC,
  ]);
  const access = fc.constantFrom(lfcntl.O_RDONLY, lfcntl.O_WRONLY, lfcntl.O_RDWR);
  fc.assert(
    fc.property(flags, access, (some, mode) => {
      const netbsd = fcntl.toNetbsdOpen(some | mode);
      t.is(fcntl.fromNetbsdOpen(netbsd), some | mode);
      t.is(fcntl.toNetbsdOpen(some | mode | lfcntl.O_LARGEFILE | lfcntl.O_NOATIME), netbsd);
    }),
  );
  t.is(fcntl.fromNetbsdOpen(fcntl.NB_O_SHLOCK | fcntl.NB_O_EXLOCK | fcntl.NB_O_NOSIGPIPE), 0);
  t.is(fcntl.toNetbsdOpen(lfcntl.O_SYNC), fcntl.NB_O_SYNC);
});

test('flags of *at', t => {
  fc.assert(
    fc.property(
      anyOf([lfcntl.AT_SYMLINK_NOFOLLOW, lfcntl.AT_SYMLINK_FOLLOW]),
      fc.boolean(),
      (flags, remove) => {
        const all = flags | (remove ? lfcntl.AT_REMOVEDIR : 0);
        t.is(fcntl.fromNetbsdAt(fcntl.toNetbsdAt(all, remove)), all);
        t.is(fcntl.fromNetbsdAt(fcntl.toNetbsdAt(flags | lfcntl.AT_EACCESS)), flags | lfcntl.AT_EACCESS);
      },
    ),
  );
  t.is(fcntl.fromNetbsdAt(0x1000), -1);
  t.is(fcntl.toNetbsdAt(lfcntl.AT_REMOVEDIR, true), fcntl.NB_AT_REMOVEDIR);
});

test('poll bits', t => {
  fc.assert(
    fc.property(fc.nat({ max: 0x1ff }), netbsd => {
      t.is(poll.toNetbsdPoll(poll.fromNetbsdPoll(netbsd)), netbsd);
    }),
  );
  const bits = [
    lpoll.POLLIN,
    lpoll.POLLPRI,
    lpoll.POLLERR,
    lpoll.POLLHUP,
    lpoll.POLLNVAL,
    lpoll.POLLRDNORM,
    lpoll.POLLRDBAND,
    lpoll.POLLWRBAND,
    lpoll.POLLOUT | lpoll.POLLWRNORM,
  ];
  fc.assert(
    fc.property(anyOf(bits), events => {
      t.is(poll.fromNetbsdPoll(poll.toNetbsdPoll(events | lpoll.POLLRDHUP)), events);
    }),
  );
  t.is(poll.toNetbsdPoll(lpoll.POLLOUT), poll.toNetbsdPoll(lpoll.POLLWRNORM));
});

test('ioctl codes', t => {
  const codes = Object.entries(ioctl).filter(([name]) => /^NB_(FIO|TIOC|SIOC)/.test(name));
  let known = 0;
  for (const [name, netbsd] of codes) {
    const code = ioctl.fromNetbsdIoctl(Number(netbsd));
    if (code === undefined) continue;
    t.is(ioctl.toNetbsdIoctl(code), Number(netbsd), name);
    known++;
  }
  t.true(known >= 7);
  t.is(ioctl.toNetbsdIoctl(1), undefined);
  t.is(ioctl.netbsdIoctlLength(ioctl.NB_SIOCGIFADDR), 144);
  t.is(ioctl.netbsdIoctlLength(ioctl.NB_FIONREAD), 4);
  t.is(ioctl.netbsdIoctlLength(ioctl.NB_FIOCLEX), 0);
});

test('signals', t => {
  // SIGSTKFLT, what libc keeps for itself, and one real-time signal more than NetBSD has.
  const lacking = new Set([16, 32, 33]);
  for (let n = 1; n <= lsignal.SIGRTMAX; n++) {
    const netbsd = signal.toNetbsdSignal(n);
    if (lacking.has(n)) t.is(netbsd, 0, String(n));
    else t.is(signal.toLinuxSignal(netbsd), n, String(n));
  }
  for (let n = 1; n <= signal.NB_SIGRTMAX; n++) {
    const linux = signal.toLinuxSignal(n);
    if (n === signal.NB_SIGEMT || n === signal.NB_SIGINFO) t.is(linux, 0);
    else t.is(signal.toNetbsdSignal(linux), n, String(n));
  }
  for (const n of [-1, 0, 65, 1000]) {
    t.is(signal.toNetbsdSignal(n), 0);
    t.is(signal.toLinuxSignal(n), 0);
  }
});

test('flags of mounts', t => {
  const flags = [
    lmount.MS_RDONLY,
    lmount.MS_SYNCHRONOUS,
    lmount.MS_NOEXEC,
    lmount.MS_NOSUID,
    lmount.MS_NODEV,
    lmount.MS_REMOUNT,
    lmount.MS_RELATIME,
    lmount.MS_NOATIME,
  ];
  fc.assert(
    fc.property(anyOf(flags), some => {
      t.is(mount.fromNetbsdMount(mount.toNetbsdMount(some)), some);
    }),
  );
  t.is(mount.fromNetbsdMount(mount.NB_MNT_LOCAL | mount.NB_MNT_UNION), 0);
  t.is(mount.toNetbsdUnmount(lmount.MNT_FORCE), mount.NB_MNT_FORCE);
  t.is(mount.toNetbsdUnmount(lmount.MNT_DETACH), mount.NB_MNT_FORCE);
  t.is(mount.toNetbsdUnmount(0), 0);
});

test('flags of mounted file systems', t => {
  const flags = [
    lmount.ST_RDONLY,
    lmount.ST_NOSUID,
    lmount.ST_NODEV,
    lmount.ST_NOEXEC,
    lmount.ST_SYNCHRONOUS,
    lmount.ST_NOATIME,
    lmount.ST_RELATIME,
  ];
  fc.assert(
    fc.property(anyOf(flags), some => {
      t.is(statvfs.fromNetbsdFsFlags(statvfs.toNetbsdFsFlags(some)), some);
    }),
  );
  t.is(statvfs.fromNetbsdFsFlags(mount.NB_MNT_LOCAL | mount.NB_MNT_ROOTFS), 0);
  t.is(statvfs.fsMagic('tmpfs'), lmount.TMPFS_MAGIC);
  t.is(statvfs.fsMagic('nothing'), 0);
});
