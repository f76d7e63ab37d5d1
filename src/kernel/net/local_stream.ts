/** SOCK_STREAM of AF_UNIX: bytes, and files and credentials between them (net/unix/af_unix.c). */
import { EFAULT, EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE } from '../../abi/linux/errno.js';
import { MSG_OOB, MSG_PEEK, MSG_WAITALL, SO_PASSCRED, SOCK_STREAM } from '../../abi/linux/socket.js';
import type { Credentials, Result, Uio } from '../rump_kernel.js';
import type { IncomingMessage, OutgoingMessage } from '../socket_calls.js';
import { LocalConnection } from './local_connect.js';
import { deliverCreds, deliverFiles, NO_CREDS, parseControl, type Scm, sameCreds } from './local_control.js';
import { Message, streamCharge, streamPart, type Ucred } from './local_queue.js';
import { type LocalSocket, type LocalState, RCV_SHUTDOWN, SEND_SHUTDOWN, ucredOf } from './local_socket.js';
import type { SocketCaller } from './open_socket.js';
import type { Attempt } from './socket_wait.js';
import type { SocketState } from './sockets.js';

export class LocalStream extends LocalConnection {
  constructor(net: SocketState, local: LocalState, type: number, cred: Credentials) {
    super(net, local, type, SOCK_STREAM, cred);
  }

  protected override sibling(cred: Credentials): LocalStream {
    return new LocalStream(this.net, this.local, 0, cred);
  }

  override sendMsg(
    uio: Uio,
    flags: number,
    message: OutgoingMessage | undefined,
    caller: SocketCaller,
  ): Result {
    let scm: Scm | undefined;
    if (message !== undefined && message.control.length > 0) {
      const parsed = parseControl(message.control, caller);
      if (typeof parsed === 'number') return parsed;
      scm = parsed;
    }
    const peer = this.#mayWrite(flags, message);
    if (typeof peer === 'number') {
      if (scm?.files !== undefined) this.local.inFlight.drop(scm.files.files);
      return peer;
    }
    return this.attempt('out', flags, new StreamSend(this, peer, uio, scm, caller));
  }

  #mayWrite(flags: number, message: OutgoingMessage | undefined): LocalSocket | number {
    if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    if (message?.name !== undefined && message.name.length > 0) {
      return this.state === 'connected' ? -EISCONN : -EOPNOTSUPP;
    }
    if (this.peer === undefined) return -ENOTCONN;
    return (this.shut & SEND_SHUTDOWN) !== 0 ? -EPIPE : this.peer;
  }

  override recvMsg(
    uio: Uio,
    flags: number,
    message: IncomingMessage | undefined,
    caller: SocketCaller,
  ): Result {
    if (this.state !== 'connected') return -EINVAL;
    if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    return this.attempt('in', flags, new StreamReceive(this, uio, flags, message, caller));
  }

  /** Puts a message into the peer's queue. */
  put(message: Message, peer: LocalSocket): void {
    this.deliver(message, peer);
  }
}

/** unix_stream_sendmsg(). */
class StreamSend implements Attempt {
  moved = 0;
  readonly #socket: LocalStream;
  readonly #peer: LocalSocket;
  readonly #uio: Uio;
  #scm: Scm | undefined;
  readonly #caller: SocketCaller;
  #isBlocked = false;

  constructor(socket: LocalStream, peer: LocalSocket, uio: Uio, scm: Scm | undefined, caller: SocketCaller) {
    this.#socket = socket;
    this.#peer = peer;
    this.#uio = uio;
    this.#scm = scm;
    this.#caller = caller;
  }

  run(): number | undefined {
    const result = this.#send();
    if (result !== undefined) this.cancelled();
    return result;
  }

  cancelled(): void {
    const files = this.#scm?.files;
    this.#scm = undefined;
    if (files !== undefined) this.#socket.local.inFlight.drop(files.files);
  }

  #send(): number | undefined {
    const socket = this.#socket;
    const uio = this.#uio;
    // As sock_wait_for_wmem(): who waits goes on when there is much room, not a little.
    if (this.#isBlocked && !socket.isWritable && socket.error === 0 && (socket.shut & SEND_SHUTDOWN) === 0) {
      return undefined;
    }
    while (uio.resid > 0) {
      const error = socket.takeError();
      if (error !== 0) return this.moved || error;
      if ((socket.shut & SEND_SHUTDOWN) !== 0) return this.moved || -EPIPE;
      if (socket.charged >= socket.options.sendBuffer) {
        this.#isBlocked = true;
        return undefined;
      }
      if (this.#peer.isDead || (this.#peer.shut & RCV_SHUTDOWN) !== 0) return this.moved || -EPIPE;
      const sent = this.#fill();
      if (sent < 0) return this.moved || sent;
    }
    return this.moved;
  }

  /** Moves what there is room for, at once; -EFAULT, -ETOOMANYREFS. */
  #fill(): number {
    const socket = this.#socket;
    const { sendBuffer } = socket.options;
    const left = this.#uio.resid;
    let admitted = 0;
    for (let charged = socket.charged; admitted < left && charged < sendBuffer; ) {
      const part = streamPart(left - admitted, sendBuffer);
      admitted += part;
      charged += streamCharge(part);
    }
    const files = this.#scm?.files;
    if (files !== undefined) {
      const refused = socket.local.inFlight.add(files, this.#caller);
      if (refused !== 0) return refused;
    }
    const block = socket.local.pool.take(admitted);
    const got = this.#uio.move(block.bytes, block.used, admitted);
    let whole = 0;
    for (let part = streamPart(left, sendBuffer); whole + part <= got && whole < admitted; ) {
      this.#put(new Message(block, part, streamCharge(part), socket));
      whole += part;
      part = streamPart(left - whole, sendBuffer);
    }
    this.moved += whole;
    if (got === admitted) return 0;
    if (whole === 0 && files !== undefined) socket.local.inFlight.remove(files);
    return -EFAULT;
  }

