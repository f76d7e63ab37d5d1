/** Reading and writing, sizes, holes, times, limits. */
import anyOrder from 'ava';
import { EBADF, EFBIG, EINVAL, EISDIR, ENOSPC, ENXIO, EOPNOTSUPP } from '../../../src/abi/linux/errno.js';
import { AT_FDCWD, UTIME_NOW, UTIME_OMIT } from '../../../src/kernel/rump_kernel.js';
import { BufferUio } from '../../../src/kernel/vfs/uio.js';
import {
  type KernelFactory,
  type Lacks,
  lacksNothing,
  list,
  make,
  names,
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

export function contentContract(
  title: string,
  factory: KernelFactory,
  test: TestFunction = anyOrder,
  lacks: Lacks = lacksNothing,
): void {
  test(`${title}: offsets, append, truncation on open`, t => {
    const p = spawn(factory());
    const fd = open(p, '/f', 0o102);
    t.is(write(p, fd, 'hello'), 5);
    t.is(read(p, fd, 10), '');
    t.is(p.lseek(fd, -4, 1), 1);
    t.is(read(p, fd, 2), 'el');
    t.is(p.lseek(fd, -9, 1), -EINVAL);
    const append = open(p, '/f', 0o2001);
    write(p, append, '!');
    t.is(p.pwrite(append, new BufferUio(Buffer.from('?'), 'write'), 0, 0), 1);
    t.is(text(p, '/f'), 'hello!?');
    const atOffset = p.pwrite(append, new BufferUio(Buffer.from('H'), 'write'), 0, 0x20);
    t.is(atOffset, lacks('RWF_APPEND') ? -EOPNOTSUPP : 1);
    t.is(text(p, '/f'), lacks('RWF_APPEND') ? 'hello!?' : 'Hello!?');
    t.is(read(p, append, 1), -EBADF);
    open(p, '/f', 0o1000);
    t.is(stat(p, '/f').size, 0);
  });

  test(`${title}: positions of preadv2 and flags`, t => {
    const p = spawn(factory());
    make(p, '/f', 'abcdef');
    const fd = open(p, '/f');
    const at = (offset: number, flags = 0) => {
      const out = Buffer.alloc(2);
      const status = p.pread(fd, new BufferUio(out, 'read'), offset, flags);
      return status === 2 ? out.toString() : status;
    };
    t.is(at(4), 'ef');
    t.is(at(-1), 'ab');
    t.is(at(-1), 'cd');
    t.is(at(-2), -EINVAL);
    t.is(at(0, 8), -EOPNOTSUPP);
    t.is(at(0, 1), 'ab');
    t.is(at(100), 0);
  });

  test(`${title}: sparse files`, t => {
    const p = spawn(factory());
    const fd = open(p, '/f', 0o102);
    t.is(p.lseek(fd, 2 ** 40, 0), 2 ** 40);
    write(p, fd, 'x');
    t.like(stat(p, '/f'), { size: 2 ** 40 + 1, blocks: 8 });
    if (lacks('SEEK_DATA')) {
      t.is(p.lseek(fd, 0, 3), -EINVAL);
    } else {
      t.is(p.lseek(fd, 0, 3), 2 ** 40);
      t.is(p.lseek(fd, 0, 4), 0);
      t.is(p.lseek(fd, 2 ** 40, 4), 2 ** 40 + 1);
      t.is(p.lseek(fd, 2 ** 40 + 1, 3), -ENXIO);
    }
    t.is(p.fallocate(fd, 3, 2 ** 40, 100), 0);
    t.is(p.ftruncate(fd, 10), 0);
    t.like(stat(p, '/f'), { size: 10, blocks: 0 });
    t.is(p.ftruncate(fd, 2 ** 62), 0);
    t.is(p.ftruncate(fd, -1), -EINVAL);
  });

  test(`${title}: fallocate`, t => {
    const p = spawn(factory());
    const fd = open(p, '/f', 0o102);
    if (lacks('fallocate modes')) {
      t.is(p.fallocate(fd, 1, 0, 5000), -EOPNOTSUPP);
    } else {
      t.is(p.fallocate(fd, 1, 0, 5000), 0);
      t.like(stat(p, '/f'), { size: 0, blocks: 16 });
    }
    t.is(p.fallocate(fd, 0, 0, 5000), 0);
    t.like(stat(p, '/f'), { size: 5000, blocks: 16 });
    for (const mode of [2, 8, 16, 32]) t.is(p.fallocate(fd, mode, 0, 4096), -EOPNOTSUPP);
    t.is(p.fallocate(fd, 0, -1, 1), -EINVAL);
    t.is(p.fallocate(fd, 0, 0, 0), -EINVAL);
    t.is(p.fallocate(fd, 0, 0, 2 ** 50), -ENOSPC);
  });

  test(`${title}: the file size limit`, t => {
    const p = spawn(factory());
    p.setLimits({ nofile: 100, fsize: 10 });
    const fd = open(p, '/f', 0o102);
    t.is(write(p, fd, '0123456789ab'), 10);
    t.is(write(p, fd, 'c'), -EFBIG);
    t.is(p.ftruncate(fd, 11), -EFBIG);
    t.is(p.truncate('/f', 5), 0);
  });

  test(`${title}: a full file system`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/m', 0o755);
    t.is(p.mount('none', '/m', 'tmpfs', 0, 'size=8k,nr_inodes=3'), 0);
    const fd = open(p, '/m/f', 0o102);
    t.is(write(p, fd, 'x'.repeat(10000)), 8192);
    t.is(write(p, fd, 'x'), -ENOSPC);
    t.like(statfs(p, '/m'), { blocks: 2, bfree: 0, files: 3, ffree: 1 });
    make(p, '/m/g');
    t.is(open(p, '/m/h', 0o101), -ENOSPC);
    t.is(p.linkAt(AT, '/m/g', AT, '/m/h', 0), -ENOSPC);
    p.unlinkAt(AT, '/m/f', 0);
    t.like(statfs(p, '/m'), { bfree: 0, ffree: 0 });
    p.close(fd);
    t.like(statfs(p, '/m'), { bfree: 2, ffree: 1 });
  });

  test(`${title}: times`, t => {
    const p = spawn(factory());
    make(p, '/f', 'x');
    const set = (sec: number, nsec = 0) => ({ sec, nsec });
    t.is(p.utimensAt(AT, '/f', set(10, 1), set(20, 2), 0), 0);
    t.like(stat(p, '/f'), { atimeSec: 10, atimeNsec: 1, mtimeSec: 20, mtimeNsec: 2 });
    t.is(p.utimensAt(AT, '/f', set(0, UTIME_OMIT), set(0, UTIME_NOW), 0), 0);
    t.is(stat(p, '/f').atimeSec, 10);
    t.true(stat(p, '/f').mtimeSec > 20);
    t.is(p.utimensAt(AT, '/f', set(0, 1e9), set(0), 0), -EINVAL);
    // relatime: older than mtime, so reading moves it.
    text(p, '/f');
    t.true(stat(p, '/f').atimeSec > 20);
    t.true(stat(p, '/f').btimeSec > 20);
  });

  test(`${title}: directories are read by getdents alone`, t => {
    const p = spawn(factory());
    const fd = open(p, '/', 0o200000);
    t.is(read(p, fd, 1), -EISDIR);
    t.is(open(p, '/', 1), -EISDIR);
    t.is(
      p.getDents(open(p, '/f', 0o102), () => true),
      -20,
    );
  });

  test(`${title}: a directory that changes while it is read`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/d', 0o755);
    const all = Array.from({ length: 100 }, (_, i) => `f${i}`);
    for (const name of all) make(p, `/d/${name}`);
    const fd = open(p, '/d', 0o200000);
    const seen = names(p, fd, 30);
    for (const name of seen.slice(2)) p.unlinkAt(AT, `/d/${name}`, 0);
    for (let i = 0; i < 50; i++) make(p, `/d/new${i}`);
    for (let some = names(p, fd, 7); some.length > 0; some = names(p, fd, 7)) seen.push(...some);
    const old = seen.filter(name => name.startsWith('f'));
    t.deepEqual(old.sort(), all.sort());
    t.is(new Set(seen).size, seen.length);
    t.is(p.lseek(fd, 0, 0), 0);
    t.is(names(p, fd).filter(name => name.startsWith('new')).length, 50);
  });

  test(`${title}: removing everything while reading by small steps`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/d', 0o755);
    for (let i = 0; i < 100; i++) make(p, `/d/${i}`);
    const fd = open(p, '/d', 0o200000);
    for (let some = names(p, fd, 3); some.length > 0; some = names(p, fd, 3)) {
      for (const name of some) if (!name.startsWith('.')) t.is(p.unlinkAt(fd, name, 0), 0);
    }
    t.deepEqual(list(p, '/d'), []);
  });

  test(`${title}: telldir and seekdir`, t => {
    const p = spawn(factory());
    p.mkdirAt(AT, '/d', 0o755);
    for (let i = 0; i < 10; i++) make(p, `/d/${i}`);
    const fd = open(p, '/d', 0o200000);
    const offsets: number[] = [];
    const order: string[] = [];
    p.getDents(fd, (name, _ino, _type, next) => {
      order.push(name);
      return offsets.push(next) > 0;
    });
    p.lseek(fd, offsets[5], 0);
    t.deepEqual(names(p, fd), order.slice(6));
  });

  test(`${title}: copies within the kernel`, t => {
    const p = spawn(factory());
    make(p, '/a', 'x'.repeat(3_000_000));
    const from = open(p, '/a');
    const to = open(p, '/b', 0o102);
    t.is(p.copyRange(from, -1, to, -1, 2_500_000), 2_500_000);
    t.is(p.lseek(from, 0, 1), 2_500_000);
    t.is(p.copyRange(from, 2_999_999, to, 3_000_000, 10), 1);
    t.is(stat(p, '/b').size, 3_000_001);
    t.is(now(p.copyRange(to, 0, from, 0, 1)), -EBADF);
  });
}
