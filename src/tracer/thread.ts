import type { Pending } from './call.js';
import { StoppedCall } from './call.js';
import { REGS_SIZE } from './native.js';

/** A piece of the tracee's memory that is ours: for strings and buffers that a rewritten call needs. */
export interface Scratch {
  readonly address: number;
  readonly size: number;
}

/** What processes with one address space share (CLONE_VM). */
export class AddressSpace {
  /** Pieces that no thread uses now. */
  readonly free: Scratch[] = [];

  /** fork(2): the child has the same mappings, and none of the parent's threads that used them. */
  copy(inUse: Iterable<Scratch>): AddressSpace {
    const copy = new AddressSpace();
    copy.free.push(...this.free, ...inUse);
    return copy;
  }
}

/** A thread group. */
export class Process<S> {
  readonly threads = new Set<Thread<S>>();
  /** Low descriptors that stop by a stacked filter of their own. */
  readonly stopped: Set<number>;
  mm: AddressSpace;
  /** It ends with this status at the next call that is answered. */
  exitStatus: number | undefined;
  /** Its 32-bit calls were told of. */
  warned = false;

  constructor(
    readonly pid: number,
    mm: AddressSpace,
    stopped: Iterable<number> = [],
  ) {
    this.mm = mm;
    this.stopped = new Set(stopped);
  }
}

/** What a thread that runs will be stopped for, besides what the filter stops. */
export interface HostCall {
  /** Runs at the call's exit with its result. */
  readonly done: (result: number) => void;
  /** The syscall instruction has to be executed first: an entry comes before the exit. */
  entryAhead: boolean;
}

/** A call that waits for the rump kernel while its thread sits in a harmless host call. */
export interface Parked {
  readonly pending: Pending;
  readonly done: (result: number) => void;
  /** Set when the answer is there and the thread was asked to stop. */
  result: number | undefined;
  /** The thread sits in its host call: it can be asked to stop. */
  running: boolean;
}

export class Thread<S> {
  readonly call: StoppedCall<S>;
  /** The registers with which the current call was made, kept while the thread runs. */
  readonly saved = new Uint32Array(REGS_SIZE / 4);
  hostCall: HostCall | undefined;
  parked: Parked | undefined;
  /** Runs at the next syscall-entry-stop; after an exec, execve's own exit comes before it. */
  atEntry: { readonly run: () => void; exitAhead: boolean } | undefined;
  scratch: Scratch | undefined;
  /** Signals that came between two calls of ours, kept by the native code; they are sent again when those are done. */
  deferred = 0;

  constructor(
    public tid: number,
    public process: Process<S>,
    public state: S,
  ) {
    this.call = new StoppedCall<S>(this);
    process.threads.add(this);
  }
}
