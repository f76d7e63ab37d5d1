/** errno of NetBSD (sys/errno.h), and its translation. */
import * as linux from '../linux/errno.js';

export const NB_EPERM = 1;
export const NB_ENOENT = 2;
export const NB_ESRCH = 3;
export const NB_EINTR = 4;
export const NB_EIO = 5;
export const NB_ENXIO = 6;
export const NB_E2BIG = 7;
export const NB_ENOEXEC = 8;
export const NB_EBADF = 9;
export const NB_ECHILD = 10;
export const NB_EDEADLK = 11;
export const NB_ENOMEM = 12;
export const NB_EACCES = 13;
export const NB_EFAULT = 14;
export const NB_ENOTBLK = 15;
export const NB_EBUSY = 16;
export const NB_EEXIST = 17;
export const NB_EXDEV = 18;
export const NB_ENODEV = 19;
export const NB_ENOTDIR = 20;
export const NB_EISDIR = 21;
export const NB_EINVAL = 22;
export const NB_ENFILE = 23;
export const NB_EMFILE = 24;
export const NB_ENOTTY = 25;
export const NB_ETXTBSY = 26;
export const NB_EFBIG = 27;
export const NB_ENOSPC = 28;
export const NB_ESPIPE = 29;
export const NB_EROFS = 30;
export const NB_EMLINK = 31;
export const NB_EPIPE = 32;
export const NB_EDOM = 33;
export const NB_ERANGE = 34;
export const NB_EAGAIN = 35;
export const NB_EINPROGRESS = 36;
export const NB_EALREADY = 37;
export const NB_ENOTSOCK = 38;
export const NB_EDESTADDRREQ = 39;
export const NB_EMSGSIZE = 40;
export const NB_EPROTOTYPE = 41;
export const NB_ENOPROTOOPT = 42;
export const NB_EPROTONOSUPPORT = 43;
export const NB_ESOCKTNOSUPPORT = 44;
export const NB_EOPNOTSUPP = 45;
export const NB_EPFNOSUPPORT = 46;
export const NB_EAFNOSUPPORT = 47;
export const NB_EADDRINUSE = 48;
export const NB_EADDRNOTAVAIL = 49;
export const NB_ENETDOWN = 50;
export const NB_ENETUNREACH = 51;
export const NB_ENETRESET = 52;
export const NB_ECONNABORTED = 53;
export const NB_ECONNRESET = 54;
export const NB_ENOBUFS = 55;
export const NB_EISCONN = 56;
export const NB_ENOTCONN = 57;
export const NB_ESHUTDOWN = 58;
export const NB_ETOOMANYREFS = 59;
export const NB_ETIMEDOUT = 60;
export const NB_ECONNREFUSED = 61;
export const NB_ELOOP = 62;
export const NB_ENAMETOOLONG = 63;
export const NB_EHOSTDOWN = 64;
export const NB_EHOSTUNREACH = 65;
export const NB_ENOTEMPTY = 66;
export const NB_EPROCLIM = 67;
export const NB_EUSERS = 68;
export const NB_EDQUOT = 69;
export const NB_ESTALE = 70;
export const NB_EREMOTE = 71;
export const NB_EBADRPC = 72;
export const NB_ERPCMISMATCH = 73;
export const NB_EPROGUNAVAIL = 74;
export const NB_EPROGMISMATCH = 75;
export const NB_EPROCUNAVAIL = 76;
export const NB_ENOLCK = 77;
export const NB_ENOSYS = 78;
export const NB_EFTYPE = 79;
export const NB_EAUTH = 80;
export const NB_ENEEDAUTH = 81;
export const NB_EIDRM = 82;
export const NB_ENOMSG = 83;
export const NB_EOVERFLOW = 84;
export const NB_EILSEQ = 85;
export const NB_ENOTSUP = 86;
export const NB_ECANCELED = 87;
export const NB_EBADMSG = 88;
export const NB_ENODATA = 89;
export const NB_ENOSR = 90;
export const NB_ENOSTR = 91;
export const NB_ETIME = 92;
export const NB_ENOATTR = 93;
export const NB_EMULTIHOP = 94;
export const NB_ENOLINK = 95;
export const NB_EPROTO = 96;

