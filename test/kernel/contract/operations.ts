/** Random file operations, run alike on two kernels, whose answers and states are then compared. */
import fc from 'fast-check';
import {
  AT_FDCWD,
  type Stat,
  type TimeSpec,
  UTIME_NOW,
  UTIME_OMIT,
} from '../../../src/kernel/rump_kernel.js';
import { BufferUio } from '../../../src/kernel/vfs/uio.js';
import type { FileCalls } from './host_kernel.js';

export interface Operation {
  /** What it does, for messages. */
  text: string;
  /** Runs it and returns what can be compared: the result, and what it gave out. */
  run(process: FileCalls, fds: number[]): unknown;
}

export function emptyStat(): Stat {
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

/** The fields that two kernels must agree on; times as order, not as values. */
export function comparable(stat: Stat): unknown {
  const { mode, nlink, uid, gid, rdev, size, blksize, blocks } = stat;
  const times = [
    [stat.atimeSec, stat.atimeNsec],
    [stat.mtimeSec, stat.mtimeNsec],
    [stat.ctimeSec, stat.ctimeNsec],
  ].map(([sec, nsec]) => (sec < 1_000_000_000 ? `${sec}.${nsec}` : 'now'));
  return { mode, nlink, uid, gid, rdev, size, blksize, blocks, times };
}

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const path = fc.oneof(
  { weight: 6, arbitrary: name },
  { weight: 6, arbitrary: fc.tuple(name, name).map(parts => parts.join('/')) },
  { weight: 2, arbitrary: fc.tuple(name, name, name).map(parts => parts.join('/')) },
  { weight: 1, arbitrary: name.map(part => `${part}/`) },
  { weight: 1, arbitrary: fc.tuple(name, name).map(([a, b]) => `${a}/../${b}`) },
  { weight: 1, arbitrary: name.map(part => `${part}/.`) },
  { weight: 1, arbitrary: name.map(part => `${part}/..`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('.', '', 'x'.repeat(255), 'y'.repeat(256), `z/${'y'.repeat(256)}`),
  },
);
const mode = fc.constantFrom(
  0o777,
  0o755,
  0o700,
  0o600,
  0o644,
  0o7777,
  0o2775,
  0o1777,
  0o4755,
  0o2755,
  0o000,
);
const openFlags = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 2, 2, 3),
    fc.subarray([0o100, 0o200, 0o1000, 0o2000, 0o200000, 0o400000, 0o10000000, 0o20200000, 0o40000]),
  )
  .map(([access, flags]) => flags.reduce((all, flag) => all | flag, access));
// Never without O_NONBLOCK: the name may be a fifo's, and the host would wait.
const create = fc.constantFrom(0o4102, 0o4101, 0o4302, 0o5102, 0o6102);
const offset = fc.constantFrom(0, 1, 100, 4095, 4096, 4097, 8192, 20000, 2 ** 21, 2 ** 21 + 5, 2 ** 40, -1);
const length = fc.constantFrom(0, 1, 10, 4096, 4097, 10000);
const which = fc.nat(5);
const time: fc.Arbitrary<TimeSpec> = fc.constantFrom(
  { sec: 0, nsec: UTIME_NOW },
  { sec: 0, nsec: UTIME_OMIT },
  { sec: 1000, nsec: 5 },
  { sec: 5, nsec: 1_000_000_000 },
);

type Make = fc.Arbitrary<Operation>;

function operation<T extends unknown[]>(
  text: string,
  args: { [K in keyof T]: fc.Arbitrary<T[K]> },
  run: (process: FileCalls, fds: number[], ...values: T) => unknown,
): Make {
  return fc.tuple<T>(...args).map(values => ({
    text: `${text}(${values.map(value => JSON.stringify(value)).join(', ')})`,
    run: (process, fds) => run(process, fds, ...values),
  }));
}

const open = (process: FileCalls, fds: number[], where: string, flags: number, bits: number): unknown => {
  const fd = process.openAt(AT_FDCWD, where, flags, bits, 0);
  if (typeof fd !== 'number') {
    fd.cancel();
    return 'waits';
  }
  if (fd < 0) return fd;
  fds.push(fd);
  return ['open', process.getStatusFlags(fd)];
};

const slot = (fds: number[], index: number): number => fds[index % Math.max(fds.length, 1)] ?? 9999;

