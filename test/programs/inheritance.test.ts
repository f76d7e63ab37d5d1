/** What a program finds at its start, and what it may do with descriptors: as without us. */
import test from 'ava';
import { exec, inRump, program, rumphijack, run } from '../support/run.js';

test('32-bit and x32 calls: the host answers them, with one warning', async t => {
  const bare = await exec(program('foreign'), []);
  const { stdout, stderr, status } = await run(['run', '--', program('foreign')]);
  // A kernel without IA32_EMULATION kills who tries, traced or not.
  if (bare.signal === 'SIGSEGV') return t.is(status, 128 + 11);
  t.is(status, 0);
  t.is(stdout, bare.stdout);
  t.regex(stderr, /^rumphijack: pid \d+ makes i386 system calls: those are not hijacked/);
  t.is(stderr.match(/not hijacked/g)?.length, 1);
});

test('descriptors above 2 are inherited, and NODE_OPTIONS is the program’s', async t => {
  const script = `exec 5<<<five; NODE_OPTIONS=--inspect ${rumphijack} run -- sh -c 'cat <&5; echo $NODE_OPTIONS'`;
  const { stdout, stderr } = await exec('bash', ['-c', script]);
  t.is(stdout, 'five\n--inspect\n');
  t.is(stderr, '');
});

test('a limit of open files below the offset: advice, and --fdoff helps', async t => {
  const limited = (args: string): Promise<{ stdout: string; stderr: string; status: number | null }> =>
    exec('bash', ['-c', `ulimit -n 64; exec setpriv --bounding-set -sys_resource ${rumphijack} run ${args}`]);
  const low = await limited("--fdoff 20 -- sh -c 'echo in > /rump/f; cat /rump/f; ulimit -n'");
  t.is(low.stdout, 'in\n64\n', low.stderr);
});

test('the limit that a program sets counts its rump descriptors, and is shown as it was set', async t => {
  const script = `
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 1000))
fds = []
try:
    while True: fds.append(os.open('/rump/f', os.O_CREAT | os.O_RDWR))
except OSError as e: print(e.errno, 190 < len(fds) <= 197)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
for fd in fds[:3]: os.close(fd)
print(os.open('/rump/f', 0) == fds[0])`;
  const { stdout, stderr } = await run(['run', '--', 'python3', '-c', script]);
  t.is(stdout, '24 True\n(200, 1000)\nTrue\n', stderr);
});

test('a number of 0 to 2 that was closed is the next to be given', async t => {
  const script = `
import os
os.close(0)
print(os.open('/rump', 0), os.dup(1))
os.close(0)
fd = os.open('/rump/dev', 0)
os.close(0)
print(fd, os.dup(1) , os.fstat(0).st_mode == os.fstat(1).st_mode)`;
  const { stdout, stderr } = await run(['run', '--', 'python3', '-c', script]);
  t.is(stdout, '0 3\n0 0 True\n', stderr);
});

test('a rump descriptor is not passed over a host socket', async t => {
  const script = `
import array, os, socket
a, b = socket.socketpair()
fd = os.open('/rump', 0)
try: socket.send_fds(a, [b'x'], [fd])
except OSError as e: print(e.errno)
socket.send_fds(a, [b'y'], [1])
print(socket.recv_fds(b, 1, 1)[0])`;
  const { stdout, stderr } = await run(['run', '--hijack', 'path=/rump', '--', 'python3', '-c', script]);
  t.is(stdout, "95\nb'y'\n", stderr);
});

test('a relative path that meets the prefix from a host directory is rump; .. does not lead in', async t => {
  const { stdout } = await inRump(
    'cd / && echo here > rump/f && cat rump/f && cat /tmp/../rump/f 2>&1; cd /tmp; cat ../rump/f 2>&1',
  );
  t.regex(stdout, /^here\ncat: .*No such file or directory\ncat: .*No such file or directory\n$/);
});

test('a file at RLIMIT_FSIZE raises SIGXFSZ, inherited or set', async t => {
  const script =
    'ulimit -f 1; dd if=/dev/zero of=/rump/f bs=4096 count=1 2>/dev/null; echo $?; wc -c < /rump/f';
  const inherited = await exec('bash', ['-c', `ulimit -f 1; ${rumphijack} run -- bash -c '${script}'`]);
  const set = await run(['run', '--', 'bash', '-c', script]);
  t.is(set.stdout, '153\n1024\n', set.stderr);
  t.is(inherited.stdout, '153\n1024\n', inherited.stderr);
});

test('a program that starts without standard input gets 0 from its first open', async t => {
  const script = `${rumphijack} run -- python3 -S -c 'import os; print(os.open("/rump", 0))' <&-`;
  const { stdout, stderr } = await exec('bash', ['-c', script]);
  t.is(stdout, '0\n', stderr);
});