/** Numbers that have the same name on both. */
const SAME: readonly (readonly [number, number])[] = [
  [NB_EPERM, linux.EPERM],
  [NB_ENOENT, linux.ENOENT],
  [NB_ESRCH, linux.ESRCH],
  [NB_EINTR, linux.EINTR],
  [NB_EIO, linux.EIO],
  [NB_ENXIO, linux.ENXIO],
  [NB_E2BIG, linux.E2BIG],
  [NB_ENOEXEC, linux.ENOEXEC],
  [NB_EBADF, linux.EBADF],
  [NB_ECHILD, linux.ECHILD],
  [NB_EDEADLK, linux.EDEADLK],
  [NB_ENOMEM, linux.ENOMEM],
  [NB_EACCES, linux.EACCES],
  [NB_EFAULT, linux.EFAULT],
  [NB_ENOTBLK, linux.ENOTBLK],
  [NB_EBUSY, linux.EBUSY],
  [NB_EEXIST, linux.EEXIST],
  [NB_EXDEV, linux.EXDEV],
  [NB_ENODEV, linux.ENODEV],
  [NB_ENOTDIR, linux.ENOTDIR],
  [NB_EISDIR, linux.EISDIR],
  [NB_EINVAL, linux.EINVAL],
  [NB_ENFILE, linux.ENFILE],
  [NB_EMFILE, linux.EMFILE],
  [NB_ENOTTY, linux.ENOTTY],
  [NB_ETXTBSY, linux.ETXTBSY],
  [NB_EFBIG, linux.EFBIG],
  [NB_ENOSPC, linux.ENOSPC],
  [NB_ESPIPE, linux.ESPIPE],
  [NB_EROFS, linux.EROFS],
  [NB_EMLINK, linux.EMLINK],
  [NB_EPIPE, linux.EPIPE],
  [NB_EDOM, linux.EDOM],
  [NB_ERANGE, linux.ERANGE],
  [NB_EAGAIN, linux.EAGAIN],
  [NB_EINPROGRESS, linux.EINPROGRESS],
  [NB_EALREADY, linux.EALREADY],
  [NB_ENOTSOCK, linux.ENOTSOCK],
  [NB_EDESTADDRREQ, linux.EDESTADDRREQ],
  [NB_EMSGSIZE, linux.EMSGSIZE],
  [NB_EPROTOTYPE, linux.EPROTOTYPE],
  [NB_ENOPROTOOPT, linux.ENOPROTOOPT],
  [NB_EPROTONOSUPPORT, linux.EPROTONOSUPPORT],
  [NB_ESOCKTNOSUPPORT, linux.ESOCKTNOSUPPORT],
  [NB_EOPNOTSUPP, linux.EOPNOTSUPP],
  [NB_EPFNOSUPPORT, linux.EPFNOSUPPORT],
  [NB_EAFNOSUPPORT, linux.EAFNOSUPPORT],
  [NB_EADDRINUSE, linux.EADDRINUSE],
  [NB_EADDRNOTAVAIL, linux.EADDRNOTAVAIL],
  [NB_ENETDOWN, linux.ENETDOWN],
  [NB_ENETUNREACH, linux.ENETUNREACH],
  [NB_ENETRESET, linux.ENETRESET],
  [NB_ECONNABORTED, linux.ECONNABORTED],
  [NB_ECONNRESET, linux.ECONNRESET],
  [NB_ENOBUFS, linux.ENOBUFS],
  [NB_EISCONN, linux.EISCONN],
  [NB_ENOTCONN, linux.ENOTCONN],
  [NB_ESHUTDOWN, linux.ESHUTDOWN],
  [NB_ETOOMANYREFS, linux.ETOOMANYREFS],
  [NB_ETIMEDOUT, linux.ETIMEDOUT],
  [NB_ECONNREFUSED, linux.ECONNREFUSED],
  [NB_ELOOP, linux.ELOOP],
  [NB_ENAMETOOLONG, linux.ENAMETOOLONG],
  [NB_EHOSTDOWN, linux.EHOSTDOWN],
  [NB_EHOSTUNREACH, linux.EHOSTUNREACH],
  [NB_ENOTEMPTY, linux.ENOTEMPTY],
  [NB_EUSERS, linux.EUSERS],
  [NB_EDQUOT, linux.EDQUOT],
  [NB_ESTALE, linux.ESTALE],
  [NB_EREMOTE, linux.EREMOTE],
  [NB_ENOLCK, linux.ENOLCK],
  [NB_ENOSYS, linux.ENOSYS],
  [NB_EIDRM, linux.EIDRM],
  [NB_ENOMSG, linux.ENOMSG],
  [NB_EOVERFLOW, linux.EOVERFLOW],
  [NB_EILSEQ, linux.EILSEQ],
  [NB_ECANCELED, linux.ECANCELED],
  [NB_EBADMSG, linux.EBADMSG],
  [NB_ENODATA, linux.ENODATA],
  [NB_ENOSR, linux.ENOSR],
  [NB_ENOSTR, linux.ENOSTR],
  [NB_ETIME, linux.ETIME],
  [NB_EMULTIHOP, linux.EMULTIHOP],
  [NB_ENOLINK, linux.ENOLINK],
  [NB_EPROTO, linux.EPROTO],
];

