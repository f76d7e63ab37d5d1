/**
 * What RUMPHIJACK says, parsed: which part of a program's system calls goes to the rump kernel.
 * The language is rumphijack(3)'s; rumphijack(7) says what each key means on Linux.
 */

/** The policy when RUMPHIJACK is unset (rumphijack(3)). */
export const DEFAULT_SPEC = 'path=/rump,socket=all:nolocal';

/** Added to a rump descriptor to give the program's number (rumphijack(3): half of NetBSD's FD_SETSIZE of 256). */
export const DEFAULT_FDOFF = 128;

/** Standard input, output and error are always below the offset. */
export const MIN_FDOFF = 3;

/**
 * The offset's limit, exclusive. fs.nr_open is 2^20 unless root raised it: no descriptor can have this number
 * or a higher one, so an offset from here on would leave no room for a single rump descriptor.
 */
export const FDOFF_LIMIT = 1 << 20;

/** Calls on file systems that name none by path; each is a bit of the original's `vfs`. */
export interface VfsCalls {
  /** nfsservctl(2). */
  readonly nfssvc: boolean;
  /** The mount lists below /proc, /etc/mtab, statmount(2), listmount(2). */
  readonly getvfsstat: boolean;
  /** name_to_handle_at(2), open_by_handle_at(2). */
  readonly fhcalls: boolean;
}

export interface Policy {
  /** Absolute prefix of the rump name space, one character per byte; '' for none. Ends in '/' only if all slashes. */
  readonly path: string;
  /** Absolute prefixes that the rump kernel sees unchanged, one character per byte. */
  readonly blankets: readonly string[];
  /** Linux address families (AF_*) whose sockets are the rump kernel's. */
  readonly families: ReadonlySet<number>;
  readonly vfs: VfsCalls;
  /** /proc/sys is the rump kernel's sysctl tree. */
  readonly sysctl: boolean;
  /** Module calls and /proc/modules are the rump kernel's. */
  readonly modctl: boolean;
  /** Rump descriptor n is n + fdoff in the program. */
  readonly fdoff: number;
  /** 'default' when RUMPHIJACK was unset. */
  readonly source: 'default' | 'given';
}

/** A policy string that cannot be used. The message is one line and names the bad part and what was expected. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  /** The comma-separated element that is wrong, as it was given. */
  readonly part: string;

  constructor(source: string, part: string, expected: string) {
    super(`${source}: ${printable(part)}: ${expected}`);
    this.part = part;
  }
}

const SHOWN_MAX = 200;

/** Text for a one-line message: control characters escaped, cut where it would flood the terminal. */
export function printable(text: string): string {
  if (text === '') return '""';
  const short = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
  return short.replace(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    c => `\\x${(c.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`,
  );
}

/** A byte path (one character per byte) as text; bytes that are not UTF-8 become U+FFFD. For messages only. */
export function pathText(path: string): string {
  return printable(Buffer.from(path, 'latin1').toString('utf8'));
}
