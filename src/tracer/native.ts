/** The native library and the one event buffer that it shares with the tracer. Loaded once, at first use. */
import koffi from 'koffi';
import { library } from '../native/library.js';
import { SOCK_FILTER_SIZE } from './filter.js';

/** enum rh_kind of native/rumphijack.h. */
export const Kind = {
  NONE: 0,
  SECCOMP: 1,
  SYSCALL: 2,
  SIGNAL: 3,
  NEWCHILD: 4,
  EXEC: 5,
  STOP: 6,
  EXITED: 7,
  READY: 8,
} as const;

/** enum rh_resume of native/rumphijack.h. */
export const Resume = {
  HOLD: 0,
  CONT: 1,
  ANSWER: 2,
  TO_EXIT: 3,
  LISTEN: 4,
  SETREGS: 5,
  SETREGS_TO_EXIT: 6,
} as const;

/** Where a thread stands when a host call is injected (native/inject.c). */
export const Stage = { ENTRY: 0, EXIT: 1 } as const;

/** What a thread does after a descriptor was put into it (native/install.c). */
export const Then = { STOP: 0, RUN: 1 } as const;

/** SECCOMP_RET_DATA of our filters. */
export const FilterData = { NATIVE: 0, COMPAT32: 1, X32: 2 } as const;

/** sizeof(struct user_regs_struct), sys/user.h. */
export const REGS_SIZE = 27 * 8;
const EVENT_HEADER = 6 * 4;
/** Word positions in struct rh_event, as 32-bit words. */
const EVENT_WORDS = EVENT_HEADER / 4 + REGS_SIZE / 4;

const lib = library;

const eventAddress = lib.symbol('rh_event', 'void *');
/** struct rh_event, word by word: see the accessors below. */
export const eventWords = new Int32Array(koffi.view(eventAddress, EVENT_WORDS * 4));
/** struct user_regs_struct of the event's thread, as 32-bit words, low half first. */
export const eventRegs = new Uint32Array(
  eventWords.buffer,
  eventWords.byteOffset + EVENT_HEADER,
  REGS_SIZE / 4,
);

export const Event = { TID: 0, KIND: 1, STATUS: 2, SIGNAL: 3, EVENT: 4, MESSAGE: 5 } as const;

/** `uint8_t *` parameters take a Uint8Array (or Buffer) without a copy. */
export const native = {
  next: lib.func('int rh_next(int resume, int64_t value)') as (resume: number, value: number) => number,
  nextTimeout: lib.func('void rh_next_timeout(int milliseconds)') as (milliseconds: number) => void,
  read: lib.func(
    'int64_t rh_read(int tid, uint64_t address, void *buffer, int64_t offset, int64_t length)',
  ) as (tid: number, address: number, buffer: Uint8Array, offset: number, length: number) => number,
  write: lib.func(
    'int64_t rh_write(int tid, uint64_t address, void *buffer, int64_t offset, int64_t length)',
  ) as (tid: number, address: number, buffer: Uint8Array, offset: number, length: number) => number,
  readString: lib.func('int64_t rh_read_string(int tid, uint64_t address, void *buffer, int64_t size)') as (
    tid: number,
    address: number,
    buffer: Uint8Array,
    size: number,
  ) => number,
  poke: lib.func(
    'int64_t rh_poke(int tid, uint64_t address, void *buffer, int64_t offset, int64_t length)',
  ) as (tid: number, address: number, buffer: Uint8Array, offset: number, length: number) => number,
  inject: lib.func(
    'int rh_inject(int tid, int stage, void *regs, int64_t nr, int64_t a0, int64_t a1, int64_t a2, int64_t a3, int64_t a4, int64_t a5)',
  ) as (
    tid: number,
    stage: number,
    regs: Uint32Array,
    nr: number,
    a0: number,
    a1: number,
    a2: number,
    a3: number,
    a4: number,
    a5: number,
  ) => number,
  injectedResult: lib.func('int64_t rh_injected_result()') as () => number,
  install: lib.func(
    'int rh_install(int tid, int stage, void *regs, int fd, int first, int flags, int then)',
  ) as (
    tid: number,
    stage: number,
    regs: Uint32Array,
    fd: number,
    first: number,
    flags: number,
    then: number,
  ) => number,
  freeNumber: lib.func('int rh_free_number(int tid, int first, int last)') as (
    tid: number,
    first: number,
    last: number,
  ) => number,
  mirrorOpen: lib.func('int rh_mirror_open(int alone)') as (alone: number) => number,
  mirrorFd: lib.func('int rh_mirror_fd(int number)') as (number: number) => number,
  mirrorSet: lib.func('int rh_mirror_set(int number, int want)') as (number: number, want: number) => number,
  mirrorClose: lib.func('void rh_mirror_close(int number)') as (number: number) => void,
  getRegs: lib.func('int rh_get_regs(int tid, void *regs)') as (tid: number, regs: Uint32Array) => number,
  setRegs: lib.func('int rh_set_regs(int tid, void *regs)') as (tid: number, regs: Uint32Array) => number,
  interrupt: lib.func('int rh_interrupt(int tid)') as (tid: number) => number,
  kill: lib.func('int rh_kill(int pid, int signal)') as (pid: number, signal: number) => number,
  tkill: lib.func('int rh_tkill(int tid, int signal)') as (tid: number, signal: number) => number,
  holdSignal: lib.func('void rh_hold_signal(int tid, int signal)') as (tid: number, signal: number) => void,
  sendHeld: lib.func('int rh_send_held(int tid)') as (tid: number) => number,
  resumeOther: lib.func('int rh_resume_other(int tid, int request, int signal)') as (
    tid: number,
    request: number,
    signal: number,
  ) => number,
  startError: lib.func('int rh_start_error()') as () => number,
  setNofile: lib.func('int rh_set_nofile(int pid, int64_t soft)') as (pid: number, soft: number) => number,
  exit: lib.func('void rh_exit(int status)') as (status: number) => void,
};

