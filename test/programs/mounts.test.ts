import test from 'ava';
import { exec, inRump, run } from '../support/run.js';

test('mount -t tmpfs and umount', async t => {
  const script = `mkdir /rump/m && echo under > /rump/m/f && mount -t tmpfs none /rump/m && ls /rump/m && echo on > /rump/m/g
    cat /rump/m/g && mv /rump/m/g /rump/ && cat /rump/g && umount /rump/m && cat /rump/m/f && ls /rump/m`;
  const result = await inRump(script);
  t.deepEqual(result, { stdout: 'on\non\nunder\nf\n', stderr: '', status: 0, signal: null });
});

test('a busy mount is not unmounted', async t => {
  const result = await inRump(
    'mkdir /rump/m && mount -t tmpfs none /rump/m && cd /rump/m && umount /rump/m; echo $?; cd / && umount /rump/m && echo free',
  );
  t.regex(result.stdout, /^(?!0\n)\d+\nfree\n$/);
  t.regex(result.stderr, /busy/);
});

test('df with vfs=getvfsstat shows the rump mounts', async t => {
  const script =
    'mkdir /rump/m && mount -t tmpfs none /rump/m && df -a --output=target | grep rump; df /rump | tail -n 1; cat /proc/mounts';
  const { stdout, stderr, status } = await run([
    'run',
    '--hijack',
    'path=/rump,vfs=getvfsstat',
    '--',
    'sh',
    '-c',
    script,
  ]);
  t.is(status, 0, stderr);
  t.regex(stdout, /^\/rump$/m);
  t.regex(stdout, /^\/rump\/m$/m);
  t.regex(stdout, /^rumpfs .* \/rump$/m);
});

test('without it df shows the host mounts', async t => {
  const { stdout } = await inRump('cat /proc/mounts');
  t.notRegex(stdout, / \/rump /);
});

test('sysctl=yes reads the tree of the rump kernel', async t => {
  const script =
    'cat /proc/sys/kern/ostype; cat /proc/sys/kern/hostname; ls /proc/sys; test -d /proc/self && echo host';
  const { stdout, stderr, status } = await run([
    'run',
    '--hijack',
    'path=/rump,sysctl=yes',
    '--',
    'sh',
    '-c',
    script,
  ]);
  t.is(status, 0, stderr);
  t.regex(stdout, /kern\n/);
  t.regex(stdout, /host\n$/);
  t.notRegex(stdout.split('\n')[0] ?? '', /^(Linux)?$/);
});

test("without it /proc/sys is the host's", async t => {
  const { stdout } = await inRump('cat /proc/sys/kernel/ostype');
  t.is(stdout, 'Linux\n');
});

test('an empty RUMPHIJACK hijacks nothing', async t => {
  // The host may have a /rump, or not.
  const script = 'ls -d /rump/dev 2>/dev/null || echo host; test -e /rump && echo there';
  const { stdout } = await inRump(script, { env: { RUMPHIJACK: '' } });
  t.is(stdout, (await exec('sh', ['-c', script])).stdout);
  t.regex(stdout, /^host\n/);
});

test('blanket= passes the whole path on', async t => {
  const script = 'mkdir /rump/x && ls /rump/x && echo made';
  const both = 'path=/rump,blanket=/gate';
  const { stdout } = await run([
    'run',
    '--hijack',
    both,
    '--',
    'sh',
    '-c',
    `${script}; ls /gate 2>&1; mkdir /gate && echo y > /gate/f && cat /rump/gate/f`,
  ]);
  t.regex(stdout, /made\n.*No such file.*\ny\n/);
});
