/** The client's own view of a remote process's descriptors: what must be known at once, and what NetBSD does not keep. */
import { EBADF, EINVAL, EMFILE, ENOTCONN } from '../../abi/linux/errno.js';
import { O_NONBLOCK, O_PATH } from '../../abi/linux/fcntl.js';
import { S_IFCHR, S_IFIFO, S_IFSOCK } from '../../abi/linux/stat.js';
import type { BytePath } from '../../kernel/rump_kernel.js';
import type { DirectoryReader } from './directories.js';
import type { LocalFile } from './proc_view.js';
import type { Readiness } from './readiness.js';
import type { Arms, Holder } from './readiness_parts.js';
import type { SocketState } from './socket_state.js';

/** New descriptors begin here: 0 to 2 are the server's console. */
const FIRST_FREE = 3;

/** An open file description (open(2)), shared by its copies in all processes. */
export class Description {
  /** S_IF* of the file, 0: not asked yet. */
  type = 0;
  /** The server's side never blocks: the client waits for readiness instead. */
  nonblocking = false;
  /** A file that is made up here: it has no descriptor at the server. */
  local: LocalFile | undefined;
  /** O_PATH and O_NOFOLLOW have led to a symlink, which NetBSD does not open: its path stands for it. */
  isLink = false;
  /** Descriptors that refer to it. */
  references = 0;
  /** What is known of a socket here. */
  socket: SocketState | undefined;
  /** Of what poll(2) has something to say about. */
  readiness: Readiness | undefined;
  /** Position in a directory's entries. */
  directory: DirectoryReader | undefined;

  /** `flags`: Linux's, as F_GETFL shows them; `path`: as it was opened, from the rump root. */
  constructor(
    public flags: number,
    readonly path: BytePath,
  ) {}

  /** O_PATH: a place in the tree, nothing to be read or written. */
  get isPath(): boolean {
    return (this.flags & O_PATH) !== 0;
  }

  /** Calls on it may have to wait for somebody else. */
  get canBlock(): boolean {
    return this.type === S_IFIFO || this.type === S_IFSOCK || this.type === S_IFCHR;
  }

  /** The program wants its calls to wait. */
  get waits(): boolean {
    return (this.flags & O_NONBLOCK) === 0;
  }

  /** The errno of a descriptor whose server is gone. */
  get lostErrno(): number {
    return this.type === S_IFSOCK ? ENOTCONN : EBADF;
  }
}

export interface Descriptor extends Holder {
  /** The server's number. */
  readonly remote: number;
  readonly file: Description;
  /** Remote.generation when it was opened. */
  readonly generation: number;
  /** Of the process that it belongs to. */
  readonly poller: Arms;
  cloexec: boolean;
}

/** Numbers are ours, so that one whose server is gone is not taken for a new one; as a rule they are the server's. */
export class DescriptorTable {
  readonly #entries: (Descriptor | undefined)[] = [];

  /** `poller`: of the process on the server whose descriptors these are. */
  constructor(readonly poller: Arms) {}

  get(fd: number): Descriptor | undefined {
    return this.#entries[fd];
  }

  /** A table of its own with the same open files, for a child that `poller` is of. */
  copy(poller: Arms): DescriptorTable {
    const copied = new DescriptorTable(poller);
    this.#entries.forEach((entry, fd) => {
      copied.#put(fd, entry === undefined ? undefined : { ...entry, poller });
    });
    return copied;
  }

  /** The number that a new descriptor will get: -EMFILE when it would not be below `limit`, -EINVAL when `min` is not. */
  next(min: number, limit: number): number {
    if (min < 0 || (min > 0 && min >= limit)) return -EINVAL;
    let fd = Math.max(min, FIRST_FREE);
    while (this.#entries[fd] !== undefined) fd++;
    return fd < limit ? fd : -EMFILE;
  }

  /** Enters a descriptor at the lowest free number >= min: the server's own, when that is free and not above a lower one. */
  install(entry: Descriptor, min: number, limit: number): number {
    const fd = this.next(min, limit);
    if (fd >= 0) this.#put(fd, entry);
    return fd;
  }

  delete(fd: number): void {
    const entry = this.#entries[fd];
    this.#entries[fd] = undefined;
    if (entry !== undefined) forget(entry);
  }

  /** execve(2). */
  closeOnExec(): void {
    this.#entries.forEach((entry, fd) => {
      if (entry?.cloexec) this.delete(fd);
    });
  }

  /** The process is gone. */
  release(): void {
    for (let fd = 0; fd < this.#entries.length; fd++) this.delete(fd);
  }

  #put(fd: number, entry: Descriptor | undefined): void {
    while (this.#entries.length <= fd) this.#entries.push(undefined);
    this.#entries[fd] = entry;
    if (entry === undefined) return;
    entry.file.references++;
    entry.file.readiness?.addHolder(entry);
  }
}

/** One descriptor less: the last one closes what is open here. */
function forget(entry: Descriptor): void {
  const { file } = entry;
  file.references--;
  file.readiness?.dropHolder(entry);
  if (file.references === 0) file.local?.process.close(file.local.fd);
}
