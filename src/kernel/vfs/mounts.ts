/** The mount table, and what mount(2) and umount2(2) do to it. */
import { EBUSY, EINVAL, ENODEV, ENOTDIR, EPERM } from '../../abi/linux/errno.js';
import {
  MNT_DETACH,
  MNT_EXPIRE,
  MNT_FORCE,
  MS_BIND,
  MS_MOVE,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_UNBINDABLE,
  UMOUNT_NOFOLLOW,
} from '../../abi/linux/mount.js';
import type { BytePath, Credentials, MountInfo } from '../rump_kernel.js';
import { FileSystem, type FileSystemResources } from './file_system.js';
import { defaultLimits, parseTmpfsOptions, showTmpfsOptions } from './mount_options.js';
import { type Dentry, DirectoryBase } from './vnode.js';

/** A file system's place in the tree. */
export interface Mount {
  readonly id: number;
  readonly parent: Mount | undefined;
  /** What it covers; its own root for the kernel's root. */
  readonly point: Dentry;
  readonly fs: FileSystem;
  readonly source: BytePath;
}

const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

/** The path of a dentry from the kernel's root, through its mounts; undefined when nothing leads there any more. */
export function pathFromRoot(dentry: Dentry, root: Dentry): BytePath | undefined {
  let path = '';
  let at = dentry;
  while (at !== root) {
    if (at.isRoot) {
      const mount = at.inode.fs.mount;
      if (mount === undefined) return undefined;
      at = mount.point;
      continue;
    }
    path = `/${at.name}${path}`;
    at = at.parent;
  }
  return path === '' ? '/' : path;
}

export class MountTable {
  readonly root: FileSystem;
  readonly #resources: FileSystemResources;
  readonly #mounts: Mount[] = [];
  /** Bytes of memory that 'size=50%' is half of. */
  readonly #memory: number;
  #lastId = 0;
  #lastDev = 0;

  constructor(resources: FileSystemResources, memory: number) {
    this.#resources = resources;
    this.#memory = memory;
    const options = { ...defaultLimits(memory), mode: 0o1777, uid: 0, gid: 0 };
    this.root = FileSystem.tmpfs(resources, this.nextDev(), options);
    this.#add(this.root, this.root.root, undefined, 'rumpfs');
  }

  /** A device number for st_dev: minor numbers of major 0, as for all file systems without a device. */
  nextDev(): number {
    this.#lastDev++;
    return this.#lastDev;
  }

