/** EVFILT_TIMER: how often its time has come since it was last told (filt_timer* of sys/kern/kern_event.c). */
import { NB_EV_ONESHOT, type NetbsdKevent } from '../../abi/netbsd/event.js';
import type { EventLoop, Timer } from '../../native/loop.js';
import { type Fired, Knote, type KnoteQueue } from './knote.js';

/** A client's shortest period, milliseconds: a tick of a rump kernel's clock. */
const TICK = 10;
/** What a loop can wait. */
const LONGEST = 2 ** 31 - 1;

export class TimerKnote extends Knote {
  readonly #loop: EventLoop;
  readonly #period: number;
  #timer: Timer;
  #expired = 0;

  /** `event.data`: milliseconds. */
  constructor(queue: KnoteQueue, loop: EventLoop, event: NetbsdKevent, udata: Uint8Array) {
    super(queue, event, udata);
    this.#loop = loop;
    this.#period = Math.min(Math.max(event.data, TICK), LONGEST);
    this.#timer = this.#start();
  }

  #start(): Timer {
    return this.#loop.after(this.#period, () => {
      this.#expired++;
      if ((this.flags & NB_EV_ONESHOT) === 0) this.#timer = this.#start();
      this.queue.activate(this);
    });
  }

  override evaluate(): Fired | undefined {
    return this.#expired === 0 ? undefined : { data: this.#expired, flags: 0 };
  }

  override cleared(): void {
    this.#expired = 0;
  }

  override detach(): void {
    this.#loop.cancel(this.#timer);
  }
}
