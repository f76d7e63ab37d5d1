/** A process of a remote kernel: its life and its rights. */
import { NB } from '../../abi/netbsd/nr.js';
import type { Credentials, KernelProcess, Result } from '../../kernel/rump_kernel.js';
import type { ProcView } from './proc_view.js';
import { type ProcessOptions, Shared } from './process_base.js';
import { NetlinkCalls } from './process_netlink.js';
import type { ProcViewCalls } from './process_proc.js';
import { Remote } from './remote.js';
import type { SysCall } from './syscall.js';

/** NGROUPS_MAX of NetBSD's sys/syslimits.h. */
const NGROUPS_MAX = 16;

/** What a process shares with the others of its client. */
export interface ClientParts {
  readonly processes: Set<SysproxyProcess>;
  /** Is root on the host as well, so that its users are the server's users. */
  readonly mapsUsers: boolean;
  readonly procView: ProcView;
}

export class SysproxyProcess extends NetlinkCalls implements KernelProcess {
  readonly #processes: Set<SysproxyProcess>;
  readonly #mapsUsers: boolean;

  protected readonly procView: ProcView;

  constructor(shared: Shared, options: ProcessOptions, { processes, mapsUsers, procView }: ClientParts) {
    super(shared, options);
    this.procView = procView;
    this.#processes = processes;
    this.#mapsUsers = mapsUsers;
    processes.add(this);
    shared.remote.onRestored = () => this.#restore();
  }

  protected override get others(): Iterable<ProcViewCalls> {
    return this.#processes;
  }

  /** A call that has no place in the interface, to be filled in and given to submitCall(). */
  call(nr: number): SysCall {
    return this.begin(nr);
  }
  submitCall(call: SysCall): Result {
    return this.submit(call);
  }

  fork(pid: number, share: { files: boolean; fs: boolean }): SysproxyProcess {
    const options = { ...this.options, pid };
    const shared = share.files ? this.shared : this.#copyShared();
    if (share.files) shared.users++;
    return new SysproxyProcess(shared, options, {
      processes: this.#processes,
      mapsUsers: this.#mapsUsers,
      procView: this.procView,
    });
  }

  #copyShared(): Shared {
    const { remote, table, cwd, umask } = this.shared;
    const child = new Shared(new Remote(remote.options, remote.comm));
    child.table = table.copy(child.table.poller);
    child.cwd = cwd;
    child.umask = umask;
    remote.fork(child.remote);
    return child;
  }

  /** CLONE_FILES; a working directory alone cannot be unshared there. */
  unshare(what: { files: boolean; fs: boolean }): void {
    if (!what.files || this.shared.users === 1) return;
    const own = this.#copyShared();
    this.shared.users--;
    this.shared = own;
    own.remote.onRestored = () => this.#restore();
  }

  exec(comm: string): void {
    this.unshare({ files: true, fs: false });
    this.table.closeOnExec();
    this.shared.remote.exec(comm === '' ? this.shared.remote.comm : comm);
  }

  exit(): void {
    this.#processes.delete(this);
    this.shared.users--;
    if (this.shared.users > 0) return;
    this.table.release();
    this.shared.remote.close();
  }

  /** Every client is root there; what a root of the host gives up, it gives up there, too. */
  setCredentials(cred: Credentials): void {
    const before = this.options.cred;
    this.options.cred = cred;
    if (this.#mapsUsers && !sameCredentials(before, cred)) this.#sendCredentials(cred);
  }

  #sendCredentials(cred: Credentials): void {
    const { remote } = this.shared;
    // Only root may change the others.
    remote.submitBarrier(this.begin(NB.seteuid).int(0));
    const groups = cred.groups.slice(0, NGROUPS_MAX);
    const call = this.begin(NB.setgroups).int(groups.length);
    const at = call.reserve(Math.max(1, groups.length) * 4);
    groups.forEach((group, i) => {
      call.view.setUint32(at + i * 4, group, true);
    });
    remote.submitBarrier(call.pointer(at));
    remote.submitBarrier(this.begin(NB.setegid).int(cred.gid));
    remote.submitBarrier(this.begin(NB.seteuid).int(cred.uid));
  }

  setLimits(limits: { nofile: number; fsize: number }): void {
    const before = this.options.fsize;
    this.options.nofile = limits.nofile;
    this.options.fsize = limits.fsize;
    if (before !== limits.fsize) this.sendFileSizeLimit();
  }

  /** A new server has taken the place of a lost one: what can be had again. */
  #restore(): void {
    const { remote, cwd, umask } = this.shared;
    this.raiseDescriptorLimit();
    remote.submitBarrier(this.begin(NB.umask).int(umask));
    if (Number.isFinite(this.options.fsize)) this.sendFileSizeLimit();
    if (cwd !== '/') remote.submitBarrier(this.begin(NB.chdir).string(cwd));
    const { cred } = this.options;
    if (this.#mapsUsers && (cred.uid !== 0 || cred.gid !== 0)) this.#sendCredentials(cred);
  }

  /** What a fresh process has to be told: it begins as root, with the server's umask. */
  adopt(): void {
    const { remote, umask } = this.shared;
    this.raiseDescriptorLimit();
    remote.submitBarrier(this.begin(NB.umask).int(umask));
    const { cred } = this.options;
    if (this.#mapsUsers && (cred.uid !== 0 || cred.gid !== 0 || cred.groups.length > 0))
      this.#sendCredentials(cred);
    if (Number.isFinite(this.options.fsize)) this.sendFileSizeLimit();
  }
}

function sameCredentials(a: Credentials, b: Credentials): boolean {
  return (
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.groups.length === b.groups.length &&
    a.groups.every((group, i) => group === b.groups[i])
  );
}
