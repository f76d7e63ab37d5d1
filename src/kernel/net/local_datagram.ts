/** SOCK_DGRAM and SOCK_SEQPACKET of AF_UNIX: whole messages (net/unix/af_unix.c). */
import {
  ECONNREFUSED,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
} from '../../abi/linux/errno.js';
import {
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SO_PASSCRED,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
} from '../../abi/linux/socket.js';
import { familyOf } from '../../abi/linux/un.js';
import type { Credentials, Result, Uio } from '../rump_kernel.js';
import type { IncomingMessage, OutgoingMessage } from '../socket_calls.js';
import { putTimestamp } from './control.js';
import { LocalConnection } from './local_connect.js';
import { deliverCreds, deliverFiles, NO_CREDS, parseControl, type Scm } from './local_control.js';
import { checkAddress } from './local_names.js';
import { datagramCharge, Message } from './local_queue.js';
import { LocalSocket, type LocalState, RCV_SHUTDOWN, SEND_SHUTDOWN, ucredOf } from './local_socket.js';
import type { SocketCaller } from './open_socket.js';
import type { Attempt } from './socket_wait.js';
import type { SocketState } from './sockets.js';

/** What a message takes of the send buffer besides its bytes, at the least. */
const OVERHEAD = 32;

export class LocalDatagram extends LocalSocket {
  constructor(net: SocketState, local: LocalState, type: number, cred: Credentials) {
    super(net, local, type, SOCK_DGRAM, cred);
  }

  override connect(address: Uint8Array, caller: SocketCaller): number {
    const family = familyOf(address);
    if (family < 0) return -EINVAL;
    let other: LocalSocket | undefined;
    if (family !== AF_UNSPEC) {
      const refused = checkAddress(address) || this.bindForCreds();
      if (refused !== 0) return refused;
      const found = this.local.names.find(address, SOCK_DGRAM, caller);
      if (typeof found === 'number') return found;
      if (!maySend(this, found)) return -EPERM;
      other = found;
    }
    const previous = this.peer;
    this.peer = other;
    this.changed();
    if (previous !== undefined && previous !== other) this.disconnected(previous);
    return 0;
  }

  /** unix_dgram_disconnected(): what came from a peer that is none any more is lost, and it is told so. */
  disconnected(previous: LocalSocket): void {
    if (this.queue.count === 0) return;
    this.purge();
    this.tellWaiting();
    this.changed();
    if (previous.isDead || previous.peer !== this) return;
    previous.error = ECONNRESET;
    previous.changed();
  }

  override sendMsg(
    uio: Uio,
    flags: number,
    message: OutgoingMessage | undefined,
    caller: SocketCaller,
  ): Result {
    const scm = scmOf(message, caller);
    if (typeof scm === 'number') return scm;
    const name = message?.name !== undefined && message.name.length > 0 ? message.name : undefined;
    const send = new MessageSend(this, uio, name, scm, caller);
    const refused = send.check(flags) || this.bindForCreds() || send.checkLength();
    if (refused !== 0) return send.refuse(refused);
    return this.attempt('elsewhere', flags, send);
  }

  override recvMsg(
    uio: Uio,
    flags: number,
    message: IncomingMessage | undefined,
    caller: SocketCaller,
  ): Result {
    return receive(this, attempt => this.attempt('in', flags, attempt), uio, flags, message, caller);
  }

  /** Puts a message into another's queue. */
  put(message: Message, other: LocalSocket): void {
    this.deliver(message, other);
  }

  /** unix_dgram_poll(): a peer that is not connected to this one takes only so many. */
  protected override hasRoomToSend(): boolean {
    return hasRoom(this, this.peer);
  }
}

export class LocalSeqpacket extends LocalConnection {
  constructor(net: SocketState, local: LocalState, type: number, cred: Credentials) {
    super(net, local, type, SOCK_SEQPACKET, cred);
  }

  protected override sibling(cred: Credentials): LocalSeqpacket {
    return new LocalSeqpacket(this.net, this.local, 0, cred);
  }

