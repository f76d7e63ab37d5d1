/** The calls that move data: read, write and their kin (fs/read_write.c). */
import { EBADF, EFBIG, EINVAL, EISDIR, ENODEV, EOPNOTSUPP, ESPIPE } from '../abi/linux/errno.js';
import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  O_APPEND,
  RWF_APPEND,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOAPPEND,
  RWF_NOWAIT,
  RWF_SYNC,
  SEEK_HOLE,
} from '../abi/linux/fcntl.js';
import { copyBetween } from './copy.js';
import { OFFSET_END, type OpenFile } from './open_files.js';
import { OpenFifo } from './open_special.js';
import { DescriptorCalls } from './process_descriptors.js';
import type { DirSink, Result, Uio } from './rump_kernel.js';
import { dropPrivileges } from './vfs/access.js';
import { checkNewSize, resize } from './vfs/attributes.js';
import { DirectoryBase, RegularInode } from './vfs/vnode.js';

/** linux/fs.h: do not send SIGPIPE; that is the caller's business anyway. */
const RWF_NOSIGNAL = 0x100;
const RWF_ANY_FILE = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_NOAPPEND | RWF_NOSIGNAL;
/** The offset that stands for the file's own, of preadv2(2). */
const CURRENT = -1;

export abstract class IoCalls extends DescriptorCalls {
  read(fd: number, uio: Uio): Result {
    const file = this.files.get(fd);
    return file === undefined ? -EBADF : file.read(uio, this, false);
  }

  write(fd: number, uio: Uio): Result {
    const file = this.files.get(fd);
    return file === undefined ? -EBADF : file.write(uio, this, false);
  }

  pread(fd: number, uio: Uio, offset: number, flags: number): Result {
    if (offset < CURRENT) return -EINVAL;
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    if (flags !== 0) {
      const refused = checkRwFlags(file, flags);
      if (refused !== 0) return refused;
    }
    if (offset === CURRENT) return file.read(uio, this, (flags & RWF_NOWAIT) !== 0);
    return file.readAt(uio, offset, this);
  }

  pwrite(fd: number, uio: Uio, offset: number, flags: number): Result {
    if (offset < CURRENT) return -EINVAL;
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    if (flags !== 0) {
      const refused = checkRwFlags(file, flags);
      if (refused !== 0) return refused;
    }
    const append =
      (flags & RWF_APPEND) !== 0 || ((file.flags & O_APPEND) !== 0 && (flags & RWF_NOAPPEND) === 0);
    if (offset !== CURRENT) return file.writeAt(uio, offset, append, this);
    if (append === ((file.flags & O_APPEND) !== 0)) return file.write(uio, this, (flags & RWF_NOWAIT) !== 0);
    return this.#writeCurrent(file, uio, append);
  }

  lseek(fd: number, offset: number, whence: number): Result {
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    return whence < 0 || whence > SEEK_HOLE ? -EINVAL : file.seek(offset, whence);
  }

  copyRange(fdIn: number, offIn: number, fdOut: number, offOut: number, length: number): Result {
    const from = this.fileOf(fdIn);
    const to = this.fileOf(fdOut);
    if (from === undefined || to === undefined) return -EBADF;
    return copyBetween(from, offIn, to, offOut, length, this);
  }

  readable(fd: number): Result {
    return this.fileOf(fd)?.readable() ?? -EBADF;
  }

  poll(fd: number, events: number): Result {
    return this.fileOf(fd)?.poll(events) ?? -EBADF;
  }

  getDents(fd: number, sink: DirSink): Result {
    return this.files.get(fd)?.getDents(sink) ?? -EBADF;
  }

  ftruncate(fd: number, length: number): Result {
    if (length < 0) return -EINVAL;
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    if (!(file.inode instanceof RegularInode) || !file.canWrite) return -EINVAL;
    return resize(file.inode, length, true, this.fsize, this.cred);
  }

  fallocate(fd: number, mode: number, offset: number, length: number): Result {
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    if (offset < 0 || length <= 0) return -EINVAL;
    if (!isFallocateMode(mode)) return -EOPNOTSUPP;
    if (!file.canWrite) return -EBADF;
    if (file instanceof OpenFifo) return -ESPIPE;
    if (file.inode instanceof DirectoryBase) return -EISDIR;
    if (!(file.inode instanceof RegularInode)) return -ENODEV;
    if (offset + length >= OFFSET_END) return -EFBIG;
    if ((mode & ~(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) !== 0) return -EOPNOTSUPP;
    return this.#allocate(file.inode, mode, offset, offset + length);
  }

  fsync(fd: number): Result {
    return this.fileOf(fd)?.sync() ?? -EBADF;
  }

  #allocate(file: RegularInode, mode: number, start: number, end: number): number {
    if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
      dropPrivileges(file, this.cred);
      file.pages.punch(start, end);
    } else {
      const refused = checkNewSize(file, end, this.fsize) || file.pages.reserve(start, end);
      if (refused !== 0) return refused;
      dropPrivileges(file, this.cred);
      if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && end > file.size) file.size = end;
    }
    file.fs.clock.tick();
    file.modified(file.fs.clock);
    return 0;
  }

  /** write at the file's own offset with O_APPEND turned round for this one call. */
  #writeCurrent(file: OpenFile, uio: Uio, append: boolean): Result {
    const { flags } = file;
    file.flags = append ? flags | O_APPEND : flags & ~O_APPEND;
    const result = file.write(uio, this, false);
    file.flags = flags;
    return result;
  }
}

/** The modes that vfs_fallocate of fs/open.c lets through to the file system: one kind each, some only with or without KEEP_SIZE. */
function isFallocateMode(mode: number): boolean {
  const keepsSize = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
  switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
      return true;
    case FALLOC_FL_PUNCH_HOLE:
      return keepsSize;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
      return !keepsSize;
    default:
      return false;
  }
}

/** RWF_* of preadv2(2): tmpfs knows neither RWF_NOWAIT nor atomic or uncached transfers. */
function checkRwFlags(file: OpenFile, flags: number): number {
  const known = file instanceof OpenFifo ? RWF_ANY_FILE | RWF_NOWAIT : RWF_ANY_FILE;
  if ((flags & ~known) !== 0) return -EOPNOTSUPP;
  const both = RWF_APPEND | RWF_NOAPPEND;
  return (flags & both) === both ? -EINVAL : 0;
}
