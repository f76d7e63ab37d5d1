import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exec, killGroup, type Options, type Result, rumphijack, run, scratch } from '../support/run.js';

interface Server {
  readonly dir: string;
  readonly url: string;
  ctl(...args: string[]): Promise<Result>;
  /** As ctl(), which must succeed and say nothing on standard error. */
  ok(...args: string[]): Promise<string>;
  /** Runs a shell script, $URL and $RUMPHIJACK being what they say. */
  shell(script: string, options?: Options): Promise<Result>;
  readonly ended: Promise<number | null>;
}

/** A server of the test's own, in a temporary directory, ready to be used. */
async function serve(t: ExecutionContext): Promise<Server> {
  const dir = scratch(t);
  const url = `unix://${dir}/rump`;
  const child = spawn(rumphijack, ['server', '-s', '--ready-fd', '3', url], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  t.teardown(() => killGroup(child.pid));
  const ended = new Promise<number | null>(resolve => child.on('close', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdio[3]?.on('data', () => resolve());
    child.on('exit', status => reject(new Error(`the server ended with ${status}`)));
  });
  const ctl = (...args: string[]) => run(['ctl', url, ...args]);
  return {
    dir,
    url,
    ctl,
    ok: async (...args) => {
      const { stdout, stderr, status } = await ctl(...args);
      t.deepEqual({ stderr, status }, { stderr: '', status: 0 }, args.join(' '));
      return stdout;
    },
    shell: (script, options) =>
      exec('bash', ['-c', script], { ...options, env: { URL: url, RUMPHIJACK: rumphijack } }),
    ended,
  };
}

/** What a command that fails gives. */
const failed = (stderr: string, status = 1, stdout = ''): Result => ({
  stdout,
  stderr,
  status,
  signal: null,
});

test('ps lists processes in columns', async t => {
  const { ok } = await serve(t);
  const [head, ...lines] = (await ok('ps')).trimEnd().split('\n');
  t.is(head, '  PID  PPID  UID COMMAND');
  t.true(lines.some(line => /^ +\d+ +\d+ +0 rumphijack-ctl$/.test(line)));
});

test('files go in and come out as they were', async t => {
  const { ok, dir } = await serve(t);
  const big = join(dir, 'big');
  writeFileSync(big, randomBytes(5 * 1024 * 1024 + 123), { mode: 0o640 });
  await ok('cp', big, 'rump:/copy');
  t.regex(await ok('ls', '-l', '/copy'), /^-rw-r----- 1 root root 5243003 \w{3} [ \d]\d \d\d:\d\d \/copy\n$/);
  await ok('cp', 'rump:/copy', join(dir, 'back'));
  t.true(readFileSync(join(dir, 'back')).equals(readFileSync(big)));
  t.is(statSync(join(dir, 'back')).mode & 0o7777, 0o640);
});

test('cat gives exact bytes', async t => {
  const { ok, dir, shell } = await serve(t);
  writeFileSync(join(dir, 'f'), randomBytes(300_000));
  await ok('cp', join(dir, 'f'), 'rump:/f');
  const { status, stderr } = await shell(`"$RUMPHIJACK" ctl $URL cat /f /f | cmp - <(cat ${dir}/f ${dir}/f)`);
  t.is(status, 0, stderr);
});

test('cat goes on after what cannot be read', async t => {
  const { ok, ctl, dir } = await serve(t);
  writeFileSync(join(dir, 'f'), 'hello\n');
  await ok('cp', join(dir, 'f'), 'rump:f');
  t.deepEqual(
    await ctl('cat', '/x', '/', '/f'),
    failed('cat: /x: No such file or directory\ncat: /: Is a directory\n', 1, 'hello\n'),
  );
});

test('cp -r takes trees in and out, with modes and links', async t => {
  const { ok, dir } = await serve(t);
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'sub', 'deeper'), { recursive: true });
  writeFileSync(join(tree, 'sub', 'run'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('sub/run', join(tree, 'link'));
  chmodSync(join(tree, 'sub'), 0o550);
  await ok('cp', '-r', tree, 'rump:/');
  t.is(await ok('ls', '/tree', '/tree/sub'), '/tree:\nlink\nsub\n\n/tree/sub:\ndeeper\nrun\n');
  await ok('cp', '-r', 'rump:/tree', join(dir, 'back'));
  t.is(readlinkSync(join(dir, 'back/link')), 'sub/run');
  t.is(statSync(join(dir, 'back/sub')).mode & 0o7777, 0o550);
  t.is(statSync(join(dir, 'back/sub/run')).mode & 0o7777, 0o755);
  t.is(readFileSync(join(dir, 'back/link'), 'utf8'), '#!/bin/sh\n');
  // A directory that is there takes the copy in.
  await ok('cp', '-r', 'rump:/tree/sub', join(dir, 'back'));
  await ok('cp', '-r', 'rump:/tree', dir);
});

test('set-id bits stay behind', async t => {
  const { ok, dir } = await serve(t);
  const file = join(dir, 'f');
  writeFileSync(file, '');
  chmodSync(file, 0o4755);
  await ok('cp', file, 'rump:/f');
  t.regex(await ok('ls', '-l', '/f'), /^-rwxr-xr-x /);
});

test('a link on the host is not followed by what a tree holds', async t => {
  const { ok, ctl, dir } = await serve(t);
  mkdirSync(join(dir, 'in/t'), { recursive: true });
  writeFileSync(join(dir, 'in/t/f'), 'new');
  await ok('cp', '-r', join(dir, 'in/t'), 'rump:/');
  mkdirSync(join(dir, 'out/t'), { recursive: true });
  writeFileSync(join(dir, 'precious'), 'old');
  symlinkSync(join(dir, 'precious'), join(dir, 'out/t/f'));
  const path = join(dir, 'out/t/f');
  t.deepEqual(
    await ctl('cp', '-r', 'rump:/t', join(dir, 'out')),
    failed(`cp: ${path}: Too many levels of symbolic links\n`),
  );
  t.is(readFileSync(join(dir, 'precious'), 'utf8'), 'old');
});

test('cp says what is wrong', async t => {
  const { ctl, dir, ok } = await serve(t);
  await ok('mkdir', '/d');
  t.deepEqual(await ctl('cp', 'rump:/x', dir), failed('cp: rump:/x: No such file or directory\n'));
  t.deepEqual(await ctl('cp', join(dir, 'x'), 'rump:/'), failed(`cp: ${dir}/x: No such file or directory\n`));
  t.deepEqual(
    await ctl('cp', 'rump:/d', join(dir, 'd')),
    failed('cp: rump:/d: is a directory (not copied without -r)\n'),
  );
  t.deepEqual(
    await ctl('cp', '/etc/passwd', '/etc/group', 'rump:/no'),
    failed('cp: rump:/no: Not a directory\n'),
  );
  const sides = failed(
    "cp: the server's paths begin with 'rump:': either all of the sources, or the target\n",
  );
  t.deepEqual(await ctl('cp', 'rump:/d', 'rump:/e'), sides);
  t.deepEqual(await ctl('cp', '/etc/passwd', dir), sides);
});

test('cp into a full file system fails', async t => {
  const { ok, ctl, dir } = await serve(t);
  writeFileSync(join(dir, 'f'), Buffer.alloc(1024 * 1024));
  await ok('mkdir', '/m');
  await ok('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', '/m');
  t.deepEqual(await ctl('cp', join(dir, 'f'), 'rump:/m'), failed('cp: rump:/m/f: No space left on device\n'));
});

test('names are any bytes', async t => {
  const { shell } = await serve(t);
  const script = `c() { "$RUMPHIJACK" ctl $URL "$@" 2>&1 | od -An -t x1; }
    c mkdir $'/\\377\\200'; c ls -d $'/\\377\\200'; c ls $'/\\376'`;
  const { stdout, stderr } = await shell(script);
  t.is(stderr, '');
  t.regex(stdout, /^ 2f ff 80 0a\n 6c 73 3a 20 2f fe 3a 20 4e 6f /);
});

test('ls', async t => {
  const { ok, ctl, dir } = await serve(t);
  await ok('mkdir', '-p', '/d/sub', '/d/.hidden');
  writeFileSync(join(dir, 'B'), Buffer.alloc(1536));
  await ok('cp', join(dir, 'B'), 'rump:/d');
  t.is(await ok('ls', '/d'), 'B\nsub\n');
  t.is(await ok('ls', '-a', '/d'), '.\n..\n.hidden\nB\nsub\n');
  t.is(await ok('ls', '-d', '/d'), '/d\n');
  t.is(await ok('ls', '/d/B', '/d/sub'), '/d/B\n\n/d/sub:\n');
  t.regex(
    await ok('ls', '-lh', '/d'),
    /^total [\d.]+K\n-rw-r--r-- 1 root root 1\.5K .* B\ndrwxr-xr-x \d root root +\d+ .* sub\n$/,
  );
  t.regex(await ok('ls', '-l1', '/dev/null'), /^crw-rw-rw- 1 root root 1, 3 .* \/dev\/null\n$/);
  t.deepEqual(
    await ctl('ls', '/x', '/d/sub', '/d/B/y'),
    failed('ls: /d/B/y: Not a directory\nls: /x: No such file or directory\n', 1, '/d/sub:\n'),
  );
});

test('mkdir and rm', async t => {
  const { ok, ctl } = await serve(t);
  await ok('mkdir', '/a');
  t.deepEqual(
    await ctl('mkdir', '/a', '/x/y'),
    failed('mkdir: /a: File exists\nmkdir: /x/y: No such file or directory\n'),
  );
  await ok('mkdir', '-p', '/a/b/c', '/a/b', '/');
  t.deepEqual(await ctl('mkdir', '-p', '/dev/null/x'), failed('mkdir: /dev/null/x: Not a directory\n'));
  t.deepEqual(
    await ctl('rm', '/a', '/x'),
    failed('rm: /a: Is a directory\nrm: /x: No such file or directory\n'),
  );
  t.deepEqual(
    await ctl('rm', '-r', '/', '/a/..'),
    failed("rm: /: Device or resource busy\nrm: /a/..: '.' and '..' are not removed\n"),
  );
  await ok('rm', '-r', '/a');
  t.is(await ok('ls', '/'), 'dev\n');
});

test('mount, df and umount', async t => {
  const { ok, ctl } = await serve(t);
  await ok('mkdir', '/m');
  await ok('mount', '-t', 'tmpfs', '-o', 'size=4m,nosuid', 'tmpfs', '/m');
  t.regex(await ok('mount'), /^\S+ on \/ type \S+ \(rw.*\)\ntmpfs on \/m type tmpfs \(rw,nosuid.*\)\n$/);
  t.is(
    await ok('df', '/m'),
    'Filesystem 1K-blocks Used Available Use% Mounted on\ntmpfs           4096    0      4096   0% /m\n',
  );
  t.is(
    await ok('df', '-h', '/m'),
    'Filesystem Size Used Avail Use% Mounted on\ntmpfs      4.0M    0  4.0M   0% /m\n',
  );
  t.is((await ok('df')).split('\n').length, 4);
  t.deepEqual(await ctl('df', '/x'), failed('df: /x: No such file or directory\n'));
  await ok('umount', '/m');
  t.deepEqual(await ctl('umount', '/m'), failed('umount: /m: not currently mounted\n'));
  t.deepEqual(
    await ctl('mount', '-t', 'nofs', 'x', '/m'),
    failed("mount: /m: the kernel has no file system 'nofs', or cannot be told how to mount it\n"),
  );
  t.deepEqual(
    await ctl('mount', 'x', '/m'),
    failed('mount: which file system? Say it with -t TYPE, or -o bind\n'),
  );
  t.deepEqual(
    await ctl('mount', 'x'),
    failed('mount: a SOURCE and a DIRECTORY are needed, or nothing at all\n'),
  );
  t.deepEqual(await ctl('mount', '-t', 'tmpfs', 'x', '/x'), failed('mount: /x: No such file or directory\n'));
});

test('sysctl', async t => {
  const { ok } = await serve(t);
  t.is(await ok('sysctl', 'hw.machine', 'hw.pagesize'), 'hw.machine = amd64\nhw.pagesize = 4096\n');
  t.is(await ok('sysctl', '-n', 'hw.machine'), 'amd64\n');
  t.regex(
    await ok('sysctl', 'kern.boottime'),
    /^kern\.boottime = \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n$/,
  );
  t.regex(await ok('sysctl', 'hw'), /^(hw\.\w+ = .*\n)+$/);
  const all = await ok('sysctl', '-a');
  t.regex(all, /^(\w+(\.\w+)+ = .*\n)+$/);
  t.regex(all, /^kern\.ostype = /m);
  await ok('sysctl', 'kern.hostname=before');
  t.is(await ok('sysctl', 'kern.hostname=after'), 'kern.hostname: before -> after\n');
  t.is(await ok('sysctl', '-n', 'kern.hostname'), 'after\n');
});

test('sysctl says what is wrong', async t => {
  const { ctl } = await serve(t);
  t.deepEqual(
    await ctl('sysctl', 'foo.bar', 'kern.foo', 'hw.machine.x', ''),
    failed(
      "sysctl: top level name 'foo' in 'foo.bar' is invalid\nsysctl: second level name 'foo' in 'kern.foo' is invalid\n" +
        "sysctl: third level name 'x' in 'hw.machine.x' is invalid\nsysctl: top level name '' in '' is invalid\n",
    ),
  );
  t.deepEqual(
    await ctl('sysctl', 'kern.ostype=x', 'hw.ncpu=many'),
    failed(
      "sysctl: kern.ostype: sysctl() failed with Operation not permitted\nsysctl: hw.ncpu: 'many' is no value for it\n",
    ),
  );
  t.deepEqual(await ctl('sysctl'), failed('sysctl: name a variable, or use -a for all of them\n'));
});

test('halt ends the server', async t => {
  const { ok, ctl, ended, dir, url } = await serve(t);
  t.is(await ok('halt'), '');
  t.is(await ended, 0);
  t.false(existsSync(join(dir, 'rump')));
  t.deepEqual(
    await ctl('ps'),
    failed(`rumphijack: cannot connect to ${url}: there is no such socket; is the server running?\n`, 125),
  );
});

test('a reader that goes away is no fault', async t => {
  const { ok, dir, shell } = await serve(t);
  writeFileSync(join(dir, 'f'), 'line\n'.repeat(200_000));
  await ok('cp', join(dir, 'f'), 'rump:/f');
  const script =
    '{ "$RUMPHIJACK" ctl $URL cat /f; echo $? >&2; } | head -n 1; "$RUMPHIJACK" ctl --help | true';
  t.deepEqual(await shell(script), { stdout: 'line\n', stderr: '141\n', status: 0, signal: null });
});

test('output that cannot be written is a failure', async t => {
  const { shell } = await serve(t);
  t.deepEqual(
    await shell('"$RUMPHIJACK" ctl $URL ps >/dev/full'),
    failed('ps: write error: No space left on device\n'),
  );
});

test('own failures are one line and 125', async t => {
  const { ctl } = await serve(t);
  t.deepEqual(await ctl('frobnicate'), failed("rumphijack: unknown command 'frobnicate'\n", 125));
  t.deepEqual(await ctl('ls', '-z'), failed("rumphijack: unknown option '-z'\n", 125));
  t.deepEqual(await ctl('cat'), failed("rumphijack: missing required argument 'path'\n", 125));
  t.deepEqual(await ctl(), failed("rumphijack: missing required argument 'command'\n", 125));
  t.deepEqual(
    await run(['ctl', 'nowhere', 'ls']),
    failed("rumphijack: bad server URL 'nowhere': use unix:///path, unix://path or tcp://host:port/\n", 125),
  );
});

test('help', async t => {
  const { stdout, stderr, status } = await run(['ctl', '--help']);
  t.deepEqual({ stderr, status }, { stderr: '', status: 0 });
  for (const command of 'ps ls cat cp mkdir rm mount umount df sysctl ifconfig route ping halt'.split(' '))
    t.regex(stdout, new RegExp(`^  ${command} `, 'm'));
  t.regex(stdout, /^Examples:\n {2}rumphijack /m);
  const one = await run(['ctl', 'unix:///nowhere', 'ls', '--help']);
  t.regex(one.stdout, /^Usage: rumphijack ctl unix:\/\/\/nowhere ls \[-aldh1\] \[PATH\.\.\.\]\n/);
});
