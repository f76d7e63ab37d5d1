/** The calls that send and receive on sockets (sys/kern/uipc_syscalls.c). */
import { EAGAIN, EINVAL, EMSGSIZE, EPIPE } from '../../../abi/linux/errno.js';
import { IOV_MAX } from '../../../abi/linux/limits.js';
import { MSG_NOSIGNAL, MSG_PEEK, MSG_WAITALL, SOCK_STREAM } from '../../../abi/linux/socket.js';
import {
  decodeNetbsdControl,
  decodeNetbsdMsghdr,
  encodeNetbsdMsghdr,
  NB_CMSG_DATA,
  NB_MMSGHDR_SIZE,
  NB_MSG_DONTWAIT,
  NB_MSG_LEN,
  NB_MSG_WAITFORONE,
  NB_MSGHDR_SIZE,
  type NetbsdMessage,
  toLinuxControl,
  toLinuxMsg,
  toNetbsdMsg,
} from '../../../abi/netbsd/msg.js';
import { decodeNetbsdTimespec, NB_TIMESPEC_SIZE } from '../../../abi/netbsd/time.js';
import type { OpenSocket } from '../../../kernel/net/open_socket.js';
import type { ControlMessage, IncomingMessage } from '../../../kernel/socket_calls.js';
import { addressOut, giveAddress, putAddress, socketAddress } from '../addresses.js';
import { type Call, type Steps, wait } from '../call.js';
import { giveControl } from '../control_messages.js';
import { CallError, callError } from '../errors.js';
import { DATAGRAM_MAX, SOCKET_PIECE } from '../limits.js';
import { drained, type Range, ReadUio, WriteUio } from '../uio.js';
import { gather, readIovec, totalOf } from '../vectors.js';
import { socketOf } from './sockets.js';

/** Received at a time. */
const BATCH = 256 * 1024;
/** A page: control data that a call may bring (sockargs() of uipc_syscalls.c). */
const CONTROL_MAX = 4096;
/** Messages of one sendmmsg or recvmmsg. */
const MESSAGES_MAX = 1024;
const MSEC = 1000;
const NSEC_PER_MSEC = 1_000_000;

/** What goes with data: Linux's MSG_*, a destination, control messages. */
interface Outgoing {
  readonly flags: number;
  readonly name?: Uint8Array | undefined;
  readonly control?: readonly ControlMessage[];
}

/** Sends the bytes of `ranges`: a message as a whole, a stream in pieces. */
export function* transmit(
  call: Call,
  fd: number,
  socket: OpenSocket,
  ranges: readonly Range[],
  { flags, name, control = [] }: Outgoing,
): Steps {
  const total = totalOf(ranges);
  const isStream = socket.sockType === SOCK_STREAM;
  if (!isStream && total > DATAGRAM_MAX) return -EMSGSIZE;
  let done = 0;
  do {
    const length = isStream ? Math.min(SOCKET_PIECE, total - done) : total;
    const message =
      name === undefined && control.length === 0 ? undefined : { name, control: done > 0 ? [] : control };
    let put: number;
    try {
      const uio = new WriteUio(yield* gather(call, ranges, done, length));
      const result = call.kernel.sendMsg(fd, uio, flags | MSG_NOSIGNAL, message);
      if (typeof result !== 'number') uio.keep();
      put = yield* wait(result);
    } catch (error) {
      if (!(error instanceof CallError) || done === 0) throw error;
      return done;
    }
    if (put < 0 && done > 0) return done;
    if (put === -EPIPE && (flags & MSG_NOSIGNAL) === 0) call.raiseSigpipe(fd);
    if (put < 0) return put;
    done += put;
    if (put < length) break;
  } while (done < total);
  return done;
}

export function* sendto(call: Call): Steps {
  const fd = call.int(0);
  const socket = socketOf(call, fd);
  const [at, length] = [call.ulong(4), call.uint(5)];
  const name = at === 0 ? undefined : yield* socketAddress(call, at, length);
  const ranges = [{ address: call.ulong(1), length: call.ulong(2) }];
  return yield* transmit(call, fd, socket, ranges, { flags: toLinuxMsg(call.int(3)), name });
}

export function* sendmsg(call: Call): Steps {
  const bytes = yield* call.copyin(call.ulong(1), NB_MSGHDR_SIZE);
  return yield* sendOne(call, socketOf(call, call.int(0)), decodeNetbsdMsghdr(viewOf(bytes), 0), call.int(2));
}

/** `flags`: NetBSD's MSG_*. */
function* sendOne(call: Call, socket: OpenSocket, message: NetbsdMessage, flags: number): Steps {
  const ranges = yield* rangesOf(call, message);
  totalOf(ranges);
  const name = message.name === 0 ? undefined : yield* socketAddress(call, message.name, message.nameLength);
  const control = yield* controlOf(call, message);
  return yield* transmit(call, call.int(0), socket, ranges, { flags: toLinuxMsg(flags), name, control });
}

function* rangesOf(call: Call, { iov, iovCount }: NetbsdMessage): Steps<Range[]> {
  if (iovCount < 0 || iovCount > IOV_MAX) throw callError(EMSGSIZE);
  return iovCount === 0 ? [] : yield* readIovec(call, iov, iovCount);
}

function* controlOf(call: Call, { control, controlLength }: NetbsdMessage): Steps<ControlMessage[]> {
  if (control === 0) return [];
  if (controlLength < NB_CMSG_DATA || controlLength > CONTROL_MAX) throw callError(EINVAL);
  const messages = decodeNetbsdControl(yield* call.copyin(control, controlLength));
  if (messages === undefined) throw callError(EINVAL);
  return messages.map(message => {
    const known = toLinuxControl(message);
    if (known === undefined) throw callError(EINVAL);
    return known;
  });
}

