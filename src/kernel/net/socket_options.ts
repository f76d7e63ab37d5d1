/** Options of SOL_SOCKET that say the same for families without a stack of their own: AF_UNIX, AF_NETLINK (net/core/sock.c). */
import { EACCES, EINVAL, ENOPROTOOPT, EOPNOTSUPP, EPERM } from '../../abi/linux/errno.js';
import {
  SO_ACCEPTCONN,
  SO_BROADCAST,
  SO_COOKIE,
  SO_DEBUG,
  SO_DOMAIN,
  SO_DONTROUTE,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_NO_CHECK,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PASSSEC,
  SO_PRIORITY,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SO_TYPE,
} from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import { putInts } from './option_bytes.js';

/** net.core.wmem_default and rmem_default; wmem_max and rmem_max; the least (SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF of net/sock.h). */
const BUFFER_DEFAULT = 212992;
const BUFFER_MAX = 4 * 1024 * 1024;
const SEND_MIN = 4608;
const RECEIVE_MIN = 2304;
const INT_MAX = 2 ** 31 - 1;
/** TC_PRIO_INTERACTIVE: higher ones take CAP_NET_ADMIN. */
const PRIORITY_FREE = 6;
/** struct linger: two ints. */
const LINGER_SIZE = 8;

/** Kept as 0 or 1. Those that nothing here reads are about wires and routes, which these sockets have none of. */
const SWITCHES = new Set([
  SO_BROADCAST,
  SO_DEBUG,
  SO_DONTROUTE,
  SO_KEEPALIVE,
  SO_NO_CHECK,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PASSSEC,
  SO_REUSEADDR,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
]);
const READ_ONLY = new Set([SO_ACCEPTCONN, SO_COOKIE, SO_DOMAIN, SO_ERROR, SO_PROTOCOL, SO_SNDLOWAT, SO_TYPE]);

export class SocketOptions {
  /** Bytes. */
  sendBuffer = BUFFER_DEFAULT;
  receiveBuffer = BUFFER_DEFAULT;
  lowWater = 1;
  #priority = 0;
  #linger: Uint8Array = new Uint8Array(LINGER_SIZE);
  readonly #switches = new Set<number>();

  /** A switch is on. */
  has(name: number): boolean {
    return this.#switches.has(name);
  }

  /** A connection's options begin as its listener's. */
  inherit(from: SocketOptions, name: number): void {
    if (from.has(name)) this.#switches.add(name);
  }

  /** The option's length, -errno. */
  get(name: number, out: Uint8Array): number {
    if (SWITCHES.has(name)) return putInts(out, Number(this.#switches.has(name)));
    switch (name) {
      case SO_SNDBUF:
        return putInts(out, this.sendBuffer);
      case SO_RCVBUF:
        return putInts(out, this.receiveBuffer);
      case SO_RCVLOWAT:
        return putInts(out, this.lowWater);
      case SO_SNDLOWAT:
        return putInts(out, 1);
      case SO_PRIORITY:
        return putInts(out, this.#priority);
      case SO_REUSEPORT:
        return putInts(out, 0);
      case SO_LINGER: {
        const length = Math.min(LINGER_SIZE, out.length);
        out.set(this.#linger.subarray(0, length));
        return length;
      }
      default:
        return -ENOPROTOOPT;
    }
  }

  set(name: number, value: Uint8Array, cred: Credentials): number {
    if (value.length < 4) return -EINVAL;
    const number = new DataView(value.buffer, value.byteOffset, value.length).getInt32(0, true);
    if (SWITCHES.has(name)) return this.#turn(name, number !== 0, cred);
    if (READ_ONLY.has(name)) return -ENOPROTOOPT;
    switch (name) {
      case SO_SNDBUFFORCE:
      case SO_RCVBUFFORCE:
        if (cred.uid !== 0) return -EPERM;
        this.#setBuffer(name === SO_SNDBUFFORCE, Math.max(number, 0));
        return 0;
      case SO_SNDBUF:
      case SO_RCVBUF:
        // A negative one is a large unsigned one.
        this.#setBuffer(name === SO_SNDBUF, number < 0 ? BUFFER_MAX : Math.min(number, BUFFER_MAX));
        return 0;
      case SO_RCVLOWAT:
        this.lowWater = number < 0 ? INT_MAX : number || 1;
        return 0;
      case SO_PRIORITY:
        if ((number < 0 || number > PRIORITY_FREE) && cred.uid !== 0) return -EPERM;
        this.#priority = number;
        return 0;
      case SO_REUSEPORT:
        return number !== 0 ? -EOPNOTSUPP : 0;
      case SO_LINGER:
        if (value.length < LINGER_SIZE) return -EINVAL;
        this.#linger = value.slice(0, LINGER_SIZE);
        this.#linger.set([Number(number !== 0), 0, 0, 0]);
        return 0;
      default:
        return -ENOPROTOOPT;
    }
  }

  #turn(name: number, on: boolean, cred: Credentials): number {
    if (name === SO_DEBUG && on && cred.uid !== 0) return -EACCES;
    if (!on) {
      this.#switches.delete(name);
      return 0;
    }
    // One kind of time stamp at a time.
    if (name === SO_TIMESTAMP) this.#switches.delete(SO_TIMESTAMPNS);
    if (name === SO_TIMESTAMPNS) this.#switches.delete(SO_TIMESTAMP);
    this.#switches.add(name);
    return 0;
  }

  /** Twice what is asked for, as the kernel counts its own share (socket(7)). */
  #setBuffer(isSend: boolean, bytes: number): void {
    const doubled = Math.min(bytes, INT_MAX >> 1) * 2;
    if (isSend) this.sendBuffer = Math.max(doubled, SEND_MIN);
    else this.receiveBuffer = Math.max(doubled, RECEIVE_MIN);
  }
}
