/** What goes wrong in a tool, and the words for it. */
import * as errno from '../../abi/linux/errno.js';

/** A call has failed, on the server or on the host: what strerror(3) says. */
export class CallError extends Error {
  constructor(readonly errno: number) {
    super(errnoText(errno));
  }
}

/** The server has closed the connection, or died. */
export class LostError extends Error {}

/** Nobody reads the output any more. */
export class ClosedPipe extends Error {}

/** What a tool refuses to do, in its own words. */
export class Refusal extends Error {}

/** The GNU C library's words for what file systems, mounts, sysctls and networks answer. */
const TEXTS = new Map<number, string>([
  [errno.EPERM, 'Operation not permitted'],
  [errno.ENOENT, 'No such file or directory'],
  [errno.ESRCH, 'No such process'],
  [errno.EINTR, 'Interrupted system call'],
  [errno.EIO, 'Input/output error'],
  [errno.ENXIO, 'No such device or address'],
  [errno.EBADF, 'Bad file descriptor'],
  [errno.EAGAIN, 'Resource temporarily unavailable'],
  [errno.ENOMEM, 'Cannot allocate memory'],
  [errno.EACCES, 'Permission denied'],
  [errno.EFAULT, 'Bad address'],
  [errno.ENOTBLK, 'Block device required'],
  [errno.EBUSY, 'Device or resource busy'],
  [errno.EEXIST, 'File exists'],
  [errno.EXDEV, 'Invalid cross-device link'],
  [errno.ENODEV, 'No such device'],
  [errno.ENOTDIR, 'Not a directory'],
  [errno.EISDIR, 'Is a directory'],
  [errno.EINVAL, 'Invalid argument'],
  [errno.ENFILE, 'Too many open files in system'],
  [errno.EMFILE, 'Too many open files'],
  [errno.ENOTTY, 'Inappropriate ioctl for device'],
  [errno.ETXTBSY, 'Text file busy'],
  [errno.EFBIG, 'File too large'],
  [errno.ENOSPC, 'No space left on device'],
  [errno.ESPIPE, 'Illegal seek'],
  [errno.EROFS, 'Read-only file system'],
  [errno.EMLINK, 'Too many links'],
  [errno.EPIPE, 'Broken pipe'],
  [errno.ERANGE, 'Numerical result out of range'],
  [errno.ENAMETOOLONG, 'File name too long'],
  [errno.ENOSYS, 'Function not implemented'],
  [errno.ENOTEMPTY, 'Directory not empty'],
  [errno.ELOOP, 'Too many levels of symbolic links'],
  [errno.EOVERFLOW, 'Value too large for defined data type'],
  [errno.EOPNOTSUPP, 'Operation not supported'],
  [errno.EDESTADDRREQ, 'Destination address required'],
  [errno.EMSGSIZE, 'Message too long'],
  [errno.ENOPROTOOPT, 'Protocol not available'],
  [errno.EPROTONOSUPPORT, 'Protocol not supported'],
  [errno.ESOCKTNOSUPPORT, 'Socket type not supported'],
  [errno.EPFNOSUPPORT, 'Protocol family not supported'],
  [errno.EAFNOSUPPORT, 'Address family not supported by protocol'],
  [errno.EADDRINUSE, 'Address already in use'],
  [errno.EADDRNOTAVAIL, 'Cannot assign requested address'],
  [errno.ENETDOWN, 'Network is down'],
  [errno.ENETUNREACH, 'Network is unreachable'],
  [errno.ENOBUFS, 'No buffer space available'],
  [errno.ECONNREFUSED, 'Connection refused'],
  [errno.EHOSTDOWN, 'Host is down'],
  [errno.EHOSTUNREACH, 'No route to host'],
  [errno.ETIMEDOUT, 'Connection timed out'],
  [errno.ESTALE, 'Stale file handle'],
  [errno.EDQUOT, 'Disk quota exceeded'],
]);

export function errnoText(number: number): string {
  return TEXTS.get(number) ?? errno.errnoName(number);
}

/** Calls the host's file system, whose errors become CallErrors. */
export function onHost<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error && 'errno' in error && typeof error.errno === 'number')
      throw new CallError(-error.errno);
    throw error;
  }
}
