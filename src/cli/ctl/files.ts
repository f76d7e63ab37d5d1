/** Files of either side, the server's and the host's, as the tools need them. */
import { EEXIST, EIO, EISDIR, ENOENT, ENOTDIR } from '../../abi/linux/errno.js';
import {
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from '../../abi/linux/fcntl.js';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../abi/linux/stat.js';
import { AT_FDCWD, type BytePath, type Stat } from '../../kernel/rump_kernel.js';
import { BufferUio } from '../../kernel/vfs/uio.js';
import { CallError } from './errors.js';
import type { Session } from './session.js';

/** NetBSD's PATH_MAX, which is the longest target of a symlink, too. */
const TARGET_ROOM = 1024;
/** Files are moved in pieces of this size, bytes: the root of a NetBSD rump kernel copies a file at each write that makes it longer. */
export const PIECE = 1024 * 1024;

/** What copying asks of a side. Everything throws CallError. */
export interface Files {
  /** The mode, S_IFMT included. */
  mode(path: BytePath, follow: boolean): number;
  /** Names in a directory but '.' and '..', sorted by their bytes. */
  list(path: BytePath): BytePath[];
  mkdir(path: BytePath, mode: number): void;
  chmod(path: BytePath, mode: number): void;
  readlink(path: BytePath): BytePath;
  /** A symlink in place of whatever has the name now, as long as that is no directory. */
  symlink(target: BytePath, path: BytePath): void;
  openRead(path: BytePath): number;
  /** Creates or empties a file. Without `follow` a symlink is no file. */
  openWrite(path: BytePath, mode: number, follow: boolean): number;
  /** Fills the buffer as far as it can; 0 at the end. */
  read(fd: number, buffer: Uint8Array): number;
  /** Writes all of it. */
  write(fd: number, bytes: Uint8Array): void;
  /** Sets the mode of an open file that is a regular one: a device keeps what it has. */
  setMode(fd: number, mode: number): void;
  close(fd: number): void;
}

export const isDirectory = (mode: number): boolean => (mode & S_IFMT) === S_IFDIR;
export const isSymlink = (mode: number): boolean => (mode & S_IFMT) === S_IFLNK;
export const isRegular = (mode: number): boolean => (mode & S_IFMT) === S_IFREG;

export function join(directory: BytePath, name: BytePath): BytePath {
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}

/** The mode of what is there; undefined when there is nothing. */
export function modeOrNone(files: Files, path: BytePath, follow: boolean): number | undefined {
  try {
    return files.mode(path, follow);
  } catch (error) {
    if (error instanceof CallError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

/** Makes a name; when it is taken, frees it first. */
export function replacing(make: () => void, free: () => void): void {
  try {
    make();
  } catch (error) {
    if (!(error instanceof CallError && error.errno === EEXIST)) throw error;
    free();
    make();
  }
}

/** What a server calls an entry becomes part of paths, of the host's as well: only a name may do that. */
function checkName(name: BytePath): BytePath {
  if (name === '' || name.includes('/')) throw new CallError(EIO);
  return name;
}

export class RumpFiles implements Files {
  constructor(readonly session: Session) {}

  stat(path: BytePath, follow: boolean): Stat {
    const stat = {} as Stat;
    const flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
    this.session.call(this.session.process.statAt(AT_FDCWD, path, flags, stat));
    return stat;
  }

  mode(path: BytePath, follow: boolean): number {
    return this.stat(path, follow).mode;
  }

  list(path: BytePath): BytePath[] {
    const { session } = this;
    const fd = session.call(session.process.openAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, 0));
    try {
      const names: BytePath[] = [];
      session.call(session.process.getDents(fd, name => names.push(name) > 0));
      return names
        .filter(name => name !== '.' && name !== '..')
        .map(checkName)
        .sort(byBytes);
    } finally {
      this.close(fd);
    }
  }

  mkdir(path: BytePath, mode: number): void {
    this.session.call(this.session.process.mkdirAt(AT_FDCWD, path, mode));
  }

  /** As mkdir -p: what is there already is left as it is. */
  mkdirs(path: BytePath): void {
    for (let end = 0; end < path.length; ) {
      while (path[end] === '/') end++;
      const next = path.indexOf('/', end);
      end = next < 0 ? path.length : next;
      const mode = modeOrNone(this, path.slice(0, end), true);
      if (mode === undefined) this.mkdir(path.slice(0, end), 0o777);
      else if (!isDirectory(mode)) throw new CallError(end < path.length ? ENOTDIR : EEXIST);
    }
  }

  remove(path: BytePath, isDir: boolean): void {
    this.session.call(this.session.process.unlinkAt(AT_FDCWD, path, isDir ? AT_REMOVEDIR : 0));
  }

  chmod(path: BytePath, mode: number): void {
    this.session.call(this.session.process.chmodAt(AT_FDCWD, path, mode, 0));
  }

  readlink(path: BytePath): BytePath {
    const out = new Uint8Array(TARGET_ROOM);
    const length = this.session.call(this.session.process.readlinkAt(AT_FDCWD, path, out));
    return Buffer.from(out.buffer, 0, length).toString('latin1');
  }

  symlink(target: BytePath, path: BytePath): void {
    replacing(
      () => this.session.call(this.session.process.symlinkAt(target, AT_FDCWD, path)),
      () => this.remove(path, false),
    );
  }

  /** Some of NetBSD's file systems let directories be read as bytes: nobody wants that. */
  openRead(path: BytePath): number {
    if (isDirectory(this.mode(path, true))) throw new CallError(EISDIR);
    return this.session.call(this.session.process.openAt(AT_FDCWD, path, O_RDONLY, 0, 0));
  }

  openWrite(path: BytePath, mode: number, follow: boolean): number {
    const flags = O_WRONLY | O_CREAT | O_TRUNC | (follow ? 0 : O_NOFOLLOW);
    return this.session.call(this.session.process.openAt(AT_FDCWD, path, flags, mode, 0));
  }

  read(fd: number, buffer: Uint8Array): number {
    return this.session.call(this.session.process.read(fd, new BufferUio(buffer, 'read')));
  }

  write(fd: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const uio = new BufferUio(bytes.subarray(at), 'write');
      const written = this.session.call(this.session.process.write(fd, uio));
      if (written === 0) throw new CallError(EIO);
      at += written;
    }
  }

  setMode(fd: number, mode: number): void {
    const { session } = this;
    if (session.call(session.process.fileType(fd)) === S_IFREG)
      session.call(session.process.fchmod(fd, mode));
  }

  close(fd: number): void {
    this.session.process.close(fd);
  }
}

export function byBytes(a: BytePath, b: BytePath): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
