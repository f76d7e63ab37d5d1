/** Extended attributes (xattr(7)) as the host's tmpfs has them: user.*, trusted.* and security.*; no ACLs. */
import { E2BIG, EEXIST, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE } from '../../abi/linux/errno.js';
import { XATTR_LIST_MAX, XATTR_NAME_MAX, XATTR_SIZE_MAX } from '../../abi/linux/limits.js';
import { S_IFDIR, S_IFMT, S_IFREG, S_ISVTX } from '../../abi/linux/stat.js';
import {
  XATTR_CREATE,
  XATTR_NAME_CAPS,
  XATTR_REPLACE,
  XATTR_SECURITY_PREFIX,
  XATTR_SYSTEM_PREFIX,
  XATTR_TRUSTED_PREFIX,
  XATTR_USER_PREFIX,
} from '../../abi/linux/xattr.js';
import type { BytePath, Credentials } from '../rump_kernel.js';

/** What the permission rules need to know of the inode. */
export interface XattrTarget {
  /** Type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  /** The inode's permission bits (and the mount's being read-only) against `cred`: 0 or -errno. */
  access(cred: Credentials, want: 'read' | 'write'): number;
}

/** linux/capability.h: struct vfs_cap_data, and vfs_ns_cap_data with the root's uid behind it. */
const VFS_CAP_REVISION_MASK = 0xff000000;
const VFS_CAP_REVISION_2 = 0x02000000;
const VFS_CAP_REVISION_3 = 0x03000000;
const VFS_CAP_FLAGS_EFFECTIVE = 1;
const CAPS_SIZE_2 = 20;
const CAPS_SIZE_3 = 24;

/** -ERANGE for an empty name or one that is too long, else 0. Comes before the path is looked up. */
export function checkXattrName(name: BytePath): number {
  return name.length === 0 || name.length > XATTR_NAME_MAX ? -ERANGE : 0;
}

