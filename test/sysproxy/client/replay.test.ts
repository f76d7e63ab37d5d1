/** Our client makes the calls that a stock client was recorded making, and the recorded server answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EBADF,
  ECONNREFUSED,
  EEXIST,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  ENOSYS,
  ENOTCONN,
  ENOTSOCK,
  ENOTTY,
  EPROTOTYPE,
} from '../../../src/abi/linux/errno.js';
import { NB } from '../../../src/abi/netbsd/nr.js';
import { AT_FDCWD, type Result, type Stat, type StatFs } from '../../../src/kernel/rump_kernel.js';
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
const into = (memory: Buffer): BufferUio => new BufferUio(memory, 'read');
/** What was put at the beginning of `memory`. */
const start = (memory: Buffer, length: number): string => memory.toString('latin1', 0, length);

/** A result and what it was recorded to be; -1 is any number above 0. */
type Step = [found: unknown, recorded: unknown];

/** The recorded calls, by what a program would do, and their results. */
const SESSIONS: Readonly<Record<string, (p: SysproxyProcess) => Step[]>> = {
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
    const [part, whole] = [Buffer.alloc(100), Buffer.alloc(100)];
    return [
      [p.openAt(AT_FDCWD, '/tmp/trfile', 0o1102, 0o644, 0), 3],
      [p.write(3, text('hello, rump kernel\n')), 19],
      [p.pread(3, into(part), 7, 0), 12],
      [start(part, 13), 'rump kernel\n\0'],
      [p.fstat(3, stat), 0],
      [
        { size: stat.size, nlink: stat.nlink, uid: stat.uid },
        { size: 19, nlink: 1, uid: 0 },
      ],
      [p.lseek(3, 0, 0), 0],
      [p.read(3, into(whole)), 19],
      [start(whole, 20), 'hello, rump kernel\n\0'],
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
    const [cwd, target] = [Buffer.alloc(100), Buffer.alloc(100)];
    return [
      [p.mkdirAt(AT_FDCWD, '/tmp/trdir', 0o755), 0],
      [p.mkdirAt(AT_FDCWD, '/tmp/trdir/sub', 0o755), 0],
      [p.symlinkAt('target/of/link', AT_FDCWD, '/tmp/trdir/ln'), 0],
      [p.openAt(AT_FDCWD, '/tmp/trdir/file', 0o102, 0o644, 0), 3],
      [p.close(3), 0],
      [p.linkAt(AT_FDCWD, '/tmp/trdir/file', AT_FDCWD, '/tmp/trdir/hard', 0x400), 0],
      [p.openAt(AT_FDCWD, '/tmp/trdir', 0o200000, 0, 0), 3],
      [directory(p, names), 6],
      [names, ['.', '..', 'sub', 'ln', 'file', 'hard']],
      [p.readlinkAt(AT_FDCWD, '/tmp/trdir/ln', target), 14],
      [start(target, 15), 'target/of/link\0'],
      [p.chdir('/tmp/trdir'), 0],
      [p.getcwd(cwd), 10],
      [start(cwd, 11), '/tmp/trdir\0'],
      [p.unlinkAt(AT_FDCWD, 'hard', 0), 0],
      [p.unlinkAt(AT_FDCWD, 'ln', 0), 0],
      [p.unlinkAt(AT_FDCWD, 'file', 0), 0],
      [p.unlinkAt(AT_FDCWD, 'sub', 0x200), 0],
      [p.chdir('/'), 0],
      [p.unlinkAt(AT_FDCWD, '/tmp/trdir', 0x200), 0],
      [p.close(3), 0],
    ];
  },
  bigio: p => {
    const [small, large] = [Buffer.alloc(20000), Buffer.alloc(65536)];
    return [
      [p.openAt(AT_FDCWD, '/tmp/trbig', 0o1102, 0o644, 0), 3],
      [p.pwrite(3, text('q'.repeat(20000)), 0, 0), 20000],
      [p.pread(3, into(small), 0, 0), 20000],
      [small.every(byte => byte === 'q'.charCodeAt(0)), true],
      [p.pwrite(3, text('q'.repeat(65536)), 0, 0), 65536],
      [p.pread(3, into(large), 0, 0), 65536],
      [large.every(byte => byte === 'q'.charCodeAt(0)), true],
      [p.close(3), 0],
      [p.unlinkAt(AT_FDCWD, '/tmp/trbig', 0), 0],
    ];
  },
  mount: p => {
    const fs = {} as StatFs;
    return [
      [p.mkdirAt(AT_FDCWD, '/mnt', 0o755), 0],
      [p.mount('none', '/mnt', 'tmpfs', 0, 'mode=755'), 0],
      [p.statfs('/mnt', fs), 0],
      [
        {
          type: fs.type,
          blocks: fs.blocks,
          bfree: fs.bfree,
          bavail: fs.bavail,
          files: fs.files,
          ffree: fs.ffree,
        },
        {
          type: 0x01021994,
          blocks: 0x20001,
          bfree: 0x20000,
          bavail: 0x20000,
          files: 0x25ed0a,
          ffree: 0x25ed09,
        },
      ],
      [
        { bsize: fs.bsize, frsize: fs.frsize, namelen: fs.namelen, flags: fs.flags },
        { bsize: 4096, frsize: 4096, namelen: 255, flags: 0 },
      ],
      [p.submitCall(p.call(NB.getvfsstat).nil().long(0).int(2)), 3],
      [p.umount('/mnt', 0), 0],
      [p.unlinkAt(AT_FDCWD, '/mnt', 0x200), 0],
    ];
  },
  sysctl: p => {
    const [ostype, ostypeLength] = sysctl(p, [1, 1], 0x40000);
    const [ncpu, ncpuLength] = sysctl(p, [6, 3], 4);
    return [
      [start(ostype, 8), 'NetBSD\0\0'],
      [ostypeLength, 7],
      [ncpu.readInt32LE(0), 2],
      [ncpuLength, 4],
    ];
  },
  exec: p => {
    const stat = {} as Stat;
    return [
      [p.openAt(AT_FDCWD, '/tmp', 0, 0, 0), 3],
      [p.openAt(AT_FDCWD, '/tmp', 0o2000000, 0, 0), 4],
      [p.submitCall(p.call(NB.getpid)), 17],
      [p.exec('rtrace'), undefined],
      [p.submitCall(p.call(NB.getpid)), 17],
      [p.fstat(3, stat), 0],
      // Ours knows by itself what an exec closes; the server does, too.
      [p.fstat(4, stat), -EBADF],
      [p.submitCall(p.call(NB.__fstat50).int(4).buffer(Buffer.alloc(152))), -EBADF],
    ];
  },
  fork: p => {
    const all = Buffer.alloc(10);
    const opened = p.openAt(AT_FDCWD, '/tmp/trfork', 0o1102, 0o644, 0);
    const pid = p.submitCall(p.call(NB.getpid));
    const child = p.fork(2, { files: false, fs: false });
    const steps: Step[] = [
      [opened, 3],
      [pid, 13],
      [child.write(3, text('child')), 5],
      [child.submitCall(child.call(NB.getppid)), 1],
      [child.submitCall(child.call(NB.getpid)), 15],
    ];
    child.exit();
    return [
      ...steps,
      [p.pread(3, into(all), 0, 0), 5],
      [start(all, 6), 'child\0'],
      [p.lseek(3, 0, 1), 5],
      [p.submitCall(p.call(NB.getpid)), 13],
      [p.unlinkAt(AT_FDCWD, '/tmp/trfork', 0), 0],
    ];
  },
  errors: p => {
    const open = (path: string): Result =>
      p.submitCall(p.call(NB.openat).int(AT_FDCWD).string(path).int(0).int(1));
    const connect = (fd: number, address: string): Result =>
      p.submitCall(
        p
          .call(NB.connect)
          .int(fd)
          .buffer(Buffer.from(address.padEnd(32, '0'), 'hex'))
          .int(16),
      );
    const socket = (domain: number, type: number): Result =>
      p.submitCall(p.call(NB.__socket30).int(domain).int(type).int(0));
    const unknown = (nr: number, slots = 8): Result => {
      const call = p.call(nr);
      for (let slot = 0; slot < slots; slot++) call.long(0);
      return p.submitCall(call);
    };
    return [
      [p.openAt(AT_FDCWD, '/nosuch/path', 0, 0, 0), -ENOENT],
      [p.openAt(AT_FDCWD, '/tmp/nosuch', 2, 0, 0), -ENOENT],
      [p.mkdirAt(AT_FDCWD, '/tmp', 0o755), -EEXIST],
      [p.unlinkAt(AT_FDCWD, '/nosuch', 0x200), -ENOENT],
      [p.submitCall(p.call(NB.read).int(99).buffer(Buffer.alloc(1)).long(1)), -EBADF],
      [p.submitCall(p.call(NB.close).int(-1)), -EBADF],
      [socket(77, 1), -EAFNOSUPPORT],
      [socket(2, 9), -EPROTOTYPE],
      [socket(2, 1), 3],
      [connect(3, '100200017f000001'), -ECONNREFUSED],
      [socket(2, 1), 4],
      [connect(4, '10020001c0000201'), -EADDRNOTAVAIL],
      [p.submitCall(p.call(NB.listen).int(0).int(1)), -ENOTSOCK],
      [p.readlinkAt(AT_FDCWD, '/tmp', Buffer.alloc(10)), -EINVAL],
      [
        p.submitCall(p.call(NB.recvfrom).int(4).buffer(Buffer.alloc(1)).long(1).int(128).nil().nil()),
        -ENOTCONN,
      ],
      [open(`/${'a'.repeat(1999)}`), -ENAMETOOLONG],
      [open(`/${'a'.repeat(599)}`), -ENAMETOOLONG],
      [unknown(0, 0), -ENOSYS],
      [unknown(500), -ENOSYS],
      [unknown(1000), -ENOSYS],
      [unknown(NB.execve), -ENOSYS],
      [unknown(NB.fork), -ENOSYS],
      [p.submitCall(p.call(NB.chdir).string('/tmp/nosuchdir')), -ENOENT],
      [p.submitCall(p.call(NB.ioctl).int(0).long(0x4004667f).buffer(Buffer.alloc(4))), -ENOTTY],
      [p.submitCall(p.call(NB.write).int(0).buffer(Buffer.from('x')).long(1)), 1],
      [p.submitCall(p.call(NB.write).int(1).buffer(Buffer.from('console write via fd 1\n')).long(23)), 23],
    ];
  },
};

/** A value of sysctl(3), and its length as the server tells it. */
function sysctl(p: SysproxyProcess, name: readonly number[], room: number): [Buffer, number] {
  const value = Buffer.alloc(room);
  const call = p.call(NB.__sysctl);
  const at = call.reserve(name.length * 4);
  name.forEach((number, i) => {
    call.view.setInt32(at + i * 4, number, true);
  });
  const lengthAt = call.reserve(8);
  call.view.setBigUint64(lengthAt, BigInt(room), true);
  call.pointer(at).int(name.length).buffer(value).pointer(lengthAt).nil().long(0);
  let length = -1;
  call.finish = done => {
    length = Number(done.view.getBigUint64(lengthAt, true));
    return done.result;
  };
  const result = p.submitCall(call);
  return [value, result === 0 ? length : Number(result)];
}

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
      if (expected === -1) t.true(Number(result) > 0, `step ${i}`);
      else t.deepEqual(result, expected, `step ${i}`);
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
