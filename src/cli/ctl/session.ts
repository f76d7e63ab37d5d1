/** One look into a rump kernel server: a process there, and plain results. */
import { writeSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { errnoName } from '../../abi/linux/errno.js';
import { S_IFMT } from '../../abi/linux/stat.js';
import { AT_FDCWD, type Result, type Stat, type Uio } from '../../kernel/rump_kernel.js';
import { BufferUio } from '../../kernel/vfs/uio.js';
import { SysproxyClient } from '../../sysproxy/client/client.js';
import type { SysproxyProcess } from '../../sysproxy/client/process.js';

/** A command's own failure: `ls: /x: No such file or directory`, exit status 1. */
export class CommandError extends Error {}

/** Bytes that one read or write moves. */
const PIECE = 65536;
const EPIPE = 'EPIPE';
const EAGAIN = 'EAGAIN';

/** strerror(3) of a Linux errno. */
export function errorText(errno: number): string {
  const [, text] = getSystemErrorMap().get(-errno) ?? [];
  const words = text ?? errnoName(errno);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export class Session {
  readonly client: SysproxyClient;
  readonly process: SysproxyProcess;
  failed = false;

  /** `command` is what messages begin with. Throws UrlError and DialError. */
  constructor(
    url: string,
    readonly command: string,
  ) {
    this.client = SysproxyClient.open({ url, patient: true }, `ctl ${command}`);
    this.process = this.client.spawn({
      comm: 'ctl',
      pid: process.pid,
      cred: { uid: 0, gid: 0, groups: [] },
      umask: 0o022,
      prefix: '',
    });
  }

  /** A result, however long it takes. */
  now(result: Result): number {
    if (typeof result === 'number') return result;
    let value: number | undefined;
    result.onDone(done => {
      value = done;
    });
    while (value === undefined) this.client.loop.turn(-1);
    return value;
  }

  /** A result that is no error; throws CommandError about `what`. */
  must(what: string, result: Result): number {
    const value = this.now(result);
    if (value < 0) throw new CommandError(`${what}: ${errorText(-value)}`);
    return value;
  }

  /** Tells of what went wrong with one of several, and goes on. */
  complain(message: string): void {
    this.failed = true;
    tell(2, `${this.command}: ${message}\n`);
  }

  /** stat(2), or lstat(2); undefined after a complaint. */
  stat(path: string, follow: boolean): Stat | undefined {
    const stat = {} as Stat;
    const done = this.now(this.process.statAt(AT_FDCWD, path, follow ? 0 : 0x100, stat));
    if (done >= 0) return stat;
    this.complain(`${shown(path)}: ${errorText(-done)}`);
    return undefined;
  }

  isDirectory(path: string): boolean {
    const stat = {} as Stat;
    const done = this.now(this.process.statAt(AT_FDCWD, path, 0, stat));
    return done >= 0 && (stat.mode & S_IFMT) === 0o040000;
  }

  /** Names in a directory, sorted by their bytes, without '.' and '..'. */
  names(path: string): string[] {
    const fd = this.must(shown(path), this.process.openAt(AT_FDCWD, path, 0o200000, 0, 0));
    const names: string[] = [];
    const done = this.now(
      this.process.getDents(fd, name => {
        if (name !== '.' && name !== '..') names.push(name);
        return true;
      }),
    );
    this.process.close(fd);
    if (done < 0) throw new CommandError(`${shown(path)}: ${errorText(-done)}`);
    return names.sort();
  }

  /** Reads a file to its end, piece by piece. */
  readAll(path: string, take: (bytes: Uint8Array) => void): void {
    const fd = this.must(shown(path), this.process.openAt(AT_FDCWD, path, 0, 0, 0));
    try {
      const bytes = new Uint8Array(PIECE);
      for (;;) {
        const uio: Uio = new BufferUio(bytes, 'read');
        const got = this.must(shown(path), this.process.read(fd, uio));
        if (got === 0) return;
        take(bytes.subarray(0, got));
      }
    } finally {
      this.process.close(fd);
    }
  }

  close(): void {
    this.client.close();
  }
}

/** The reader of our output is gone: nobody wants the rest. */
export class OutputGone extends Error {}

/** Writes all of it; a reader that is gone ends the command. */
export function tell(fd: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code === EPIPE) throw new OutputGone();
      if (code !== EAGAIN) throw error;
    }
  }
}

/** A path for a message: bytes as they are, control characters not. */
export function shown(path: string): string {
  return [...path].map(char => (char < ' ' || char === '\x7f' ? '?' : char)).join('');
}
