/** SOCK_DGRAM and SOCK_RAW of AF_INET and AF_INET6 (net/ipv4/udp.c, raw.c, ping.c). */
import {
  EAGAIN,
  EDESTADDRREQ,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  EOPNOTSUPP,
} from '../../abi/linux/errno.js';
import { IPPROTO_UDP } from '../../abi/linux/inet.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
} from '../../abi/linux/socket.js';
import { familyOf } from '../../abi/linux/un.js';
import type { Result, Uio } from '../rump_kernel.js';
import type { ControlMessage, IncomingMessage, OutgoingMessage } from '../socket_calls.js';
import { isV4, lacksLink, putAddress, SOCKADDR_IN_SIZE, takeAddress } from './inet_address.js';
import { sendControl, takeControl } from './inet_control.js';
import { InetSocket } from './inet_socket.js';
import type { SocketCaller } from './open_socket.js';
import { RN_DONTWAIT, RN_PEEK } from './stack_library.js';

/** The longest that a length field of IP or UDP can say. */
const DATAGRAM_MAX = 0xffff;
const NO_CONTROL: readonly ControlMessage[] = [];

export class InetDatagram extends InetSocket {
  #isConnected = false;
  /** It has a port, or needs none. */
  #hasPort = false;
  #hasV4Peer = false;

  override get isConnected(): boolean {
    return this.#isConnected;
  }
  override get isListening(): boolean {
    return false;
  }

  override connect(address: Uint8Array, _caller: SocketCaller): number {
    if (address.length < 2) return -EINVAL;
    const { shared, calls } = this.stack;
    if (familyOf(address) === AF_UNSPEC) {
      shared.address.family = AF_UNSPEC;
      this.#isConnected = false;
      this.#hasPort = false;
      return calls.connect(this.id);
    }
    const bound = this.#autobind();
    if (bound < 0) return bound;
    const status = putAddress(shared.address, this.domain, address, true);
    if (status < 0) return status;
    if (lacksLink(shared.address)) return -EINVAL;
    const hasV4Peer = isV4(shared.address);
    const connected = calls.connect(this.id);
    if (connected === 0) {
      this.#isConnected = true;
      this.#hasV4Peer = hasV4Peer;
    }
    return connected;
  }

  /** inet_dgram_connect() and inet_send_prepare(): a port comes first, whatever becomes of the call. 0, -EAGAIN. */
  #autobind(): number {
    if (this.#hasPort) return 0;
    const bound = this.stack.calls.autobind(this.id);
    if (bound === 0) this.#hasPort = true;
    return bound;
  }

  override shutdown(how: number): number {
    return this.stack.calls.shutdown(this.id, how);
  }

  override sendMsg(uio: Uio, flags: number, message: OutgoingMessage | undefined): number {
    const bound = this.#autobind();
    if (bound < 0) return bound;
    const refused = this.#refuses(uio.resid, flags);
    // udpv6_sendmsg() looks at the address first, and what goes to IPv4 is udp_sendmsg()'s.
    const isV6Udp = this.domain === AF_INET6 && this.protocol === IPPROTO_UDP;
    if (refused !== 0 && !isV6Udp) return refused;
    const { shared, calls } = this.stack;
    const status = this.#putDestination(message?.name);
    if (status < 0) return status;
    const goesToV4 = shared.address.family === AF_UNSPEC ? this.#hasV4Peer : isV4(shared.address);
    if (refused !== 0 && goesToV4) return refused;
    const control = sendControl(shared, goesToV4 ? AF_INET : this.domain, message?.control ?? NO_CONTROL);
    if (control < 0) return control;
    const length = uio.resid;
    const taken = Math.min(length, DATAGRAM_MAX);
    if (uio.move(shared.staging, 0, taken) < taken) return -EFAULT;
    return calls.send(this.id, length);
  }

  /** What udp_sendmsg(), raw_sendmsg() and ping_v4_sendmsg() look at first. */
  #refuses(length: number, flags: number): number {
    if (length > DATAGRAM_MAX) return -EMSGSIZE;
    return (flags & MSG_OOB) !== 0 ? -EOPNOTSUPP : 0;
  }

  #putDestination(name: Uint8Array | undefined): number {
    const { address } = this.stack.shared;
    if (name === undefined || name.length === 0) {
      address.family = 0;
      return this.#isConnected ? 0 : -EDESTADDRREQ;
    }
    if (this.domain === AF_INET && name.length >= SOCKADDR_IN_SIZE && familyOf(name) === AF_UNSPEC) {
      // udp_sendmsg() takes an address without a family for its own.
      return putAddress(address, AF_INET, Uint8Array.of(AF_INET, 0, ...name.subarray(2)));
    }
    if (this.domain === AF_INET6 && this.protocol === IPPROTO_UDP && name.length >= 2) {
      // The order of udpv6_sendmsg().
      const family = familyOf(name);
      if (family === AF_UNSPEC) return this.#hasV4Peer ? -ENETUNREACH : this.#putDestination(undefined);
      if (family !== AF_INET && family !== AF_INET6) return -EINVAL;
    }
    return putAddress(address, this.domain, name, true);
  }

  override recvMsg(uio: Uio, flags: number, message: IncomingMessage | undefined): Result {
    if (message !== undefined) {
      message.flags = 0;
      message.control.length = 0;
      if (message.name !== undefined) message.name.length = 0;
    }
    // No errors are queued: the one that there is comes as a result.
    if ((flags & MSG_ERRQUEUE) !== 0) return -EAGAIN;
    // udp_recvmsg() does not look at it.
    if ((flags & MSG_OOB) !== 0 && this.protocol !== IPPROTO_UDP) return -EOPNOTSUPP;
    return this.attempt('in', flags, { run: () => this.#receive(uio, flags, message), moved: 0 });
  }

  #receive(uio: Uio, flags: number, message: IncomingMessage | undefined): number | undefined {
    const { shared, calls } = this.stack;
    const waits = (flags & MSG_DONTWAIT) === 0 && !this.isNonblocking;
    const how = ((flags & MSG_PEEK) !== 0 ? RN_PEEK : 0) | (waits ? 0 : RN_DONTWAIT);
    const received = calls.receive(this.id, Math.min(uio.resid, DATAGRAM_MAX), 0, how);
    if (received === -EAGAIN) return undefined;
    if (received < 0) return received;
    const whole = shared.length;
    if (message !== undefined) {
      if (message.name !== undefined) takeAddress(shared.address, message.name);
      takeControl(shared, this.domain, this.options, message);
      if (whole > received) message.flags |= MSG_TRUNC;
    }
    if (uio.move(shared.staging, 0, received) < received) return -EFAULT;
    return (flags & MSG_TRUNC) !== 0 ? whole : received;
  }
}
