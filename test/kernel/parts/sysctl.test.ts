import test from 'ava';
import { EINVAL, EISDIR, ENOENT, EPERM } from '../../../src/abi/linux/errno.js';
import {
  createSysctlTree,
  parseSysctl,
  type SysctlFacts,
  SysctlTree,
} from '../../../src/kernel/parts/sysctl.js';

const ROOT = { uid: 0, gid: 0, groups: [] };
const USER = { uid: 1000, gid: 1000, groups: [] };
const FACTS: SysctlFacts = {
  version: '0.1.0',
  hostname: 'rump-1.host',
  maxFiles: 1024,
  maxProcs: 4096,
  maxVnodes: 1e12,
  bootTime: [1_700_000_000, 5],
  physmem: 8 * 2 ** 30,
  fsTypes: ['tmpfs'],
};

test('what the kernel says of itself', t => {
  const tree = createSysctlTree(FACTS);
  t.is(tree.get('kern.ostype'), 'rump');
  t.is(tree.get('kern.osrelease'), '0.1.0');
  t.is(tree.get('kern.osrevision'), '1000000');
  t.is(tree.get('kern.maxvnodes'), '2147483647');
  t.is(tree.get('kern.boottime'), '1700000000\t5');
  t.is(tree.get('hw.physmem64'), '8589934592');
  t.is(tree.get('vfs.generic.fstypes'), 'tmpfs');
});

test('directories and names that are not there', t => {
  const tree = createSysctlTree(FACTS);
  t.deepEqual(tree.list(''), ['kern', 'hw', 'vfs']);
  t.deepEqual(tree.list('vfs'), ['generic']);
  t.is(tree.list('kern.ostype'), undefined);
  t.is(tree.get('kern'), -EISDIR);
  t.is(tree.get('kern.ostype.x'), -ENOENT);
  t.is(tree.set('net.inet', '1', ROOT), -ENOENT);
  t.is(tree.num('kern'), 1);
  t.is(tree.num('kern.hostname'), 10);
  t.is(tree.num('vfs.generic'), 0);
});

test('changing the host name', t => {
  const tree = createSysctlTree(FACTS);
  t.is(tree.set('kern.hostname', 'other\nrest', ROOT), 0);
  t.is(tree.get('kern.hostname'), 'other');
  t.is(tree.set('kern.hostname', 'x'.repeat(256), ROOT), -EINVAL);
  t.is(tree.set('kern.hostname', 'x', USER), -EPERM);
  t.is(tree.set('kern.ostype', 'x', ROOT), -EPERM);
  t.is(tree.set('kern', 'x', ROOT), -EISDIR);
});

test('parts add their own nodes', t => {
  const tree = new SysctlTree();
  let backlog = 128;
  tree.add('kern.somaxconn', {
    type: 'int',
    get: () => backlog,
    set: value => {
      backlog = Number(value);
      return 0;
    },
  });
  t.is(tree.set('kern.somaxconn', '0x10\n', ROOT), 0);
  t.is(tree.get('kern.somaxconn'), '16');
  t.is(tree.set('kern.somaxconn', 'many', ROOT), -EINVAL);
  t.throws(() => tree.add('kern.somaxconn.x', { type: 'int', get: () => 0 }));
});

// What the host's proc_dointvec makes of it.
const NUMBERS: [string, number | undefined][] = [
  ['12', 12],
  [' 12\n', 12],
  ['12\n\n', 12],
  ['-3', -3],
  ['-0', 0],
  ['0x1f', 31],
  ['010', 8],
  ['08', undefined],
  ['', undefined],
  [' \n', undefined],
  ['12a', undefined],
  ['12\0', undefined],
  ['2147483647', 2147483647],
  ['2147483648', undefined],
  ['-2147483648', -2147483648],
];

for (const [text, value] of NUMBERS) {
  test(`an int from ${JSON.stringify(text)}`, t => t.is(parseSysctl('int', text), value));
}

test('other types', t => {
  t.is(parseSysctl('quad', '2147483648'), 2147483648);
  t.is(parseSysctl('quad', '99999999999999999999'), undefined);
  t.is(parseSysctl('bool', '1'), 1);
  t.is(parseSysctl('bool', '2'), undefined);
  t.is(parseSysctl('string', 'a b\0c'), 'a b');
  t.is(parseSysctl('timespec', '1 2'), undefined);
});
