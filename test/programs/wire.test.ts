/** What programs notice of a wire, and of a server, that is slow, stopped or gone. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { python } from '../support/dialog.js';
import { contendedLock, exec, root, rumphijack, run, scratch } from '../support/run.js';
import { startServer, type TestServer } from '../support/server.js';

function server(t: ExecutionContext): TestServer {
  const started = startServer('unix');
  t.teardown(() => started.stop());
  return started;
}

/** A wire to the server with faults: a delay, and the size of what is written at once. */
async function relay(t: ExecutionContext, url: string, milliseconds: number, bytes: number): Promise<string> {
  const listen = join(scratch(t), 'relay');
  const to = url.slice('unix://'.length);
  const script = join(root, 'dist/test/support/relay.js');
  const child = spawn(process.execPath, [script, listen, to, String(milliseconds), String(bytes)]);
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return `unix://${listen}`;
}

const SCRIPT = `mkdir -p /rump/d && cd /rump/d && echo one >f && cat f && (pwd; ln -s f g; cat g) && sh -c 'exec cat f' &&
  head -c 200000 /dev/zero >big && wc -c <big && cp big copy && cmp big copy && ls && rm -r /rump/d && ls /rump`;
const EXPECTED = 'one\n/rump/d\none\none\n200000\nbig\ncopy\nf\ng\ndev\n';

for (const [title, milliseconds, bytes] of [
  ['everything comes late', 5, 65536],
  ['bytes come one by one', 0, 1],
  ['bytes come late and by sevens', 3, 7],
] as const) {
  test(title, async t => {
    const url = await relay(t, server(t).url, milliseconds, bytes);
    const { stdout, stderr, status } = await run(['run', '--server', url, '--', 'sh', '-c', SCRIPT]);
    t.is(stderr, '');
    t.is(stdout, EXPECTED);
    t.is(status, 0);
  });
}

test('calls that both kernels make, and a parent that is gone before its child is made, over a slow wire', async t => {
  const url = await relay(t, server(t).url, 6, 65536);
  const flags = python(
    `
fd = os.open("/rump/f", os.O_CREAT | os.O_RDWR)
os.set_inheritable(fd, True)
fcntl.fcntl(fd, fcntl.F_SETFD, 0)
say(os.get_inheritable(fd), os.readlink(f"/proc/self/fd/{fd}"))`,
    ['--server', url],
  );
  t.is(await flags.line(), 'True /rump/f');
  t.is((await flags.end()).status, 0);
  const orphan = "sh -c 'echo late >/rump/g; cat /rump/g' & exit 3";
  const { stdout, status } = await run(['run', '--wait-all', '--server', url, '--', 'sh', '-c', orphan]);
  t.deepEqual([stdout, status], ['late\n', 3]);
});

test('a directory that was left for one of the host is not in use by the next child, over a slow wire', async t => {
  const url = await relay(t, server(t).url, 6, 65536);
  const script =
    'mkdir /rump/m && mount -t tmpfs none /rump/m && cd /rump/m && cd / && umount /rump/m && echo free';
  const { stdout, stderr } = await run(['run', '--server', url, '--', 'sh', '-c', script]);
  t.deepEqual([stdout, stderr], ['free\n', '']);
});

/** Calls of each kind, each on what `prepare` has made. */
const KINDS: readonly (readonly [string, string])[] = [
  ['open', 'os.open("/rump/f", os.O_RDONLY)'],
  ['create', 'os.open("/rump/new", os.O_CREAT | os.O_EXCL | os.O_RDWR)'],
  ['read', 'os.read(fd, 10)'],
  ['write', 'os.write(fd, b"x" * 100000)'],
  ['pread', 'os.pread(fd, 10, 0)'],
  ['pwrite', 'os.pwrite(fd, b"x", 5)'],
  ['lseek', 'os.lseek(fd, 0, 1)'],
  ['stat', 'os.stat("/rump/f")'],
  ['fstat', 'os.fstat(fd)'],
  ['getdents', 'os.listdir("/rump")'],
  ['mkdir', 'os.mkdir("/rump/x")'],
  ['rename', 'os.rename("/rump/f", "/rump/g")'],
  ['unlink', 'os.unlink("/rump/f")'],
  ['symlink', 'os.symlink("a", "/rump/s")'],
  ['readlink', 'os.readlink("/rump/link")'],
  ['chmod', 'os.chmod("/rump/f", 0o600)'],
  ['utime', 'os.utime("/rump/f")'],
  ['truncate', 'os.ftruncate(fd, 3)'],
  ['fsync', 'os.fsync(fd)'],
  ['dup', 'os.dup(fd)'],
  ['lock', 'fcntl.lockf(fd, fcntl.LOCK_EX)'],
  ['flock', 'fcntl.flock(fd, fcntl.LOCK_SH)'],
  ['statfs', 'os.statvfs("/rump")'],
  ['chdir', 'os.chdir("/rump")'],
  ['xattr', 'os.getxattr("/rump/f", "user.a")'],
  ['fifo', 'os.read(reader, 10)'],
];
const PREPARE = `
fd = os.open("/rump/f", os.O_CREAT | os.O_RDWR)
os.write(fd, b"text")
os.symlink("f", "/rump/link")
os.mkfifo("/rump/fifo")
reader = os.open("/rump/fifo", os.O_RDWR)
`;

