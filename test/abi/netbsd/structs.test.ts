/** Structs that go there and back, and fields where NetBSD has them. */
import test from 'ava';
import fc from 'fast-check';
import { getInt64 } from '../../../src/abi/bytes.js';
import { F_RDLCK, F_UNLCK, F_WRLCK } from '../../../src/abi/linux/fcntl.js';
import { makedev, type StatFields } from '../../../src/abi/linux/stat.js';
import {
  decodeNetbsdDirents,
  encodeNetbsdDirent,
  netbsdDirentLength,
} from '../../../src/abi/netbsd/dirent.js';
import { decodeNetbsdFlock, encodeNetbsdFlock, NB_FLOCK_SIZE } from '../../../src/abi/netbsd/fcntl.js';
import { decodeTmpfsArgs, encodeTmpfsArgs, NB_TMPFS_ARGS_SIZE } from '../../../src/abi/netbsd/mount.js';
import {
  encodeNetbsdPollfd,
  NB_POLLFD_SIZE,
  readNetbsdPollfd,
  readNetbsdRevents,
  writeNetbsdRevents,
} from '../../../src/abi/netbsd/poll.js';
import {
  decodeNetbsdStat,
  encodeNetbsdStat,
  NB_STAT_SIZE,
  toLinuxDev,
  toNetbsdDev,
} from '../../../src/abi/netbsd/stat.js';
import {
  decodeNetbsdStatvfs,
  encodeNetbsdStatvfs,
  NB_STATVFS_SIZE,
  type NetbsdStatvfs,
} from '../../../src/abi/netbsd/statvfs.js';
import {
  decodeKinfoProc2,
  decodeSysctlNode,
  encodeKinfoProc2,
  encodeSysctlNode,
  NB_KINFO_PROC2_SIZE,
  NB_SYSCTLNODE_SIZE,
} from '../../../src/abi/netbsd/sysctl.js';
import {
  decodeNetbsdTimespec,
  decodeNetbsdTimeval,
  encodeNetbsdTimespec,
  encodeNetbsdTimeval,
  NB_TIMESPEC_SIZE,
  NB_TIMEVAL_SIZE,
} from '../../../src/abi/netbsd/time.js';
import { abi, viewOf } from './vectors.js';

const AT = 8;
/** A buffer with something before and behind a struct of this size, at AT. */
function room(size: number): Uint8Array {
  return new Uint8Array(AT + size + AT).fill(0xaa);
}
/** Whether what lies around the struct was left alone. */
function untouched(bytes: Uint8Array, size: number): boolean {
  return bytes.every((byte, i) => (i >= AT && i < AT + size) || byte === 0xaa);
}
/** Text of bytes, one character each, without NUL. */
function text(maxLength: number, minLength = 0): fc.Arbitrary<string> {
  return fc
    .array(fc.integer({ min: 1, max: 255 }), { minLength, maxLength })
    .map(codes => String.fromCharCode(...codes));
}

const int32 = fc.integer();
const uint32 = fc.nat({ max: 0xffffffff });
const nat64 = fc.maxSafeNat();
const int64 = fc.maxSafeInteger();
const nsec = fc.nat({ max: 999_999_999 });

test('device numbers', t => {
  const dev = fc.tuple(fc.nat({ max: 0xfff }), fc.nat({ max: 0xfffff }));
  fc.assert(
    fc.property(dev, ([major, minor]) => {
      // All ones is NODEV.
      fc.pre(major !== 0xfff || minor !== 0xfffff);
      t.is(toLinuxDev(toNetbsdDev(makedev(major, minor))), makedev(major, minor));
    }),
  );
  t.is(toNetbsdDev(makedev(0xab, 1)), 0xab01);
  t.is(toNetbsdDev(makedev(1, 0x12345)), 0x12300145);
  t.is(toLinuxDev(-1), 0);
});

test('struct stat', t => {
  const type = fc.constantFrom(0o100000, 0o040000, 0o120000, 0o010000, 0o140000, 0o020000, 0o060000);
  const fields: fc.Arbitrary<StatFields> = fc.record({
    dev: fc.nat({ max: 0xfffffffe }),
    ino: nat64,
    mode: fc.tuple(type, fc.nat({ max: 0o7777 })).map(([kind, bits]) => kind | bits),
    nlink: uint32,
    uid: uint32,
    gid: uint32,
    rdev: fc.nat({ max: 0xfffffffe }),
    size: nat64,
    blksize: uint32,
    blocks: nat64,
    atimeSec: int64,
    atimeNsec: nsec,
    mtimeSec: int64,
    mtimeNsec: nsec,
    ctimeSec: int64,
    ctimeNsec: nsec,
    btimeSec: int64,
    btimeNsec: nsec,
    mntId: fc.constant(0),
  });
  fc.assert(
    fc.property(fields, stat => {
      const bytes = room(NB_STAT_SIZE);
      encodeNetbsdStat(viewOf(bytes), AT, stat);
      t.true(untouched(bytes, NB_STAT_SIZE));
      const back = {} as { -readonly [K in keyof StatFields]: number };
      decodeNetbsdStat(viewOf(bytes), AT, back);
      const isDevice = (stat.mode & 0o170000) === 0o020000 || (stat.mode & 0o170000) === 0o060000;
      t.deepEqual(back, { ...stat, rdev: isDevice ? stat.rdev : 0 });
    }),
  );
});

