/** One client's connection: its frames, its calls under way, and what it has not read yet. */
import { toNetbsdErrno } from '../../abi/netbsd/errno.js';
import { EPOLLIN, EPOLLOUT, net } from '../../native/net.js';
import {
  Class,
  COPY_SIZE,
  FORK_BODY_SIZE,
  type Frame,
  FrameReader,
  Handshake,
  HEADER_SIZE,
  putHeader,
  SpError,
  SYSRESP_SIZE,
  TWO_32,
  Type,
} from '../frame.js';
import { Outbox } from '../outbox.js';
import { Call, type CallEntry } from './call.js';
import { PIECE } from './limits.js';
import type { Log } from './log.js';
import type { ClientProcess } from './process.js';
import type { ServerState } from './state.js';

/** The longest frame that a client has reason to send: the answer to a COPYIN of a whole piece. */
export const FRAME_LIMIT = HEADER_SIZE + PIECE;
/** NetBSD's ENOSYS, for numbers that nobody knows. */
const POOL = 16;
/** MAXCOMLEN of sys/param.h. */
const MAXCOMLEN = 16;

export class Session {
  readonly fd: number;
  readonly state: ServerState;
  readonly #reader = new FrameReader(FRAME_LIMIT);
  readonly #out = new Outbox();
  readonly #onFrame = (frame: Frame): boolean => this.#frame(frame);
  /** The process, once the handshake is over. */
  #process: ClientProcess | undefined;
  /** The call that the next request is loaded into: those that end at once never leave it. */
  #next = new Call(this);
  readonly #pool: Call[] = [];
  readonly #underWay = new Set<Call>();
  /** Calls that begin when the client has read its answers. */
  #held: Call[] = [];
  /** Who waits for the client's answer to which request of ours. */
  readonly #asks = new Map<number, Call>();
  #lastAsk = 0;
  #events = EPOLLIN;
  #isDirty = false;
  #closing = false;
  /** Continuations of calls whose data waits for the client to read. */
  #drains: (() => void)[] = [];
  /** Grows with every frame queued: tells whether a frame is still the last one. */
  frames = 0;

  constructor(fd: number, state: ServerState) {
    this.fd = fd;
    this.state = state;
  }

  get log(): Log {
    return this.state.log;
  }