  override sendMsg(
    uio: Uio,
    flags: number,
    message: OutgoingMessage | undefined,
    caller: SocketCaller,
  ): Result {
    const error = this.takeError();
    if (error !== 0) return error;
    if (this.state !== 'connected') return -ENOTCONN;
    const scm = scmOf(message, caller);
    if (typeof scm === 'number') return scm;
    // A destination is not looked at.
    const send = new MessageSend(this, uio, undefined, scm, caller);
    const refused = send.check(flags) || this.bindForCreds() || send.checkLength();
    if (refused !== 0) return send.refuse(refused);
    return this.attempt('elsewhere', flags, send);
  }

  override recvMsg(
    uio: Uio,
    flags: number,
    message: IncomingMessage | undefined,
    caller: SocketCaller,
  ): Result {
    if (this.state !== 'connected') return -ENOTCONN;
    return receive(this, attempt => this.attempt('in', flags, attempt), uio, flags, message, caller);
  }

  put(message: Message, other: LocalSocket): void {
    this.deliver(message, other);
  }

  protected override hasRoomToSend(): boolean {
    return hasRoom(this, this.peer);
  }
}

type MessageSocket = LocalDatagram | LocalSeqpacket;

/** unix_may_send(). */
function maySend(socket: LocalSocket, other: LocalSocket): boolean {
  return other.peer === undefined || other.peer === socket;
}

function hasRoom(socket: LocalSocket, other: LocalSocket | undefined): boolean {
  if (other === undefined || other.peer === socket || other.isDead || !other.isFull) return true;
  other.awaitRoom(socket);
  return false;
}

function scmOf(message: OutgoingMessage | undefined, caller: SocketCaller): Scm | number | undefined {
  if (message === undefined || message.control.length === 0) return undefined;
  return parseControl(message.control, caller);
}

/** unix_dgram_sendmsg(). */
class MessageSend implements Attempt {
  readonly moved = 0;
  readonly #socket: MessageSocket;
  readonly #uio: Uio;
  readonly #name: Uint8Array | undefined;
  #scm: Scm | undefined;
  readonly #caller: SocketCaller;
  /** The peer when there was room to send. */
  #peer: LocalSocket | undefined;
  #hasRoom = false;

  constructor(
    socket: MessageSocket,
    uio: Uio,
    name: Uint8Array | undefined,
    scm: Scm | undefined,
    caller: SocketCaller,
  ) {
    this.#socket = socket;
    this.#uio = uio;
    this.#name = name;
    this.#scm = scm;
    this.#caller = caller;
  }

  check(flags: number): number {
    if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    return this.#name === undefined ? 0 : checkAddress(this.#name);
  }

  checkLength(): number {
    return this.#uio.resid > this.#socket.options.sendBuffer - OVERHEAD ? -EMSGSIZE : 0;
  }

  refuse(result: number): number {
    this.cancelled();
    return result;
  }

  cancelled(): void {
    const files = this.#scm?.files;
    this.#scm = undefined;
    if (files !== undefined) this.#socket.local.inFlight.drop(files.files);
  }

  run(): number | undefined {
    const result = this.#send();
    if (result !== undefined) this.cancelled();
    return result;
  }

  #send(): number | undefined {
    const socket = this.#socket;
    if (!this.#hasRoom) {
      const error = socket.takeError();
      if (error !== 0) return error;
      if ((socket.shut & SEND_SHUTDOWN) !== 0) return -EPIPE;
      if (socket.charged >= socket.options.sendBuffer) return undefined;
      this.#hasRoom = true;
      this.#peer = socket.peer;
      if (this.#peer === undefined && this.#name === undefined) return -ENOTCONN;
    }
    const other = this.#target();
    if (typeof other === 'number') return other;
    if (!maySend(socket, other)) return -EPERM;
    if ((other.shut & RCV_SHUTDOWN) !== 0) return -EPIPE;
    if (other !== socket && !hasRoom(socket, other)) return undefined;
    return this.#put(other);
  }

