/** explain: what it says of a call is what happens to it; and a filter in words does what the filter does. */
import test from 'ava';
import fc from 'fast-check';
import { NR, syscallByNumber } from '../../src/abi/linux/syscalls.js';
import { explainCall, explanationText, isSyscallName, similarCalls } from '../../src/debug/explain.js';
import { filterText } from '../../src/debug/filter_text.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { describePolicy, describeUnset } from '../../src/policy/words.js';
import { policyFilter } from '../../src/rewrite/rules.js';
import { TABLE } from '../../src/rewrite/table.js';
import { run } from '../support/run.js';

const DEFAULT = parsePolicy(undefined);
const said = (line: string, spec?: string, cwd = '/home/u'): string => {
  const [call = '', ...args] = line.split(' ');
  if (!isSyscallName(call)) throw new Error(`no call ${call}`);
  return explanationText(explainCall(spec === undefined ? DEFAULT : parsePolicy(spec), call, args, cwd)).join(
    '\n',
  );
};

const CASES: readonly (readonly [line: string, first: string, spec?: string | undefined, cwd?: string])[] = [
  ['openat /rumpdev/x', 'openat("/rumpdev/x"): host, path=/rump: the prefix ends inside a component'],
  ['openat /rump/x', 'openat("/rump/x"): rump, path=/rump is a prefix'],
  ['openat AT_FDCWD /rump/x O_RDONLY', 'openat("/rump/x"): rump, path=/rump is a prefix'],
  [
    'openat 131 f',
    'openat("f"): rump, a relative path goes by its directory, and fd 131 is rump 3, if that is open',
  ],
  ['stat x', 'stat("x"): rump, the working directory /rump/d is in the rump kernel', undefined, '/rump/d'],
  ['stat x', 'stat("x"): host, the working directory /home/u is the host\'s'],
  ['stat rump/x', 'stat("rump/x"): rump, path=/rump is a prefix', undefined, '/'],
  [
    'stat /dev/fd/130',
    'stat("/dev/fd/130"): rump, it names a descriptor, and fd 130 is rump 2, if that is open',
  ],
  ['stat /a', 'stat("/a"): host, the policy hijacks no paths', 'socket=inet'],
  ['stat /dev/bpf7', 'stat("/dev/bpf7"): rump, blanket=/dev/bpf is a prefix', 'blanket=/dev/bpf'],
  [
    'rename /rump/a /b',
    'rename("/rump/a", "/b"): rump, path=/rump is a prefix; no prefix matches; the two are in different kernels: EXDEV',
  ],
  ['symlink /rump/target /x', 'symlink("/x"): host, no prefix matches'],
  ['read 130', 'read(130): rump, fd 130 is rump 2, if that is open'],
  ['read 130', 'read(130): rump, fd 130 is rump 66, if that is open', 'path=/rump,fdoff=64'],
  ['read 127', 'read(127): rump, fd 127 is kept by the tracer: the program gets EBADF'],
  [
    'splice 3 0 131 0 10 0',
    'splice(3, 131): rump, fd 3 is below 128 (fdoff), unless dup2 has put a rump descriptor there; fd 131 is rump 3, if that is open',
  ],
  ['socket AF_INET SOCK_STREAM 0', 'socket(inet): rump, socket: inet is in the policy'],
  ['socket 1', 'socket(local): host, socket: local is not in the policy'],
  ['socket pf_unix', 'socket(local): rump, socket: local is in the policy', 'socket=all'],
  ['init_module', 'init_module(): host, modctl=yes is not in the policy'],
  ['init_module', 'init_module(): rump, modctl=yes is in the policy', 'modctl=yes,path=/rump'],
  ['io_uring_setup 1', 'io_uring_setup(): refused, ENOSYS for every program that is hijacked'],
  ['io_uring_setup 1', 'io_uring_setup(): host, the policy hijacks nothing', ''],
  ['futex', 'futex(): host, takes neither a path nor a descriptor of a file'],
];
for (const [line, first, spec, cwd] of CASES) {
  test(`${spec ?? 'default'}: ${line}${cwd === undefined ? '' : ` in ${cwd}`}`, t => {
    t.is(said(line, spec, cwd).split('\n')[0], first);
  });
}

test('when a call stops, and how it is served there, has a line of its own', t => {
  t.is(
    said('close 130').split('\n')[1],
    '  stops when argument 0 is a descriptor from 127 up, or below 3; there it is as on Linux',
  );
  t.is(said('socket 2').split('\n')[1].split(';')[0], '  stops when argument 0 is 0, 2 to 45');
  t.is(
    said('chroot /rump').split('\n')[1],
    '  always stops; there it is refused: a process keeps its root in the rump kernel',
  );
  t.is(said('stat /etc').split('\n')[1], '  always stops');
});

test('each call that goes by a path has its path arguments, and no other call', t => {
  for (const { name, nr, decides } of TABLE) {
    if (name !== 'getcwd')
      t.is('args' in decides && decides.args.length > 0, decides.by === 'path' || decides.by === 'fd', name);
    if (decides.by !== 'path') continue;
    const nargs = syscallByNumber(nr)?.nargs ?? 0;
    for (const place of decides.args.flat()) t.true(place < nargs, name);
  }
});

test('names that are near', t => {
  t.deepEqual(similarCalls('opnat'), ['openat']);
  t.deepEqual(similarCalls('reed'), ['read']);
  t.true(similarCalls('rename').includes('renameat2'));
  t.deepEqual(similarCalls('zzzzzz'), []);
});

