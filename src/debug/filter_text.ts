/** Seccomp filters in readable form: each instruction a line, with the names of calls and where each jump goes. */
import { errnoName } from '../abi/linux/errno.js';
import { syscallName } from '../abi/linux/syscalls.js';

/** Classic BPF as seccomp(2) uses it (linux/bpf_common.h): opcode in the first half, then jt, jf and k (struct sock_filter). */
const LD_W_ABS = 0x20;
const JA = 0x05;
const JEQ = 0x15;
const JGE = 0x35;
const JSET = 0x45;
const RET = 0x06;
const INSTRUCTION_SIZE = 8;

/** linux/seccomp.h */
const RET_ACTION = 0xffff0000;
const RET_DATA = 0xffff;
const RET_ALLOW = 0x7fff0000;
const RET_TRACE = 0x7ff00000;
const RET_USER_NOTIF = 0x7fc00000;
const RET_ERRNO = 0x00050000;
/** linux/audit.h */
const AUDIT_ARCH_X86_64 = 0xc000003e;
/** asm/unistd.h */
const X32_SYSCALL_BIT = 0x40000000;
/** struct seccomp_data: nr, arch, instruction pointer, then six arguments of 64 bits. */
const DATA_ARCH = 4;
const DATA_ARGS = 16;
const FIRST_NEGATIVE = 0x80000000;
const SYSCALL_LIMIT = 1024;

const COMPARISONS: { readonly [code: number]: string } = { [JEQ]: '==', [JGE]: '>=', [JSET]: '&' };

function loaded(offset: number): string {
  if (offset === 0) return 'nr';
  if (offset === DATA_ARCH) return 'arch';
  return `arg${(offset - DATA_ARGS) >> 3}`;
}

function verdict(k: number): string {
  const data = k & RET_DATA;
  switch ((k & RET_ACTION) >>> 0) {
    case RET_ALLOW:
      return 'allow: the host answers';
    case RET_TRACE:
      return data === 0
        ? 'stop: the tracer decides'
        : `stop: ${data === 1 ? 'a 32-bit call' : 'an x32 call'}`;
    case RET_USER_NOTIF:
      return 'notify: a descriptor is to be installed';
    case RET_ERRNO:
      return `refuse: ${errnoName(data)}`;
    default:
      return `return 0x${k.toString(16)}`;
  }
}

/** A constant in the words of what it is compared with. */
function constant(register: string, k: number): string {
  if (register === 'arch' && k === AUDIT_ARCH_X86_64) return 'x86-64';
  if (register === 'nr' && k < SYSCALL_LIMIT) return `${k} (${syscallName(k)})`;
  if (register === 'nr' && k === X32_SYSCALL_BIT) return '0x40000000 (x32)';
  if (k === FIRST_NEGATIVE) return '0x80000000 (negative)';
  return k > 0xffff ? `0x${k.toString(16)}` : String(k);
}

/**
 * One line for each instruction of a filter (struct sock_filter[]). A jump without an `else` goes on with the next line when its
 * condition does not hold.
 */
export function filterText(filter: Uint8Array): string[] {
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const count = filter.byteLength / INSTRUCTION_SIZE;
  const lines: string[] = [];
  let register = '';
  // What is loaded at a jump's target, where that is known: all ways to a line have loaded the same.
  const at = new Map<number, string>();
  for (let pc = 0; pc < count; pc++) {
    const code = view.getUint16(pc * INSTRUCTION_SIZE, true);
    const [jt, jf] = [filter[pc * INSTRUCTION_SIZE + 2], filter[pc * INSTRUCTION_SIZE + 3]];
    const k = view.getUint32(pc * INSTRUCTION_SIZE + 4, true);
    register = at.get(pc) ?? register;
    const go = (skip: number): number => {
      if (!at.has(pc + 1 + skip)) at.set(pc + 1 + skip, register);
      return pc + 1 + skip;
    };
    lines.push(`${String(pc).padStart(4)}  ${instruction()}`);

    function instruction(): string {
      if (code === LD_W_ABS) {
        register = loaded(k);
        return `load ${register}`;
      }
      if (code === RET) return verdict(k);
      if (code === JA) return `goto ${go(k)}`;
      const comparison = COMPARISONS[code];
      if (comparison === undefined) return `unknown instruction 0x${code.toString(16)}`;
      const test = `${register} ${comparison} ${comparison === '&' ? `0x${k.toString(16)}` : constant(register, k)}`;
      const [yes, no] = [go(jt), go(jf)];
      if (jt === 0) return `unless ${test} goto ${no}`;
      return jf === 0 ? `if ${test} goto ${yes}` : `if ${test} goto ${yes} else ${no}`;
    }
  }
  return lines;
}
