/**
 * Seccomp filters as search trees (seccomp(2), linux/filter.h). What is allowed whatever its arguments are costs nothing at
 * all: the kernel keeps a bitmap of such calls. The rest pays for its way down the tree, so calls on descriptors, which are many and short,
 * are tested before it.
 */

import { X32_SYSCALL_BIT } from '../abi/linux/syscalls.js';

/** sizeof(struct sock_filter), linux/filter.h: an opcode, jt, jf and k. */
export const SOCK_FILTER_SIZE = 8;
/** Opcodes of classic BPF, as far as our filters have them (linux/bpf_common.h). */
export const BPF_LD_W_ABS = 0x20;
export const BPF_JMP_JA = 0x05;
export const BPF_JMP_JEQ_K = 0x15;
export const BPF_JMP_JGE_K = 0x35;
export const BPF_JMP_JSET_K = 0x45;
export const BPF_RET_K = 0x06;

/** linux/seccomp.h */
export const SECCOMP_RET_ALLOW = 0x7fff0000;
export const SECCOMP_RET_TRACE = 0x7ff00000;
export const SECCOMP_RET_ERRNO = 0x00050000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc00000;
/** linux/audit.h */
export const AUDIT_ARCH_X86_64 = 0xc000003e;

/** Offsets in struct seccomp_data (linux/seccomp.h); an argument's low half comes first. */
export const DATA_NR = 0;
export const DATA_ARCH = 4;
export const DATA_ARGS = 16;
const dataArg = (n: number): number => DATA_ARGS + 8 * n;

/** Descriptors are ints: a number with the top bit set is no descriptor of anybody's. */
export const FIRST_NEGATIVE = 0x80000000;

/** When a call stops. */
export type FilterRule =
  | { readonly nr: number; readonly stop: 'always' }
  /** When one of these arguments is a descriptor that FdTest picks, or lies below `below`. */
  | { readonly nr: number; readonly stop: 'fd'; readonly args: readonly number[]; readonly below?: number }
  /** When an argument has one of these bits. */
  | { readonly nr: number; readonly stop: 'mask'; readonly arg: number; readonly mask: number }
  /** When an argument's low half is one of these. */
  | { readonly nr: number; readonly stop: 'values'; readonly arg: number; readonly values: readonly number[] }
  /** Never stops: the host refuses it with this errno. */
  | { readonly nr: number; readonly stop: 'errno'; readonly errno: number };

/** Which descriptors stop: all from `min` up, or one. */
export type FdTest = { readonly min: number } | { readonly equal: number };

interface Instruction {
  code: number;
  /** For conditional jumps: instructions to skip. */
  jt: number;
  jf: number;
  k: number;
  /** For JA: the label whose position becomes k. */
  label?: string;
}

class Assembler {
  readonly code: Instruction[] = [];
  readonly #labels = new Map<string, number>();

  emit(code: number, k: number, jt = 0, jf = 0): void {
    this.code.push({ code, jt, jf, k });
  }
  jump(label: string): void {
    this.code.push({ code: BPF_JMP_JA, jt: 0, jf: 0, k: 0, label });
  }
  place(label: string): void {
    this.#labels.set(label, this.code.length);
  }
  /** struct sock_filter[]. */
  assemble(): Uint8Array {
    const bytes = new Uint8Array(this.code.length * 8);
    const view = new DataView(bytes.buffer);
    this.code.forEach((instruction, at) => {
      let { k } = instruction;
      if (instruction.label !== undefined) {
        const target = this.#labels.get(instruction.label);
        if (target === undefined) throw new Error(`filter label ${instruction.label} was never placed`);
        k = target - at - 1;
      }
      view.setUint16(at * 8, instruction.code, true);
      view.setUint8(at * 8 + 2, instruction.jt);
      view.setUint8(at * 8 + 3, instruction.jf);
      view.setUint32(at * 8 + 4, k >>> 0, true);
    });
    return bytes;
  }
}

function leafLabel(rule: FilterRule | undefined): string {
  switch (rule?.stop) {
    case undefined:
      return 'allow';
    case 'always':
      return 'trace';
    case 'errno':
      return `errno ${rule.errno}`;
    case 'fd':
      return `fd ${rule.args.join(' ')} ${rule.below ?? 0}`;
    case 'mask':
      return `mask ${rule.arg} ${rule.mask}`;
    case 'values':
      return `values ${rule.arg} ${rule.values.join(' ')}`;
  }
}

