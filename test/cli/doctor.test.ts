/** rumphijack doctor: what is there, what is not, what that costs; and servers of every temper. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exec, root, rumphijack, run, scratch } from '../support/run.js';
import { startServer } from '../support/server.js';

interface Check {
  name: string;
  ok: boolean;
  needed: boolean;
  found: string;
  costs: string;
  remedy: string;
}

function checks(stdout: string): Map<string, Check> {
  const all: Check[] = JSON.parse(stdout);
  return new Map(all.map(check => [check.name, check]));
}

test('all that the tests themselves need is there', async t => {
  const { stdout, stderr, status } = await run(['doctor', '--json']);
  t.is(status, 0, stderr);
  const all = checks(stdout);
  for (const name of [
    'Node.js',
    'native part',
    'ptrace',
    'process_vm_readv',
    'seccomp filter',
    'open files',
  ]) {
    t.like(all.get(name), { ok: true, needed: true, costs: '', remedy: '' }, name);
  }
  for (const name of ['seccomp listener', 'lwIP']) t.like(all.get(name), { ok: true, needed: false }, name);
  t.false(all.has('server'));
  const words = (await run(['doctor'])).stdout;
  t.regex(words, /^ok {7}ptrace +works$/m);
  t.is(
    words.split('\n').filter(line => line.startsWith('ok') || line.startsWith('missing')).length,
    all.size,
  );
});

test('without capabilities: what is lost, and run works all the same', async t => {
  const { stdout, status } = await exec('setpriv', [
    '--bounding-set=-all',
    '--inh-caps=-all',
    rumphijack,
    'doctor',
  ]);
  t.is(status, 0, stdout);
  t.regex(
    stdout,
    /^missing {2}CAP_SYS_ADMIN +not held\n {9}setuid programs run without their privileges\n {9}to get it: /m,
  );
  t.regex(stdout, /^missing {2}CAP_NET_ADMIN /m);
});

test('below a tracer, and a filter with a listener: both are told, and the status is 1', async t => {
  const { stdout, status } = await run(['run', '--', rumphijack, 'doctor', '--json']);
  t.is(status, 1, stdout);
  const all = checks(stdout);
  t.like(all.get('ptrace'), { ok: false, needed: true, found: 'EPERM', costs: 'nothing can be traced' });
  t.like(all.get('seccomp listener'), { ok: false, needed: false, found: 'EBUSY' });
});

test('a hard limit of open files below the offset', async t => {
  const { stdout, status } = await exec('sh', [
    '-c',
    `ulimit -Sn 100; ulimit -Hn 100; exec "${rumphijack}" doctor`,
  ]);
  t.is(status, 1, stdout);
  t.regex(stdout, /^FAILS {4}open files +hard limit 100\n.*128.*\n.*ulimit -Hn/m);
});

test('a server that works: its banner, and how fast it is', async t => {
  const { url, stop } = startServer('unix');
  t.teardown(stop);
  const { stdout, status } = await run(['doctor', '--server', url]);
  t.is(status, 0, stdout);
  t.regex(stdout, /^ok {7}server +RUMPSP-0\.\d+-NetBSD-[\d.]+\/amd64, \d+ µs a round trip$/m);
});

async function found(t: ExecutionContext, url: string): Promise<string> {
  const { stdout, status } = await run(['doctor', '--json'], { env: { RUMP_SERVER: url } });
  t.is(status, 1, stdout);
  const check = checks(stdout).get('server');
  t.is(check?.needed, true);
  return check?.found ?? '';
}

test('servers that are none', async t => {
  t.is(await found(t, 'unix:///nonexistent/socket'), 'there is no such socket; is the server running?');
  t.regex(await found(t, 'nonsense'), /^bad server URL 'nonsense'/);
});

for (const [temper, greeting, message] of [
  ['mute', '', /^it says nothing for 5 s$/],
  ['of another kind', 'SSH-2.0-OpenSSH\n', /is no rump kernel server: it greets with "SSH-2\.0-OpenSSH/],
  ['mute after its banner', 'RUMPSP-0.4-NetBSD-7.99.34/amd64\n', /^it says nothing for 5 s$/],
  ['of another machine', 'RUMPSP-0.4-NetBSD-7.99.34/sparc\n', /NetBSD\/amd64 is needed$/],
] as const) {
  test(`a server that is ${temper}`, async t => {
    const path = join(scratch(t), 'socket');
    const listener = createServer(socket => socket.on('error', () => {}).write(greeting));
    await new Promise<void>(resolve => listener.listen(path, resolve));
    t.teardown(() => listener.close());
    t.regex(await found(t, `unix://${path}`), message);
  });
}

test('one that closes at once', async t => {
  const path = join(scratch(t), 'socket');
  const listener = createServer(socket => socket.destroy());
  await new Promise<void>(resolve => listener.listen(path, resolve));
  t.teardown(() => listener.close());
  t.regex(await found(t, `unix://${path}`), /^it closes the connection$|^ECONNRESET$/);
});

test('wrong arguments: one line', async t => {
  const { stderr, status } = await run(['doctor', '--nothing'], { cwd: root });
  t.is(status, 125);
  t.is(stderr.trim().split('\n').length, 1, stderr);
});
