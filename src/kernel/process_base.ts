/** What all calls of a process need: who it is, where it is, what it has open. */
import { EBADF, ENOENT, ENOTDIR } from '../abi/linux/errno.js';
import { AT_EMPTY_PATH } from '../abi/linux/fcntl.js';
import type { FdTable } from './descriptors.js';
import type { KernelState } from './kernel_state.js';
import type { OpenFile } from './open_files.js';
import { AT_FDCWD, AT_PROC, type BytePath, type Credentials } from './rump_kernel.js';
import { type Dentry, DirectoryBase } from './vfs/vnode.js';

/** Working directory and umask, shared by processes made with CLONE_FS (fs_struct). */
export class FsContext {
  #cwd: Dentry;
  umask: number;
  #sharers = 1;

  constructor(cwd: Dentry, umask: number) {
    this.#cwd = cwd;
    this.umask = umask;
    cwd.inode.fs.users++;
  }

  get cwd(): Dentry {
    return this.#cwd;
  }

  set cwd(directory: Dentry) {
    directory.inode.fs.users++;
    this.#cwd.inode.fs.leave();
    this.#cwd = directory;
  }

  share(): this {
    this.#sharers++;
    return this;
  }

  get isShared(): boolean {
    return this.#sharers > 1;
  }

  copy(): FsContext {
    return new FsContext(this.#cwd, this.umask);
  }

  leave(): void {
    this.#sharers--;
    if (this.#sharers === 0) this.#cwd.inode.fs.leave();
  }
}

/** All that makes a process. */
export interface ProcessParts {
  readonly kernel: KernelState;
  readonly pid: number;
  readonly comm: string;
  readonly prefix: BytePath;
  readonly cred: Credentials;
  readonly nofile: number;
  readonly fsize: number;
  readonly files: FdTable;
  readonly fs: FsContext;
}

export abstract class ProcessBase {
  protected readonly kernel: KernelState;
  readonly pid: number;
  protected comm: string;
  readonly prefix: BytePath;
  cred: Credentials;
  /** RLIMIT_FSIZE in bytes. */
  fsize: number;
  protected nofile: number;
  protected files: FdTable;
  protected fs: FsContext;

  constructor(parts: ProcessParts) {
    this.kernel = parts.kernel;
    this.pid = parts.pid;
    this.comm = parts.comm;
    this.prefix = parts.prefix;
    this.cred = parts.cred;
    this.nofile = parts.nofile;
    this.fsize = parts.fsize;
    this.files = parts.files;
    this.fs = parts.fs;
  }

  get fileMask(): number {
    return this.fs.umask;
  }

  setCredentials(cred: Credentials): void {
    this.cred = cred;
  }

  setLimits(limits: { nofile: number; fsize: number }): void {
    this.nofile = limits.nofile;
    this.fsize = limits.fsize;
  }

  /** The open file of a descriptor that is not O_PATH. */
  protected fileOf(fd: number): OpenFile | undefined {
    const file = this.files.get(fd);
    return file === undefined || file.isPath ? undefined : file;
  }

  /** The open file of a descriptor, for who serves this process and has files of its own (install()). */
  openFile(fd: number): OpenFile | undefined {
    return this.fileOf(fd);
  }

  /** Where the walk of a path begins: -EBADF, -ENOTDIR. */
  protected startOf(at: number, path: BytePath): Dentry | number {
    if (at === AT_PROC) return this.kernel.procRoot(this.prefix);
    if (path.charCodeAt(0) === 0x2f) return this.kernel.root;
    if (at === AT_FDCWD) return this.fs.cwd;
    const file = this.files.get(at);
    if (file === undefined) return -EBADF;
    return file.inode instanceof DirectoryBase ? file.dentry : -ENOTDIR;
  }

  /** What a path of an at call names. `atFlags` may hold AT_EMPTY_PATH; `walk`: FOLLOW, DIRECTORY of namei. */
  protected find(at: number, path: BytePath, atFlags: number, walk: number): Dentry | number {
    if (path === '') return (atFlags & AT_EMPTY_PATH) !== 0 ? this.findOpen(at) : -ENOENT;
    const start = this.startOf(at, path);
    return typeof start === 'number' ? start : this.kernel.lookup.lookup(start, path, walk, this);
  }

  /** What a descriptor (O_PATH too) or AT_FDCWD names. */
  protected findOpen(at: number): Dentry | number {
    if (at === AT_FDCWD) return this.fs.cwd;
    if (at === AT_PROC) return this.kernel.procRoot(this.prefix);
    return this.files.get(at)?.dentry ?? -EBADF;
  }
}

/** The bytes of a path into `out`; its length. */
export function putPath(path: BytePath, out: Uint8Array): number {
  return Buffer.from(out.buffer, out.byteOffset, out.length).write(path, 'latin1');
}
