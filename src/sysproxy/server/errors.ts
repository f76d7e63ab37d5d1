/** How a handler ends from anywhere within it. */

/** The call's result is -errno (Linux's number). Made once per errno: no stack is recorded at every failed call. */
export class CallError extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

const known = new Map<number, CallError>();

export function callError(errno: number): CallError {
  let error = known.get(errno);
  if (error === undefined) {
    error = new CallError(errno);
    known.set(errno, error);
  }
  return error;
}
