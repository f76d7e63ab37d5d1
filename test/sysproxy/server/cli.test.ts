import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { rumphijack } from '../../support/run.js';

const REQUEST = { GUEST: 0, REBOOT: 208 };

function directory(t: ExecutionContext): string {
  const made = mkdtempSync(join(tmpdir(), 'server-cli-'));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function server(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(rumphijack, ['server', ...args], { encoding: 'utf8', timeout: 60_000 });
}

/** A server in front, and the line by which it says that it is ready. */
async function inFront(
  t: ExecutionContext,
  ...args: string[]
): Promise<{ child: ChildProcess; ready: string }> {
  const child = spawn(rumphijack, ['server', '-s', '--ready-fd', '3', ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const pipe = child.stdio[3];
  if (pipe === null || pipe === undefined || !('on' in pipe)) throw new Error('no pipe');
  let ready = '';
  pipe.on('data', (bytes: Buffer) => {
    ready += bytes.toString();
  });
  // The end of the file, too: the descriptor is closed.
  await once(pipe, 'end');
  return { child, ready };
}

function stderrOf(child: ChildProcess) {
  if (child.stderr === null) throw new Error('standard error is no pipe');
  return child.stderr;
}

/** Waits until the pid is gone: a server in the background is nobody's child. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** A connection that has received the server's first line. */
async function greeted(path: string): Promise<{ banner: string; end: () => void; closed: Promise<unknown> }> {
  const socket = connect(path);
  const [bytes]: Buffer[] = await once(socket, 'data');
  const closed = once(socket, 'close');
  return { banner: bytes.toString(), end: () => socket.destroy(), closed };
}

test('goes to the background once it serves; SIGTERM ends it and leaves nothing', async t => {
  const dir = directory(t);
  const [path, pidFile] = [join(dir, 'socket'), join(dir, 'pid')];
  const started = server('--pid-file', pidFile, `unix://${path}`);
  t.deepEqual(started, { ...started, status: 0, stdout: '', stderr: '' });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  t.teardown(() => spawnSync('kill', ['-9', String(pid)]));
  t.is(statSync(path).mode & 0o777, 0o600);
  const client = await greeted(path);
  t.is(client.banner, 'RUMPSP-0.4-NetBSD-7.99.34/amd64\n');

  const second = server(`unix://${path}`);
  t.is(second.status, 125);
  t.is(second.stderr, `rumphijack: cannot listen at ${path}: already served\n`);

  process.kill(pid, 'SIGTERM');
  await client.closed;
  await gone(pid);
  t.false(existsSync(path));
  t.false(existsSync(pidFile));
});

test('in front: ready-fd, and each signal that ends it', async t => {
  const dir = directory(t);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const path = join(dir, signal);
    const { child, ready } = await inFront(t, `unix://${path}`);
    t.is(ready, `unix://${path}\n`);
    child.kill(signal);
    const [status] = await once(child, 'exit');
    t.is(status, 0, signal);
    t.false(existsSync(path));
  }
});

test('a socket that was left behind is taken over', async t => {
  const path = join(directory(t), 'socket');
  const first = await inFront(t, `unix://${path}`);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  t.true(existsSync(path));
  const { child } = await inFront(t, `unix://${path}`);
  const client = await greeted(path);
  client.end();
  child.kill('SIGTERM');
  await once(child, 'exit');
  t.false(existsSync(path));
});

test('what is no socket is left alone, and so is a socket of others', async t => {
  const dir = directory(t);
  const file = join(dir, 'file');
  writeFileSync(file, 'precious');
  const link = join(dir, 'link');
  symlinkSync(join(dir, 'nowhere'), link);
  for (const path of [file, dir, link]) {
    const refused = server(`unix://${path}`);
    t.is(refused.status, 125);
    t.is(refused.stderr, `rumphijack: ${path} exists and is no socket: remove it, or use another path\n`);
  }
  t.is(readFileSync(file, 'utf8'), 'precious');
  const others = createServer().listen(join(dir, 'others'));
  await once(others, 'listening');
  t.is(server('-s', `unix://${join(dir, 'others')}`).status, 125);
  t.true(existsSync(join(dir, 'others')));
  others.close();
});

test('tcp: loopback, unless asked for more', async t => {
  const { child, ready } = await inFront(t, 'tcp://127.0.0.1:0/');
  const port = Number(/^tcp:\/\/127\.0\.0\.1:(\d+)\/\n$/.exec(ready)?.[1]);
  const socket = connect(port, '127.0.0.1');
  const [bytes]: Buffer[] = await once(socket, 'data');
  t.regex(bytes.toString(), /^RUMPSP-/);
  t.is(server(`tcp://127.0.0.1:${port}/`).status, 125);
  child.kill('SIGTERM');
  await once(socket, 'close');
  for (const host of ['0.0.0.0', '[::]', '192.0.2.1']) {
    const refused = server('-s', `tcp://${host}:0/`);
    t.is(refused.status, 125);
    t.regex(refused.stderr, /^rumphijack: .* can be reached by others.*--listen-anywhere\n$/);
  }
  const open = await inFront(t, '--listen-anywhere', 'tcp://0.0.0.0:0/');
  const [warning]: Buffer[] = await once(stderrOf(open.child), 'data');
  t.regex(warning.toString(), /every client is root/);
  open.child.kill('SIGTERM');
  await once(open.child, 'exit');
});

test('what cannot be is one line and 125', t => {
  const dir = directory(t);
  const long = `unix://${'x'.repeat(200)}`;
  const bad = [
    ['nothing'],
    ['http://localhost/'],
    ['unix://'],
    [long],
    ['tcp://localhost/'],
    ['tcp://localhost:99999/'],
    ['tcp://no-such-host.invalid:1/'],
    [`unix://${dir}/no/such/directory`],
    ['--pid-file', `${dir}/no/pid`, `unix://${dir}/s`],
    ['--ready-fd', 'x', `unix://${dir}/s`],
    ['--ready-fd', '77', `unix://${dir}/s`],
    ['-s', '--ready-fd', '77', `unix://${dir}/s`],
    [],
    ['--nonsense', `unix://${dir}/s`],
  ];
  for (const args of bad) {
    const refused = server(...args);
    t.is(refused.status, 125, args.join(' '));
    t.regex(refused.stderr, /^rumphijack: [^\n]+\n$/, args.join(' '));
    t.is(refused.stdout, '');
  }
  t.false(existsSync(`${dir}/s`));
  const help = server('--help');
  t.is(help.status, 0);
  t.regex(help.stdout, /Examples:/);
});

/** A frame of class REQ without a body worth naming. */
function request(reqno: number, type: number, info: number, body: Buffer): Buffer {
  const head = Buffer.alloc(24);
  head.writeBigUInt64LE(BigInt(24 + body.length), 0);
  head.writeBigUInt64LE(BigInt(reqno), 8);
  head.writeUInt16LE(type, 18);
  head.writeUInt32LE(info, 20);
  return Buffer.concat([head, body]);
}

test('a client that halts the kernel ends the server, and is told so first', async t => {
  const path = join(directory(t), 'socket');
  const { child } = await inFront(t, `unix://${path}`);
  const socket = connect(path);
  let got = Buffer.alloc(0);
  socket.on('data', bytes => {
    got = Buffer.concat([got, bytes]);
  });
  socket.write(request(1, 0, REQUEST.GUEST, Buffer.from('halt\0')));
  socket.write(request(2, 1, REQUEST.REBOOT, Buffer.from(Uint8Array.of(8, ...Array(15).fill(0)))));
  const [status] = await once(child, 'exit');
  t.is(status, 0);
  if (!socket.closed) await once(socket, 'close');
  t.is(got.length, 32 + 28 + 48);
  t.is(got.readInt32LE(32 + 28 + 24), 0);
  t.false(existsSync(path));
});

test('standard output that nobody reads does not hold up the server', async t => {
  const path = join(directory(t), 'socket');
  const { child } = await inFront(t, `unix://${path}`);
  const socket = connect(path);
  const SIZE = 60_000;
  const args = Buffer.alloc(24);
  args.writeBigUInt64LE(1n, 0);
  args.writeBigUInt64LE(4096n, 8);
  args.writeBigUInt64LE(BigInt(SIZE), 16);
  const write = request(2, 1, 4, args);
  socket.write(request(1, 0, REQUEST.GUEST, Buffer.from('loud\0')));
  let written = 0;
  let rest = Buffer.alloc(0);
  let isGreeted = false;
  const done = new Promise<void>(resolve => {
    socket.on('data', bytes => {
      rest = Buffer.concat([rest, bytes]);
      if (!isGreeted && rest.length >= 32) {
        isGreeted = true;
        rest = rest.subarray(32);
        socket.write(write);
      }
      while (rest.length >= 24 && rest.length >= Number(rest.readBigUInt64LE(0))) {
        const frame = rest.subarray(0, Number(rest.readBigUInt64LE(0)));
        rest = rest.subarray(frame.length);
        if (frame.readUInt16LE(16) === 0) {
          const answer = request(Number(frame.readBigUInt64LE(8)), 2, 0, Buffer.alloc(SIZE, 0x2e));
          answer.writeUInt16LE(1, 16);
          socket.write(answer);
        } else if (frame.readUInt16LE(18) === 1) {
          written++;
          if (written === 10) resolve();
          else socket.write(write);
        }
      }
    });
  });
  await done;
  t.is(written, 10);
  socket.destroy();
  child.kill('SIGTERM');
  const [status] = await once(child, 'exit');
  t.is(status, 0);
});
