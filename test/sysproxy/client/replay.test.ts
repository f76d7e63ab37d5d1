/** Our client makes the calls that a stock client was recorded making, and the recorded server answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NB } from '../../../src/abi/netbsd/nr.js';
import { AT_FDCWD, type Result, type Stat } from '../../../src/kernel/rump_kernel.js';
import { BufferUio } from '../../../src/kernel/vfs/uio.js';
import { SysproxyClient } from '../../../src/sysproxy/client/client.js';
import type { SysproxyProcess } from '../../../src/sysproxy/client/process.js';
import { root } from '../../support/run.js';

/** Calls that ours makes besides, and why; docs/rump_sp.md says it, too. */
const EXTRA: Readonly<Record<string, string>> = {
  setrlimit: 'room for as many descriptors as programs ask for',
  umask: "the program's own, at the start",
  __fstat50: 'what kind of file it is, before the first read or write',
  lseek: 'where the next entries of a directory begin',
};

const text = (words: string): BufferUio => new BufferUio(Buffer.from(words), 'write');
const room = (length: number): BufferUio => new BufferUio(Buffer.alloc(length), 'read');

/** The recorded calls, by what a program would do, and their results. */
const SESSIONS: Readonly<Record<string, (p: SysproxyProcess) => [Result, number][]>> = {
  getpid: p => [
    [p.submitCall(p.call(NB.getpid)), -1],
    [p.submitCall(p.call(NB.getppid)), 1],
    [p.submitCall(p.call(NB.getuid)), 0],
    [p.submitCall(p.call(NB.geteuid)), 0],
    [p.submitCall(p.call(NB.getgid)), 0],
    [p.submitCall(p.call(NB.issetugid)), 0],
  ],
  file: p => {
    const stat = {} as Stat;
    return [
      [p.openAt(AT_FDCWD, '/tmp/trfile', 0o1102, 0o644, 0), 3],
      [p.write(3, text('hello, rump kernel\n')), 19],
      [p.pread(3, room(100), 7, 0), 12],
      [p.fstat(3, stat), 0],
      [p.lseek(3, 0, 0), 0],
      [p.read(3, room(100)), 19],
      [p.read(3, room(100)), 0],
      [p.write(3, text('abcdef')), 6],
      [p.ftruncate(3, 5), 0],
      [p.fsync(3), 0],
      [p.statAt(AT_FDCWD, '/tmp/trfile', 0, stat), 0],
      [p.statAt(AT_FDCWD, '/tmp/trfile', 0x100, stat), 0],
      [p.accessAt(AT_FDCWD, '/tmp/trfile', 4, 0), 0],
      [p.chmodAt(AT_FDCWD, '/tmp/trfile', 0o600, 0), 0],
      [p.renameAt(AT_FDCWD, '/tmp/trfile', AT_FDCWD, '/tmp/trfile2', 0), 0],
      [p.unlinkAt(AT_FDCWD, '/tmp/trfile2', 0), 0],
      [p.close(3), 0],
      [stat.mode, 0o100644],
      [stat.size, 5],
    ];
  },
  dir: p => {
    const names: string[] = [];
    const cwd = Buffer.alloc(100);
    return [
      [p.mkdirAt(AT_FDCWD, '/tmp/trdir', 0o755), 0],
      [p.mkdirAt(AT_FDCWD, '/tmp/trdir/sub', 0o755), 0],
      [p.symlinkAt('target/of/link', AT_FDCWD, '/tmp/trdir/ln'), 0],
      [p.openAt(AT_FDCWD, '/tmp/trdir/file', 0o102, 0o644, 0), 3],
      [p.close(3), 0],
      [p.linkAt(AT_FDCWD, '/tmp/trdir/file', AT_FDCWD, '/tmp/trdir/hard', 0x400), 0],
      [p.openAt(AT_FDCWD, '/tmp/trdir', 0o200000, 0, 0), 3],
      [directory(p, names), 6],
      [p.readlinkAt(AT_FDCWD, '/tmp/trdir/ln', Buffer.alloc(100)), 14],
      [p.chdir('/tmp/trdir'), 0],
      [p.getcwd(cwd), 10],
      [p.unlinkAt(AT_FDCWD, 'hard', 0), 0],
      [p.unlinkAt(AT_FDCWD, 'ln', 0), 0],
      [p.unlinkAt(AT_FDCWD, 'file', 0), 0],
      [p.unlinkAt(AT_FDCWD, 'sub', 0x200), 0],
      [p.chdir('/'), 0],
      [p.unlinkAt(AT_FDCWD, '/tmp/trdir', 0x200), 0],
      [p.close(3), 0],
    ];
  },
  bigio: p => [
    [p.openAt(AT_FDCWD, '/tmp/trbig', 0o1102, 0o644, 0), 3],
    [p.pwrite(3, text('q'.repeat(20000)), 0, 0), 20000],
    [p.pread(3, room(20000), 0, 0), 20000],
    [p.pwrite(3, text('q'.repeat(65536)), 0, 0), 65536],
    [p.pread(3, room(65536), 0, 0), 65536],
    [p.close(3), 0],
    [p.unlinkAt(AT_FDCWD, '/tmp/trbig', 0), 0],
  ],
  mount: p => [
    [p.mkdirAt(AT_FDCWD, '/mnt', 0o755), 0],
    [p.mount('none', '/mnt', 'tmpfs', 0, 'mode=755'), 0],
    [p.statfs('/mnt', {} as never), 0],
    [p.submitCall(p.call(NB.getvfsstat).nil().long(0).int(2)), 3],
    [p.umount('/mnt', 0), 0],
    [p.unlinkAt(AT_FDCWD, '/mnt', 0x200), 0],
  ],
};

/** Reads a directory to its end: how many entries there are. */
function directory(p: SysproxyProcess, names: string[]): Result {
  const done = p.getDents(3, name => names.push(name) > 0);
  return typeof done === 'number' && done >= 0 ? names.length : done;
}

async function recorded(
  t: ExecutionContext,
  name: string,
): Promise<{ url: string; server: ChildProcess; said: string[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'recorded-'));
  const socket = join(dir, 'socket');
  const script = join(root, 'dist/test/sysproxy/client/recorded_server.js');
  const server = spawn(process.execPath, [script, socket, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => {
    server.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  const said: string[] = [];
  await once(server.stdout, 'data');
  server.stdout.on('data', (data: Buffer) => said.push(data.toString()));
  return { url: `unix://${socket}`, server, said };
}

for (const [name, session] of Object.entries(SESSIONS)) {
  test(`${name}: the calls of a stock client`, async t => {
    const { url, server, said } = await recorded(t, name);
    const client = SysproxyClient.open({ url, patient: true }, 'rtrace');
    const process = client.spawn({
      comm: 'rtrace',
      pid: 1,
      cred: { uid: 0, gid: 0, groups: [] },
      umask: 0o022,
      prefix: '',
    });
    session(process).forEach(([result, expected], i) => {
      if (expected >= 0) t.is(result, expected, `step ${i}`);
      else t.true(Number(result) > 0, `step ${i}`);
    });
    client.close();
    await once(server, 'close');
    const lines = said.join('').trim().split('\n');
    const found = lines.map(line => JSON.parse(line) as { what: string; detail: string });
    t.deepEqual(
      found.filter(({ what, detail }) => what !== 'extra' || EXTRA[detail] === undefined),
      [{ what: 'over', detail: '0' }],
    );
  });
}
