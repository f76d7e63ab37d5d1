/** Random calls on AF_UNIX sockets of the embedded kernel and of the host: every answer, and every readiness, must be the same. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { EmbeddedKernel } from '../../../src/kernel/embedded.js';
import { AT_FDCWD, type KernelProcess } from '../../../src/kernel/rump_kernel.js';
import { HostSockets } from './host_sockets.js';
import { anyOperation, runAll, Side } from './local_operations.js';

const RUNS = Number(process.env.RUMPHIJACK_RUNS ?? 300);

/** A process of a kernel of its own with this process's ids, and with this directory. */
function spawn(directory: string): KernelProcess {
  const cred = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: [] };
  const kernel = new EmbeddedKernel();
  const root = kernel.spawn({
    comm: 'test',
    pid: 1,
    cred: { uid: 0, gid: 0, groups: [] },
    umask: 0,
    prefix: '',
  });
  let path = '';
  for (const name of directory.split('/').slice(1)) {
    path += `/${name}`;
    root.mkdirAt(AT_FDCWD, path, 0o777);
  }
  return kernel.spawn({ comm: 'test', pid: process.pid, cred, umask: 0o022, prefix: '' });
}

test('random calls answer as on the host', t => {
  const base = mkdtempSync(join(tmpdir(), 'local-'));
  try {
    let count = 0;
    const names = { directory: `${base}/`, unique: base };
    fc.assert(
      fc.property(fc.array(anyOperation(names), { minLength: 5, maxLength: 60 }), operations => {
        count++;
        const host = new Side(new HostSockets());
        const rump = new Side(spawn(base));
        try {
          const expected = runAll(host, operations);
          const answers = runAll(rump, operations);
          for (const [i, answer] of answers.entries()) assert.deepEqual(answer, expected[i]);
        } finally {
          host.close();
          rump.close();
          rmSync(base, { recursive: true });
          mkdirSync(base);
        }
      }),
      { numRuns: RUNS, includeErrorInReport: true },
    );
    t.true(count >= RUNS);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
