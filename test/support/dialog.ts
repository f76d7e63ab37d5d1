/** A program that is spoken to line by line. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { killGroup, type Options, type Result, rumphijack, spawnGroup } from './run.js';

export class Dialog {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting: ((line: string | undefined) => void)[] = [];
  readonly #ended: Promise<Result>;
  #stderr = '';
  #over = false;

  constructor(command: string, args: readonly string[], options: Options = {}) {
    const child = spawnGroup(command, args, options);
    this.child = child;
    createInterface({ input: child.stdout }).on('line', line => {
      const next = this.#waiting.shift();
      if (next !== undefined) next(line);
      else this.#lines.push(line);
    });
    child.stderr.on('data', (data: Buffer) => {
      this.#stderr += data.toString();
    });
    child.stdin.on('error', () => {});
    this.#ended = new Promise(resolve => {
      child.on('close', (status, signal) => {
        this.#over = true;
        for (const next of this.#waiting.splice(0)) next(undefined);
        resolve({ stdout: this.#lines.join('\n'), stderr: this.#stderr, status, signal });
      });
    });
  }

  /** The next line of output; undefined at its end. */
  line(): Promise<string | undefined> {
    const line = this.#lines.shift();
    if (line !== undefined || this.#over) return Promise.resolve(line);
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  /** Says a line. */
  say(text = ''): void {
    this.child.stdin?.write(`${text}\n`);
  }

  /** How it ended, with the output that nobody has read. */
  end(): Promise<Result> {
    this.child.stdin?.end();
    return this.#ended;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    killGroup(this.child.pid, signal);
  }
}

/** A Python program under `rumphijack run ARGS...` with these first lines. */
export function python(script: string, args: readonly string[], options: Options = {}): Dialog {
  const prelude = `
import os, sys, fcntl, errno, signal, time
def say(*words): print(*words, flush=True)
def wait(): sys.stdin.readline()
def attempt(call):
    try: return call()
    except OSError as e: return errno.errorcode[e.errno]
`;
  return new Dialog(rumphijack, ['run', ...args, '--', 'python3', '-c', prelude + script], options);
}
