/** Descriptor tables: small integers for open file descriptions (files_struct of the host's fs/file.c). */
import { EBADF, EINVAL, EMFILE } from '../abi/linux/errno.js';
import type { OpenFile } from './open_files.js';

/** New descriptors begin here: a rump kernel's 0 to 2 are its console, whether there is one or not. */
const FIRST_FREE = 3;

/** Shared by the processes that were made with CLONE_FILES. POSIX locks belong to it. */
export class FdTable {
  readonly #files: (OpenFile | undefined)[] = [];
  readonly #cloexec: boolean[] = [];
  readonly #first: number;
  /** No number from #first to below this is free. */
  #searchFrom: number;
  #sharers = 1;

  /** `first`: the lowest number that new descriptors get. */
  constructor(first = FIRST_FREE) {
    this.#first = first;
    this.#searchFrom = first;
  }

  /** The open file of a descriptor, those opened with O_PATH too. */
  get(fd: number): OpenFile | undefined {
    return this.#files[fd];
  }

  share(): this {
    this.#sharers++;
    return this;
  }

  get isShared(): boolean {
    return this.#sharers > 1;
  }

  /** A table with the same open files. */
  copy(): FdTable {
    const copied = new FdTable(this.#first);
    this.#files.forEach((file, fd) => {
      if (file?.isInherited === true) copied.#put(fd, file, this.#cloexec[fd]);
    });
    return copied;
  }

  /** The lowest free number >= min for `file`: -EMFILE when it would not be below `limit`, -EINVAL when `min` is not. */
  install(file: OpenFile, min: number, limit: number, cloexec: boolean): number {
    if (min < 0 || (min > 0 && min >= limit)) return -EINVAL;
    const fd = this.#lowestFree(min);
    if (fd >= limit) return -EMFILE;
    this.#put(fd, file, cloexec);
    return fd;
  }

  /** True when `install` with min 0 would find no number. */
  isFull(limit: number): boolean {
    return this.#lowestFree(0) >= limit;
  }

  close(fd: number): number {
    const file = this.#files[fd];
    if (file === undefined) return -EBADF;
    this.#files[fd] = undefined;
    if (fd >= this.#first && fd < this.#searchFrom) this.#searchFrom = fd;
    file.inode.locks?.releasePosix(this);
    file.release();
    return 0;
  }

  /** exec(2): descriptors with FD_CLOEXEC are closed. */
  closeOnExec(): void {
    for (let fd = 0; fd < this.#files.length; fd++) {
      if (this.#files[fd] !== undefined && this.#cloexec[fd]) this.close(fd);
    }
  }

  /** A process leaves the table; the last one closes everything. */
  leave(): void {
    this.#sharers--;
    if (this.#sharers > 0) return;
    for (let fd = 0; fd < this.#files.length; fd++) this.close(fd);
    this.#files.length = 0;
  }

  isCloseOnExec(fd: number): boolean {
    return this.#cloexec[fd];
  }

  setCloseOnExec(fd: number, on: boolean): void {
    this.#cloexec[fd] = on;
  }

  #lowestFree(min: number): number {
    let fd = min <= this.#first ? this.#searchFrom : min;
    while (this.#files[fd] !== undefined) fd++;
    if (min <= this.#first) this.#searchFrom = fd;
    return fd;
  }

  #put(fd: number, file: OpenFile, cloexec: boolean): void {
    // Tables stay dense arrays, whatever number is asked for.
    while (this.#files.length <= fd) {
      this.#files.push(undefined);
      this.#cloexec.push(false);
    }
    this.#files[fd] = file;
    this.#cloexec[fd] = cloexec;
    file.acquire();
  }
}
