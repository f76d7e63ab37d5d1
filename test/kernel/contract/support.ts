/** What the contract tests share: any kernel's processes, and short forms of common calls. */

import type { ExecutionContext } from 'ava';
import type { MountInfo, Result, RumpKernel, StatFs } from '../../../src/kernel/rump_kernel.js';
import {
  AT_FDCWD,
  type Credentials,
  type KernelProcess,
  type Stat,
} from '../../../src/kernel/rump_kernel.js';
import { BufferUio } from '../../../src/kernel/vfs/uio.js';

/** ava's test, or test.serial for kernels that there is only one of. */
export type TestFunction = (title: string, implementation: (t: ExecutionContext) => unknown) => void;

/** What a kernel behind NetBSD's system calls has no word for; Linux programs fall back from the errno that they get. */
export type Feature =
  | 'paths of 4095'
  | 'rename flags'
  | 'links to the prefix'
  | 'openat2'
  | 'O_TMPFILE'
  | 'RWF_APPEND'
  | 'SEEK_DATA'
  | 'fallocate modes'
  | 'reopening the removed'
  | 'cancelled opens'
  | 'mount sources';
/** Says whether the kernel lacks it. */
export type Lacks = (feature: Feature) => boolean;
export const lacksNothing: Lacks = () => false;

/** Makes a fresh kernel with an empty root, apart from /dev. */
export type KernelFactory = () => RumpKernel;

export const ROOT: Credentials = { uid: 0, gid: 0, groups: [] };
export const ALICE: Credentials = { uid: 1000, gid: 1000, groups: [1000, 50] };
export const BOB: Credentials = { uid: 1001, gid: 1001, groups: [1001] };

export function spawn(
  kernel: RumpKernel,
  cred: Credentials = ROOT,
  prefix = '/rump',
  pid = 100,
): KernelProcess {
  return kernel.spawn({ comm: 'test', pid, cred, umask: 0o022, prefix });
}

/** The result of a call that must not wait. */
export function now(result: Result): number {
  if (typeof result !== 'number') throw new Error('the call waits');
  return result;
}

export function open(process: KernelProcess, path: string, flags = 0, mode = 0o644): number {
  return now(process.openAt(AT_FDCWD, path, flags, mode, 0));
}

export function write(process: KernelProcess, fd: number, text: string): number {
  return now(process.write(fd, new BufferUio(Buffer.from(text, 'latin1'), 'write')));
}

export function read(process: KernelProcess, fd: number, length: number): string | number {
  const out = Buffer.alloc(length);
  const got = now(process.read(fd, new BufferUio(out, 'read')));
  return got < 0 ? got : out.toString('latin1', 0, got);
}

/** Makes a file with this text. */
export function make(process: KernelProcess, path: string, text = '', mode = 0o644): void {
  const fd = open(process, path, 0o1101, mode);
  if (fd < 0) throw new Error(`${path}: ${fd}`);
  write(process, fd, text);
  process.close(fd);
}

/** A file's text, or -errno. */
export function text(process: KernelProcess, path: string): string | number {
  const fd = open(process, path);
  if (fd < 0) return fd;
  const found = read(process, fd, 65536);
  process.close(fd);
  return found;
}

export function stat(process: KernelProcess, path: string, flags = 0x100): Stat {
  const out = {} as Stat;
  const status = process.statAt(AT_FDCWD, path, flags, out);
  if (status !== 0) throw new Error(`${path}: ${status}`);
  return out;
}

export function statfs(process: KernelProcess, path: string): StatFs {
  const out = {} as StatFs;
  const status = process.statfs(path, out);
  if (status !== 0) throw new Error(`${path}: ${status}`);
  return out;
}

/** The names in an open directory from its offset on, at most `count`. */
export function names(process: KernelProcess, fd: number, count = Infinity): string[] {
  const found: string[] = [];
  process.getDents(fd, name => found.length < count && found.push(name) > 0);
  return found;
}

export function list(process: KernelProcess, path: string): string[] {
  const fd = open(process, path, 0o200000);
  const found = names(process, fd).filter(name => name !== '.' && name !== '..');
  process.close(fd);
  return found.sort();
}

export function cwd(process: KernelProcess): string | number {
  const out = Buffer.alloc(4096);
  const length = now(process.getcwd(out));
  return length < 0 ? length : out.toString('latin1', 0, length);
}

/** An open descriptor's path. */
export function pathOf(process: KernelProcess, fd: number): string {
  const out = Buffer.alloc(4096);
  return out.toString('latin1', 0, now(process.pathOf(fd, out)));
}

export function mounts(process: KernelProcess): MountInfo[] {
  const list: MountInfo[] = [];
  now(process.mounts(list));
  return list;
}
