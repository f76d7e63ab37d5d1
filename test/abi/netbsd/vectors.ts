import { readFileSync } from 'node:fs';

/** The rows of a table of test/vectors, without its comments. Tests run in the project's directory. */
function rows(name: string): string[][] {
  return readFileSync(`test/vectors/${name}`, 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split('\t'));
}

/** Constants, sizeof(...), offsetof(...) and fieldsize(...) of NetBSD/amd64. */
export const ABI: ReadonlyMap<string, number> = new Map(
  rows('netbsd-abi.tsv').map(([what, value]) => [what, Number(value)]),
);

/** A value that must be in the table. */
export function abi(what: string): number {
  const value = ABI.get(what);
  if (value === undefined) throw new Error(`${what} is not in netbsd-abi.tsv`);
  return value;
}

export interface SyscallRow {
  nr: number;
  name: string;
  /** Arguments of 8 bytes each. */
  slots: number;
  /** A rump kernel serves it. */
  served: boolean;
}

export const SYSCALLS: readonly SyscallRow[] = rows('netbsd-syscalls.tsv').map(
  ([nr, name, , args, served]) => ({
    nr: Number(nr),
    name,
    slots: args === 'void' ? 0 : args.split(',').length,
    served: served === 'rump',
  }),
);

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