test('a server that is killed in the middle of a call: the call fails, the program goes on', async t => {
  for (const [kind, call] of KINDS) {
    const { url, pid } = server(t);
    const program = python(
      `${PREPARE}
say("ready"); wait()
say(attempt(lambda: ${call}))
say(attempt(lambda: os.stat("/rump/f")))
say(open("/proc/self/comm").read().strip())`,
      ['--server', url],
    );
    t.is(await program.line(), 'ready', kind);
    process.kill(pid, 'SIGSTOP');
    program.say();
    process.kill(pid, 'SIGKILL');
    t.is(await program.line(), 'ENOTCONN', kind);
    t.is(await program.line(), 'ENOTCONN', kind);
    t.is(await program.line(), 'python3', kind);
    const { status, stderr } = await program.end();
    t.deepEqual([status, stderr], [0, ''], kind);
  }
});

test('a fork and an exec while the server dies', async t => {
  const { url, pid } = server(t);
  const program = python(
    `
import subprocess
open("/rump/f", "w").close()
say("ready"); wait()
say(subprocess.run(["sh", "-c", "cat /rump/f || echo failed"], capture_output=True, text=True).stdout.strip())`,
    ['--server', url],
  );
  t.is(await program.line(), 'ready');
  process.kill(pid, 'SIGSTOP');
  program.say();
  process.kill(pid, 'SIGKILL');
  t.is(await program.line(), 'failed');
  t.is((await program.end()).status, 0);
});

test('a stopped server holds up who calls it, and nobody else; it goes on where it stood', async t => {
  const { url, pid } = server(t);
  const program = python(
    `
import threading
fd = os.open("/rump/f", os.O_CREAT | os.O_RDWR)
say("ready"); wait()
result = []
caller = threading.Thread(target=lambda: result.append(os.write(fd, b"text")))
caller.start()
say("host", os.path.exists("/proc"))
wait()
caller.join()
say(result)`,
    ['--server', url],
  );
  t.is(await program.line(), 'ready');
  process.kill(pid, 'SIGSTOP');
  program.say();
  t.is(await program.line(), 'host True');
  process.kill(pid, 'SIGCONT');
  program.say();
  t.is(await program.line(), '[4]');
  t.is((await program.end()).status, 0);
});

/** Waits until the thread sleeps in ppoll(2), where a call that waits for the kernel keeps it. */
async function parked(pid: number): Promise<void> {
  await exec('sh', ['-c', `until [ "$(cut -d' ' -f1 /proc/${pid}/syscall)" = 271 ]; do :; done`]);
}

test('a program that waits for a stopped server can be ended, and handles signals after the call', async t => {
  const { url, pid } = server(t);
  const fatal = python('say(os.getpid()); wait(); os.mkdir("/rump/d")', ['--server', url]);
  const handling = python(
    `
signal.signal(signal.SIGUSR1, lambda *_: say("handled"))
say(os.getpid()); wait()
say(attempt(lambda: os.mkdir("/rump/e")))`,
    ['--server', url],
  );
  const [first, second] = [Number(await fatal.line()), Number(await handling.line())];
  process.kill(pid, 'SIGSTOP');
  fatal.say();
  handling.say();
  await parked(first);
  await parked(second);
  process.kill(first, 'SIGTERM');
  t.is((await fatal.end()).status, 128 + 15);
  process.kill(second, 'SIGUSR1');
  process.kill(second, 'SIGSTOP');
  process.kill(second, 'SIGCONT');
  process.kill(pid, 'SIGCONT');
  const lines = [await handling.line(), await handling.line()];
  t.deepEqual(lines.sort(), ['None', 'handled']);
  t.is((await handling.end()).status, 0);
  const { stdout } = await run(['ctl', url, 'ls', '/']);
  t.true(stdout.includes('e\n'));
});

