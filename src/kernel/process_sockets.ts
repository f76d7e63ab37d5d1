/** The calls on sockets (net/socket.c): descriptors and flags; the rest is the families'. */
import { EAFNOSUPPORT, EBADF, EINVAL, EMFILE, ENOTSOCK, ENOTTY, EOPNOTSUPP } from '../abi/linux/errno.js';
import {
  AF_MAX,
  SHUT_RDWR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_TYPE_MASK,
  SOCKADDR_STORAGE_SIZE,
} from '../abi/linux/socket.js';
import { OpenSocket, type SocketCaller } from './net/open_socket.js';
import type { OpenFile } from './open_files.js';
import { AttributeCalls } from './process_attributes.js';
import type { Result, Uio } from './rump_kernel.js';
import type {
  AddressOut,
  IncomingMessage,
  InterfaceChange,
  NetInterface,
  NetRoute,
  OutgoingMessage,
  SocketProcess,
  Watcher,
} from './socket_calls.js';

/** SOCK_MAX of linux/net.h: one more than the highest type. */
const SOCK_MAX = 11;
const TYPE_FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK;

export abstract class SocketCalls extends AttributeCalls implements SocketProcess, SocketCaller {
  get descriptorLimit(): number {
    return this.nofile;
  }

  fileToSend(fd: number): OpenFile | undefined {
    return this.files.get(fd);
  }

  receiveFile(file: OpenFile, cloexec: boolean): number {
    return this.files.install(file, 0, this.nofile, cloexec);
  }

  socket(domain: number, type: number, protocol: number): Result {
    const family = this.#family(domain, type);
    if (typeof family === 'number') return family;
    if (this.files.isFull(this.nofile)) return -EMFILE;
    const socket = family.create(type & ~SOCK_CLOEXEC, protocol, this);
    if (typeof socket === 'number') return socket;
    return this.install(socket, (type & SOCK_CLOEXEC) !== 0);
  }

  socketpair(domain: number, type: number, protocol: number, out: Int32Array): Result {
    const family = this.#family(domain, type);
    if (typeof family === 'number') return family;
    if (family.pair === undefined) return -EOPNOTSUPP;
    const pair = family.pair(type & ~SOCK_CLOEXEC, protocol, this);
    if (typeof pair === 'number') return pair;
    const cloexec = (type & SOCK_CLOEXEC) !== 0;
    const first = this.install(pair[0], cloexec);
    // The second one is held, so that it is closed if it gets no number.
    pair[1].acquire();
    const second = first < 0 ? first : this.install(pair[1], cloexec);
    if (second < 0 && first >= 0) this.files.close(first);
    pair[1].release();
    if (second < 0) return second;
    out[0] = first;
    out[1] = second;
    return 0;
  }

  #family(domain: number, type: number) {
    if ((type & ~(SOCK_TYPE_MASK | TYPE_FLAGS)) !== 0) return -EINVAL;
    if (domain < 0 || domain >= AF_MAX) return -EAFNOSUPPORT;
    if ((type & SOCK_TYPE_MASK) >= SOCK_MAX) return -EINVAL;
    return this.kernel.sockets.families.get(domain) ?? -EAFNOSUPPORT;
  }

  /** The lowest number for a new open file, or -EMFILE: then the file is closed. */
  install(file: OpenFile, cloexec: boolean): number {
    file.opener = this.cred;
    file.acquire();
    const fd = this.files.install(file, 0, this.nofile, cloexec);
    file.release();
    return fd;
  }

  protected socketOf(fd: number): OpenSocket | number {
    const file = this.fileOf(fd);
    if (file === undefined) return -EBADF;
    return file instanceof OpenSocket ? file : -ENOTSOCK;
  }

  /** Runs a call, and then what it has set going. */
  #settled(result: Result): Result {
    this.kernel.sockets.settle();
    return result;
  }

  bind(fd: number, address: Uint8Array): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    if (address.length > SOCKADDR_STORAGE_SIZE) return -EINVAL;
    return this.#settled(socket.bind(address, this));
  }

  connect(fd: number, address: Uint8Array): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    if (address.length > SOCKADDR_STORAGE_SIZE) return -EINVAL;
    return this.#settled(socket.connect(address, this));
  }

  listen(fd: number, backlog: number): Result {
    const socket = this.socketOf(fd);
    return typeof socket === 'number' ? socket : this.#settled(socket.listen(backlog, this));
  }

  accept(fd: number, flags: number, peer: AddressOut | undefined): Result {
    const socket = this.socketOf(fd);
    if (socket === -EBADF) return socket;
    if ((flags & ~TYPE_FLAGS) !== 0) return -EINVAL;
    if (this.files.isFull(this.nofile)) return -EMFILE;
    if (typeof socket === 'number') return socket;
    const cloexec = (flags & SOCK_CLOEXEC) !== 0;
    return this.#settled(
      socket.accept(flags & ~SOCK_CLOEXEC, peer, accepted => this.install(accepted, cloexec), this),
    );
  }

  getsockname(fd: number, out: AddressOut): Result {
    const socket = this.socketOf(fd);
    return typeof socket === 'number' ? socket : socket.getsockname(out);
  }

  getpeername(fd: number, out: AddressOut): Result {
    const socket = this.socketOf(fd);
    return typeof socket === 'number' ? socket : socket.getpeername(out);
  }

  shutdown(fd: number, how: number): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    if (how < 0 || how > SHUT_RDWR) return -EINVAL;
    return this.#settled(socket.shutdown(how));
  }

  sendMsg(fd: number, uio: Uio, flags: number, message: OutgoingMessage | undefined): Result {
    const socket = this.socketOf(fd);
    return typeof socket === 'number' ? socket : this.#settled(socket.sendMsg(uio, flags, message, this));
  }

  recvMsg(fd: number, uio: Uio, flags: number, message: IncomingMessage | undefined): Result {
    const socket = this.socketOf(fd);
    return typeof socket === 'number' ? socket : this.#settled(socket.recvMsg(uio, flags, message, this));
  }

  getsockopt(fd: number, level: number, name: number, out: Uint8Array): Result {
    const socket = this.socketOf(fd);
    return typeof socket === 'number' ? socket : this.#settled(socket.getsockopt(level, name, out));
  }

  setsockopt(fd: number, level: number, name: number, value: Uint8Array): Result {
    const socket = this.socketOf(fd);
    return typeof socket === 'number' ? socket : this.#settled(socket.setsockopt(level, name, value, this));
  }

  unsent(fd: number): Result {
    const socket = this.socketOf(fd);
    return socket === -ENOTSOCK ? -ENOTTY : typeof socket === 'number' ? socket : socket.unsent();
  }

  watch(fd: number, watcher: Watcher): Result {
    return this.fileOf(fd)?.watch(watcher) ?? -EBADF;
  }

  interfaces(out: NetInterface[]): Result {
    return this.kernel.netStack?.interfaces(out) ?? 0;
  }

  changeInterface(change: InterfaceChange): Result {
    const stack = this.kernel.netStack;
    return stack === undefined ? -EOPNOTSUPP : this.#settled(stack.changeInterface(change, this.cred));
  }

  routes(out: NetRoute[]): Result {
    return this.kernel.netStack?.routes(out) ?? 0;
  }

  changeRoute(route: NetRoute, remove: boolean): Result {
    const stack = this.kernel.netStack;
    return stack === undefined ? -EOPNOTSUPP : this.#settled(stack.changeRoute(route, remove, this.cred));
  }
}
