/** mount, umount and df: the server's file systems. */
import { EINVAL, ENODEV } from '../../abi/linux/errno.js';
import {
  MS_BIND,
  MS_NOATIME,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SYNCHRONOUS,
} from '../../abi/linux/mount.js';
import type { NetbsdStatvfs } from '../../abi/netbsd/statvfs.js';
import type { BytePath, MountInfo } from '../../kernel/rump_kernel.js';
import { CallError, Refusal } from './errors.js';
import { columns, human } from './format.js';
import type { Flags, Tool } from './tool.js';

/** Words of -o that are flags; all others are for the file system itself. */
const WORDS = new Map([
  ['rw', 0],
  ['defaults', 0],
  ['ro', MS_RDONLY],
  ['rdonly', MS_RDONLY],
  ['nosuid', MS_NOSUID],
  ['nodev', MS_NODEV],
  ['noexec', MS_NOEXEC],
  ['sync', MS_SYNCHRONOUS],
  ['noatime', MS_NOATIME],
  ['relatime', MS_RELATIME],
  ['remount', MS_REMOUNT],
  ['update', MS_REMOUNT],
  ['bind', MS_BIND],
]);

export function mount(tool: Tool, args: readonly string[], flags: Flags): void {
  if (args.length === 0 && flags.t === undefined && flags.o === undefined) return listMounts(tool);
  if (args.length !== 2) throw new Refusal('a SOURCE and a DIRECTORY are needed, or nothing at all');
  const [source, directory] = args;
  let bits = 0;
  const data: string[] = [];
  for (const word of String(flags.o ?? '').split(',')) {
    const bit = WORDS.get(word);
    if (bit !== undefined) bits |= bit;
    else if (word !== '') data.push(word);
  }
  const type = flags.t === undefined ? '' : String(flags.t);
  if (type === '' && (bits & (MS_BIND | MS_REMOUNT)) === 0)
    throw new Refusal('which file system? Say it with -t TYPE, or -o bind');
  tool.attempt(directory, () => {
    try {
      tool.session.call(tool.session.process.mount(source, directory, type, bits, data.join(',')));
    } catch (error) {
      if (!(error instanceof CallError && error.errno === ENODEV && type !== '')) throw error;
      throw new Refusal(
        `${directory}: the kernel has no file system '${type}', or cannot be told how to mount it`,
      );
    }
  });
}

/** As mount(8) lists them. */
function listMounts(tool: Tool): void {
  const mounts: MountInfo[] = [];
  tool.session.call(tool.session.process.mounts(mounts));
  for (const { source, mountPoint, type, options } of mounts)
    tool.out.line(`${source} on ${mountPoint} type ${type} (${options})`);
}

export function umount(tool: Tool, directories: readonly string[]): void {
  for (const directory of directories) {
    tool.attempt(directory, () => {
      try {
        tool.session.call(tool.session.process.umount(directory, 0));
      } catch (error) {
        if (!(error instanceof CallError && error.errno === EINVAL)) throw error;
        throw new Refusal(`${directory}: not currently mounted`);
      }
    });
  }
}

export function df(tool: Tool, paths: readonly string[], flags: Flags): void {
  const isHuman = flags.h === true;
  const systems = paths.length === 0 ? everything(tool) : named(tool, paths);
  if (systems.length === 0) return;
  const rows = [
    [
      'Filesystem',
      isHuman ? 'Size' : '1K-blocks',
      'Used',
      isHuman ? 'Avail' : 'Available',
      'Use%',
      'Mounted on',
    ],
  ];
  for (const system of systems) rows.push(row(system, isHuman));
  for (const line of columns(rows, [true, false, false, false, false, true])) tool.out.line(line);
}

function everything(tool: Tool): NetbsdStatvfs[] {
  const systems: NetbsdStatvfs[] = [];
  tool.session.call(tool.session.process.vfsStat(systems));
  return systems;
}

function named(tool: Tool, paths: readonly BytePath[]): NetbsdStatvfs[] {
  return paths
    .map(path => tool.attempt(path, () => tool.session.statvfs(path)))
    .filter(system => system !== undefined);
}

function row(system: NetbsdStatvfs, isHuman: boolean): string[] {
  const size = system.frsize === 0 ? system.bsize : system.frsize;
  const show = (blocks: number): string =>
    isHuman ? human(blocks * size) : String(Math.ceil((blocks * size) / 1024));
  const { blocks, bfree, bavail } = system;
  const used = Math.max(0, blocks - bfree);
  // As df(1): of what there is for others than root, rounded up.
  const share = used + bavail > 0 ? `${Math.ceil((used / (used + bavail)) * 100)}%` : '-';
  return [system.mntfromname, show(blocks), show(used), show(bavail), share, system.mntonname];
}