/** NetBSD's own: what a Linux program takes for the same. */
const TO_LINUX_ONLY: readonly (readonly [number, number])[] = [
  // open(2) with O_NOFOLLOW of a symlink.
  [NB_EFTYPE, linux.ELOOP],
  [NB_ENOTSUP, linux.EOPNOTSUPP],
  [NB_ENOATTR, linux.ENODATA],
  [NB_EAUTH, linux.EACCES],
  [NB_ENEEDAUTH, linux.EACCES],
  [NB_EPROCLIM, linux.EAGAIN],
  [NB_EBADRPC, linux.EPROTO],
  [NB_ERPCMISMATCH, linux.EPROTO],
  [NB_EPROGUNAVAIL, linux.EPROTO],
  [NB_EPROGMISMATCH, linux.EPROTO],
  [NB_EPROCUNAVAIL, linux.EPROTO],
];

/** Linux's own: the nearest that NetBSD has. */
const TO_NETBSD_ONLY: readonly (readonly [number, number])[] = [
  [linux.ECOMM, NB_EIO],
  [linux.EREMOTEIO, NB_EIO],
  [linux.ENOMEDIUM, NB_ENXIO],
  [linux.EMEDIUMTYPE, NB_EIO],
  [linux.EUCLEAN, NB_EIO],
  [linux.ENOTUNIQ, NB_EEXIST],
  [linux.EBADFD, NB_EBADF],
  [linux.ERESTART, NB_EINTR],
  [linux.ESTRPIPE, NB_EPIPE],
  [linux.EOWNERDEAD, NB_EPERM],
  [linux.ENOTRECOVERABLE, NB_EIO],
  [linux.ERFKILL, NB_EIO],
  [linux.EHWPOISON, NB_EFAULT],
  [linux.EKEYEXPIRED, NB_EACCES],
  [linux.EKEYREVOKED, NB_EACCES],
  [linux.EKEYREJECTED, NB_EACCES],
  [linux.ENOKEY, NB_ENOENT],
];

/** Every Linux errno lies below this (asm-generic/errno.h). */
const LINUX_END = 134;
const toLinux = new Uint8Array(NB_EPROTO + 1).fill(linux.EIO);
const toNetbsd = new Uint8Array(LINUX_END).fill(NB_EIO);
for (const [netbsd, number] of [...SAME, ...TO_LINUX_ONLY]) toLinux[netbsd] = number;
for (const [number, netbsd] of TO_NETBSD_ONLY) toNetbsd[number] = netbsd;
for (const [netbsd, number] of SAME) toNetbsd[number] = netbsd;
toLinux[0] = 0;
toNetbsd[0] = 0;

/** Linux's number for one of NetBSD's, both positive; EIO for what is none. */
export function toLinuxErrno(netbsd: number): number {
  return toLinux[netbsd] ?? linux.EIO;
}

/** NetBSD's number for one of Linux's, both positive; EIO where there is nothing like it. */
export function toNetbsdErrno(number: number): number {
  return toNetbsd[number] ?? NB_EIO;
}