const pathOperations: Make[] = [
  operation('open', [path, create, mode], open),
  operation('open', [path, openFlags.map(flags => flags | 0o4000), mode], open),
  operation('mkdir', [path, mode], (p, _, where, bits) => p.mkdirAt(AT_FDCWD, where, bits)),
  operation(
    'mknod',
    [path, fc.constantFrom(0o10644, 0o100644, 0o140644, 0o20644, 0o40755, 0o120777)],
    (p, _, where, bits) => p.mknodAt(AT_FDCWD, where, bits, 0x103),
  ),
  operation('symlink', [path, path], (p, _, target, where) => p.symlinkAt(target, AT_FDCWD, where)),
  operation('link', [path, path, fc.constantFrom(0, 0x400)], (p, _, from, to, flags) =>
    p.linkAt(AT_FDCWD, from, AT_FDCWD, to, flags),
  ),
  operation('unlink', [path], (p, _, where) => p.unlinkAt(AT_FDCWD, where, 0)),
  operation('rmdir', [path], (p, _, where) => p.unlinkAt(AT_FDCWD, where, 0x200)),
  operation('rename', [path, path, fc.constantFrom(0, 0, 0, 1, 2, 3, 8)], (p, _, from, to, flags) =>
    p.renameAt(AT_FDCWD, from, AT_FDCWD, to, flags),
  ),
  operation('chmod', [path, mode], (p, _, where, bits) => p.chmodAt(AT_FDCWD, where, bits, 0)),
  operation(
    'chown',
    [path, fc.constantFrom(-1, 0, 1000), fc.constantFrom(-1, 0, 1000, 1001), fc.constantFrom(0, 0x100)],
    (p, _, where, uid, gid, flags) => p.chownAt(AT_FDCWD, where, uid, gid, flags),
  ),
  operation('utimens', [path, time, time, fc.constantFrom(0, 0x100)], (p, _, where, atime, mtime, flags) =>
    p.utimensAt(AT_FDCWD, where, atime, mtime, flags),
  ),
  operation('access', [path, fc.nat(8), fc.constantFrom(0, 0x100)], (p, _, where, bits, flags) =>
    p.accessAt(AT_FDCWD, where, bits, flags),
  ),
  operation('readlink', [path], (p, _, where) => {
    const out = Buffer.alloc(300);
    return [p.readlinkAt(AT_FDCWD, where, out), out.toString('latin1')];
  }),
  operation('stat', [path, fc.constantFrom(0, 0x100)], (p, _, where, flags) => {
    const out = emptyStat();
    return [p.statAt(AT_FDCWD, where, flags, out), comparable(out)];
  }),
  operation('become', [fc.constantFrom(0, 1000, 1001)], (p, _, uid) => {
    p.setCredentials({ uid, gid: uid, groups: [] });
    return 0;
  }),
];

const fdOperations: Make[] = [
  operation('close', [which], (p, fds, at) => {
    const [fd = 9999] = fds.splice(at % Math.max(fds.length, 1), 1);
    return p.close(fd);
  }),
  operation('write', [which, length], (p, fds, at, count) =>
    p.write(slot(fds, at), new BufferUio(Buffer.alloc(count, 0x61 + (count % 26)), 'write')),
  ),
  operation('pwrite', [which, length, offset], (p, fds, at, count, where) =>
    p.pwrite(
      slot(fds, at),
      new BufferUio(Buffer.alloc(count, 0x41 + (count % 26)), 'write'),
      where === -1 ? 5 : where,
      0,
    ),
  ),
  operation('read', [which, length], (p, fds, at, count) => {
    const out = Buffer.alloc(count);
    return [p.read(slot(fds, at), new BufferUio(out, 'read')), out.toString('latin1')];
  }),
  operation('pread', [which, length, offset], (p, fds, at, count, where) => {
    const out = Buffer.alloc(count);
    return [
      p.pread(slot(fds, at), new BufferUio(out, 'read'), where === -1 ? 7 : where, 0),
      out.toString('latin1'),
    ];
  }),
  operation('lseek', [which, offset, fc.nat(5)], (p, fds, at, where, whence) =>
    p.lseek(slot(fds, at), where, whence),
  ),
  operation('ftruncate', [which, offset], (p, fds, at, size) => p.ftruncate(slot(fds, at), size)),
  operation(
    'fallocate',
    [
      which,
      fc.constantFrom(0, 1, 2, 3, 8, 16, 32),
      fc.constantFrom(0, 100, 4096, 9000, 2 ** 40, -1),
      fc.constantFrom(0, 1, 4096, 10000, 2 ** 44, -5),
    ],
    (p, fds, at, bits, where, count) => p.fallocate(slot(fds, at), bits, where, count),
  ),
  operation('fchmod', [which, mode], (p, fds, at, bits) => p.fchmod(slot(fds, at), bits)),
  operation(
    'fchown',
    [which, fc.constantFrom(-1, 0, 1000), fc.constantFrom(-1, 0, 1000)],
    (p, fds, at, uid, gid) => p.fchown(slot(fds, at), uid, gid),
  ),
  operation('fstat', [which], (p, fds, at) => {
    const out = emptyStat();
    return [p.fstat(slot(fds, at), out), comparable(out)];
  }),
  operation('linkat', [which, path], (p, fds, at, where) =>
    p.linkAt(slot(fds, at), '', AT_FDCWD, where, 0x1000),
  ),
  operation('openat', [which, path, create, mode], (p, fds, at, where, flags, bits) => {
    const fd = p.openAt(slot(fds, at), where, flags, bits, 0);
    if (typeof fd === 'number' && fd >= 0) p.close(fd);
    return typeof fd === 'number' ? Math.min(fd, 0) : 'waits';
  }),
  operation('getdents', [which], (p, fds, at) => {
    const names: string[] = [];
    const status = p.getDents(slot(fds, at), (entry, _ino, type) => {
      names.push(`${entry} ${type}`);
      return true;
    });
    return [status, names.sort()];
  }),
];

/** Any operation. */
export const anyOperation: Make = fc.oneof(...pathOperations, ...fdOperations);
