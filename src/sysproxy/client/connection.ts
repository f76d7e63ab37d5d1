/** One connection to a server: requests out, answers and the server's own requests in. */
import { EAGAIN, EBUSY, EINVAL, EIO, ENOMEM, ENOTCONN, EPERM, ESRCH } from '../../abi/linux/errno.js';
import { toLinuxErrno } from '../../abi/netbsd/errno.js';
import type { EventLoop, Waiter } from '../../native/loop.js';
import { net } from '../../native/net.js';
import { AUTH_SIZE, Class, type Frame, FrameReader, HEADER_SIZE, putHeader, TWO_32, Type } from '../frame.js';
import { Outbox } from '../outbox.js';
import { ServerRequests } from './requests.js';
import { State, SysCall, slotOf } from './syscall.js';

/** The longest frame that is taken from a server: a sysctl of a large table is the longest that real ones send. */
const FRAME_LIMIT = 16 * 1024 * 1024 + HEADER_SIZE;
const ENOBUFS = 105;

/** Linux errnos for SpError. */
const SP_ERRNO = [0, EAGAIN, EPERM, ESRCH, EIO, EBUSY, ENOMEM, EINVAL];

/** A request other than a system call: HANDSHAKE or PREFORK. */
export class Control {
  over = false;
  /** 0 or -errno of Linux. */
  result = 0;
  /** What PREFORK gave. */
  auth: Uint8Array | undefined;
  /** Runs at a turn of the loop, when set before the answer has come. */
  later: (() => void) | undefined;
}

/** The calls of one process, reused: a slot's number is part of the addresses that the server is given. */
export class CallPool {
  readonly #calls: SysCall[] = [];
  readonly #free: SysCall[] = [];

  /** A call to be filled in. */
  begin(nr: number): SysCall {
    let call = this.#free.pop();
    if (call === undefined) {
      call = new SysCall(this.#calls.length);
      this.#calls.push(call);
    }
    return call.begin(nr);
  }

  /** Takes back a call that is over or was never sent. */
  drop(call: SysCall): void {
    call.release();
    this.#free.push(call);
  }

  /** The call in flight that has this high word in its addresses. */
  flying(high: number): SysCall | undefined {
    const call = this.#calls[slotOf(high)];
    return call?.state === State.FLYING ? call : undefined;
  }
}

/** What a connection tells its owner. */
export interface ConnectionEvents {
  /** The server has closed the connection, or says what makes no sense. All calls in flight have been answered with ENOTCONN. */
  onLost(connection: Connection): void;
  /** RAISE: a signal (NetBSD's number) for the thread whose call it belongs to. */
  onSignal(tag: number, signal: number): void;
}

export class Connection implements Waiter {
  readonly #outbox = new Outbox();
  readonly #reader = new FrameReader(FRAME_LIMIT);
  readonly #flying = new Map<number, SysCall | Control>();
  readonly #requests: ServerRequests;
  readonly #onFrame = (frame: Frame): boolean => this.#frame(frame);
  #reqno = 1;
  #watching = 0;
  /** The last call was not answered within patience: do not hold up everybody again. */
  #slow = false;
  #raised: number[] = [];
  /** Calls under way that were posted. */
  #posted = 0;
  lost = false;

  constructor(
    readonly fd: number,
    readonly loop: EventLoop,
    readonly pool: CallPool,
    readonly events: ConnectionEvents,
  ) {
    this.#requests = new ServerRequests(this.#outbox, pool);
  }

  /** Requests by the server for memory that was not there to be had. */
  get strays(): number {
    return this.#requests.strays;
  }

  /** Queues the call's frame. Its answer comes through wait() or onReady(). */
  send(call: SysCall): void {
    call.state = State.FLYING;
    call.reqno = this.#request(Type.SYSCALL, call.nr, call.slots * 8);
    this.#flying.set(call.reqno, call);
    const { view } = this.#outbox;
    let at = this.#outbox.start + this.#outbox.size - call.slots * 8;
    for (let i = 0; i < call.slots * 2; i++, at += 4) view.setUint32(at, call.words[i], true);
  }

