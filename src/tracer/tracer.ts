import { resumption, type StoppedCall, ThreadGone } from './call.js';
import { cloneFlags } from './clone_flags.js';
import {
  Event,
  eventRegs,
  eventWords,
  FilterData,
  Kind,
  native,
  Resume,
  Stage,
  type StartOptions,
  start,
} from './native.js';
import { fateOf, processGroup } from './proc_status.js';
import { getSigned, Reg } from './regs.js';
import { AddressSpace, Process, Thread } from './thread.js';

/** asm-generic/errno-base.h */
const EIO = 5;
/** asm/signal.h */
const SIGTRAP = 5;
const SIGKILL = 9;
const SIGSTOP = 19;
const SIGTSTP = 20;
const SIGTTIN = 21;
const SIGTTOU = 22;

/** linux/sched.h */
const CLONE_VM = 0x100;
const CLONE_THREAD = 0x10000;

/** What the tracer's user is told. `S` is its state per thread, shared by threads as it likes. */
export interface TracerEvents<S> {
  /** A call that the filter stopped. The handler must end it (see StoppedCall). */
  onCall(call: StoppedCall<S>): void;
  /** A new thread or process, before it runs; returns its state. `flags` are clone(2)'s. */
  onClone(parent: Thread<S>, tid: number, flags: number): S;
  onExec(thread: Thread<S>): void;
  onThreadExit(thread: Thread<S>): void;
  /** 32-bit or x32 calls are being made; told once a process. */
  onForeign(thread: Thread<S>, kind: 'i386' | 'x32'): void;
  /** A bug of ours must end as one line at the user, not as a dead tracer with stopped tracees. */
  onError(thread: Thread<S>, error: unknown): void;
}

/** How the program ended (wait(2)). */
export interface Outcome {
  /** Exit status, when it exited. */
  status: number;
  /** The signal that killed it, or 0. */
  signal: number;
  /** False when the program never was executed. */
  executed: boolean;
  /** Processes that were still there when the program ended, and were ended with it. */
  leftBehind: number;
}

/**
 * The event loop: takes one event, classifies it, acts, and resumes the thread in the same native call that waits
 * for the next. All requests come from one thread, the one that attached.
 */
export class Tracer<S> {
  readonly threads = new Map<number, Thread<S>>();
  /** Children that stopped before their parent's event named them, and those that have died before it. */
  readonly #early = new Map<number, 'stopped' | 'in group-stop' | 'dead'>();
  /** Threads with a signal that a handler of theirs gets when what their call waits for can be broken off. */
  readonly #waitForAnswer = new Set<Thread<S>>();
  readonly #events: TracerEvents<S>;
  #root = 0;
  #executed = false;
  #outcome: Outcome | undefined;

  constructor(events: TracerEvents<S>) {
    this.#events = events;
  }

  /** Starts the program and returns its main thread, or -errno. */
  start(options: StartOptions, state: (pid: number) => S): Thread<S> | number {
    const pid = start(options);
    if (pid < 0) return pid;
    this.#root = pid;
    const thread = new Thread<S>(pid, new Process<S>(pid, new AddressSpace()), state(pid));
    this.threads.set(pid, thread);
    return thread;
  }

  /** Sockets that are watched, or the time that was set, are ready (Kind.READY). */
  onReady: () => void = () => {};
  /** The thread whose event is being dealt with. */
  current = 0;

