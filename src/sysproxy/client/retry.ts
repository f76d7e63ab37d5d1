/** What happens when a server is lost: RUMPHIJACK_RETRYCONNECT of rumphijack(3), rumpclient_setconnretry of rumpclient(3). */

/** 'no': all later calls fail. 'die': the program ends. 'once': one attempt for each call. Else seconds, Infinity for ever. */
export type RetryPolicy = 'no' | 'die' | 'once' | number;

export class RetryError extends Error {}

/** Reads a policy; `source` names where it came from. Throws RetryError. */
export function parseRetry(text: string | undefined, source: string): RetryPolicy {
  if (text === undefined) return 'no';
  if (text === 'die' || text === 'once') return text;
  if (text === 'inftime') return Number.POSITIVE_INFINITY;
  if (!/^\d{1,9}$/.test(text))
    throw new RetryError(`${source}: '${text}' is none of inftime, once, die and a number of seconds`);
  return text === '0' ? 'no' : Number(text);
}

/** Waits between attempts, as the original: 0, 0.1, 0.2, ... 0.9 seconds, then 1, 2, ... 10. Milliseconds. */
export function backoff(attempt: number): number {
  return attempt < 10 ? attempt * 100 : Math.min(10, attempt - 9) * 1000;
}

/** While a server stays away, this is said again after so many milliseconds. */
const REMINDER_MS = 120_000;

/** Tells the user about reconnects: once for all processes, and again only when there is news. */
export class RetryNews {
  #lostSince = 0;
  #toldAt = 0;
  readonly #tell: (message: string) => void;

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  /** An attempt has failed. */
  failed(): void {
    const now = performance.now();
    if (this.#lostSince === 0) {
      this.#lostSince = now;
      this.#toldAt = now;
      this.#tell('connection to the rump kernel lost, trying to reconnect ...');
    } else if (now - this.#toldAt >= REMINDER_MS) {
      this.#toldAt = now;
      this.#tell('still trying to reconnect to the rump kernel ...');
    }
  }

  /** A process has its connection again. `first`: the first attempt had it. */
  succeeded(): void {
    if (this.#lostSince === 0) this.#tell('reconnected to the rump kernel; what was open there is lost');
    else this.#tell('reconnected');
    this.#lostSince = 0;
  }

  /** A process gives up for now. */
  gaveUp(seconds: number): void {
    if (this.#lostSince !== 0) this.#tell(`reconnect failed, ${seconds} second timeout`);
    this.#lostSince = 0;
  }
}
