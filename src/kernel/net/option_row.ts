/** What a row of the table of socket options says, and what a socket keeps of them. */
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../../abi/linux/inet.js';
import { SOCK_RAW, SOCK_STREAM } from '../../abi/linux/socket.js';
import type { Credentials, Result } from '../rump_kernel.js';
import type { AddressOut, NetInterface } from '../socket_calls.js';

/** The socket that has the options. */
export interface OptionTarget {
  readonly domain: number;
  /** SOCK_*, without flags. */
  readonly sockType: number;
  readonly protocol: number;
  readonly isConnected: boolean;
  readonly isListening: boolean;
  /** It has a port, or is raw. */
  readonly isBound: boolean;
  /** Its number is SO_COOKIE's. */
  readonly inode: { readonly ino: number };
  /** RN_OPT_*: 0 or -errno. */
  set(option: number, value: number): number;
  /** RN_GET_*: a value, or -errno. */
  get(what: number): number;
  /** `group`: 4 or 16 bytes, network order. `interfaceIndex` 0: by route. 0, -EADDRINUSE, -EADDRNOTAVAIL, -ENODEV, -ENOBUFS. */
  join(group: Uint8Array, interfaceIndex: number, leave: boolean): number;
  getpeername(out: AddressOut): Result;
  interfaces(): NetInterface[];
}

// Kinds of sockets, as bits.
export const STREAM = 1;
export const UDP = 2;
/** SOCK_DGRAM of IPPROTO_ICMP and IPPROTO_ICMPV6. */
export const PING = 4;
export const RAW = 8;

export function kindOf(target: OptionTarget): number {
  if (target.sockType === SOCK_STREAM) return STREAM;
  if (target.sockType === SOCK_RAW) return RAW;
  return target.protocol === IPPROTO_ICMP || target.protocol === IPPROTO_ICMPV6 ? PING : UDP;
}

/**
 * What setting an option does. stack: TCP/IP is told. socket: the calls on the socket go by it. kept: nothing but that it is given back, and
 * the row says why that does no harm. told: it can only be read. refused: an errno, and the row says why.
 */
export type Effect = 'stack' | 'socket' | 'kept' | 'told' | 'refused';

/** Fields of OptionState that calls read, by the type of what they hold. */
export type FieldOf<T> = {
  [K in Exclude<keyof OptionState, 'kind'>]: OptionState[K] extends T
    ? T extends OptionState[K]
      ? K
      : never
    : never;
}[Exclude<keyof OptionState, 'kind'>];

export interface OptionRow {
  readonly name: string;
  readonly level: number;
  readonly option: number;
  /** flag: an int that is kept as 0 or 1. int: as it is. Everything else has functions of its own. */
  readonly value: string;
  readonly effect: Effect;
  /** What it does, or why it does nothing. */
  readonly why: string;
  /** The least and the greatest that an int may be: -EINVAL. */
  readonly range?: readonly [number, number];
  /** 0 when it is not given. */
  readonly initial?: number | ((options: OptionState) => number);
  /** RN_OPT_* that is told. */
  readonly stack?: number;
  /** Where calls find it. */
  readonly flag?: FieldOf<boolean>;
  readonly number?: FieldOf<number>;
  /** The kinds of sockets that may set it, and what others get. It comes before all other checks. */
  readonly only?: readonly [kinds: number, error: number];
  /** An empty value is no 0: IPPROTO_IP only. */
  readonly needsByte?: boolean;
  /** A value that is too short is 0: IPPROTO_IPV6 only. */
  readonly anyLength?: boolean;
  /** Another check of an int, after the range: 0 or -errno. */
  readonly check?: (options: OptionState, value: number, cred: Credentials) => number;
  /** Rights come before the length. */
  readonly rights?: (options: OptionState, value: number, cred: Credentials) => number;
  /** What is kept of an int that has passed. */
  readonly convert?: (value: number, options: OptionState) => number;
  /** What the stack is told of what is kept. */
  readonly toStack?: (value: number) => number;
  /** Instead of what the kind of value says; false: -ENOPROTOOPT. */
  readonly get?: ((options: OptionState, out: Uint8Array) => number) | false;
  readonly set?: ((options: OptionState, value: Uint8Array, cred: Credentials) => number) | false;
  /** An accepted socket begins anew. */
  readonly isOwn?: boolean;
}

