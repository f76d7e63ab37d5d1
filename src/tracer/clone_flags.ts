/** What a thread wanted that has made a child. */
import { Event, eventRegs, eventWords } from './native.js';
import { getAddress, Reg } from './regs.js';
import type { Thread } from './thread.js';

/** linux/ptrace.h */
const PTRACE_EVENT_FORK = 1;
const PTRACE_EVENT_VFORK = 2;

/** linux/sched.h */
const CLONE_VM = 0x100;
const CLONE_VFORK = 0x4000;
/** asm/unistd_64.h */
const NR_CLONE3 = 435;
const NR_CLONE = 56;

/** The flags of the clone(2) whose PTRACE_EVENT has come, of the child that it made. */
export function cloneFlags<S>(parent: Thread<S>): number {
  if (eventWords[Event.EVENT] === PTRACE_EVENT_VFORK && eventRegs[Reg.ORIG_RAX * 2] !== NR_CLONE3) {
    // vfork(2) itself has no flags; a clone with CLONE_VFORK says the rest in its argument.
    if (eventRegs[Reg.ORIG_RAX * 2] !== NR_CLONE) return CLONE_VM | CLONE_VFORK;
  }
  switch (eventRegs[Reg.ORIG_RAX * 2]) {
    case NR_CLONE:
      return eventRegs[Reg.RDI * 2];
    case NR_CLONE3: {
      const word = new Uint8Array(4);
      parent.call.read(getAddress(eventRegs, Reg.RDI), word);
      return new DataView(word.buffer).getUint32(0, true);
    }
    default:
      return eventWords[Event.EVENT] === PTRACE_EVENT_FORK ? 0 : CLONE_VM | CLONE_VFORK;
  }
}
