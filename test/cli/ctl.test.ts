/** rumphijack ctl against a server of ours. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exec, type Result, rumphijack, run, scratch } from '../support/run.js';
import { startServer } from '../support/server.js';

type Ctl = (...words: string[]) => Promise<Result>;

/** A server for one test, and how to control it. */
function server(t: ExecutionContext): { ctl: Ctl; url: string; pid: number } {
  const started = startServer('unix');
  t.teardown(() => started.stop());
  return { url: started.url, pid: started.pid, ctl: (...words) => run(['ctl', started.url, ...words]) };
}

/** Its output, when all went well. */
async function out(t: ExecutionContext, result: Promise<Result>): Promise<string> {
  const { stdout, stderr, status } = await result;
  t.is(stderr, '');
  t.is(status, 0);
  return stdout;
}

test('files go in and out unchanged, with their modes, and are listed', async t => {
  const { ctl } = server(t);
  const dir = scratch(t);
  const [source, copy] = [join(dir, 'source'), join(dir, 'copy')];
  writeFileSync(source, Buffer.from(Array.from({ length: 300_001 }, (_, i) => (i * 7) & 0xff)), {
    mode: 0o640,
  });
  t.is(await out(t, ctl('mkdir', '-p', '/a/b')), '');
  t.is(await out(t, ctl('cp', source, 'rump:/a/b/file')), '');
  t.is(await out(t, ctl('cp', 'rump:/a/b/file', copy)), '');
  t.deepEqual(readFileSync(copy), readFileSync(source));
  t.regex(await out(t, ctl('ls', '-l', '/a/b')), /^total \d+\n-rw-r----- 1 root root 300001 .* file\n$/);
  t.is(await out(t, ctl('ls', '/a', '/a/b')), '/a:\nb\n\n/a/b:\nfile\n');
  t.is(await out(t, ctl('ls', '-d', '/a')), '/a\n');
  t.regex(await out(t, ctl('ls', '-lh', '/a/b/file')), / 293K /);
  t.deepEqual(Buffer.from((await ctl('cat', '/a/b/file')).stdout).length > 300_000, true);
});

test('trees are copied with their links', async t => {
  const { ctl } = server(t);
  const dir = scratch(t);
  await exec('sh', ['-c', 'mkdir -p t/d && echo one >t/d/f && ln -s d/f t/link && chmod 700 t/d'], {
    cwd: dir,
  });
  t.is(await out(t, ctl('cp', '-r', join(dir, 't'), 'rump:/t')), '');
  t.is(await out(t, ctl('cat', '/t/link')), 'one\n');
  t.is(await out(t, ctl('cp', '-r', 'rump:/t', join(dir, 'back'))), '');
  t.is((await exec('diff', ['-r', '--no-dereference', 't', 'back'], { cwd: dir })).stdout, '');
  t.is((await exec('stat', ['-c', '%a', 'back/d'], { cwd: dir })).stdout, '700\n');
});

test('mounts, and how full they are', async t => {
  const { ctl } = server(t);
  await ctl('mkdir', '/m');
  t.is(await out(t, ctl('mount', '-o', 'size=64k,nosuid', 'none', '/m')), '');
  t.is(
    await out(t, ctl('mount')),
    'rumpfs on / type tmpfs (rw,relatime)\ntmpfs on /m type tmpfs (rw,nosuid,relatime)\n',
  );
  t.regex(await out(t, ctl('df', '/m')), /^Filesystem.*Mounted on\ntmpfs +64 +0 +64 +0% \/m\n$/);
  t.regex(await out(t, ctl('df', '-h')), /tmpfs +64K +0 +64K +0% \/m\n/);
  t.is(await out(t, ctl('umount', '/m')), '');
  const again = await ctl('umount', '/m');
  t.deepEqual([again.stderr, again.status], ['umount: /m: Invalid argument\n', 1]);
});

test('processes and variables', async t => {
  const { ctl } = server(t);
  t.regex(await out(t, ctl('ps')), /^ *PID +PPID +UID +COMMAND\n *\d+ +1 +0 +ctl ps\n$/);
  t.is(await out(t, ctl('sysctl', 'kern.ostype')), 'kern.ostype = rump\n');
  t.is(await out(t, ctl('sysctl', '-n', 'hw.pagesize')), '4096\n');
  t.regex(await out(t, ctl('sysctl', 'kern.hostname=changed')), /^kern\.hostname: .* -> changed\n$/);
  t.regex(await out(t, ctl('sysctl', '-a')), /^kern\.hostname = changed$/m);
  const unknown = await ctl('sysctl', 'kern.nothing');
  t.deepEqual([unknown.status, unknown.stdout], [1, '']);
  const fixed = await ctl('sysctl', 'kern.ostype=x');
  t.deepEqual([fixed.stderr, fixed.status], ['sysctl: kern.ostype: Operation not permitted\n', 1]);
});

test('what is wrong is said as those tools say it', async t => {
  const { ctl, url } = server(t);
  for (const command of ['ls', 'cat', 'df'])
    t.deepEqual(
      { ...(await ctl(command, '/none')), stdout: '' },
      { stdout: '', stderr: `${command}: /none: No such file or directory\n`, status: 1, signal: null },
    );
  const both = await ctl('cp', 'rump:/a', 'rump:/b');
  t.regex(both.stderr, /^cp: one side is the kernel's/);
  const unknown = await ctl('frobnicate');
  t.deepEqual([unknown.stderr, unknown.status], ["rumphijack: unknown command 'frobnicate'\n", 125]);
  const nobody = await run(['ctl', `${url}-not`, 'ls']);
  t.regex(
    nobody.stderr,
    /^rumphijack: cannot connect to .*: there is no such socket; is the server running\?\n$/,
  );
  t.is(nobody.status, 125);
  const closed = await exec('bash', [
    '-c',
    `${rumphijack} ctl ${url} sysctl -a | head -n 1; echo "\${PIPESTATUS[0]}"`,
  ]);
  t.deepEqual([closed.stderr, closed.stdout.split('\n').length], ['', 3]);
});

test('halt ends the server and leaves nothing', async t => {
  const { ctl, url, pid } = server(t);
  t.is(await out(t, ctl('halt')), '');
  // The process is gone when its socket is: it removes that last but one.
  const gone = await exec('tail', ['--pid', String(pid), '-f', '/dev/null']);
  t.is(gone.status, 0);
  t.is((await ctl('ps')).status, 125);
  t.is((await exec('ls', [url.slice('unix://'.length)])).status, 2);
});
