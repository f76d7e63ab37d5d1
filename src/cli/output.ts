import { writeSync } from 'node:fs';

/** Exit status of the tracer's own failures, as env(1) and timeout(1) have it. */
export const OWN_FAILURE = 125;
export const CANNOT_RUN = 126;
export const NOT_FOUND = 127;
/** A signal n that ended the program becomes 128 + n (POSIX shell). */
export const SIGNAL_BASE = 128;

/** One line on standard error; lost only when nobody can read it. */
export function fail(message: string): void {
  const line = Buffer.from(`rumphijack: ${message}\n`);
  try {
    writeSync(2, line);
  } catch {
    // A closed or full standard error must not end the program that is traced.
  }
}
