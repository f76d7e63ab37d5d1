/** What a kqueue waits for: one filter on one thing (struct knote of sys/event.h). */
import type { NetbsdKevent } from '../../abi/netbsd/event.js';

/** What there is to say now; undefined: nothing. */
export interface Fired {
  readonly data: number;
  /** NB_EV_EOF, or 0. */
  readonly flags: number;
}

/** The kqueue, for its knotes. */
export interface KnoteQueue {
  /** The knote may have something to say. Must not call the kernel: it may be in the middle of a call. */
  activate(knote: Knote): void;
  drop(knote: Knote): void;
}

export abstract class Knote {
  readonly ident: number;
  readonly filter: number;
  /** NB_EV_* that it was added with; later ones do not change them. */
  readonly flags: number;
  /** NOTE_* and what goes with them. */
  fflags: number;
  wanted: number;
  /** The program's own 8 bytes. */
  udata: Uint8Array;
  isActive = false;
  isDisabled = false;
  protected readonly queue: KnoteQueue;

  constructor(queue: KnoteQueue, event: NetbsdKevent, udata: Uint8Array) {
    this.queue = queue;
    this.ident = event.ident;
    this.filter = event.filter;
    this.flags = event.flags;
    this.fflags = event.fflags;
    this.wanted = event.data;
    this.udata = udata;
  }

  /** Looks at what it is about. */
  abstract evaluate(): Fired | undefined;
  /** It was reported, and EV_CLEAR says that it begins anew. */
  cleared(): void {}
  /** It is gone from its queue. */
  abstract detach(): void;
}
