/** Seccomp filters in readable form: each instruction a line, with the names of calls and where each jump goes. */
import { errnoName } from '../abi/linux/errno.js';
import { syscallName, X32_SYSCALL_BIT } from '../abi/linux/syscalls.js';
import * as filter from '../tracer/filter.js';

/** SECCOMP_RET_ACTION_FULL and SECCOMP_RET_DATA of linux/seccomp.h. */
const RET_ACTION = 0xffff0000;
const RET_DATA = 0xffff;
/** No call has this number or a higher one, but for x32's. */
const SYSCALL_LIMIT = 1024;

const COMPARISONS: { readonly [code: number]: string } = {
  [filter.BPF_JMP_JEQ_K]: '==',
  [filter.BPF_JMP_JGE_K]: '>=',
  [filter.BPF_JMP_JSET_K]: '&',
};

function loaded(offset: number): string {
  if (offset === filter.DATA_NR) return 'nr';
  if (offset === filter.DATA_ARCH) return 'arch';
  return `arg${(offset - filter.DATA_ARGS) >> 3}`;
}

function verdict(k: number): string {
  const data = k & RET_DATA;
  switch ((k & RET_ACTION) >>> 0) {
    case filter.SECCOMP_RET_ALLOW:
      return 'allow: the host answers';
    case filter.SECCOMP_RET_TRACE:
      return data === 0
        ? 'stop: the tracer decides'
        : `stop: ${data === 1 ? 'a 32-bit call' : 'an x32 call'}`;
    case filter.SECCOMP_RET_USER_NOTIF:
      return 'notify: a descriptor is to be installed';
    case filter.SECCOMP_RET_ERRNO:
      return `refuse: ${errnoName(data)}`;
    default:
      return `return 0x${k.toString(16)}`;
  }
}

/** A constant in the words of what it is compared with. */
function constant(register: string, k: number): string {
  if (register === 'arch' && k === filter.AUDIT_ARCH_X86_64) return 'x86-64';
  if (register === 'nr' && k < SYSCALL_LIMIT) return `${k} (${syscallName(k)})`;
  if (register === 'nr' && k === X32_SYSCALL_BIT) return '0x40000000 (x32)';
  if (k === filter.FIRST_NEGATIVE) return '0x80000000 (negative)';
  return k > 0xffff ? `0x${k.toString(16)}` : String(k);
}

class Disassembler {
  readonly #view: DataView;
  /** What the accumulator holds, in words; at a jump's target all ways there have loaded the same. */
  #register = '';
  readonly #registerAt = new Map<number, string>();

  constructor(program: Uint8Array) {
    this.#view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  }

  /** The instruction at `pc`, in words. To be called for each in turn. */
  line(pc: number): string {
    const at = pc * filter.SOCK_FILTER_SIZE;
    const code = this.#view.getUint16(at, true);
    const k = this.#view.getUint32(at + 4, true);
    this.#register = this.#registerAt.get(pc) ?? this.#register;
    switch (code) {
      case filter.BPF_LD_W_ABS:
        this.#register = loaded(k);
        return `load ${this.#register}`;
      case filter.BPF_RET_K:
        return verdict(k);
      case filter.BPF_JMP_JA:
        return `goto ${this.#target(pc, k)}`;
      default:
        return this.#branch(pc, code, k);
    }
  }

  #branch(pc: number, code: number, k: number): string {
    const comparison = COMPARISONS[code];
    if (comparison === undefined) return `unknown instruction 0x${code.toString(16)}`;
    const at = pc * filter.SOCK_FILTER_SIZE;
    const [jt, jf] = [this.#view.getUint8(at + 2), this.#view.getUint8(at + 3)];
    const value = comparison === '&' ? `0x${k.toString(16)}` : constant(this.#register, k);
    const test = `${this.#register} ${comparison} ${value}`;
    const [yes, no] = [this.#target(pc, jt), this.#target(pc, jf)];
    if (jt === 0) return `unless ${test} goto ${no}`;
    return jf === 0 ? `if ${test} goto ${yes}` : `if ${test} goto ${yes} else ${no}`;
  }

  /** Where a jump over `skip` instructions goes. */
  #target(pc: number, skip: number): number {
    const target = pc + 1 + skip;
    if (!this.#registerAt.has(target)) this.#registerAt.set(target, this.#register);
    return target;
  }
}

/**
 * One line for each instruction of a filter (struct sock_filter[]). A jump without an `else` goes on with the next line when its
 * condition does not hold.
 */
export function filterText(program: Uint8Array): string[] {
  const disassembler = new Disassembler(program);
  const lines: string[] = [];
  for (let pc = 0; pc < program.byteLength / filter.SOCK_FILTER_SIZE; pc++)
    lines.push(`${String(pc).padStart(4)}  ${disassembler.line(pc)}`);
  return lines;
}