  /** Runs until the program has ended (with `waitAll`, until all of its descendants have). */
  run(waitAll: boolean): Outcome {
    let kind = native.next(Resume.HOLD, 0);
    while (kind !== Kind.NONE) {
      resumption.how = Resume.CONT;
      resumption.value = 0;
      if (kind === Kind.READY) {
        resumption.how = Resume.HOLD;
        this.onReady();
      } else {
        this.#dispatch(kind);
      }
      // A call of one thread's takes what answers to others have come as well.
      if (this.#waitForAnswer.size > 0) this.#sendAfterAnswers();
      if (this.#outcome !== undefined && !waitAll) break;
      kind = native.next(resumption.how, resumption.value);
    }
    const outcome = this.#outcome ?? { status: 0, signal: SIGKILL, executed: this.#executed, leftBehind: 0 };
    outcome.leftBehind = this.killAll();
    return outcome;
  }

  /** Ends every tracee and waits for its end. Returns how many processes there were. */
  killAll(): number {
    const pids = new Set<number>();
    for (const thread of this.threads.values()) pids.add(thread.process.pid);
    for (const pid of pids) native.kill(pid, SIGKILL);
    for (;;) {
      const kind = native.next(Resume.HOLD, 0);
      if (kind === Kind.NONE) return pids.size;
      if (kind === Kind.READY) {
        this.onReady();
        continue;
      }
      const tid = eventWords[Event.TID];
      if (kind === Kind.EXITED) this.#exited(tid);
      else native.kill(tid, SIGKILL);
    }
  }

  #dispatch(kind: number): void {
    const tid = eventWords[Event.TID];
    const thread = this.threads.get(tid);
    this.current = tid;
    if (thread === undefined) {
      this.#stranger(tid, kind);
      return;
    }
    try {
      this.#act(thread, kind);
      this.#park(thread);
    } catch (error) {
      if (error instanceof ThreadGone) {
        // The native code has left the event that it met instead: the thread's end, or an exec that took its tid.
        this.#afterLoss(thread);
        return;
      }
      this.#events.onError(thread, error);
      resumption.how = Resume.CONT;
      resumption.value = kind === Kind.SIGNAL ? eventWords[Event.SIGNAL] : 0;
      // Not the host's to answer: that could be the wrong kernel.
      if (kind === Kind.SECCOMP || kind === Kind.SYSCALL) thread.call.answer(-EIO);
    }
  }

  /** A thread that begins to wait is resumed by the next native.next(); if its answer is there already, it is stopped again at once. */
  #park({ parked, tid }: Thread<S>): void {
    if (parked === undefined || parked.running) return;
    parked.running = true;
    if (parked.result === undefined) return;
    native.setRegs(tid, eventRegs);
    native.resumeOther(tid, Resume.CONT, resumption.value);
    native.interrupt(tid);
    resumption.how = Resume.HOLD;
  }

