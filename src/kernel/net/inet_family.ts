/** The families AF_INET and AF_INET6: sockets of the TCP/IP stack (inet_create() of net/ipv4/af_inet.c). */
import { EAFNOSUPPORT, EINVAL, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../abi/linux/errno.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '../../abi/linux/inet.js';
import { AF_INET, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, SOCK_TYPE_MASK } from '../../abi/linux/socket.js';
import { InetDatagram } from './inet_datagram.js';
import type { InetSocket } from './inet_socket.js';
import { InetStream } from './inet_stream.js';
import type { SocketCaller } from './open_socket.js';
import type { SocketFamily, SocketState } from './sockets.js';
import type { Stack } from './stack.js';

/** IPPROTO_MAX of linux/in.h; protocols of packets have 8 bits. */
const IPPROTO_MAX = 263;
const PROTOCOL_MASK = 0xff;

/** Gives the stack, which is started when it is first asked for; undefined: there is none. */
export type StackSource = () => Stack | undefined;

export class InetFamily implements SocketFamily {
  readonly #net: SocketState;
  readonly #domain: number;
  readonly #stack: StackSource;

  constructor(net: SocketState, domain: number, stack: StackSource) {
    this.#net = net;
    this.#domain = domain;
    this.#stack = stack;
  }

  create(type: number, protocol: number, caller: SocketCaller): InetSocket | number {
    if (protocol < 0 || protocol >= IPPROTO_MAX) return -EINVAL;
    const sockType = type & SOCK_TYPE_MASK;
    const chosen = this.#protocol(sockType, protocol);
    if (chosen < 0) return chosen;
    if (sockType === SOCK_RAW && caller.cred.uid !== 0) return -EPERM;
    const stack = this.#stack();
    if (stack === undefined) return -EAFNOSUPPORT;
    const id = stack.calls.socket(this.#domain, sockType, chosen & PROTOCOL_MASK);
    if (id < 0) return id;
    if (sockType === SOCK_STREAM) {
      return new InetStream(this.#net, stack, id, this.#domain, type, caller.cred);
    }
    return new InetDatagram(this.#net, stack, id, this.#domain, type, sockType, chosen, caller.cred);
  }

  #protocol(sockType: number, protocol: number): number {
    switch (sockType) {
      case SOCK_STREAM:
        return protocol === 0 || protocol === IPPROTO_TCP ? IPPROTO_TCP : -EPROTONOSUPPORT;
      case SOCK_DGRAM:
        if (protocol === 0 || protocol === IPPROTO_UDP) return IPPROTO_UDP;
        // Echo requests without privileges: this network is the user's own (net.ipv4.ping_group_range).
        return protocol === (this.#domain === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6)
          ? protocol
          : -EPROTONOSUPPORT;
      case SOCK_RAW:
        return protocol === 0 || protocol > PROTOCOL_MASK ? -EPROTONOSUPPORT : protocol;
      default:
        return -ESOCKTNOSUPPORT;
    }
  }
}