/** What setxattr(2) refuses before the path is looked up: -EINVAL (flags), -ERANGE (name), -E2BIG (value), else 0. */
export function checkSetXattr(name: BytePath, size: number, xflags: number): number {
  if ((xflags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0) return -EINVAL;
  return checkXattrName(name) || (size > XATTR_SIZE_MAX ? -E2BIG : 0);
}

/**
 * One inode's attributes. An inode without any needs none of its own: reads and removals may go to `NO_XATTRS`,
 * which nothing is ever stored in. The caller updates ctime when `set` or `remove` return 0.
 */
export class XattrStore {
  readonly #values = new Map<BytePath, Uint8Array>();

  /** Nothing stored. */
  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** Bytes of names and values, for the file system's accounts. */
  get bytes(): number {
    let total = 0;
    for (const [name, value] of this.#values) total += name.length + value.length;
    return total;
  }

  /** getxattr(2): the value's size; copied to `out` unless that is empty. -ERANGE when it does not fit, -ENODATA, -EOPNOTSUPP. */
  get(target: XattrTarget, cred: Credentials, name: BytePath, out: Uint8Array): number {
    const refused = checkXattrName(name) || mayRead(target, cred, name) || checkNamespace(name);
    if (refused !== 0) return refused;
    const stored = this.#values.get(name);
    if (stored === undefined) return -ENODATA;
    const value = name === XATTR_NAME_CAPS ? capabilityAsSeen(stored) : stored;
    if (out.length === 0) return value.length;
    if (value.length > out.length) return -ERANGE;
    out.set(value);
    return value.length;
  }

  /**
   * listxattr(2): the size of all names, each ended by NUL; copied to `out` unless that is empty. -ERANGE when they do not
   * fit, -E2BIG when no allowed buffer holds them. trusted.* is shown to fsuid 0 only. Backwards by name, as tmpfs does.
   */
  list(cred: Credentials, out: Uint8Array): number {
    const shown = [...this.#values.keys()].filter(
      name => cred.uid === 0 || !name.startsWith(XATTR_TRUSTED_PREFIX),
    );
    const bytes = Buffer.from(
      shown
        .sort()
        .reverse()
        .map(name => `${name}\0`)
        .join(''),
      'latin1',
    );
    if (out.length === 0) return bytes.length;
    if (bytes.length > out.length) return out.length >= XATTR_LIST_MAX ? -E2BIG : -ERANGE;
    out.set(bytes);
    return bytes.length;
  }

  /** setxattr(2); `xflags` XATTR_CREATE (-EEXIST) and XATTR_REPLACE (-ENODATA). The value is copied. */
  set(target: XattrTarget, cred: Credentials, name: BytePath, value: Uint8Array, xflags: number): number {
    const refused =
      checkSetXattr(name, value.length, xflags) ||
      checkCapability(name, value) ||
      mayWrite(target, cred, name) ||
      checkNamespace(name);
    if (refused !== 0) return refused;
    const exists = this.#values.has(name);
    if (exists && (xflags & XATTR_CREATE) !== 0) return -EEXIST;
    if (!exists && (xflags & XATTR_REPLACE) !== 0) return -ENODATA;
    this.#values.set(name, Uint8Array.from(value));
    return 0;
  }

  /** removexattr(2): -ENODATA when there is none. */
  remove(target: XattrTarget, cred: Credentials, name: BytePath): number {
    const refused = checkXattrName(name) || mayWrite(target, cred, name) || checkNamespace(name);
    if (refused !== 0) return refused;
    return this.#values.delete(name) ? 0 : -ENODATA;
  }

  /** A write, truncation or chown by somebody takes a file's capabilities away (capabilities(7)). True when there were some. */
  dropCapabilities(): boolean {
    return this.#values.delete(XATTR_NAME_CAPS);
  }
}

/** The attributes of all inodes that have none. */
export const NO_XATTRS: Pick<XattrStore, 'get' | 'list' | 'remove'> = new XattrStore();

/** xattr_permission() of the host's fs/xattr.c, reading: what may not be seen does not exist. */
function mayRead(target: XattrTarget, cred: Credentials, name: BytePath): number {
  if (name.startsWith(XATTR_SECURITY_PREFIX) || name.startsWith(XATTR_SYSTEM_PREFIX)) return 0;
  if (name.startsWith(XATTR_TRUSTED_PREFIX)) return cred.uid === 0 ? 0 : -ENODATA;
  if (name.startsWith(XATTR_USER_PREFIX) && !holdsUserAttributes(target)) return -ENODATA;
  return target.access(cred, 'read');
}

/** The same, writing, and cap_inode_setxattr() of security/commoncap.c. */
function mayWrite(target: XattrTarget, cred: Credentials, name: BytePath): number {
  const isRoot = cred.uid === 0;
  if (name.startsWith(XATTR_SYSTEM_PREFIX)) return 0;
  if (name.startsWith(XATTR_SECURITY_PREFIX) || name.startsWith(XATTR_TRUSTED_PREFIX))
    return isRoot ? 0 : -EPERM;
  if (name.startsWith(XATTR_USER_PREFIX)) {
    if (!holdsUserAttributes(target)) return -EPERM;
    const isSticky = (target.mode & S_IFMT) === S_IFDIR && (target.mode & S_ISVTX) !== 0;
    if (isSticky && !isRoot && cred.uid !== target.uid) return -EPERM;
  }
  return target.access(cred, 'write');
}

function holdsUserAttributes(target: XattrTarget): boolean {
  const type = target.mode & S_IFMT;
  return type === S_IFREG || type === S_IFDIR;
}

/** -EOPNOTSUPP for a namespace that nobody serves (ACLs among them), -EINVAL for a bare prefix. */
function checkNamespace(name: BytePath): number {
  const prefix = [XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX, XATTR_SECURITY_PREFIX].find(known =>
    name.startsWith(known),
  );
  if (prefix === undefined) return -EOPNOTSUPP;
  return name.length === prefix.length ? -EINVAL : 0;
}

/** File capabilities must look like some, before anything else is asked (cap_convert_nscap()). */
function checkCapability(name: BytePath, value: Uint8Array): number {
  if (name !== XATTR_NAME_CAPS || value.length === 0) return 0;
  const revision = capabilityMagic(value) & VFS_CAP_REVISION_MASK;
  const isValid =
    (value.length === CAPS_SIZE_2 && revision === VFS_CAP_REVISION_2) ||
    (value.length === CAPS_SIZE_3 && revision === VFS_CAP_REVISION_3);
  return isValid ? 0 : -EINVAL;
}

function capabilityMagic(value: Uint8Array): number {
  return value.length < 4 ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}

/** Capabilities for uid 0 of the first user namespace read as the older form without a uid (cap_inode_getsecurity()). */
function capabilityAsSeen(value: Uint8Array): Uint8Array {
  if (value.length !== CAPS_SIZE_3) return value;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  if (view.getUint32(CAPS_SIZE_2, true) !== 0) return value;
  const older = Uint8Array.from(value.subarray(0, CAPS_SIZE_2));
  const magic = VFS_CAP_REVISION_2 | (view.getUint32(0, true) & VFS_CAP_FLAGS_EFFECTIVE);
  new DataView(older.buffer).setUint32(0, magic, true);
  return older;
}
