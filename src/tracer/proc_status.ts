/** What /proc tells of a tracee (proc(5)). */
import { readFileSync } from 'node:fs';

/** asm/signal.h */
const SIGCHLD = 17;
const SIGCONT = 18;
const SIGSTOP = 19;
const SIGTSTP = 20;
const SIGTTIN = 21;
const SIGTTOU = 22;
const SIGURG = 23;
const SIGWINCH = 28;

/** Signals whose default is to be ignored or to go on (signal(7)), and those whose default is to stop. */
const HARMLESS = new Set([SIGCHLD, SIGURG, SIGWINCH, SIGCONT]);
const STOPPING = new Set([SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU]);

/** What a signal does to a thread, by the masks in /proc/TID/status (proc(5)): 'survives' is as if it had not come. */
export function fateOf(tid: number, signal: number): 'dies' | 'handles' | 'stops' | 'survives' {
  try {
    const status = readFileSync(`/proc/${tid}/status`, 'latin1');
    const bit = 1n << BigInt(signal - 1);
    const has = (mask: string): boolean => {
      const match = new RegExp(`^${mask}:\\s*([0-9a-f]+)`, 'm').exec(status);
      return match !== null && (BigInt(`0x${match[1]}`) & bit) !== 0n;
    };
    if (has('SigCgt')) return 'handles';
    if (has('SigIgn') || HARMLESS.has(signal)) return 'survives';
    return STOPPING.has(signal) ? 'stops' : 'dies';
  } catch {
    // It is gone.
    return 'dies';
  }
}

/** Field 5 of /proc/PID/stat (proc(5)); the command's name, field 2, may hold anything. */
export function processGroup(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return -1;
  }
}
