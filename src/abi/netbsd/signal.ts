/** Signal numbers of NetBSD (sys/signal.h). */
import * as linux from '../linux/signal.js';

export const NB_SIGHUP = 1;
export const NB_SIGINT = 2;
export const NB_SIGQUIT = 3;
export const NB_SIGILL = 4;
export const NB_SIGTRAP = 5;
export const NB_SIGABRT = 6;
export const NB_SIGEMT = 7;
export const NB_SIGFPE = 8;
export const NB_SIGKILL = 9;
export const NB_SIGBUS = 10;
export const NB_SIGSEGV = 11;
export const NB_SIGSYS = 12;
export const NB_SIGPIPE = 13;
export const NB_SIGALRM = 14;
export const NB_SIGTERM = 15;
export const NB_SIGURG = 16;
export const NB_SIGSTOP = 17;
export const NB_SIGTSTP = 18;
export const NB_SIGCONT = 19;
export const NB_SIGCHLD = 20;
export const NB_SIGTTIN = 21;
export const NB_SIGTTOU = 22;
export const NB_SIGIO = 23;
export const NB_SIGXCPU = 24;
export const NB_SIGXFSZ = 25;
export const NB_SIGVTALRM = 26;
export const NB_SIGPROF = 27;
export const NB_SIGWINCH = 28;
export const NB_SIGINFO = 29;
export const NB_SIGUSR1 = 30;
export const NB_SIGUSR2 = 31;
export const NB_SIGPWR = 32;
export const NB_SIGRTMIN = 33;
export const NB_SIGRTMAX = 63;

/** Those that both have, Linux's number first. SIGEMT, SIGINFO and Linux's SIGSTKFLT have no counterpart. */
const SIGNALS: readonly (readonly [number, number])[] = [
  [linux.SIGHUP, NB_SIGHUP],
  [linux.SIGINT, NB_SIGINT],
  [linux.SIGQUIT, NB_SIGQUIT],
  [linux.SIGILL, NB_SIGILL],
  [linux.SIGTRAP, NB_SIGTRAP],
  [linux.SIGABRT, NB_SIGABRT],
  [linux.SIGFPE, NB_SIGFPE],
  [linux.SIGKILL, NB_SIGKILL],
  [linux.SIGBUS, NB_SIGBUS],
  [linux.SIGSEGV, NB_SIGSEGV],
  [linux.SIGSYS, NB_SIGSYS],
  [linux.SIGPIPE, NB_SIGPIPE],
  [linux.SIGALRM, NB_SIGALRM],
  [linux.SIGTERM, NB_SIGTERM],
  [linux.SIGURG, NB_SIGURG],
  [linux.SIGSTOP, NB_SIGSTOP],
  [linux.SIGTSTP, NB_SIGTSTP],
  [linux.SIGCONT, NB_SIGCONT],
  [linux.SIGCHLD, NB_SIGCHLD],
  [linux.SIGTTIN, NB_SIGTTIN],
  [linux.SIGTTOU, NB_SIGTTOU],
  [linux.SIGIO, NB_SIGIO],
  [linux.SIGXCPU, NB_SIGXCPU],
  [linux.SIGXFSZ, NB_SIGXFSZ],
  [linux.SIGVTALRM, NB_SIGVTALRM],
  [linux.SIGPROF, NB_SIGPROF],
  [linux.SIGWINCH, NB_SIGWINCH],
  [linux.SIGUSR1, NB_SIGUSR1],
  [linux.SIGUSR2, NB_SIGUSR2],
  [linux.SIGPWR, NB_SIGPWR],
];

/** The first real-time signal that libc leaves to programs. */
const LINUX_RTMIN = 34;

/** Linux's number, or 0 where there is none. */
export function toLinuxSignal(netbsd: number): number {
  if (netbsd >= NB_SIGRTMIN && netbsd <= NB_SIGRTMAX) return Math.min(netbsd - NB_SIGRTMIN + LINUX_RTMIN, 64);
  return SIGNALS.find(([, number]) => number === netbsd)?.[0] ?? 0;
}

/** NetBSD's number, or 0 where there is none. */
export function toNetbsdSignal(signal: number): number {
  if (signal >= LINUX_RTMIN && signal - LINUX_RTMIN + NB_SIGRTMIN <= NB_SIGRTMAX)
    return signal - LINUX_RTMIN + NB_SIGRTMIN;
  return SIGNALS.find(([number]) => number === signal)?.[1] ?? 0;
}