export function* sendmmsg(call: Call): Steps {
  const socket = socketOf(call, call.int(0));
  return yield* each(call, call.uint(2), function* (message) {
    return yield* sendOne(call, socket, message, call.int(3));
  });
}

export function* recvfrom(call: Call): Steps {
  const fd = call.int(0);
  const ranges = [{ address: call.ulong(1), length: call.ulong(2) }];
  const message = incoming(call.ulong(4) !== 0, 0);
  const got = yield* receive(call, fd, ranges, toLinuxMsg(call.int(3)), message);
  if (got < 0 || message.name === undefined) return got;
  yield* giveAddress(call, call.ulong(4), call.ulong(5), message.name);
  return got;
}

export function* recvmsg(call: Call): Steps {
  const bytes = yield* call.copyin(call.ulong(1), NB_MSGHDR_SIZE);
  const header = decodeNetbsdMsghdr(viewOf(bytes), 0);
  socketOf(call, call.int(0));
  const got = yield* receiveOne(call, header, call.int(2));
  if (got < 0) return got;
  encodeNetbsdMsghdr(viewOf(bytes), 0, header);
  call.copyout(call.ulong(1), bytes);
  return got;
}

/** `flags`: NetBSD's MSG_*. Lengths and flags of `header` become those of the answer. */
function* receiveOne(call: Call, header: NetbsdMessage, flags: number): Steps {
  const ranges = yield* rangesOf(call, header);
  const wantsControl = header.control !== 0;
  const room = wantsControl ? Math.min(header.controlLength, CONTROL_MAX) : 0;
  const message = incoming(header.name !== 0, room);
  const got = yield* receive(call, call.int(0), ranges, toLinuxMsg(flags), message);
  if (got < 0) return got;
  if (wantsControl) header.controlLength = giveControl(call, header.control, room, message);
  if (message.name !== undefined)
    header.nameLength = putAddress(call, header.name, header.nameLength | 0, message.name);
  header.flags = toNetbsdMsg(message.flags);
  return got;
}

export function* recvmmsg(call: Call): Steps {
  const { timers } = call.session.state;
  const end = timers.now() + (yield* timeoutOf(call, call.ulong(4)));
  socketOf(call, call.int(0));
  let flags = call.int(3) & ~NB_MSG_WAITFORONE;
  return yield* each(call, call.uint(2), function* (message, n) {
    if (n > 0 && timers.now() > end) return undefined;
    const got = yield* receiveOne(call, message, flags);
    if ((call.int(3) & NB_MSG_WAITFORONE) !== 0) flags |= NB_MSG_DONTWAIT;
    return got === -EAGAIN && n > 0 ? undefined : got;
  });
}

/** Milliseconds; for ever without a struct timespec. */
function* timeoutOf(call: Call, at: number): Steps {
  if (at === 0) return Infinity;
  const { sec, nsec } = decodeNetbsdTimespec(viewOf(yield* call.copyin(at, NB_TIMESPEC_SIZE)), 0);
  return sec * MSEC + nsec / NSEC_PER_MSEC;
}

/**
 * The messages of sendmmsg(2) and recvmmsg(2), one after the other, until `one` fails or has no more to say. An error counts only when
 * it is the first's.
 */
function* each(
  call: Call,
  count: number,
  one: (message: NetbsdMessage, n: number) => Steps<number | undefined>,
): Steps {
  const last = Math.min(count, MESSAGES_MAX);
  for (let n = 0; n < last; n++) {
    const at = call.ulong(1) + n * NB_MMSGHDR_SIZE;
    let moved: number | undefined;
    try {
      const bytes = yield* call.copyin(at, NB_MMSGHDR_SIZE);
      const header = decodeNetbsdMsghdr(viewOf(bytes), 0);
      moved = yield* one(header, n);
      if (moved !== undefined && moved >= 0) {
        encodeNetbsdMsghdr(viewOf(bytes), 0, header);
        viewOf(bytes).setUint32(NB_MSG_LEN, moved, true);
        call.copyout(at, bytes);
      }
    } catch (error) {
      if (!(error instanceof CallError) || n === 0) throw error;
      return n;
    }
    if (moved === undefined || (moved < 0 && n > 0)) return n;
    if (moved < 0) return moved;
    if (call.session.isFull) yield drained(call.session);
  }
  return last;
}

function incoming(wantsName: boolean, controlRoom: number): IncomingMessage {
  return { name: wantsName ? addressOut() : undefined, controlRoom, control: [], flags: 0 };
}

/**
 * Receives into `ranges`, as much as a client is sent at once; with MSG_WAITALL again and again until all is there. MSG_TRUNC, which means nothing to
 * NetBSD, gets what Linux's clients ask for: the length of a message that was cut.
 */
function* receive(
  call: Call,
  fd: number,
  ranges: readonly Range[],
  flags: number,
  message: IncomingMessage,
): Steps {
  const total = totalOf(ranges);
  const isStream = socketOf(call, fd).sockType === SOCK_STREAM;
  const repeats = isStream && (flags & (MSG_WAITALL | MSG_PEEK)) === MSG_WAITALL;
  let done = 0;
  do {
    if (call.session.isFull) yield drained(call.session);
    const length = Math.min(BATCH, total - done);
    const uio = new ReadUio(call.session, ranges, done, length);
    const got = yield* wait(call.kernel.recvMsg(fd, uio, flags, message));
    if (got < 0) return done > 0 ? done : got;
    done += got;
    if (got < length) break;
  } while (repeats && done < total);
  return done;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
