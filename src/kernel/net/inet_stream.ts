/** SOCK_STREAM of AF_INET and AF_INET6: TCP (net/ipv4/tcp.c, inet_stream_connect() of net/ipv4/af_inet.c). */
import {
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  EFAULT,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EOPNOTSUPP,
} from '../../abi/linux/errno.js';
import { IPPROTO_TCP } from '../../abi/linux/inet.js';
import {
  AF_UNSPEC,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SOCK_STREAM,
} from '../../abi/linux/socket.js';
import { familyOf } from '../../abi/linux/un.js';
import type { Credentials, Result, Uio } from '../rump_kernel.js';
import type { AddressOut, IncomingMessage, OutgoingMessage } from '../socket_calls.js';
import { isGroup, lacksLink, putAddress, takeAddress } from './inet_address.js';
import { checkControl } from './inet_control.js';
import { InetSocket } from './inet_socket.js';
import type { OpenSocket, SocketCaller } from './open_socket.js';
import type { Attempt } from './socket_wait.js';
import type { SocketState } from './sockets.js';
import type { Stack } from './stack.js';
import { RN_PEEK, STAGING_SIZE } from './stack_library.js';
import { RN_GET_ERROR, RN_GET_STATE } from './stack_options.js';

/** net/tcp_states.h */
const TCP_SYN_SENT = 2;
const TCP_CLOSE = 7;
/** What the host's kernel copies into a packet at a time (SKB_FRAG_PAGE_ORDER, net/core/sock.c). */
const PIECE = 32768;
const TCP_LISTEN = 10;
/** net.core.somaxconn */
const SOMAXCONN = 4096;
/** sys/socket.h: data with the first packet, which the stack cannot do. */
const MSG_FASTOPEN = 0x20000000;

/** enum socket_state of linux/net.h: what the calls of a program have led to; the stack knows what has become of the connection. */
type State = 'unconnected' | 'connecting' | 'connected' | 'disconnecting';

export class InetStream extends InetSocket {
  #state: State;

  /** `id`: of a socket of the stack. */
  constructor(
    net: SocketState,
    stack: Stack,
    id: number,
    domain: number,
    type: number,
    cred: Credentials,
    state: State = 'unconnected',
  ) {
    super(net, stack, id, domain, type, SOCK_STREAM, IPPROTO_TCP, cred);
    this.#state = state;
  }

  override get isConnected(): boolean {
    const state = this.get(RN_GET_STATE);
    return state !== TCP_CLOSE && state !== TCP_LISTEN;
  }
  override get isListening(): boolean {
    return this.get(RN_GET_STATE) === TCP_LISTEN;
  }

  override connect(address: Uint8Array, _caller: SocketCaller): Result {
    if (address.length < 2) return -EINVAL;
    if (familyOf(address) === AF_UNSPEC) return this.#disconnect();
    switch (this.#state) {
      case 'connected':
        return -EISCONN;
      case 'disconnecting':
        return -EINVAL;
      case 'connecting':
        return this.#awaitConnection(-EALREADY);
      default:
    }
    if (this.get(RN_GET_STATE) !== TCP_CLOSE) return -EISCONN;
    const { shared } = this.stack;
    const status = putAddress(shared.address, this.domain, address);
    if (status < 0) return status;
    // Groups, which nobody connects to, come first (tcp_v6_connect()).
    if (lacksLink(shared.address)) return isGroup(shared.address) ? -ENETUNREACH : -EINVAL;
    const begun = this.stack.calls.connect(this.id);
    if (begun < 0) return begun;
    this.#state = 'connecting';
    // Whoever does not wait is told of the end later, even when it was a matter of a moment.
    return this.isNonblocking ? -EINPROGRESS : this.#awaitConnection(-EINPROGRESS);
  }

