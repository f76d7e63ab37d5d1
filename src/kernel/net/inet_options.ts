/** Options of the sockets of AF_INET and AF_INET6: one table says what each does; docs/socket-options.md is made from it. */
import { EINVAL, ENOPROTOOPT, EOPNOTSUPP } from '../../abi/linux/errno.js';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_RAW,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../../abi/linux/inet.js';
import { AF_INET, AF_INET6, SOL_SOCKET } from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import { IP_ROWS } from './inet_options_ip.js';
import { IPV6_ROWS } from './inet_options_ipv6.js';
import { MULTICAST_ROWS } from './inet_options_multicast.js';
import { RAW_ROWS } from './inet_options_raw.js';
import { SOCKET_ROWS } from './inet_options_socket.js';
import { TCP_ROWS } from './inet_options_tcp.js';
import { UDP_ROWS } from './inet_options_udp.js';
import { int32, putInts, putShortInt } from './option_bytes.js';
import { type OptionRow, OptionState, RAW, STREAM, UDP } from './option_row.js';

export type { OptionTarget } from './option_row.js';

/** Every option that is known, by level. */
export const OPTION_TABLE: readonly OptionRow[] = [
  ...SOCKET_ROWS,
  ...IP_ROWS,
  ...IPV6_ROWS,
  ...MULTICAST_ROWS,
  ...TCP_ROWS,
  ...UDP_ROWS,
  ...RAW_ROWS,
];

/** Names of options are below this. */
const NAMES = 1024;
const BY_KEY = new Map(OPTION_TABLE.map(row => [row.level * NAMES + row.option, row]));
const NO_ERRNO = 0;

function rowOf(level: number, name: number): OptionRow | undefined {
  return name >= 0 && name < NAMES ? BY_KEY.get(level * NAMES + name) : undefined;
}

export class InetOptions extends OptionState {
  /** getsockopt(2): the value's length, at most out's, or -errno. */
  get(level: number, name: number, out: Uint8Array): number {
    const refused = this.#level(level, name, false);
    if (refused !== NO_ERRNO) return refused;
    const row = rowOf(level, name);
    if (row === undefined || row.get === false) return -ENOPROTOOPT;
    if (row.get !== undefined) return row.get(this, out);
    if (row.effect === 'refused') return -ENOPROTOOPT;
    const value = this.valueOf(row);
    return level === IPPROTO_IP ? putShortInt(out, value) : putInts(out, value);
  }

  /** setsockopt(2): 0 or -errno. */
  set(level: number, name: number, value: Uint8Array, cred: Credentials): number {
    const refused = this.#level(level, name, true);
    if (refused !== NO_ERRNO) return this.#isRaw6(level) && value.length < 4 ? -EINVAL : refused;
    const row = rowOf(level, name);
    if (row?.set !== undefined && row.set !== false) return row.set(this, value, cred);
    const isShort = value.length < 4;
    if (isShort && (level === SOL_SOCKET || level === IPPROTO_TCP || level === IPPROTO_UDP)) return -EINVAL;
    if (row === undefined || row.set === false || row.effect === 'told') return -ENOPROTOOPT;
    if (row.only !== undefined && (row.only[0] & this.kind) === 0) return -row.only[1];
    const number = level === IPPROTO_IP && isShort ? (value[0] ?? 0) : isShort ? 0 : int32(value);
    const denied = row.rights?.(this, number, cred) ?? 0;
    if (denied !== 0) return denied;
    if (level === IPPROTO_IPV6 && isShort && row.anyLength !== true) return -EINVAL;
    if (row.needsByte === true && value.length < 1) return -EINVAL;
    if (row.effect === 'refused') return -ENOPROTOOPT;
    return this.#setInt(row, number, cred);
  }

  /** An int or a flag: checked, told and kept. */
  #setInt(row: OptionRow, value: number, cred: Credentials): number {
    if (row.range !== undefined && (value < row.range[0] || value > row.range[1])) return -EINVAL;
    const wrong = row.check?.(this, value, cred) ?? 0;
    if (wrong !== 0) return wrong;
    const kept = row.value === 'flag' ? Number(value !== 0) : (row.convert?.(value, this) ?? value);
    // The stack has one set of options: on a socket of AF_INET6 it is IPPROTO_IPV6's.
    if (row.stack !== undefined && (row.level !== IPPROTO_IP || this.target.domain === AF_INET)) {
      const status = this.target.set(row.stack, row.toStack?.(kept) ?? kept);
      if (status < 0) return status;
    }
    this.keep(row, kept);
    return 0;
  }

  /** do_rawv6_setsockopt() looks at the length before the name. */
  #isRaw6(level: number): boolean {
    return level === IPPROTO_RAW && this.kind === RAW && this.target.domain === AF_INET6;
  }

  /** What a socket that does not know a level says; 0 for one that does. */
  #level(level: number, name: number, isSet: boolean): number {
    const { kind } = this;
    const { domain, protocol } = this.target;
    const isV6 = domain === AF_INET6;
    switch (level) {
      case SOL_SOCKET:
        return NO_ERRNO;
      case IPPROTO_IP:
        return isV6 && kind === RAW ? -ENOPROTOOPT : NO_ERRNO;
      case IPPROTO_IPV6:
        if (isV6) return NO_ERRNO;
        break;
      case IPPROTO_TCP:
        if (kind === STREAM) return NO_ERRNO;
        break;
      case IPPROTO_UDP:
        if (kind === UDP) return NO_ERRNO;
        break;
      case IPPROTO_RAW:
        if (kind !== RAW) break;
        if (isV6) return name === 1 ? -ENOPROTOOPT : NO_ERRNO;
        if (name === 1) return protocol === IPPROTO_ICMP ? NO_ERRNO : -EOPNOTSUPP;
        return -ENOPROTOOPT;
      case IPPROTO_ICMPV6:
        if (kind !== RAW || !isV6) break;
        return protocol === IPPROTO_ICMPV6 ? NO_ERRNO : -EOPNOTSUPP;
    }
    return isSet || isV6 ? -ENOPROTOOPT : -EOPNOTSUPP;
  }
}
