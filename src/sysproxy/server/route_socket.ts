/** Sockets of AF_ROUTE: requests to the routing table, its answers, and what changes (route(4), sys/net/rtsock.c). */
import {
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPIPE,
  EPROTONOSUPPORT,
} from '../../abi/linux/errno.js';
import { POLLIN, POLLOUT, POLLRDHUP } from '../../abi/linux/poll.js';
import {
  AF_NETLINK,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_WR,
  SO_ERROR,
  SOCK_RAW,
  SOL_SOCKET,
} from '../../abi/linux/socket.js';
import { toNetbsdErrno } from '../../abi/netbsd/errno.js';
import {
  NB_RT_MSGHDR_SIZE,
  NB_RTF_DONE,
  NB_RTM_ERRNO,
  NB_RTM_FLAGS,
  NB_RTM_PID,
  NB_RTM_VERSION,
} from '../../abi/netbsd/route.js';
import { OpenSocket, type SocketCaller } from '../../kernel/net/open_socket.js';
import { putInts } from '../../kernel/net/option_bytes.js';
import { SocketOptions } from '../../kernel/net/socket_options.js';
import type { SocketState } from '../../kernel/net/sockets.js';
import type { Result, Uio } from '../../kernel/rump_kernel.js';
import type {
  AddressOut,
  IncomingMessage,
  OutgoingMessage,
  SocketProcess,
} from '../../kernel/socket_calls.js';
import { answerRequest } from './route_requests.js';

/** What each queued message costs beside its bytes. */
const OVERHEAD = 32;

export class RouteSocket extends OpenSocket {
  readonly #all: Set<RouteSocket>;
  readonly #kernel: SocketProcess;
  readonly #options = new SocketOptions();
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  #readsNoMore = false;
  #writesNoMore = false;
  /** SO_USELOOPBACK: it hears of its own requests. */
  hearsItself = true;

  /** `all`: the sockets that are told of changes; `kernel`: the process that makes it. */
  constructor(net: SocketState, all: Set<RouteSocket>, type: number, kernel: SocketProcess & SocketCaller) {
    // AF_ROUTE is another name of AF_NETLINK on Linux.
    super(net, AF_NETLINK, type, SOCK_RAW, 0, kernel.cred);
    this.#all = all;
    this.#kernel = kernel;
    all.add(this);
  }

  override revents(): number {
    return POLLOUT | (this.#queue.length > 0 ? POLLIN : 0) | (this.#readsNoMore ? POLLIN | POLLRDHUP : 0);
  }

  protected override destroy(): void {
    this.#all.delete(this);
    this.#queue.length = 0;
  }

  override bind(): number {
    return -EINVAL;
  }
  override connect(): number {
    return -EINVAL;
  }

  /** No address: raw_usrreq.c gives the bare family, which nothing reads. */
  override getsockname(out: AddressOut): number {
    out.length = 0;
    return 0;
  }

  override shutdown(how: number): number {
    if (how !== SHUT_WR) {
      this.#readsNoMore = true;
      this.#queue.length = 0;
      this.#queued = 0;
    }
    if (how >= SHUT_WR) this.#writesNoMore = true;
    this.changed();
    return 0;
  }

  override sendMsg(
    uio: Uio,
    flags: number,
    _message: OutgoingMessage | undefined,
    caller: SocketCaller,
  ): Result {
    if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    if (this.#writesNoMore) return -EPIPE;
    const length = uio.resid;
    if (length > this.#options.sendBuffer) return -EMSGSIZE;
    const bytes = new Uint8Array(length);
    if (uio.move(bytes, 0, length) < length) return -EFAULT;
    const refused = checkHeader(bytes);
    if (refused !== 0) return refused;
    const view = new DataView(bytes.buffer);
    view.setInt32(NB_RTM_PID, caller.pid, true);
    const answer = answerRequest(bytes, this.#kernel, caller.cred);
    const told = typeof answer === 'number' ? bytes : answer;
    const toldView = new DataView(told.buffer, told.byteOffset);
    if (typeof answer === 'number' && answer < 0)
      toldView.setInt32(NB_RTM_ERRNO, toNetbsdErrno(-answer), true);
    else toldView.setInt32(NB_RTM_FLAGS, toldView.getInt32(NB_RTM_FLAGS, true) | NB_RTF_DONE, true);
    tellRouteSockets(this.#all, told, this.hearsItself ? undefined : this);
    return typeof answer === 'number' && answer < 0 ? answer : length;
  }

  /** A message for who listens; a full socket misses it, as raw_input() has it. */
  tell(message: Uint8Array): void {
    if (this.#readsNoMore || this.#queued + message.length > this.#options.receiveBuffer) return;
    this.#queue.push(message);
    this.#queued += message.length + OVERHEAD;
    this.changed(true);
  }

  override recvMsg(uio: Uio, flags: number, message: IncomingMessage | undefined): Result {
    if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    return this.attempt('in', flags, { moved: 0, run: () => this.#receive(uio, flags, message) });
  }

  #receive(uio: Uio, flags: number, message: IncomingMessage | undefined): number | undefined {
    if (this.#readsNoMore) return 0;
    const first = this.#queue[0];
    if (first === undefined) return undefined;
    if ((flags & MSG_PEEK) === 0) {
      this.#queue.shift();
      this.#queued -= first.length + OVERHEAD;
      this.changed();
    }
    const size = Math.min(uio.resid, first.length);
    if (uio.move(first, 0, size) < size) return -EFAULT;
    if (message !== undefined) {
      if (size < first.length) message.flags |= MSG_TRUNC;
      if (message.name !== undefined) message.name.length = 0;
    }
    return size;
  }

  protected override getOption(level: number, name: number, out: Uint8Array): number {
    if (level !== SOL_SOCKET) return -ENOPROTOOPT;
    return name === SO_ERROR ? putInts(out, 0) : this.#options.get(name, out);
  }

  protected override setOption(level: number, name: number, value: Uint8Array, caller: SocketCaller): number {
    return level === SOL_SOCKET ? this.#options.set(name, value, caller.cred) : -ENOPROTOOPT;
  }
}

/** route_output() of rtsock.c, before anybody is told. */
function checkHeader(bytes: Uint8Array): number {
  if (bytes.length < NB_RT_MSGHDR_SIZE) return -EINVAL;
  if ((bytes[0] | (bytes[1] << 8)) !== bytes.length) return -EINVAL;
  return bytes[2] === NB_RTM_VERSION ? 0 : -EPROTONOSUPPORT;
}

/** Sends a message to all sockets of AF_ROUTE but `except`. */
export function tellRouteSockets(
  all: ReadonlySet<RouteSocket>,
  message: Uint8Array,
  except?: RouteSocket,
): void {
  for (const socket of all) if (socket !== except) socket.tell(message);
}
