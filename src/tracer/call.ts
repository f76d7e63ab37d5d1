import { eventRegs, native, Resume, Stage, Then } from './native.js';
import { ARGUMENT_REGS, getAddress, getSigned, Reg, SYSCALL_INSN_SIZE, setReg } from './regs.js';
import type { Parked, Scratch, Thread } from './thread.js';
import { TraceeUio } from './uio.js';

/** Call numbers that the lanes themselves make (asm/unistd_64.h). */
const NR_MMAP = 9;
const NR_PPOLL = 271;
const NR_EXIT_GROUP = 231;

/** include/linux/errno.h: not for user space; the host kernel turns it into EINTR or a restart. */
const ERESTARTSYS = 512;
const ERESTART_RESTARTBLOCK = 516;
const ESRCH = 3;
const EINTR = 4;
const EFAULT = 14;
const EMFILE = 24;
const ENOSYS = 38;

/** sys/mman.h */
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

export const PATH_MAX = 4096;
/** Bytes of scratch memory that a thread is given at first: enough for a transfer of 128 KiB. */
const SCRATCH_SIZE = 128 * 1024;
const PAGE = 4096;

/** As RumpKernel's: a result that comes later. */
export interface Pending {
  onDone(done: (result: number) => void): void;
  cancel(): number;
  readonly killable?: boolean;
  readonly restarts?: boolean;
}

/** Thrown out of a handler when its thread has died: there is nobody left to answer. */
export class ThreadGone extends Error {
  constructor(readonly tid: number) {
    super(`thread ${tid} is gone`);
  }
}

const pathBuffer = Buffer.alloc(PATH_MAX);

/** What rh_next() will do with the thread of the current event. */
export const resumption = {
  how: Resume.CONT as number,
  value: 0,
};

/**
 * A system call that is stopped: its arguments, its thread's memory, and the ways to end it. A handler sees nothing else of the
 * lane that stopped it. Valid while the handler runs; the continuations given to wait() and runAs() run in the same
 * conditions again.
 */
export class StoppedCall<S> {
  nr = 0;
  /** For -v and traces: what the decision was about and why, set by the handler. */
  subject = '';
  reason = '';
  readonly #uio = new TraceeUio();
  #stage: number = Stage.ENTRY;
  #signal = 0;

  constructor(readonly thread: Thread<S>) {}

  get state(): S {
    return this.thread.state;
  }
  get tid(): number {
    return this.thread.tid;
  }

  /** Called by the loop when the thread has stopped at a call. */
  begin(nr: number, stage: number): void {
    this.nr = nr;
    this.#stage = stage;
    this.#signal = 0;
    this.subject = '';
    this.reason = '';
  }

  /** Called by the loop before a continuation; `signal` is delivered when the call is answered. */
  continue(stage: number, signal = 0): void {
    eventRegs.set(this.thread.saved);
    this.#stage = stage;
    this.#signal = signal;
  }

  // Arguments.

  /** An int argument (flags, descriptors, modes): its low half, signed. */
  int(n: number): number {
    return eventRegs[ARGUMENT_REGS[n] * 2] | 0;
  }
  /** An unsigned int argument. */
  uint(n: number): number {
    return eventRegs[ARGUMENT_REGS[n] * 2];
  }
  /** A pointer; BAD_ADDRESS when it cannot be one. */
  address(n: number): number {
    return getAddress(eventRegs, ARGUMENT_REGS[n]);
  }
  /** A long argument (off_t, size_t, ssize_t), signed. */
  long(n: number): number {
    return getSigned(eventRegs, ARGUMENT_REGS[n]);
  }

  // Memory.

  /** Copies from the tracee, all or nothing: 0, or -EFAULT. */
  read(address: number, buf: Uint8Array, offset = 0, length = buf.length - offset): number {
    if (length === 0) return 0;
    return native.read(this.tid, address, buf, offset, length) === length ? 0 : -EFAULT;
  }
  /** Copies to the tracee, all or nothing as far as the result tells: 0, or -EFAULT. */
  write(address: number, buf: Uint8Array, offset = 0, length = buf.length - offset): number {
    if (length === 0) return 0;
    return native.write(this.tid, address, buf, offset, length) === length ? 0 : -EFAULT;
  }
  /** A path as the kernel's getname() takes it (bytes as latin1), or -EFAULT, -ENAMETOOLONG. */
  path(n: number): string | number {
    return this.string(this.address(n), PATH_MAX);
  }
  /** A NUL-terminated string shorter than `size`. */
  string(address: number, size: number): string | number {
    const buffer = size <= PATH_MAX ? pathBuffer : Buffer.allocUnsafe(size);
    const n = native.readString(this.tid, address, buffer, size);
    return n < 0 ? n : buffer.toString('latin1', 0, n);
  }
  /** The program's buffer as a Uio: `toTracee` for a read. Valid for this call. */
  uio(toTracee: boolean, address: number, length: number): TraceeUio {
    return this.#uio.single(this.tid, toTracee, address, length);
  }
  /** An iovec as a Uio: base, length, base, length, ... */
  uioVector(toTracee: boolean, vector: readonly number[]): TraceeUio {
    return this.#uio.vectored(this.tid, toTracee, vector);
  }
  /** Writes past page protections, as a debugger does: for pages that a mapping of ours is to show. */
  poke(address: number, buf: Uint8Array, offset: number, length: number): number {
    return native.poke(this.tid, address, buf, offset, length);
  }

