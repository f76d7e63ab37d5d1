/** What the server keeps of a client's process, besides what the kernel does: identity and limits. */
import type { EmbeddedProcess } from '../../kernel/process.js';
import type { OpenKqueue } from './kqueue.js';

/** resource(2): soft and hard limit; Infinity is RLIM_INFINITY. */
export interface ResourceLimit {
  soft: number;
  hard: number;
}

/** sys/resource.h of NetBSD: twelve resources; these two mean something here. */
export const RLIMIT_FSIZE = 1;
export const RLIMIT_NOFILE = 8;
const RLIM_NLIMITS = 12;
/** What a rump kernel gives its processes at first, and the most that they may ask for here. */
const NOFILE = { soft: 128, hard: 65536 };

export interface Ids {
  real: number;
  effective: number;
  saved: number;
}

const rootIds = (): Ids => ({ real: 0, effective: 0, saved: 0 });

export class ClientProcess {
  readonly pid: number;
  readonly kernel: EmbeddedProcess;
  /** The program's name, for ps. */
  comm: string;
  readonly user: Ids;
  readonly group: Ids;
  groups: readonly number[];
  processGroup: number;
  session: number;
  login: string;
  /** A change of its ids has ever been made (issetugid(2)). */
  readonly limits: ResourceLimit[];
  /** Its own: they hear of descriptors that are closed. */
  readonly kqueues = new Set<OpenKqueue>();
  /** When it began, seconds since 1970. */
  readonly started: number;

  constructor(pid: number, kernel: EmbeddedProcess, comm: string, parent?: ClientProcess) {
    this.pid = pid;
    this.kernel = kernel;
    this.comm = comm;
    this.user = parent === undefined ? rootIds() : { ...parent.user };
    this.group = parent === undefined ? rootIds() : { ...parent.group };
    this.groups = parent?.groups ?? [];
    this.processGroup = parent?.processGroup ?? 0;
    this.session = parent?.session ?? 0;
    this.login = parent?.login ?? '';
    this.limits = parent === undefined ? firstLimits() : parent.limits.map(limit => ({ ...limit }));
    this.started = Date.now() / 1000;
    if (parent === undefined) this.tellLimits();
  }

  /** A descriptor is about to be closed. */
  forget(fd: number): void {
    for (const queue of this.kqueues) {
      if (queue.isClosed) this.kqueues.delete(queue);
      else queue.forget(fd);
    }
  }

  /** The kernel checks permissions against the effective ids. */
  tellCredentials(): void {
    this.kernel.setCredentials({ uid: this.user.effective, gid: this.group.effective, groups: this.groups });
  }

  tellLimits(): void {
    this.kernel.setLimits({
      nofile: this.limits[RLIMIT_NOFILE].soft,
      fsize: this.limits[RLIMIT_FSIZE].soft,
    });
  }
}

function firstLimits(): ResourceLimit[] {
  const limits = Array.from({ length: RLIM_NLIMITS }, () => ({ soft: Infinity, hard: Infinity }));
  limits[RLIMIT_NOFILE] = { ...NOFILE };
  return limits;
}
