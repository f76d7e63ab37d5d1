/** What the sockets of one kernel share: families, the file system of their inodes, and what has changed. */
import { SOCKFS_MAGIC } from '../../abi/linux/mount.js';
import type { EventLoop } from '../../native/loop.js';
import { synthDir } from '../parts/synth.js';
import type { Credentials } from '../rump_kernel.js';
import type { InterfaceChange, NetInterface, NetRoute } from '../socket_calls.js';
import { FileSystem, type FileSystemResources } from '../vfs/file_system.js';
import type { Interfaces } from './interfaces.js';
import type { OpenSocket, SocketCaller } from './open_socket.js';

/** An address family: makes sockets. Checks come in the order of __sock_create() of net/socket.c. */
export interface SocketFamily {
  /** `type` may hold SOCK_NONBLOCK. A socket, or -errno: -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EPERM, ... */
  create(type: number, protocol: number, caller: SocketCaller): OpenSocket | number;
  /** socketpair(2); -EOPNOTSUPP where there is none. */
  pair?(type: number, protocol: number, caller: SocketCaller): [OpenSocket, OpenSocket] | number;
}

/** The stack's own: interfaces and routes. */
export interface NetStack {
  interfaces(out: NetInterface[]): number;
  changeInterface(change: InterfaceChange, cred: Credentials): number;
  routes(out: NetRoute[]): number;
  changeRoute(route: NetRoute, remove: boolean, cred: Credentials): number;
}

export class SocketState {
  /** AF_* -> the family. */
  readonly families = new Map<number, SocketFamily>();
  /** Undefined until the stack is started. */
  stack: Interfaces | undefined;
  readonly loop: EventLoop;
  /** Where socket inodes live (sockfs). */
  readonly fs: FileSystem;
  /** Sockets that have changed since settle() last ran. */
  dirty: OpenSocket[] = [];
  /** Runs at the beginning of settle() and of each of its rounds: what else may have changed sockets (the stack's own list). */
  readonly sources: (() => void)[] = [];
  #settling = false;

  constructor(loop: EventLoop, resources: FileSystemResources, dev: number) {
    this.loop = loop;
    this.fs = FileSystem.synthetic(
      resources,
      dev,
      synthDir(() => new Map()),
      SOCKFS_MAGIC,
    );
  }

  /**
   * The end of each call on a socket, and of each event: calls that wait are retried and watchers told, until nothing changes any more. A call
   * that is made from within only adds to what is to be done.
   */
  settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    try {
      for (;;) {
        for (const source of this.sources) source();
        if (this.dirty.length === 0) return;
        const round = this.dirty;
        this.dirty = [];
        for (const socket of round) socket.retry();
      }
    } finally {
      this.#settling = false;
    }
  }
}
