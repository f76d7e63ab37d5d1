/** Lines for whoever runs the server; a client that misbehaves all the time fills no disk. */

/** Lines in a row, then one more for each interval. */
const BURST = 20;
const INTERVAL_MS = 5000;

export class Log {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #tokens = BURST;
  #refilled: number;
  #dropped = 0;

  /** `now`: milliseconds of a clock that never jumps. */
  constructor(write: (line: string) => void, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#now = now;
    this.#refilled = now();
  }

  say(line: string): void {
    const gained = Math.floor((this.#now() - this.#refilled) / INTERVAL_MS);
    if (gained > 0) {
      this.#tokens = Math.min(BURST, this.#tokens + gained);
      this.#refilled += gained * INTERVAL_MS;
    }
    if (this.#tokens === 0) {
      this.#dropped++;
      return;
    }
    this.#tokens--;
    if (this.#dropped > 0) this.#write(`${this.#dropped} lines like these were left out`);
    this.#dropped = 0;
    this.#write(line);
  }
}
