import test from 'ava';
import { exec, inRump, program, rumphijack, run, same } from '../support/run.js';

for (const kind of ['', '.static']) {
  test(`16 threads write 16 files${kind}`, async t => {
    const result = await same(t, `${program(`threads${kind}`)} "$DIR"; ls; cat whole* | sha256sum`);
    t.is(result.status, 0, result.stderr);
  });

  test(`200 processes in a fork tree${kind}`, async t => {
    const result = await same(
      t,
      `${program(`forktree${kind}`)} "$DIR" 200; ls | wc -l; wc -c < shared; cat node* | sort -n | sha256sum`,
    );
    t.is(result.status, 0, result.stderr);
    t.regex(result.stdout, /^all well\n201\n200\n/);
  });

  test(`signals while calls are answered${kind}`, async t => {
    const result = await same(t, `${program(`signals${kind}`)} "$DIR/f"`);
    t.is(result.stdout, 'no call was lost\n', result.stderr);
  });

  test(`bad pointers and long paths${kind}`, async t => {
    const overWire = [['longest path: 0', 'longest path: ENAMETOOLONG']] as const;
    const result = await same(t, `${program(`efault${kind}`)} "$DIR"; ls`, { overWire });
    t.is(result.status, 0, result.stderr);
  });
}

test("the exit status is the program's", async t => {
  for (const status of [0, 1, 42, 124, 255]) t.is((await inRump(`exit ${status}`)).status, status);
});

test('a program killed by signal n gives 128 + n', async t => {
  for (const [name, number] of [
    ['TERM', 15],
    ['KILL', 9],
    ['INT', 2],
    ['SEGV', 11],
    ['PIPE', 13],
  ] as const) {
    t.is((await inRump(`kill -${name} $$`)).status, 128 + number, name);
  }
});

test('ignored signals stay ignored: nohup', async t => {
  const { stdout } = await inRump('nohup sh -c "kill -HUP \\$\\$; echo alive" 2>/dev/null');
  t.is(stdout, 'alive\n');
  const { stdout: outside } = await inRump('trap "" INT; sh -c "kill -INT \\$\\$; echo alive"');
  t.is(outside, 'alive\n');
});

test('ignored signals, the soft limit of files and closed descriptors are inherited through us', async t => {
  const script = `ulimit -Sn 333; trap '' HUP USR1; exec 0<&-
    ${rumphijack} run -- sh -c 'ulimit -Sn; grep SigIgn /proc/self/status; test -e /proc/self/fd/0 || echo closed'`;
  const { stdout } = await exec('sh', ['-c', script]);
  t.is(stdout, '333\nSigIgn:\t0000000000000201\nclosed\n');
});

test('descriptors: placeholders, dup and close are what /proc says', async t => {
  const script = `
import os, fcntl
fd = os.open("/rump/f", os.O_RDWR | os.O_CREAT); print(fd >= 128)
two = os.dup(fd); print(two >= 128 and two != fd); os.dup2(fd, 5); os.write(5, b"five"); print(os.pread(fd, 9, 0)); os.close(5)
n = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 300); print(n, fcntl.fcntl(n, fcntl.F_GETFD)); os.dup2(0, two); print(os.fstat(two).st_ino == os.fstat(0).st_ino)
os.close(fd)
try: os.read(fd, 1)
except OSError as e: print(e.errno)
os.closerange(3, 1000)
try: os.read(n, 1)
except OSError as e: print(e.errno)
h = os.open("/dev/null", os.O_RDONLY); print(h < 128)`;
  const result = await run(['run', '--', '/usr/bin/python3', '-SBc', script]);
  t.is(result.stdout, "True\nTrue\nb'five'\n300 1\nTrue\n9\n9\nTrue\n", result.stderr);
});

test('--fdoff moves the descriptors', async t => {
  const script = 'import os; print(os.open("/rump/f", os.O_RDWR | os.O_CREAT))';
  const result = await run(['run', '--fdoff', '40', '--', '/usr/bin/python3', '-SBc', script]);
  t.true(Number(result.stdout) >= 40 && Number(result.stdout) < 128, result.stderr);
});

test('--wait-all waits for orphans, whose files live as long', async t => {
  // The background process goes on only after its parent is gone: then it is some other process's child.
  const script = `sh -c 'while test -d /proc/'$$'/task && ! grep -qs "^State:.Z" /proc/'$$'/status; do :; done; echo late > /rump/f; cat /rump/f' & exit 3`;
  const result = await run(['run', '--wait-all', '--', 'sh', '-c', script]);
  t.deepEqual(result, { stdout: 'late\n', stderr: '', status: 3, signal: null });
});

test('one run does not see the files of another', async t => {
  await inRump('echo private > /rump/f');
  t.is((await inRump('ls /rump')).stdout, 'dev\n');
});
