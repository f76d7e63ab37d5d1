/** sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2) on sockets of the rump kernel (net/socket.c). */
import { EBADF, EFAULT, EINVAL, EMSGSIZE, ENOBUFS, EOPNOTSUPP } from '../../abi/linux/errno.js';
import { F_GETFD } from '../../abi/linux/fcntl.js';
import { IOV_MAX } from '../../abi/linux/limits.js';
import {
  decodeControl,
  decodeMsghdr,
  encodeControl,
  MMSGHDR_SIZE,
  MSG_CONTROLLEN_AT,
  MSG_FLAGS_AT,
  MSG_LEN_AT,
  MSG_NAMELEN_AT,
  MSGHDR_SIZE,
  type Msghdr,
} from '../../abi/linux/msg.js';
import {
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_OOB,
  MSG_WAITFORONE,
  SCM_RIGHTS,
  SOCKADDR_STORAGE_SIZE,
  SOL_SOCKET,
} from '../../abi/linux/socket.js';
import { NR } from '../../abi/linux/syscalls.js';
import type { Pending, Result } from '../../kernel/rump_kernel.js';
import type { ControlMessage, IncomingMessage, OutgoingMessage } from '../../kernel/socket_calls.js';
import type { TraceeUio } from '../../tracer/uio.js';
import { type Call, type Hijack, rumpFd, whenDone } from '../hijack.js';
import { placeAny } from '../placing.js';
import { addressOut, readAddress, writeAddress, writeInt } from './addresses.js';
import { sendManyOnHost, sendOnHost } from './rights.js';
import { readVector } from './rw.js';
import { endSend, refuseSocket } from './sockets.js';

/** As much control data as a socket takes by default (net.core.optmem_max). */
const CONTROL_MAX = 131072;

const header = new Uint8Array(MSGHDR_SIZE);
const headerView = new DataView(header.buffer);

/** copy_msghdr_from_user() but for the address: the header and its buffers, or -errno. */
function readHeader(call: Call, at: number, toTracee: boolean): { header: Msghdr; uio: TraceeUio } | number {
  if (call.read(at, header) < 0) return -EFAULT;
  const message = decodeMsghdr(headerView);
  if (message.name === 0) message.nameLength = 0;
  if (message.nameLength < 0) return -EINVAL;
  message.nameLength = Math.min(message.nameLength, SOCKADDR_STORAGE_SIZE);
  if (message.iovLength > IOV_MAX) return -EMSGSIZE;
  const vector = readVector(call, message.iov, message.iovLength);
  if (typeof vector === 'number') return vector;
  return { header: message, uio: call.uioVector(toTracee, vector) };
}

// Sending.

/** Puts the rump kernel's numbers in place of the program's: 0 or -errno. `data` is changed. */
function toRumpRights(call: Call, data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at + 4 <= data.length; at += 4) {
    const fd = view.getInt32(at, true);
    const rump = call.state.files.get(fd);
    if (rump < 0) return call.hostCall(NR.fcntl, fd, F_GETFD) < 0 ? -EBADF : -EOPNOTSUPP;
    view.setInt32(at, rump, true);
  }
  return 0;
}

function readControl(call: Call, { control, controlLength }: Msghdr): ControlMessage[] | number {
  if (controlLength === 0) return [];
  if (controlLength > CONTROL_MAX) return -ENOBUFS;
  const bytes = new Uint8Array(controlLength);
  if (call.read(control, bytes) < 0) return -EFAULT;
  const messages = decodeControl(bytes);
  if (typeof messages === 'number') return messages;
  for (const { level, type, data } of messages) {
    if (level !== SOL_SOCKET || type !== SCM_RIGHTS) continue;
    const refused = toRumpRights(call, data);
    if (refused < 0) return refused;
  }
  return messages;
}

/** Sends the message whose header is at `at`. */
function send(call: Call, hijack: Hijack, fd: number, at: number, flags: number): Result {
  const message = readHeader(call, at, false);
  if (typeof message === 'number') return message;
  const { name, nameLength } = message.header;
  const to = nameLength === 0 ? undefined : readAddress(call, hijack, name, nameLength);
  if (typeof to === 'number') return to;
  const control = readControl(call, message.header);
  if (typeof control === 'number') return control;
  const outgoing: OutgoingMessage | undefined =
    to === undefined && control.length === 0 ? undefined : { name: to, control };
  return call.state.kernel.sendMsg(fd, message.uio, flags, outgoing);
}

