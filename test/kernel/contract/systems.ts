/** Mounts, the tree of AT_PROC, extended attributes, handles, devices, modules. */
import anyOrder from 'ava';
import {
  EBUSY,
  EINVAL,
  ENODATA,
  ENODEV,
  ENOENT,
  ENOEXEC,
  ENOSYS,
  ENOTDIR,
  EPERM,
  EROFS,
  ESTALE,
  EXDEV,
} from '../../../src/abi/linux/errno.js';
import { AT_FDCWD, AT_PROC } from '../../../src/kernel/rump_kernel.js';
import {
  ALICE,
  type KernelFactory,
  type Lacks,
  lacksNothing,
  list,
  make,
  mounts,
  now,
  open,
  read,
  spawn,
  stat,
  statfs,
  type TestFunction,
  text,
  write,
} from './support.js';

const AT = AT_FDCWD;

export function systemContract(
  title: string,
  factory: KernelFactory,
  test: TestFunction = anyOrder,
  lacks: Lacks = lacksNothing,
): void {
  test(`${title}: mounting a tmpfs`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/m', 0o755);
    make(p, '/m/hidden');
    make(p, '/f');
    t.is(p.mount('disk', '/m', 'ext4', 0, ''), -ENODEV);
    t.is(p.mount('none', '/m', 'tmpfs', 0, 'size=banana'), -EINVAL);
    t.is(p.mount('none', '/f', 'tmpfs', 0, ''), -ENOTDIR);
    t.is(p.mount('none', '/none', 'tmpfs', 0, ''), -ENOENT);
    t.is(p.mount('mine', '/m', 'tmpfs', 2, 'size=64k,mode=750,uid=3,gid=4'), 0);
    t.deepEqual(list(p, '/m'), []);
    t.like(stat(p, '/m'), { mode: 0o40750, uid: 3, gid: 4, ino: 1 });
    t.not(stat(p, '/m').dev, stat(p, '/').dev);
    t.like(statfs(p, '/m'), { type: 0x1021994, blocks: 16, bsize: 4096, namelen: 255 });
    t.like(mounts(p).at(-1), {
      mountPoint: '/rump/m',
      type: 'tmpfs',
      source: lacks('mount sources') ? 'tmpfs' : 'mine',
      options: 'rw,nosuid,relatime',
      superOptions: lacks('mount sources') ? '' : 'size=64k,mode=750,uid=3,gid=4',
    });
    t.is(p.renameAt(AT, '/f', AT, '/m/f', 0), -EXDEV);
    t.is(p.linkAt(AT, '/f', AT, '/m/f', 0), -EXDEV);
    t.is(p.unlinkAt(AT, '/m', 0x200), -EBUSY);
    t.is(p.chdir('/m'), 0);
    t.is(p.umount('/m', 0), -EBUSY);
    p.chdir('..');
    t.is(p.umount('/m', 0), 0);
    t.is(p.umount('/m', 0), -EINVAL);
    t.deepEqual(list(p, '/m'), ['hidden']);
  });

  test(`${title}: detaching, read-only, and who may`, t => {
    const kernel = factory();
    const p = spawn(kernel);
    p.mkdirAt(AT, '/m', 0o755);
    p.mount('none', '/m', 'tmpfs', 0, '');
    const fd = open(p, '/m/f', 0o102);
    t.is(p.mount('none', '/m', '', 0x21, ''), -EBUSY);
    p.close(fd);
    t.is(p.mount('none', '/m', '', 0x21, ''), 0);
    t.is(open(p, '/m/f', 1), -EROFS);
    t.is(open(p, '/m/g', 0o101), -EROFS);
    t.is(p.unlinkAt(AT, '/m/f', 0), -EROFS);
    t.is(p.mkdirAt(AT, '/m/f', 0o755), -17);
    t.is(p.chmodAt(AT, '/m/f', 0o600, 0), -EROFS);
    t.is(p.mount('none', '/m', '', 0x20, 'size=64k,mode=700'), 0);
    t.like(stat(p, '/m'), { mode: 0o41777, uid: 0 });
    t.is(statfs(p, '/m').blocks, 16);
    t.is(spawn(kernel, ALICE).mount('none', '/m', 'tmpfs', 0, ''), -EPERM);
    t.is(p.umount('/m', 64), -EINVAL);
    const kept = open(p, '/m/f');
    t.is(p.umount('/m', 2), 0);
    t.is(read(p, kept, 1), '');
    t.deepEqual(list(p, '/m'), []);
  });

  test(`${title}: a mount is not crossed where openat2 says so`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/m', 0o755);
    p.mount('none', '/m', 'tmpfs', 0, '');
    if (lacks('openat2')) return t.is(p.openAt(AT, '/m', 0, 0, 1), -ENOSYS);
    t.is(p.openAt(AT, '/m', 0, 0, 1), -EXDEV);
    const fd = open(p, '/m', 0o200000);
    t.is(p.openAt(fd, '..', 0, 0, 1), -EXDEV);
    t.true(now(p.openAt(fd, '.', 0, 0, 1)) > 0);
  });

  test(`${title}: /dev`, t => {
    const p = spawn(factory());
    t.deepEqual(list(p, '/dev'), ['full', 'null', 'random', 'urandom', 'zero']);
    t.like(stat(p, '/'), { mode: 0o41777, uid: 0 });
    t.is(text(p, '/dev/null'), '');
    const zero = open(p, '/dev/zero', 2);
    t.is(read(p, zero, 3), '\0\0\0');
    t.is(write(p, open(p, '/dev/full', 1), 'x'), -28);
    t.is(open(p, '/dev/null', 0o1001) > 0, true);
    t.is(p.lseek(zero, 100, 0), 0);
  });

  test(`${title}: the tree of AT_PROC`, t => {
    const p = spawn(factory());
    const fd = now(p.openAt(AT_PROC, 'sys/kern/hostname', 2, 0, 0));
    t.true(fd > 0);
    t.is(write(p, fd, 'changed\n'), 8);
    const again = now(p.openAt(AT_PROC, 'sys/kern/hostname', 0, 0, 0));
    t.is(read(p, again, 100), 'changed\n');
    t.is(read(p, again, 100), '');
    t.regex(String(read(p, now(p.openAt(AT_PROC, 'mounts', 0, 0, 0)), 1000)), / \/rump tmpfs rw/);
    t.is(p.openAt(AT_PROC, 'none', 0, 0, 0), -ENOENT);
    const out = stat(p, '/');
    t.is(p.statAt(AT_PROC, 'sys', 0, out), 0);
    t.is(out.mode, 0o40555);
    const dir = now(p.openAt(AT_PROC, 'sys', 0o200000, 0, 0));
    t.true(now(p.openAt(dir, 'kern/ostype', 0, 0, 0)) > 0);
    t.true(now(p.openAt(dir, '../mounts', 0, 0, 0)) > 0);
    // A descriptor shows what is there now whenever it is read from the start.
    t.is(write(p, fd, 'again\n'), 6);
    t.is(p.lseek(again, 0, 0), 0);
    t.is(read(p, again, 100), 'again\n');
    t.is(p.fsync(fd), -EINVAL);
    t.is(p.getXattr(AT_PROC, 'sys/kern', 0, 'user.a', new Uint8Array(0)), -ENODATA);
    t.is(p.getXattr(fd, null, 0, 'user.a', new Uint8Array(0)), -ENODATA);
    t.is(p.listXattr(AT_PROC, 'sys/kern/ostype', 0, new Uint8Array(0)), 0);
    t.is(p.mkdirAt(AT_PROC, 'x', 0o755), -EPERM);
    t.is(p.openAt(AT_PROC, 'x', 0o101, 0o644, 0), -ENOENT);
  });

  test(`${title}: extended attributes`, t => {
    const p = spawn(factory());
    make(p, '/f');
    const value = Buffer.from('value');
    t.is(p.setXattr(AT, '/f', 0, 'user.a', value, 0), 0);
    const out = Buffer.alloc(10);
    t.is(p.getXattr(AT, '/f', 0, 'user.a', out), 5);
    t.is(out.toString('latin1', 0, 5), 'value');
    const fd = open(p, '/f');
    t.is(p.getXattr(fd, null, 0, 'user.a', new Uint8Array(0)), 5);
    t.is(p.listXattr(AT, '/f', 0, out), 7);
    t.is(p.removeXattr(AT, '/f', 0, 'user.a'), 0);
    t.is(p.getXattr(AT, '/f', 0, 'user.a', out), -ENODATA);
  });

  test(`${title}: handles outlive descriptors, not files`, t => {
    const p = spawn(factory());
    make(p, '/f', 'text');
    const handle = Buffer.alloc(128);
    const length = now(p.nameToHandle(AT, '/f', 0, handle));
    t.true(length > 0);
    const bytes = handle.subarray(0, length);
    p.renameAt(AT, '/f', AT, '/g', 0);
    const fd = now(p.openByHandle(bytes, 0));
    t.is(read(p, fd, 10), 'text');
    p.unlinkAt(AT, '/g', 0);
    p.close(fd);
    t.is(p.openByHandle(bytes, 0), -ESTALE);
    p.setCredentials(ALICE);
    t.is(p.openByHandle(bytes, 0), -EPERM);
  });

  test(`${title}: modules`, t => {
    const kernel = factory();
    t.is(spawn(kernel).initModule(new Uint8Array(10)), -ENOEXEC);
    t.is(spawn(kernel).deleteModule('x', 0), -ENOENT);
    t.is(spawn(kernel, ALICE).deleteModule('x', 0), -EPERM);
  });
}
