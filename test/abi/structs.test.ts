import test from 'ava';
import fc from 'fast-check';
import {
  getInt64,
  getUint64,
  putInt64,
  putUint32,
  setInt64,
  setUint64,
  takeInt64,
  takeUint32,
  takeUint64,
} from '../../src/abi/bytes.js';
import { dirent64Length, direntLength, encodeDirent, encodeDirent64 } from '../../src/abi/linux/dirent.js';
import {
  encodeStat,
  encodeStatfs,
  encodeStatx,
  major,
  makedev,
  minor,
  STAT_SIZE,
  STATFS_SIZE,
  STATX_ATTR_MOUNT_ROOT,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_MNT_ID,
  STATX_MNT_ID_UNIQUE,
  STATX_SIZE,
  type StatFields,
  type StatFsFields,
} from '../../src/abi/linux/stat.js';
import { runC } from './c_program.js';

const FILE: StatFields = {
  dev: makedev(0xabc, 0x12345),
  ino: 0x1f_1234_5678_9abc,
  mode: 0o100644,
  nlink: 7,
  uid: 0xfffffffe,
  gid: 1001,
  rdev: makedev(5, 259),
  size: 0x10_0000_0001,
  blksize: 4096,
  blocks: 0x8_0000_0001,
  atimeSec: -1,
  atimeNsec: 999_999_999,
  mtimeSec: -0x1_0000_0000,
  mtimeNsec: 1,
  ctimeSec: 0x2_0000_0003,
  ctimeNsec: 2,
  btimeSec: 1_700_000_000,
  btimeNsec: 3,
  mntId: 0x1_0000_0042,
};

const FILE_SYSTEM: StatFsFields = {
  type: 0x858458f6,
  bsize: 4096,
  blocks: 0x1_0000_0001,
  bfree: 2,
  bavail: 3,
  files: 4,
  ffree: 5,
  fsid: 0x12_3456_7890,
  namelen: 255,
  frsize: 4096,
  flags: 0x1026,
};

