/** What a remote kernel's file systems look like to Linux programs, and the other way round. */
import { TMPFS_MAGIC } from '../../abi/linux/mount.js';
import {
  type MsdosfsArgs,
  NB_MNT_NOATIME,
  NB_MNT_NODEV,
  NB_MNT_NOEXEC,
  NB_MNT_NOSUID,
  NB_MNT_RDONLY,
  NB_MNT_RELATIME,
  NB_MNT_SYNCHRONOUS,
  type TmpfsArgs,
} from '../../abi/netbsd/mount.js';
import { toLinuxDev } from '../../abi/netbsd/stat.js';
import { fromNetbsdFsFlags, fsMagic, type NetbsdStatvfs } from '../../abi/netbsd/statvfs.js';
import type { BytePath, Credentials, MountInfo, StatFs } from '../../kernel/rump_kernel.js';
import { parseTmpfsOptions } from '../../kernel/vfs/mount_options.js';

const PAGE = 4096;
/** tmpfs(5): what a file system without mode= has. */
const DEFAULT_MODE = 0o1777;

/** statfs(2) counts in f_bsize, where statvfs counts in f_frsize; Linux shows both as one. */
export function fillStatFs(fs: NetbsdStatvfs, out: StatFs): void {
  out.type = fsMagic(fs.fstypename) || TMPFS_MAGIC;
  out.bsize = fs.frsize === 0 ? fs.bsize : fs.frsize;
  out.blocks = fs.blocks;
  out.bfree = fs.bfree;
  out.bavail = fs.bavail;
  out.files = fs.files;
  out.ffree = fs.ffree;
  out.fsid = fs.fsid;
  out.namelen = fs.namemax;
  out.frsize = out.bsize;
  out.flags = fromNetbsdFsFlags(fs.flag);
}

/** Words of /proc/mounts, in its order. */
const OPTIONS: readonly (readonly [number, string])[] = [
  [NB_MNT_NOSUID, 'nosuid'],
  [NB_MNT_NODEV, 'nodev'],
  [NB_MNT_NOEXEC, 'noexec'],
  [NB_MNT_SYNCHRONOUS, 'sync'],
  [NB_MNT_NOATIME, 'noatime'],
  [NB_MNT_RELATIME, 'relatime'],
];

function options(flag: number): string {
  const words = [(flag & NB_MNT_RDONLY) !== 0 ? 'ro' : 'rw'];
  for (const [bit, word] of OPTIONS) if ((flag & bit) !== 0) words.push(word);
  return words.join(',');
}

/** The mount whose directory a path lies below, the longest. */
function parentOf(list: readonly NetbsdStatvfs[], child: number): number {
  const path = list[child].mntonname;
  let parent = child;
  let longest = -1;
  list.forEach((fs, i) => {
    const on = fs.mntonname === '/' ? '' : fs.mntonname;
    if (i !== child && path.startsWith(`${on}/`) && path !== '/' && on.length > longest) {
      parent = i;
      longest = on.length;
    }
  });
  return parent;
}

/** getvfsstat(2)'s list as a program sees it that has the kernel's root at `prefix`; ids are places in the list, from 1. */
export function mountList(list: readonly NetbsdStatvfs[], prefix: BytePath): MountInfo[] {
  return list.map((fs, i) => ({
    id: i + 1,
    parentId: parentOf(list, i) + 1,
    dev: toLinuxDev(fs.fsidx[0]),
    root: '/',
    mountPoint: fs.mntonname === '/' && prefix !== '' ? prefix : prefix + fs.mntonname,
    options: options(fs.flag),
    type: fs.fstypename,
    source: fs.mntfromname,
    superOptions: '',
    magic: fsMagic(fs.fstypename),
  }));
}

/** mount(8)'s options of a tmpfs as NetBSD's; undefined for bad ones. A size in per cent needs the server's memory: refused. */
export function tmpfsArgs(data: BytePath, cred: Credentials): TmpfsArgs | undefined {
  if (data.includes('%')) return undefined;
  const parsed = parseTmpfsOptions(data, 0);
  if (parsed === undefined) return undefined;
  const bounded = (value: number | undefined): number =>
    value === undefined || !Number.isFinite(value) ? 0 : value;
  return {
    version: 1,
    nodesMax: bounded(parsed.maxInodes),
    sizeMax: bounded(parsed.maxPages) * PAGE,
    uid: parsed.uid ?? cred.uid,
    gid: parsed.gid ?? cred.gid,
    mode: parsed.mode ?? DEFAULT_MODE,
  };
}

/** mount(8)'s options of a FAT file system: uid=, gid=, umask=, fmask=, dmask=; undefined for bad ones, others are passed over. */
export function msdosfsArgs(data: BytePath, cred: Credentials): MsdosfsArgs | undefined {
  const args = { uid: cred.uid, gid: cred.gid, mask: 0o755, dirmask: 0o755 };
  for (const word of data.split(',')) {
    const [, key, text] = /^(uid|gid|umask|fmask|dmask)=(.*)$/.exec(word) ?? [];
    if (key === undefined) continue;
    const isId = key === 'uid' || key === 'gid';
    if (!(isId ? /^\d+$/ : /^[0-7]+$/).test(text)) return undefined;
    const value = Number.parseInt(text, isId ? 10 : 8);
    if (isId) args[key] = value;
    if (key === 'umask' || key === 'fmask') args.mask = 0o777 & ~value;
    if (key === 'umask' || key === 'dmask') args.dirmask = 0o777 & ~value;
  }
  return args;
}
