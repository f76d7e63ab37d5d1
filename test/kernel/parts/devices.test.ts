import test from 'ava';
import { EFAULT, ENOSPC, ENXIO } from '../../../src/abi/linux/errno.js';
import { makedev, S_IFBLK, S_IFCHR } from '../../../src/abi/linux/stat.js';
import { DEVICES, type DeviceDriver, findDevice } from '../../../src/kernel/parts/devices.js';
import { MemoryUio } from './memory_uio.js';

function device(name: string): DeviceDriver {
  const found = DEVICES.find(candidate => candidate.name === name);
  if (found === undefined) throw new Error(name);
  return found;
}

// [read of 10, with a bad address, write of 10, with a bad address, write of 0] on the host
const ROWS: [string, number, number, number, number, number][] = [
  ['null', 0, 0, 10, 10, 0],
  ['zero', 10, -EFAULT, 10, 10, 0],
  ['full', 10, -EFAULT, -ENOSPC, -ENOSPC, -ENOSPC],
  ['random', 10, -EFAULT, 10, -EFAULT, 0],
  ['urandom', 10, -EFAULT, 10, -EFAULT, 0],
];

for (const [name, read, badRead, write, badWrite, emptyWrite] of ROWS) {
  test(`/dev/${name}`, t => {
    t.is(device(name).read(MemoryUio.into(10)), read);
    t.is(device(name).read(MemoryUio.into(10, 0)), badRead);
    t.is(device(name).write(MemoryUio.from('0123456789')), write);
    t.is(device(name).write(MemoryUio.from('0123456789', 0)), badWrite);
    t.is(device(name).write(MemoryUio.from('')), emptyWrite);
  });
}

test('large reads, and one that ends in bad memory', t => {
  const zeros = MemoryUio.into(200_000);
  zeros.memory.fill(1);
  t.is(device('zero').read(zeros), 200_000);
  t.true(zeros.memory.every(byte => byte === 0));
  const random = MemoryUio.into(200_000, 150_000);
  t.is(device('urandom').read(random), 150_000);
  const seen = new Set(random.memory.subarray(140_000, 150_000));
  t.is(seen.size, 256);
});

test('devices by number', t => {
  const found = findDevice(S_IFCHR | 0o666, makedev(1, 3));
  t.is(typeof found === 'number' ? found : found.name, 'null');
  t.is(findDevice(S_IFCHR, makedev(1, 99)), -ENXIO);
  t.is(findDevice(S_IFBLK, makedev(1, 3)), -ENXIO);
});
