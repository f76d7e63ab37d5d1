import test from 'ava';
import * as dirent from '../../../src/abi/netbsd/dirent.js';
import * as errno from '../../../src/abi/netbsd/errno.js';
import * as event from '../../../src/abi/netbsd/event.js';
import * as fcntl from '../../../src/abi/netbsd/fcntl.js';
import * as iface from '../../../src/abi/netbsd/interface.js';
import * as ioctl from '../../../src/abi/netbsd/ioctl.js';
import * as mount from '../../../src/abi/netbsd/mount.js';
import * as msg from '../../../src/abi/netbsd/msg.js';
import { NB, NB_MAX, NB_SLOTS, NO_SLOTS, netbsdCallName } from '../../../src/abi/netbsd/nr.js';
import * as poll from '../../../src/abi/netbsd/poll.js';
import * as route from '../../../src/abi/netbsd/route.js';
import * as signal from '../../../src/abi/netbsd/signal.js';
import * as socket from '../../../src/abi/netbsd/socket.js';
import * as stat from '../../../src/abi/netbsd/stat.js';
import * as statvfs from '../../../src/abi/netbsd/statvfs.js';
import * as sysctl from '../../../src/abi/netbsd/sysctl.js';
import * as time from '../../../src/abi/netbsd/time.js';
import * as xattr from '../../../src/abi/netbsd/xattr.js';
import { ABI, SYSCALLS } from './vectors.js';

/** By module, with how many of its constants the table knows at least: so that a change of names does not empty the test. */
const MODULES: readonly (readonly [string, object, number])[] = [
  ['dirent', dirent, 5],
  ['errno', errno, 96],
  ['event', event, 19],
  ['fcntl', fcntl, 50],
  ['interface', iface, 11],
  ['ioctl', ioctl, 27],
  ['mount', mount, 9],
  ['msg', msg, 28],
  ['poll', poll, 10],
  ['route', route, 21],
  ['signal', signal, 34],
  ['socket', socket, 100],
  ['stat', stat, 16],
  ['statvfs', statvfs, 3],
  ['sysctl', sysctl, 9],
  ['time', time, 4],
  ['xattr', xattr, 0],
];

/** The offset that a name like ST_MODE stands for: of the field st_mode, whatever the struct. */
const OFFSETS = new Map(
  [...ABI].flatMap(([what, value]) => {
    const field = /^offsetof\(struct \w+,(\w+_\w+)\)$/.exec(what)?.[1];
    return field === undefined ? [] : [[field.toUpperCase(), value] as const];
  }),
);

/** What the table says of NB_name: a constant, a struct's size or a field's offset. */
function expected(name: string): number | undefined {
  const size = /^(\w+)_SIZE$/.exec(name)?.[1].toLowerCase();
  return ABI.get(name) ?? ABI.get(`sizeof(struct ${size ?? ''})`) ?? OFFSETS.get(name);
}

for (const [name, module, atLeast] of MODULES) {
  test(`constants of ${name}.ts`, t => {
    let found = 0;
    for (const [constant, value] of Object.entries(module)) {
      if (!constant.startsWith('NB_') || typeof value !== 'number') continue;
      const right = expected(constant.slice(3));
      if (right === undefined) continue;
      t.is(value, right, constant);
      found++;
    }
    t.true(found >= atLeast, `${found} of ${name}.ts are in the table`);
  });
}

/** A kernel's name for a call that returns two values says which the second is: getpid_with_ppid. */
function plainName(name: string): string {
  return name.replace(/_with_\w+$/, '');
}

test('numbers and slots of system calls', t => {
  const rows = new Map(SYSCALLS.map(row => [plainName(row.name), row]));
  for (const [name, nr] of Object.entries(NB)) {
    const row = rows.get(name);
    t.is(row?.nr, nr, name);
    t.is(row?.slots, NB_SLOTS[nr], name);
    t.is(netbsdCallName(nr), name);
  }
});

test('every call that a rump kernel serves is known', t => {
  const served = SYSCALLS.filter(row => row.served);
  t.true(served.length > 200);
  for (const { name } of served) t.true(plainName(name) in NB, name);
});

test('numbers that are no call', t => {
  const known = new Set<number>(Object.values(NB));
  t.is(NB_SLOTS.length, NB_MAX);
  for (let nr = 0; nr < NB_MAX; nr++) t.is(NB_SLOTS[nr] === NO_SLOTS, !known.has(nr), String(nr));
  t.is(netbsdCallName(NB_MAX), `syscall ${NB_MAX}`);
});
