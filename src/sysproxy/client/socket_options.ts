/** Options of Linux's sockets that NetBSD lacks or tells otherwise, and what becomes of them. */
import * as inet from '../../abi/linux/inet.js';
import * as so from '../../abi/linux/socket.js';

const key = (level: number, name: number): string => `${level} ${name}`;

/** Yes or no: NetBSD tells them as the bit that they are, Linux as 1. */
export const FLAGS: ReadonlySet<string> = new Set([
  ...[
    so.SO_DEBUG,
    so.SO_REUSEADDR,
    so.SO_KEEPALIVE,
    so.SO_DONTROUTE,
    so.SO_BROADCAST,
    so.SO_OOBINLINE,
    so.SO_REUSEPORT,
    so.SO_TIMESTAMP,
    so.SO_ACCEPTCONN,
    so.SO_PASSCRED,
  ].map(name => key(so.SOL_SOCKET, name)),
  key(inet.IPPROTO_TCP, inet.TCP_NODELAY),
  key(inet.IPPROTO_IPV6, inet.IPV6_V6ONLY),
]);

/**
 * What only says how something is to be done best, or asks for what never happens there: it is kept, told again, and does nothing. The
 * number is what Linux tells before it is set.
 */
const HINTS: ReadonlyMap<string, number> = new Map([
  // How packets are to be put together, and when sent.
  [key(inet.IPPROTO_TCP, inet.TCP_CORK), 0],
  [key(inet.IPPROTO_TCP, inet.TCP_QUICKACK), 1],
  [key(inet.IPPROTO_TCP, inet.TCP_NOTSENT_LOWAT), 0],
  [key(inet.IPPROTO_TCP, inet.TCP_THIN_LINEAR_TIMEOUTS), 0],
  [key(inet.IPPROTO_TCP, inet.TCP_THIN_DUPACK), 0],
  // How long is waited for what is lost; the server has times of its own.
  [key(inet.IPPROTO_TCP, inet.TCP_USER_TIMEOUT), 0],
  [key(inet.IPPROTO_TCP, inet.TCP_LINGER2), 60],
  [key(inet.IPPROTO_TCP, inet.TCP_SYNCNT), 6],
  [key(inet.IPPROTO_TCP, inet.TCP_WINDOW_CLAMP), 0],
  // A connection is accepted, or made, a little earlier than it might be.
  [key(inet.IPPROTO_TCP, inet.TCP_DEFER_ACCEPT), 0],
  [key(inet.IPPROTO_TCP, inet.TCP_FASTOPEN), 0],
  [key(inet.IPPROTO_TCP, inet.TCP_FASTOPEN_CONNECT), 0],
  [key(inet.IPPROTO_IP, inet.IP_BIND_ADDRESS_NO_PORT), 0],
  // Errors that come in the usual way are not queued besides.
  [key(inet.IPPROTO_IP, inet.IP_RECVERR), 0],
  [key(inet.IPPROTO_IPV6, inet.IPV6_RECVERR), 0],
  [key(inet.IPPROTO_IP, inet.IP_MTU_DISCOVER), inet.IP_PMTUDISC_WANT],
  [key(inet.IPPROTO_IPV6, inet.IPV6_MTU_DISCOVER), inet.IP_PMTUDISC_WANT],
  [key(inet.IPPROTO_IP, inet.IP_MULTICAST_ALL), 1],
  [key(inet.IPPROTO_IPV6, inet.IPV6_MULTICAST_ALL), 1],
  [key(inet.IPPROTO_IPV6, inet.IPV6_AUTOFLOWLABEL), 1],
  // The scheduler's and the host's own.
  [key(so.SOL_SOCKET, so.SO_PRIORITY), 0],
  [key(so.SOL_SOCKET, so.SO_INCOMING_CPU), -1],
  [key(so.SOL_SOCKET, so.SO_BUSY_POLL), 0],
  [key(so.SOL_SOCKET, so.SO_RXQ_OVFL), 0],
  [key(so.SOL_SOCKET, so.SO_ZEROCOPY), 0],
  [key(so.SOL_SOCKET, so.SO_NO_CHECK), 0],
]);

/** The value of such an option before it is set; undefined: it is none. */
export function hintOf(level: number, name: number): Uint8Array | undefined {
  const value = HINTS.get(key(level, name));
  return value === undefined ? undefined : new Uint8Array(Int32Array.of(value).buffer);
}
