/** Permissions, ownership, and what is taken away with them. */
import anyOrder from 'ava';
import { EACCES, ELOOP, EOPNOTSUPP, EPERM } from '../../../src/abi/linux/errno.js';
import { AT_FDCWD } from '../../../src/kernel/rump_kernel.js';
import {
  ALICE,
  BOB,
  type KernelFactory,
  make,
  open,
  ROOT,
  spawn,
  stat,
  type TestFunction,
  text,
  write,
} from './support.js';

const AT = AT_FDCWD;

export function rightsContract(title: string, factory: KernelFactory, test: TestFunction = anyOrder): void {
  test(`${title}: owner, group, others`, t => {
    const kernel = factory();
    const [root, alice, bob] = [ROOT, ALICE, BOB].map(cred => spawn(kernel, cred));
    make(alice, '/f', 'x', 0o640);
    t.is(text(bob, '/f'), -EACCES);
    t.is(text(root, '/f'), 'x');
    root.chownAt(AT, '/f', -1, 1001, 0);
    t.is(text(bob, '/f'), 'x');
    t.is(open(bob, '/f', 1), -EACCES);
    alice.chmodAt(AT, '/f', 0o077, 0);
    t.is(text(alice, '/f'), -EACCES);
    t.is(alice.accessAt(AT, '/f', 4, 0), -EACCES);
    t.is(root.accessAt(AT, '/f', 1, 0), 0);
    root.chmodAt(AT, '/f', 0o666, 0);
    t.is(root.accessAt(AT, '/f', 1, 0), -EACCES);
  });

  test(`${title}: directories need x to pass, w to change`, t => {
    const kernel = factory();
    const alice = spawn(kernel, ALICE);
    const bob = spawn(kernel, BOB);
    alice.mkdirAt(AT, '/d', 0o755);
    make(alice, '/d/f', 'x', 0o644);
    t.is(text(bob, '/d/f'), 'x');
    t.is(open(bob, '/d/g', 0o101), -EACCES);
    t.is(bob.unlinkAt(AT, '/d/f', 0), -EACCES);
    alice.chmodAt(AT, '/d', 0o744, 0);
    t.is(text(bob, '/d/f'), -EACCES);
    t.is(bob.chdir('/d'), -EACCES);
  });

  test(`${title}: a sticky directory protects others' files`, t => {
    const kernel = factory();
    const alice = spawn(kernel, ALICE);
    const bob = spawn(kernel, BOB);
    make(alice, '/f');
    t.is(bob.unlinkAt(AT, '/f', 0), -EPERM);
    t.is(bob.renameAt(AT, '/f', AT, '/g', 0), -EPERM);
    t.is(alice.unlinkAt(AT, '/f', 0), 0);
  });

  test(`${title}: only owners change modes, only root gives files away`, t => {
    const kernel = factory();
    const alice = spawn(kernel, ALICE);
    const bob = spawn(kernel, BOB);
    make(alice, '/f');
    t.is(bob.chmodAt(AT, '/f', 0o777, 0), -EPERM);
    t.is(alice.chownAt(AT, '/f', 1001, -1, 0), -EPERM);
    t.is(alice.chownAt(AT, '/f', -1, 50, 0), 0);
    t.is(alice.chownAt(AT, '/f', -1, 1001, 0), -EPERM);
    t.is(bob.utimensAt(AT, '/f', { sec: 1, nsec: 0 }, { sec: 1, nsec: 0 }, 0), -EPERM);
    t.is(bob.utimensAt(AT, '/f', { sec: 0, nsec: -1 }, { sec: 0, nsec: -1 }, 0), -EACCES);
    alice.symlinkAt('f', AT, '/l');
    t.is(alice.chmodAt(AT, '/l', 0o600, 0x100), -EOPNOTSUPP);
  });

  test(`${title}: set-id bits go with a write, a truncation, a chown`, t => {
    const kernel = factory();
    const root = spawn(kernel);
    const alice = spawn(kernel, ALICE);
    make(alice, '/f', 'x');
    const fd = open(alice, '/f', 1);
    alice.chmodAt(AT, '/f', 0o6755, 0);
    write(alice, fd, 'y');
    t.is(stat(root, '/f').mode, 0o100755);
    alice.chmodAt(AT, '/f', 0o6755, 0);
    alice.truncate('/f', 0);
    t.is(stat(root, '/f').mode, 0o100755);
    alice.chmodAt(AT, '/f', 0o6745, 0);
    root.chownAt(AT, '/f', 1000, 1000, 0);
    t.is(stat(root, '/f').mode, 0o102745);
    root.chownAt(AT, '/f', -1, 1001, 0);
    alice.chmodAt(AT, '/f', 0o2755, 0);
    t.is(stat(root, '/f').mode, 0o100755);
  });

  test(`${title}: a set-group-ID directory passes its group on`, t => {
    const kernel = factory();
    const root = spawn(kernel);
    const alice = spawn(kernel, ALICE);
    root.mkdirAt(AT, '/d', 0o777);
    root.chownAt(AT, '/d', -1, 77, 0);
    root.chmodAt(AT, '/d', 0o2777, 0);
    make(alice, '/d/f', '', 0o2775);
    t.like(stat(root, '/d/f'), { gid: 77, mode: 0o100755 });
    alice.mkdirAt(AT, '/d/e', 0o777);
    t.like(stat(root, '/d/e'), { gid: 77, mode: 0o42755 });
  });

  test(`${title}: hard links to others' files are refused`, t => {
    const kernel = factory();
    const alice = spawn(kernel, ALICE);
    const bob = spawn(kernel, BOB);
    make(alice, '/f', '', 0o644);
    t.is(bob.linkAt(AT, '/f', AT, '/g', 0), -EPERM);
    alice.chmodAt(AT, '/f', 0o666, 0);
    t.is(bob.linkAt(AT, '/f', AT, '/g', 0), 0);
  });

  test(`${title}: O_CREAT does not open others' links in sticky directories`, t => {
    const kernel = factory();
    const alice = spawn(kernel, ALICE);
    const bob = spawn(kernel, BOB);
    alice.symlinkAt('f', AT, '/l');
    t.is(open(bob, '/l', 0o400101), -EACCES);
    t.is(open(bob, '/l', 0o400001), -ELOOP);
    t.is(open(alice, '/l', 0o400101), -ELOOP);
  });

  test(`${title}: device nodes are root's to make`, t => {
    const kernel = factory();
    t.is(spawn(kernel, ALICE).mknodAt(AT, '/n', 0o20666, 0x103), -EPERM);
    const root = spawn(kernel);
    t.is(root.mknodAt(AT, '/n', 0o20666, 0x103), 0);
    t.like(stat(root, '/n'), { mode: 0o20644, rdev: 0x103 });
    t.is(write(root, open(root, '/n', 1), 'gone'), 4);
    t.is(root.mknodAt(AT, '/m', 0o40777, 0), -EPERM);
    t.is(root.mknodAt(AT, '/m', 0o120777, 0), -22);
  });
}