  #disconnect(): number {
    this.stack.shared.address.family = AF_UNSPEC;
    this.#state = 'unconnected';
    return this.stack.calls.connect(this.id);
  }

  /** `pending`: the answer while the connection is not made. */
  #awaitConnection(pending: number): Result {
    const done = this.#connection();
    if (done !== undefined) return done;
    if (this.isNonblocking) return pending;
    return this.attempt('elsewhere', 0, {
      run: () => this.#connection(),
      moved: 0,
      timeoutResult: pending,
    });
  }

  #connection(): number | undefined {
    if (this.#state === 'connected') return 0;
    const state = this.get(RN_GET_STATE);
    if (state === TCP_SYN_SENT) return undefined;
    if (state === TCP_CLOSE) {
      const error = this.get(RN_GET_ERROR) || ECONNABORTED;
      this.#disconnect();
      return -error;
    }
    this.#state = 'connected';
    return 0;
  }

  override listen(backlog: number, _caller: SocketCaller): number {
    if (this.#state !== 'unconnected') return -EINVAL;
    const limit = backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : backlog;
    return this.stack.calls.listen(this.id, limit);
  }

  override accept(
    flags: number,
    peer: AddressOut | undefined,
    accepted: (socket: OpenSocket) => number,
    caller: SocketCaller,
  ): Result {
    const { calls, shared } = this.stack;
    const run = (): number | undefined => {
      const id = calls.accept(this.id);
      if (id === -EAGAIN) return undefined;
      if (id < 0) return id;
      if (peer !== undefined) takeAddress(shared.address, peer);
      const socket = new InetStream(this.net, this.stack, id, this.domain, flags, caller.cred, 'connected');
      socket.options.inherit(this.options);
      return accepted(socket);
    };
    return this.attempt('in', 0, { run, moved: 0 });
  }

  override shutdown(how: number): number {
    const { calls } = this.stack;
    if (this.#state === 'connecting') {
      const state = this.get(RN_GET_STATE);
      this.#state = state === TCP_SYN_SENT || state === TCP_CLOSE ? 'disconnecting' : 'connected';
      const status = calls.shutdown(this.id, how);
      if (state === TCP_SYN_SENT) this.#state = 'unconnected';
      return status;
    }
    return calls.shutdown(this.id, how);
  }

  override sendMsg(uio: Uio, flags: number, message: OutgoingMessage | undefined): Result {
    if ((flags & (MSG_OOB | MSG_FASTOPEN)) !== 0) return -EOPNOTSUPP;
    if (message !== undefined && message.control.length > 0) {
      const status = checkControl(message.control);
      // Control messages come after whether there is a connection (tcp_sendmsg_locked()).
      if (status < 0) return Math.min(this.stack.calls.send(this.id, 0), 0) || status;
    }
    return this.attempt('out', flags, new StreamSend(this.stack, this.id, uio));
  }

  override recvMsg(uio: Uio, flags: number, message: IncomingMessage | undefined): Result {
    if (message !== undefined) {
      message.flags = 0;
      message.control.length = 0;
      // A stream's data are the peer's, whose address nobody needs to be told (tcp_recvmsg()).
      if (message.name !== undefined) message.name.length = 0;
    }
    if ((flags & MSG_ERRQUEUE) !== 0) return -EAGAIN;
    if ((flags & MSG_OOB) !== 0) return this.isListening ? -ENOTCONN : -EINVAL;
    return this.attempt('in', flags, new StreamReceive(this, uio, flags));
  }
}

/** tcp_sendmsg_locked() */
class StreamSend implements Attempt {
  moved = 0;
  readonly #stack: Stack;
  readonly #id: number;
  readonly #uio: Uio;
  /** Bytes that were taken from the program, and not by the stack. */
  #rest: Uint8Array | undefined;
  #isFault = false;

  constructor(stack: Stack, id: number, uio: Uio) {
    this.#stack = stack;
    this.#id = id;
    this.#uio = uio;
  }

  run(): number | undefined {
    const { calls, shared } = this.#stack;
    do {
      const length = this.#fill(shared.staging);
      if (this.#isFault && length === 0) return this.moved || -EFAULT;
      const sent = calls.send(this.#id, length);
      if (sent < 0 && sent !== -EAGAIN) return this.moved || sent;
      const taken = Math.max(sent, 0);
      this.moved += taken;
      if (taken < length) {
        this.#rest = shared.staging.slice(taken, length);
        return undefined;
      }
      this.#rest = undefined;
    } while (this.#uio.resid > 0 || this.#isFault);
    return this.moved;
  }

  #fill(staging: Uint8Array): number {
    if (this.#rest !== undefined) {
      staging.set(this.#rest);
      return this.#rest.length;
    }
    if (this.#isFault) return 0;
    const wanted = Math.min(this.#uio.resid, STAGING_SIZE);
    const length = this.#uio.move(staging, 0, wanted);
    if (length === wanted) return length;
    // A piece that cannot be copied whole is not sent (tcp_sendmsg_locked(): do_fault).
    this.#isFault = true;
    return length - (length % PIECE);
  }
}

/** tcp_recvmsg_locked() */
class StreamReceive implements Attempt {
  moved = 0;
  readonly #socket: InetStream;
  readonly #uio: Uio;
  readonly #flags: number;

  constructor(socket: InetStream, uio: Uio, flags: number) {
    this.#socket = socket;
    this.#uio = uio;
    this.#flags = flags;
  }

  run(): number | undefined {
    const { options } = this.#socket;
    const isAll = (this.#flags & MSG_WAITALL) !== 0;
    const total = this.#total();
    const target = isAll ? total : Math.min(options.lowWater, total);
    do {
      const received = this.#take(total - this.moved);
      if (received === -EAGAIN) return this.moved > 0 && this.moved >= target ? this.moved : undefined;
      if (received <= 0) return this.moved || received;
      this.moved += received;
    } while (this.moved < total);
    return this.moved;
  }

  #isTrunc(): boolean {
    return (this.#flags & MSG_TRUNC) !== 0;
  }

  /** Bytes asked for in all; those that are only thrown away do not count in `resid`. */
  #total(): number {
    return this.#isTrunc() ? this.#uio.resid : this.moved + this.#uio.resid;
  }

  #take(wanted: number): number {
    const { stack, id } = this.#socket;
    const isPeek = (this.#flags & MSG_PEEK) !== 0;
    const received = stack.calls.receive(
      id,
      Math.min(wanted, STAGING_SIZE),
      isPeek ? this.moved : 0,
      isPeek ? RN_PEEK : 0,
    );
    if (received <= 0 || this.#isTrunc()) return received;
    const given = this.#uio.move(stack.shared.staging, 0, received);
    if (given === received) return received;
    // Where the program's memory ends: what cannot be copied whole stays with the socket (tcp_recvmsg_locked()).
    if (!isPeek) stack.calls.unread(id, 0, received);
    return -EFAULT;
  }
}