koffi.struct('rh_start', {
  args: 'void *',
  candidates: 'void *',
  filter: 'void *',
  ignored: 'uint64_t',
  nofile: 'int64_t',
  argc: 'int32_t',
  filter_length: 'int32_t',
  hidden: 'int32_t',
  open: 'int32_t',
  notify: 'int32_t',
});
const rhStart = lib.func('int rh_start(rh_start *how)');
const rhMap = lib.func('void *rh_map(int64_t length)');
const rhDiscard = lib.func('int rh_discard(void *base, int64_t offset, int64_t length)');

export interface StartOptions {
  /** argv, as bytes. */
  args: readonly Uint8Array[];
  /** The paths to try, in order, as bytes. */
  candidates: readonly Uint8Array[];
  /** struct sock_filter array; empty: no filter. */
  filter: Uint8Array;
  /** Signals ignored at the start, bit n-1 for signal n. */
  ignored: bigint;
  /** RLIMIT_NOFILE's soft limit; -1: as it is. */
  nofile: number;
  /** Where the placeholders' source is kept. */
  hidden: number;
  /** Bit n: fd n is open for the program. Node has made it close-on-exec. */
  open: number;
  /** The call by which the filter notifies (compileFilter's `notify`); 0: none. */
  notify: number;
}

function zeroTerminated(strings: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([...strings.flatMap(s => [s, Buffer.of(0)]), Buffer.of(0)]);
}

/** Starts the program seized and filtered (rh_start). Returns its pid, or -errno. */
export function start(options: StartOptions): number {
  return rhStart({
    args: zeroTerminated(options.args),
    candidates: zeroTerminated(options.candidates),
    filter: options.filter,
    ignored: options.ignored,
    nofile: options.nofile,
    argc: options.args.length,
    filter_length: options.filter.length / SOCK_FILTER_SIZE,
    hidden: options.hidden,
    open: options.open | 0,
    notify: options.notify,
  });
}

/** Host memory for file contents: zeroed, committed when touched, given back page by page. */
/** Made for EmbeddedKernel's SlabProvider. */
export const hostSlabs = {
  allocate(bytes: number): Uint8Array {
    const base = rhMap(bytes);
    if (base === null)
      throw new Error(`the host has no ${bytes} bytes of address space left for file contents`);
    return new Uint8Array(koffi.view(base, bytes));
  },
  discard(slab: Uint8Array, offset: number, length: number): void {
    rhDiscard(slab, offset, length);
  },
};