test('struct statvfs', t => {
  const fields: fc.Arbitrary<NetbsdStatvfs> = fc.record({
    flag: nat64,
    bsize: nat64,
    frsize: nat64,
    iosize: nat64,
    blocks: nat64,
    bfree: nat64,
    bavail: nat64,
    bresvd: nat64,
    files: nat64,
    ffree: nat64,
    favail: nat64,
    fresvd: nat64,
    fsidx: fc.tuple(int32, int32),
    fsid: nat64,
    namemax: nat64,
    owner: uint32,
    fstypename: text(31),
    mntonname: text(1023),
    mntfromname: text(1023),
  });
  fc.assert(
    fc.property(fields, fs => {
      const bytes = room(NB_STATVFS_SIZE);
      encodeNetbsdStatvfs(bytes, AT, fs);
      t.true(untouched(bytes, NB_STATVFS_SIZE));
      t.deepEqual(decodeNetbsdStatvfs(bytes, AT), fs);
      const field = (name: string) => AT + abi(`offsetof(struct statvfs,f_${name})`);
      const number = (name: string) => getInt64(viewOf(bytes), field(name));
      t.deepEqual(
        [number('flag'), number('bsize'), number('frsize'), number('blocks'), number('files')],
        [fs.flag, fs.bsize, fs.frsize, fs.blocks, fs.files],
      );
      t.deepEqual([number('fsid'), number('namemax')], [fs.fsid, fs.namemax]);
      t.is(viewOf(bytes).getInt32(field('fsidx'), true), fs.fsidx[0]);
      t.is(viewOf(bytes).getUint32(field('owner'), true), fs.owner);
      for (const name of ['fstypename', 'mntonname', 'mntfromname'] as const)
        t.is(bytes[field(name)], fs[name] === '' ? 0 : fs[name].charCodeAt(0));
    }),
    { numRuns: 30 },
  );
  const long = { ...decodeNetbsdStatvfs(new Uint8Array(NB_STATVFS_SIZE), 0), fstypename: 'x'.repeat(40) };
  const bytes = new Uint8Array(NB_STATVFS_SIZE);
  encodeNetbsdStatvfs(bytes, 0, long);
  t.is(decodeNetbsdStatvfs(bytes, 0).fstypename, 'x'.repeat(31));
});

test('struct dirent', t => {
  const entry = fc.tuple(text(511, 1), nat64, fc.nat({ max: 255 }));
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), entries => {
      const size = entries.reduce((sum, [name]) => sum + netbsdDirentLength(name.length), 0);
      const bytes = new Uint8Array(size);
      let at = 0;
      for (const [name, ino, type] of entries) {
        const length = encodeNetbsdDirent(bytes, at, name, ino, type);
        t.is(length % 8, 0);
        at += length;
      }
      t.is(at, size);
      const back: [string, number, number][] = [];
      decodeNetbsdDirents(bytes, size, (...found) => back.push(found));
      t.deepEqual(back, entries);
    }),
    { numRuns: 50 },
  );
  t.is(netbsdDirentLength(511), abi('sizeof(struct dirent)'));
  t.is(encodeNetbsdDirent(new Uint8Array(1000), 0, 'x'.repeat(512), 1, 8), 0);
  t.is(encodeNetbsdDirent(new Uint8Array(15), 0, 'x', 1, 8), 0);
});

test('directories that are wrong', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      decodeNetbsdDirents(bytes, bytes.length, () => {});
      t.pass();
    }),
  );
});

test('struct timespec and timeval', t => {
  fc.assert(
    fc.property(int64, nsec, int32, (sec, small, usec) => {
      const bytes = room(NB_TIMESPEC_SIZE);
      encodeNetbsdTimespec(viewOf(bytes), AT, sec, small);
      t.deepEqual(decodeNetbsdTimespec(viewOf(bytes), AT), { sec, nsec: small });
      encodeNetbsdTimeval(viewOf(bytes), AT, sec, usec);
      t.deepEqual(decodeNetbsdTimeval(viewOf(bytes), AT), { sec, usec });
      t.true(untouched(bytes, NB_TIMEVAL_SIZE));
    }),
  );
});