  #afterLoss(thread: Thread<S>): void {
    if (eventWords[Event.KIND] === Kind.EXEC) {
      resumption.how = Resume.CONT;
      resumption.value = 0;
      this.#exec(thread, eventWords[Event.MESSAGE]);
      return;
    }
    resumption.how = Resume.HOLD;
    this.#exited(thread.tid);
  }

  #act(thread: Thread<S>, kind: number): void {
    switch (kind) {
      case Kind.SECCOMP:
        this.#seccompStop(thread);
        return;
      case Kind.SYSCALL:
        this.#syscallStop(thread);
        return;
      case Kind.SIGNAL:
        this.#signalStop(thread, eventWords[Event.SIGNAL]);
        return;
      case Kind.NEWCHILD:
        this.#newChild(thread, eventWords[Event.MESSAGE]);
        return;
      case Kind.EXEC:
        this.#exec(thread, eventWords[Event.MESSAGE]);
        return;
      case Kind.STOP:
        this.#eventStop(thread, eventWords[Event.SIGNAL]);
        return;
      case Kind.EXITED:
        resumption.how = Resume.HOLD;
        this.#exited(thread.tid);
    }
  }

  #seccompStop(thread: Thread<S>): void {
    const data = eventWords[Event.MESSAGE];
    if (data !== FilterData.NATIVE) {
      if (!thread.process.warned) {
        thread.process.warned = true;
        this.#events.onForeign(thread, data === FilterData.COMPAT32 ? 'i386' : 'x32');
      }
      return;
    }
    if (thread.hostCall !== undefined) {
      // A host call of ours that was re-executed: on to its exit.
      thread.hostCall.entryAhead = false;
      resumption.how = Resume.TO_EXIT;
      return;
    }
    thread.call.begin(eventRegs[Reg.ORIG_RAX * 2], Stage.ENTRY);
    this.#events.onCall(thread.call);
  }

  #syscallStop(thread: Thread<S>): void {
    const { hostCall, atEntry } = thread;
    if (atEntry !== undefined) {
      if (atEntry.exitAhead) {
        atEntry.exitAhead = false;
        resumption.how = Resume.TO_EXIT;
        return;
      }
      thread.atEntry = undefined;
      thread.call.begin(eventRegs[Reg.ORIG_RAX * 2], Stage.ENTRY);
      atEntry.run();
      this.#sendDeferred(thread);
      return;
    }
    if (hostCall === undefined) return;
    if (hostCall.entryAhead) {
      hostCall.entryAhead = false;
      resumption.how = Resume.TO_EXIT;
      return;
    }
    thread.hostCall = undefined;
    const result = getSigned(eventRegs, Reg.RAX);
    thread.call.continue(Stage.EXIT);
    hostCall.done(result);
    this.#sendDeferred(thread);
  }

  #defer(thread: Thread<S>, signal: number): void {
    native.holdSignal(thread.tid, signal);
    thread.deferred++;
  }

  #sendDeferred(thread: Thread<S>): void {
    if (thread.hostCall !== undefined || thread.deferred === 0) return;
    thread.deferred = native.sendHeld(thread.tid);
  }

  #signalStop(thread: Thread<S>, signal: number): void {
    const { parked } = thread;
    if (thread.hostCall?.entryAhead || thread.atEntry !== undefined) {
      // Between two calls of ours, where a handler would find registers that are not the program's.
      this.#defer(thread, signal);
      resumption.how = Resume.TO_EXIT;
      return;
    }
    resumption.value = signal;
    if (parked === undefined) return;
    if (parked.result === undefined) {
      const fate = fateOf(thread.tid, signal);
      // Back into the host call, which the host kernel restarts; untraced, a signal that is ignored wakes nobody.
      if (fate === 'survives') return;
      if (parked.pending.killable === true && fate !== 'dies') {
        // A handler has to wait for the answer.
        if (fate === 'handles') {
          this.#defer(thread, signal);
          this.#waitForAnswer.add(thread);
          resumption.value = 0;
        }
        return;
      }
    }
    thread.parked = undefined;
    if (parked.result === undefined) {
      const partial = parked.pending.cancel();
      if (partial <= 0) {
        thread.call.interrupt(signal, parked.pending.restarts !== false);
        return;
      }
      parked.result = partial;
    }
    thread.call.continue(Stage.EXIT, signal);
    this.#finish(thread, parked.done, parked.result);
  }

  /** The answer to one step of a call may be followed by a wait for another, which signals end. */
  #sendAfterAnswers(): void {
    for (const thread of this.#waitForAnswer) {
      const { parked } = thread;
      if (parked !== undefined && parked.result === undefined && parked.pending.killable === true) continue;
      this.#waitForAnswer.delete(thread);
      if (parked !== undefined && parked.result === undefined) thread.deferred = native.sendHeld(thread.tid);
    }
  }

  /** A wait is over: the handler goes on, and signals that had to wait for it come when it does not wait again. */
  #finish(thread: Thread<S>, done: (result: number) => void, result: number): void {
    done(result);
    if (thread.parked === undefined) this.#sendDeferred(thread);
  }

  /** PTRACE_EVENT_STOP: a new child's first stop, an answer that is ready, or a group-stop (ptrace(2)). */
  #eventStop(thread: Thread<S>, signal: number): void {
    if (signal !== SIGTRAP) {
      this.#groupStop(thread, signal);
      return;
    }
    const { parked } = thread;
    if (parked?.result !== undefined) {
      thread.parked = undefined;
      native.getRegs(thread.tid, eventRegs);
      thread.call.continue(Stage.EXIT);
      this.#finish(thread, parked.done, parked.result);
      return;
    }
    if (thread.hostCall !== undefined || thread.atEntry !== undefined) resumption.how = Resume.TO_EXIT;
  }

  #groupStop(thread: Thread<S>, signal: number): void {
    resumption.how = Resume.LISTEN;
    const byTerminal = signal === SIGTSTP || signal === SIGTTIN || signal === SIGTTOU;
    if (!byTerminal || thread.tid !== this.#root || processGroup(thread.tid) !== processGroup(process.pid))
      return;
    // The shell that started us must see its job stop, as it would see the program.
    native.resumeOther(thread.tid, Resume.LISTEN, 0);
    resumption.how = Resume.HOLD;
    native.kill(process.pid, SIGSTOP);
  }

  #newChild(parent: Thread<S>, tid: number): void {
    const flags = cloneFlags(parent);
    const { process: group } = parent;
    const state = this.#events.onClone(parent, tid, flags);
    let owner = group;
    if ((flags & CLONE_THREAD) === 0) {
      const inUse = [...group.threads].flatMap(t => (t.scratch === undefined ? [] : [t.scratch]));
      const mm = (flags & CLONE_VM) !== 0 ? group.mm : group.mm.copy(inUse);
      owner = new Process<S>(tid, mm, group.stopped);
    }
    const child = new Thread<S>(tid, owner, state);
    child.call.onAnswer = parent.call.onAnswer;
    this.threads.set(tid, child);
    const early = this.#early.get(tid);
    this.#early.delete(tid);
    if (early === 'dead' || (early === undefined && native.tkill(tid, 0) < 0)) this.#forget(child);
    else if (early === 'stopped') native.resumeOther(tid, Resume.CONT, 0);
    else if (early === 'in group-stop') native.resumeOther(tid, Resume.LISTEN, 0);
    if (parent.hostCall !== undefined) resumption.how = Resume.TO_EXIT;
  }

  /** execve(2) in a thread group: the caller takes over the leader's tid, every other thread is gone. */
  #exec(leader: Thread<S>, formerTid: number): void {
    const former = this.threads.get(formerTid) ?? leader;
    for (const other of [...former.process.threads]) if (other !== former) this.#forget(other);
    this.threads.delete(former.tid);
    former.tid = eventWords[Event.TID];
    this.threads.set(former.tid, former);
    // After vfork(2) the old address space lives on in the parent.
    if (former.scratch !== undefined) former.process.mm.free.push(former.scratch);
    former.process.mm = new AddressSpace();
    former.scratch = undefined;
    former.hostCall = undefined;
    this.#cancel(former);
    if (former.tid === this.#root) this.#executed = true;
    this.#events.onExec(former);
    this.#sendDeferred(former);
    if (former.atEntry !== undefined) resumption.how = Resume.TO_EXIT;
  }

  #stranger(tid: number, kind: number): void {
    resumption.how = Resume.HOLD;
    if (kind === Kind.EXITED) {
      if (this.#early.has(tid)) this.#early.set(tid, 'dead');
    } else {
      const stopped = kind === Kind.STOP && eventWords[Event.SIGNAL] !== SIGTRAP;
      this.#early.set(tid, stopped ? 'in group-stop' : 'stopped');
    }
  }

  #exited(tid: number): void {
    const thread = this.threads.get(tid);
    const status = eventWords[Event.STATUS];
    if (tid === this.#root && this.#outcome === undefined) {
      const signal = status & 0x7f;
      this.#outcome = { status: (status >> 8) & 0xff, signal, executed: this.#executed, leftBehind: 0 };
    }
    if (thread !== undefined) this.#forget(thread);
  }

  #forget(thread: Thread<S>): void {
    this.threads.delete(thread.tid);
    this.#waitForAnswer.delete(thread);
    thread.process.threads.delete(thread);
    if (thread.scratch !== undefined) thread.process.mm.free.push(thread.scratch);
    this.#cancel(thread);
    this.#events.onThreadExit(thread);
  }

  #cancel(thread: Thread<S>): void {
    const { parked } = thread;
    thread.parked = undefined;
    if (parked !== undefined && parked.result === undefined) parked.pending.cancel();
  }
}
