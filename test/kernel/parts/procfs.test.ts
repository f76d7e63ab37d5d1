import test from 'ava';
import { EINVAL, EPERM } from '../../../src/abi/linux/errno.js';
import { makedev } from '../../../src/abi/linux/stat.js';
import { createProcTree } from '../../../src/kernel/parts/procfs.js';
import type { SynthDir, SynthFile, SynthNode } from '../../../src/kernel/parts/synth.js';
import { createSysctlTree } from '../../../src/kernel/parts/sysctl.js';
import type { MountInfo } from '../../../src/kernel/rump_kernel.js';

const ROOT = { uid: 0, gid: 0, groups: [] };
const USER = { uid: 1000, gid: 1000, groups: [] };

const rootMount: MountInfo = {
  id: 1,
  parentId: 0,
  dev: makedev(0, 300),
  root: '/',
  mountPoint: '/rump',
  options: 'rw,relatime',
  type: 'tmpfs',
  source: 'rump',
  superOptions: '',
  magic: 0x01021994,
};

const odd: MountInfo = {
  ...rootMount,
  id: 2,
  parentId: 1,
  mountPoint: '/rump/a b\tc\n\\#\xff',
  options: 'ro,relatime',
  source: '#x y',
  superOptions: 'size=64k,mode=755',
};

/** A kernel's tree, with two modules. */
class Proc {
  readonly mounts: MountInfo[];
  readonly root: SynthDir;

  constructor(...mounts: MountInfo[]) {
    this.mounts = mounts;
    const sysctl = createSysctlTree({
      version: '0.1.0',
      hostname: 'one',
      maxFiles: 1024,
      maxProcs: 4096,
      maxVnodes: 1000,
      bootTime: [1, 2],
      physmem: 1000,
      fsTypes: ['tmpfs'],
    });
    const modules = [
      { name: 'tmpfs', size: 0, users: [] },
      { name: 'vfs', size: 0, users: ['tmpfs', 'fifofs'] },
    ];
    this.root = createProcTree(
      sysctl,
      () => this.mounts,
      () => modules,
    );
  }

  find(path: string): SynthNode | undefined {
    let node: SynthNode | undefined = this.root;
    for (const name of path.split('/')) node = node?.kind === 'dir' ? node.lookup(name) : undefined;
    return node;
  }

  file(path: string): SynthFile {
    const node = this.find(path);
    if (node?.kind !== 'file') throw new Error(path);
    return node;
  }

  text(path: string): string {
    return Buffer.from(this.file(path).read(ROOT)).toString('latin1');
  }

  names(path: string): readonly string[] | undefined {
    const node = this.find(path);
    return node?.kind === 'dir' ? node.list() : undefined;
  }
}

test('the tree', t => {
  const proc = new Proc(rootMount, odd);
  t.deepEqual(proc.root.list(), ['sys', 'mounts', 'mountinfo', 'mountstats', 'modules']);
  t.deepEqual(proc.names('sys'), ['kern', 'hw', 'vfs', 'kernel']);
  t.deepEqual(proc.names('sys/kernel'), ['ostype', 'osrelease', 'version', 'hostname', 'domainname']);
  t.deepEqual(proc.names('sys/vfs/generic'), ['usermount', 'fstypes']);
  for (const missing of ['sys/', 'sys/kern.ostype', 'sys/kern/none', 'sys/kernel/maxfiles', 'cpuinfo']) {
    t.is(proc.find(missing), undefined, missing);
  }
});

test('mount lists, with escapes', t => {
  const proc = new Proc(rootMount, odd);
  t.is(
    proc.text('mounts'),
    'rump /rump tmpfs rw,relatime 0 0\n' +
      '\\043x\\040y /rump/a\\040b\\011c\\012\\134#\xff tmpfs ro,relatime,size=64k,mode=755 0 0\n',
  );
  t.is(
    proc.text('mountinfo'),
    '1 0 0:300 / /rump rw,relatime - tmpfs rump rw\n' +
      '2 1 0:300 / /rump/a\\040b\\011c\\012\\134#\xff ro,relatime - tmpfs \\043x\\040y rw,size=64k,mode=755\n',
  );
  t.true(proc.text('mountstats').startsWith('device rump mounted on /rump with fstype tmpfs\n'));
  t.is(proc.file('mountstats').mode, 0o400);
});

test('a device without a name', t => {
  const proc = new Proc({ ...rootMount, source: '' });
  t.is(proc.text('mounts'), 'none /rump tmpfs rw,relatime 0 0\n');
  t.is(proc.text('mountstats'), 'no device mounted on /rump with fstype tmpfs\n');
});

test('contents are made at each read', t => {
  const proc = new Proc(rootMount, odd);
  const node = proc.file('mounts');
  proc.mounts.pop();
  t.is(Buffer.from(node.read(ROOT)).toString('latin1'), 'rump /rump tmpfs rw,relatime 0 0\n');
});

test('modules', t => {
  const proc = new Proc(rootMount, odd);
  t.is(
    proc.text('modules'),
    'tmpfs 0 0 - Live 0x0000000000000000\nvfs 0 2 tmpfs,fifofs, Live 0x0000000000000000\n',
  );
});

test('sysctl files: kernel/ is kern/', t => {
  const proc = new Proc(rootMount, odd);
  t.is(proc.text('sys/kern/ostype'), 'rump\n');
  t.is(proc.text('sys/kernel/ostype'), 'rump\n');
  t.is(proc.file('sys/kern/ostype').write, undefined);
  t.like(proc.file('sys/kern/ostype'), { mode: 0o444, bindsRoot: true });
  const hostname = proc.file('sys/kernel/hostname');
  t.is(hostname.mode, 0o644);
  t.is(hostname.write?.(Buffer.from('two\n'), ROOT), 4);
  t.is(proc.text('sys/kern/hostname'), 'two\n');
  t.is(hostname.write?.(Buffer.from(''), ROOT), 0);
  t.is(hostname.write?.(Buffer.from('three'), USER), -EPERM);
  t.is(hostname.write?.(Buffer.alloc(5000, 'x'), ROOT), -EINVAL);
  t.is(proc.text('sys/kern/hostname'), 'two\n');
});