test('struct flock', t => {
  const lock = fc.record({
    type: fc.constantFrom(F_RDLCK, F_WRLCK, F_UNLCK),
    whence: fc.nat({ max: 2 }),
    start: int64,
    len: int64,
    pid: int32,
  });
  fc.assert(
    fc.property(lock, one => {
      const bytes = room(NB_FLOCK_SIZE);
      encodeNetbsdFlock(viewOf(bytes), AT, one);
      t.true(untouched(bytes, NB_FLOCK_SIZE));
      const back = { type: 0, whence: 0, start: 0, len: 0, pid: 0 };
      decodeNetbsdFlock(viewOf(bytes), AT, back);
      t.deepEqual(back, one);
      const field = (name: string) => AT + abi(`offsetof(struct flock,l_${name})`);
      t.is(getInt64(viewOf(bytes), field('start')), one.start);
      t.is(getInt64(viewOf(bytes), field('len')), one.len);
      t.is(viewOf(bytes).getInt32(field('pid'), true), one.pid);
      t.is(viewOf(bytes).getInt16(field('whence'), true), one.whence);
      const types = [abi('F_RDLCK'), abi('F_WRLCK'), abi('F_UNLCK')];
      const at = [F_RDLCK, F_WRLCK, F_UNLCK].indexOf(one.type);
      t.is(viewOf(bytes).getInt16(field('type'), true), types[at]);
    }),
  );
  const none = { type: 0, whence: 0, start: 0, len: 0, pid: 0 };
  decodeNetbsdFlock(new DataView(new ArrayBuffer(NB_FLOCK_SIZE)), 0, none);
  t.is(none.type, -1);
});

test('struct pollfd', t => {
  fc.assert(
    fc.property(int32, fc.nat({ max: 0xffff }), fc.nat({ max: 0xffff }), (fd, events, revents) => {
      const bytes = room(NB_POLLFD_SIZE);
      encodeNetbsdPollfd(viewOf(bytes), AT, fd, events);
      t.true(untouched(bytes, NB_POLLFD_SIZE));
      t.is(readNetbsdRevents(viewOf(bytes), AT), 0);
      writeNetbsdRevents(viewOf(bytes), AT, revents);
      t.is(readNetbsdRevents(viewOf(bytes), AT), revents);
      t.deepEqual(readNetbsdPollfd(viewOf(bytes), AT), { fd, events });
    }),
  );
});

test('struct tmpfs_args', t => {
  const args = fc.record({
    version: int32,
    nodesMax: nat64,
    sizeMax: nat64,
    uid: uint32,
    gid: uint32,
    mode: uint32,
  });
  fc.assert(
    fc.property(args, one => {
      const bytes = room(NB_TMPFS_ARGS_SIZE);
      encodeTmpfsArgs(viewOf(bytes), AT, one);
      t.true(untouched(bytes, NB_TMPFS_ARGS_SIZE));
      t.deepEqual(decodeTmpfsArgs(viewOf(bytes), AT), one);
      const field = (name: string) => AT + abi(`offsetof(struct tmpfs_args,ta_${name})`);
      t.is(getInt64(viewOf(bytes), field('nodes_max')), one.nodesMax);
      t.is(getInt64(viewOf(bytes), field('size_max')), one.sizeMax);
      t.is(viewOf(bytes).getUint32(field('root_uid'), true), one.uid);
      t.is(viewOf(bytes).getUint32(field('root_gid'), true), one.gid);
      t.is(viewOf(bytes).getUint32(field('root_mode'), true), one.mode);
    }),
  );
});

test('struct sysctlnode and kinfo_proc2', t => {
  const node = fc.record({
    num: int32,
    type: fc.integer({ min: 1, max: 6 }),
    writable: fc.boolean(),
    name: text(31),
    size: nat64,
  });
  fc.assert(
    fc.property(node, one => {
      const bytes = room(NB_SYSCTLNODE_SIZE);
      encodeSysctlNode(bytes, AT, one);
      t.true(untouched(bytes, NB_SYSCTLNODE_SIZE));
      t.deepEqual(decodeSysctlNode(bytes, AT), one);
    }),
  );
  const process = fc.record({ pid: int32, ppid: int32, uid: uint32, comm: text(23) });
  fc.assert(
    fc.property(process, one => {
      const bytes = room(NB_KINFO_PROC2_SIZE);
      encodeKinfoProc2(bytes, AT, one);
      t.true(untouched(bytes, NB_KINFO_PROC2_SIZE));
      t.deepEqual(decodeKinfoProc2(bytes, AT), one);
    }),
  );
});