test('a handler that has to wait for an answer runs, although another signal comes with the answer', async t => {
  const url = await relay(t, server(t).url, 3, 65536);
  const program = python(
    `
import select
handled = 0
def count(*_):
    global handled
    handled += 1
signal.signal(signal.SIGUSR1, count)
(go, told), (over, made), (done, tell) = os.pipe(), os.pipe(), os.pipe()
if os.fork() == 0:
    os.close(told); os.close(made); os.close(done)
    while os.read(go, 1):
        os.kill(os.getppid(), signal.SIGUSR1)
        while not select.select([over], [], [], 0)[0]: os.kill(os.getppid(), signal.SIGWINCH)
        os.read(over, 1)
        os.write(tell, b"x")
    os._exit(0)
os.close(go); os.close(over); os.close(tell)
late = 0
for i in range(40):
    os.write(told, b"x")
    os.mkdir(f"/rump/d{i}")
    os.write(made, b"x")
    os.read(done, 1)
    if handled != i + 1: late += 1; handled = i + 1
os.close(told)
os.wait()
say(late)`,
    ['--server', url],
  );
  t.is(await program.line(), '0');
  t.is((await program.end()).status, 0);
});

test('a client that is killed leaves no locks and no writers', async t => {
  const { url } = server(t);
  const holder = python(
    `
fd = os.open("/rump/f", os.O_CREAT | os.O_RDWR)
os.mkfifo("/rump/fifo")
writer = os.open("/rump/fifo", os.O_RDWR)
fcntl.lockf(fd, fcntl.LOCK_EX)
say("locked"); wait()`,
    ['--server', url],
  );
  t.is(await holder.line(), 'locked');
  const waiting = python(
    `
fd = os.open("/rump/f", os.O_RDWR)
reader = os.open("/rump/fifo", os.O_RDONLY)
say(attempt(lambda: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)))
fcntl.lockf(fd, fcntl.LOCK_EX)
say("mine", os.read(reader, 1))`,
    ['--server', url],
  );
  t.is(await waiting.line(), 'EAGAIN');
  holder.kill();
  t.is(await waiting.line(), "mine b''");
  t.is((await waiting.end()).status, 0);
});

test('SIGPIPE reaches the thread that wrote', async t => {
  const { url } = server(t);
  const { status } = await run([
    'run',
    '--server',
    url,
    '--',
    'sh',
    '-c',
    'mkfifo /rump/p; (sleep 0.01 </rump/p) & exec cat /dev/zero >/rump/p',
  ]);
  t.is(status, 128 + 13);
});

// Reconnecting.

/** Kills a server and waits until it is gone. */
async function killed(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await exec('tail', ['--pid', String(pid), '-f', '/dev/null']);
}

/** A second server at the same place. */
async function again(url: string): Promise<() => void> {
  const pidFile = `${url.slice('unix://'.length)}.again`;
  const started = await run(['server', '--pid-file', pidFile, url]);
  if (started.status !== 0) throw new Error(started.stderr);
  const pid = Number((await exec('cat', [pidFile])).stdout);
  return () => process.kill(pid, 'SIGKILL');
}

const RECONNECT = `
fd = os.open("/rump/f", os.O_CREAT | os.O_RDWR)
say("ready"); wait()
say(attempt(lambda: len(os.listdir("/rump"))))
say(attempt(lambda: os.read(fd, 1)))
new = attempt(lambda: os.open("/rump/g", os.O_CREAT | os.O_RDWR))
say(new == fd, attempt(lambda: os.write(new, b"x")))
say(attempt(lambda: os.read(fd, 1)))
os.close(fd)
say(attempt(lambda: os.open("/rump/h", os.O_CREAT | os.O_RDWR)) == fd)`;

test('inftime: what was open is lost, what is opened is of the new server', async t => {
  const { url, pid } = server(t);
  const program = python(RECONNECT, ['--server', url], { env: { RUMPHIJACK_RETRYCONNECT: 'inftime' } });
  t.is(await program.line(), 'ready');
  await killed(pid);
  program.say();
  const stop = await again(url);
  t.teardown(stop);
  const lines: (string | undefined)[] = [];
  for (let i = 0; i < 5; i++) lines.push(await program.line());
  t.deepEqual(lines, ['1', 'EBADF', 'False 1', 'EBADF', 'True']);
  const { status, stderr } = await program.end();
  t.is(status, 0);
  t.regex(
    stderr,
    /^(rumphijack: connection to the rump kernel lost, trying to reconnect \.\.\.\n)?rumphijack: reconnected.*\n$/,
  );
});