/** A buffer that was used before: whatever is not written shows. */
function dirty(length: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(length).fill(0xee);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** What a C program sees in a struct's fields. */
function fieldsInC(include: string, struct: string, fields: readonly string[], input: Uint8Array) {
  const source = `
    #include <stdio.h>
    #include <unistd.h>
    #include <${include}>
    int main(void) {
      struct ${struct} s;
      if (read(0, &s, sizeof s) != (long)sizeof s || getchar() != EOF) return 1;
      ${fields.map(field => `printf("${field} %lld\\n", (long long)s.${field});`).join('\n')}
      return 0;
    }`;
  return Object.fromEntries(runC(source, input).map(([name, value]) => [name, Number(value)]));
}

test('struct stat', t => {
  const { bytes, view } = dirty(STAT_SIZE + 16);
  encodeStat(view, 8, FILE);
  t.true(bytes.subarray(0, 8).every(byte => byte === 0xee));
  t.true(bytes.subarray(STAT_SIZE + 8).every(byte => byte === 0xee));
  const expected = {
    st_dev: FILE.dev,
    st_ino: FILE.ino,
    st_nlink: FILE.nlink,
    st_mode: FILE.mode,
    st_uid: FILE.uid,
    st_gid: FILE.gid,
    __pad0: 0,
    st_rdev: FILE.rdev,
    st_size: FILE.size,
    st_blksize: FILE.blksize,
    st_blocks: FILE.blocks,
    st_atime: FILE.atimeSec,
    st_atime_nsec: FILE.atimeNsec,
    st_mtime: FILE.mtimeSec,
    st_mtime_nsec: FILE.mtimeNsec,
    st_ctime: FILE.ctimeSec,
    st_ctime_nsec: FILE.ctimeNsec,
    '__unused[0]': 0,
    '__unused[2]': 0,
  };
  const seen = fieldsInC('asm/stat.h', 'stat', Object.keys(expected), bytes.slice(8, 8 + STAT_SIZE));
  t.deepEqual(seen, expected);
});

test('struct statx', t => {
  const { bytes, view } = dirty(STATX_SIZE);
  encodeStatx(view, 0, FILE, STATX_BTIME, STATX_ATTR_MOUNT_ROOT, STATX_ATTR_MOUNT_ROOT);
  const expected = {
    stx_mask: STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
    stx_blksize: FILE.blksize,
    stx_attributes: STATX_ATTR_MOUNT_ROOT,
    stx_nlink: FILE.nlink,
    stx_uid: FILE.uid,
    stx_gid: FILE.gid,
    stx_mode: FILE.mode,
    '__spare0[0]': 0,
    stx_ino: FILE.ino,
    stx_size: FILE.size,
    stx_blocks: FILE.blocks,
    stx_attributes_mask: STATX_ATTR_MOUNT_ROOT,
    'stx_atime.tv_sec': FILE.atimeSec,
    'stx_atime.tv_nsec': FILE.atimeNsec,
    'stx_btime.tv_sec': FILE.btimeSec,
    'stx_btime.tv_nsec': FILE.btimeNsec,
    'stx_ctime.tv_sec': FILE.ctimeSec,
    'stx_ctime.tv_nsec': FILE.ctimeNsec,
    'stx_mtime.tv_sec': FILE.mtimeSec,
    'stx_mtime.tv_nsec': FILE.mtimeNsec,
    stx_rdev_major: 5,
    stx_rdev_minor: 259,
    stx_dev_major: 0xabc,
    stx_dev_minor: 0x12345,
    stx_mnt_id: FILE.mntId,
  };
  t.deepEqual(fieldsInC('linux/stat.h', 'statx', Object.keys(expected), bytes), expected);
  t.true(bytes.subarray(152).every(byte => byte === 0));
});

test('statx tells the birth time only where it was asked for, and one kind of mount id', t => {
  const { view } = dirty(STATX_SIZE);
  encodeStatx(view, 0, FILE, 0);
  t.is(view.getUint32(0, true), STATX_BASIC_STATS | STATX_MNT_ID);
  t.is(getInt64(view, 80), 0);
  encodeStatx(view, 0, FILE, STATX_MNT_ID_UNIQUE | STATX_MNT_ID | 0x20000000);
  t.is(view.getUint32(0, true), STATX_BASIC_STATS | STATX_MNT_ID_UNIQUE);
  t.is(getInt64(view, 144), FILE.mntId);
});

test('struct statfs', t => {
  const { bytes, view } = dirty(STATFS_SIZE);
  encodeStatfs(view, 0, FILE_SYSTEM);
  const expected = {
    f_type: FILE_SYSTEM.type,
    f_bsize: FILE_SYSTEM.bsize,
    f_blocks: FILE_SYSTEM.blocks,
    f_bfree: FILE_SYSTEM.bfree,
    f_bavail: FILE_SYSTEM.bavail,
    f_files: FILE_SYSTEM.files,
    f_ffree: FILE_SYSTEM.ffree,
    'f_fsid.val[0]': 0x34567890,
    'f_fsid.val[1]': 0x12,
    f_namelen: FILE_SYSTEM.namelen,
    f_frsize: FILE_SYSTEM.frsize,
    f_flags: FILE_SYSTEM.flags,
    'f_spare[0]': 0,
    'f_spare[3]': 0,
  };
  t.deepEqual(fieldsInC('asm/statfs.h', 'statfs', Object.keys(expected), bytes), expected);
});

test('device numbers are those of glibc', t => {
  const pairs: ReadonlyArray<readonly [number, number]> = [
    [0, 0],
    [1, 3],
    [5, 259],
    [8, 255],
    [0xfff, 0xfffff],
    [0xabc, 0x12345],
  ];
  const calls = pairs.map(([ma, mi]) => `printf("%llu\\n", (unsigned long long)makedev(${ma}, ${mi}));`);
  const theirs = runC(
    `#include <stdio.h>\n#include <sys/sysmacros.h>\nint main(void) { ${calls.join('')} return 0; }`,
  );
  for (const [i, [ma, mi]] of pairs.entries()) {
    const dev = makedev(ma, mi);
    t.is(String(dev), theirs[i][0]);
    t.deepEqual([major(dev), minor(dev)], [ma, mi]);
  }
});

test('struct linux_dirent64, read as readdir(3) does', t => {
  const names = ['.', 'a', 'abcd', 'abcde', '\xff\xfe', 'n'.repeat(255)];
  const { bytes } = dirty(4096);
  let at = 0;
  for (const [i, name] of names.entries()) {
    const length = encodeDirent64(bytes, at, name, 2 ** 40 + i, 8, i + 1);
    t.is(length, dirent64Length(name.length));
    t.is(length % 8, 0);
    at += length;
  }
  const seen = runC(
    `#define _GNU_SOURCE
    #include <dirent.h>
    #include <stdio.h>
    #include <unistd.h>
    int main(void) {
      static char buf[4096] __attribute__((aligned(8)));
      long n = read(0, buf, sizeof buf);
      for (long at = 0; at < n; ) {
        struct dirent64 *d = (void *)(buf + at);
        printf("%llu %lld %d %s\\n", (unsigned long long)d->d_ino, (long long)d->d_off, d->d_type, d->d_name);
        at += d->d_reclen;
      }
      return 0;
    }`,
    bytes.slice(0, at),
  );
  t.deepEqual(
    seen,
    names.map((name, i) => [String(2 ** 40 + i), String(i + 1), '8', name]),
  );
});

test('struct linux_dirent has its type in the last byte', t => {
  for (const name of ['.', 'abcd', 'abcde', 'abcdef', 'n'.repeat(255)]) {
    const { bytes, view } = dirty(512);
    const length = encodeDirent(bytes, 8, name, 5, 4, 77);
    t.is(length, direntLength(name.length));
    t.is(length % 8, 0);
    t.deepEqual([getUint64(view, 8), getInt64(view, 16), view.getUint16(24, true)], [5, 77, length]);
    const rest = Buffer.from(bytes.subarray(26, 8 + length));
    t.is(rest.toString('latin1', 0, name.length), name);
    t.true(rest.subarray(name.length, -1).every(byte => byte === 0));
    t.true(rest.length - 1 > name.length);
    t.is(rest[rest.length - 1], 4);
    t.is(bytes[8 + length], 0xee);
  }
});

test('an entry that does not fit leaves the buffer alone', t => {
  for (const encode of [encodeDirent, encodeDirent64]) {
    const { bytes } = dirty(64);
    t.is(encode(bytes, 40, 'abcdefgh', 1, 8, 1), 0);
    t.true(bytes.every(byte => byte === 0xee));
    t.is(encode(bytes, 32, 'abcdefgh', 1, 8, 1), 32);
  }
});

test('64-bit integers, against BigInt', t => {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  fc.assert(
    fc.property(fc.maxSafeInteger(), value => {
      setInt64(view, 8, value);
      const inView = view.getBigInt64(8, true) === BigInt(value) && getInt64(view, 8) === value;
      putInt64(bytes, 3, value);
      return inView && view.getBigInt64(3, true) === BigInt(value) && takeInt64(bytes, 3) === value;
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.maxSafeNat(), value => {
      setUint64(view, 0, value);
      return getUint64(view, 0) === value && takeUint64(bytes, 0) === value;
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), value => {
      view.setBigUint64(0, value, true);
      const unsigned = getUint64(view, 0) === Number(value) && takeUint64(bytes, 0) === Number(value);
      const signed = Number(view.getBigInt64(0, true));
      return unsigned && getInt64(view, 0) === signed && takeInt64(bytes, 0) === signed;
    }),
  );
  setUint64(view, 0, -1);
  t.is(view.getBigUint64(0, true), 2n ** 64n - 1n);
  putUint32(bytes, 1, 0xfedcba98);
  t.is(takeUint32(bytes, 1), 0xfedcba98);
});
