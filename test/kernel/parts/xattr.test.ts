import test from 'ava';
import {
  E2BIG,
  EACCES,
  EEXIST,
  EINVAL,
  ENODATA,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
} from '../../../src/abi/linux/errno.js';
import { S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_ISVTX } from '../../../src/abi/linux/stat.js';
import { XATTR_CREATE, XATTR_REPLACE } from '../../../src/abi/linux/xattr.js';
import { NO_XATTRS, XattrStore, type XattrTarget } from '../../../src/kernel/parts/xattr.js';

const ROOT = { uid: 0, gid: 0, groups: [] };
const USER = { uid: 1000, gid: 1000, groups: [] };
const NONE = new Uint8Array(0);

/** An inode of root's; `others` is what USER may do. */
function inode(mode: number, others = 'rw'): XattrTarget {
  return {
    mode,
    uid: 0,
    access: (cred, want) => (cred.uid === 0 || others.includes(want[0] ?? '') ? 0 : -EACCES),
  };
}

const FILE = inode(S_IFREG | 0o666);
const FOREIGN = inode(S_IFREG | 0o644, 'r');

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function names(store: XattrStore, cred = ROOT): string {
  const out = new Uint8Array(4096);
  return Buffer.from(out.subarray(0, store.list(cred, out))).toString('latin1');
}

// What each name gives on the host's tmpfs (6.18), as [set, get, remove], the set having stored something when it was 0.
const AS_ROOT: [string, number, number, number][] = [
  ['user.a', 0, 1, 0],
  ['trusted.a', 0, 1, 0],
  ['security.a', 0, 1, 0],
  ['security.capability', -EINVAL, -ENODATA, -ENODATA],
  ['system.foo', -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP],
  ['foo.bar', -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP],
  ['user', -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP],
  ['user.', -EINVAL, -EINVAL, -EINVAL],
  ['trusted.', -EINVAL, -EINVAL, -EINVAL],
  ['security.', -EINVAL, -EINVAL, -EINVAL],
  ['', -ERANGE, -ERANGE, -ERANGE],
  [`user.${'a'.repeat(250)}`, 0, 1, 0],
  [`user.${'a'.repeat(251)}`, -ERANGE, -ERANGE, -ERANGE],
];

// The same for a user on root's file with mode 644.
const AS_USER: [string, number, number, number][] = [
  ['user.q', -EACCES, -ENODATA, -EACCES],
  ['trusted.x', -EPERM, -ENODATA, -EPERM],
  ['security.a', -EPERM, -ENODATA, -EPERM],
  ['system.foo', -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP],
  ['foo.b', -EACCES, -EOPNOTSUPP, -EACCES],
];

for (const [who, cred, target, rows] of [
  ['root', ROOT, FILE, AS_ROOT],
  ['a user', USER, FOREIGN, AS_USER],
] as const) {
  for (const [name, set, get, remove] of rows) {
    test(`${who}: '${name.slice(0, 30)}' (${name.length})`, t => {
      const store = new XattrStore();
      t.is(store.set(target, cred, name, bytes('v'), 0), set);
      t.is(store.get(target, cred, name, new Uint8Array(9)), get);
      t.is(store.remove(target, cred, name), remove);
      t.true(store.isEmpty);
    });
  }
}

test('user.* only on regular files and directories', t => {
  const store = new XattrStore();
  for (const type of [S_IFLNK, S_IFIFO]) {
    const target = inode(type | 0o777);
    t.is(store.set(target, ROOT, 'user.a', bytes('v'), 0), -EPERM);
    t.is(store.get(target, ROOT, 'user.a', NONE), -ENODATA);
    t.is(store.remove(target, ROOT, 'user.a'), -EPERM);
    t.is(store.set(target, ROOT, 'trusted.a', bytes('v'), 0), 0);
  }
  t.is(store.set(inode(S_IFDIR | 0o755), ROOT, 'user.a', bytes('v'), 0), 0);
});