  get process(): ClientProcess {
    if (this.#process === undefined) throw new Error('no handshake yet');
    return this.#process;
  }

  get isClosing(): boolean {
    return this.#closing;
  }

  /** More is queued than a client should leave unread. */
  get isFull(): boolean {
    return this.#out.size > this.state.limits.unread;
  }

  /** Sends the line that a client reads first. */
  greet(banner: Uint8Array): void {
    const at = this.#reserve(banner.length);
    this.#out.bytes.set(banner, at);
  }

  /** Bytes have come, or the end. `buffer` is for this call alone. */
  receive(buffer: Uint8Array): void {
    if (this.#closing) return;
    const got = net.recv(this.fd, buffer, 0, buffer.length);
    if (got === -11) return;
    if (got <= 0 || !this.#reader.feed(buffer, got, this.#onFrame)) this.close();
  }

  /** Sends what the socket takes, and decides what to wait for. Returns false when the connection is over. */
  flush(): boolean {
    this.#isDirty = false;
    if (this.#out.size > 0 && this.#out.flush(this.fd) < 0) this.close();
    if (this.#closing) return false;
    if (this.#out.size < this.state.limits.unread / 2) this.#drained();
    const events = (this.isFull ? 0 : EPOLLIN) | (this.#out.size > 0 ? EPOLLOUT : 0);
    if (events !== this.#events) {
      // Only epoll_ctl's memory can fail here; without it the client would hang.
      if (net.watch(this.fd, events === 0 ? EPOLLOUT : events) < 0) this.close();
      this.#events = events;
    }
    return !this.#closing;
  }

  /** The connection ends at the end of this turn: nothing is read any more. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.state.touch(this);
  }

  /** Ends everything that belongs to the client. The socket is the caller's to close. */
  teardown(): void {
    this.#cancelCalls();
    this.state.preforks.orphan(this);
    if (this.#process !== undefined) this.state.processes.exit(this.#process);
    this.#process = undefined;
    this.#out.clear();
  }

  // What calls need.

  /** Asks the client for memory. The request's number. */
  ask(call: Call, type: number, address: number, length: number): number {
    const number = this.#lastAsk++;
    const at = this.#reserve(HEADER_SIZE + COPY_SIZE);
    const { view } = this.#out;
    const low = number % TWO_32;
    putHeader(view, at, HEADER_SIZE + COPY_SIZE, low, (number - low) / TWO_32, Class.REQ, type, 0);
    putLong(view, at + HEADER_SIZE, length);
    putLong(view, at + HEADER_SIZE + 8, address);
    this.#asks.set(number, call);
    return number;
  }

  forget(ask: number): void {
    this.#asks.delete(ask);
  }

  copyout(address: number, bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; from += PIECE) {
      const part = bytes.subarray(from, from + PIECE);
      const at = this.beginCopyout(address + from, part.length);
      this.#out.bytes.set(part, at);
    }
  }

  /** Queues a COPYOUT of `length` bytes; returns where in `outgoing` they go. */
  beginCopyout(address: number, length: number): number {
    const total = HEADER_SIZE + COPY_SIZE + length;
    const number = this.#lastAsk++;
    const at = this.#reserve(total);
    const { view } = this.#out;
    const low = number % TWO_32;
    putHeader(view, at, total, low, (number - low) / TWO_32, Class.REQ, Type.COPYOUT, 0);
    putLong(view, at + HEADER_SIZE, length);
    putLong(view, at + HEADER_SIZE + 8, address);
    return at + HEADER_SIZE + COPY_SIZE;
  }

  /** Adds `more` bytes to the COPYOUT queued last, which has `length` by now; returns where they go. */
  growCopyout(length: number, more: number): number {
    const at = this.#out.reserve(more);
    const header = at - length - COPY_SIZE - HEADER_SIZE;
    const { view } = this.#out;
    view.setUint32(header, HEADER_SIZE + COPY_SIZE + length + more, true);
    view.setUint32(header + HEADER_SIZE, length + more, true);
    return at;
  }

  get outgoing(): Uint8Array {
    return this.#out.bytes;
  }

  /** RAISE: the signal (NetBSD's number) is the client's to deliver. */
  raise(signal: number): void {
    const at = this.#reserve(HEADER_SIZE);
    const number = this.#lastAsk++;
    const low = number % TWO_32;
    putHeader(this.#out.view, at, HEADER_SIZE, low, (number - low) / TWO_32, Class.REQ, Type.RAISE, signal);
  }

  /** Answers a call: >= 0, or -errno (Linux's). */
  reply(call: Call, result: number): void {
    const at = this.#reserve(HEADER_SIZE + SYSRESP_SIZE);
    const { view } = this.#out;
    const { reqnoLow, reqnoHigh } = call;
    putHeader(view, at, HEADER_SIZE + SYSRESP_SIZE, reqnoLow, reqnoHigh, Class.RESP, Type.SYSCALL, 0);
    const failed = result < 0;
    view.setInt32(at + HEADER_SIZE, failed ? toNetbsdErrno(-result) : 0, true);
    view.setInt32(at + HEADER_SIZE + 4, 0, true);
    putLong(view, at + HEADER_SIZE + 8, failed ? 0 : result);
    putLong(view, at + HEADER_SIZE + 16, failed ? 0 : call.second);
  }

  /** A call that had to wait has been answered. */
  finished(call: Call): void {
    this.#underWay.delete(call);
    if (this.#pool.length < POOL) this.#pool.push(call);
  }

  /** Runs `go` once the client has read most of what waits for it. */
  whenDrained(go: () => void): void {
    this.#drains.push(go);
  }

  notDrained(go: () => void): void {
    this.#drains = this.#drains.filter(other => other !== go);
  }

  // Frames.

  #frame(frame: Frame): boolean {
    if (this.#process === undefined) this.#greeted(frame);
    else if (frame.cls === Class.REQ) this.#request(frame);
    else if (frame.cls === Class.RESP) this.#answer(frame, frame.size);
    else if (frame.cls !== Class.ERROR || !this.#answer(frame, -1)) this.#malformed(frame);
    return !this.#closing;
  }

  #request(frame: Frame): void {
    if (frame.type === Type.SYSCALL) this.#call(frame);
    else if (frame.type === Type.PREFORK) this.#prefork(frame);
    else if (frame.type !== Type.HANDSHAKE) this.#malformed(frame);
    else if (frame.info === Handshake.EXEC) this.#exec(frame);
    else {
      this.#malformed(frame);
      this.close();
    }
  }

  #call(frame: Frame): void {
    const entry = this.state.calls[frame.info];
    const call = this.#next;
    call.reqnoLow = frame.reqnoLow;
    call.reqnoHigh = frame.reqnoHigh;
    if (entry === undefined) {
      call.second = 0;
      this.reply(call, -38);
    } else if (frame.size < entry.slots * 8) this.#malformed(frame);
    else if (this.#underWay.size + this.#held.length >= this.state.limits.calls) {
      this.#error(frame, SpError.TRYAGAIN);
    } else {
      call.load(frame.view, frame.at, entry.slots);
      if (this.isFull) this.#hold(call, entry);
      else this.#begin(call, entry);
    }
  }

  #begin(call: Call, entry: CallEntry): void {
    // Before it begins: it may have to wait for what ends while it does.
    if (call === this.#next) this.#next = this.#pool.pop() ?? new Call(this);
    if (call.begin(entry)) this.#recycle(call);
    else this.#underWay.add(call);
  }

  #recycle(call: Call): void {
    if (this.#pool.length < POOL) this.#pool.push(call);
  }

  #hold(call: Call, entry: CallEntry): void {
    call.entry = entry;
    this.#held.push(call);
    this.#next = this.#pool.pop() ?? new Call(this);
  }

  /** The client has read: what was put off goes on. */
  #drained(): void {
    // One by one: each may queue as much as a client is sent at once.
    while (this.#drains.length > 0 && !this.isFull) this.#drains.shift()?.();
    while (this.#held.length > 0 && !this.isFull) {
      const call = this.#held.shift();
      if (call?.entry !== undefined) this.#begin(call, call.entry);
    }
  }

  /** RESP, or ERROR (size -1), to a request of ours. False when there is no such request; the real server ignores a RESP then. */
  #answer(frame: Frame, size: number): boolean {
    const number = frame.reqnoLow + frame.reqnoHigh * TWO_32;
    const call = this.#asks.get(number);
    if (call === undefined) return false;
    this.#asks.delete(number);
    call.answered(frame.bytes, frame.at, size);
    return true;
  }

  /** The first request has to say who is there. */
  #greeted(frame: Frame): void {
    const { state } = this;
    if (frame.cls !== Class.REQ || frame.type !== Type.HANDSHAKE) this.#refuse(frame, SpError.AUTH);
    else if (frame.info === Handshake.GUEST) {
      this.#process = state.processes.spawn(commOf(frame));
      this.#welcome(frame);
    } else if (frame.info !== Handshake.FORK) this.#refuse(frame, SpError.AUTH);
    else if (frame.size !== FORK_BODY_SIZE) this.#refuse(frame, SpError.MALFORMED_REQUEST);
    else this.#fork(frame);
  }

  #fork(frame: Frame): void {
    const { preforks, processes } = this.state;
    const announced = preforks.take(frame.bytes, frame.at);
    if (announced === undefined) {
      this.#refuse(frame, SpError.INVALID_PREFORK);
      return;
    }
    if (frame.view.getInt32(frame.at + FORK_BODY_SIZE - 4, true) !== 0) {
      processes.exit(announced);
      this.close();
      return;
    }
    // A second fork, as in the real server: the announced process kept the descriptors open, the child gets a pid of its own.
    this.#process = processes.fork(announced, true);
    processes.exit(announced);
    this.#welcome(frame);
  }

  #exec(frame: Frame): void {
    // The program that made these calls is gone, and the new one counts its requests anew: no answers.
    this.#cancelCalls();
    const comm = commOf(frame);
    this.process.comm = comm;
    this.process.kernel.exec(comm);
    this.#welcome(frame);
  }

  #prefork(frame: Frame): void {
    const { preforks, processes } = this.state;
    if (preforks.count(this) >= this.state.limits.preforks) {
      this.#error(frame, SpError.TRYAGAIN);
      return;
    }
    const auth = preforks.add(this, processes.fork(this.process, false));
    const at = this.#respond(frame, auth.length);
    this.#out.bytes.set(auth, at);
  }

  #welcome(frame: Frame): void {
    const at = this.#respond(frame, 4);
    this.#out.view.setInt32(at, 0, true);
  }

  #respond(frame: Frame, size: number): number {
    const at = this.#reserve(HEADER_SIZE + size);
    const { reqnoLow, reqnoHigh, type } = frame;
    putHeader(this.#out.view, at, HEADER_SIZE + size, reqnoLow, reqnoHigh, Class.RESP, type, 0);
    return at + HEADER_SIZE;
  }

  #malformed(frame: Frame): void {
    this.#error(frame, SpError.MALFORMED_REQUEST);
  }

  #refuse(frame: Frame, error: number): void {
    this.#error(frame, error);
    this.close();
  }

  /** Its type is 0 whatever failed, as the real server has it. */
  #error(frame: Frame, error: number): void {
    const at = this.#reserve(HEADER_SIZE);
    putHeader(this.#out.view, at, HEADER_SIZE, frame.reqnoLow, frame.reqnoHigh, Class.ERROR, 0, error);
  }

  #cancelCalls(): void {
    for (const call of this.#underWay) call.cancel();
    this.#underWay.clear();
    this.#held = [];
    this.#asks.clear();
    this.#drains = [];
  }

  #reserve(length: number): number {
    this.frames++;
    if (!this.#isDirty) {
      this.#isDirty = true;
      this.state.touch(this);
    }
    return this.#out.reserve(length);
  }
}

function putLong(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / TWO_32) | 0, true);
}

/** The program's name: ends at its NUL, or where the frame does. */
function commOf(frame: Frame): string {
  const body = Buffer.from(frame.bytes.buffer, frame.bytes.byteOffset + frame.at, frame.size);
  const end = body.indexOf(0);
  return body.subarray(0, Math.min(end < 0 ? body.length : end, MAXCOMLEN)).toString('latin1');
}