  // Ways to end.

  /** The rump kernel's result, >= 0 or -errno; the host never sees the call. */
  answer(result: number): void {
    const { exitStatus } = this.thread.process;
    if (exitStatus !== undefined) return this.#exitGroup(exitStatus);
    if (this.#signal !== 0) {
      setReg(eventRegs, Reg.RAX, result);
      setReg(eventRegs, Reg.ORIG_RAX, -1);
      resumption.how = Resume.SETREGS;
      resumption.value = this.#signal;
    } else {
      resumption.how = Resume.ANSWER;
      resumption.value = result;
    }
    this.onAnswer?.(this, result);
  }
  /** The thread calls exit_group(2) in place of its call. */
  #exitGroup(status: number): void {
    setReg(eventRegs, ARGUMENT_REGS[0], status);
    if (this.#stage === Stage.EXIT) this.#rewind(NR_EXIT_GROUP);
    else setReg(eventRegs, Reg.ORIG_RAX, NR_EXIT_GROUP);
    resumption.how = Resume.SETREGS;
    resumption.value = 0;
  }

  /** Told of each answer, for -v. */
  onAnswer: ((call: StoppedCall<S>, result: number) => void) | undefined;

  /** Leaves the call to the host, as it is: after a wait or a host call it is made past the handler. */
  run(): void {
    if (this.#stage !== Stage.ENTRY) return this.runThen(result => this.finish(result));
    resumption.how = Resume.CONT;
    resumption.value = 0;
  }

  /** The thread makes its call again after a host call of ours, and stops for it again. */
  repeat(): void {
    if (this.#stage === Stage.ENTRY) return this.run();
    this.#rewind(this.nr);
    resumption.how = Resume.SETREGS;
    resumption.value = 0;
  }

  /** A signal that came with an answer is sent again when the handler goes on instead. */
  #resend(): void {
    if (this.#signal === 0) return;
    native.holdSignal(this.tid, this.#signal);
    native.sendHeld(this.tid);
    this.#signal = 0;
  }

  /**
   * Lets the host execute this call in place of the program's, or the program's own when `nr` is undefined, and comes back with
   * its result. It may block. `done` must end the call with answer(), or with finish() for a result that the
   * program is to see as it is.
   */
  runThen(done: (result: number) => void, nr?: number, ...args: number[]): void {
    const { thread } = this;
    this.#resend();
    thread.saved.set(eventRegs);
    if (nr !== undefined) for (let i = 0; i < args.length; i++) setReg(eventRegs, ARGUMENT_REGS[i], args[i]);
    const entryAhead = this.#stage === Stage.EXIT;
    if (entryAhead) this.#rewind(nr ?? this.nr);
    else if (nr !== undefined) setReg(eventRegs, Reg.ORIG_RAX, nr);
    thread.hostCall = { done, entryAhead };
    resumption.how = Resume.SETREGS_TO_EXIT;
    resumption.value = 0;
  }

  /** Ends a call that runThen() let run with the host's own result: a restart restarts the program's own call. */
  finish(result: number): void {
    if (result > -ERESTARTSYS || result < -ERESTART_RESTARTBLOCK) {
      this.answer(result);
      return;
    }
    if (result === -ERESTART_RESTARTBLOCK) {
      this.answer(-EINTR);
      return;
    }
    setReg(eventRegs, Reg.RAX, result);
    setReg(eventRegs, Reg.ORIG_RAX, this.nr);
    resumption.how = Resume.SETREGS;
    resumption.value = 0;
  }

  /** Makes the thread execute one host call that cannot block, now. Returns its result. */
  hostCall(nr: number, a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0): number {
    this.#resend();
    const { tid } = this;
    if (native.inject(tid, this.#stage, eventRegs, nr, a0, a1, a2, a3, a4, a5) < 0) throw new ThreadGone(tid);
    this.#stage = Stage.EXIT;
    return native.injectedResult();
  }

  /**
   * Puts a copy of the tracer's descriptor `fd` into the thread's table, at `first` or the next free number; `flags`: O_CLOEXEC. Returns
   * the number, -EMFILE when the host's limit is too low, -ENOSYS when the filter has no listener, or another -errno.
   */
  install(fd: number, first: number, flags: number): number {
    this.#resend();
    const { tid } = this;
    const number = native.install(tid, this.#stage, eventRegs, fd, first, flags, Then.STOP);
    if (number === -ESRCH) throw new ThreadGone(tid);
    if (number !== -EMFILE && number !== -ENOSYS) this.#stage = Stage.EXIT;
    return number;
  }

  /** As install(), and the call ends with the number: the thread runs on, unless it is -EMFILE or -ENOSYS. */
  answerInstalled(fd: number, first: number, flags: number): number {
    const { tid } = this;
    if (this.#signal !== 0 || this.thread.process.exitStatus !== undefined || this.onAnswer !== undefined) {
      const number = this.install(fd, first, flags);
      if (number !== -EMFILE && number !== -ENOSYS) this.answer(number);
      return number;
    }
    const number = native.install(tid, this.#stage, eventRegs, fd, first, flags, Then.RUN);
    if (number === -ESRCH) throw new ThreadGone(tid);
    if (number !== -EMFILE && number !== -ENOSYS) resumption.how = Resume.HOLD;
    return number;
  }

  /** Waits for the rump kernel while the thread can be interrupted and killed; a signal ends the wait as on Linux. */
  wait(pending: Pending, done: (result: number) => void): void {
    const { thread } = this;
    this.#resend();
    thread.saved.set(eventRegs);
    const parked: Parked = { pending, done, result: undefined, running: false };
    thread.parked = parked;
    // ppoll(NULL, 0, NULL, NULL, 0) sleeps until a signal comes, and is a call that sandboxes of programs allow.
    for (let i = 0; i < 5; i++) setReg(eventRegs, ARGUMENT_REGS[i], 0);
    if (this.#stage === Stage.EXIT) this.#rewind(NR_PPOLL);
    else setReg(eventRegs, Reg.ORIG_RAX, NR_PPOLL);
    resumption.how = Resume.SETREGS;
    resumption.value = 0;
    pending.onDone(result => {
      parked.result = result;
      // Before it runs there is nothing to be interrupted: the loop sees the result then.
      if (parked.running) native.interrupt(thread.tid);
    });
  }

  /** A signal came while the call was waiting: the host kernel chooses between EINTR and a restart, if the call may be restarted. */
  interrupt(signal: number, restarts: boolean): void {
    eventRegs.set(this.thread.saved);
    setReg(eventRegs, Reg.RAX, restarts ? -ERESTARTSYS : -EINTR);
    setReg(eventRegs, Reg.ORIG_RAX, restarts ? this.nr : -1);
    resumption.how = Resume.SETREGS;
    resumption.value = signal;
  }

  /** At least `size` bytes of the tracee's memory that are ours until the call ends. Returns their address, or -errno. */
  scratch(size: number): number {
    const { thread } = this;
    const { mm } = thread.process;
    if (thread.scratch !== undefined && thread.scratch.size >= size) return thread.scratch.address;
    if (thread.scratch !== undefined) mm.free.push(thread.scratch);
    thread.scratch = undefined;
    const at = mm.free.findIndex(piece => piece.size >= size);
    if (at >= 0) {
      thread.scratch = mm.free.splice(at, 1)[0];
      return thread.scratch.address;
    }
    const bytes = Math.max(SCRATCH_SIZE, Math.ceil(size / PAGE) * PAGE);
    const address = this.hostCall(NR_MMAP, 0, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    if (address < 0) return address;
    const piece: Scratch = { address, size: bytes };
    thread.scratch = piece;
    return address;
  }

  /** The stack pointer: memory below it is free right after an exec. */
  get stackPointer(): number {
    return getAddress(eventRegs, Reg.RSP);
  }

  #rewind(nr: number): void {
    setReg(eventRegs, Reg.RIP, getAddress(eventRegs, Reg.RIP) - SYSCALL_INSN_SIZE);
    setReg(eventRegs, Reg.RAX, nr);
    setReg(eventRegs, Reg.ORIG_RAX, -1);
  }
}