  /**
   * mount(2) onto `target`, which was looked up: tmpfs, MS_REMOUNT, MS_PRIVATE. -EPERM without fsuid 0, -ENODEV for other
   * types, -ENOTDIR, -EINVAL for bad options and for what no kernel here can do (MS_BIND, MS_MOVE, sharing).
   */
  mount(
    source: BytePath,
    target: Dentry,
    type: BytePath,
    flags: number,
    data: BytePath,
    cred: Credentials,
  ): number {
    if (cred.uid !== 0) return -EPERM;
    if ((flags & MS_REMOUNT) !== 0) return this.#remount(target, flags, data);
    if ((flags & PROPAGATION) !== 0)
      return target.isRoot && (flags & PROPAGATION) === MS_PRIVATE ? 0 : -EINVAL;
    if ((flags & (MS_BIND | MS_MOVE)) !== 0) return -EINVAL;
    if (type === '') return -EINVAL;
    if (type !== 'tmpfs') return -ENODEV;
    const options = parseTmpfsOptions(data, this.#memory);
    if (options === undefined) return -EINVAL;
    if (!(target.inode instanceof DirectoryBase)) return -ENOTDIR;
    if (target === this.root.root) return -EBUSY;
    const parent = target.inode.fs.mount;
    if (parent === undefined) return -EINVAL;
    this.#resources.clock.tick();
    const fs = FileSystem.tmpfs(this.#resources, this.nextDev(), {
      ...defaultLimits(this.#memory),
      mode: 0o1777,
      uid: cred.uid,
      gid: cred.gid,
      ...options,
    });
    applyFlags(fs, flags);
    target.mounted = this.#add(fs, target, parent, source);
    return 0;
  }

  /**
   * umount2(2) of what `target`, which was looked up, is the root of: -EINVAL when it is no mount, -EBUSY while something is
   * open, somebody's working directory, or mounted below; MNT_DETACH takes it out of sight with all that is below.
   */
  umount(target: Dentry, flags: number, cred: Credentials): number {
    if (cred.uid !== 0) return -EPERM;
    const mount = target.inode.fs.mount;
    if (!target.isRoot || mount === undefined) return -EINVAL;
    if ((flags & MNT_EXPIRE) !== 0 && (flags & (MNT_FORCE | MNT_DETACH)) !== 0) return -EINVAL;
    if (mount.parent === undefined) return -EBUSY;
    const below = this.#mounts.filter(other => other.parent === mount);
    if ((flags & MNT_DETACH) === 0) {
      if (below.length > 0 || mount.fs.users > 0) return -EBUSY;
    }
    for (const other of below) this.umount(other.fs.root, MNT_DETACH, cred);
    this.#remove(mount);
    return 0;
  }

  /** The mounts, oldest first, as a program sees them that has the kernel's root at `prefix`. */
  list(prefix: BytePath): readonly MountInfo[] {
    return this.#mounts.map(mount => ({
      id: mount.id,
      parentId: mount.parent?.id ?? mount.id,
      dev: mount.fs.dev,
      root: '/',
      mountPoint: this.#seenAt(mount, prefix),
      options: showFlags(mount.fs),
      type: mount.fs.type,
      source: mount.source,
      superOptions: showTmpfsOptions(mount.fs, this.#memory),
      magic: mount.fs.magic,
    }));
  }

  #seenAt(mount: Mount, prefix: BytePath): BytePath {
    const path = pathFromRoot(mount.point, this.root.root) ?? '/';
    return path === '/' && prefix !== '' ? prefix : prefix + path;
  }

  #remount(target: Dentry, flags: number, data: BytePath): number {
    if (!target.isRoot) return -EINVAL;
    const { fs } = target.inode;
    const options = (flags & MS_BIND) !== 0 ? {} : parseTmpfsOptions(data, this.#memory);
    if (options === undefined) return -EINVAL;
    const { maxPages = fs.maxPages, maxInodes = fs.maxInodes } = options;
    if (maxPages < fs.usedPages || maxInodes < fs.usedInodes) return -EINVAL;
    // shmem_reconfigure of mm/shmem.c: what was never counted cannot be limited later.
    if (Number.isFinite(maxPages) && !Number.isFinite(fs.maxPages)) return -EINVAL;
    if (Number.isFinite(maxInodes) && !Number.isFinite(fs.maxInodes)) return -EINVAL;
    if ((flags & MS_RDONLY) !== 0 && !fs.readOnly && fs.writers > 0) return -EBUSY;
    fs.maxPages = maxPages;
    fs.maxInodes = maxInodes;
    applyFlags(fs, flags);
    return 0;
  }

  #add(fs: FileSystem, point: Dentry, parent: Mount | undefined, source: BytePath): Mount {
    this.#lastId++;
    const mount: Mount = { id: this.#lastId, parent, point, fs, source };
    fs.mount = mount;
    this.#mounts.push(mount);
    return mount;
  }

  #remove(mount: Mount): void {
    this.#mounts.splice(this.#mounts.indexOf(mount), 1);
    mount.point.mounted = undefined;
    mount.fs.mount = undefined;
    if (mount.fs.users === 0) mount.fs.destroy();
  }
}

/** Flags that umount2(2) knows; others are -EINVAL before the path is looked up. */
export const UMOUNT_FLAGS = MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW;

function applyFlags(fs: FileSystem, flags: number): void {
  fs.readOnly = (flags & MS_RDONLY) !== 0;
  fs.noSuid = (flags & MS_NOSUID) !== 0;
  fs.noDev = (flags & MS_NODEV) !== 0;
  fs.noExec = (flags & MS_NOEXEC) !== 0;
  fs.noAtime = (flags & MS_NOATIME) !== 0;
  fs.noDirAtime = (flags & MS_NODIRATIME) !== 0;
  fs.strictAtime = (flags & MS_STRICTATIME) !== 0;
  fs.noSymFollow = (flags & MS_NOSYMFOLLOW) !== 0;
}

/** In the order of fs/proc_namespace.c. */
function showFlags(fs: FileSystem): string {
  const words = [fs.readOnly ? 'ro' : 'rw'];
  if (fs.noSuid) words.push('nosuid');
  if (fs.noDev) words.push('nodev');
  if (fs.noExec) words.push('noexec');
  if (fs.noAtime) words.push('noatime');
  if (fs.noDirAtime) words.push('nodiratime');
  if (!fs.noAtime && !fs.strictAtime) words.push('relatime');
  if (fs.noSymFollow) words.push('nosymfollow');
  return words.join(',');
}
