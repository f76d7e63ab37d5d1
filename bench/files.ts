/** Host calls, files and processes. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { bare, built, compare, host, ours, rumphijack, shell, type Way } from './compare.js';

const strace = ['strace', '-f', '--seccomp-bpf', '-e', 'trace=openat', '-o', '/dev/null'];
const calls = built('calls');
for (const pinned of [true, false]) {
  for (const call of ['read', 'write', 'getppid']) {
    compare(
      `1-byte host ${call}`.replace('1-byte host getppid', 'getppid'),
      [
        bare(calls, call, '2000000'),
        { name: 'empty filter', command: [built('allow'), calls, call, '2000000'] },
        ours(calls, call, '2000000'),
      ],
      {
        pinned,
        unit: 'ns',
        base: 'bare',
        ...(call === 'getppid' ? {} : { goal: { way: 'rumphijack', text: '<= 1.2' } }),
      },
    );
  }
  compare(
    '1-byte pread of a rump file',
    [
      { name: 'C tracer', command: [built('tracer'), calls, 'pread', '50000', join(host, 'file')] },
      ours(calls, 'pread', '50000', '/rump/file'),
    ],
    { pinned, unit: 'ns', base: 'C tracer', goal: { way: 'rumphijack', text: '<= 1.7' } },
  );
}

// dd says its time in seconds; the file is dropped before the next one is written.
const dd = (file: string): string[] =>
  shell(
    `dd if=/dev/zero of=${file} bs=1M count=1024 2>&1 | awk '/copied/ {printf "%.0f\\n", 1073.741824 / $(NF - 3)}'; rm ${file}`,
  );
compare('dd of 1 GiB in 1 MiB blocks', [bare(...dd(join(host, 'big'))), ours(...dd('/rump/big'))], {
  unit: 'MB/s',
  base: 'bare',
  goal: { way: 'rumphijack', text: '>= 500 MB/s' },
  digits: 0,
});

// The time of one git status among ten, by the shell's own clock, without the start of the tracer or of git init.
const repo = join(host, 'repo');
const make = (dir: string): string =>
  `mkdir ${dir} && cd ${dir} && git init -q && for i in $(seq 1000); do echo $i > f$i; done && git add . && git -c user.name=A -c user.email=a@example.org commit -qm all`;
const status = `s=$(date +%s%N); for i in 1 2 3 4 5; do git status --short; done; e=$(date +%s%N); echo $(( (e - s) / 5000 ))`;
execFileSync('sh', ['-c', make(repo)], { stdio: 'ignore' });
const there = shell(`cd ${repo} && git status --short && ${status}`);
const inside = shell(`${make('/rump/repo')} && git status --short && ${status}`);
const spawns = [built('spawn'), '200', built('nothing')];
for (const pinned of [true, false]) {
  const peers = (command: readonly string[]): Way[] => [
    { name: 'strace', command: [...strace, ...command] },
    { name: 'proot', command: ['proot', ...command] },
  ];
  compare(
    'git status of 1,000 files',
    [
      bare(...there),
      ours(...inside),
      { name: 'ours, on host', command: [...rumphijack, ...there] },
      ...peers(there),
    ],
    { pinned, unit: 'µs', base: 'bare', digits: 0 },
  );
  compare('fork+exec of a static program', [bare(...spawns), ours(...spawns), ...peers(spawns)], {
    pinned,
    unit: 'µs',
    base: 'bare',
    digits: 0,
  });
}