/** net.core.rmem_default and wmem_default; net.ipv4.tcp_rmem and tcp_wmem: bytes. */
const BUFFER_DEFAULT = 212992;
const TCP_RECEIVE_BUFFER = 131072;
const TCP_SEND_BUFFER = 16384;
/** SO_MAX_PACING_RATE of a socket that has none: ~0UL. */
export const NO_PACING = 2n ** 64n - 1n;
/** struct icmp6_filter: 256 bits, set for the types that are blocked. */
const ICMP6_FILTER_SIZE = 32;

/** What the options of one socket are now. */
export class OptionState {
  readonly target: OptionTarget;
  /** STREAM, UDP, PING or RAW. */
  readonly kind: number;
  /** What was set, as it is given back. */
  readonly #kept = new Map<OptionRow, number>();

  // What calls on the socket read.

  /** SO_RCVLOWAT: bytes. */
  lowWater = 1;
  /** SO_SNDBUF and SO_RCVBUF as they are given back: twice what was asked for, bytes. */
  sendBuffer: number;
  receiveBuffer: number;
  /** SO_TIMESTAMP and SO_TIMESTAMPNS: what comes with each datagram. */
  timestamp: 'none' | 'us' | 'ns' = 'none';
  /** SO_LINGER: whether close(2) waits, and how long. */
  isLingering = false;
  lingerSeconds = 0;
  /** SO_MAX_PACING_RATE: bytes a second. */
  pacingRate = NO_PACING;
  // Control messages that come with datagrams: of IPPROTO_IP and of IPPROTO_IPV6.
  recvPktInfo = false;
  recvTtl = false;
  recvTos = false;
  recvPktInfo6 = false;
  recvHopLimit = false;
  recvTclass = false;
  /** ICMPV6_FILTER: set bits are types that are not wanted. */
  readonly icmp6Filter: Uint8Array = new Uint8Array(0);

  constructor(target: OptionTarget) {
    this.target = target;
    this.kind = kindOf(target);
    const isStream = this.kind === STREAM;
    this.sendBuffer = isStream ? TCP_SEND_BUFFER : BUFFER_DEFAULT;
    this.receiveBuffer = isStream ? TCP_RECEIVE_BUFFER : BUFFER_DEFAULT;
    if (this.kind === RAW && target.protocol === IPPROTO_ICMPV6) {
      this.icmp6Filter = new Uint8Array(ICMP6_FILTER_SIZE);
    }
  }

  /** A connection's options begin as its listener's (sk_clone_lock() of net/core/sock.c). The stack copies its own. */
  inherit(from: OptionState): void {
    this.sendBuffer = from.sendBuffer;
    this.receiveBuffer = from.receiveBuffer;
    this.timestamp = from.timestamp;
    this.isLingering = from.isLingering;
    this.lingerSeconds = from.lingerSeconds;
    this.pacingRate = from.pacingRate;
    for (const [row, value] of from.#kept) {
      if (row.isOwn !== true) this.keep(row, value);
    }
  }

  keep(row: OptionRow, value: number): void {
    this.#kept.set(row, value);
    if (row.flag !== undefined) this[row.flag] = value !== 0;
    if (row.number !== undefined) this[row.number] = value;
  }

  valueOf(row: OptionRow): number {
    const kept = this.#kept.get(row);
    if (kept !== undefined) return kept;
    return typeof row.initial === 'function' ? row.initial(this) : (row.initial ?? 0);
  }
}

/** The rows of one level. */
export function ofLevel(level: number, rows: readonly (OptionRow | Omit<OptionRow, 'level'>)[]): OptionRow[] {
  return rows.map(row => ('level' in row ? row : { ...row, level }));
}
