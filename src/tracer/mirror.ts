/** Placeholders of what can be waited for: host sockets kept as ready as something else is (native/mirror.c). */
import { native } from './native.js';

/** asm-generic/poll.h */
const POLLIN = 0x1;
const POLLOUT = 0x4;
const POLLHUP = 0x10;

/** What a mirror shows that was just made. */
const CONNECTED = POLLOUT;
const ALONE = POLLOUT | POLLHUP;

/**
 * Made for KernelProcess.watch(): the first readiness that it is told makes the host socket, every other one changes it. A socket
 * that is hung up at first, as one is that was never connected, may be connected later; after that a hangup is for good, and only
 * another host socket in its place shows anything else: replace().
 */
export class Mirror {
  #number = -1;
  #held = false;
  #missed = -1;
  /** What was told last. */
  #revents = 0;
  /** The host socket was never connected; it is hung up for good. */
  #alone = false;
  #ended = false;
  /** Why there is no host socket: -EMFILE, -ENFILE, ... */
  error = 0;

  /** The tracer's descriptor of the end that goes into the tracee; -1: there is none. */
  get fd(): number {
    return this.#number < 0 ? -1 : native.mirrorFd(this.#number);
  }

  /** The host socket is hung up for good, and what it is the mirror of is not: it can be connected, or is. */
  get isStale(): boolean {
    return this.#ended && (this.#revents & (POLLHUP | POLLIN)) !== (POLLHUP | POLLIN);
  }

  changed(revents: number): void {
    if (this.#held) {
      this.#missed = revents;
      return;
    }
    this.#revents = revents;
    if (this.#number < 0) {
      if (this.error !== 0) return;
      const number = this.#open();
      if (number < 0) this.error = number;
      else this.#opened(number);
      return;
    }
    if (this.#alone && revents === ALONE) return;
    this.#alone = false;
    if ((revents & POLLHUP) !== 0) this.#ended = true;
    native.mirrorSet(this.#number, revents);
  }

  /** What happens until release() is shown then, and only how it ends: a connection that failed is no hangup for good. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    if (this.#missed < 0) return;
    const revents = this.#missed;
    this.#missed = -1;
    this.changed(revents);
  }

  /** Another host socket, as ready as was told last, once `put` has given its descriptor to the program in place of the other's. */
  replace(put: (fd: number) => boolean): void {
    const number = this.#open();
    if (number < 0) return;
    let isPut = false;
    try {
      isPut = put(native.mirrorFd(number));
    } finally {
      native.mirrorClose(isPut ? this.#number : number);
    }
    if (isPut) this.#opened(number);
  }

  #opened(number: number): void {
    this.#number = number;
    this.#alone = this.#revents === ALONE;
    this.#ended = !this.#alone && (this.#revents & POLLHUP) !== 0;
  }

  /** A host socket that shows #revents; its number, or -errno. */
  #open(): number {
    const revents = this.#revents;
    const alone = (revents & (POLLHUP | POLLIN)) === POLLHUP;
    const number = native.mirrorOpen(alone ? 1 : 0);
    if (number < 0) return number;
    if (revents !== (alone ? ALONE : CONNECTED)) native.mirrorSet(number, revents);
    return number;
  }

  closed(): void {
    if (this.#number < 0) return;
    native.mirrorClose(this.#number);
    this.#number = -1;
  }
}
