/** One system call of a client while it is served: its arguments, the client's memory, and what it waits for. */
import { EFAULT, EIO, ENAMETOOLONG } from '../../abi/linux/errno.js';
import { NB_SIGPIPE } from '../../abi/netbsd/signal.js';
import type { OpenFile } from '../../kernel/open_files.js';
import type { EmbeddedProcess } from '../../kernel/process.js';
import type { BytePath, Pending, Result } from '../../kernel/rump_kernel.js';
import { TWO_32, Type } from '../frame.js';
import { CallError, callError } from './errors.js';
import type { ClientProcess } from './process.js';
import type { Session } from './session.js';

/**
 * A handler that waits: it yields a Pending, or undefined when it waits for the client's answer, and gets the result.
 * Generators, since the server's loop is synchronous and no promise would ever be kept in it.
 */
export type Steps<T = number> = Generator<Pending | undefined, T, number>;

/** The call's result, >= 0 or -errno (Linux's numbers), at once or in steps. */
export type Handler = (call: Call) => number | Steps;

/** An entry of the table of calls. */
export interface CallEntry {
  readonly name: string;
  /** 8-byte slots that its arguments take, padding included. */
  readonly slots: number;
  readonly handler: Handler;
}

/** NetBSD's SYS_MAXSYSARGS. */
const MAX_SLOTS = 8;
/** Addresses that a number holds exactly; no amd64 program has others. */
const MAX_ADDRESS = Number.MAX_SAFE_INTEGER;
/** NetBSD's MAXPATHLEN. */
const MAXPATHLEN = 1024;

const NOTHING = new Uint8Array(0);

export class Call {
  readonly session: Session;
  readonly #words = new Uint32Array(MAX_SLOTS * 2);
  reqnoLow = 0;
  reqnoHigh = 0;
  /** retval[1] of the answer. */
  second = 0;
  entry: CallEntry | undefined;
  /** What the client has answered; valid until the handler's next step. */
  #answer: Uint8Array = NOTHING;
  #steps: Steps | undefined;
  #pending: Pending | undefined;
  /** The number of the request that the client has to answer, or -1. */
  #asked = -1;

  constructor(session: Session) {
    this.session = session;
  }

  get process(): ClientProcess {
    return this.session.process;
  }

  get kernel(): EmbeddedProcess {
    return this.session.process.kernel;
  }

  /** What a descriptor of the process is open on. */
  file(fd: number): OpenFile | undefined {
    return this.session.process.kernel.openFile(fd);
  }

  /** EPIPE comes with SIGPIPE, unless the descriptor is to have none. */
  raiseSigpipe(fd: number): void {
    const file = this.file(fd);
    if (file === undefined || !this.session.state.noSigpipe.has(file)) this.session.raise(NB_SIGPIPE);
  }

  /** Takes the arguments out of a frame's body. */
  load(view: DataView, at: number, slots: number): void {
    for (let word = 0; word < slots * 2; word++) this.#words[word] = view.getUint32(at + word * 4, true);
    this.second = 0;
  }

  /** The n-th slot as an int. */
  int(slot: number): number {
    return this.#words[slot * 2] | 0;
  }

  uint(slot: number): number {
    return this.#words[slot * 2];
  }

