/** The wall clock as the file system stamps it. */

/** Milliseconds since 1970, with a fraction; never ahead of the host's clock by as much as a millisecond. */
export type Now = () => number;

/** `Date.now()` refined by the monotonic clock, so that two stamps within one millisecond differ. */
export function hostNow(): Now {
  let origin = Date.now() - performance.now();
  return () => {
    const wall = Date.now();
    const fine = origin + performance.now();
    if (fine >= wall && fine < wall + 1) return fine;
    // The wall clock was set, or the two drifted apart.
    origin = wall - performance.now();
    return wall;
  };
}

/** The time of the call under way: seconds and nanoseconds, read without allocating. */
export class Clock {
  sec = 0;
  nsec = 0;
  readonly #now: Now;

  constructor(now: Now) {
    this.#now = now;
  }

  /** Reads the clock into `sec` and `nsec`. */
  tick(): void {
    const time = this.#now();
    this.sec = Math.floor(time / 1000);
    this.nsec = Math.floor((time - this.sec * 1000) * 1e6);
  }
}
