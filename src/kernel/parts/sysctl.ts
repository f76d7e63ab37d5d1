/**
 * The kernel's sysctl tree: NetBSD's node types and numbers (sysctl(7), sys/sysctl.h), so that it can be shown as
 * text below /proc/sys and later as structs to rump clients.
 */
import { EINVAL, EISDIR, ENOENT, EPERM } from '../../abi/linux/errno.js';
import type { Credentials } from '../rump_kernel.js';

/** CTLTYPE_INT (32 bits), CTLTYPE_QUAD (64 bits), CTLTYPE_STRING, CTLTYPE_BOOL, and CTLTYPE_STRUCT of two numbers: a struct timespec. */
export type SysctlType = 'int' | 'quad' | 'string' | 'bool' | 'timespec';

/** A value: text for a string, whole numbers for the others (a bool is 0 or 1, a timespec seconds and nanoseconds). */
export type SysctlValue = string | number | readonly [number, number];

/** A leaf. */
export interface SysctlNode {
  readonly type: SysctlType;
  /** NetBSD's number of it within its parent (KERN_OSTYPE...); undefined for one that NetBSD has not fixed. */
  readonly num?: number;
  /** The value now. */
  get(): SysctlValue;
  /** Present when it can be changed. 0, or -EINVAL for a value of the right type that will not do. */
  set?(value: SysctlValue): number;
}

interface SysctlDir {
  readonly num: number | undefined;
  readonly children: Map<string, SysctlDir | SysctlNode>;
}

const INT_MAX = 2 ** 31 - 1;

function isDir(node: SysctlDir | SysctlNode | undefined): node is SysctlDir {
  return node !== undefined && 'children' in node;
}

/** Nodes by path; a path is names with dots between, '' the root. */
export class SysctlTree {
  readonly #root: SysctlDir = { num: undefined, children: new Map() };

  /** Adds a leaf, and the directories above it that are not there yet; `nums` are those directories' numbers. */
  add(path: string, node: SysctlNode, nums: readonly number[] = []): void {
    const names = path.split('.');
    const name = names.pop() ?? '';
    let dir = this.#root;
    names.forEach((part, depth) => {
      const next = dir.children.get(part) ?? { num: nums[depth], children: new Map() };
      if (!isDir(next)) throw new Error(`sysctl ${path}: ${part} is no directory`);
      dir.children.set(part, next);
      dir = next;
    });
    dir.children.set(name, node);
  }

  /** Names in a directory of the tree; undefined when `path` is none. */
  list(path: string): readonly string[] | undefined {
    const found = this.#find(path);
    return isDir(found) ? [...found.children.keys()] : undefined;
  }

  /** The leaf at `path`, or undefined. */
  node(path: string): SysctlNode | undefined {
    const found = this.#find(path);
    return found === undefined || isDir(found) ? undefined : found;
  }

  /** NetBSD's number of a leaf or directory within its parent, or undefined. */
  num(path: string): number | undefined {
    return this.#find(path)?.num;
  }

  /** The value as text, without a newline; -ENOENT, or -EISDIR for a directory. */
  get(path: string): string | number {
    const found = this.#find(path);
    if (found === undefined) return -ENOENT;
    return isDir(found) ? -EISDIR : formatSysctl(found.get());
  }

  /**
   * Changes a value from its text. 0; -ENOENT, -EISDIR; -EPERM when it cannot be changed or `cred` is not fsuid 0; -EINVAL when
   * the text is no value of the node's type or does not fit it.
   */
  set(path: string, text: string, cred: Credentials): number {
    const found = this.#find(path);
    if (found === undefined) return -ENOENT;
    if (isDir(found)) return -EISDIR;
    if (found.set === undefined || cred.uid !== 0) return -EPERM;
    const value = parseSysctl(found.type, text);
    return value === undefined ? -EINVAL : found.set(value);
  }

  #find(path: string): SysctlDir | SysctlNode | undefined {
    let node: SysctlDir | SysctlNode | undefined = this.#root;
    if (path === '') return node;
    for (const name of path.split('.')) {
      if (!isDir(node)) return undefined;
      node = node.children.get(name);
    }
    return node;
  }
}

/** A value as /proc/sys shows it: the numbers of a timespec with a tab between, as proc_dointvec does. */
export function formatSysctl(value: SysctlValue): string {
  return typeof value === 'object' ? value.join('\t') : String(value);
}

/**
 * The value that a program wrote as text. Numbers as the host's proc_dointvec reads them: white space around, a sign, decimal, 0x
 * hexadecimal or 0 octal. A string ends at its first newline or NUL (proc_dostring).
 */
