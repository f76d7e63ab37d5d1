/** Names: making, removing, renaming, linking, walking. */
import anyOrder from 'ava';
import {
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOSYS,
  ENOTDIR,
  ENOTEMPTY,
  EOPNOTSUPP,
  EPERM,
  EXDEV,
} from '../../../src/abi/linux/errno.js';
import { AT_FDCWD } from '../../../src/kernel/rump_kernel.js';
import {
  cwd,
  type KernelFactory,
  type Lacks,
  lacksNothing,
  list,
  make,
  open,
  pathOf,
  spawn,
  stat,
  type TestFunction,
  text,
  write,
} from './support.js';

const AT = AT_FDCWD;

export function nameContract(
  title: string,
  factory: KernelFactory,
  test: TestFunction = anyOrder,
  lacks: Lacks = lacksNothing,
): void {
  test(`${title}: directories count links and bytes as tmpfs does`, t => {
    const p = spawn(factory());
    t.is(p.mkdirAt(AT, '/d', 0o777), 0);
    t.like(stat(p, '/d'), { mode: 0o40755, nlink: 2, size: 40, blocks: 0, blksize: 4096 });
    p.mkdirAt(AT, '/d/sub', 0o777);
    make(p, '/d/file');
    t.like(stat(p, '/d'), { nlink: 3, size: 80 });
    t.is(p.unlinkAt(AT, '/d', 0x200), -ENOTEMPTY);
    t.is(p.unlinkAt(AT, '/d', 0), -EISDIR);
    t.is(p.unlinkAt(AT, '/d/file', 0x200), -ENOTDIR);
    t.is(p.unlinkAt(AT, '/d/sub', 0x200), 0);
    t.is(p.unlinkAt(AT, '/d/file', 0), 0);
    t.like(stat(p, '/d'), { nlink: 2, size: 40 });
  });

  test(`${title}: special last components`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/d', 0o777);
    t.is(p.mkdirAt(AT, '/d/.', 0o777), -EEXIST);
    t.is(p.mkdirAt(AT, '/', 0o777), -EEXIST);
    t.is(p.mkdirAt(AT, '/e/', 0o777), 0);
    t.is(p.unlinkAt(AT, '/d/.', 0x200), -EINVAL);
    t.is(p.unlinkAt(AT, '/d/..', 0x200), -ENOTEMPTY);
    t.is(p.unlinkAt(AT, '/', 0x200), -EBUSY);
    t.is(p.unlinkAt(AT, '/d/.', 0), -EISDIR);
    t.is(p.mknodAt(AT, '/f/', 0o100644, 0), -ENOENT);
    t.is(open(p, '/f/', 0o101), -EISDIR);
    make(p, '/f');
    t.is(open(p, '/f/'), -ENOTDIR);
    t.is(open(p, '/f/.'), -ENOTDIR);
    t.is(p.unlinkAt(AT, '/f/', 0), -ENOTDIR);
    t.is(open(p, ''), -ENOENT);
  });

  test(`${title}: names of 255 bytes, paths of 4095`, t => {
    const p = spawn(factory());
    t.is(p.mkdirAt(AT, `/${'x'.repeat(255)}`, 0o777), 0);
    t.is(p.mkdirAt(AT, `/${'x'.repeat(256)}`, 0o777), -ENAMETOOLONG);
    if (lacks('paths of 4095')) t.is(open(p, `/${'./'.repeat(2047)}`), -ENAMETOOLONG);
    else t.true(open(p, `/${'./'.repeat(2047)}`) > 0);
    t.is(open(p, `/${'./'.repeat(2048)}`), -ENAMETOOLONG);
  });

  test(`${title}: any bytes make a name`, t => {
    const p = spawn(factory());
    const name = '\xff\x80 \n\\\u0001';
    make(p, `/${name}`, 'x');
    t.true(list(p, '/').includes(name));
    t.is(text(p, name), 'x');
  });

  test(`${title}: hard links share an inode`, t => {
    const p = spawn(factory());
    make(p, '/a', 'one');
    t.is(p.linkAt(AT, '/a', AT, '/b', 0), 0);
    t.is(stat(p, '/a').ino, stat(p, '/b').ino);
    t.is(stat(p, '/a').nlink, 2);
    p.unlinkAt(AT, '/a', 0);
    t.is(text(p, '/b'), 'one');
    t.is(stat(p, '/b').nlink, 1);
    t.is(p.linkAt(AT, '/dev', AT, '/c', 0), -EPERM);
    t.is(p.linkAt(AT, '/none', AT, '/c', 0), -ENOENT);
    t.is(p.linkAt(AT, '/b', AT, '/b', 0), -EEXIST);
    t.is(p.linkAt(AT, '/b', AT, '/c', 1), -EINVAL);
  });

  test(`${title}: a removed file lives until it is closed`, t => {
    const p = spawn(factory());
    const fd = open(p, '/f', 0o102);
    write(p, fd, 'data');
    t.is(pathOf(p, fd), '/f');
    p.unlinkAt(AT, '/f', 0);
    t.is(pathOf(p, fd), '/f (deleted)');
    t.is(p.lseek(fd, 0, 2), 4);
    t.is(p.close(fd), 0);
    t.is(text(p, '/f'), -ENOENT);
  });

  test(`${title}: rename`, t => {
    const p = spawn(factory());
    make(p, '/a', 'a');
    make(p, '/b', 'b');
    p.mkdirAt(AT, '/d', 0o755);
    p.mkdirAt(AT, '/d/e', 0o755);
    t.is(p.renameAt(AT, '/a', AT, '/b', 1), lacks('rename flags') ? -EINVAL : -EEXIST);
    t.is(p.renameAt(AT, '/a', AT, '/b', 0), 0);
    t.is(text(p, '/b'), 'a');
    t.is(p.renameAt(AT, '/b', AT, '/d', 0), -EISDIR);
    t.is(p.renameAt(AT, '/d', AT, '/b', 0), -ENOTDIR);
    t.is(p.renameAt(AT, '/d', AT, '/d/e/f', 0), -EINVAL);
    t.is(p.renameAt(AT, '/d/e', AT, '/d', 0), -ENOTEMPTY);
    t.is(p.renameAt(AT, '/d/.', AT, '/x', 0), -EBUSY);
    t.is(p.renameAt(AT, '/none', AT, '/x', 0), -ENOENT);
    if (lacks('rename flags')) return t.is(p.renameAt(AT, '/b', AT, '/d/e', 2), -EINVAL);
    t.is(p.renameAt(AT, '/b', AT, '/d/e', 2), 0);
    t.is(text(p, '/d/e'), 'a');
    t.is(stat(p, '/d').nlink, 2);
    t.is(p.renameAt(AT, '/b', AT, '/none', 2), -ENOENT);
    t.is(p.renameAt(AT, '/b', AT, '/d/e', 3), -EINVAL);
  });

  test(`${title}: an open directory follows its renamed parents`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/d', 0o755);
    p.mkdirAt(AT, '/d/e', 0o755);
    p.chdir('/d/e');
    p.renameAt(AT, '/d', AT, '/moved', 0);
    t.is(cwd(p), '/moved/e');
    t.is(p.chdir('..'), 0);
    t.is(cwd(p), '/moved');
    t.is(p.getcwd(new Uint8Array(3)), -34);
  });

  test(`${title}: nothing can be made in a removed directory`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/d', 0o755);
    p.chdir('/d');
    p.unlinkAt(AT, '/d', 0x200);
    t.is(cwd(p), -ENOENT);
    t.is(open(p, 'x', 0o101), -ENOENT);
    t.is(p.mkdirAt(AT, 'x', 0o755), -ENOENT);
    t.is(p.chdir('..'), 0);
    t.is(cwd(p), '/');
  });

  test(`${title}: symbolic links`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/d', 0o755);
    make(p, '/d/f', 'text');
    p.symlinkAt('d/f', AT, '/relative');
    p.symlinkAt('/d', AT, '/absolute');
    p.symlinkAt('/rump/d', AT, '/prefixed');
    p.symlinkAt('/rumpled', AT, '/other');
    p.symlinkAt('loop', AT, '/loop');
    t.is(text(p, '/relative'), 'text');
    t.is(text(p, '/absolute/f'), 'text');
    t.is(text(p, '/prefixed/f'), lacks('links to the prefix') ? -ENOENT : 'text');
    t.is(text(p, '/other'), -ENOENT);
    t.is(text(p, '/loop'), -ELOOP);
    t.is(open(p, '/relative', 0o400000), -ELOOP);
    t.is(open(p, '/absolute', 0o600000), -ENOTDIR);
    t.is(open(p, '/relative', 0o301), -EEXIST);
    t.like(stat(p, '/relative'), { mode: 0o120777, size: 3, blocks: 0 });
    const out = Buffer.alloc(2);
    t.is(p.readlinkAt(AT, '/relative', out), 2);
    t.is(out.toString(), 'd/');
    t.is(p.readlinkAt(AT, '/d', out), -EINVAL);
    t.is(p.symlinkAt('', AT, '/empty'), -ENOENT);
    p.symlinkAt('new', AT, '/dangling');
    make(p, '/dangling', 'made');
    t.is(text(p, '/new'), 'made');
  });

  test(`${title}: forty links are followed, not more`, t => {
    const p = spawn(factory());
    make(p, '/0', 'end');
    for (let i = 1; i <= 41; i++) p.symlinkAt(String(i - 1), AT, `/${i}`);
    t.is(text(p, '/40'), 'end');
    t.is(text(p, '/41'), -ELOOP);
  });

  test(`${title}: '..' at the root stays there`, t => {
    const p = spawn(factory());
    t.is(p.chdir('/../../dev/..'), 0);
    t.is(cwd(p), '/');
  });

  test(`${title}: openat2 confines`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/d', 0o755);
    p.mkdirAt(AT, '/d/e', 0o755);
    make(p, '/d/f', 'inner');
    make(p, '/f', 'outer');
    p.symlinkAt('/f', AT, '/d/link');
    const at = open(p, '/d', 0o200000);
    const openIn = (path: string, resolve: number) => p.openAt(at, path, 0, 0, resolve);
    // A program that is told so walks by itself.
    if (lacks('openat2')) return t.is(openIn('f', 8), -ENOSYS);
    t.is(openIn('../f', 8), -EXDEV);
    t.is(openIn('/f', 8), -EXDEV);
    t.is(openIn('link', 8), -EXDEV);
    t.true(Number(openIn('e/../f', 8)) > 0);
    const inRoot = Number(openIn('link', 16));
    t.is(pathOf(p, inRoot), '/d/f');
    t.is(pathOf(p, Number(openIn('../../f', 16))), '/d/f');
    t.is(openIn('link', 4), -ELOOP);
    t.is(openIn('f', 24), -EINVAL);
    t.is(openIn('f', 64), -EINVAL);
  });

  test(`${title}: O_TMPFILE gets a name by link`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/d', 0o755);
    const fd = open(p, '/d', 0o20200002);
    if (lacks('O_TMPFILE')) return t.is(fd, -EOPNOTSUPP);
    t.true(fd > 0);
    write(p, fd, 'kept');
    t.regex(pathOf(p, fd), /^\/#\d+ \(deleted\)$/);
    t.deepEqual(list(p, '/d'), []);
    t.is(p.linkAt(fd, '', AT, '/d/name', 0x1000), 0);
    t.is(text(p, '/d/name'), 'kept');
    const excluded = open(p, '/d', 0o20200202);
    t.is(p.linkAt(excluded, '', AT, '/d/other', 0x1000), -ENOENT);
    t.is(open(p, '/d', 0o20200000), -EINVAL);
  });
}
