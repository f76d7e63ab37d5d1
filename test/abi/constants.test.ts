import test from 'ava';
import * as errno from '../../src/abi/linux/errno.js';
import * as fcntl from '../../src/abi/linux/fcntl.js';
import * as ioctl from '../../src/abi/linux/ioctl.js';
import * as limits from '../../src/abi/linux/limits.js';
import * as mman from '../../src/abi/linux/mman.js';
import * as mount from '../../src/abi/linux/mount.js';
import * as sched from '../../src/abi/linux/sched.js';
import * as signal from '../../src/abi/linux/signal.js';
import * as socket from '../../src/abi/linux/socket.js';
import * as modes from '../../src/abi/linux/stat_modes.js';
import * as xattr from '../../src/abi/linux/xattr.js';
import { headerValues } from './c_program.js';

interface Where {
  /** Headers to ask, one program each; the first that knows a name is right. */
  programs: readonly (readonly string[])[];
  /** Newer than the headers of Debian 12; compared where the headers have them. */
  newer?: readonly string[];
  /** Not in any header that programs can include. */
  kernelOnly?: readonly string[];
}

/** Every constant of a table must be in the headers, with that value, unless it is listed as newer or the kernel's own. */
const agrees = test.macro({
  exec(t, table: object, { programs, newer = [], kernelOnly = [] }: Where) {
    const mine = Object.entries(table).filter(([, value]) => typeof value !== 'function');
    const names = mine.map(([name]) => name).filter(name => !kernelOnly.includes(name));
    const found = new Map<string, string>();
    for (const program of programs) {
      for (const [name, value] of headerValues(program, names)) {
        if (!found.has(name)) found.set(name, value);
      }
    }
    for (const [name, value] of mine) {
      const theirs = found.get(name);
      if (theirs !== undefined) t.is(String(value), theirs, name);
      else t.true(newer.includes(name) || kernelOnly.includes(name), `${name} is in no header`);
    }
    for (const name of [...newer, ...kernelOnly]) t.true(name in table, name);
  },
  title: name => `the headers agree with ${name}`,
});

test('errno.ts', agrees, errno, {
  programs: [['asm/errno.h'], ['errno.h']],
  kernelOnly: ['ERESTARTSYS', 'ERESTARTNOINTR', 'ERESTARTNOHAND', 'ENOIOCTLCMD', 'ERESTART_RESTARTBLOCK'],
});
test('fcntl.ts', agrees, fcntl, {
  programs: [
    ['linux/fcntl.h', 'linux/openat2.h', 'linux/falloc.h', 'linux/close_range.h', 'linux/fs.h'],
    ['unistd.h'],
    ['fcntl.h'],
  ],
  newer: ['AT_HANDLE_FID', 'F_DUPFD_QUERY', 'F_CREATED_QUERY', 'RWF_NOAPPEND', 'RWF_ATOMIC', 'RWF_DONTCACHE'],
  kernelOnly: ['OPEN_HOW_SIZE_VER0'],
});
test('stat_modes.ts', agrees, modes, {
  programs: [['linux/stat.h', 'linux/fcntl.h'], ['dirent.h'], ['fcntl.h', 'sys/stat.h']],
  newer: [
    'STATX_MNT_ID_UNIQUE',
    'STATX_SUBVOL',
    'STATX_WRITE_ATOMIC',
    'STATX_DIO_READ_ALIGN',
    'STATX__RESERVED',
  ],
});
test('socket.ts', agrees, socket, {
  programs: [['sys/socket.h']],
  newer: ['SO_PASSPIDFD', 'SO_PEERPIDFD', 'SO_DEVMEM_DONTNEED', 'SO_RCVPRIORITY', 'SO_PASSRIGHTS'],
  kernelOnly: ['SOCK_TYPE_MASK', 'AF_MAX', 'SOCKADDR_STORAGE_SIZE', 'SCM_TIMESTAMPNS'],
});
test('sched.ts', agrees, sched, { programs: [['linux/sched.h']] });
test('mman.ts', agrees, mman, { programs: [['linux/mman.h']], newer: ['MAP_DROPPABLE'] });
test('ioctl.ts', agrees, ioctl, {
  programs: [['stddef.h', 'asm/ioctls.h', 'linux/fs.h', 'linux/sockios.h', 'linux/fiemap.h']],
});
test('limits.ts', agrees, limits, {
  programs: [['linux/limits.h'], ['sys/uio.h', 'bits/xopen_lim.h']],
  kernelOnly: ['MAX_RW_COUNT', 'MAXSYMLINKS', 'PAGE_SIZE'],
});
test('xattr.ts', agrees, xattr, { programs: [['linux/xattr.h']] });
test('mount.ts', agrees, mount, {
  programs: [['linux/fcntl.h', 'linux/mount.h'], ['sys/mount.h'], ['sys/statvfs.h'], ['linux/magic.h']],
  kernelOnly: ['ST_VALID', 'ST_NOSYMFOLLOW'],
});
test('signal.ts', agrees, signal, {
  programs: [['asm/signal.h']],
  kernelOnly: ['SIGRTMAX'],
});

test('every errno of the headers has its name', t => {
  const names = Object.keys(errno).filter(name => name.startsWith('E'));
  const second = new Set(['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP']);
  for (const [name, value] of headerValues(['asm/errno.h'], names)) {
    if (second.has(name)) continue;
    t.is(errno.errnoName(Number(value)), name);
    t.is(errno.errnoName(-Number(value)), name);
  }
  for (let n = 1; n <= errno.EHWPOISON; n++) {
    const gap = n === 41 || n === 58; // EWOULDBLOCK and EDEADLOCK had numbers of their own once.
    t.is(errno.errnoName(n).startsWith('E'), !gap, String(n));
  }
  t.is(errno.errnoName(9999), 'errno 9999');
});

test('signal names', t => {
  for (let n = 1; n <= 31; n++) t.is(signal.signalNumber(signal.signalName(n)), n);
  t.is(signal.signalName(2), 'SIGINT');
  t.is(signal.signalName(32), 'SIGRTMIN');
  t.is(signal.signalName(34), 'SIGRT_2');
  t.is(signal.signalName(65), 'signal 65');
  t.is(signal.signalNumber('INT'), 2);
  t.is(signal.signalNumber('BOGUS'), undefined);
});

test('modes', t => {
  const types: ReadonlyArray<readonly [number, (mode: number) => boolean, number]> = [
    [modes.S_IFREG, modes.S_ISREG, modes.DT_REG],
    [modes.S_IFDIR, modes.S_ISDIR, modes.DT_DIR],
    [modes.S_IFLNK, modes.S_ISLNK, modes.DT_LNK],
    [modes.S_IFCHR, modes.S_ISCHR, modes.DT_CHR],
    [modes.S_IFBLK, modes.S_ISBLK, modes.DT_BLK],
    [modes.S_IFIFO, modes.S_ISFIFO, modes.DT_FIFO],
    [modes.S_IFSOCK, modes.S_ISSOCK, modes.DT_SOCK],
  ];
  for (const [type, is, direntType] of types) {
    t.deepEqual(
      types.filter(([other]) => is(other | 0o7777)).map(([other]) => other),
      [type],
    );
    t.is(modes.modeToDirentType(type | 0o644), direntType);
  }
});
