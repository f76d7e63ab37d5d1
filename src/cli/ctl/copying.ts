/** cat(1) and cp(1), into the kernel and out of it. */
import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { S_IFMT } from '../../abi/linux/stat.js';
import { AT_FDCWD } from '../../kernel/rump_kernel.js';
import { BufferUio } from '../../kernel/vfs/uio.js';
import { CommandError, errorText, type Session, shown, tell } from './session.js';

const PIECE = 65536;
const MARK = 'rump:';
/** open(2): O_WRONLY | O_CREAT | O_TRUNC. */
const O_WRITE_NEW = 0o1101;
const [S_IFDIR, S_IFREG, S_IFLNK] = [0o040000, 0o100000, 0o120000];
const EEXIST = 17;

export function cat(session: Session, paths: readonly string[]): void {
  for (const path of paths) {
    try {
      session.readAll(path, bytes => tell(1, bytes));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      session.complain(error.message);
    }
  }
}

/** What the host says, as cp(1) says it. */
function hostError(path: string, error: unknown): CommandError {
  const errno = error instanceof Error && 'errno' in error ? -Number(error.errno) : 0;
  return new CommandError(`${path}: ${errno > 0 ? errorText(errno) : String(error)}`);
}

function host<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof CommandError ? error : hostError(path, error);
  }
}

/** cp: sources and a target, of which one side is marked `rump:`. */
export function cp(session: Session, paths: readonly string[], recursive: boolean): void {
  const sources = paths.slice(0, -1);
  const target = paths.at(-1) ?? '';
  if (sources.length === 0) throw new CommandError('a source and a target are needed');
  const inward = target.startsWith(MARK);
  if (sources.some(source => source.startsWith(MARK) === inward))
    throw new CommandError(`one side is the kernel's, marked ${MARK}, as in: cp ${MARK}/file file`);
  const to = inward ? target.slice(MARK.length) : target;
  const isDirectory = inward ? session.isDirectory(to) : isHostDirectory(to);
  if (sources.length > 1 && !isDirectory) throw new CommandError(`${shown(to)}: ${errorText(20)}`);
  for (const source of sources) {
    const from = inward ? source : source.slice(MARK.length);
    const into = isDirectory ? join(to, basename(from)) : to;
    try {
      if (inward) copyIn(session, from, into, recursive);
      else copyOut(session, from, into, recursive);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      session.complain(error.message);
    }
  }
}

function isHostDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

// Into the kernel.

function copyIn(session: Session, from: string, to: string, recursive: boolean): void {
  const stat = host(from, () => (recursive ? lstatSync(from) : statSync(from)));
  if (stat.isDirectory()) {
    if (!recursive) throw new CommandError(`-r not specified; omitting directory '${from}'`);
    makeDirectory(session, to);
    for (const name of host(from, () => readdirSync(from)).sort())
      copyIn(session, join(from, name), join(to, name), true);
    session.must(shown(to), session.process.chmodAt(AT_FDCWD, to, stat.mode & 0o7777, 0));
  } else if (stat.isSymbolicLink()) {
    const target = host(from, () => readlinkSync(from));
    session.process.unlinkAt(AT_FDCWD, to, 0);
    session.must(shown(to), session.process.symlinkAt(target, AT_FDCWD, to));
  } else if (stat.isFile()) fileIn(session, from, to);
  else throw new CommandError(`${from}: not a regular file`);
}

function makeDirectory(session: Session, path: string): void {
  const made = session.now(session.process.mkdirAt(AT_FDCWD, path, 0o700));
  if (made < 0 && !(made === -EEXIST && session.isDirectory(path)))
    throw new CommandError(`${shown(path)}: ${errorText(-made)}`);
}

function fileIn(session: Session, from: string, to: string): void {
  const fd = host(from, () => openSync(from, 'r'));
  try {
    const mode = fstatSync(fd).mode & 0o7777;
    const out = session.must(shown(to), session.process.openAt(AT_FDCWD, to, O_WRITE_NEW, mode, 0));
    const bytes = new Uint8Array(PIECE);
    for (;;) {
      const got = host(from, () => readSync(fd, bytes));
      if (got === 0) break;
      for (let at = 0; at < got; ) {
        const uio = new BufferUio(bytes.subarray(at, got), 'write');
        at += session.must(shown(to), session.process.write(out, uio));
      }
    }
    session.must(shown(to), session.process.fchmod(out, mode));
    session.must(shown(to), session.process.close(out));
  } finally {
    closeSync(fd);
  }
}

// Out of it.

function copyOut(session: Session, from: string, to: string, recursive: boolean): void {
  const stat = session.stat(from, !recursive);
  if (stat === undefined) return;
  const type = stat.mode & S_IFMT;
  if (type === S_IFDIR) {
    if (!recursive) throw new CommandError(`-r not specified; omitting directory '${shown(from)}'`);
    if (!isHostDirectory(to)) host(to, () => mkdirSync(to));
    for (const name of session.names(from)) copyOut(session, `${from}/${name}`, join(to, name), true);
    host(to, () => chmodSync(to, stat.mode & 0o7777));
  } else if (type === S_IFLNK) {
    const out = Buffer.alloc(4096);
    const length = session.must(shown(from), session.process.readlinkAt(AT_FDCWD, from, out));
    host(to, () => symlinkSync(out.subarray(0, length), to));
  } else if (type === S_IFREG) {
    const fd = host(to, () => openSync(to, 'w', stat.mode & 0o777));
    try {
      session.readAll(from, bytes => {
        for (let at = 0; at < bytes.length; ) at += host(to, () => writeSync(fd, bytes, at));
      });
      host(to, () => chmodSync(to, stat.mode & 0o7777));
    } finally {
      closeSync(fd);
    }
  } else throw new CommandError(`${shown(from)}: not a regular file`);
}
