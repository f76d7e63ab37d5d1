/** Control messages of datagrams and streams (ip(7), ipv6(7), cmsg(3)). */
import { EINVAL, EPERM } from '../../abi/linux/errno.js';
import {
  IP_PKTINFO,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_TCLASS,
} from '../../abi/linux/inet.js';
import {
  AF_INET,
  AF_INET6,
  MSG_CTRUNC,
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SCM_TIMESTAMP,
  SCM_TIMESTAMPNS,
  SOL_SOCKET,
} from '../../abi/linux/socket.js';
import type { ControlMessage, IncomingMessage } from '../socket_calls.js';
import type { InetOptions } from './inet_options.js';
import type { SharedPage } from './stack_library.js';

/** asm-generic/socket.h */
const SO_MARK = 36;
/** struct in_pktinfo: the interface, two addresses. struct in6_pktinfo: an address, the interface. */
const IN_PKTINFO_SIZE = 12;
const IN6_PKTINFO_SIZE = 20;
/** struct cmsghdr of 64-bit programs, and what its data is padded to (bits/socket.h). */
const CMSG_HEADER = 16;
const CMSG_ALIGN = 8;

/** __sock_cmsg_send() of net/core/sock.c: those of SOL_SOCKET that every socket knows. */
function checkSocketLevel(message: ControlMessage): number {
  switch (message.type) {
    // "SCM_RIGHTS and SCM_CREDENTIALS are semantically in SOL_UNIX."
    case SCM_RIGHTS:
    case SCM_CREDENTIALS:
      return 0;
    case SO_MARK:
      return -EPERM;
    default:
      return -EINVAL;
  }
}

/** The control messages of a stream: 0 or -errno. */
export function checkControl(control: readonly ControlMessage[]): number {
  for (const message of control) {
    const status = message.level === SOL_SOCKET ? checkSocketLevel(message) : 0;
    if (status < 0) return status;
  }
  return 0;
}

function int(data: Uint8Array, at = 0): number {
  return data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24);
}

/** How a datagram is to go: what its control messages say, put where the stack looks for it. */
export function putControl(shared: SharedPage, domain: number, control: readonly ControlMessage[]): number {
  let ttl = 0;
  let tos = -1;
  let index = 0;
  shared.local.family = 0;
  for (const { level, type, data } of control) {
    if (level === SOL_SOCKET) {
      const status = checkSocketLevel({ level, type, data });
      if (status < 0) return status;
    } else if (level === IPPROTO_IP && domain === AF_INET) {
      if (type === IP_PKTINFO) {
        if (data.length < IN_PKTINFO_SIZE) return -EINVAL;
        index = int(data);
        putLocal(shared, AF_INET, data.subarray(4, 8));
      } else if (type === IP_TTL) {
        if (data.length < 4 || int(data) < 1 || int(data) > 255) return -EINVAL;
        ttl = int(data);
      } else if (type === IP_TOS) {
        if (data.length !== 1 && data.length < 4) return -EINVAL;
        tos = data[0];
      } else return -EINVAL;
    } else if (level === IPPROTO_IPV6 && domain === AF_INET6) {
      if (type === IPV6_PKTINFO) {
        if (data.length < IN6_PKTINFO_SIZE) return -EINVAL;
        index = int(data, 16);
        putLocal(shared, AF_INET6, data.subarray(0, 16));
      } else if (type === IPV6_HOPLIMIT) {
        if (data.length < 4 || int(data) < -1 || int(data) > 255) return -EINVAL;
        ttl = Math.max(int(data), 0);
      } else if (type === IPV6_TCLASS) {
        if (data.length < 4 || int(data) < -1 || int(data) > 255) return -EINVAL;
        tos = int(data);
      } else return -EINVAL;
    }
  }
  shared.outgoingAs(index, ttl, tos);
  return 0;
}

function putLocal(shared: SharedPage, family: number, address: Uint8Array): void {
  if (address.every(byte => byte === 0)) return;
  shared.local.family = family;
  shared.local.bytes.fill(0);
  shared.local.bytes.set(address);
}

function ints(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** Adds a message if there is room for it (put_cmsg() of net/core/scm.c). */
class Room {
  #left: number;
  readonly #message: IncomingMessage;

  constructor(message: IncomingMessage) {
    this.#message = message;
    this.#left = message.controlRoom;
  }

  put(level: number, type: number, data: Uint8Array): void {
    if (this.#left < CMSG_HEADER) {
      this.#message.flags |= MSG_CTRUNC;
      return;
    }
    let part = data;
    if (this.#left < CMSG_HEADER + data.length) {
      this.#message.flags |= MSG_CTRUNC;
      part = data.subarray(0, this.#left - CMSG_HEADER);
    }
    this.#message.control.push({ level, type, data: part });
    this.#left -= Math.min(this.#left, CMSG_HEADER + Math.ceil(data.length / CMSG_ALIGN) * CMSG_ALIGN);
  }
}

/** Control messages of the datagram that was just received, as the options ask for them. */
export function takeControl(
  shared: SharedPage,
  domain: number,
  options: InetOptions,
  message: IncomingMessage,
): void {
  const room = new Room(message);
  if (options.timestamp !== 'none') putTime(room, options.timestamp);
  if (domain === AF_INET6) {
    if (options.recvPktInfo6) {
      const info = new Uint8Array(IN6_PKTINFO_SIZE);
      info.set(shared.local.bytes);
      info.set(ints(shared.interface), 16);
      room.put(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    if (options.recvHopLimit) room.put(IPPROTO_IPV6, IPV6_HOPLIMIT, ints(shared.ttl));
    if (options.recvTclass) room.put(IPPROTO_IPV6, IPV6_TCLASS, ints(shared.tos));
    return;
  }
  if (options.recvPktInfo) {
    const address = new Int32Array(shared.local.bytes.slice(0, 4).buffer)[0];
    room.put(IPPROTO_IP, IP_PKTINFO, ints(shared.interface, address, address));
  }
  if (options.recvTtl) room.put(IPPROTO_IP, IP_TTL, ints(shared.ttl));
  if (options.recvTos) room.put(IPPROTO_IP, IP_TOS, Uint8Array.of(shared.tos));
}

function putTime(room: Room, kind: 'us' | 'ns'): void {
  const now = performance.timeOrigin + performance.now();
  const sec = Math.floor(now / 1000);
  const data = new BigInt64Array(2);
  data[0] = BigInt(sec);
  const rest = now - sec * 1000;
  data[1] = BigInt(Math.floor(kind === 'us' ? rest * 1e3 : rest * 1e6));
  room.put(SOL_SOCKET, kind === 'us' ? SCM_TIMESTAMP : SCM_TIMESTAMPNS, new Uint8Array(data.buffer));
}
