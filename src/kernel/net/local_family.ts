/** The family AF_UNIX: sockets of one kernel, between its own processes (unix(7)). */
import { EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../abi/linux/errno.js';
import {
  AF_UNIX,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOCK_TYPE_MASK,
} from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import { join } from './local_connect.js';
import { LocalDatagram, LocalSeqpacket } from './local_datagram.js';
import { type LocalSocket, LocalState } from './local_socket.js';
import { LocalStream } from './local_stream.js';
import type { SocketCaller } from './open_socket.js';
import type { SocketFamily, SocketState } from './sockets.js';

export class LocalFamily implements SocketFamily {
  readonly #net: SocketState;
  readonly #local = new LocalState();

  constructor(net: SocketState) {
    this.#net = net;
  }

  create(type: number, protocol: number, caller: SocketCaller): LocalSocket | number {
    if (protocol !== 0 && protocol !== AF_UNIX) return -EPROTONOSUPPORT;
    return this.#make(type, caller.cred);
  }

  pair(type: number, protocol: number, caller: SocketCaller): [LocalSocket, LocalSocket] | number {
    const first = this.create(type, protocol, caller);
    if (typeof first === 'number') return first;
    const second = this.create(type, protocol, caller);
    if (typeof second === 'number') return second;
    join(first, second, caller);
    return [first, second];
  }

  #make(type: number, cred: Credentials): LocalSocket | number {
    switch (type & SOCK_TYPE_MASK) {
      case SOCK_STREAM:
        return new LocalStream(this.#net, this.#local, type, cred);
      // Nothing else is SOCK_RAW here (unix_create()).
      case SOCK_RAW:
      case SOCK_DGRAM:
        return new LocalDatagram(this.#net, this.#local, type, cred);
      case SOCK_SEQPACKET:
        return new LocalSeqpacket(this.#net, this.#local, type, cred);
      default:
        return -ESOCKTNOSUPPORT;
    }
  }
}
