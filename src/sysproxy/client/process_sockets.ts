/** Sockets of a remote kernel: not made yet, so that there are none to make calls on. */
import { EAFNOSUPPORT, EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP, EPERM } from '../../abi/linux/errno.js';
import { SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_TYPE_MASK } from '../../abi/linux/socket.js';
import type { Result } from '../../kernel/rump_kernel.js';
import type { SocketProcess } from '../../kernel/socket_calls.js';
import { ProcViewCalls } from './process_proc.js';

const TYPE_BITS = SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK;

export abstract class SocketCalls extends ProcViewCalls implements SocketProcess {
  socket(_domain: number, type: number): Result {
    return (type & ~TYPE_BITS) !== 0 ? -EINVAL : -EAFNOSUPPORT;
  }
  socketpair(_domain: number, type: number): Result {
    return this.socket(_domain, type);
  }
  bind(fd: number): Result {
    return this.#none(fd);
  }
  connect(fd: number): Result {
    return this.#none(fd);
  }
  listen(fd: number): Result {
    return this.#none(fd);
  }
  accept(fd: number): Result {
    return this.#none(fd);
  }
  getsockname(fd: number): Result {
    return this.#none(fd);
  }
  getpeername(fd: number): Result {
    return this.#none(fd);
  }
  shutdown(fd: number): Result {
    return this.#none(fd);
  }
  sendMsg(fd: number): Result {
    return this.#none(fd);
  }
  recvMsg(fd: number): Result {
    return this.#none(fd);
  }
  getsockopt(fd: number): Result {
    return this.#none(fd);
  }
  setsockopt(fd: number): Result {
    return this.#none(fd);
  }
  unsent(fd: number): Result {
    return this.#none(fd);
  }
  watch(fd: number): Result {
    return this.isOpen(fd) ? -EPERM : -EBADF;
  }
  interfaces(): Result {
    return 0;
  }
  changeInterface(): Result {
    return -EOPNOTSUPP;
  }
  routes(): Result {
    return 0;
  }
  changeRoute(): Result {
    return -EOPNOTSUPP;
  }

  #none(fd: number): number {
    return this.isOpen(fd) ? -ENOTSOCK : -EBADF;
  }
}
