/** What all calls on remote sockets are made with: finding the socket, attempts and waits. */
import { EAGAIN, EBADF, ENOTSOCK } from '../../abi/linux/errno.js';
import { O_NONBLOCK, O_RDWR } from '../../abi/linux/fcntl.js';
import { AF_INET6, MSG_DONTWAIT, SOCK_NONBLOCK, SOCK_TYPE_MASK } from '../../abi/linux/socket.js';
import { S_IFSOCK } from '../../abi/linux/stat.js';
import { toLinuxErrno } from '../../abi/netbsd/errno.js';
import { NB } from '../../abi/netbsd/nr.js';
import { NB_IPPROTO_IPV6, NB_IPV6_V6ONLY, NB_SO_ERROR, NB_SOL_SOCKET } from '../../abi/netbsd/sockopt.js';
import { then } from '../../kernel/results.js';
import type { Result } from '../../kernel/rump_kernel.js';
import { Description, type Descriptor } from './descriptors.js';
import { ProcViewCalls } from './process_proc.js';
import { Readiness } from './readiness.js';
import { type Filter, Phase, READ } from './readiness_parts.js';
import { SocketState } from './socket_state.js';
import { type Attempt, SocketWait } from './socket_wait.js';
import type { SysCall } from './syscall.js';

/** A descriptor that is a socket. */
export interface OpenRemoteSocket {
  readonly entry: Descriptor;
  readonly state: SocketState;
  readonly readiness: Readiness;
}

export abstract class SocketBase extends ProcViewCalls {
  /** The socket of a descriptor; -EBADF, -ENOTSOCK. */
  protected socketOf(fd: number): OpenRemoteSocket | number {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    const { socket: state, readiness } = entry.file;
    return state === undefined || readiness === undefined ? -ENOTSOCK : { entry, state, readiness };
  }

  protected onSocket(nr: number, { entry }: OpenRemoteSocket): SysCall {
    return this.putFd(this.begin(nr), entry);
  }

  /** The open file of a new socket. `type`: Linux's, with SOCK_NONBLOCK. */
  protected newSocket(domain: number, type: number, protocol: number): Description {
    const file = new Description(O_RDWR | ((type & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0), 'socket:');
    const state = new SocketState(domain, type & SOCK_TYPE_MASK, protocol);
    file.type = S_IFSOCK;
    file.nonblocking = true;
    file.socket = state;
    file.readiness = new Readiness(state.needsConnection ? Phase.FRESH : Phase.OPEN);
    return file;
  }

  /** NetBSD's sockets of AF_INET6 do not take IPv4's by default, Linux's do (net.inet6.ip6.v6only, ipv6(7)). */
  protected asLinuxDefaults(fd: number, domain: number): Result {
    if (domain !== AF_INET6) return fd;
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return fd;
    const call = this.onSocket(NB.setsockopt, socket).int(NB_IPPROTO_IPV6).int(NB_IPV6_V6ONLY);
    call.pointer(call.reserve(4)).int(4);
    return this.finishWith(call, () => fd);
  }

  /**
   * Makes an attempt, and if it would block waits until the socket is ready and makes it again, until it has a result, a signal comes or
   * the socket's timeout is over. `flags`: MSG_DONTWAIT.
   */
  protected attempt(socket: OpenRemoteSocket, filter: Filter, flags: number, attempt: Attempt): Result {
    const { entry, state, readiness } = socket;
    const waits = entry.file.waits && (flags & MSG_DONTWAIT) === 0;
    if (!waits) {
      return then(attempt.run(), result =>
        result === -EAGAIN && attempt.moved > 0 ? attempt.moved : result,
      );
    }
    const wait = (): Result => {
      const { loop } = this.shared.remote.options;
      const timeout = filter === READ ? state.receiveTimeout : state.sendTimeout;
      const waiting = new SocketWait(readiness, filter, attempt, { loop, timeout });
      readiness.wait(waiting);
      return waiting;
    };
    if (readiness.hasWaits(filter) || readiness.isQuiet(filter)) return wait();
    return then(attempt.run(), result => (result === -EAGAIN ? wait() : result));
  }

  /** SO_ERROR, which the server forgets by that: 0 or -errno. */
  protected takeError(socket: OpenRemoteSocket): Result {
    const call = this.onSocket(NB.getsockopt, socket).int(NB_SOL_SOCKET).int(NB_SO_ERROR);
    const at = call.reserve(4);
    const lengthAt = call.reserve(4);
    call.view.setUint32(lengthAt, 4, true);
    return this.finishWith(call.pointer(at).pointer(lengthAt), done => {
      if (done.result < 0) return done.result;
      socket.readiness.errorTaken();
      return -toLinuxErrno(done.view.getInt32(at, true));
    });
  }
}
