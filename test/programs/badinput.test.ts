import { chmodSync, writeFileSync } from 'node:fs';
import test from 'ava';
import {
  exec,
  finish,
  killGroup,
  program,
  root,
  rumphijack,
  run,
  scratch,
  spawnGroup,
} from '../support/run.js';

const oneLine = /^rumphijack: [^\n]+\n$/;

test('a program that is not there: 127 and one line', async t => {
  for (const missing of ['no-such-program', '/no/such/program', './none', '/rump/none']) {
    const result = await run(['run', '--', missing]);
    t.is(result.status, 127, missing);
    t.regex(result.stderr, oneLine);
    t.true(result.stderr.includes(missing), result.stderr);
  }
});

test('a directory, a file without x, a text file without #!: 126 and one line', async t => {
  const dir = scratch(t);
  writeFileSync(`${dir}/plain`, 'just text\n');
  writeFileSync(`${dir}/text`, 'just text\n');
  chmodSync(`${dir}/text`, 0o755);
  chmodSync(`${dir}/plain`, 0o644);
  for (const bad of [dir, '/rump', `${dir}/plain`, `${dir}/text`]) {
    const result = await run(['run', '--', bad]);
    t.is(result.status, 126, bad);
    t.regex(result.stderr, oneLine);
  }
});

test('a script whose interpreter is missing', async t => {
  const dir = scratch(t);
  writeFileSync(`${dir}/script`, '#!/no/such/interpreter\n');
  chmodSync(`${dir}/script`, 0o755);
  const result = await run(['run', '--', `${dir}/script`]);
  t.true(result.status === 126 || result.status === 127);
  t.regex(result.stderr, oneLine);
});

test('a bad RUMPHIJACK names the bad part, and nothing runs', async t => {
  const bad = [
    'path=rump',
    'path=/rump/',
    'blanket=/a/',
    'socket=bogus',
    'path=/',
    'fdoff=-1',
    'fdoff=2',
    'fdoff=x',
    'sysctl=maybe',
    'colour=red',
    'path',
  ];
  for (const spec of bad) {
    for (const [args, env] of [
      [['--hijack', spec], {}],
      [[], { RUMPHIJACK: spec }],
    ] as const) {
      const result = await run(['run', ...args, '--', 'echo', 'ran'], { env });
      t.is(result.status, 125, spec);
      t.is(result.stdout, '', spec);
      t.true(result.stderr.includes(spec.split('=')[1] ?? spec), `${spec}: ${result.stderr}`);
      t.notRegex(result.stderr, /\n\s+at /);
    }
  }
});

test('usage errors: 125, and no stack trace', async t => {
  for (const args of [
    ['run'],
    ['run', '--no-such-option', 'true'],
    ['frobnicate'],
    ['run', '--fdoff', 'x', 'true'],
    ['run', '--server', 'unix:///none', 'true'],
  ]) {
    const result = await run(args);
    t.is(result.status, 125, args.join(' '));
    t.not(result.stderr, '');
    t.notRegex(result.stderr, /\n\s+at /);
  }
});

test('--help and --version', async t => {
  t.regex((await run(['--version'])).stdout, /^rumphijack \d+\.\d+\.\d+\n$/);
  const help = await run(['run', '--help']);
  t.is(help.status, 0);
  for (const word of ['--hijack', '--server', '--fdoff', '--wait-all', 'Example'])
    t.true(help.stdout.includes(word), word);
});

test('an argument list and an environment of odd bytes arrive as they are', async t => {
  const args = ['', ' ', 'a\nb', '*', '-v', '--', '$HOME', '\u00e9', 'x'.repeat(100_000)];
  const result = await run(['run', '--', 'printf', '[%s]', ...args]);
  t.is(result.stdout, args.map(each => `[${each}]`).join(''));
});

// A signal at some point of the run, chosen by what the program has done, never by the clock.
async function interrupt(rounds: number, signal: NodeJS.Signals, processes: number) {
  const command = ['run', '--', program('hammer'), '/rump', String(processes)];
  const child = spawnGroup(rumphijack, command);
  let seen = 0;
  child.stdout.on('data', (data: Buffer) => {
    seen += data.length / 'round\n'.length;
    if (seen >= rounds) killGroup(child.pid, signal);
  });
  if (rounds === 0) killGroup(child.pid, signal);
  // finish() waits until nobody holds the output any more: a process left behind would time it out.
  return finish(child, command, { timeout: 60_000 });
}

test('SIGINT at any moment ends the program and leaves no process', async t => {
  for (const rounds of [1, 2, 3, 5, 8, 13, 50]) {
    const result = await interrupt(rounds, 'SIGINT', rounds % 3 === 0 ? 4 : 1);
    t.is(result.status ?? 130, 130, `${rounds}: ${result.stderr}`);
    t.notRegex(result.stderr, /\n\s+at |Error/);
  }
});

test('SIGTERM, too', async t => {
  const result = await interrupt(4, 'SIGTERM', 3);
  t.is(result.status ?? 143, 143, result.stderr);
});

test('a signal before the program has begun leaves no process', async t => {
  const result = await interrupt(0, 'SIGINT', 1);
  t.true(result.signal === 'SIGINT' || result.status === 130, JSON.stringify(result));
});

test('killing the tracer kills what it traces', async t => {
  const command = ['run', '--', program('hammer'), '/rump', '4'];
  const child = spawnGroup(rumphijack, command);
  child.stdout.once('data', () => child.kill('SIGKILL'));
  const result = await finish(child, command, { timeout: 60_000 });
  t.is(result.signal, 'SIGKILL');
});

test('programs killed in the middle of their calls do not disturb the others', async t => {
  const host = scratch(t);
  const script = `for i in 1 2 3 4 5 6 7 8; do
      mkfifo ${host}/fifo; ${program('hammer')} /rump 1 > ${host}/fifo 2>/dev/null & p=$!
      { head -n $i >/dev/null; kill -KILL $p; cat >/dev/null; } < ${host}/fifo; wait $p; echo $?; rm ${host}/fifo
    done; echo alive > /rump/f; cat /rump/f`;
  const result = await run(['run', '--', 'dash', '-c', script]);
  t.is(result.stdout, `${'137\n'.repeat(8)}alive\n`, result.stderr);
});

test('output that nobody reads ends the program with SIGPIPE, as without us', async t => {
  const { stdout } = await exec('bash', [
    '-c',
    `${rumphijack} run -- yes | head -n 1; echo "\${PIPESTATUS[0]}"`,
  ]);
  t.is(stdout, 'y\n141\n');
});

test('below a filter with a listener of its own files work, and sockets say why not', async t => {
  const script = `
open('/rump/f', 'w').write('in rump\\n')
print(open('/rump/f').read(), end='')
import _socket
try: _socket.socket()
except OSError as e: print(e)`;
  const listener = `${root}/test/support/listener.py`;
  const { stdout, stderr } = await exec('python3', [listener, rumphijack, 'run', 'python3', '-c', script]);
  t.is(stdout, 'in rump\n[Errno 38] Function not implemented\n', stderr);
  t.regex(stderr, /^rumphijack: sockets of the rump kernel cannot be given to programs here: .*listener/);
});
