/** Inodes and the names that lead to them. */
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../../abi/linux/stat.js';
import { Fifo } from '../parts/fifo.js';
import type { LockTable } from '../parts/locks.js';
import type { SynthDir, SynthFile } from '../parts/synth.js';
import type { XattrStore } from '../parts/xattr.js';
import type { BytePath } from '../rump_kernel.js';
import type { Clock } from './clock.js';
import { FilePages } from './file_pages.js';
import type { FileSystem } from './file_system.js';
import type { Mount } from './mounts.js';

/** Bytes that tmpfs counts for each directory entry (BOGO_DIRENT_SIZE of mm/shmem.c). */
export const DIRENT_BYTES = 20;
/** relatime refreshes an access time that is older than this, in seconds. */
const RELATIME_SECONDS = 86400;

/** What all files have. Sizes in bytes, times in seconds and nanoseconds. */
export abstract class Inode {
  readonly fs: FileSystem;
  readonly ino: number;
  /** Type and permission bits. */
  mode: number;
  nlink = 1;
  uid: number;
  gid: number;
  size = 0;
  /** Device number, of device nodes. */
  readonly rdev: number = 0;
  /** Open file descriptions: while there are some, the inode outlives its last name. */
  opens = 0;
  /** O_TMPFILE without O_EXCL: may get a name though it has none. */
  isLinkable = false;
  xattrs: XattrStore | undefined;
  locks: LockTable | undefined;
  atimeSec: number;
  atimeNsec: number;
  mtimeSec: number;
  mtimeNsec: number;
  ctimeSec: number;
  ctimeNsec: number;
  readonly btimeSec: number;
  readonly btimeNsec: number;

  constructor(fs: FileSystem, mode: number, uid: number, gid: number) {
    this.fs = fs;
    this.ino = fs.nextInodeNumber();
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    const { sec, nsec } = fs.clock;
    this.atimeSec = this.mtimeSec = this.ctimeSec = this.btimeSec = sec;
    this.atimeNsec = this.mtimeNsec = this.ctimeNsec = this.btimeNsec = nsec;
  }

  /** S_IF*. */
  get type(): number {
    return this.mode & S_IFMT;
  }

  /** st_blocks: 512-byte units. */
  get blocks(): number {
    return 0;
  }

  /** The contents changed now: mtime and ctime. */
  modified(clock: Clock): void {
    this.mtimeSec = clock.sec;
    this.mtimeNsec = clock.nsec;
    this.changed(clock);
  }

  /** The inode changed now: ctime. */
  changed(clock: Clock): void {
    this.ctimeSec = clock.sec;
    this.ctimeNsec = clock.nsec;
  }

  /** Read now: atime, as the mount's options say (relatime unless asked otherwise; mount(8)). */
  accessed(clock: Clock): void {
    if (this.fs.skipsAccessTime(this)) return;
    if (!this.fs.strictAtime && !this.#isAtimeStale(clock)) return;
    this.atimeSec = clock.sec;
    this.atimeNsec = clock.nsec;
  }

  /** Gives back what the contents take; the inode is gone. */
  dispose(): void {}

  #isAtimeStale(clock: Clock): boolean {
    const { atimeSec, atimeNsec } = this;
    if (atimeSec < this.mtimeSec || (atimeSec === this.mtimeSec && atimeNsec <= this.mtimeNsec)) return true;
    if (atimeSec < this.ctimeSec || (atimeSec === this.ctimeSec && atimeNsec <= this.ctimeNsec)) return true;
    return clock.sec - atimeSec >= RELATIME_SECONDS;
  }
}

export class RegularInode extends Inode {
  readonly pages: FilePages;

  constructor(fs: FileSystem, permissions: number, uid: number, gid: number) {
    super(fs, S_IFREG | permissions, uid, gid);
    this.pages = new FilePages(fs.store, fs);
  }

  override get blocks(): number {
    return this.pages.count * 8;
  }

  override dispose(): void {
    this.pages.truncate(0);
  }
}

export class SymlinkInode extends Inode {
  readonly target: BytePath;
  readonly #blocks: number;

  /** `pages`: what the target takes, 0 or 1, already counted by the file system. */
  constructor(fs: FileSystem, target: BytePath, uid: number, gid: number, pages: number) {
    super(fs, S_IFLNK | 0o777, uid, gid);
    this.target = target;
    this.size = target.length;
    this.#blocks = pages * 8;
  }

  override get blocks(): number {
    return this.#blocks;
  }

  override dispose(): void {
    this.fs.usedPages -= this.#blocks / 8;
  }
}

export class FifoInode extends Inode {
  readonly fifo = new Fifo();

  constructor(fs: FileSystem, permissions: number, uid: number, gid: number) {
    super(fs, S_IFIFO | permissions, uid, gid);
  }
}

/** A character or block device, or a socket's name: nothing of its own but a number. */
export class SpecialInode extends Inode {
  override readonly rdev: number;

  constructor(fs: FileSystem, mode: number, uid: number, gid: number, rdev: number) {
    super(fs, mode, uid, gid);
    this.rdev = rdev;
  }
}

