/** struct user_regs_struct (sys/user.h) in an array of 32-bit words, low half first. */

/** Register positions, in 64-bit words. */
export const Reg = {
  R10: 7,
  R9: 8,
  R8: 9,
  RAX: 10,
  RDX: 12,
  RSI: 13,
  RDI: 14,
  ORIG_RAX: 15,
  RIP: 16,
  RSP: 19,
} as const;

/** The six arguments of a system call (syscall(2), x86-64). */
export const ARGUMENT_REGS = [Reg.RDI, Reg.RSI, Reg.RDX, Reg.R10, Reg.R8, Reg.R9] as const;

/** Bytes of the syscall instruction. */
export const SYSCALL_INSN_SIZE = 2;

const TWO_32 = 0x1_0000_0000;
/** Above every user address, so that access_ok() fails for it (TASK_SIZE_MAX, x86). */
export const BAD_ADDRESS = 0x7fff_ffff_f000;

/** A register as a signed number; exact to 2^53. */
export function getSigned(regs: Uint32Array, reg: number): number {
  return (regs[reg * 2 + 1] | 0) * TWO_32 + regs[reg * 2];
}

/** A register as an address; what cannot be a user address becomes BAD_ADDRESS. */
export function getAddress(regs: Uint32Array, reg: number): number {
  const high = regs[reg * 2 + 1];
  return high > 0x7fff ? BAD_ADDRESS : high * TWO_32 + regs[reg * 2];
}

/** Stores a number (an integer, negative ones in two's complement). */
export function setReg(regs: Uint32Array, reg: number, value: number): void {
  regs[reg * 2] = value % TWO_32;
  regs[reg * 2 + 1] = Math.floor(value / TWO_32);
}
