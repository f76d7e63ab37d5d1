import { execFileSync } from 'node:child_process';
import test from 'ava';
import { NR, SYSCALLS, syscallByNumber, syscallName } from '../../src/abi/linux/syscalls.js';

test('the headers agree on every call that they know', t => {
  const macros = execFileSync('cc', ['-E', '-dM', '-x', 'c', '-'], {
    input: '#include <asm/unistd_64.h>',
    encoding: 'utf8',
  });
  const theirs = [...macros.matchAll(/^#define __NR_(\w+) (\d+)$/gm)];
  t.true(theirs.length > 350);
  const newest = Math.max(...theirs.map(match => Number(match[2])));
  for (const [, name, nr] of theirs) t.is(syscallName(Number(nr)), name);
  // uretprobe and uprobe filled a gap long after the numbers around them.
  const known = new Set([...theirs.map(match => match[1]), 'uretprobe', 'uprobe']);
  for (const { nr, name } of SYSCALLS) if (nr <= newest) t.true(known.has(name), name);
});

test('ordered, unique, complete', t => {
  t.is(SYSCALLS.length, Object.keys(NR).length);
  t.is(new Set(SYSCALLS.map(call => call.nr)).size, SYSCALLS.length);
  for (const [i, call] of SYSCALLS.entries()) {
    t.is(call.nr, NR[call.name]);
    if (i > 0) t.true(call.nr > SYSCALLS[i - 1].nr);
  }
  for (let nr = 0; nr <= 336; nr++) t.is(syscallByNumber(nr)?.nr, nr);
  for (let nr = 337; nr <= 423; nr++) t.is(syscallByNumber(nr), undefined);
  for (let nr = 424; nr <= 469; nr++) t.is(syscallByNumber(nr)?.nr, nr);
  t.is(syscallName(400), 'syscall_400');
});

test('the newest calls', t => {
  t.like(NR, { cachestat: 451, fchmodat2: 452, map_shadow_stack: 453, futex_wake: 454, futex_requeue: 456 });
  t.like(NR, { statmount: 457, listmount: 458, lsm_get_self_attr: 459, lsm_list_modules: 461, mseal: 462 });
  t.like(NR, { setxattrat: 463, getxattrat: 464, listxattrat: 465, removexattrat: 466 });
  t.like(NR, { open_tree_attr: 467, file_getattr: 468, file_setattr: 469, uretprobe: 335, uprobe: 336 });
});

test('numbers of arguments', t => {
  const nargs = (name: keyof typeof NR) => syscallByNumber(NR[name])?.nargs;
  for (const [name, n] of [
    ['getpid', 0],
    ['close', 1],
    ['listen', 2],
    ['read', 3],
    ['openat', 4],
    ['statx', 5],
    ['mmap', 6],
    ['preadv2', 6],
  ] as const) {
    t.is(nargs(name), n, name);
  }
  // The source lists every name exactly once: a name that is in no list would have got 6.
  const six = SYSCALLS.filter(call => call.nargs === 6).map(call => call.name);
  t.deepEqual(six, [
    'mmap',
    'sendto',
    'recvfrom',
    'futex',
    'mbind',
    'pselect6',
    'splice',
    'move_pages',
    'epoll_pwait',
    'process_vm_readv',
    'process_vm_writev',
    'copy_file_range',
    'preadv2',
    'pwritev2',
    'io_pgetevents',
    'io_uring_enter',
    'epoll_pwait2',
    'futex_wait',
    'setxattrat',
    'getxattrat',
  ]);
});
