/** Connections of AF_UNIX: connect, listen and accept of SOCK_STREAM and SOCK_SEQPACKET (net/unix/af_unix.c). */
import { ECONNREFUSED, EINVAL, EISCONN } from '../../abi/linux/errno.js';
import { O_NONBLOCK } from '../../abi/linux/fcntl.js';
import { SO_PASSCRED, SOCK_NONBLOCK } from '../../abi/linux/socket.js';
import type { Credentials, Result } from '../rump_kernel.js';
import type { AddressOut } from '../socket_calls.js';
import { checkAddress } from './local_names.js';
import { LocalSocket, RCV_SHUTDOWN, ucredOf } from './local_socket.js';
import type { OpenSocket, SocketCaller } from './open_socket.js';

/** net.core.somaxconn. */
const SOMAXCONN = 4096;

export abstract class LocalConnection extends LocalSocket {
  /** A socket of the same type, for the other end of a connection. */
  protected abstract sibling(cred: Credentials): LocalConnection;

  override listen(backlog: number, caller: SocketCaller): number {
    if (this.name === undefined) return -EINVAL;
    if (this.state === 'connected') return -EINVAL;
    // A negative backlog is a large unsigned one.
    const most = backlog < 0 ? SOMAXCONN : Math.min(backlog, SOMAXCONN);
    if (most > this.backlog) this.tellWaiting();
    this.backlog = most;
    this.state = 'listening';
    this.peerCreds = ucredOf(caller);
    this.changed();
    return 0;
  }

  override connect(address: Uint8Array, caller: SocketCaller): Result {
    const refused = checkAddress(address) || this.bindForCreds();
    if (refused !== 0) return refused;
    return this.attempt('elsewhere', 0, { moved: 0, run: () => this.#connect(address, caller) });
  }

  #connect(address: Uint8Array, caller: SocketCaller): number | undefined {
    const other = this.local.names.find(address, this.sockType, caller);
    if (typeof other === 'number') return other;
    if (other.state !== 'listening' || (other.shut & RCV_SHUTDOWN) !== 0) return -ECONNREFUSED;
    if (other.isFull) {
      other.awaitRoom(this);
      return undefined;
    }
    if (this.state !== 'closed') return this.state === 'connected' ? -EISCONN : -EINVAL;
    const embryo = this.sibling(caller.cred);
    embryo.state = 'connected';
    embryo.peer = this;
    embryo.peerCreds = ucredOf(caller);
    embryo.name = other.name?.hold();
    embryo.options.inherit(other.options, SO_PASSCRED);
    this.peer = embryo;
    this.peerCreds = other.peerCreds;
    this.state = 'connected';
    other.embryos.push(embryo);
    other.changed(true);
    this.changed();
    return 0;
  }

  override accept(
    flags: number,
    peer: AddressOut | undefined,
    accepted: (socket: OpenSocket) => number,
    caller: SocketCaller,
  ): Result {
    if (this.state !== 'listening') return -EINVAL;
    return this.attempt('in', 0, { moved: 0, run: () => this.#accept(flags, peer, accepted, caller) });
  }

  #accept(
    flags: number,
    peer: AddressOut | undefined,
    accepted: (socket: OpenSocket) => number,
    caller: SocketCaller,
  ): number | undefined {
    const error = this.takeError();
    if (error !== 0) return error;
    const embryo = this.embryos.shift();
    if (embryo === undefined) {
      return (this.shut & RCV_SHUTDOWN) !== 0 && !this.isNonblocking ? -EINVAL : undefined;
    }
    this.tellWaiting();
    this.changed();
    if ((flags & SOCK_NONBLOCK) !== 0) embryo.flags |= O_NONBLOCK;
    embryo.inode.uid = caller.cred.uid;
    embryo.inode.gid = caller.cred.gid;
    if (peer !== undefined) embryo.getpeername(peer);
    return accepted(embryo);
  }
}

/** socketpair(2): both ends of a connection. */
export function join(first: LocalSocket, second: LocalSocket, caller: SocketCaller): void {
  for (const [socket, peer] of [
    [first, second],
    [second, first],
  ]) {
    socket.peer = peer;
    socket.peerCreds = ucredOf(caller);
    socket.state = 'connected';
  }
}