test('no retry, once, a number of seconds: later calls fail', async t => {
  for (const retry of [undefined, 'once', '1']) {
    const { url, pid } = server(t);
    const args = ['--server', url, ...(retry === undefined ? [] : ['--retry', retry])];
    const program = python(
      `open("/rump/f", "w").close(); say("ready"); wait(); say(attempt(lambda: os.stat("/rump/f")))`,
      args,
    );
    t.is(await program.line(), 'ready');
    await killed(pid);
    program.say();
    t.is(await program.line(), 'ENOTCONN');
    const { status, stderr } = await program.end();
    t.is(status, 0);
    t.is(stderr.includes('trying to reconnect'), retry !== undefined);
    t.is(stderr.includes('1 second timeout'), retry === '1');
  }
});

test('die: the program ends with status 1 at its next call', async t => {
  const { url, pid } = server(t);
  const program = python('say("ready"); wait(); attempt(lambda: os.stat("/rump/f")); say("alive")', [
    '--server',
    url,
    '--retry',
    'die',
  ]);
  t.is(await program.line(), 'ready');
  await killed(pid);
  program.say();
  const { status, stdout } = await program.end();
  t.deepEqual([status, stdout], [1, '']);
});

// What is no server.

test('what cannot be a server is said in one line, and nothing runs', async t => {
  const dir = scratch(t);
  const greet = async (name: string, greeting: string): Promise<string> => {
    const path = join(dir, name);
    const listener = createServer(socket => {
      socket.on('error', () => {});
      socket.end(greeting);
    }).listen(path);
    await once(listener, 'listening');
    t.teardown(() => listener.close());
    return `unix://${path}`;
  };
  const cases: [string, RegExp][] = [
    ['nonsense', /bad server URL 'nonsense': use unix:/],
    ['unix://', /no path after unix:/],
    ['tcp://host', /use tcp:\/\/host:port\//],
    ['tcp://127.0.0.1:99999/', /there is no port 99999/],
    [`unix://${join(dir, 'none')}`, /there is no such socket; is the server running\?/],
    ['tcp://127.0.0.1:1/', /connection refused; is the server running\?/],
    [await greet('http', 'HTTP/1.1 400 Bad Request\n'), /is no rump kernel server: it greets with "HTTP/],
    [await greet('mute', ''), /is no rump kernel server: it says nothing/],
    [await greet('major', 'RUMPSP-1.0-NetBSD-9.0/amd64\n'), /speaks rump_sp 1\.0; this program speaks 0\.x/],
    [await greet('machine', 'RUMPSP-0.4-NetBSD-7.0/i386\n'), /is a rump kernel of NetBSD-7\.0\/i386/],
  ];
  for (const [url, expected] of cases) {
    const { stdout, stderr, status } = await run(['run', '--server', url, '--', 'echo', 'ran']);
    t.regex(stderr, expected);
    t.regex(stderr, /^rumphijack: [^\n]*\n$/);
    t.deepEqual([stdout, status], ['', 125], url);
  }
  const retry = await run(['run', '--retry', 'sometimes', '--server', 'unix:///x', '--', 'echo']);
  t.regex(
    retry.stderr,
    /^rumphijack: --retry: 'sometimes' is none of inftime, once, die and a number of seconds\n$/,
  );
  t.is(retry.status, 125);
});

test('relative URLs, and RUMP_SERVER', async t => {
  const { url } = server(t);
  const path = url.slice('unix://'.length);
  const cwd = path.replace(/\/[^/]*$/, '');
  const relative = `unix://${path.slice(cwd.length + 1)}`;
  const { stdout, stderr } = await exec(
    rumphijack,
    ['run', '--', 'sh', '-c', 'echo there >/rump/f; cat /rump/f'],
    {
      cwd,
      env: { RUMP_SERVER: relative },
    },
  );
  t.deepEqual([stdout, stderr], ['there\n', '']);
});

test('a signal while a lock is asked for the first time ends the wait for it, or is handled and the wait goes on', async t => {
  // The alarm comes before the first answer does.
  const url = await relay(t, server(t).url, 60, 65536);
  const { stdout, stderr } = await run(['run', '--server', url, '--', 'python3', contendedLock], {
    timeout: 30_000,
  });
  t.is(stdout, 'would block\ninterrupted\ngranted\n0\n', stderr);
});
