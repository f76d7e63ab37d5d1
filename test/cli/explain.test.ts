/** rumphijack explain on the command line: words, JSON, and one line for what is wrong. */
import test from 'ava';
import { run } from '../support/run.js';

test('a call, in words and as JSON', async t => {
  const text = await run(['explain', 'openat', '/rumpdev/x']);
  t.deepEqual(text, {
    stdout: 'openat("/rumpdev/x"): host, path=/rump: the prefix ends inside a component\n  always stops\n',
    stderr: '',
    status: 0,
    signal: null,
  });
  const json = await run(['explain', '--hijack', 'path=/r', '--json', '--cwd', '/r', 'stat', 'x']);
  t.deepEqual(JSON.parse(json.stdout), {
    call: 'stat',
    subject: '"x"',
    kernel: 'rump',
    reason: 'the working directory /r is in the rump kernel',
    stops: 'always stops',
    support: 'full',
    note: '',
  });
});

test('RUMPHIJACK and --fdoff are minded', async t => {
  const { stdout } = await run(['explain', '--fdoff', '64', 'read', '-1'], {
    env: { RUMPHIJACK: 'path=/rump' },
  });
  t.true(stdout.startsWith("read(-1): host, fd -1 is nobody's"), stdout);
  const above = await run(['explain', '--fdoff', '64', 'read', '64']);
  t.true(above.stdout.startsWith('read(64): rump, fd 64 is rump 0, '), above.stdout);
});

test('the policy and the filter, in words and as JSON', async t => {
  const text = (await run(['explain', '--policy', '--filter'])).stdout;
  t.regex(text, /^\(the default, as RUMPHIJACK is unset\)$/m);
  t.regex(text, /^always stops:\n {2}open openat /m);
  t.regex(text, /^all other calls never stop$/m);
  t.regex(text, /^ {3}0 {2}load arch$/m);
  const lines = (await run(['explain', '--policy', '--filter', '--json'])).stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  t.is(lines[0].path, '/rump');
  t.is(lines[1].calls.openat, 'always stops');
  t.is(lines[1].program[0].trim(), '0  load arch');
  t.is((await run(['explain', '--hijack', '', '--filter'])).stdout, 'no filter: nothing is hijacked\n');
});

for (const [args, message] of [
  [['opnat', 'x'], "explain: Linux has no system call 'opnat'; did you mean openat?"],
  [['zzz'], "explain: Linux has no system call 'zzz'"],
  [['read', 'foo'], 'explain: foo: expected a descriptor, as a number'],
  [['stat'], 'explain: "": expected a path'],
  [['socket', 'blah'], 'explain: blah: expected an address family, such as AF_INET'],
  [['--hijack', 'path=rel', 'stat', 'x'], '--hijack: path=rel: the prefix must begin with "/"'],
  [[], 'explain: give a call and what it is asked for, or --policy or --filter; see --help'],
] as const) {
  test(`wrong: ${args.join(' ')}`, async t => {
    t.deepEqual(await run(['explain', ...args]), {
      stdout: '',
      stderr: `rumphijack: ${message}\n`,
      status: 125,
      signal: null,
    });
  });
}
