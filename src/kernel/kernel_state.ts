/** What the processes of one embedded kernel share. */

import { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX } from '../abi/linux/socket.js';
import type { EventLoop } from '../native/loop.js';
import { InetFamily } from './net/inet_family.js';
import { Interfaces } from './net/interfaces.js';
import { LocalFamily } from './net/local_family.js';
import { NetlinkFamily } from './net/netlink_socket.js';
import { SocketState } from './net/sockets.js';
import { type Stack, startStack } from './net/stack.js';
import { encodeHandle, findByHandle, HANDLE_LENGTH } from './parts/handles.js';
import { LockTable, LockWaits } from './parts/locks.js';
import type { SynthDir } from './parts/synth.js';
import type { BytePath } from './rump_kernel.js';
import { Clock, type Now } from './vfs/clock.js';
import { FileSystem, type FileSystemResources } from './vfs/file_system.js';
import { MountTable } from './vfs/mounts.js';
import { NameLookup } from './vfs/namei.js';
import { PageStore, type SlabProvider } from './vfs/pages.js';
import type { Dentry, Inode } from './vfs/vnode.js';

/** Device numbers stay below this, inode numbers below 2^40: both fit into a handle's first number. */
const DEV_UNIT = 2 ** 40;

export class KernelState implements FileSystemResources {
  readonly clock: Clock;
  readonly store: PageStore;
  readonly mounts: MountTable;
  readonly lookup: NameLookup;
  readonly sockets: SocketState;
  readonly #lockWaits = new LockWaits();
  readonly #say: (line: string) => void;
  #stack: Stack | string | undefined;
  /** The user knows that there is no stack. */
  #hasSaid = false;
  readonly #procTree: (prefix: BytePath) => SynthDir;
  readonly #procs = new Map<BytePath, FileSystem>();
  /** What file handles were made of, for as long as it exists. */
  readonly #handles = new Map<number, Dentry>();
  /** Tells this kernel's handles from others'. */
  readonly #generation = Math.floor(Math.random() * 2 ** 31);

  /** `memory`: bytes that a tmpfs's default size is half of. `procTree`: the tree behind AT_PROC. `say`: for the user, one line. */
  constructor(
    slabs: SlabProvider,
    now: Now,
    memory: number,
    procTree: (prefix: BytePath) => SynthDir,
    loop: EventLoop,
    say: (line: string) => void = () => {},
  ) {
    this.clock = new Clock(now);
    this.clock.tick();
    this.store = new PageStore(slabs);
    this.mounts = new MountTable(this, memory);
    this.lookup = new NameLookup(this.root);
    this.sockets = new SocketState(loop, this, this.mounts.nextDev());
    this.sockets.families.set(AF_UNIX, new LocalFamily(this.sockets));
    this.#say = say;
    this.sockets.families.set(AF_NETLINK, new NetlinkFamily(this.sockets, () => this.netStack));
    for (const domain of [AF_INET, AF_INET6]) {
      this.sockets.families.set(domain, new InetFamily(this.sockets, domain, () => this.startNet()));
    }
    this.#procTree = procTree;
  }

  /** The TCP/IP stack, started; a string says why there is none. */
  startStack(): Stack | string {
    if (this.#stack === undefined) {
      this.#stack = startStack(this.sockets);
      if (typeof this.#stack !== 'string') this.sockets.stack = new Interfaces(this.#stack);
    }
    return this.#stack;
  }

  /** The same, for a call that needs it. Without one, says so once. */
  startNet(): Stack | undefined {
    const stack = this.startStack();
    if (typeof stack !== 'string') return stack;
    if (!this.#hasSaid) this.#say(stack);
    this.#hasSaid = true;
    return undefined;
  }

  /** The stack's interfaces; it is started for them. */
  get netStack(): Interfaces | undefined {
    this.startNet();
    return this.sockets.stack;
  }

  get root(): Dentry {
    return this.mounts.root.root;
  }

  /** The root of the tree behind AT_PROC, for programs that see the kernel's root at `prefix`. */
  procRoot(prefix: BytePath): Dentry {
    let fs = this.#procs.get(prefix);
    if (fs === undefined) {
      this.clock.tick();
      fs = FileSystem.synthetic(this, this.mounts.nextDev(), this.#procTree(prefix));
      this.#procs.set(prefix, fs);
    }
    return fs.root;
  }

  /** The inode's locks, a new table if it has none. */
  locksOf(inode: Inode): LockTable {
    inode.locks ??= new LockTable(this.#lockWaits);
    return inode.locks;
  }

  /** name_to_handle_at(2): fills `out`; -EOVERFLOW when it is too small. */
  makeHandle(dentry: Dentry, out: Uint8Array): number {
    const ino = handleNumber(dentry.inode);
    const status = encodeHandle({ ino, generation: this.#generation }, out);
    if (status === HANDLE_LENGTH) this.#handles.set(ino, dentry);
    return status;
  }

  /** open_by_handle_at(2)'s dentry, or -ESTALE. */
  findHandle(handle: Uint8Array): Dentry | number {
    return findByHandle(handle, {
      inodeByNumber: ino => this.#handles.get(ino),
      generationOf: () => this.#generation,
    });
  }

  forget(inode: Inode): void {
    if (this.#handles.size > 0) this.#handles.delete(handleNumber(inode));
  }
}

function handleNumber(inode: Inode): number {
  return inode.fs.dev * DEV_UNIT + inode.ino;
}