export function sysSendmsg(call: Call, hijack: Hijack): void {
  if (call.state.files.get(call.int(0)) < 0) return sendOnHost(call, hijack);
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const flags = call.int(2);
  const sent = send(call, hijack, fd, call.address(1), flags);
  if (sent === -EFAULT || sent === -EINVAL || sent === -EMSGSIZE) refuseSocket(call, fd, -sent);
  else whenDone(call, sent, done => endSend(call, fd, flags, done));
}

// Receiving.

interface Received {
  message: IncomingMessage;
  header: Msghdr;
  /** Where the program's struct msghdr is. */
  at: number;
  flags: number;
}

/** Receives into the message whose header is at `at`; deliver() gives the program what came with the data. */
function receive(call: Call, fd: number, at: number, flags: number, into: Partial<Received>): Result {
  const read = readHeader(call, at, true);
  if (typeof read === 'number') return read;
  const { name, control, controlLength } = read.header;
  const message: IncomingMessage = {
    name: name === 0 ? undefined : addressOut(),
    controlRoom: control === 0 ? 0 : Math.min(controlLength, CONTROL_MAX),
    control: [],
    flags: 0,
  };
  into.message = message;
  into.header = read.header;
  into.at = at;
  into.flags = flags;
  return call.state.kernel.recvMsg(fd, read.uio, flags, message);
}

/** Gives each descriptor of SCM_RIGHTS a number of the program's: those that get none, and all after them, are closed. */
function placeRights(call: Call, hijack: Hijack, { message, flags }: Received, next: () => void): void {
  const rights = message.control.find(({ level, type }) => level === SOL_SOCKET && type === SCM_RIGHTS);
  if (rights === undefined) return next();
  const view = new DataView(rights.data.buffer, rights.data.byteOffset, rights.data.length);
  const count = rights.data.length >> 2;
  const place = (i: number): void => {
    if (i === count) return next();
    placeAny(call, hijack, view.getInt32(i * 4, true), (flags & MSG_CMSG_CLOEXEC) !== 0, fd => {
      if (fd >= 0) {
        view.setInt32(i * 4, fd, true);
        return place(i + 1);
      }
      for (let rest = i + 1; rest < count; rest++) call.state.kernel.close(view.getInt32(rest * 4, true));
      message.flags |= MSG_CTRUNC;
      if (i === 0) message.control.splice(message.control.indexOf(rights), 1);
      else rights.data = rights.data.subarray(0, i * 4);
      next();
    });
  };
  place(0);
}

/** Address, control messages and flags go to the program: `next` gets 0 or -errno. */
function deliver(call: Call, hijack: Hijack, received: Received, next: (result: number) => void): void {
  const { message, header: asked, at } = received;
  placeRights(call, hijack, received, () => {
    const { bytes, used, cut } = encodeControl(message.control, message.controlRoom);
    const flags = message.flags | (cut ? MSG_CTRUNC : 0) | (received.flags & MSG_CMSG_CLOEXEC);
    let result = 0;
    if (message.name !== undefined)
      result = writeAddress(call, hijack, message.name, asked.name, at + MSG_NAMELEN_AT);
    if (result >= 0 && bytes.length > 0) result = call.write(asked.control, bytes);
    if (result >= 0) result = writeInt(call, at + MSG_FLAGS_AT, flags);
    if (result >= 0) result = writeLong(call, at + MSG_CONTROLLEN_AT, used);
    next(result);
  });
}

/** A size_t below 2^32. */
function writeLong(call: Call, at: number, value: number): number {
  return writeInt(call, at + 4, 0) || writeInt(call, at, value);
}

function isReceived(into: Partial<Received>): into is Received {
  return into.message !== undefined;
}

export function sysRecvmsg(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const into: Partial<Received> = {};
  const result = receive(call, fd, call.address(1), call.int(2), into);
  if (!isReceived(into)) {
    if (typeof result === 'number') refuseSocket(call, fd, -result);
    return;
  }
  whenDone(call, result, bytes => {
    if (bytes < 0) return call.answer(bytes);
    deliver(call, hijack, into, delivered => call.answer(delivered < 0 ? delivered : bytes));
  });
}

// Many messages in one call.

/** What comes after a message: the following one, the end, or the end without it, as the program's memory cannot be written. */
type Next = (what: 'more' | 'last' | 'fault') => void;

/** One message of several: starts it, and takes what became of it. */
interface Batch {
  readonly count: number;
  start(i: number): Result;
  /** The message is done. */
  done(i: number, result: number, next: Next): void;
  /** `done` messages were moved before the call ended with `result`. */
  end(done: number, result: number): void;
}