  /** Who gets it; a peer that is gone is a peer no more. */
  #target(): LocalSocket | number {
    const socket = this.#socket;
    const peer = this.#peer;
    if (this.#name !== undefined) return socket.local.names.find(this.#name, socket.sockType, this.#caller);
    if (peer === undefined) return -ECONNRESET;
    if (!peer.isDead) return peer;
    if (!(socket instanceof LocalDatagram)) return -EPIPE;
    if (socket.peer !== peer) return -ECONNRESET;
    socket.peer = undefined;
    socket.changed();
    socket.disconnected(peer);
    return -ECONNREFUSED;
  }

  #put(other: LocalSocket): number {
    const socket = this.#socket;
    const { pool, inFlight } = socket.local;
    const length = this.#uio.resid;
    const scm = this.#scm;
    const files = scm?.files;
    if (files !== undefined) {
      const refused = inFlight.add(files, this.#caller);
      if (refused !== 0) return refused;
    }
    const block = pool.take(length);
    if (this.#uio.move(block.bytes, block.used, length) < length) {
      if (files !== undefined) inFlight.remove(files);
      return -EFAULT;
    }
    const message = new Message(block, length, datagramCharge(length), socket);
    message.creds = scm?.creds;
    message.files = files;
    this.#scm = undefined;
    const wanted = socket.options.has(SO_PASSCRED) || other.options.has(SO_PASSCRED);
    if (message.creds === undefined && wanted) message.creds = ucredOf(this.#caller);
    if (other.options.has(SO_TIMESTAMP) || other.options.has(SO_TIMESTAMPNS)) message.stamp = Date.now();
    socket.put(message, other);
    return length;
  }
}

function receive(
  socket: LocalSocket,
  attempt: (attempt: Attempt) => Result,
  uio: Uio,
  flags: number,
  message: IncomingMessage | undefined,
  caller: SocketCaller,
): Result {
  if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
  return attempt({ moved: 0, run: () => receiveOne(socket, uio, flags, message, caller) });
}

/** __unix_dgram_recvmsg(). */
function receiveOne(
  socket: LocalSocket,
  uio: Uio,
  flags: number,
  message: IncomingMessage | undefined,
  caller: SocketCaller,
): number | undefined {
  const error = socket.takeError();
  if (error !== 0) return error;
  const isPeek = (flags & MSG_PEEK) !== 0;
  const first = isPeek ? socket.queue.head : socket.queue.shift();
  if (first === undefined) {
    if ((socket.shut & RCV_SHUTDOWN) === 0) return undefined;
    // A datagram socket that does not block is not told of the end.
    const waits = (flags & MSG_DONTWAIT) === 0 && !socket.isNonblocking;
    return waits || socket.isConnectionBased ? 0 : undefined;
  }
  const result = readOne(socket, first, uio, flags, message, caller);
  if (isPeek) return result;
  socket.tellWaiting();
  socket.changed();
  const { files } = first;
  socket.discard(first);
  if (files !== undefined) {
    socket.local.inFlight.remove(files);
    socket.local.inFlight.drop(files.files);
  }
  return result;
}

function readOne(
  socket: LocalSocket,
  first: Message,
  uio: Uio,
  flags: number,
  message: IncomingMessage | undefined,
  caller: SocketCaller,
): number {
  if (message?.name !== undefined) {
    const { address } = first.sender;
    message.name.length = address?.length ?? 0;
    if (address !== undefined) message.name.bytes.set(address);
  }
  const { length } = first;
  const size = Math.min(uio.resid, length);
  if (size < length && message !== undefined) message.flags |= MSG_TRUNC;
  if (uio.move(first.block.bytes, first.start, size) < size) return -EFAULT;
  stamp(socket, first, message);
  if (socket.options.has(SO_PASSCRED)) deliverCreds(message, first.creds ?? NO_CREDS);
  if (first.files !== undefined) deliverFiles(message, first.files, flags, caller);
  return (flags & MSG_TRUNC) !== 0 ? length : size;
}

/** struct timeval or timespec: when it came, now if nobody had asked then. */
function stamp(socket: LocalSocket, first: Message, message: IncomingMessage | undefined): void {
  const inNanoseconds = socket.options.has(SO_TIMESTAMPNS);
  if (message === undefined || !(inNanoseconds || socket.options.has(SO_TIMESTAMP))) return;
  putTimestamp(message, first.stamp ?? Date.now(), inNanoseconds);
}
