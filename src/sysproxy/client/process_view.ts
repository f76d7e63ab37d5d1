/** Calls on open files that are made up here (what is below /proc): they are answered here, as the embedded kernel answers them. */
import { AT_PROC, type Result, type StatFs, type Uio } from '../../kernel/rump_kernel.js';
import type { LocalFile } from './proc_view.js';
import { SystemCalls } from './process_system.js';

export abstract class ViewFileCalls extends SystemCalls {
  /** The made-up file that a descriptor names, if it does. */
  protected localFile(fd: number): LocalFile | undefined {
    return this.table.get(fd)?.file.local;
  }

  override reopen(fd: number, flags: number): Result {
    const local = this.localFile(fd);
    if (local === undefined) return super.reopen(fd, flags);
    return this.openAt(AT_PROC, local.path.slice(1), flags, 0, 0);
  }

  override pathOf(fd: number, out: Uint8Array): Result {
    const local = this.localFile(fd);
    return local === undefined ? super.pathOf(fd, out) : local.process.pathOf(local.fd, out);
  }

  override pwrite(fd: number, uio: Uio, offset: number, flags: number): Result {
    // A variable has no offsets: each write is a whole value, as on the host.
    return this.localFile(fd) === undefined ? super.pwrite(fd, uio, offset, flags) : this.write(fd, uio);
  }

  override readable(fd: number): Result {
    const local = this.localFile(fd);
    return local === undefined ? super.readable(fd) : local.process.readable(local.fd);
  }

  override fchmod(fd: number, mode: number): Result {
    const local = this.localFile(fd);
    return local === undefined ? super.fchmod(fd, mode) : local.process.fchmod(local.fd, mode);
  }

  override fchown(fd: number, uid: number, gid: number): Result {
    const local = this.localFile(fd);
    return local === undefined ? super.fchown(fd, uid, gid) : local.process.fchown(local.fd, uid, gid);
  }

  override ftruncate(fd: number, length: number): Result {
    const local = this.localFile(fd);
    return local === undefined ? super.ftruncate(fd, length) : local.process.ftruncate(local.fd, length);
  }

  override fsync(fd: number): Result {
    const local = this.localFile(fd);
    return local === undefined ? super.fsync(fd) : local.process.fsync(local.fd);
  }

  override fstatfs(fd: number, out: StatFs): Result {
    const local = this.localFile(fd);
    return local === undefined ? super.fstatfs(fd, out) : local.process.fstatfs(local.fd, out);
  }
}
