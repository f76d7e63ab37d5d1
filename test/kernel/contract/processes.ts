/** Processes: descriptors, fork and exec, locks, fifos. */
import anyOrder from 'ava';
import { EAGAIN, EBADF, EINVAL, EMFILE, ENXIO, EPIPE, ESPIPE } from '../../../src/abi/linux/errno.js';
import { AT_FDCWD, type FileLock, type Pending, type Result } from '../../../src/kernel/rump_kernel.js';
import { BufferUio } from '../../../src/kernel/vfs/uio.js';
import {
  cwd,
  type KernelFactory,
  type Lacks,
  lacksNothing,
  make,
  open,
  ROOT,
  read,
  spawn,
  stat,
  type TestFunction,
  text,
  write,
} from './support.js';

const AT = AT_FDCWD;
const [F_RDLCK, F_WRLCK, F_UNLCK] = [0, 1, 2];

function lock(type: number, start = 0, len = 0): FileLock {
  return { type, whence: 0, start, len, pid: 0 };
}

/** The answer of a call that waits, once it comes. */
function later(result: Result): Promise<number> {
  if (typeof result === 'number') throw new Error(`the call does not wait: ${result}`);
  return new Promise(resolve => result.onDone(resolve));
}

export function processContract(
  title: string,
  factory: KernelFactory,
  test: TestFunction = anyOrder,
  lacks: Lacks = lacksNothing,
): void {
  test(`${title}: descriptors`, t => {
    const p = spawn(factory());
    const first = open(p, '/a', 0o102);
    t.is(open(p, '/b', 0o2000102), first + 1);
    t.is(p.getFdFlags(first), 0);
    t.is(p.getFdFlags(first + 1), 1);
    t.is(p.dup(first, 0, true), first + 2);
    t.is(p.dup(first, 50, false), 50);
    t.is(p.setFdFlags(50, 1), 0);
    t.is(p.getFdFlags(50), 1);
    t.is(p.close(first), 0);
    t.is(p.close(first), -EBADF);
    t.false(p.isOpen(first));
    t.is(open(p, '/c', 0o102), first);
    write(p, 50, 'shared');
    t.is(p.lseek(first + 2, 0, 1), 6);
    t.is(p.dup(first, -1, false), -EINVAL);
    t.is(p.fileType(first), 0o100000);
  });

  test(`${title}: the limit on descriptors`, t => {
    const p = spawn(factory());
    p.setLimits({ nofile: 6, fsize: Infinity });
    let last = 0;
    for (let i = 0; i < 10 && last >= 0; i++) last = open(p, '/f', 0o102);
    t.is(last, -EMFILE);
    t.is(open(p, '/none'), -EMFILE);
    t.is(p.dup(3, 0, false), -EMFILE);
    t.is(p.dup(3, 6, false), -EINVAL);
  });

  test(`${title}: status flags`, t => {
    const p = spawn(factory());
    const fd = open(p, '/f', 0o2302);
    t.is(p.getStatusFlags(fd), 0o102002);
    t.is(p.setStatusFlags(fd, 0o4000), 0);
    t.is(p.getStatusFlags(fd), 0o104002);
    const path = open(p, '/f', 0o10000000);
    t.is(p.getStatusFlags(path), 0o10000000);
    t.is(read(p, path, 1), -EBADF);
    t.is(p.fchmod(path, 0), -EBADF);
    t.is(p.setStatusFlags(path, 0), -EBADF);
    t.is(
      stat(p, '/f').ino,
      (() => {
        const out = stat(p, '/f');
        p.fstat(path, out);
        return out.ino;
      })(),
    );
  });

  test(`${title}: reopening is a new description of the same file`, t => {
    const p = spawn(factory());
    const fd = open(p, '/f', 0o102);
    write(p, fd, 'text');
    p.unlinkAt(AT, '/f', 0);
    const again = Number(p.reopen(fd, 0));
    // Where a path is all that leads to a file, a copy of the descriptor is what can be had.
    if (lacks('reopening the removed')) return t.is(p.lseek(again, 0, 0), 0);
    t.is(read(p, again, 10), 'text');
    t.is(p.lseek(fd, 0, 1), 4);
  });

  test(`${title}: fork copies or shares`, t => {
    const p = spawn(factory());
    const fd = open(p, '/f', 0o102);
    const copy = p.fork(101, { files: false, fs: false });
    const shared = p.fork(102, { files: true, fs: true });
    write(copy, fd, 'child');
    t.is(p.lseek(fd, 0, 1), 5);
    copy.close(fd);
    t.true(p.isOpen(fd));
    p.chdir('/dev');
    t.is(cwd(shared), '/dev');
    t.is(cwd(copy), '/');
    shared.umask(0o077);
    t.is(p.umask(0), 0o077);
    shared.unshare({ files: true, fs: true });
    shared.close(fd);
    t.true(p.isOpen(fd));
    shared.exit();
    copy.exit();
    t.is(text(p, '/f'), 'child');
  });

  test(`${title}: exec closes what is marked, in a table of its own`, t => {
    const p = spawn(factory());
    const keep = open(p, '/f', 0o102);
    const drop = open(p, '/f', 0o2000000);
    const other = p.fork(101, { files: true, fs: false });
    other.exec('next');
    t.deepEqual([other.isOpen(keep), other.isOpen(drop)], [true, false]);
    t.true(p.isOpen(drop));
  });

  test(`${title}: process locks`, async t => {
    const kernel = factory();
    const [p, q] = [spawn(kernel, ROOT, '', 100), spawn(kernel, ROOT, '', 200)];
    const [fd, gd] = [open(p, '/f', 0o102), open(q, '/f', 0o102)];
    t.is(p.setLock(fd, lock(F_WRLCK, 0, 10), false, false), 0);
    t.is(q.setLock(gd, lock(F_RDLCK, 5, 1), false, false), -EAGAIN);
    const asked = lock(F_RDLCK, 5, 1);
    t.is(q.getLock(gd, asked, false), 0);
    t.deepEqual(asked, { type: F_WRLCK, whence: 0, start: 0, len: 10, pid: 100 });
    const waiting = later(q.setLock(gd, lock(F_WRLCK), false, true));
    // Closing any descriptor of the file releases the process's locks on it.
    p.close(open(p, '/f'));
    t.is(await waiting, 0);
    q.exit();
    const free = lock(F_WRLCK);
    p.getLock(fd, free, false);
    t.is(free.type, F_UNLCK);
  });

  test(`${title}: flock belongs to the open file description`, t => {
    const kernel = factory();
    const p = spawn(kernel);
    const [one, two] = [open(p, '/f', 0o102), open(p, '/f', 0o102)];
    t.is(p.flock(one, 2), 0);
    t.is(p.flock(two, 6), -EAGAIN);
    const copy = Number(p.dup(one, 0, false));
    p.close(one);
    t.is(p.flock(two, 6), -EAGAIN);
    p.close(copy);
    t.is(p.flock(two, 6), 0);
    t.is(p.flock(two, 0), -EINVAL);
  });

  test(`${title}: fifos`, async t => {
    const kernel = factory();
    const [p, q] = [spawn(kernel), spawn(kernel)];
    t.is(p.mknodAt(AT, '/fifo', 0o10644, 0), 0);
    t.is(p.openAt(AT, '/fifo', 0o4001, 0, 0), -ENXIO);
    const opening = later(p.openAt(AT, '/fifo', 0, 0, 0));
    const writer = open(q, '/fifo', 1);
    const reader = await opening;
    t.true(reader >= 0);
    t.is(write(q, writer, 'through'), 7);
    t.is(p.readable(reader), 7);
    t.is(read(p, reader, 100), 'through');
    const out = Buffer.alloc(3);
    const reading = later(p.read(reader, new BufferUio(out, 'read')));
    write(q, writer, 'abc');
    t.is(await reading, 3);
    t.is(p.lseek(reader, 0, 0), -ESPIPE);
    p.close(reader);
    t.is(write(q, writer, 'x'), -EPIPE);
  });

  test(`${title}: a cancelled open of a fifo leaves nothing`, t => {
    const p = spawn(factory());
    p.mknodAt(AT, '/fifo', 0o10644, 0);
    const opening: Result = p.openAt(AT, '/fifo', 0, 0, 0);
    t.not(typeof opening, 'number');
    (opening as Pending).cancel();
    // Nobody can tell a server to stop: its open ends when a writer comes, and what it gives is closed.
    if (lacks('cancelled opens')) return;
    t.is(p.openAt(AT, '/fifo', 0o4001, 0, 0), -ENXIO);
  });

  test(`${title}: the last exit lets go of everything`, t => {
    const kernel = factory();
    const p = spawn(kernel);
    p.mkdirAt(AT, '/m', 0o755);
    p.mount('none', '/m', 'tmpfs', 0, '');
    const child = p.fork(101, { files: false, fs: false });
    child.chdir('/m');
    open(child, '/m/f', 0o102);
    t.is(p.umount('/m', 0), -16);
    child.exit();
    t.is(p.umount('/m', 0), 0);
    make(p, '/m/below');
    t.is(text(p, '/m/below'), '');
  });
}
