/** What the calls of a remote process are made with. */
import { EBADF, EPERM } from '../../abi/linux/errno.js';
import { AT_FDCWD, AT_PROC, type BytePath, type Credentials, type Result } from '../../kernel/rump_kernel.js';
import { type Descriptor, DescriptorTable } from './descriptors.js';
import { Poller } from './poller.js';
import type { Remote } from './remote.js';
import type { SysCall } from './syscall.js';

/** What processes that share a descriptor table share: on the wire they are one process. */
export class Shared {
  table: DescriptorTable;
  /** The working directory, from the rump root, as far as paths tell. */
  cwd: BytePath = '/';
  umask = 0o022;
  users = 1;

  constructor(readonly remote: Remote) {
    this.table = new DescriptorTable(new Poller(remote));
  }
}

export interface ProcessOptions {
  pid: number;
  prefix: BytePath;
  cred: Credentials;
  nofile: number;
  fsize: number;
}

/** A path without '.', '..' and doubled slashes, from the root. Symlinks are not looked at. */
export function joinPath(base: BytePath, path: BytePath): BytePath {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export abstract class ProcessBase {
  shared: Shared;
  readonly options: ProcessOptions;

  constructor(shared: Shared, options: ProcessOptions) {
    this.shared = shared;
    this.options = options;
  }

  protected get table(): DescriptorTable {
    return this.shared.table;
  }

  protected begin(nr: number): SysCall {
    return this.shared.remote.begin(nr);
  }

  protected submit(call: SysCall): Result {
    return this.shared.remote.submit(call);
  }

  /** Submits, and makes the result out of the answer with `finish`, which runs while the call's memory is there. */
  protected finishWith(call: SysCall, finish: (call: SysCall) => Result): Result {
    call.finish = finish;
    return this.shared.remote.submit(call);
  }

  /** Takes back a call that was begun, with an error. */
  protected refuse(call: SysCall, errno: number): number {
    this.shared.remote.drop(call);
    return -errno;
  }

  /** A descriptor as the next argument. */
  protected putFd(call: SysCall, entry: Descriptor): SysCall {
    call.fdErrno = entry.file.lostErrno;
    // Nothing of a later server is to be reached by a number of an earlier one.
    if (entry.generation !== this.shared.remote.generation) call.generation = entry.generation;
    return call.int(entry.remote);
  }

  /** A call on a descriptor, which is its first argument; -EBADF. */
  protected onFd(nr: number, fd: number): SysCall | number {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    return this.putFd(this.begin(nr), entry);
  }

  /** A directory descriptor as the next argument: false for one that is not open. */
  protected putAt(call: SysCall, at: number): boolean {
    if (at === AT_FDCWD) {
      call.int(AT_FDCWD);
      return true;
    }
    const entry = this.table.get(at);
    if (entry === undefined) return false;
    this.putFd(call, entry);
    return true;
  }

  /** A call whose first arguments are a directory and a path below it; -EBADF. */
  protected onPath(nr: number, at: number, path: BytePath): SysCall | number {
    // The view of /proc is not to be changed by anything but writes.
    if (at === AT_PROC) return -EPERM;
    const call = this.begin(nr);
    if (!this.putAt(call, at)) return this.refuse(call, EBADF);
    return call.string(path);
  }

  /** Where a path leads, by its words alone. */
  protected wholePath(at: number, path: BytePath): BytePath {
    const base = at === AT_FDCWD ? this.shared.cwd : (this.table.get(at)?.file.path ?? '/');
    return joinPath(base, path);
  }
}
