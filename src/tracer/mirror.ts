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
 * that is hung up at first, as one is that was never connected, may be connected later; after that a hangup is for good.
 */
export class Mirror {
  #number = -1;
  #held = false;
  #missed = -1;
  /** Why there is no host socket: -EMFILE, -ENFILE, ... */
  error = 0;

  /** The tracer's descriptor of the end that goes into the tracee; -1: there is none. */
  get fd(): number {
    return this.#number < 0 ? -1 : native.mirrorFd(this.#number);
  }

  changed(revents: number): void {
    if (this.#held) {
      this.#missed = revents;
      return;
    }
    if (this.#number < 0) {
      if (this.error !== 0) return;
      const alone = (revents & (POLLHUP | POLLIN)) === POLLHUP;
      const number = native.mirrorOpen(alone ? 1 : 0);
      if (number < 0) {
        this.error = number;
        return;
      }
      this.#number = number;
      if (revents === (alone ? ALONE : CONNECTED)) return;
    }
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

  closed(): void {
    if (this.#number < 0) return;
    native.mirrorClose(this.#number);
    this.#number = -1;
  }
}