  /** As send(), for a call that nobody waits for by wait(): the loop goes on with it. */
  post(call: SysCall): void {
    this.send(call);
    call.isPosted = true;
    this.#posted++;
    this.#flush();
    if (!this.lost) this.#watch();
  }

  /** Queues a handshake or a PREFORK. */
  control(type: number, info: number, body: Uint8Array): Control {
    const control = new Control();
    const reqno = this.#request(type, info, body.length);
    this.#flying.set(reqno, control);
    this.#outbox.bytes.set(body, this.#outbox.start + this.#outbox.size - body.length);
    return control;
  }

  /** The stock client counts from 0 after an exec; answers that are still to come would be taken for others'. */
  restartCount(): void {
    if (this.#flying.size === 0) this.#reqno = 0;
  }

  /** Looks whether the server has closed the connection while nobody was waiting for it. */
  check(): void {
    if (this.lost || this.#flying.size > this.#posted) return;
    const got = net.recv(this.fd, this.loop.inbox, 0, this.loop.inbox.length);
    if (got > 0) this.#received(got);
    else if (got !== -EAGAIN) this.lose();
  }

  #request(type: number, info: number, bodySize: number): number {
    const at = this.#outbox.reserve(HEADER_SIZE + bodySize);
    const reqno = this.#reqno++;
    const [low, high] = [reqno % TWO_32, Math.floor(reqno / TWO_32)];
    putHeader(this.#outbox.view, at, HEADER_SIZE + bodySize, low, high, Class.REQ, type, info);
    return reqno;
  }

  /**
   * Sends what is queued and serves the server until `isOver` or patience is at an end. `patient`: until the server
   * answers, however long that takes.
   */
  wait(isOver: () => boolean, patient: boolean): void {
    while (!this.lost && !isOver()) {
      if (this.#slow && !patient) {
        this.#flush();
        break;
      }
      const got = this.#exchange();
      if (got > 0) this.#received(got);
      else if (got === 0 || (got !== -EAGAIN && got !== -ENOBUFS)) this.lose();
      else if (!patient) {
        this.#slow = got === -EAGAIN;
        break;
      } else {
        this.#watch();
        this.loop.turn(-1);
      }
    }
    if (!this.lost) this.#watch();
  }

  /** As wait(), for a call that may take its time in the kernel: at least `milliseconds`, and no conclusion about the server follows. */
  waitBriefly(isOver: () => boolean, milliseconds: number): void {
    const slow = this.#slow;
    const until = milliseconds === 0 ? 0 : performance.now() + milliseconds;
    do {
      this.wait(isOver, false);
      if (until > 0) this.#slow = false;
    } while (!this.lost && !isOver() && performance.now() < until);
    this.#slow = slow;
  }

  #exchange(): number {
    const { loop } = this;
    const outbox = this.#outbox;
    if (outbox.start > 0 && outbox.size > 0) {
      const left = outbox.flush(this.fd);
      if (left !== 0) return left < 0 ? left : -ENOBUFS;
    }
    const { size } = outbox;
    const got = net.exchange(this.fd, outbox.bytes, size, loop.inbox, loop.inbox.length);
    if (got === -ENOBUFS) outbox.sent(net.sent());
    else if (size > 0) outbox.sent(size);
    return got;
  }

  /** A watched socket is ready: the loop's call. */
  onReady(): void {
    while (!this.lost) {
      this.#flush();
      if (this.lost) return;
      const got = net.recv(this.fd, this.loop.inbox, 0, this.loop.inbox.length);
      if (got === -EAGAIN) break;
      if (got <= 0) return this.lose();
      this.#received(got);
    }
    if (!this.lost) this.#watch();
  }

  #received(length: number): void {
    this.#slow = false;
    if (!this.#reader.feed(this.loop.inbox, length, this.#onFrame)) this.lose();
  }

  #flush(): void {
    if (this.#outbox.flush(this.fd) < 0) this.lose();
  }

  /** Watches the socket while an answer is due, or bytes wait to be sent. */
  #watch(): void {
    const due = this.#outbox.size > 0 ? 2 : this.#flying.size > 0 ? 1 : 0;
    if (due === this.#watching) return;
    this.#watching = due;
    if (due === 0) this.loop.unwatch(this.fd);
    else this.loop.watch(this.fd, this, due === 2);
  }

  #frame(frame: Frame): boolean {
    if (frame.cls === Class.REQ) {
      if (frame.type === Type.RAISE) {
        this.#raise(frame.info);
        return true;
      }
      return this.#requests.serve(frame);
    }
    const reqno = frame.reqnoHigh * TWO_32 + frame.reqnoLow;
    const request = this.#flying.get(reqno);
    // The stock client ignores answers to questions that it did not ask.
    if (request === undefined) return true;
    this.#flying.delete(reqno);
    if (request instanceof SysCall) this.#answer(request, frame);
    else this.#answerControl(request, frame);
    return true;
  }

