/** What programs see of a remote kernel below /proc, and by netlink: made up here of what the server tells (its mounts, sysctl tree, interfaces). */
import { EOPNOTSUPP } from '../../abi/linux/errno.js';
import { createProcTree, type ModuleInfo } from '../../kernel/parts/procfs.js';
import { procProcess } from '../../kernel/proc_kernel.js';
import { andThen } from '../../kernel/results.js';
import {
  AT_PROC,
  type BytePath,
  type KernelProcess,
  type MountInfo,
  type Result,
} from '../../kernel/rump_kernel.js';
import type { NetInterface, NetRoute } from '../../kernel/socket_calls.js';
import type { EventLoop } from '../../native/loop.js';
import { joinPath } from './process_base.js';
import { RemoteSysctl, type SysctlCalls } from './sysctl_tree.js';

/** Makes the calls that the view needs. */
export interface ProcCalls extends SysctlCalls {
  mounts(out: MountInfo[]): Result;
  modules(out: ModuleInfo[]): Result;
}

/** What netlink needs. */
export interface NetCalls {
  interfaces(out: NetInterface[]): Result;
  routes(out: NetRoute[]): Result;
}

/** An open file or directory of the view, or a socket of netlink. */
export interface LocalFile {
  readonly process: KernelProcess;
  readonly fd: number;
  /** From the view's root. */
  readonly path: BytePath;
}

const MOUNT_FILES = ['/mounts', '/mountinfo', '/mountstats'];

export class ProcView {
  readonly sysctl = new RemoteSysctl();
  #mounts: readonly MountInfo[] = [];
  #modules: readonly ModuleInfo[] = [];
  #links: readonly NetInterface[] = [];
  #routes: readonly NetRoute[] = [];
  readonly #process: KernelProcess;

  constructor(loop: EventLoop) {
    const tree = createProcTree(
      this.sysctl.tree,
      () => this.#mounts,
      () => this.#modules,
    );
    this.#process = procProcess(tree, loop, {
      interfaces: out => out.push(...this.#links),
      routes: out => out.push(...this.#routes),
      changeInterface: () => -EOPNOTSUPP,
      changeRoute: () => -EOPNOTSUPP,
    });
  }

  get process(): KernelProcess {
    return this.#process;
  }

  /** Where a path leads that is relative to the view's root, or to a directory of it. */
  static pathOf(base: LocalFile | undefined, path: BytePath): BytePath {
    return joinPath(base?.path ?? '/', path);
  }

  /** Asks the server which names there are, for calls on `path`. 0 or -errno. */
  learn(calls: ProcCalls, path: BytePath): Result {
    return path === '/sys' || path.startsWith('/sys/') ? this.sysctl.learn(calls) : 0;
  }

  /** Asks the server for what is in `path`, too: for one that is read. */
  prepare(calls: ProcCalls, path: BytePath): Result {
    if (MOUNT_FILES.includes(path)) {
      const list: MountInfo[] = [];
      return andThen(calls.mounts(list), () => {
        this.#mounts = list;
        return 0;
      });
    }
    if (path === '/modules') {
      const list: ModuleInfo[] = [];
      return andThen(calls.modules(list), () => {
        this.#modules = list;
        return 0;
      });
    }
    return andThen(this.learn(calls, path), () => {
      const node = sysctlName(path);
      return node === undefined ? 0 : this.sysctl.fetch(calls, node);
    });
  }

  /** Asks the server for its interfaces and routes: for a request of netlink. 0 or -errno. */
  prepareNet(calls: NetCalls): Result {
    const links: NetInterface[] = [];
    const routes: NetRoute[] = [];
    return andThen(calls.interfaces(links), () =>
      andThen(calls.routes(routes), () => {
        this.#links = links;
        this.#routes = routes;
        return 0;
      }),
    );
  }

  open(base: LocalFile | undefined, path: BytePath, flags: number, mode: number): LocalFile | number {
    const fd = this.#process.openAt(base?.fd ?? AT_PROC, path, flags, mode, 0);
    if (typeof fd !== 'number') return -1;
    return fd < 0 ? fd : { process: this.#process, fd, path: ProcView.pathOf(base, path) };
  }
}

/** The node that a path below sys/ shows, with dots between its names; undefined for sys/ itself. Linux's kernel/ is kern. */
export function sysctlName(path: BytePath): string | undefined {
  if (!path.startsWith('/sys/')) return undefined;
  return path
    .slice('/sys/'.length)
    .replace(/^kernel\//, 'kern/')
    .replaceAll('/', '.');
}