function emitLeaf(asm: Assembler, rule: FilterRule, fds: FdTest): void {
  asm.place(leafLabel(rule));
  switch (rule.stop) {
    case 'always':
      asm.emit(BPF_RET_K, SECCOMP_RET_TRACE);
      return;
    case 'errno':
      asm.emit(BPF_RET_K, SECCOMP_RET_ERRNO | rule.errno);
      return;
    case 'mask':
      asm.emit(BPF_LD_W_ABS, dataArg(rule.arg));
      asm.emit(BPF_JMP_JSET_K, rule.mask, 0, 1);
      asm.emit(BPF_RET_K, SECCOMP_RET_TRACE);
      asm.emit(BPF_RET_K, SECCOMP_RET_ALLOW);
      return;
    case 'values':
      asm.emit(BPF_LD_W_ABS, dataArg(rule.arg));
      for (const value of rule.values) {
        asm.emit(BPF_JMP_JEQ_K, value, 0, 1);
        asm.emit(BPF_RET_K, SECCOMP_RET_TRACE);
      }
      asm.emit(BPF_RET_K, SECCOMP_RET_ALLOW);
      return;
    case 'fd':
      for (const arg of rule.args) {
        asm.emit(BPF_LD_W_ABS, dataArg(arg));
        if ('equal' in fds) {
          asm.emit(BPF_JMP_JEQ_K, fds.equal, 0, 1);
          asm.emit(BPF_RET_K, SECCOMP_RET_TRACE);
        } else {
          asm.emit(BPF_JMP_JGE_K, FIRST_NEGATIVE, rule.below === undefined ? 2 : 4, 0);
          asm.emit(BPF_JMP_JGE_K, fds.min, 0, 1);
          asm.emit(BPF_RET_K, SECCOMP_RET_TRACE);
          if (rule.below !== undefined) {
            asm.emit(BPF_JMP_JGE_K, rule.below, 1, 0);
            asm.emit(BPF_RET_K, SECCOMP_RET_TRACE);
          }
        }
      }
      asm.emit(BPF_RET_K, SECCOMP_RET_ALLOW);
  }
}

/** Runs of call numbers that end the same way: [first number, leaf], up to the next run's first. */
function runs(rules: readonly FilterRule[]): [number, string][] {
  const sorted = [...rules].sort((a, b) => a.nr - b.nr);
  const result: [number, string][] = [[0, 'allow']];
  const add = (nr: number, label: string): void => {
    const last = result[result.length - 1];
    if (last[0] === nr) last[1] = label;
    else if (last[1] !== label) result.push([nr, label]);
  };
  for (const rule of sorted) {
    add(rule.nr, leafLabel(rule));
    result.push([rule.nr + 1, 'allow']);
  }
  // Neighbours that turned out alike become one.
  return result.filter(([, label], i) => i === 0 || result[i - 1][1] !== label);
}

function emitTree(asm: Assembler, all: readonly [number, string][], name: string): void {
  if (all.length === 1) {
    const label = all[0][1];
    if (label === 'allow') asm.emit(BPF_RET_K, SECCOMP_RET_ALLOW);
    else if (label === 'trace') asm.emit(BPF_RET_K, SECCOMP_RET_TRACE);
    else asm.jump(label);
    return;
  }
  const middle = all.length >> 1;
  const right = `${name}r`;
  asm.emit(BPF_JMP_JGE_K, all[middle][0], 0, 1);
  asm.jump(right);
  emitTree(asm, all.slice(0, middle), `${name}l`);
  asm.place(right);
  emitTree(asm, all.slice(middle), right);
}

/**
 * Compiles rules into a program for SECCOMP_SET_MODE_FILTER. Calls that no rule names are allowed. `first` are the calls tested
 * before the tree. Calls of another architecture stop with FilterData.COMPAT32, x32's with FilterData.X32, when `foreign` is set.
 * `notify` is a number that no call has, with which the filter's listener is reached (native/install.c).
 */
export function compileFilter(
  rules: readonly FilterRule[],
  fds: FdTest,
  options: { first?: readonly number[]; foreign?: boolean; notify?: number } = {},
): Uint8Array {
  const asm = new Assembler();
  const foreign = options.foreign === true;
  asm.emit(BPF_LD_W_ABS, DATA_ARCH);
  asm.emit(BPF_JMP_JEQ_K, AUDIT_ARCH_X86_64, 1, 0);
  asm.emit(BPF_RET_K, foreign ? SECCOMP_RET_TRACE | 1 : SECCOMP_RET_ALLOW);
  asm.emit(BPF_LD_W_ABS, DATA_NR);
  const byNr = new Map(rules.map(rule => [rule.nr, rule]));
  for (const nr of options.first ?? []) {
    asm.emit(BPF_JMP_JEQ_K, nr, 0, 1);
    const label = leafLabel(byNr.get(nr));
    if (label === 'allow') asm.emit(BPF_RET_K, SECCOMP_RET_ALLOW);
    else asm.jump(label);
  }
  if (options.notify !== undefined && options.notify > 0) {
    asm.emit(BPF_JMP_JEQ_K, options.notify, 0, 1);
    asm.emit(BPF_RET_K, SECCOMP_RET_USER_NOTIF);
  }
  asm.emit(BPF_JMP_JGE_K, X32_SYSCALL_BIT, 0, 1);
  asm.emit(BPF_RET_K, foreign ? SECCOMP_RET_TRACE | 2 : SECCOMP_RET_ALLOW);
  emitTree(asm, runs(rules), 't');
  const placed = new Set<string>();
  for (const rule of rules) {
    const label = leafLabel(rule);
    if (placed.has(label)) continue;
    placed.add(label);
    emitLeaf(asm, rule, fds);
  }
  return asm.assemble();
}
