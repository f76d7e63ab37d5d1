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
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SO_MARK,
  SOL_SOCKET,
} from '../../abi/linux/socket.js';
import type { ControlMessage, IncomingMessage } from '../socket_calls.js';
import { putControl, putTimestamp } from './control.js';
import type { InetOptions } from './inet_options.js';
import { int32 } from './option_bytes.js';
import type { SharedPage } from './stack_library.js';

/** struct in_pktinfo: the interface, two addresses. struct in6_pktinfo: an address, the interface. */
const IN_PKTINFO_SIZE = 12;
const IN6_PKTINFO_SIZE = 20;

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

/** How a datagram is to go: what its control messages say, put where the stack looks for it. */
export function sendControl(shared: SharedPage, domain: number, control: readonly ControlMessage[]): number {
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
        index = int32(data);
        putLocal(shared, AF_INET, data.subarray(4, 8));
      } else if (type === IP_TTL) {
        if (data.length < 4 || int32(data) < 1 || int32(data) > 255) return -EINVAL;
        ttl = int32(data);
      } else if (type === IP_TOS) {
        if (data.length !== 1 && data.length < 4) return -EINVAL;
        tos = data[0];
      } else return -EINVAL;
    } else if (level === IPPROTO_IPV6 && domain === AF_INET6) {
      if (type === IPV6_PKTINFO) {
        if (data.length < IN6_PKTINFO_SIZE) return -EINVAL;
        index = int32(data, 16);
        putLocal(shared, AF_INET6, data.subarray(0, 16));
      } else if (type === IPV6_HOPLIMIT) {
        if (data.length < 4 || int32(data) < -1 || int32(data) > 255) return -EINVAL;
        ttl = Math.max(int32(data), 0);
      } else if (type === IPV6_TCLASS) {
        if (data.length < 4 || int32(data) < -1 || int32(data) > 255) return -EINVAL;
        tos = int32(data);
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

/** Control messages of the datagram that was just received, as the options ask for them. */
export function takeControl(
  shared: SharedPage,
  domain: number,
  options: InetOptions,
  message: IncomingMessage,
): void {
  const put = (level: number, type: number, data: Uint8Array) => putControl(message, level, type, data);
  if (options.timestamp !== 'none') {
    putTimestamp(message, performance.timeOrigin + performance.now(), options.timestamp === 'ns');
  }
  if (domain === AF_INET6) {
    if (options.recvPktInfo6) {
      const info = new Uint8Array(IN6_PKTINFO_SIZE);
      info.set(shared.local.bytes);
      info.set(ints(shared.interface), 16);
      put(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    if (options.recvHopLimit) put(IPPROTO_IPV6, IPV6_HOPLIMIT, ints(shared.ttl));
    if (options.recvTclass) put(IPPROTO_IPV6, IPV6_TCLASS, ints(shared.tos));
    return;
  }
  if (options.recvPktInfo) {
    const address = new Int32Array(shared.local.bytes.slice(0, 4).buffer)[0];
    put(IPPROTO_IP, IP_PKTINFO, ints(shared.interface, address, address));
  }
  if (options.recvTtl) put(IPPROTO_IP, IP_TTL, ints(shared.ttl));
  if (options.recvTos) put(IPPROTO_IP, IP_TOS, Uint8Array.of(shared.tos));
}