/** What a path can lead through. */
export abstract class DirectoryBase extends Inode {
  abstract lookup(self: Dentry, name: BytePath): Dentry | undefined;
  /** The entries from a position on (2 is the first after '.' and '..'), in order; live: later changes show. */
  abstract entriesFrom(self: Dentry, cookie: number): Iterator<Dentry>;
  /** Positions from here on belong to entries that are made later. */
  abstract get endCookie(): number;
}

export class DirectoryInode extends DirectoryBase {
  readonly entries = new Map<BytePath, Dentry>();
  /** The position of the next new entry; rises for ever, so that positions stay what they are. */
  #nextCookie = 2;
  /** Removed, though somebody may still be in it: nothing can be made here any more. */
  isDead = false;

  constructor(fs: FileSystem, permissions: number, uid: number, gid: number) {
    super(fs, S_IFDIR | permissions, uid, gid);
    this.nlink = 2;
    this.size = 2 * DIRENT_BYTES;
  }

  override lookup(_self: Dentry, name: BytePath): Dentry | undefined {
    return this.entries.get(name);
  }

  override get endCookie(): number {
    return this.#nextCookie;
  }

  override *entriesFrom(_self: Dentry, cookie: number): Iterator<Dentry> {
    for (const entry of this.entries.values()) if (entry.cookie >= cookie) yield entry;
  }

  /** Puts a name in, under its own position. */
  insert(self: Dentry, entry: Dentry, name: BytePath): void {
    entry.parent = self;
    entry.name = name;
    entry.cookie = this.#nextCookie++;
    entry.isAttached = true;
    this.entries.set(name, entry);
    this.size += DIRENT_BYTES;
  }

  /** Takes a name out; the dentry keeps its parent and name, for who has it open. */
  remove(entry: Dentry): void {
    this.entries.delete(entry.name);
    entry.isAttached = false;
    this.size -= DIRENT_BYTES;
  }

  /** Another inode under the same name and position (RENAME_EXCHANGE). */
  replace(self: Dentry, previous: Dentry, entry: Dentry, name: BytePath, cookie: number): void {
    this.entries.set(name, entry);
    if (previous.parent === self && previous.name === name) previous.isAttached = false;
    entry.parent = self;
    entry.name = name;
    entry.cookie = cookie;
    entry.isAttached = true;
  }
}

/** A directory that is made up when it is read. */
export class SynthDirInode extends DirectoryBase {
  node: SynthDir;
  readonly #known = new Map<BytePath, Dentry>();

  constructor(fs: FileSystem, node: SynthDir) {
    super(fs, S_IFDIR | node.mode, 0, 0);
    this.node = node;
    this.nlink = 2;
  }

  override lookup(self: Dentry, name: BytePath): Dentry | undefined {
    const node = this.node.lookup(name);
    const known = this.#known.get(name);
    if (node === undefined) {
      this.#known.delete(name);
      return undefined;
    }
    // The same name keeps its inode number, whatever is made up behind it.
    if (known?.inode instanceof SynthDirInode && node.kind === 'dir') {
      known.inode.node = node;
      return known;
    }
    if (known?.inode instanceof SynthFileInode && node.kind === 'file') {
      known.inode.node = node;
      return known;
    }
    const inode = node.kind === 'dir' ? new SynthDirInode(this.fs, node) : new SynthFileInode(this.fs, node);
    const entry = new Dentry(inode, name, self);
    this.#known.set(name, entry);
    return entry;
  }

  override get endCookie(): number {
    return this.node.list().length + 2;
  }

  override *entriesFrom(self: Dentry, cookie: number): Iterator<Dentry> {
    const names = this.node.list();
    for (let at = Math.max(0, cookie - 2); at < names.length; at++) {
      const entry = this.lookup(self, names[at]);
      if (entry === undefined) continue;
      entry.cookie = at + 2;
      yield entry;
    }
  }
}

/** A file whose contents are made up at each open. */
export class SynthFileInode extends Inode {
  node: SynthFile;

  constructor(fs: FileSystem, node: SynthFile) {
    super(fs, S_IFREG | node.mode, 0, 0);
    this.node = node;
  }
}

/** A name in a directory: what a path leads to, and what an open descriptor remembers its path by. */
export class Dentry {
  readonly inode: Inode;
  name: BytePath;
  /** The directory it is or was in; itself at a file system's root. */
  parent: Dentry;
  /** Its position in the directory, for getdents(2). */
  cookie = 0;
  /** False once the name was removed. */
  isAttached = true;
  /** What is mounted here. */
  mounted: Mount | undefined;

  constructor(inode: Inode, name: BytePath, parent?: Dentry) {
    this.inode = inode;
    this.name = name;
    this.parent = parent ?? this;
  }

  get isRoot(): boolean {
    return this.parent === this;
  }
}

export function isDevice(inode: Inode): boolean {
  return inode.type === S_IFCHR || inode.type === S_IFBLK;
}

export function isSocket(inode: Inode): boolean {
  return inode.type === S_IFSOCK;
}
