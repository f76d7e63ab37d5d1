/** What every tool has: its output, its complaints and its exit status. All text is bytes, one character each (latin1). */
import { writeSync } from 'node:fs';
import { EAGAIN, EPIPE } from '../../abi/linux/errno.js';
import { CallError, ClosedPipe, onHost, Refusal } from './errors.js';
import type { Session } from './session.js';

/** Output is collected up to this many bytes. */
const ROOM = 64 * 1024;
/** How long a full pipe that somebody has made non-blocking is left alone, milliseconds. */
const PAUSE_MS = 5;

/** Standard output, collected into larger writes. */
export class Output {
  #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(readonly fd: number) {}

  /** Text, one character per byte. */
  text(text: string): void {
    this.bytes(Buffer.from(text, 'latin1'));
  }

  line(text: string): void {
    this.text(`${text}\n`);
  }

  /** The bytes are the output's from now on. */
  bytes(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= ROOM) this.flush();
  }

  /** Throws ClosedPipe or Refusal. */
  flush(): void {
    if (this.#size === 0) return;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    for (let at = 0; at < all.length; ) at += writeSome(this.fd, all.subarray(at));
  }
}

function writeSome(fd: number, bytes: Uint8Array): number {
  try {
    return onHost(() => writeSync(fd, bytes));
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    if (error.errno === EPIPE) throw new ClosedPipe();
    if (error.errno !== EAGAIN) throw new Refusal(`write error: ${error.message}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    return 0;
  }
}

/** One run of a tool. */
export class Tool {
  /** The exit status: 1 when something could not be done. */
  status = 0;
  readonly #errors = new Output(2);

  constructor(
    readonly name: string,
    readonly session: Session,
    readonly out: Output,
  ) {}

  /** A line on standard error, in the order in which things happen. */
  complain(message: string): void {
    this.status = 1;
    this.out.flush();
    try {
      this.#errors.line(`${this.name}: ${message}`);
      this.#errors.flush();
    } catch {
      // Standard error is closed or full: the exit status still tells.
    }
  }

  /** Does something for `subject`; when it fails, says so and gives undefined, and the tool goes on. */
  attempt<T>(subject: string, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      if (error instanceof CallError) this.complain(`${subject}: ${error.message}`);
      else if (error instanceof Refusal) this.complain(error.message);
      else throw error;
      return undefined;
    }
  }
}

/** Options as commander gives them. */
export type Flags = Readonly<Record<string, unknown>>;

export type Command = (tool: Tool, args: readonly string[], flags: Flags) => void;
