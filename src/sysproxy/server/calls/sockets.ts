/** The calls that make, name and connect sockets (sys/kern/uipc_syscalls.c). */
import {
  EAFNOSUPPORT,
  EBADF,
  EINVAL,
  ENOTCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  ESOCKTNOSUPPORT,
} from '../../../abi/linux/errno.js';
import { ICMP_FILTER, IPPROTO_ICMP, IPPROTO_RAW } from '../../../abi/linux/inet.js';
import {
  AF_INET,
  SHUT_RDWR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_STREAM,
  SOCK_TYPE_MASK,
} from '../../../abi/linux/socket.js';
import {
  NB_AF_ROUTE,
  NB_SOCK_CLOEXEC,
  NB_SOCK_FLAGS_MASK,
  NB_SOCK_NONBLOCK,
  NB_SOCK_NOSIGPIPE,
  toLinuxFamily,
  toLinuxSockType,
} from '../../../abi/netbsd/socket.js';
import { OpenSocket } from '../../../kernel/net/open_socket.js';
import { isDone } from '../../../kernel/rump_kernel.js';
import { addressOut, giveAddress, socketAddress } from '../addresses.js';
import { type Call, type Steps, settle, wait } from '../call.js';
import { CallError, callError } from '../errors.js';
import { linksOf } from '../interface_view.js';
import { RouteSocket } from '../route_socket.js';

/** Requests that are the kernel's own to answer: no raw socket gets them (icmp_input() of ip_icmp.c). ICMP_ECHO and ICMP_TSTAMP. */
const OWN_ICMP = new Uint8Array(Uint32Array.of((1 << 8) | (1 << 13)).buffer);
/** Bytes of a sigset_t. */
const SIGSET_SIZE = 16;

/** The socket of a descriptor. Ends the call with EBADF or ENOTSOCK. */
export function socketOf(call: Call, fd: number): OpenSocket {
  const file = call.file(fd);
  if (file instanceof OpenSocket) return file;
  throw callError(file === undefined ? EBADF : ENOTSOCK);
}

/** Errors of socket(2) and socketpair(2) in NetBSD's words (socreate() of uipc_socket.c). */
function creationError(result: number, protocol: number): number {
  if (result === -ESOCKTNOSUPPORT || result === -EINVAL) return -EPROTOTYPE;
  return result === -EPROTONOSUPPORT && protocol === 0 ? -EPROTOTYPE : result;
}

function markNosigpipe(call: Call, fd: number, type: number): void {
  const file = call.file(fd);
  if ((type & NB_SOCK_NOSIGPIPE) !== 0 && file !== undefined) call.session.state.noSigpipe.add(file);
}

/** __socket30(2). */
export function socket(call: Call): number {
  const [type, protocol] = [call.int(1), call.int(2)];
  if (call.int(0) === NB_AF_ROUTE) return routeSocket(call, type);
  const family = toLinuxFamily(call.int(0));
  if (family === undefined) return -EAFNOSUPPORT;
  const fd = call.kernel.socket(family, toLinuxSockType(type), protocol);
  if (!isDone(fd)) return -EAFNOSUPPORT;
  if (fd < 0) return creationError(fd, protocol);
  markNosigpipe(call, fd, type);
  const isIcmp = protocol === IPPROTO_ICMP && (toLinuxSockType(type) & SOCK_TYPE_MASK) === SOCK_RAW;
  if (family === AF_INET && isIcmp) call.kernel.setsockopt(fd, IPPROTO_RAW, ICMP_FILTER, OWN_ICMP);
  return fd;
}

function routeSocket(call: Call, type: number): number {
  const sockType = toLinuxSockType(type);
  if ((sockType & SOCK_TYPE_MASK) !== SOCK_RAW) return -EPROTOTYPE;
  const { kernel } = call;
  const { sockets, routeSockets } = call.session.state;
  // Without a TCP/IP stack there are no routes.
  if (linksOf(kernel).length === 0) return -EAFNOSUPPORT;
  const made = new RouteSocket(sockets, routeSockets, sockType & SOCK_NONBLOCK, kernel);
  const fd = kernel.install(made, (sockType & SOCK_CLOEXEC) !== 0);
  if (fd >= 0) markNosigpipe(call, fd, type);
  return fd;
}

export function socketpair(call: Call): number {
  const [type, protocol] = [call.int(1), call.int(2)];
  const family = toLinuxFamily(call.int(0));
  if (family === undefined) return -EAFNOSUPPORT;
  const ends = new Int32Array(2);
  const made = call.kernel.socketpair(family, toLinuxSockType(type), protocol, ends);
  if (!isDone(made)) return -EOPNOTSUPP;
  if (made < 0) return creationError(made, protocol);
  for (const fd of ends) markNosigpipe(call, fd, type);
  call.copyout(call.ulong(3), new Uint8Array(ends.buffer));
  return 0;
}

export function* bind(call: Call): Steps {
  const address = yield* socketAddress(call, call.ulong(1), call.uint(2));
  return yield* wait(call.kernel.bind(call.int(0), address));
}

export function* connect(call: Call): Steps {
  const address = yield* socketAddress(call, call.ulong(1), call.uint(2));
  return yield* wait(call.kernel.connect(call.int(0), address));
}

export function listen(call: Call): number | Steps {
  return settle(call.kernel.listen(call.int(0), call.int(1)));
}

/** accept(2): the new descriptor waits as the old one does, as 4.4BSD has it. */
export function* accept(call: Call): Steps {
  const waits = !socketOf(call, call.int(0)).isNonblocking;
  return yield* acceptOne(call, waits ? 0 : NB_SOCK_NONBLOCK);
}

/** paccept(2). The signal mask is the client's own affair: no signal reaches a rump kernel's process. */
export function* paccept(call: Call): Steps {
  if (call.ulong(3) !== 0) yield* call.copyin(call.ulong(3), SIGSET_SIZE);
  const flags = call.int(4);
  if ((flags & ~NB_SOCK_FLAGS_MASK) !== 0) return -EINVAL;
  return yield* acceptOne(call, flags & (NB_SOCK_NONBLOCK | NB_SOCK_CLOEXEC | NB_SOCK_NOSIGPIPE));
}

/** `flags`: NetBSD's SOCK_*. */
function* acceptOne(call: Call, flags: number): Steps {
  const { kernel } = call;
  const peer = addressOut();
  const fd = yield* wait(kernel.accept(call.int(0), toLinuxSockType(flags), peer));
  if (fd < 0) return fd;
  markNosigpipe(call, fd, flags);
  try {
    yield* giveAddress(call, call.ulong(1), call.ulong(2), peer);
  } catch (error) {
    if (error instanceof CallError) kernel.close(fd);
    throw error;
  }
  return fd;
}

export function getsockname(call: Call): Steps {
  return nameOf(call, 'getsockname');
}
export function getpeername(call: Call): Steps {
  return nameOf(call, 'getpeername');
}

function* nameOf(call: Call, which: 'getsockname' | 'getpeername'): Steps {
  const address = addressOut();
  const status = yield* wait(call.kernel[which](call.int(0), address));
  return status < 0 ? status : yield* giveAddress(call, call.ulong(1), call.ulong(2), address);
}

export function* shutdown(call: Call): Steps {
  const how = call.int(1);
  const { sockType } = socketOf(call, call.int(0));
  if (how < 0 || how > SHUT_RDWR) return -EINVAL;
  const status = yield* wait(call.kernel.shutdown(call.int(0), how));
  // Sockets without connections are shut down all the same, on both systems; only Linux has an error for it.
  return status === -ENOTCONN && sockType !== SOCK_STREAM ? 0 : status;
}