  #answer(call: SysCall, frame: Frame): void {
    if (frame.cls === Class.ERROR) call.result = -(SP_ERRNO[frame.info] ?? EIO);
    else if (frame.type !== Type.SYSCALL || frame.size < 24) call.result = -EIO;
    else {
      const { view, at } = frame;
      const error = view.getInt32(at, true);
      call.result = error === 0 ? signed(view, at + 8) : -toLinuxErrno(error);
      call.second = signed(view, at + 16);
    }
    for (const signal of this.#raised.splice(0)) this.events.onSignal(call.tag, signal);
    this.#over(call);
  }

  #answerControl(control: Control, frame: Frame): void {
    if (frame.cls === Class.ERROR) control.result = -(SP_ERRNO[frame.info] ?? EIO);
    else if (frame.type === Type.PREFORK && frame.size >= AUTH_SIZE)
      control.auth = frame.bytes.slice(frame.at, frame.at + AUTH_SIZE);
    else if (frame.size < 4) control.result = -EIO;
    else {
      const error = frame.view.getInt32(frame.at, true);
      control.result = error === 0 ? 0 : -toLinuxErrno(error);
    }
    this.#controlOver(control);
  }

  #controlOver(control: Control): void {
    control.over = true;
    if (control.later !== undefined) this.loop.complete(control.later);
  }

  /** An answer has come, or never will. */
  #over(call: SysCall): void {
    call.state = State.DONE;
    if (call.isPosted) this.#posted--;
    const { later } = call;
    if (later === undefined) return;
    this.loop.complete(() => {
      if (call.abandoned) call.late?.(call);
      else {
        const result = call.finish(call);
        if (typeof result === 'number') later.settle(result);
        else later.follow(result);
      }
      this.pool.drop(call);
    });
  }

  /** The signal belongs to the one call in flight, or to the one of several that is answered next. */
  #raise(signal: number): void {
    let only: SysCall | undefined;
    for (const request of this.#flying.values()) {
      if (!(request instanceof SysCall)) continue;
      if (only !== undefined) {
        this.#raised.push(signal);
        return;
      }
      only = request;
    }
    if (only !== undefined) this.events.onSignal(only.tag, signal);
  }

  /** The connection is gone: everything in flight fails. */
  lose(): void {
    if (this.lost) return;
    this.lost = true;
    this.close();
    const all = [...this.#flying.values()];
    this.#flying.clear();
    for (const request of all) {
      if (request instanceof SysCall) {
        request.result = -ENOTCONN;
        this.#over(request);
      } else {
        request.result = -ENOTCONN;
        this.#controlOver(request);
      }
    }
    this.events.onLost(this);
  }

  /** Closes the socket; nothing is told. */
  close(): void {
    this.lost = true;
    this.loop.unwatch(this.fd);
    net.close(this.fd);
  }
}

function signed(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}
