/** Random operations on the embedded kernel and on a tmpfs of the host: every answer and every stat must be the same. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { EmbeddedKernel } from '../../src/kernel/embedded.js';
import { AT_FDCWD, type StatFs } from '../../src/kernel/rump_kernel.js';
import { type FileCalls, HostProcess } from './contract/host_kernel.js';
import { anyOperation, comparable, emptyStat, type Operation } from './contract/operations.js';

const RUNS = Number(process.env.RUMPHIJACK_RUNS ?? 300);
const ROOT = { uid: 0, gid: 0, groups: [] };
// Mounting a tmpfs and changing the file-system uid take root.
const asRoot = process.getuid?.() === 0 ? test.serial : test.skip;

/** Everything below a directory, by path. */
function tree(process: FileCalls, path: string): [string, unknown][] {
  const out = emptyStat();
  process.statAt(AT_FDCWD, path, 0x100, out);
  const here: [string, unknown][] = [[path, comparable(out)]];
  if ((out.mode & 0o170000) !== 0o40000) return here;
  const fd = process.openAt(AT_FDCWD, path, 0o200000, 0, 0);
  if (typeof fd !== 'number' || fd < 0) return here;
  const names: string[] = [];
  process.getDents(fd, name => names.push(name) > 0);
  process.close(fd);
  for (const name of names.sort()) {
    if (name !== '.' && name !== '..') here.push(...tree(process, `${path}/${name}`));
  }
  return here;
}

/** Free pages and inodes. */
function free(process: FileCalls): readonly [number, number] {
  const fd = process.openAt(AT_FDCWD, '.', 0o200000, 0, 0);
  if (typeof fd !== 'number' || fd < 0) throw new Error(`cannot open the directory: ${fd}`);
  const out = {} as StatFs;
  process.fstatfs(fd, out);
  process.close(fd);
  return [out.bfree, out.ffree];
}

function run(process: FileCalls, operations: readonly Operation[]): unknown[] {
  const fds: number[] = [];
  process.setCredentials(ROOT);
  const before = free(process);
  const answers = operations.map(operation => [operation.text, operation.run(process, fds)]);
  process.setCredentials(ROOT);
  answers.push(tree(process, '.'));
  for (const fd of fds) process.close(fd);
  const after = free(process);
  answers.push(['taken', before[0] - after[0], before[1] - after[1]]);
  return answers;
}

asRoot('random operations answer as on the host', t => {
  const base = mkdtempSync(join(tmpdir(), 'tmpfs-'));
  execFileSync('mount', ['-t', 'tmpfs', 'none', base]);
  try {
    let count = 0;
    fc.assert(
      fc.property(fc.array(anyOperation, { minLength: 5, maxLength: 60 }), operations => {
        count++;
        const top = join(base, String(count));
        // Deep enough that '..' behind a symbolic link stays within what both kernels have alike.
        const work = join(top, 'w/x/y');
        execFileSync('mkdir', ['-p', work]);
        execFileSync('chmod', ['-R', '1777', top]);
        const host = new HostProcess(work);
        const kernel = new EmbeddedKernel().spawn({
          comm: 'test',
          pid: 1,
          cred: ROOT,
          umask: 0o022,
          prefix: '',
        });
        for (const name of ['top', 'w', 'x', 'y']) {
          kernel.mkdirAt(AT_FDCWD, name, 0o777);
          kernel.chmodAt(AT_FDCWD, name, 0o1777, 0);
          kernel.chdir(name);
        }
        const expected = run(host, operations);
        assert.deepEqual(run(kernel, operations), expected);
        host.release();
        rmSync(top, { recursive: true, force: true });
      }),
      { numRuns: RUNS },
    );
    t.pass();
  } finally {
    execFileSync('umount', ['-l', base]);
    rmSync(base, { recursive: true, force: true });
  }
});