  /** Files go with the first part, credentials with each. */
  #put(message: Message): void {
    const scm = this.#scm;
    message.creds = scm?.creds;
    if (scm?.files !== undefined) {
      message.files = scm.files;
      scm.files = undefined;
    }
    const wanted = this.#socket.options.has(SO_PASSCRED) || this.#peer.options.has(SO_PASSCRED);
    if (message.creds === undefined && wanted) message.creds = ucredOf(this.#caller);
    this.#socket.put(message, this.#peer);
  }
}

/** unix_stream_read_generic(). */
class StreamReceive implements Attempt {
  moved = 0;
  readonly #socket: LocalStream;
  readonly #uio: Uio;
  readonly #flags: number;
  readonly #message: IncomingMessage | undefined;
  readonly #caller: SocketCaller;
  readonly #target: number;
  /** Whose bytes these are, when that matters. */
  #creds: Ucred | undefined;

  constructor(
    socket: LocalStream,
    uio: Uio,
    flags: number,
    message: IncomingMessage | undefined,
    caller: SocketCaller,
  ) {
    this.#socket = socket;
    this.#uio = uio;
    this.#flags = flags;
    this.#message = message;
    this.#caller = caller;
    // sock_rcvlowat()
    const { resid } = uio;
    this.#target = ((flags & MSG_WAITALL) !== 0 ? resid : Math.min(socket.options.lowWater, resid)) || 1;
  }

  run(): number | undefined {
    const socket = this.#socket;
    for (;;) {
      const { head } = socket.queue;
      if (head !== undefined) {
        const more = (this.#flags & MSG_PEEK) !== 0 ? this.#peek(head) : this.#take(head);
        if (!more) return this.moved;
        if (more === true) continue;
        return this.moved || more;
      }
      if (this.moved >= this.#target) return this.moved;
      const error = socket.takeError();
      if (error !== 0) return this.moved || error;
      if ((socket.shut & RCV_SHUTDOWN) === 0) return undefined;
      // The end: credentials are shown all the same, nobody's.
      if (this.#creds === undefined && socket.options.has(SO_PASSCRED)) {
        deliverCreds(this.#message, { pid: 0, uid: 0, gid: 0 });
      }
      return this.moved;
    }
  }

  /** False: bytes of different senders are never glued together. */
  #belongs(message: Message): boolean {
    if (this.#creds !== undefined) return sameCreds(this.#creds, message.creds);
    if (this.#socket.options.has(SO_PASSCRED)) {
      this.#creds = message.creds ?? NO_CREDS;
      deliverCreds(this.#message, this.#creds);
    }
    const name = this.#message?.name;
    if (name !== undefined) {
      const { address } = message.sender;
      name.length = address?.length ?? 0;
      if (address !== undefined) name.bytes.set(address);
    }
    return true;
  }

  /** Reads from the queue's head: true for more, false when that was all, -EFAULT. */
  #take(head: Message): boolean | number {
    if (!this.#belongs(head)) return false;
    const socket = this.#socket;
    const uio = this.#uio;
    const wanted = this.#run(head);
    const got = uio.move(head.block.bytes, head.start, wanted);
    const left = this.#consume(head, wanted, got);
    if (got < wanted) return -EFAULT;
    if (head.files !== undefined) {
      const list = head.files;
      head.files = undefined;
      socket.local.inFlight.remove(list);
      deliverFiles(this.#message, list, this.#flags, this.#caller);
      socket.local.inFlight.drop(list.files);
      return false;
    }
    return uio.resid > 0 && left === 0;
  }

  /** How many bytes from `first` on lie one after the other and belong together, at most what is wanted. */
  #run(first: Message): number {
    const { resid } = this.#uio;
    let length = Math.min(first.length, resid);
    let last = first;
    while (length < resid && last.files === undefined) {
      const { next } = last;
      if (next === undefined || next.block !== last.block || next.start !== last.end) break;
      if (next.files !== undefined) break;
      if (this.#creds !== undefined && !sameCreds(this.#creds, next.creds)) break;
      length += Math.min(next.length, resid - length);
      last = next;
    }
    return length;
  }

  /** Takes `got` bytes off the queue; after a fault only whole messages, as each is copied by itself. Returns what is left of the last one. */
  #consume(first: Message, wanted: number, got: number): number {
    const { queue } = this.#socket;
    let left = got;
    this.#socket.changed();
    for (let at: Message | undefined = first; at !== undefined; at = queue.head) {
      const length = at.length;
      if (length > left) {
        // Where the program's memory ends within a message, nothing of it counts.
        if (got < wanted) return 0;
        at.start += left;
        this.moved += left;
        return at.end - at.start;
      }
      left -= length;
      this.moved += length;
      queue.shift();
      this.#socket.discard(at);
      if (left === 0) break;
    }
    return 0;
  }

  /** MSG_PEEK: as far as there is something, nothing is taken, and no wait follows. */
  #peek(head: Message): boolean | number {
    for (let at: Message | undefined = head; at !== undefined; at = at.next) {
      if (!this.#belongs(at)) break;
      const wanted = Math.min(at.length, this.#uio.resid);
      const got = this.#uio.move(at.block.bytes, at.start, wanted);
      if (got < wanted) return -EFAULT;
      this.moved += got;
      if (at.files !== undefined) {
        deliverFiles(this.#message, at.files, this.#flags, this.#caller);
        break;
      }
      if (this.#uio.resid === 0) break;
    }
    return false;
  }
}
