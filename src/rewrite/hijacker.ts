import { readFileSync } from 'node:fs';
import { errnoName } from '../abi/linux/errno.js';
import { SIGPIPE, SIGXFSZ } from '../abi/linux/signal.js';
import { NR, syscallName } from '../abi/linux/syscalls.js';
import type { RumpKernel } from '../kernel/rump_kernel.js';
import { prefixFor } from '../policy/decide.js';
import type { Policy } from '../policy/policy.js';
import type { StoppedCall } from '../tracer/call.js';
import { native } from '../tracer/native.js';
import type { Thread } from '../tracer/thread.js';
import { Tracer, type TracerEvents } from '../tracer/tracer.js';
import { credentialsOf } from './calls/process.js';
import type { Hijack } from './hijack.js';
import { descriptorRules } from './rules.js';
import { setDescriptorRules } from './stacked.js';
import { ProcessState } from './state.js';
import { Stats } from './stats.js';
import { ROWS } from './table.js';

/** linux/prctl.h */
const PR_SET_NAME = 15;
/** TASK_COMM_LEN, linux/sched.h */
const COMM_MAX = 15;
/** The ABI keeps this many bytes below the stack pointer for the program (System V ABI, red zone). */
const RED_ZONE = 128;

export interface HijackerOptions {
  policy: Policy;
  kernel: RumpKernel;
  verbose: boolean;
  /** Writes one line for the user. */
  warn(message: string): void;
  /** As the program was started with; see bin/rumphijack. */
  nofile: number;
}

/** Joins tracer, policy and kernel: every stopped call is looked up in the table and handed to its handler. */
export class Hijacker implements Hijack, TracerEvents<ProcessState> {
  readonly policy: Policy;
  readonly hidden: number;
  readonly verbose: boolean;
  readonly stats = new Stats();
  readonly tracer: Tracer<ProcessState>;
  readonly #options: HijackerOptions;
  readonly #told = new Set<string>();

  constructor(options: HijackerOptions) {
    this.#options = options;
    this.policy = options.policy;
    this.hidden = options.policy.fdoff - 1;
    this.verbose = options.verbose;
    this.tracer = new Tracer<ProcessState>(this);
    setDescriptorRules(descriptorRules());
  }

  warn(message: string): void {
    this.#options.warn(message);
  }

  isTraced = (pid: number): boolean => this.tracer.threads.has(pid);

  stateOf(pid: number): ProcessState | undefined {
    return this.tracer.threads.get(pid)?.state;
  }

  /** The kernel-side process of the program itself. */
  firstState(pid: number, comm: string): ProcessState {
    const umask = process.umask();
    const kernel = this.#options.kernel.spawn({
      comm,
      pid,
      cred: credentialsOf(pid),
      umask,
      prefix: prefixFor(this.policy),
    });
    const state = new ProcessState(pid, kernel);
    if (this.#options.nofile >= 0) state.limits.nofile = this.#options.nofile;
    state.limits.fsize = fileSizeLimit();
    kernel.setLimits(state.limits);
    return state;
  }

  /** For -v: each answer is told with its reason. */
  watch(call: StoppedCall<ProcessState>): void {
    if (!this.verbose) return;
    call.onAnswer = (answered, result) => {
      if (answered.reason === '') return;
      const value = result < 0 && result > -4096 ? `-1 ${errnoName(-result)}` : shown(result);
      const text = `${syscallName(answered.nr)}(${answered.subject}) = ${value}`;
      this.warn(`[pid ${answered.tid}] ${text}: rump, ${answered.reason}`);
    };
  }

  onCall(call: StoppedCall<ProcessState>): void {
    const row = ROWS[call.nr];
    if (row?.handler === undefined) {
      call.run();
      return;
    }
    row.handler(call, this);
  }

  onClone(parent: Thread<ProcessState>, tid: number, flags: number): ProcessState {
    return parent.state.clone(tid, flags);
  }

  onExec(thread: Thread<ProcessState>): void {
    const { state } = thread;
    const exe = state.pendingExe;
    state.exec(exe ?? '');
    state.kernel.setCredentials(credentialsOf(thread.tid));
    if (exe === undefined) return;
    const name = exe.slice(exe.lastIndexOf('/') + 1, exe.lastIndexOf('/') + 1 + COMM_MAX);
    thread.atEntry = { exitAhead: true, run: () => setName(thread.call, name) };
  }

  onThreadExit(thread: Thread<ProcessState>): void {
    thread.state.exitThread();
  }

  onForeign(thread: Thread<ProcessState>, kind: 'i386' | 'x32'): void {
    this.warnOnce(
      `${kind} calls`,
      `pid ${thread.process.pid} makes ${kind} system calls: those are not hijacked, the host answers them`,
    );
  }

  onError(thread: Thread<ProcessState>, error: unknown): void {
    const what = error instanceof Error ? error.message : String(error);
    const call = syscallName(thread.call.nr);
    this.warnOnce(
      `error ${call}`,
      `internal error in ${call}, the program gets EIO: ${what.split('\n', 1)[0]}`,
    );
  }

  /** A signal from the rump kernel. SIGPIPE and SIGXFSZ go with an errno by which the handler sends them itself. */
  raise(tid: number, signal: number): void {
    if (signal !== 0 && signal !== SIGPIPE && signal !== SIGXFSZ) native.tkill(tid, signal);
  }

  /** The program ends, with status 1, at the call that is being answered (RUMPHIJACK_RETRYCONNECT=die). */
  endProgram(tid: number): void {
    const thread = this.tracer.threads.get(tid);
    if (thread !== undefined) thread.process.exitStatus = 1;
  }

  /** One warning of a kind is enough. */
  warnOnce(kind: string, message: string): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.warn(message);
  }
}

/** RLIMIT_FSIZE, soft, in bytes, which the program inherits from us (proc(5), limits). */
function fileSizeLimit(): number {
  const match = /^Max file size\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
}

/** Results are numbers; addresses are better read in hex. */
function shown(result: number): string {
  return result > 0xffffffff ? `0x${result.toString(16)}` : String(result);
}

/** A program that was executed from a copy is called by its own name, as execve(2) would. */
function setName(call: StoppedCall<ProcessState>, name: string): void {
  const at = call.stackPointer - RED_ZONE - 16;
  if (call.write(at, Buffer.from(`${name}\0`, 'latin1')) === 0) call.hostCall(NR.prctl, PR_SET_NAME, at);
  call.repeat();
}
