/** From a path to a dentry, as fs/namei.c walks it (path_resolution(7)). */
import { ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV } from '../../abi/linux/errno.js';
import {
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../abi/linux/fcntl.js';
import { MAXSYMLINKS, NAME_MAX, PATH_MAX } from '../../abi/linux/limits.js';
import type { BytePath, Credentials } from '../rump_kernel.js';
import { MAY_EXEC, permission } from './access.js';
import { type Dentry, DirectoryBase, DirectoryInode, SymlinkInode } from './vnode.js';

const SLASH = 0x2f;
const DOT = 0x2e;

/** A last component that is a symbolic link is followed. */
export const FOLLOW = 1;
/** Only a directory will do. */
export const DIRECTORY = 2;

/** What the last component of a path is: a name, none at all, '.' or '..' (include/linux/namei.h). */
export const LAST_NORM = 0;
export const LAST_ROOT = 1;
export const LAST_DOT = 2;
export const LAST_DOTDOT = 3;

/** Whose walk it is. */
export interface Walker {
  readonly cred: Credentials;
  /** Where the program sees the kernel's root; absolute symbolic links may name it. */
  readonly prefix: BytePath;
}

/** The top of what is mounted on a dentry, the dentry itself where nothing is. */
export function crossMounts(dentry: Dentry): Dentry {
  let at = dentry;
  while (at.mounted !== undefined) at = at.mounted.fs.root;
  return at;
}

/** One walk at a time; its outcome stays in the object until the next one. */
export class NameLookup {
  /** After `lookupParent`: the directory that the last component is in. */
  parent: Dentry;
  /** After `lookupParent`: the last component, without slashes. */
  name: BytePath = '';
  last = LAST_ROOT;
  /** Slashes follow the last component. */
  trailingSlash = false;

  readonly #kernelRoot: Dentry;
  #root: Dentry;
  #walker: Walker = { cred: { uid: 0, gid: 0, groups: [] }, prefix: '' };
  #path: BytePath = '';
  #at = 0;
  #links = 0;
  #resolve = 0;

  constructor(root: Dentry) {
    this.#kernelRoot = root;
    this.#root = root;
    this.parent = root;
  }

  /**
   * The dentry that a path names, from `start` or the root. `flags`: FOLLOW, DIRECTORY. The path is not empty.
   * -ENOENT, -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG; -EXDEV by `resolve` (RESOLVE_* of openat2(2)).
   */
  lookup(start: Dentry, path: BytePath, flags: number, walker: Walker, resolve = 0): Dentry | number {
    let status = this.lookupParent(start, path, walker, resolve);
    for (;;) {
      if (status < 0) return status;
      const found = this.finish((flags & FOLLOW) !== 0);
      if (typeof found === 'number') {
        if (found < 0) return found;
        status = this.#toLast();
        continue;
      }
      if (((flags & DIRECTORY) !== 0 || this.trailingSlash) && !(found.inode instanceof DirectoryBase)) {
        return -ENOTDIR;
      }
      return found;
    }
  }

  /** Walks up to the last component, which may or may not be there. Returns 0 or -errno. */
  lookupParent(start: Dentry, path: BytePath, walker: Walker, resolve = 0): number {
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    this.#walker = walker;
    this.#links = 0;
    this.#resolve = resolve;
    this.#path = path;
    this.#at = 0;
    this.parent = start;
    const confined = (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) !== 0;
    // A tree that is not mounted is its own root: nothing leads out of it.
    this.#root = confined ? start : isProc(start) ? start.inode.fs.root : this.#kernelRoot;
    if (path.charCodeAt(0) === SLASH) {
      const status = this.#toRoot();
      if (status < 0) return status;
    }
    return this.#toLast();
  }

  /** Goes on after a symbolic link that `finish` has entered. */
  resume(): number {
    return this.#toLast();
  }

  /**
   * The dentry of the last component: -ENOENT when there is none; 0 when it is a symbolic link that has been entered
   * and the walk must be resumed; other -errno.
   */
  finish(follow: boolean): Dentry | number {
    if (this.last === LAST_DOTDOT) {
      const status = this.#up();
      if (status < 0) return status;
    }
    if (this.last !== LAST_NORM) return this.parent;
    const found = this.#child(this.name);
    if (typeof found === 'number') return found;
    if (found.inode instanceof SymlinkInode && (follow || this.trailingSlash)) {
      return this.#enterLink(found.inode, this.trailingSlash ? '/' : '');
    }
    return found;
  }

  /** The last component's own dentry, nothing mounted on it, no link followed; undefined when there is none. */
  peek(): Dentry | undefined | number {
    if (this.name.length > NAME_MAX) return -ENAMETOOLONG;
    const directory = this.parent.inode;
    if (directory instanceof DirectoryInode && directory.isDead) return -ENOENT;
    return directory instanceof DirectoryBase ? directory.lookup(this.parent, this.name) : -ENOTDIR;
  }

  #toLast(): number {
    const path = this.#path;
    let at = this.#at;
    while (path.charCodeAt(at) === SLASH) at++;
    if (at === path.length) {
      this.last = LAST_ROOT;
      this.name = '';
      this.trailingSlash = false;
      return 0;
    }
    for (;;) {
      if (!(this.parent.inode instanceof DirectoryBase)) return -ENOTDIR;
      const refused = permission(this.parent.inode, MAY_EXEC, this.#walker.cred);
      if (refused !== 0) return refused;
      let end = path.indexOf('/', at);
      if (end < 0) end = path.length;
      let next = end;
      while (path.charCodeAt(next) === SLASH) next++;
      const kind = lastKind(path, at, end);
      if (next === path.length) {
        this.last = kind;
        this.name = at === 0 && end === next ? path : path.slice(at, end);
        this.trailingSlash = next > end;
        return 0;
      }
      const status = this.#step(path, kind, at, end, next);
      if (status < 0) return status;
      // A link was entered: the rest of the path is another one now.
      if (status > 0) return this.#toLast();
      at = next;
    }
  }

  /** Through one component that is not the last. 0: go on; 1: `#path` was replaced; -errno. */
  #step(path: BytePath, kind: number, at: number, end: number, next: number): number {
    if (kind === LAST_DOT) return 0;
    if (kind === LAST_DOTDOT) return this.#up();
    const found = this.#child(path.slice(at, end));
    if (typeof found === 'number') return found;
    if (found.inode instanceof SymlinkInode) {
      const status = this.#enterLink(found.inode, `/${path.slice(next)}`);
      return status < 0 ? status : 1;
    }
    if (!(found.inode instanceof DirectoryBase)) return -ENOTDIR;
    this.parent = found;
    return 0;
  }

  #child(name: BytePath): Dentry | number {
    if (name.length > NAME_MAX) return -ENAMETOOLONG;
    const directory = this.parent.inode;
    if (!(directory instanceof DirectoryBase)) return -ENOTDIR;
    const found = directory.lookup(this.parent, name);
    if (found === undefined) return -ENOENT;
    if (found.mounted === undefined) return found;
    if ((this.#resolve & RESOLVE_NO_XDEV) !== 0) return -EXDEV;
    return crossMounts(found);
  }

  #up(): number {
    let at = this.parent;
    while (at.isRoot && at !== this.#root) {
      const mount = at.inode.fs.mount;
      if (mount === undefined) break;
      if ((this.#resolve & RESOLVE_NO_XDEV) !== 0) return -EXDEV;
      at = mount.point;
    }
    if (at === this.#root) {
      if ((this.#resolve & RESOLVE_BENEATH) !== 0) return -EXDEV;
      this.parent = at;
      return 0;
    }
    const above = at.parent;
    if (above.mounted !== undefined && (this.#resolve & RESOLVE_NO_XDEV) !== 0) return -EXDEV;
    this.parent = crossMounts(above);
    return 0;
  }

  #toRoot(): number {
    if ((this.#resolve & RESOLVE_BENEATH) !== 0) return -EXDEV;
    this.parent = this.#root;
    return 0;
  }

  /** Puts a link's target in place of the path so far walked; `rest` is what follows it. Returns 0 or -errno. */
  #enterLink(link: SymlinkInode, rest: BytePath): number {
    if (this.#links >= MAXSYMLINKS) return -ELOOP;
    this.#links++;
    if ((this.#resolve & RESOLVE_NO_SYMLINKS) !== 0 || link.fs.noSymFollow) return -ELOOP;
    link.fs.clock.tick();
    link.accessed(link.fs.clock);
    let { target } = link;
    if (target.charCodeAt(0) === SLASH) {
      if ((this.#resolve & RESOLVE_NO_XDEV) !== 0 && this.parent.inode.fs !== this.#root.inode.fs)
        return -EXDEV;
      const status = this.#toRoot();
      if (status < 0) return status;
      target = stripPrefix(target, this.#walker.prefix);
    }
    this.#path = rest === '' ? target : target + rest;
    this.#at = 0;
    return 0;
  }
}

function lastKind(path: BytePath, at: number, end: number): number {
  if (path.charCodeAt(at) !== DOT) return LAST_NORM;
  if (end - at === 1) return LAST_DOT;
  return end - at === 2 && path.charCodeAt(at + 1) === DOT ? LAST_DOTDOT : LAST_NORM;
}

function isProc(dentry: Dentry): boolean {
  return dentry.inode.fs.type === 'proc';
}

/** A program's own absolute path as the kernel knows it: the place where the program sees the root is the root. */
function stripPrefix(target: BytePath, prefix: BytePath): BytePath {
  if (prefix === '' || !target.startsWith(prefix)) return target;
  if (target.length === prefix.length) return '/';
  return target.charCodeAt(prefix.length) === SLASH ? target.slice(prefix.length) : target;
}
