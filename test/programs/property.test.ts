// Random file operations on /rump and on a host tmpfs: every result, errno and stat field is the same.
// RUMPHIJACK_SEED and RUMPHIJACK_RUNS choose other sequences, and more of them.
import { mkdirSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { exec, program, run, scratch } from '../support/run.js';

const seed = Number(process.env.RUMPHIJACK_SEED ?? 20260101);
const numRuns = Number(process.env.RUMPHIJACK_RUNS ?? 40);

// Few names, so that operations meet each other's files; and ways to say the same file in other words.
const name = fc.constantFrom('a', 'b', 'c', 'd', 'd/a', 'd/b', 'd/e', 'd/e/a', 'l', 'd/l');
const path = fc.oneof(
  { weight: 8, arbitrary: name },
  {
    weight: 1,
    arbitrary: fc.constantFrom('.', '..', './a', 'd/../a', 'd/', 'a/', 'd/.', 'd/..', 'l/a', 'a/b'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('../side/a', '../side', 'd//e///a', 'x'.repeat(255), 'x'.repeat(256)),
  },
);
const slot = fc.nat(7);
const size = fc.oneof(fc.nat(64), fc.constantFrom(4095, 4096, 4097, 8192, 60_000));
const offset = fc.oneof(fc.nat(100), fc.constantFrom(4096, 8191, 100_000, -1));
const mode = fc.constantFrom('0644', '0600', '0755', '0700', '04755', '01777', '0');
// O_CREAT 0100, O_EXCL 0200, O_TRUNC 01000, O_APPEND 02000, O_DIRECTORY 0200000, O_NOFOLLOW 0400000, O_PATH 010000000
const flags = fc.constantFrom(
  ...[
    '0',
    '1',
    '2',
    '0102',
    '0102',
    '0102',
    '0101',
    '0302',
    '01102',
    '02102',
    '0200000',
    '0400000',
    '010000000',
    '03',
  ],
  ...['0200102', '0400102', '01000', '010400000'],
);
const whence = fc.nat(5);
const bytes = fc.nat(255);

const op = (word: string, ...args: fc.Arbitrary<string | number>[]): fc.Arbitrary<string> =>
  fc.tuple(...args).map(values => [word, ...values].join(' '));

const operation = fc.oneof(
  { weight: 8, arbitrary: op('open', slot, path, flags, mode) },
  { weight: 2, arbitrary: op('close', slot) },
  op('dup', slot, slot),
  { weight: 3, arbitrary: op('read', slot, size) },
  { weight: 2, arbitrary: op('pread', slot, size, offset) },
  op('readv', slot, size),
  { weight: 4, arbitrary: op('write', slot, size, bytes) },
  { weight: 2, arbitrary: op('pwrite', slot, size, offset, bytes) },
  op('writev', slot, size, bytes),
  { weight: 2, arbitrary: op('lseek', slot, offset, whence) },
  op('ftruncate', slot, offset),
  op('truncate', path, offset),
  op('fallocate', slot, fc.constantFrom(0, 1, 3, 2, 16), offset, size),
  op('copy', slot, slot, size),
  op('sendfile', slot, slot, size),
  op('getfl', slot),
  op('setfl', slot, fc.constantFrom('0', '02000', '04000')),
  { weight: 2, arbitrary: op('fstat', slot) },
  { weight: 3, arbitrary: op('stat', path) },
  { weight: 3, arbitrary: op('lstat', path) },
  op('access', path, fc.nat(7)),
  { weight: 4, arbitrary: op('mkdir', path, mode) },
  op('mknod', path, fc.constantFrom('0100644', '010600', '0644')),
  { weight: 2, arbitrary: op('rmdir', path) },
  { weight: 2, arbitrary: op('unlink', path) },
  { weight: 4, arbitrary: op('rename', path, path, fc.constantFrom(0, 0, 0, 1, 2, 3)) },
  { weight: 3, arbitrary: op('link', path, path, fc.constantFrom('0', '0x400')) },
  {
    weight: 3,
    arbitrary: op('symlink', fc.constantFrom('a', 'd', 'l', '../work/a', 'none', 'd/e', '.', '..'), path),
  },
  op('readlink', path, fc.constantFrom(0, 1, 3, 100)),
  op('chmod', path, mode),
  op('fchmod', slot, mode),
  op('chown', path, fc.constantFrom(0, 1, -1), fc.constantFrom(0, 5, -1)),
  op('umask', fc.constantFrom('022', '0', '077')),
  {
    weight: 2,
    arbitrary: op(
      'utimens',
      path,
      fc.constantFrom(1, 1000),
      fc.constantFrom(0, 7),
      fc.constantFrom('0', '0x100'),
    ),
  },
  { weight: 3, arbitrary: op('list', path) },
  { weight: 2, arbitrary: op('chdir', fc.constantFrom('.', '..', 'd', 'd/e', '../work', 'l', 'a')) },
  op('getcwd'),
);

/** The first line that differs, with its number and what led to it. */
function difference(bare: string, rump: string): string | undefined {
  const host = bare.split('\n');
  const ours = rump.split('\n');
  const at = host.findIndex((line, i) => line !== ours[i]);
  if (at < 0 && host.length === ours.length) return undefined;
  const before = host.slice(0, at).map(line => `        ${line}`);
  return [...before, `  host: ${host[at]}`, `  rump: ${ours[at]}`].join('\n');
}

for (const kind of ['', '.static']) {
  test(`random file operations are as on a host tmpfs${kind}`, async t => {
    t.timeout(15 * 60_000);
    const ops = program(`ops${kind}`);
    const host = scratch(t);
    let count = 0;
    const property = fc.asyncProperty(
      fc.array(operation, { minLength: 5, maxLength: 120, size: 'max' }),
      async lines => {
        const input = `${lines.join('\n')}\n`;
        // Some levels down, so that a chdir to .. now and then does not come to where the two do differ.
        const dir = `${host}/${++count}/top/1/2/3/4/work`;
        mkdirSync(dir, { recursive: true });
        const bare = await exec(ops, [dir], { input });
        const make = 'umask 022; mkdir -p "$0" && exec "$1" "$0"';
        const rump = await run(['run', '--', 'sh', '-c', make, '/rump/top/1/2/3/4/work', ops], { input });
        if (rump.status !== bare.status)
          throw new Error(`status ${rump.status}, not ${bare.status}: ${rump.stderr}`);
        const differs = difference(bare.stdout, rump.stdout);
        if (differs !== undefined) throw new Error(`differs:\n${differs}`);
      },
    );
    // The two kinds of program get different sequences.
    await fc.assert(property, { seed: seed + kind.length, numRuns, includeErrorInReport: true });
    t.pass();
  });
}
