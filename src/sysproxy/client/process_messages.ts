/** The calls that send and receive on sockets of a remote kernel: sendto, sendmsg, recvfrom, recvmsg, and read, write and FIONREAD of sockets. */
import {
  EAGAIN,
  EBADF,
  ECONNABORTED,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  ENOTTY,
  EPIPE,
  ETIMEDOUT,
} from '../../abi/linux/errno.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/linux/poll.js';
import {
  AF_UNIX,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '../../abi/linux/socket.js';
import { NB_FIONREAD, NB_FIONWRITE } from '../../abi/netbsd/ioctl.js';
import { NB_MSG_DONTWAIT, NB_MSG_NOSIGNAL, toNetbsdMsg } from '../../abi/netbsd/msg.js';
import { NB } from '../../abi/netbsd/nr.js';
import { NB_SO_SNDBUF, NB_SOL_SOCKET } from '../../abi/netbsd/sockopt.js';
import { then } from '../../kernel/results.js';
import type { Result, Uio } from '../../kernel/rump_kernel.js';
import type { IncomingMessage, OutgoingMessage } from '../../kernel/socket_calls.js';
import { Later } from './pending.js';
import { RightsCalls } from './process_rights.js';
import type { Readiness } from './readiness.js';
import { Phase, READ, WRITE } from './readiness_parts.js';
import { AddressRoom, wireAddress } from './socket_address.js';
import type { OpenRemoteSocket } from './socket_base.js';
import { putMessage, type ReceiveRoom, receiveRoom, takeMessage, wireControl } from './socket_messages.js';
import { PIECE_SIZE } from './syscall.js';

/** A stream is sent in calls of at most so many bytes: no send buffer takes more at once. */
const SEND_PIECE = 256 * 1024;
/** One call receives at most this much of a stream. */
const RECEIVE_PIECE = 1024 * 1024;
/** Longer than any datagram. */
const DATAGRAM_ROOM = 65536;
/** UDP's longest, over IPv4 and IPv6 (udp(7)). */
const DATAGRAM_MAX = 65527;

/** Errors after which there is no connection any more. */
const BREAKS = new Set([-ECONNRESET, -ETIMEDOUT, -ECONNABORTED]);

export abstract class MessageCalls extends RightsCalls {
  // Sending.

  sendMsg(fd: number, uio: Uio, flags: number, message: OutgoingMessage | undefined): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    const { state, readiness } = socket;
    let name: Uint8Array | undefined;
    // An address is no matter to a stream (sendto(2)).
    if (message?.name !== undefined && state.isDatagram) {
      const wire = wireAddress(state.domain, message.name, 'send');
      if (typeof wire === 'number') return wire;
      name = wire;
    }
    const control = wireControl(message?.control ?? [], fd => this.remoteOf(fd));
    if (typeof control === 'number') return control;
    if (state.needsConnection && (readiness.phase === Phase.FRESH || readiness.phase === Phase.LISTENING))
      return state.domain === AF_UNIX ? -ENOTCONN : -EPIPE;
    const out = { name, control };
    return state.type === SOCK_STREAM
      ? this.#sendStream(socket, uio, flags, out)
      : this.#sendWhole(socket, uio, flags, out);
  }

  #sendStream(socket: OpenRemoteSocket, uio: Uio, flags: number, out: Outgoing): Result {
    const { readiness } = socket;
    const wanted = uio.resid;
    let chunk = new Uint8Array(0);
    let at = 0;
    let taken = 0;
    const attempt = {
      moved: 0,
      run: (): Result => {
        if (readiness.phase === Phase.CONNECTING) return -EAGAIN;
        if (at === chunk.length && taken < wanted) {
          const length = Math.min(wanted - taken, SEND_PIECE);
          if (chunk.length !== length) chunk = new Uint8Array(length);
          const got = uio.move(chunk, 0, length);
          if (got < length) chunk = chunk.subarray(0, got);
          if (got === 0) return attempt.moved > 0 ? attempt.moved : -EFAULT;
          at = 0;
          taken += got;
        }
        const rest = chunk.subarray(at);
        const isFirst = attempt.moved === 0;
        return then(this.#send(socket, rest, flags, isFirst ? out : NOTHING), sent => {
          if (sent < 0) return attempt.moved > 0 && sent !== -EAGAIN ? attempt.moved : sent;
          at += sent;
          attempt.moved += sent;
          if (sent < rest.length) return readiness.canNotWrite();
          // As much as the program's memory has.
          const isShort = at === chunk.length && taken < wanted && chunk.length < SEND_PIECE;
          return attempt.moved === wanted || isShort ? attempt.moved : attempt.run();
        });
      },
    };
    return this.attempt(socket, WRITE, flags, attempt);
  }

  #sendWhole(socket: OpenRemoteSocket, uio: Uio, flags: number, out: Outgoing): Result {
    if (uio.resid > DATAGRAM_MAX && socket.state.domain !== AF_UNIX) return -EMSGSIZE;
    if (uio.resid > PIECE_SIZE) return -EMSGSIZE;
    const bytes = new Uint8Array(uio.resid);
    if (uio.move(bytes, 0, bytes.length) < bytes.length) return -EFAULT;
    let isWidened = false;
    const run = (): Result =>
      then(this.#send(socket, bytes, flags, out), sent => {
        if (sent !== -EMSGSIZE || isWidened || socket.state.domain === AF_UNIX) return sent;
        // NetBSD's send buffers are shorter than Linux's, and than the longest datagram.
        isWidened = true;
        return then(this.#widen(socket), () => run());
      });
    return this.attempt(socket, WRITE, flags, { moved: 0, run });
  }

  #widen(socket: OpenRemoteSocket): Result {
    const call = this.onSocket(NB.setsockopt, socket).int(NB_SOL_SOCKET).int(NB_SO_SNDBUF);
    const at = call.reserve(4);
    call.view.setInt32(at, 2 * DATAGRAM_ROOM, true);
    return this.submit(call.pointer(at).int(4));
  }

  /** One call that sends; it never blocks. */
  #send(socket: OpenRemoteSocket, bytes: Uint8Array, flags: number, { name, control }: Outgoing): Result {
    const { state, readiness } = socket;
    const wire = toNetbsdMsg(flags & ~MSG_DONTWAIT) | NB_MSG_DONTWAIT | NB_MSG_NOSIGNAL;
    const call = this.onSocket(control === undefined ? NB.sendto : NB.sendmsg, socket);
    if (control === undefined) {
      call.buffer(bytes).long(bytes.length).int(wire);
      if (name === undefined) call.nil().int(0);
      else call.buffer(name).int(name.length);
    } else {
      putMessage(call, bytes, name, control);
      call.int(wire);
    }
    const began = readiness.begin(WRITE);
    return this.finishWith(call, done => {
      const { result } = done;
      readiness.end(WRITE, began, result >= 0 && result < bytes.length);
      if (result >= 0) {
        readiness.errorTaken();
        return result;
      }
      if (result === -EAGAIN) readiness.setWritable(false);
      else this.#failed(readiness, result, state.needsConnection);
      // Linux tells a connection that there is none any more from one that never was.
      return result === -ENOTCONN &&
        state.needsConnection &&
        readiness.phase !== Phase.FRESH &&
        !readiness.isLost
        ? -EPIPE
        : result;
    });
  }

  /** What an error says about the connection. */
  #failed(readiness: Readiness, result: number, hasConnection: boolean): void {
    readiness.errorTaken();
    if (!hasConnection || readiness.phase !== Phase.OPEN) return;
    if (BREAKS.has(result)) readiness.isBroken(true);
    else if (result === -EPIPE && !readiness.shutWrite) readiness.isBroken(false);
  }

  // Receiving.

  recvMsg(fd: number, uio: Uio, flags: number, message: IncomingMessage | undefined): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    const { state, readiness } = socket;
    // No errors are queued there.
    if ((flags & MSG_ERRQUEUE) !== 0) return -EAGAIN;
    if (state.needsConnection && (readiness.phase === Phase.FRESH || readiness.phase === Phase.LISTENING))
      return state.domain === AF_UNIX ? -EINVAL : -ENOTCONN;
    if (state.type === SOCK_STREAM) return this.#receiveStream(socket, uio, flags, message);
    return this.attempt(socket, READ, flags, {
      moved: 0,
      run: () => this.#receiveWhole(socket, uio, flags, message),
    });
  }

  #receiveStream(
    socket: OpenRemoteSocket,
    uio: Uio,
    flags: number,
    message: IncomingMessage | undefined,
  ): Result {
    const wanted = uio.resid;
    const waitsForAll = (flags & (MSG_WAITALL | MSG_PEEK)) === MSG_WAITALL;
    const attempt = {
      moved: 0,
      run: (): Result =>
        then(this.#receive(socket, uio, wanted - attempt.moved, flags, message), got => {
          if (got < 0) return attempt.moved > 0 && got !== -EAGAIN ? attempt.moved : got;
          attempt.moved += got;
          const isOver = got === 0 || attempt.moved === wanted;
          return waitsForAll && !isOver ? attempt.run() : attempt.moved;
        }),
    };
    return this.attempt(socket, READ, flags, attempt);
  }

  /** One call on a stream; it never blocks. */
  #receive(
    socket: OpenRemoteSocket,
    uio: Uio,
    wanted: number,
    flags: number,
    message: IncomingMessage | undefined,
  ): Result {
    const { readiness, state } = socket;
    const length = Math.min(wanted, RECEIVE_PIECE);
    // With MSG_TRUNC tcp(7) throws the bytes away.
    const dropped =
      (flags & MSG_TRUNC) !== 0 && state.domain !== AF_UNIX ? new Uint8Array(length) : undefined;
    const wire = receiveFlags(flags & ~MSG_TRUNC);
    const wantsMore = message !== undefined && message.controlRoom > 0;
    const call = this.onSocket(wantsMore ? NB.recvmsg : NB.recvfrom, socket);
    let room: ReceiveRoom | undefined;
    if (wantsMore) {
      room = receiveRoom(call, dropped ?? uio, length, message);
      call.int(wire);
    } else {
      if (dropped === undefined) call.target(uio, length);
      else call.buffer(dropped);
      call.long(length).int(wire).nil().nil();
    }
    const began = readiness.begin(READ);
    return this.withRights(message, call, done => {
      const got = done.result;
      readiness.end(READ, began, got > 0 && (flags & MSG_PEEK) === 0);
      if (got < 0) return this.#notReceived(socket, got, flags);
      if (message !== undefined) {
        if (message.name !== undefined) message.name.length = 0;
        if (room !== undefined) takeMessage(done, room, message, this.receiver(done, flags));
      }
      this.#received(readiness, got, length, flags);
      if (dropped !== undefined || done.delivered >= got) return got;
      return done.delivered > 0 ? done.delivered : -EFAULT;
    });
  }

  #notReceived({ readiness, state }: OpenRemoteSocket, result: number, flags: number): number {
    if (result === -EAGAIN) {
      // Urgent data that is not there says nothing of the rest.
      if ((flags & MSG_OOB) === 0) readiness.setReadable(false);
    } else this.#failed(readiness, result, state.needsConnection);
    return result;
  }

  #received(readiness: Readiness, got: number, length: number, flags: number): void {
    readiness.errorTaken();
    if ((flags & MSG_OOB) !== 0) return;
    if (got === 0 && length > 0) readiness.isAtEnd();
    else if ((flags & MSG_PEEK) !== 0) readiness.setReadable(got > 0);
    else if (got < length) readiness.setReadable(false);
    else readiness.took(got);
  }

  /** One call on a socket with messages, by a buffer of our own that tells whether there was more of it. */
  #receiveWhole(
    socket: OpenRemoteSocket,
    uio: Uio,
    flags: number,
    message: IncomingMessage | undefined,
  ): Result {
    const { readiness, state } = socket;
    const wanted = uio.resid;
    const whole = Math.max(wanted + 1, (flags & MSG_TRUNC) !== 0 ? DATAGRAM_ROOM : 0);
    const bytes = new Uint8Array(Math.min(whole, Math.max(wanted, 2 * DATAGRAM_ROOM)));
    const wire = receiveFlags(flags & ~MSG_TRUNC);
    const wantsMore = message !== undefined && (message.controlRoom > 0 || state.type === SOCK_SEQPACKET);
    const call = this.onSocket(wantsMore ? NB.recvmsg : NB.recvfrom, socket);
    let room: ReceiveRoom | undefined;
    let address: AddressRoom | undefined;
    if (wantsMore) {
      room = receiveRoom(call, bytes, bytes.length, message);
      call.int(wire);
    } else {
      call.buffer(bytes).long(bytes.length).int(wire);
      if (message?.name === undefined) call.nil().nil();
      else address = new AddressRoom(call);
    }
    const began = readiness.begin(READ);
    return this.withRights(message, call, done => {
      const got = done.result;
      readiness.end(READ, began, got >= 0 && (flags & MSG_PEEK) === 0);
      if (got < 0) return this.#notReceived(socket, got, flags);
      if (message !== undefined) {
        if (room !== undefined) takeMessage(done, room, message, this.receiver(done, flags));
        if (message.name !== undefined) address?.take(done, message.name);
        if (got > wanted) message.flags |= MSG_TRUNC;
      }
      readiness.errorTaken();
      if (state.needsConnection && got === 0) readiness.isAtEnd();
      else readiness.setReadable((flags & MSG_PEEK) !== 0);
      const given = Math.min(got, wanted);
      if (uio.move(bytes, 0, given) < given) return -EFAULT;
      return (flags & MSG_TRUNC) !== 0 ? got : given;
    });
  }

  // As a file.

  override read(fd: number, uio: Uio): Result {
    if (typeof this.socketOf(fd) === 'number') return super.read(fd, uio);
    return uio.resid === 0 ? 0 : this.recvMsg(fd, uio, 0, undefined);
  }

  override write(fd: number, uio: Uio): Result {
    if (typeof this.socketOf(fd) === 'number') return super.write(fd, uio);
    return this.sendMsg(fd, uio, 0, undefined);
  }

  /** FIONREAD: of a socket with messages, the length of the next one; NetBSD says how much all of them take. */
  override readable(fd: number): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return super.readable(fd);
    if (socket.readiness.phase === Phase.LISTENING) return -EINVAL;
    if (!socket.state.hasMessages) return this.#count(socket, NB_FIONREAD);
    const bytes = new Uint8Array(DATAGRAM_ROOM);
    const call = this.onSocket(NB.recvfrom, socket).buffer(bytes).long(bytes.length);
    call.int(receiveFlags(MSG_PEEK)).nil().nil();
    return this.finishWith(call, done => (done.result === -EAGAIN ? 0 : done.result));
  }

  unsent(fd: number): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket === -EBADF ? socket : -ENOTTY;
    if (socket.readiness.phase === Phase.LISTENING) return -EINVAL;
    return this.#count(socket, NB_FIONWRITE);
  }

  #count(socket: OpenRemoteSocket, code: number): Result {
    const call = this.onSocket(NB.ioctl, socket).long(code);
    const at = call.reserve(4);
    return this.finishWith(call.pointer(at), done =>
      done.result < 0 ? done.result : done.view.getInt32(at, true),
    );
  }

  /** poll(2) of a socket: what its events have told, as its placeholder shows it. */
  override poll(fd: number, events: number): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return super.poll(fd, events);
    const { readiness } = socket;
    const { loop } = this.shared.remote.options;
    const wanted = events | POLLERR | POLLHUP;
    const now = withNormal(readiness.revents) & wanted;
    if (now !== 0) return now;
    const watcher = {
      changed: (revents: number) => {
        const found = withNormal(revents) & wanted;
        if (found === 0 || !later.isWaiting) return;
        later.isWaiting = false;
        loop.complete(() => {
          readiness.unwatch(watcher);
          later.settle(found);
        });
      },
      closed: () => {},
    };
    const later = new PollLater(false, () => {
      readiness.unwatch(watcher);
      return 0;
    });
    readiness.watch(watcher);
    return later;
  }
}

class PollLater extends Later {
  isWaiting = true;
}

interface Outgoing {
  readonly name: Uint8Array | undefined;
  readonly control: Uint8Array | undefined;
}
const NOTHING: Outgoing = { name: undefined, control: undefined };

function receiveFlags(flags: number): number {
  return toNetbsdMsg(flags & ~(MSG_WAITALL | MSG_DONTWAIT)) | NB_MSG_DONTWAIT;
}

function withNormal(revents: number): number {
  return revents | ((revents & POLLIN) !== 0 ? POLLRDNORM : 0) | ((revents & POLLOUT) !== 0 ? POLLWRNORM : 0);
}
