/** rumphijack server as a command: background, files, signals, sockets. */
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Dialog } from '../support/dialog.js';
import { exec, rumphijack, run, scratch } from '../support/run.js';

/** Waits for a process that is not our child. */
async function gone(pid: number): Promise<void> {
  await exec('tail', ['--pid', String(pid), '-f', '/dev/null']);
}

/** Ends the server of a pid file with the test, if it is there still. */
function endsWith(t: ExecutionContext, pidFile: string): void {
  t.teardown(() => {
    if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  });
}

test('goes to the background when it serves; SIGTERM ends it and removes its socket and pid file', async t => {
  const dir = scratch(t);
  const [socket, pidFile] = [join(dir, 'socket'), join(dir, 'pid')];
  endsWith(t, pidFile);
  const started = await run(['server', '--pid-file', pidFile, `unix://${socket}`]);
  t.deepEqual(started, { stdout: '', stderr: '', status: 0, signal: null });
  t.is(statSync(socket).mode & 0o777, 0o600);
  t.is((await run(['ctl', `unix://${socket}`, 'ls', '/'])).stdout, 'dev\n');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  process.kill(pid, 'SIGTERM');
  await gone(pid);
  t.deepEqual([existsSync(socket), existsSync(pidFile)], [false, false]);
});

test('-s stays in front, --ready-fd says when and where', async t => {
  const socket = join(scratch(t), 'socket');
  const server = new Dialog('sh', ['-c', `exec ${rumphijack} server -s --ready-fd 1 unix://${socket}`]);
  t.is(await server.line(), `unix://${socket}`);
  server.kill('SIGINT');
  t.is((await server.end()).status, 0);
  t.false(existsSync(socket));
});

test('a stale socket is taken over, a live one and a file are refused', async t => {
  const dir = scratch(t);
  const [socket, pidFile, file] = [join(dir, 'socket'), join(dir, 'pid'), join(dir, 'file')];
  endsWith(t, pidFile);
  await run(['server', '--pid-file', pidFile, `unix://${socket}`]);
  const live = await run(['server', `unix://${socket}`]);
  t.deepEqual([live.stderr, live.status], [`rumphijack: cannot listen at ${socket}: already served\n`, 125]);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  t.is((await run(['server', '--pid-file', pidFile, `unix://${socket}`])).status, 0);
  writeFileSync(file, 'mine');
  const refused = await run(['server', `unix://${file}`]);
  t.deepEqual(
    [refused.stderr, refused.status],
    [`rumphijack: ${file} exists and is no socket: remove it, or use another path\n`, 125],
  );
  t.is(readFileSync(file, 'utf8'), 'mine');
});

test('tcp: a free port is told, others than loopback need --listen-anywhere', async t => {
  const pidFile = join(scratch(t), 'pid');
  endsWith(t, pidFile);
  const started = await run(['server', '--pid-file', pidFile, 'tcp://127.0.0.1:0/']);
  t.regex(started.stdout, /^tcp:\/\/127\.0\.0\.1:\d+\/\n$/);
  t.is((await run(['ctl', started.stdout.trim(), 'ls', '/'])).stdout, 'dev\n');
  const refused = await run(['server', 'tcp://0.0.0.0:0/']);
  t.is(refused.status, 125);
  t.regex(
    refused.stderr,
    /^rumphijack: 0\.0\.0\.0 can be reached by others, and every client is root: use 127\.0\.0\.1, or --listen-anywhere\n$/,
  );
  const anywhere = new Dialog(rumphijack, [
    'server',
    '-s',
    '--listen-anywhere',
    '--ready-fd',
    '1',
    'tcp://0.0.0.0:0/',
  ]);
  t.regex(String(await anywhere.line()), /^tcp:\/\/0\.0\.0\.0:\d+\/$/);
  anywhere.kill('SIGTERM');
  t.regex((await anywhere.end()).stderr, /^rumphijack: every client is root/);
});

test('what cannot be served is said in one line', async t => {
  const dir = scratch(t);
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  t.teardown(() => busy.close());
  const address = busy.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const [args, expected] of [
    [['nonsense'], /bad server URL/],
    [[`tcp://127.0.0.1:${port}/`], /address already in use/i],
    [[`unix://${dir}/none/socket`], /cannot listen at .*: no such file or directory/],
    [['--ready-fd', '99', `unix://${dir}/a`], /--ready-fd 99: bad file descriptor/],
    [
      ['--pid-file', '/nonexistent/pid', `unix://${dir}/b`],
      /cannot write the pid file \/nonexistent\/pid: no such file or directory/,
    ],
  ] as const) {
    const { stdout, stderr, status } = await run(['server', ...args]);
    t.regex(stderr, expected);
    t.regex(stderr, /^rumphijack: [^\n]*\n$/);
    t.deepEqual([stdout, status], ['', 125]);
  }
  t.false(existsSync(join(dir, 'b')));
});