/** A wait within a batch: when messages were moved before it, a signal ends the call with their number. */
class BatchWait implements Pending {
  interrupted = false;
  constructor(
    private readonly inner: Pending,
    private readonly before: number,
  ) {}
  get killable(): boolean {
    return this.inner.killable === true;
  }
  get restarts(): boolean {
    return this.inner.restarts !== false;
  }
  onDone(done: (result: number) => void): void {
    this.inner.onDone(done);
  }
  cancel(): number {
    const moved = this.inner.cancel();
    if (moved > 0 || this.before === 0) return moved;
    this.interrupted = true;
    return 1;
  }
}

function runBatch(call: Call, batch: Batch): void {
  let at = 0;
  let depth = 0;
  let again = false;
  const took = (result: number): void => {
    if (result < 0) return batch.end(at, result);
    batch.done(at, result, what => {
      if (what === 'fault') return batch.end(at, -EFAULT);
      at++;
      if (what === 'last' || at >= batch.count) return batch.end(at, 0);
      // Results that are there at once come from within step(), which goes on itself.
      if (depth > 0) again = true;
      else step();
    });
  };
  const step = (): void => {
    do {
      again = false;
      depth++;
      const result = batch.start(at);
      if (typeof result === 'number') {
        took(result);
      } else {
        const wait = new BatchWait(result, at);
        call.wait(wait, done => {
          if (wait.interrupted) batch.end(at, 0);
          else took(done);
        });
      }
      depth--;
    } while (again);
  };
  step();
}

export function sysSendmmsg(call: Call, hijack: Hijack): void {
  if (call.state.files.get(call.int(0)) < 0) return sendManyOnHost(call, hijack);
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const base = call.address(1);
  const flags = call.int(3);
  const count = Math.min(call.uint(2), IOV_MAX);
  if (count === 0) return refuseSocket(call, fd, 0);
  const left = call.uioVector(false, []);
  runBatch(call, {
    count,
    start: i => send(call, hijack, fd, base + i * MMSGHDR_SIZE, flags),
    done: (i, sent, next) => {
      if (writeInt(call, base + i * MMSGHDR_SIZE + MSG_LEN_AT, sent) < 0) return next('fault');
      next(left.resid > 0 ? 'last' : 'more');
    },
    end: (done, result) => {
      if (done > 0) call.answer(done);
      else endSend(call, fd, flags, result);
    },
  });
}

const TIMESPEC_SIZE = 16;
const NANOSECONDS = 1_000_000_000;

/** The timeout of recvmmsg(2) in milliseconds, Infinity for none; -errno. */
function readTimeout(call: Call, at: number): number {
  if (at === 0) return Number.POSITIVE_INFINITY;
  const bytes = new Uint8Array(TIMESPEC_SIZE);
  if (call.read(at, bytes) < 0) return -EFAULT;
  const view = new DataView(bytes.buffer);
  const [sec, nsec] = [Number(view.getBigInt64(0, true)), Number(view.getBigInt64(8, true))];
  return sec < 0 || nsec < 0 || nsec >= NANOSECONDS ? -EINVAL : sec * 1000 + nsec / 1_000_000;
}

function writeTimeout(call: Call, at: number, milliseconds: number): void {
  const left = Math.max(0, milliseconds);
  const bytes = new Uint8Array(TIMESPEC_SIZE);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(Math.floor(left / 1000)), true);
  view.setBigInt64(8, BigInt(Math.floor((left % 1000) * 1_000_000)), true);
  call.write(at, bytes);
}

export function sysRecvmmsg(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const base = call.address(1);
  const count = call.uint(2);
  let flags = call.int(3);
  const timeoutAt = call.address(4);
  const timeout = readTimeout(call, timeoutAt);
  if (timeout < 0) return call.answer(timeout);
  if (count === 0) return refuseSocket(call, fd, 0);
  const deadline = performance.now() + timeout;
  let into: Partial<Received> = {};
  runBatch(call, {
    count,
    start: i => {
      into = {};
      return receive(call, fd, base + i * MMSGHDR_SIZE, flags & ~MSG_WAITFORONE, into);
    },
    done: (i, bytes, next) => {
      if (!isReceived(into)) return next('fault');
      const { message } = into;
      deliver(call, hijack, into, delivered => {
        const fault = delivered || writeInt(call, base + i * MMSGHDR_SIZE + MSG_LEN_AT, bytes);
        if ((flags & MSG_WAITFORONE) !== 0) flags |= MSG_DONTWAIT;
        const isLast = performance.now() >= deadline || (message.flags & MSG_OOB) !== 0;
        next(fault !== 0 ? 'fault' : isLast ? 'last' : 'more');
      });
    },
    end: (done, result) => {
      if (timeoutAt !== 0) writeTimeout(call, timeoutAt, deadline - performance.now());
      call.answer(done > 0 ? done : result);
    },
  });
}