test('in a sticky directory user.* are the owner’s', t => {
  const store = new XattrStore();
  t.is(store.set(inode(S_IFDIR | S_ISVTX | 0o777), USER, 'user.a', bytes('v'), 0), -EPERM);
  t.is(store.set(inode(S_IFDIR | 0o777), USER, 'user.a', bytes('v'), 0), 0);
});

test('create, replace, and both at once', t => {
  const store = new XattrStore();
  const set = (flags: number) => store.set(FILE, ROOT, 'user.b', bytes('v'), flags);
  t.is(set(XATTR_REPLACE), -ENODATA);
  t.is(set(XATTR_CREATE | XATTR_REPLACE), -ENODATA);
  t.is(set(XATTR_CREATE), 0);
  t.is(set(XATTR_CREATE), -EEXIST);
  t.is(set(XATTR_CREATE | XATTR_REPLACE), -EEXIST);
  t.is(set(XATTR_REPLACE), 0);
  t.is(set(4), -EINVAL);
});

test('sizes: a size query, too small a buffer, an empty value, the largest', t => {
  const store = new XattrStore();
  store.set(FILE, ROOT, 'user.a', bytes('value'), 0);
  t.is(store.get(FILE, ROOT, 'user.a', NONE), 5);
  t.is(store.get(FILE, ROOT, 'user.a', new Uint8Array(4)), -ERANGE);
  t.is(store.set(FILE, ROOT, 'user.a', NONE, 0), 0);
  t.is(store.get(FILE, ROOT, 'user.a', new Uint8Array(4)), 0);
  t.is(store.set(FILE, ROOT, 'user.a', new Uint8Array(65536), 0), 0);
  t.is(store.set(FILE, ROOT, 'user.a', new Uint8Array(65537), 0), -E2BIG);
  t.is(store.bytes, 6 + 65536);
});

test('the value is copied', t => {
  const store = new XattrStore();
  const value = bytes('abc').slice();
  store.set(FILE, ROOT, 'user.a', value, 0);
  value.fill(0);
  const out = new Uint8Array(3);
  store.get(FILE, ROOT, 'user.a', out);
  t.deepEqual(out, Uint8Array.from(bytes('abc')));
});

test('the list: backwards by name, trusted.* for root only', t => {
  const store = new XattrStore();
  for (const name of ['user.z', 'user.b', 'user.aa', 'trusted.x']) store.set(FILE, ROOT, name, bytes('v'), 0);
  t.is(names(store), 'user.z\0user.b\0user.aa\0trusted.x\0');
  t.is(names(store, USER), 'user.z\0user.b\0user.aa\0');
  t.is(store.list(ROOT, NONE), 32);
  t.is(store.list(ROOT, new Uint8Array(31)), -ERANGE);
});

test('a list beyond XATTR_LIST_MAX cannot be had', t => {
  const store = new XattrStore();
  for (let n = 0; n < 300; n++) store.set(FILE, ROOT, `user.${String(n).padStart(240, 'x')}`, NONE, 0);
  t.is(store.list(ROOT, new Uint8Array(65536)), -E2BIG);
});

test('file capabilities: checked, shown as root sees them, dropped', t => {
  const store = new XattrStore();
  const newer = new Uint8Array(24);
  newer.set([1, 0, 0, 3, 255]);
  t.is(store.set(FILE, USER, 'security.capability', newer, 0), -EPERM);
  t.is(store.set(FILE, ROOT, 'security.capability', newer, 0), 0);
  const out = new Uint8Array(24);
  t.is(store.get(FILE, ROOT, 'security.capability', out), 20);
  t.deepEqual([...out.subarray(0, 5)], [1, 0, 0, 2, 255]);
  t.true(store.dropCapabilities());
  t.false(store.dropCapabilities());
});

test('inodes without attributes share one store', t => {
  t.is(NO_XATTRS.get(FILE, ROOT, 'user.a', NONE), -ENODATA);
  t.is(NO_XATTRS.remove(FILE, ROOT, 'user.a'), -ENODATA);
  t.is(NO_XATTRS.list(ROOT, NONE), 0);
});
