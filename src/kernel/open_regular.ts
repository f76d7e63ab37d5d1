/** Open regular files and directories. */
import { EBADF, EFBIG, EINVAL, EISDIR, ENOENT, ENOTDIR, ENXIO } from '../abi/linux/errno.js';
import { O_APPEND, SEEK_DATA, SEEK_HOLE, SEEK_SET } from '../abi/linux/fcntl.js';
import { S_IFDIR } from '../abi/linux/stat.js';
import { type Caller, OFFSET_END, OpenFile } from './open_files.js';
import type { DirSink, Uio } from './rump_kernel.js';
import { dropPrivileges } from './vfs/access.js';
import { type Dentry, type DirectoryBase, DirectoryInode, type RegularInode } from './vfs/vnode.js';

export class OpenRegular extends OpenFile {
  readonly #file: RegularInode;

  constructor(dentry: Dentry, file: RegularInode, flags: number) {
    super(dentry, flags);
    this.#file = file;
  }

  override read(uio: Uio, caller: Caller): number {
    const moved = this.readAt(uio, this.offset, caller);
    if (moved > 0) this.offset += moved;
    return moved;
  }

  override write(uio: Uio, caller: Caller): number {
    const append = (this.flags & O_APPEND) !== 0;
    const at = append ? this.#file.size : this.offset;
    const moved = this.writeAt(uio, at, append, caller);
    if (moved > 0) this.offset = at + moved;
    return moved;
  }

  override readAt(uio: Uio, offset: number, _caller: Caller): number {
    if (!this.canRead) return -EBADF;
    const file = this.#file;
    const length = uio.resid;
    if (offset + length >= OFFSET_END) return -EINVAL;
    const available = file.size - offset;
    const moved = available <= 0 ? 0 : file.pages.read(uio, offset, Math.min(length, available));
    if (!this.keepsAccessTime) {
      file.fs.clock.tick();
      file.accessed(file.fs.clock);
    }
    return moved;
  }

  override writeAt(uio: Uio, offset: number, append: boolean, caller: Caller): number {
    if (!this.canWrite) return -EBADF;
    const file = this.#file;
    let length = uio.resid;
    const at = append ? file.size : offset;
    if (at + length >= OFFSET_END) return -EINVAL;
    if (length === 0) return 0;
    // The caller sends SIGXFSZ.
    if (at >= caller.fsize) return -EFBIG;
    length = Math.min(length, caller.fsize - at);
    const { clock } = file.fs;
    dropPrivileges(file, caller.cred);
    clock.tick();
    file.modified(clock);
    const moved = file.pages.write(uio, at, length);
    if (moved > 0 && at + moved > file.size) file.size = at + moved;
    return moved;
  }

  override seek(offset: number, whence: number): number {
    const { size } = this.#file;
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return this.position(offset, whence, size, OFFSET_END);
    if (offset < 0 || offset >= size) return -ENXIO;
    const found =
      whence === SEEK_DATA ? this.#file.pages.seekData(offset) : this.#file.pages.seekHole(offset);
    if (whence === SEEK_DATA && (found < 0 || found >= size)) return -ENXIO;
    this.offset = Math.min(found, size);
    return this.offset;
  }

  override readable(): number {
    return this.#file.size - this.offset;
  }

  override getDents(): number {
    return -ENOTDIR;
  }

  override sync(): number {
    return 0;
  }
}

/**
 * An open directory. Its offset is the position of the next entry; entries made since it was last at the start are
 * not shown, so that making entries while reading them ends.
 */
export class OpenDirectory extends OpenFile {
  readonly #directory: DirectoryBase;
  #entries: Iterator<Dentry> | undefined;
  /** The offset that `#entries` stands at. */
  #entriesAt = -1;
  /** An entry out of `#entries` that has not been handed out yet. */
  #held: Dentry | undefined;
  #end: number | undefined;

  constructor(dentry: Dentry, directory: DirectoryBase, flags: number) {
    super(dentry, flags);
    this.#directory = directory;
  }

  override read(): number {
    return this.canRead ? -EISDIR : -EBADF;
  }

  override readAt(): number {
    return this.canRead ? -EISDIR : -EBADF;
  }

  override writeAt(): number {
    return -EBADF;
  }

  override seek(offset: number, whence: number): number {
    if (whence !== SEEK_SET && whence !== 1) return -EINVAL;
    return this.position(offset, whence, 0, OFFSET_END);
  }

  override getDents(sink: DirSink): number {
    const directory = this.#directory;
    if (directory instanceof DirectoryInode && directory.isDead) return -ENOENT;
    if (this.offset === 0 || this.#end === undefined) this.#end = directory.endCookie;
    const taken = this.#fill(sink, this.#end);
    if (!this.keepsAccessTime) {
      directory.fs.clock.tick();
      directory.accessed(directory.fs.clock);
    }
    return taken;
  }

  override sync(): number {
    return 0;
  }

  #fill(sink: DirSink, end: number): number {
    let taken = 0;
    for (const [at, name, inode] of this.#dots()) {
      if (this.offset !== at) continue;
      if (!sink(name, inode.ino, S_IFDIR >> 12, at + 1)) return taken === 0 ? -EINVAL : taken;
      this.offset = at + 1;
      taken++;
    }
    for (let entry = this.#next(); entry !== undefined && entry.cookie < end; entry = this.#next()) {
      this.#held = entry;
      if (!sink(entry.name, entry.inode.ino, entry.inode.type >> 12, entry.cookie + 1)) {
        return taken === 0 ? -EINVAL : taken;
      }
      this.#held = undefined;
      this.offset = this.#entriesAt = entry.cookie + 1;
      taken++;
    }
    return taken;
  }

  #dots(): readonly (readonly [number, string, { ino: number }])[] {
    if (this.offset > 1) return [];
    return [
      [0, '.', this.inode],
      [1, '..', this.dentry.parent.inode],
    ];
  }

  /** The next entry at or after the offset that still exists. */
  #next(): Dentry | undefined {
    if (this.#entries === undefined || this.#entriesAt !== this.offset) {
      this.#entries = this.#directory.entriesFrom(this.dentry, this.offset);
      this.#entriesAt = this.offset;
      this.#held = undefined;
    }
    const held = this.#held;
    // It may have been removed, or renamed to a later position, since it was held back.
    if (held?.isAttached && held.parent === this.dentry && held.cookie >= this.offset) return held;
    const next = this.#entries.next();
    return next.done === true ? undefined : next.value;
  }
}
