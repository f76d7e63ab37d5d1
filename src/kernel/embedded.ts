/** The embedded kernel: a rump kernel within this process, with a tmpfs for its root. */
import { hostname, totalmem } from 'node:os';
import { S_IFCHR, S_IFDIR } from '../abi/linux/stat.js';
import { EventLoop } from '../native/loop.js';
import { openConsole } from './console.js';
import { FdTable } from './descriptors.js';
import { KernelState } from './kernel_state.js';
import type { SocketState } from './net/sockets.js';
import type { Stack } from './net/stack.js';
import { DEVICES } from './parts/devices.js';
import { BUILT_IN } from './parts/modules.js';
import { createProcTree } from './parts/procfs.js';
import { createSysctlTree, type SysctlTree } from './parts/sysctl.js';
import { EmbeddedProcess } from './process.js';
import { FsContext } from './process_base.js';
import type { BytePath, Credentials, RumpKernel, SpawnOptions } from './rump_kernel.js';
import { hostNow, type Now } from './vfs/clock.js';
import { heapSlabs, type SlabProvider } from './vfs/pages.js';
import { addName, makeInode, type Place } from './vfs/tmpfs.js';
import { type Dentry, DirectoryInode } from './vfs/vnode.js';

export interface EmbeddedOptions {
  /** Where the memory for file contents comes from; by default the JavaScript heap. */
  slabs?: SlabProvider;
  /** The clock, in milliseconds since 1970. */
  now?: Now;
  /** Bytes of memory that a file system without size= may fill half of; by default what the machine has. */
  memory?: number;
  /** Shown as kern.osrelease: 'major.minor.patch'. */
  version?: string;
  hostname?: string;
  /** Times and host descriptors; a new one by default. */
  loop?: EventLoop;
  /** Told what a user should know, one line at a time; by default nobody is. */
  say?: (line: string) => void;
}

/** Descriptors that a process may have until it says otherwise (setLimits). */
const DEFAULT_NOFILE = 1024;
/** What a sysctl reader is told: no limit of this kernel's is near it. */
const MANY = 2 ** 31 - 1;
const ROOT: Credentials = { uid: 0, gid: 0, groups: [] };

export class EmbeddedKernel implements RumpKernel {
  readonly name = 'embedded';
  /** Its sysctl tree, for other parts to add theirs. */
  readonly sysctl: SysctlTree;
  /** Turned by whoever has this kernel: times and host descriptors. */
  readonly loop: EventLoop;
  readonly #state: KernelState;

  constructor(options: EmbeddedOptions = {}) {
    const { slabs = heapSlabs, now = hostNow(), memory = totalmem(), version = '0.0.0' } = options;
    const procTree = (prefix: BytePath) =>
      createProcTree(
        this.sysctl,
        () => this.#state.mounts.list(prefix),
        () => BUILT_IN,
      );
    this.loop = options.loop ?? new EventLoop();
    this.#state = new KernelState(slabs, now, memory, procTree, this.loop, options.say);
    const { clock, mounts, root } = this.#state;
    this.sysctl = createSysctlTree({
      version,
      hostname: options.hostname ?? hostname(),
      maxFiles: MANY,
      maxProcs: MANY,
      maxVnodes: mounts.root.maxInodes,
      bootTime: [clock.sec, clock.nsec],
      physmem: memory,
      fsTypes: ['tmpfs'],
    });
    makeDevices(root);
  }

  /** Memory for file contents, in pages: `used` by files, `dirty` free but not yet given back to the host. */
  get pages(): { used: number; dirty: number } {
    const { usedPages, dirtyPages } = this.#state.store;
    return { used: usedPages, dirty: dirtyPages };
  }

  /** What its sockets share. */
  get sockets(): SocketState {
    return this.#state.sockets;
  }

  /** The TCP/IP stack, started; a string says why there is none. */
  startNet(): Stack | string {
    return this.#state.startStack();
  }

  spawn(options: SpawnOptions): EmbeddedProcess {
    const { comm, pid, cred, prefix, console } = options;
    const files = new FdTable(console === undefined ? undefined : 0);
    if (console !== undefined) openConsole(files, this.#state, console);
    return new EmbeddedProcess({
      kernel: this.#state,
      pid,
      comm,
      prefix,
      cred,
      nofile: DEFAULT_NOFILE,
      fsize: Infinity,
      files,
      fs: new FsContext(this.#state.root, options.umask & 0o777),
    });
  }
}

/** /dev, with all devices there are. */
function makeDevices(root: Dentry): void {
  const { inode } = root;
  if (!(inode instanceof DirectoryInode)) return;
  const dev = makeInode(inode, S_IFDIR | 0o755, 0, ROOT);
  if (!(dev instanceof DirectoryInode)) return;
  const place: Place = { dentry: addName({ dentry: root, directory: inode }, 'dev', dev), directory: dev };
  for (const { name, rdev } of DEVICES) {
    const node = makeInode(dev, S_IFCHR | 0o666, rdev, ROOT);
    if (typeof node !== 'number') addName(place, name, node);
  }
}