test('a policy in words has every key', t => {
  for (const spec of [
    undefined,
    '',
    'path=/rump',
    'sysctl=yes,modctl=yes,vfs=all,blanket=/a:/b,socket=all,path=//',
  ]) {
    const policy = parsePolicy(spec);
    const text = [...describePolicy(policy), ...describeUnset(policy)].join('\n');
    for (const key of ['path', 'blanket', 'socket', 'vfs', 'sysctl', 'modctl'])
      t.regex(text, new RegExp(`^${key}: `, 'm'));
  }
});

/** Reads the words of a filter as a program. */
function follow(
  lines: readonly string[],
  data: { arch: number; nr: number; args: readonly number[] },
): string {
  let a = 0;
  const value = (name: string): number =>
    name === 'arch' ? data.arch : name === 'nr' ? data.nr : (data.args[Number(name.slice(3))] ?? 0);
  for (let pc = 0; ; ) {
    const text = lines[pc].replace(/^ *\d+ {2}/, '');
    const load = /^load (\w+)$/.exec(text);
    const jump = /^goto (\d+)$/.exec(text);
    const test = /^(if|unless) (\w+) (==|>=|&) (\S+)(?: \([^)]*\))? goto (\d+)(?: else (\d+))?$/.exec(text);
    if (load !== null) {
      a = value(load[1]);
      pc++;
    } else if (jump !== null) {
      pc = Number(jump[1]);
    } else if (test !== null) {
      const [, how, name, comparison, word, to, otherwise] = test;
      // The register that is named is the one that is loaded.
      if (value(name) !== a) throw new Error(`line ${pc} names ${name}, which is not loaded`);
      const k = word === 'x86-64' ? 0xc000003e : Number(word);
      const holds = comparison === '==' ? a === k : comparison === '>=' ? a >= k : (a & k) !== 0;
      pc = holds === (how === 'if') ? Number(to) : otherwise === undefined ? pc + 1 : Number(otherwise);
    } else return text;
  }
}

const SPECS = [undefined, 'path=/rump', 'socket=inet', 'path=/rump,socket=all,fdoff=64,modctl=yes'];
for (const spec of SPECS) {
  test(`a filter in words does what explain says of each call: ${spec ?? 'default'}`, t => {
    const policy = parsePolicy(spec);
    const lines = filterText(policyFilter(policy));
    const number = fc.oneof(fc.nat(200), fc.nat(0xffffffff));
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(NR)),
        fc.tuple(number, number, number, number, number, number),
        (nr, args) => {
          const end = follow(lines, { arch: 0xc000003e, nr, args });
          const row = TABLE.find(candidate => candidate.nr === nr);
          const name = row?.name ?? 'futex';
          const stops = explainCall(policy, name, ['1', '1', '1', '1', '1'], '/').stops;
          if (stops.startsWith('never stops:')) return /^refuse/.test(end);
          if (stops === 'never stops') return end.startsWith('allow');
          if (stops === 'always stops') return end.startsWith('stop');
          const rule = /^stops when (.*?)(?: (?:is|has) )(.*)$/.exec(stops);
          if (rule === null) throw new Error(stops);
          const places = [...rule[1].matchAll(/argument (\d)/g)].map(match => args[Number(match[1])]);
          const bit = /^a bit of (0x[0-9a-f]+)$/.exec(rule[2]);
          const up = /^a descriptor from (\d+) up(?:, or below (\d+))?$/.exec(rule[2]);
          const isPicked = (arg: number): boolean => {
            if (bit !== null) return (arg & Number(bit[1])) !== 0;
            if (up !== null) return (arg >= Number(up[1]) && arg < 0x80000000) || arg < Number(up[2] ?? 0);
            return rule[2].split(', ').some(part => {
              const [from, to = from] = part.split(' to ').map(Number);
              return arg >= from && arg <= to;
            });
          };
          return places.some(isPicked) === end.startsWith('stop');
        },
      ),
      { numRuns: 3000 },
    );
    t.regex(follow(lines, { arch: 0x40000003, nr: 3, args: [] }), /32-bit/);
    t.regex(follow(lines, { arch: 0xc000003e, nr: 0x40000001, args: [] }), /x32/);
  });
}

test('explain agrees with what run does: paths of every shape, from directories on either side', async t => {
  const paths = [
    '/rump',
    '/rump/',
    '/rump/x',
    '/rumpdev/x',
    '//rump/x',
    '/tmp/../rump/x',
    '/rump/../etc',
    '/etc',
    'x',
    '../x',
    'rump',
    'rump/x',
    '.',
  ];
  const directories = ['/', '/tmp', '/rump', '/rump/dev'];
  const script = `
import os
for d in ${JSON.stringify(directories)}:
    os.chdir(d)
    for p in ${JSON.stringify(paths)}:
        # A call of its own before each, by which the output is told apart.
        os.write(2, ('at %s %s\\n' % (d, p)).encode())
        try: os.stat(p)
        except OSError: pass`;
  const { stderr } = await run(['run', '-v', '--', 'python3', '-c', script]);
  const parts = stderr.split(/^at /m).slice(1);
  t.is(parts.length, paths.length * directories.length);
  for (const part of parts) {
    const [head, ...lines] = part.split('\n');
    const [directory, path] = head.split(' ');
    const isRump = lines.some(line => /stat/.test(line) && line.includes(': rump, '));
    const { kernel } = explainCall(DEFAULT, 'newfstatat', [path], directory);
    t.is(kernel, isRump ? 'rump' : 'host', part);
  }
});
