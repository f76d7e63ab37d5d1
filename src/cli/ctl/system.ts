/** ps(1), mount(8), sysctl(8), halt(8) and small change. */
import { MS_NOATIME, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REMOUNT } from '../../abi/linux/mount.js';
import { NB } from '../../abi/netbsd/nr.js';
import {
  decodeKinfoProc2,
  NB_CTL_KERN,
  NB_KERN_PROC_ALL,
  NB_KERN_PROC2,
  NB_KINFO_PROC2_SIZE,
} from '../../abi/netbsd/sysctl.js';
import { formatSysctl } from '../../kernel/parts/sysctl.js';
import { AT_FDCWD, type MountInfo } from '../../kernel/rump_kernel.js';
import { RemoteSysctl, type SysctlCalls } from '../../sysproxy/client/sysctl_tree.js';
import { columns } from './listing.js';
import { CommandError, errorText, type Session, shown, tell } from './session.js';

/** Processes that are listed at once. */
const MAX_PROCESSES = 4096;
/** sys/reboot.h */
const RB_HALT = 8;
const ENOTCONN = 107;
const EEXIST = 17;

export function ps(session: Session): void {
  const bytes = new Uint8Array(MAX_PROCESSES * NB_KINFO_PROC2_SIZE);
  const { process } = session;
  const call = process.call(NB.__sysctl);
  const name = [NB_CTL_KERN, NB_KERN_PROC2, NB_KERN_PROC_ALL, 0, NB_KINFO_PROC2_SIZE, MAX_PROCESSES];
  const at = call.reserve(name.length * 4);
  name.forEach((number, i) => {
    call.view.setInt32(at + i * 4, number, true);
  });
  call.pointer(at).int(name.length).buffer(bytes);
  const length = call.reserve(8);
  call.view.setUint32(length, bytes.length, true);
  call.pointer(length).nil().long(0);
  call.finish = done => (done.result < 0 ? done.result : done.view.getUint32(length, true));
  const size = session.must('kern.proc2', process.submitCall(call));
  const rows = [['PID', 'PPID', 'UID', 'COMMAND']];
  for (let i = 0; i + NB_KINFO_PROC2_SIZE <= size; i += NB_KINFO_PROC2_SIZE) {
    const { pid, ppid, uid, comm } = decodeKinfoProc2(bytes, i);
    rows.push([String(pid), String(ppid), String(uid), shown(comm)]);
  }
  tell(1, columns(rows, [0, 1, 2]));
}

// mount(8)

const OPTIONS: Readonly<Record<string, number>> = {
  ro: MS_RDONLY,
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
  noatime: MS_NOATIME,
  remount: MS_REMOUNT,
  rw: 0,
};

export function mount(session: Session, args: readonly string[], type: string, words: string): void {
  if (args.length === 0) {
    const mounts: MountInfo[] = [];
    session.must('cannot list mounts', session.process.mounts(mounts));
    for (const { source, mountPoint, type: fs, options } of mounts)
      tell(1, `${source} on ${mountPoint} type ${fs} (${options})\n`);
    return;
  }
  const [source, target] = args;
  if (args.length !== 2)
    throw new CommandError('a source and a directory are needed, or nothing to list all');
  let flags = 0;
  const data: string[] = [];
  for (const word of words.split(',').filter(text => text !== '')) {
    const flag = OPTIONS[word];
    if (flag === undefined) data.push(word);
    else flags |= flag;
  }
  session.must(shown(target), session.process.mount(source, target, type, flags, data.join(',')));
}

export function umount(session: Session, paths: readonly string[], force: boolean): void {
  for (const path of paths) {
    const done = session.now(session.process.umount(path, force ? 1 : 0));
    if (done < 0) session.complain(`${shown(path)}: ${errorText(-done)}`);
  }
}

export function mkdir(session: Session, paths: readonly string[], parents: boolean): void {
  for (const path of paths) {
    const parts = path.split('/').filter(part => part !== '');
    const from = parents ? 1 : parts.length;
    for (let i = Math.max(from, 1); i <= parts.length; i++) {
      const part = `${path.startsWith('/') ? '/' : ''}${parts.slice(0, i).join('/')}`;
      const done = session.now(session.process.mkdirAt(AT_FDCWD, part, 0o777));
      if (done >= 0 || (parents && done === -EEXIST && session.isDirectory(part))) continue;
      session.complain(`${shown(part)}: ${errorText(-done)}`);
      break;
    }
  }
}

// sysctl(8)

export interface SysctlOptions {
  all: boolean;
  namesOnly: boolean;
  valuesOnly: boolean;
}

export function sysctl(session: Session, words: readonly string[], options: SysctlOptions): void {
  if (words.length === 0 && !options.all) throw new CommandError('name a variable, or give -a for all');
  const { process } = session;
  const calls: SysctlCalls = { begin: nr => process.call(nr), submit: call => process.submitCall(call) };
  const remote = new RemoteSysctl();
  session.must('cannot list variables', remote.learn(calls));
  const all = leaves(remote, '');
  for (const word of options.all ? all : words) {
    const [name, value] = split(word);
    const matching = all.filter(leaf => leaf === name || leaf.startsWith(`${name}.`));
    if (matching.length === 0) session.complain(`second level name '${shown(name)}' is unknown`);
    else if (value !== undefined) assign(session, remote, calls, name, value);
    else for (const leaf of matching) show(session, remote, calls, leaf, options);
  }
}

function split(word: string): [string, string | undefined] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

function leaves(remote: RemoteSysctl, path: string): string[] {
  const names = remote.tree.list(path);
  if (names === undefined) return [path];
  return names.flatMap(name => leaves(remote, path === '' ? name : `${path}.${name}`));
}

function text(remote: RemoteSysctl, name: string): string {
  const node = remote.tree.node(name);
  return node === undefined ? '' : formatSysctl(node.get());
}

function show(
  session: Session,
  remote: RemoteSysctl,
  calls: SysctlCalls,
  name: string,
  options: SysctlOptions,
): void {
  if (options.namesOnly) return tell(1, `${shown(name)}\n`);
  const done = session.now(remote.fetch(calls, name));
  // Some nodes are there to be written, or are another user's: sysctl -a passes them by.
  if (done < 0) {
    if (!options.all) session.complain(`${shown(name)}: ${errorText(-done)}`);
    return;
  }
  tell(1, options.valuesOnly ? `${text(remote, name)}\n` : `${shown(name)} = ${text(remote, name)}\n`);
}

function assign(
  session: Session,
  remote: RemoteSysctl,
  calls: SysctlCalls,
  name: string,
  value: string,
): void {
  session.now(remote.fetch(calls, name));
  const before = text(remote, name);
  const done = session.now(remote.store(calls, name, value));
  if (done < 0) return session.complain(`${shown(name)}: ${errorText(-done)}`);
  session.now(remote.fetch(calls, name));
  tell(1, `${shown(name)}: ${before} -> ${text(remote, name)}\n`);
}

/** reboot(2): the server ends, with an answer or without one. */
export function halt(session: Session): void {
  const { process } = session;
  const done = session.now(process.submitCall(process.call(NB.reboot).int(RB_HALT).nil()));
  if (done < 0 && done !== -ENOTCONN) throw new CommandError(errorText(-done));
}
