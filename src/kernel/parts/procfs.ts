/**
 * The tree behind AT_PROC, shown in place of parts of the host's /proc: sys/, mounts, mountinfo, mountstats and
 * modules, in the formats of proc(5).
 */
import { EINVAL } from '../../abi/linux/errno.js';
import { major, minor } from '../../abi/linux/stat.js';
import type { Credentials, MountInfo } from '../rump_kernel.js';
import { type SynthDir, type SynthFile, type SynthNode, synthDir, synthText } from './synth.js';
import { formatSysctl, type SysctlTree } from './sysctl.js';

/** One line of /proc/modules. */
export interface ModuleInfo {
  readonly name: string;
  /** Bytes; 0 for what is built in. */
  readonly size: number;
  /** Names of modules that need it. */
  readonly users: readonly string[];
}

/**
 * Names that /proc/sys/kernel has on Linux and kern has here, with the same meaning. Programs that know no other
 * kernel's names find them there; what else Linux has below kernel/ is not this kernel's and is not shown.
 */
const LINUX_KERNEL_NAMES = ['ostype', 'osrelease', 'version', 'hostname', 'domainname'];

/** The whole tree; `mounts` and `modules` are asked at each open. */
export function createProcTree(
  sysctl: SysctlTree,
  mounts: () => readonly MountInfo[],
  modules: () => readonly ModuleInfo[],
): SynthDir {
  const sys = sysRoot(sysctl);
  const entries = new Map<string, SynthNode>([
    ['sys', sys],
    ['mounts', synthText(() => formatMounts(mounts()))],
    ['mountinfo', synthText(() => formatMountInfo(mounts()))],
    ['mountstats', synthText(() => formatMountStats(mounts()), 0o400)],
    ['modules', synthText(() => formatModules(modules()))],
  ]);
  return synthDir(() => entries);
}

/** /proc/mounts (fstab(5)): device, mount point, type, options, two zeros. */
export function formatMounts(mounts: readonly MountInfo[]): string {
  return mounts
    .map(mount => {
      const options = [mount.options, ...superFlags(mount).slice(1)].join(',');
      return `${device(mount)} ${escapePath(mount.mountPoint)} ${escapeName(mount.type)} ${options} 0 0\n`;
    })
    .join('');
}

/** /proc/self/mountinfo: id, parent, device number, root, mount point, options, '-', type, device, the file system's options. */
export function formatMountInfo(mounts: readonly MountInfo[]): string {
  return mounts
    .map(mount => {
      const place = `${mount.id} ${mount.parentId} ${major(mount.dev)}:${minor(mount.dev)} ${escapePath(mount.root)}`;
      const options = superFlags(mount).join(',');
      return `${place} ${escapePath(mount.mountPoint)} ${mount.options} - ${escapeName(mount.type)} ${device(mount)} ${options}\n`;
    })
    .join('');
}

/** /proc/self/mountstats; file systems here keep no statistics of their own. */
export function formatMountStats(mounts: readonly MountInfo[]): string {
  return mounts
    .map(mount => {
      const source = mount.source === '' ? 'no device' : `device ${escapeName(mount.source)}`;
      return `${source} mounted on ${escapePath(mount.mountPoint)} with fstype ${escapeName(mount.type)}\n`;
    })
    .join('');
}

/** /proc/modules: name, size, uses, the users each with a comma behind it, state, address. */
export function formatModules(modules: readonly ModuleInfo[]): string {
  return modules
    .map(({ name, size, users }) => {
      const names = users.length === 0 ? '-' : users.map(user => `${user},`).join('');
      return `${name} ${size} ${users.length} ${names} Live 0x0000000000000000\n`;
    })
    .join('');
}

/** The file system's own options with 'rw' or 'ro' in front. */
function superFlags(mount: MountInfo): string[] {
  const options = mount.superOptions === '' ? [] : mount.superOptions.split(',');
  return options[0] === 'rw' || options[0] === 'ro' ? options : ['rw', ...options];
}

function device(mount: MountInfo): string {
  return mount.source === '' ? 'none' : escapeName(mount.source);
}

/** Space, tab, newline and backslash as octal escapes (seq_path() in the host's fs/proc_namespace.c). */
function escapePath(path: string): string {
  return path.replace(/[ \t\n\\]/g, octal);
}

/** Devices and types: '#' too, which begins a comment in fstab(5) (mangle()). */
function escapeName(name: string): string {
  return name.replace(/[ \t\n\\#]/g, octal);
}

function octal(char: string): string {
  return `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
}

/** sys/: the sysctl tree, and kernel/ with Linux's names for some of kern/. */
function sysRoot(tree: SysctlTree): SynthDir {
  const own = sysctlDir(tree, '');
  const linuxNames = () => LINUX_KERNEL_NAMES.filter(name => tree.node(`kern.${name}`) !== undefined);
  const kernel = synthDir(
    () => new Map(linuxNames().map(name => [name, sysctlFile(tree, `kern.${name}`)] as const)),
  );
  return {
    kind: 'dir',
    mode: 0o555,
    list: () => [...own.list(), 'kernel'],
    lookup: name => (name === 'kernel' ? kernel : own.lookup(name)),
  };
}

function sysctlDir(tree: SysctlTree, path: string): SynthDir {
  const below = (name: string) => (path === '' ? name : `${path}.${name}`);
  return {
    kind: 'dir',
    mode: 0o555,
    list: () => tree.list(path) ?? [],
    lookup: name => {
      // A dot would be a border between names to the tree; no name has one.
      if (name === '' || name.includes('.')) return undefined;
      if (tree.list(below(name)) !== undefined) return sysctlDir(tree, below(name));
      return tree.node(below(name)) && sysctlFile(tree, below(name));
    },
  };
}

function sysctlFile(tree: SysctlTree, path: string): SynthFile {
  const node = tree.node(path);
  const file: SynthFile = {
    kind: 'file',
    mode: node?.set === undefined ? 0o444 : 0o644,
    bindsRoot: true,
    read: () => Buffer.from(node === undefined ? '' : `${formatSysctl(node.get())}\n`, 'latin1'),
  };
  if (node?.set === undefined) return file;
  return { ...file, write: (text, cred) => writeSysctl(tree, path, text, cred) };
}

/** Longest text that a node takes, in bytes, as on the host a page. */
const WRITE_MAX = 4096;

function writeSysctl(tree: SysctlTree, path: string, text: Uint8Array, cred: Credentials): number {
  if (text.length === 0) return 0;
  if (text.length >= WRITE_MAX) return -EINVAL;
  // -EPERM for a descriptor that root opened and somebody else writes to, as on the host.
  const status = tree.set(path, Buffer.from(text).toString('latin1'), cred);
  return status < 0 ? status : text.length;
}
