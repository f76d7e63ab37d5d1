/** The embedded kernel, in process, under the contract that all kernels share; and what only it promises. */
import test from 'ava';
import { EmbeddedKernel } from '../../src/kernel/embedded.js';
import { AT_FDCWD } from '../../src/kernel/rump_kernel.js';
import { contentContract } from './contract/contents.js';
import { nameContract } from './contract/names.js';
import { processContract } from './contract/processes.js';
import { rightsContract } from './contract/rights.js';
import { make, names, open, spawn, stat, write } from './contract/support.js';
import { systemContract } from './contract/systems.js';

const factory = () => new EmbeddedKernel();

nameContract('embedded', factory);
contentContract('embedded', factory);
rightsContract('embedded', factory);
processContract('embedded', factory);
systemContract('embedded', factory);

test('an unlinked file gives its pages back at the last close', t => {
  const kernel = new EmbeddedKernel();
  const p = spawn(kernel);
  const fd = open(p, '/f', 0o102);
  write(p, fd, 'x'.repeat(100_000));
  t.is(kernel.pages.used, 25);
  p.unlinkAt(AT_FDCWD, '/f', 0);
  t.is(kernel.pages.used, 25);
  p.exit();
  t.is(kernel.pages.used, 0);
});

test('unmounting gives pages back, detaching at the last close', t => {
  const kernel = new EmbeddedKernel();
  const p = spawn(kernel);
  p.mkdirAt(AT_FDCWD, '/m', 0o755);
  p.mount('none', '/m', 'tmpfs', 0, '');
  make(p, '/m/f', 'x');
  p.linkAt(AT_FDCWD, '/m/f', AT_FDCWD, '/m/g', 0);
  const fd = open(p, '/m/f');
  p.umount('/m', 2);
  t.is(kernel.pages.used, 1);
  p.close(fd);
  t.is(kernel.pages.used, 0);
});

test('a directory of 100,000 entries is read by small steps in linear time', t => {
  const p = spawn(new EmbeddedKernel());
  p.mkdirAt(AT_FDCWD, '/d', 0o755);
  for (let i = 0; i < 100_000; i++) p.mknodAt(AT_FDCWD, `/d/${i}`, 0o100644, 0);
  const fd = open(p, '/d', 0o200000);
  let count = 0;
  // Were each step to begin at the start, these would be 5,000,000,000 entries.
  for (let some = names(p, fd, 1); some.length > 0; some = names(p, fd, 1)) count += some.length;
  t.is(count, 100_002);
});

test('the clock can be given', t => {
  const p = spawn(new EmbeddedKernel({ now: () => 1_234_567.25 }));
  make(p, '/f');
  t.like(stat(p, '/f'), { mtimeSec: 1234, mtimeNsec: 567_250_000 });
});