export function parseSysctl(type: SysctlType, text: string): SysctlValue | undefined {
  if (type === 'string') return text.split(/[\n\0]/, 1)[0] ?? '';
  const match = /^\s*(-?)(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)\s*$/i.exec(text);
  if (match === null || type === 'timespec') return undefined;
  const digits = match[2] ?? '';
  const isOctal = /^0[0-7]/.test(digits);
  const magnitude = isOctal ? Number.parseInt(digits, 8) : Number(digits);
  const value = match[1] === '-' && magnitude !== 0 ? -magnitude : magnitude;
  if (type === 'bool') return value === 0 || value === 1 ? value : undefined;
  if (type === 'quad') return Number.isSafeInteger(value) ? value : undefined;
  return value >= -INT_MAX - 1 && value <= INT_MAX ? value : undefined;
}

/** What the kernel that owns the tree knows of itself. */
export interface SysctlFacts {
  /** The project's version, 'major.minor.patch'. */
  readonly version: string;
  readonly hostname: string;
  /** Descriptors and processes that it can have. */
  readonly maxFiles: number;
  readonly maxProcs: number;
  /** Inodes in its file systems. */
  readonly maxVnodes: number;
  /** When it began: seconds and nanoseconds since 1970. */
  readonly bootTime: readonly [number, number];
  /** Bytes of memory that its file systems can fill. */
  readonly physmem: number;
  /** Names of its file system types. */
  readonly fsTypes: readonly string[];
}

/** kern.osrevision as sys/param.h counts: MMmmrrpp00 for major, minor, patch. */
function osRevision(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(part => Number.parseInt(part, 10));
  return major * 100_000_000 + minor * 1_000_000 + patch * 100;
}

const fixed = (type: SysctlType, num: number | undefined, value: SysctlValue): SysctlNode => {
  const node = { type, get: () => value };
  return num === undefined ? node : { ...node, num };
};

/** A string that can be changed, of at most `limit` - 1 characters. */
function variableString(num: number, initial: string, limit: number): SysctlNode {
  let value = initial;
  return {
    type: 'string',
    num,
    get: () => value,
    set: wanted => {
      if (typeof wanted !== 'string' || wanted.length >= limit) return -EINVAL;
      value = wanted;
      return 0;
    },
  };
}

/** sys/param.h. */
const MAXHOSTNAMELEN = 256;
/** sys/sysctl.h. */
const CTL_KERN = 1;
const CTL_VFS = 3;
const CTL_HW = 6;
const VFS_GENERIC = 0;

/**
 * The embedded kernel's tree. It is no NetBSD and does not say so: kern.ostype is 'rump'. One thread runs it, hence one
 * processor. Parts that come later (a network stack's net.*) add theirs; there is nothing in the tree that the kernel does
 * not have.
 */
export function createSysctlTree(facts: SysctlFacts): SysctlTree {
  const tree = new SysctlTree();
  const dotted = `rumphijack embedded kernel ${facts.version}`;
  const kern: [string, SysctlNode][] = [
    ['ostype', fixed('string', 1, 'rump')],
    ['osrelease', fixed('string', 2, facts.version)],
    ['osrevision', fixed('int', 3, osRevision(facts.version))],
    ['version', fixed('string', 4, dotted)],
    ['maxvnodes', fixed('int', 5, clampInt(facts.maxVnodes))],
    ['maxproc', fixed('int', 6, clampInt(facts.maxProcs))],
    ['maxfiles', fixed('int', 7, clampInt(facts.maxFiles))],
    ['hostname', variableString(10, facts.hostname, MAXHOSTNAMELEN)],
    ['ngroups', fixed('int', 18, 65536)],
    ['domainname', variableString(22, '', MAXHOSTNAMELEN)],
    ['iov_max', fixed('int', 38, 1024)],
    ['boottime', fixed('timespec', 83, facts.bootTime)],
  ];
  const hw: [string, SysctlNode][] = [
    ['machine', fixed('string', 1, 'amd64')],
    ['model', fixed('string', 2, 'rumphijack')],
    ['ncpu', fixed('int', 3, 1)],
    ['byteorder', fixed('int', 4, 1234)],
    ['physmem', fixed('int', 5, clampInt(facts.physmem))],
    ['pagesize', fixed('int', 7, 4096)],
    ['machine_arch', fixed('string', 10, 'x86_64')],
    ['alignbytes', fixed('int', 11, 15)],
    ['physmem64', fixed('quad', 13, facts.physmem)],
    ['ncpuonline', fixed('int', 16, 1)],
  ];
  for (const [name, node] of kern) tree.add(`kern.${name}`, node, [CTL_KERN]);
  for (const [name, node] of hw) tree.add(`hw.${name}`, node, [CTL_HW]);
  tree.add('vfs.generic.usermount', fixed('int', 3, 0), [CTL_VFS, VFS_GENERIC]);
  tree.add('vfs.generic.fstypes', fixed('string', undefined, facts.fsTypes.join(' ')), [
    CTL_VFS,
    VFS_GENERIC,
  ]);
  return tree;
}

/** What an int node shows of a larger number: the most that it can, as NetBSD's hw.physmem does. */
function clampInt(value: number): number {
  return Math.min(value, INT_MAX);
}
