// Measures what a run costs, each figure beside what it is compared with, in one session: the ways take turns (A B A B),
// so that a slow moment of the machine meets all of them, and medians are compared.
//
//   npm run bench [-- ROUNDS]     ROUNDS of each, 5 unless told
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const built = (name: string): string => join(root, 'dist/bench', name);
const rumphijack = [join(root, 'bin/rumphijack'), 'run', '--'];
const strace = ['strace', '-f', '--seccomp-bpf', '-e', 'trace=openat', '-o', '/dev/null'];
const rounds = Number(process.argv[2] ?? 5);
const host = mkdtempSync('/dev/shm/rumphijack-bench-');
process.on('exit', () => rmSync(host, { recursive: true, force: true }));

type Way = { name: string; command: readonly string[] };
type Unit = 'ns' | 'µs' | 'ms' | 'MB/s' | 'calls/s';
type Row = { what: string; way: string; value: string; ratio: string; goal: string };
const rows: Row[] = [];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Runs a command and returns the number that ends its output, or NaN, with its message, when it fails. */
function measure(command: readonly string[], pinned: boolean): number {
  const [first = 'true', ...rest] = pinned ? ['taskset', '-c', '0', ...command] : command;
  const { status, stdout, stderr } = spawnSync(first, rest, { encoding: 'utf8', timeout: 300_000 });
  const number = Number(stdout.trim().split(/\s+/).at(-1));
  if (status === 0 && Number.isFinite(number)) return number;
  console.error(`bench: ${command.join(' ')}: status ${status}\n${stderr.trim()}`);
  return Number.NaN;
}

type Options = {
  pinned?: boolean;
  unit: Unit;
  base: string;
  goal?: { way: string; text: string };
  digits?: number;
};

/** The ways take turns; each becomes a row, with its ratio to the one named base. */
function compare(what: string, ways: readonly Way[], options: Options): void {
  const { pinned = false, unit, base, goal, digits = 1 } = options;
  const samples = new Map<string, number[]>(ways.map(way => [way.name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) samples.get(way.name)?.push(measure(way.command, pinned));
  }
  const reference = median(samples.get(base) ?? []);
  for (const { name } of ways) {
    const value = median(samples.get(name) ?? []);
    const row = {
      what: `${what}${pinned ? ', pinned' : ''}`,
      way: name,
      value: Number.isNaN(value) ? 'failed' : `${value.toFixed(digits)} ${unit}`,
      ratio: name === base || Number.isNaN(value) ? '' : (value / reference).toFixed(2),
      goal: goal?.way === name ? goal.text : '',
    };
    rows.push(row);
    console.log(line(row));
  }
}

const line = ({ what, way, value, ratio, goal }: Row): string =>
  [what.padEnd(38), way.padEnd(14), value.padStart(13), ratio.padStart(8), goal].join('  ').trimEnd();

const bare = (...command: string[]): Way => ({ name: 'bare', command });
const ours = (...command: string[]): Way => ({ name: 'rumphijack', command: [...rumphijack, ...command] });
const shell = (script: string): string[] => ['sh', '-c', script];

console.log(
  line({ what: `what (median of ${rounds})`, way: 'how', value: 'each', ratio: 'ratio', goal: 'goal' }),
);

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
// rump_sp: our client and our server, in two processes, beside a bare socket that carries the same bytes.
const wire = built('wire');
const rpc = (url: string, what: string, count: string): string[] => [
  'node',
  built('rpc.js'),
  url,
  what,
  count,
];
const socket = join(host, 'socket');
const pids = ['unix', 'tcp'].map(kind => join(host, kind));
const serve = (pidFile: string, url: string): string =>
  execFileSync(rumphijack[0] ?? '', ['server', '--pid-file', pidFile, url], { encoding: 'utf8' }).trim();
serve(pids[0] ?? '', `unix://${socket}`);
const tcp = serve(pids[1] ?? '', 'tcp://127.0.0.1:0/');
try {
  for (const pinned of [true, false]) {
    const bareWire = (out: string, back: string): Way => ({
      name: 'bare socket',
      command: [wire, 'ping', '20000', out, back],
    });
    const over = (url: string, what: string, name: string): Way => ({
      name,
      command: rpc(url, what, what === 'getpid' ? '20000' : '3000'),
    });
    compare(
      'round trip of getpid',
      [
        bareWire('24', '48'),
        over(`unix://${socket}`, 'getpid', 'over unix'),
        over(tcp, 'getpid', 'over tcp'),
      ],
      { pinned, unit: 'µs', base: 'bare socket', goal: { way: 'over unix', text: '<= 1.5' } },
    );
    // A request and a COPYIN each way before the answer: what the frames of one call carry.
    compare('pwrite of 64 KiB', [bareWire('65664', '88'), over(`unix://${socket}`, 'pwrite', 'over unix')], {
      pinned,
      unit: 'µs',
      base: 'bare socket',
    });
    compare('pread of 64 KiB', [bareWire('64', '65624'), over(`unix://${socket}`, 'pread', 'over unix')], {
      pinned,
      unit: 'µs',
      base: 'bare socket',
    });
  }
  compare(
    'calls of many clients',
    [
      { name: '1 client', command: [wire, 'clients', socket, '1', '20000'] },
      { name: '200 clients', command: [wire, 'clients', socket, '200', '1000'] },
    ],
    { unit: 'calls/s', base: '1 client', digits: 0 },
  );
} finally {
  for (const pid of pids) process.kill(Number(readFileSync(pid, 'utf8')));
}
if (rows.some(row => row.value === 'failed')) process.exitCode = 1;
