import { CLONE_FILES, CLONE_FS, CLONE_THREAD } from '../abi/linux/sched.js';
import type { KernelProcess } from '../kernel/rump_kernel.js';
import { FileMap } from './files.js';

/** What clone(2) with CLONE_FS shares, as far as it decides: which kernel the working directory is in. */
export class WorkingDirectory {
  rump = false;
  #users = 1;

  share(): this {
    this.#users++;
    return this;
  }
  copy(): WorkingDirectory {
    const copy = new WorkingDirectory();
    copy.rump = this.rump;
    return copy;
  }
  unshare(): WorkingDirectory {
    if (this.#users === 1) return this;
    this.#users--;
    return this.copy();
  }
}

/**
 * A traced process in both kernels. Threads share one; only unshare(2) or an odd clone(2) gives a thread its own.
 */
export class ProcessState {
  #threads = 1;
  /** The path by which a program that lives in the rump kernel was executed, as the program sees it. */
  exe: string | undefined;
  /** The tracee's soft RLIMIT_NOFILE as it believes, when we had to raise the real one; -1: the real one. */
  nofile = -1;
  /** Its hard limit then. */
  nofileHard = -1;
  /** One of descriptors 0 to 2 may be free: the next rump descriptor goes there, as programs that close and open expect. */
  standardFree = true;
  /** RLIMIT_NOFILE and RLIMIT_FSIZE, soft, as the program set them. */
  limits = { nofile: Number.POSITIVE_INFINITY, fsize: Number.POSITIVE_INFINITY };
  /** A program from the rump kernel is about to be executed under this path. */
  pendingExe: string | undefined;

  constructor(
    readonly pid: number,
    readonly kernel: KernelProcess,
    public files: FileMap = new FileMap(),
    public cwd: WorkingDirectory = new WorkingDirectory(),
  ) {}

  /** clone(2), fork(2), vfork(2): the state of the child with this tid. */
  clone(tid: number, flags: number): ProcessState {
    const files = (flags & CLONE_FILES) !== 0;
    const fs = (flags & CLONE_FS) !== 0;
    const thread = (flags & CLONE_THREAD) !== 0;
    if (thread && files && fs) {
      this.#threads++;
      return this;
    }
    const child = new ProcessState(
      thread ? this.pid : tid,
      this.kernel.fork(thread ? this.pid : tid, { files, fs }),
      files ? this.files.share() : this.files.copy(),
      fs ? this.cwd.share() : this.cwd.copy(),
    );
    child.exe = this.exe;
    child.nofile = this.nofile;
    child.standardFree = this.standardFree;
    child.nofileHard = this.nofileHard;
    child.limits = { ...this.limits };
    return child;
  }

  /** execve(2) has succeeded: private tables, close-on-exec descriptors gone. */
  exec(comm: string): void {
    this.files = this.files.unshare();
    this.kernel.exec(comm);
    for (const fd of this.files.numbers()) {
      if (!this.kernel.isOpen(this.files.get(fd))) this.files.delete(fd);
    }
    this.exe = this.pendingExe;
    this.pendingExe = undefined;
  }

  /** A thread has ended; the last one takes the process along. */
  exitThread(): void {
    this.#threads--;
    if (this.#threads > 0) return;
    this.files.release();
    this.kernel.exit();
  }

  /** unshare(2) by a process with one thread. */
  unshare(what: { files: boolean; fs: boolean }): void {
    if (what.files) this.files = this.files.unshare();
    if (what.fs) this.cwd = this.cwd.unshare();
    this.kernel.unshare(what);
  }
}
