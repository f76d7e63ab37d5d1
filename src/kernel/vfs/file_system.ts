/** One mounted tmpfs (or the tree of made-up files): its limits, its inode numbers, its root. */

import { NAME_MAX } from '../../abi/linux/limits.js';
import {
  PROC_SUPER_MAGIC,
  ST_NOATIME,
  ST_NODEV,
  ST_NODIRATIME,
  ST_NOEXEC,
  ST_NOSUID,
  ST_RDONLY,
  ST_RELATIME,
  ST_VALID,
  TMPFS_MAGIC,
} from '../../abi/linux/mount.js';
import type { SynthDir } from '../parts/synth.js';
import type { StatFs } from '../rump_kernel.js';
import type { Clock } from './clock.js';
import type { PageBudget } from './file_pages.js';
import type { Mount } from './mounts.js';
import { PAGE_SIZE, type PageStore } from './pages.js';
import { Dentry, DirectoryInode, type Inode, SynthDirInode } from './vnode.js';

/** A tmpfs's options (tmpfs(5)). Infinity: no limit. */
export interface TmpfsOptions {
  maxPages: number;
  maxInodes: number;
  /** Permission bits of the root directory. */
  mode: number;
  uid: number;
  gid: number;
}

/** What the file systems of a kernel share. */
export interface FileSystemResources {
  readonly clock: Clock;
  readonly store: PageStore;
  /** An inode is gone for good. */
  forget(inode: Inode): void;
}

/** `proc`: made-up files, and what has no names. */
type FileSystemType = 'tmpfs' | 'proc';

export class FileSystem implements PageBudget {
  readonly clock: Clock;
  readonly store: PageStore;
  readonly #resources: FileSystemResources;
  /** st_dev. */
  readonly dev: number;
  readonly type: FileSystemType;
  readonly magic: number;
  readonly root: Dentry;
  /** Where it is mounted; undefined for trees that are not, and after umount2(MNT_DETACH). */
  mount: Mount | undefined;
  readOnly = false;
  noAtime = false;
  noDirAtime = false;
  strictAtime = false;
  noSuid = false;
  noDev = false;
  noExec = false;
  noSymFollow = false;
  usedPages = 0;
  maxPages = Infinity;
  /** Inodes and additional hard links, which count the same. */
  usedInodes = 0;
  maxInodes = Infinity;
  /** Open files and working directories: reasons for EBUSY. */
  users = 0;
  /** Open files that may be written: reasons not to become read-only. */
  writers = 0;
  #lastIno = 0;

  private constructor(
    resources: FileSystemResources,
    dev: number,
    type: FileSystemType,
    magic: number,
    makeRoot: (fs: FileSystem) => Inode,
  ) {
    this.#resources = resources;
    this.clock = resources.clock;
    this.store = resources.store;
    this.dev = dev;
    this.type = type;
    this.magic = magic;
    this.root = new Dentry(makeRoot(this), '/');
  }

  static tmpfs(resources: FileSystemResources, dev: number, options: TmpfsOptions): FileSystem {
    const { mode, uid, gid, maxPages, maxInodes } = options;
    const fs = new FileSystem(
      resources,
      dev,
      'tmpfs',
      TMPFS_MAGIC,
      self => new DirectoryInode(self, mode, uid, gid),
    );
    fs.maxPages = maxPages;
    fs.maxInodes = maxInodes;
    fs.usedInodes = 1;
    return fs;
  }

  static synthetic(
    resources: FileSystemResources,
    dev: number,
    tree: SynthDir,
    magic = PROC_SUPER_MAGIC,
  ): FileSystem {
    return new FileSystem(resources, dev, 'proc', magic, self => new SynthDirInode(self, tree));
  }

  nextInodeNumber(): number {
    this.#lastIno++;
    return this.#lastIno;
  }

  /** True when reading the inode leaves no trace: noatime, nodiratime, read-only, made-up files. */
  skipsAccessTime(inode: Inode): boolean {
    if (this.noAtime || this.readOnly || this.type === 'proc') return true;
    return this.noDirAtime && inode instanceof DirectoryInode;
  }

  /** One more inode or hard link; false when there may be no more (ENOSPC). */
  takeInode(): boolean {
    if (this.usedInodes >= this.maxInodes) return false;
    this.usedInodes++;
    return true;
  }

  /** One of an inode's names or open descriptions has gone: when none is left, so is the inode. */
  released(inode: Inode): void {
    if (inode.nlink > 0 || inode.opens > 0) return;
    inode.dispose();
    this.usedInodes--;
    this.#resources.forget(inode);
  }

  /** An open file or a working directory less. The last one of a detached file system frees it. */
  leave(): void {
    this.users--;
    if (this.users === 0 && this.mount === undefined && this.type === 'tmpfs') this.destroy();
  }

  /** Gives back everything that is stored. */
  destroy(): void {
    const pending: Inode[] = [this.root.inode];
    for (let inode = pending.pop(); inode !== undefined; inode = pending.pop()) {
      if (inode instanceof DirectoryInode) {
        for (const entry of inode.entries.values()) pending.push(entry.inode);
        inode.entries.clear();
      } else if (inode.nlink > 0) {
        // A second name of the same inode comes by here again.
        inode.nlink = 0;
        inode.dispose();
      }
      this.#resources.forget(inode);
    }
  }

  /** statfs(2), as shmem_statfs of mm/shmem.c fills it. */
  fillStatFs(out: StatFs): void {
    const limited = Number.isFinite(this.maxPages);
    out.type = this.magic;
    out.bsize = out.frsize = PAGE_SIZE;
    out.namelen = NAME_MAX;
    out.fsid = this.dev;
    out.blocks = limited ? this.maxPages : 0;
    out.bfree = out.bavail = limited ? this.maxPages - this.usedPages : 0;
    const limitedInodes = Number.isFinite(this.maxInodes);
    out.files = limitedInodes ? this.maxInodes : 0;
    out.ffree = limitedInodes ? this.maxInodes - this.usedInodes : 0;
    out.flags = this.#statFlags();
  }

  #statFlags(): number {
    let flags = ST_VALID;
    if (this.readOnly) flags |= ST_RDONLY;
    if (this.noSuid) flags |= ST_NOSUID;
    if (this.noDev) flags |= ST_NODEV;
    if (this.noExec) flags |= ST_NOEXEC;
    if (this.noAtime) flags |= ST_NOATIME;
    if (this.noDirAtime) flags |= ST_NODIRATIME;
    if (!this.noAtime && !this.strictAtime) flags |= ST_RELATIME;
    return flags;
  }
}