  /** A signed 64-bit argument: an offset, a size. */
  long(slot: number): number {
    return (this.#words[slot * 2 + 1] | 0) * TWO_32 + this.#words[slot * 2];
  }

  /** A size_t or an address. */
  ulong(slot: number): number {
    return this.#words[slot * 2 + 1] * TWO_32 + this.#words[slot * 2];
  }

  /** copyin(9): bytes of the client's memory, which are the caller's to keep. Ends the call with EFAULT when there are none. */
  *copyin(address: number, length: number): Steps<Uint8Array> {
    if (length === 0) return NOTHING;
    return (yield* this.borrow(address, length)).slice();
  }

  /** As copyin(), but the bytes are valid only until the handler waits again. */
  *borrow(address: number, length: number): Steps<Uint8Array> {
    const got = yield* this.#ask(Type.COPYIN, address, length);
    if (got !== length) throw callError(EFAULT);
    return this.#answer;
  }

  /** copyinstr(9): a string of less than `max` bytes. Ends the call with EFAULT or ENAMETOOLONG. */
  *copyinstr(address: number, max: number): Steps<BytePath> {
    const got = yield* this.#ask(Type.COPYINSTR, address, max);
    const end = this.#answer.subarray(0, Math.min(got, max)).indexOf(0);
    if (end < 0) throw callError(ENAMETOOLONG);
    return Buffer.from(this.#answer.buffer, this.#answer.byteOffset, end).toString('latin1');
  }

  /** A path argument. */
  path(slot: number): Steps<BytePath> {
    return this.copyinstr(this.ulong(slot), MAXPATHLEN);
  }

  /** copyout(9). Nobody tells whether it arrived. */
  copyout(address: number, bytes: Uint8Array): void {
    if (address > MAX_ADDRESS) throw callError(EFAULT);
    if (bytes.length > 0) this.session.copyout(address, bytes);
  }

  *#ask(type: number, address: number, length: number): Steps<number> {
    if (address > MAX_ADDRESS) throw callError(EFAULT);
    this.#asked = this.session.ask(this, type, address, length);
    const got = yield undefined;
    if (got < 0) throw callError(EFAULT);
    return got;
  }

  /** Begins the call. Returns false when it has to wait. */
  begin(entry: CallEntry): boolean {
    this.entry = entry;
    let result: number | Steps;
    try {
      result = entry.handler(this);
    } catch (error) {
      result = this.#failure(error);
    }
    if (typeof result === 'number') {
      this.session.reply(this, result);
      return true;
    }
    this.#steps = result;
    return this.#resume(0);
  }

  /** The client has answered what was asked: the answer's length, or -1 for an error. */
  answered(bytes: Uint8Array, at: number, size: number): void {
    this.#asked = -1;
    if (size >= 0) this.#answer = bytes.subarray(at, at + size);
    this.#continue(size);
  }

  /** The client is gone, or runs another program: nobody waits for this call any more. */
  cancel(): void {
    if (this.#asked >= 0) this.session.forget(this.#asked);
    this.#pending?.cancel();
    this.#pending = undefined;
    const steps = this.#steps;
    this.#steps = undefined;
    try {
      steps?.return(0);
    } catch (error) {
      this.#failure(error);
    }
  }

  #continue(value: number): void {
    if (this.#resume(value)) this.session.finished(this);
  }

  /** Runs until the handler waits (false) or has replied (true). */
  #resume(value: number): boolean {
    let given = value;
    for (;;) {
      const steps = this.#steps;
      if (steps === undefined) return false;
      let result: number;
      try {
        const step = steps.next(given);
        if (step.done !== true) {
          if (step.value === undefined) return false;
          const now = this.#await(step.value);
          if (now === undefined) return false;
          given = now;
          continue;
        }
        result = step.value;
      } catch (error) {
        result = this.#failure(error);
      }
      this.#steps = undefined;
      this.#answer = NOTHING;
      this.session.reply(this, result);
      return true;
    }
  }

  /** The result of `pending` when it comes before onDone() returns, as it may not, but who knows. */
  #await(pending: Pending): number | undefined {
    let registering = true;
    let early: number | undefined;
    this.#pending = pending;
    pending.onDone(result => {
      this.#pending = undefined;
      if (registering) early = result;
      else this.#continue(result);
    });
    registering = false;
    return early;
  }

  /** A fault of ours must not end the server: the call fails, one line tells. */
  #failure(error: unknown): number {
    if (error instanceof CallError) return -error.errno;
    const text = error instanceof Error ? error.message : String(error);
    this.session.log.say(
      `${this.entry?.name ?? 'a call'} failed inside the server: ${text.split('\n', 1)[0]}`,
    );
    return -EIO;
  }
}

/** For handlers: the result of a kernel's call, once it is there. */
export function* wait(result: Result): Steps {
  return typeof result === 'number' ? result : yield result;
}

/** The same as a handler's result. */
export function settle(result: Result): number | Steps {
  return typeof result === 'number' ? result : wait(result);
}
