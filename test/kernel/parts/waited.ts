import type { Pending, Result } from '../../../src/kernel/rump_kernel.js';

/** A call's outcome as a test follows it. */
export interface Waited {
  /** The result once there is one. */
  result: number | undefined;
  readonly pending: Pending | undefined;
}

/** Follows a result; a pending one is armed at once. `then` runs with the result of a call that waited. */
export function follow(result: Result, then: (result: number) => void = () => {}): Waited {
  if (typeof result === 'number') return { result, pending: undefined };
  const waited: Waited = { result: undefined, pending: result };
  result.onDone(value => {
    waited.result = value;
    then(value);
  });
  return waited;
}

/** Cancels a call that waits and returns what it had moved. */
export function cancel(waited: Waited): number | undefined {
  return waited.pending?.cancel();
}
