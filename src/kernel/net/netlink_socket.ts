/** Sockets of AF_NETLINK: requests to the kernel, and its answers (netlink(7), net/netlink/af_netlink.c). */
import {
  EADDRINUSE,
  EAFNOSUPPORT,
  ECONNREFUSED,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOBUFS,
  ENODATA,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from '../../abi/linux/errno.js';
import {
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_BROADCAST_ERROR,
  NETLINK_CAP_ACK,
  NETLINK_DROP_MEMBERSHIP,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_NO_ENOBUFS,
  NETLINK_PKTINFO,
  NETLINK_ROUTE,
  type NetlinkMessage,
  NetlinkWriter,
  NLM_F_ACK,
  NLM_F_CAPPED,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
  NLMSG_MIN_TYPE,
  netlinkMessages,
  SOCKADDR_NL_SIZE,
} from '../../abi/linux/netlink.js';
import { POLLERR, POLLIN, POLLOUT } from '../../abi/linux/poll.js';
import { RTNLGRP_STATS } from '../../abi/linux/rtnetlink.js';
import {
  AF_NETLINK,
  AF_UNSPEC,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SO_ERROR,
  SO_PASSCRED,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_TYPE_MASK,
  SOL_SOCKET,
} from '../../abi/linux/socket.js';
import { familyOf } from '../../abi/linux/un.js';
import type { Result, Uio } from '../rump_kernel.js';
import type { AddressOut, IncomingMessage, OutgoingMessage } from '../socket_calls.js';
import { deliverCreds } from './local_control.js';
import { answer } from './netlink_route.js';
import { OpenSocket, type SocketCaller } from './open_socket.js';
import { int32, putInts } from './option_bytes.js';
import { SocketOptions } from './socket_options.js';
import type { NetStack, SocketFamily, SocketState } from './sockets.js';

const SOL_NETLINK = 270;
/** NLMSG_GOODSIZE of linux/netlink.h: what a datagram of a dump holds at most. */
const GOOD_SIZE = 3776;
const OVERHEAD = 32;
const MAX_LINKS = 32;

/** Options that are kept as 0 or 1. */
const SWITCHES = new Set([
  NETLINK_PKTINFO,
  NETLINK_BROADCAST_ERROR,
  NETLINK_NO_ENOBUFS,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
]);

/** Sockets by their port. */
type Ports = Map<number, NetlinkSocket>;

class NetlinkSocket extends OpenSocket {
  readonly #stack: NetStack;
  readonly #ports: Ports;
  readonly #options = new SocketOptions();
  readonly #switches = new Set<number>();
  readonly #queue: Buffer[] = [];
  #queued = 0;
  /** nl_pid; 0 until it is bound. */
  #port = 0;
  #groups = 0;
  #error = 0;

  constructor(net: SocketState, stack: NetStack, ports: Ports, type: number, caller: SocketCaller) {
    super(net, AF_NETLINK, type, type & SOCK_TYPE_MASK, NETLINK_ROUTE, caller.cred);
    this.#stack = stack;
    this.#ports = ports;
  }

  override revents(): number {
    return POLLOUT | (this.#queue.length > 0 ? POLLIN : 0) | (this.#error !== 0 ? POLLERR : 0);
  }

  protected override destroy(): void {
    if (this.#port !== 0) this.#ports.delete(this.#port);
    this.#queue.length = 0;
  }

  override bind(address: Uint8Array, caller: SocketCaller): number {
    if (address.length < SOCKADDR_NL_SIZE || familyOf(address) !== AF_NETLINK) return -EINVAL;
    const view = new DataView(address.buffer, address.byteOffset, address.length);
    const port = view.getUint32(4, true);
    if (this.#port !== 0 && port !== this.#port && port !== 0) return -EINVAL;
    if (this.#port === 0) {
      const status = port === 0 ? this.#autobind(caller) : this.#take(port);
      if (status !== 0) return status;
    }
    this.#groups = view.getUint32(8, true);
    return 0;
  }

  #take(port: number): number {
    if (this.#ports.has(port)) return -EADDRINUSE;
    this.#ports.set(port, this);
    this.#port = port;
    return 0;
  }

  /** The process's id, or when that is taken, or 0 (the kernel's own port), a number from the top. */
  #autobind({ pid }: SocketCaller): number {
    if (this.#port !== 0) return 0;
    let port = pid;
    for (let next = 2 ** 32 - 4097; port === 0 || this.#ports.has(port); next--) port = next;
    return this.#take(port);
  }

  override connect(address: Uint8Array, caller: SocketCaller): number {
    const family = familyOf(address);
    if (family < 0) return -EINVAL;
    if (family === AF_UNSPEC) return 0;
    if (family !== AF_NETLINK || address.length < SOCKADDR_NL_SIZE) return -EINVAL;
    const status = this.#mayReach(address, caller);
    return status !== 0 ? status : this.#autobind(caller);
  }

  /** Only the kernel answers: who else is asked refuses. */
  #mayReach(address: Uint8Array, { cred }: SocketCaller): number {
    if (!address.subarray(4, SOCKADDR_NL_SIZE).some(byte => byte !== 0)) return 0;
    return cred.uid === 0 ? -ECONNREFUSED : -EPERM;
  }

  override getsockname(out: AddressOut): number {
    putAddress(out, this.#port, this.#groups);
    return 0;
  }

  override getpeername(out: AddressOut): number {
    putAddress(out, 0, 0);
    return 0;
  }

  override sendMsg(
    uio: Uio,
    flags: number,
    message: OutgoingMessage | undefined,
    caller: SocketCaller,
  ): Result {
    if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    const length = uio.resid;
    if (length === 0) return -ENODATA;
    const name = message?.name;
    if (name !== undefined && name.length > 0) {
      if (name.length < SOCKADDR_NL_SIZE || familyOf(name) !== AF_NETLINK) return -EINVAL;
      const refused = this.#mayReach(name, caller);
      if (refused !== 0) return refused;
    }
    const bound = this.#autobind(caller);
    if (bound !== 0) return bound;
    if (length > this.#options.sendBuffer - OVERHEAD) return -EMSGSIZE;
    const bytes = new Uint8Array(length);
    if (uio.move(bytes, 0, length) < length) return -EFAULT;
    for (const request of netlinkMessages(bytes)) this.#serve(request, caller);
    return length;
  }

  /** netlink_rcv_skb(): what is no request is only acknowledged. */
  #serve(request: NetlinkMessage, caller: SocketCaller): void {
    const { flags, type } = request;
    let status = 0;
    if ((flags & NLM_F_REQUEST) !== 0 && type >= NLMSG_MIN_TYPE) {
      const isStrict = this.#switches.has(NETLINK_GET_STRICT_CHK);
      const asker = { port: this.#port, cred: caller.cred, isStrict };
      const said = answer(request, asker, this.#stack);
      if (typeof said === 'number') status = said;
      else if (said.isDump) {
        this.#dump(said.messages, request);
        return;
      } else for (const one of said.messages) this.#put(one);
    }
    if (status !== 0 || (flags & NLM_F_ACK) !== 0) this.#acknowledge(request, status);
  }

  #dump(messages: Buffer[], { seq }: NetlinkMessage): void {
    const end = new NetlinkWriter();
    end.struct(4);
    let part: Buffer[] = [];
    let size = 0;
    for (const one of [...messages, end.finish(NLMSG_DONE, NLM_F_MULTI, seq, this.#port)]) {
      if (size + one.length > GOOD_SIZE && size > 0) {
        this.#put(Buffer.concat(part));
        part = [];
        size = 0;
      }
      part.push(one);
      size += one.length;
    }
    this.#put(Buffer.concat(part));
  }

  /** NLMSG_ERROR; of a refused request all, unless the program wants its header only. */
  #acknowledge(request: NetlinkMessage, status: number): void {
    const isWhole = status !== 0 && !this.#switches.has(NETLINK_CAP_ACK);
    const quoted = isWhole ? request.bytes : request.bytes.subarray(0, NLMSG_HDRLEN);
    const writer = new NetlinkWriter();
    const body = writer.struct(4 + quoted.length);
    body.writeInt32LE(status, 0);
    body.set(quoted, 4);
    this.#put(writer.finish(NLMSG_ERROR, isWhole ? 0 : NLM_F_CAPPED, request.seq, this.#port));
  }

  #put(datagram: Buffer): void {
    if (this.#queued > this.#options.receiveBuffer) {
      this.#error = ENOBUFS;
      this.changed();
      return;
    }
    this.#queue.push(datagram);
    this.#queued += datagram.length + OVERHEAD;
    this.changed(true);
  }

  #takeError(): number {
    const error = this.#error;
    this.#error = 0;
    if (error !== 0) this.changed();
    return -error;
  }

  override recvMsg(uio: Uio, flags: number, message: IncomingMessage | undefined): Result {
    if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    return this.attempt('in', flags, { moved: 0, run: () => this.#receive(uio, flags, message) });
  }

  #receive(uio: Uio, flags: number, message: IncomingMessage | undefined): number | undefined {
    const error = this.#takeError();
    if (error !== 0) return error;
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
      if (message.name !== undefined) putAddress(message.name, 0, 0);
      if (this.#options.has(SO_PASSCRED)) deliverCreds(message, { pid: 0, uid: 0, gid: 0 });
    }
    return (flags & MSG_TRUNC) !== 0 ? first.length : size;
  }

  protected override getOption(level: number, name: number, out: Uint8Array): number {
    if (level === SOL_SOCKET) {
      return name === SO_ERROR ? putInts(out, -this.#takeError()) : this.#options.get(name, out);
    }
    if (level !== SOL_NETLINK || !SWITCHES.has(name)) return -ENOPROTOOPT;
    return out.length < 4 ? -EINVAL : putInts(out, Number(this.#switches.has(name)));
  }

  protected override setOption(level: number, name: number, value: Uint8Array, caller: SocketCaller): number {
    if (level === SOL_SOCKET) return this.#options.set(name, value, caller.cred);
    if (level !== SOL_NETLINK) return -ENOPROTOOPT;
    const number = value.length < 4 ? 0 : int32(value);
    if (name === NETLINK_ADD_MEMBERSHIP || name === NETLINK_DROP_MEMBERSHIP) {
      return number < 1 || number > RTNLGRP_STATS ? -EINVAL : 0;
    }
    if (!SWITCHES.has(name)) return -ENOPROTOOPT;
    if (number !== 0) this.#switches.add(name);
    else this.#switches.delete(name);
    return 0;
  }
}

function putAddress(out: AddressOut, port: number, groups: number): void {
  const view = new DataView(out.bytes.buffer, out.bytes.byteOffset);
  view.setUint32(0, AF_NETLINK, true);
  view.setUint32(4, port, true);
  view.setUint32(8, groups, true);
  out.length = SOCKADDR_NL_SIZE;
}

export class NetlinkFamily implements SocketFamily {
  readonly #net: SocketState;
  readonly #ports: Ports = new Map();
  readonly #stack: () => NetStack | undefined;

  /** `stack`: what is asked about and changed; it is started for that, and may be missing. */
  constructor(net: SocketState, stack: () => NetStack | undefined) {
    this.#net = net;
    this.#stack = stack;
  }

  create(type: number, protocol: number, caller: SocketCaller): OpenSocket | number {
    const sockType = type & SOCK_TYPE_MASK;
    if (sockType !== SOCK_RAW && sockType !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
    if (protocol < 0 || protocol >= MAX_LINKS || protocol !== NETLINK_ROUTE) return -EPROTONOSUPPORT;
    const stack = this.#stack();
    if (stack === undefined) return -EAFNOSUPPORT;
    return new NetlinkSocket(this.#net, stack, this.#ports, type, caller);
  }
}
