/** ioctl codes of NetBSD (sys/ioccom.h, sys/filio.h, sys/ttycom.h, sys/sockio.h), and Linux's for the same. */
import * as linux from '../linux/ioctl.js';

export const NB_FIOCLEX = 0x20006601;
export const NB_FIONCLEX = 0x20006602;
export const NB_FIONREAD = 0x4004667f;
export const NB_FIONBIO = 0x8004667e;
export const NB_FIOASYNC = 0x8004667d;
export const NB_FIONWRITE = 0x40046679;
export const NB_FIONSPACE = 0x40046678;
export const NB_TIOCGETA = 0x402c7413;
export const NB_TIOCSETA = 0x802c7414;
export const NB_TIOCGWINSZ = 0x40087468;
export const NB_TIOCOUTQ = 0x40047473;
export const NB_SIOCGIFCONF = 0xc0106926;
export const NB_SIOCGIFFLAGS = 0xc0906911;
export const NB_SIOCSIFFLAGS = 0x80906910;
export const NB_SIOCGIFADDR = 0xc0906921;
export const NB_SIOCGIFNETMASK = 0xc0906925;
export const NB_SIOCGIFMTU = 0xc090697e;
export const NB_SIOCSIFMTU = 0x8090697f;
export const NB_SIOCGIFINDEX = 0xc090698c;
export const NB_SIOCIFCREATE = 0x8090697a;
export const NB_SIOCIFDESTROY = 0x80906979;
export const NB_SIOCAIFADDR = 0x8040691a;
export const NB_SIOCDIFADDR = 0x80906919;
export const NB_SIOCSLINKSTR = 0x80286988;
export const NB_SIOCGLINKSTR = 0xc0286987;
export const NB_SIOCIFGCLONERS = 0xc0106978;
export const NB_SIOCAIFADDR_IN6 = 0x8080696b;
export const NB_SIOCGIFDSTADDR = 0xc0906922;
export const NB_SIOCGIFBRDADDR = 0xc0906923;
export const NB_SIOCGIFALIAS = 0xc040691b;
export const NB_SIOCGIFDATA = 0xc0986985;
export const NB_SIOCGIFAFLAG_IN = 0xc0906927;
export const NB_SIOCGIFAFLAG_IN6 = 0xc1206949;
export const NB_SIOCGIFADDR_IN6 = 0xc1206921;
export const NB_SIOCGIFNETMASK_IN6 = 0xc1206925;
export const NB_SIOCDIFADDR_IN6 = 0x81206919;

/** Direction bits, and the length of the argument, of a code (_IOC of sys/ioccom.h). */
export const NB_IOC_VOID = 0x20000000;
export const NB_IOC_OUT = 0x40000000;
export const NB_IOC_IN = 0x80000000;
const IOCPARM_MASK = 0x1fff;

/** Bytes of the argument that a code copies, in either direction. */
export function netbsdIoctlLength(code: number): number {
  return (code >>> 16) & IOCPARM_MASK;
}

const CODES: readonly (readonly [number, number])[] = [
  [linux.FIOCLEX, NB_FIOCLEX],
  [linux.FIONCLEX, NB_FIONCLEX],
  [linux.FIONREAD, NB_FIONREAD],
  [linux.FIONBIO, NB_FIONBIO],
  [linux.FIOASYNC, NB_FIOASYNC],
  [linux.TIOCOUTQ, NB_TIOCOUTQ],
  [linux.TIOCGWINSZ, NB_TIOCGWINSZ],
];

/** NetBSD's code for one of Linux's whose argument is the same on both; undefined for all others. */
export function toNetbsdIoctl(code: number): number | undefined {
  return CODES.find(([number]) => number === code)?.[1];
}
export function fromNetbsdIoctl(netbsd: number): number | undefined {
  return CODES.find(([, number]) => number === netbsd)?.[0];
}
