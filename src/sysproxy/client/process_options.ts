/** getsockopt(2) and setsockopt(2) on sockets of a remote kernel. */
import { EDOM, EINVAL, ENOPROTOOPT, EOPNOTSUPP } from '../../abi/linux/errno.js';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../abi/linux/inet.js';
import * as so from '../../abi/linux/socket.js';
import { NB } from '../../abi/netbsd/nr.js';
import { type Sockopt, toNetbsdSockopt } from '../../abi/netbsd/sockopt.js';
import { toLinuxSockoptValue, toNetbsdSockoptValue } from '../../abi/netbsd/sockopt_value.js';
import { then } from '../../kernel/results.js';
import type { Result } from '../../kernel/rump_kernel.js';
import type { InterfaceChange, NetInterface, NetRoute, SocketProcess } from '../../kernel/socket_calls.js';
import { remoteInterfaces, remoteRoutes } from './interfaces.js';
import { MessageCalls } from './process_messages.js';
import type { OpenRemoteSocket } from './socket_base.js';
import { FLAGS, hintOf } from './socket_options.js';
import type { SocketState } from './socket_state.js';
import type { SysctlCalls } from './sysctl_tree.js';

const INT_SIZE = 4;
/** MCLBYTES of NetBSD: no value is longer there. */
const VALUE_MAX = 2048;
/** struct timeval of 64-bit programs: seconds, microseconds. */
const TIMEVAL_SIZE = 16;
const MICROSECONDS = 1_000_000;
/** Timeouts longer than this are none (MAX_SCHEDULE_TIMEOUT of the host's kernel is about as long). */
const LONGEST_MS = 2 ** 31 - 1;
/** struct ip_mreq; struct ip_mreqn has an interface's number more, which NetBSD does not take. */
const MREQ_SIZE = 8;
/** As SOCK_MIN_SNDBUF of net/sock.h; no server takes much less. */
const LEAST_BUFFER = 2048;
/** sb_max of a NetBSD kernel that nobody has changed, bytes. */
const LARGEST_BUFFER = 262144;

export abstract class OptionCalls extends MessageCalls implements SocketProcess {
  getsockopt(fd: number, level: number, name: number, out: Uint8Array): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    const own = ownValue(socket.state, level, name);
    if (own !== undefined) return put(out, own);
    if (level === so.SOL_SOCKET && name === so.SO_ERROR) return this.#error(socket, out);
    const option = toNetbsdSockopt(level, name, this.#isLocal(socket));
    if (option === undefined) {
      const hint = hintOf(level, name);
      if (hint === undefined) return refused(level, socket.state);
      return put(out, socket.state.hints.get(`${level} ${name}`) ?? hint);
    }
    return this.#ask(socket, option, level, name, out);
  }

  #isLocal({ state }: OpenRemoteSocket): boolean {
    return state.domain === so.AF_UNIX;
  }

  #error(socket: OpenRemoteSocket, out: Uint8Array): Result {
    return then(this.takeError(socket), error => put(out, int(-error)));
  }

  #ask(socket: OpenRemoteSocket, option: Sockopt, level: number, name: number, out: Uint8Array): Result {
    const call = this.onSocket(NB.getsockopt, socket).int(option.level).int(option.name);
    const at = call.reserve(VALUE_MAX);
    const lengthAt = call.reserve(INT_SIZE);
    call.view.setUint32(lengthAt, VALUE_MAX, true);
    return this.finishWith(call.pointer(at).pointer(lengthAt), done => {
      if (done.result < 0) return done.result;
      const length = Math.min(done.view.getUint32(lengthAt, true), VALUE_MAX);
      const wire = done.scratch.slice(at, at + length);
      return put(out, fromWire(option, level, name, wire));
    });
  }

  setsockopt(fd: number, level: number, name: number, value: Uint8Array): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    const { state } = socket;
    if (level === so.SOL_SOCKET && READ_ONLY.has(name)) return -ENOPROTOOPT;
    if (level === so.SOL_SOCKET && (name === so.SO_RCVTIMEO || name === so.SO_SNDTIMEO)) {
      const timeout = timeoutOf(value);
      if (timeout < 0) return timeout;
      if (name === so.SO_RCVTIMEO) state.receiveTimeout = timeout;
      else state.sendTimeout = timeout;
      return 0;
    }
    const option = toNetbsdSockopt(level, name, this.#isLocal(socket));
    if (option === undefined) {
      if (hintOf(level, name) === undefined) return refused(level, state);
      if (value.length < INT_SIZE) return -EINVAL;
      state.hints.set(`${level} ${name}`, value.slice(0, INT_SIZE));
      return 0;
    }
    if (option.format === 'int' && value.length < INT_SIZE) return -EINVAL;
    const wire = toWire(option, level, name, value);
    const call = this.onSocket(NB.setsockopt, socket).int(option.level).int(option.name);
    call.buffer(wire).int(wire.length);
    return this.submit(call);
  }

  // Interfaces and routes are shown; `rumphijack ctl` changes those of a server.

  interfaces(out: NetInterface[]): Result {
    return remoteInterfaces(this.#sysctl(), out);
  }
  changeInterface(_change: InterfaceChange): Result {
    return -EOPNOTSUPP;
  }
  routes(out: NetRoute[]): Result {
    return remoteRoutes(this.#sysctl(), out);
  }
  changeRoute(_route: NetRoute, _remove: boolean): Result {
    return -EOPNOTSUPP;
  }

  #sysctl(): SysctlCalls {
    return { begin: nr => this.begin(nr), submit: call => this.submit(call) };
  }
}

/** Of SOL_SOCKET: told, never set. */
const READ_ONLY = new Set([
  so.SO_TYPE,
  so.SO_DOMAIN,
  so.SO_PROTOCOL,
  so.SO_ERROR,
  so.SO_ACCEPTCONN,
  so.SO_PEERCRED,
]);

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** As much as there is room for: the length. */
function put(out: Uint8Array, value: Uint8Array): number {
  const given = value.subarray(0, out.length);
  out.set(given);
  return given.length;
}

/** What is kept here. */
function ownValue(state: SocketState, level: number, name: number): Uint8Array | undefined {
  if (level !== so.SOL_SOCKET) return undefined;
  switch (name) {
    case so.SO_TYPE:
      return int(state.type);
    case so.SO_DOMAIN:
      return int(state.domain);
    case so.SO_PROTOCOL:
      return int(protocolOf(state));
    case so.SO_RCVTIMEO:
      return timeval(state.receiveTimeout);
    case so.SO_SNDTIMEO:
      return timeval(state.sendTimeout);
    default:
      return undefined;
  }
}

/** The protocol that 0 stands for (inet_create()). */
function protocolOf({ domain, type, protocol }: SocketState): number {
  if (protocol !== 0 || (domain !== so.AF_INET && domain !== so.AF_INET6)) return protocol;
  return type === so.SOCK_STREAM ? IPPROTO_TCP : type === so.SOCK_DGRAM ? IPPROTO_UDP : 0;
}

function refused(level: number, { domain }: SocketState): number {
  return domain === so.AF_UNIX && level !== so.SOL_SOCKET ? -EOPNOTSUPP : -ENOPROTOOPT;
}

function isBuffer(level: number, name: number): boolean {
  return (
    level === so.SOL_SOCKET &&
    (name === so.SO_SNDBUF ||
      name === so.SO_RCVBUF ||
      name === so.SO_SNDBUFFORCE ||
      name === so.SO_RCVBUFFORCE)
  );
}

function fromWire(option: Sockopt, level: number, name: number, wire: Uint8Array): Uint8Array {
  const value = toLinuxSockoptValue(option.format, wire);
  if (value.length !== INT_SIZE) return value;
  const number = new DataView(value.buffer, value.byteOffset).getInt32(0, true);
  // Linux says twice what was asked for, half of it being for its own structs (socket(7)).
  if (isBuffer(level, name)) return int(number * 2);
  return FLAGS.has(`${level} ${name}`) ? int(number === 0 ? 0 : 1) : value;
}

function toWire(option: Sockopt, level: number, name: number, value: Uint8Array): Uint8Array {
  if (isBuffer(level, name)) {
    const wanted = new DataView(value.buffer, value.byteOffset).getInt32(0, true);
    // Linux takes any number and keeps to its limits.
    const kept = wanted < 0 ? LARGEST_BUFFER : wanted;
    return int(Math.min(Math.max(kept, LEAST_BUFFER), LARGEST_BUFFER));
  }
  if (option.format === 'int') return value.slice(0, INT_SIZE);
  if (option.format === 'mreq') return value.slice(0, MREQ_SIZE);
  return toNetbsdSockoptValue(option.format, value);
}

/** A timeval in milliseconds, rounded up to at least 1; 0: none. -EINVAL, -EDOM (sock_set_timeout of net/core/sock.c). */
function timeoutOf(value: Uint8Array): number {
  if (value.length < TIMEVAL_SIZE) return -EINVAL;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const sec = Number(view.getBigInt64(0, true));
  const usec = Number(view.getBigInt64(8, true));
  if (usec < 0 || usec >= MICROSECONDS) return -EDOM;
  if (sec < 0) return 1;
  const ms = Math.ceil(sec * 1000 + usec / 1000);
  return ms > LONGEST_MS ? 0 : ms;
}

function timeval(ms: number): Uint8Array {
  const value = new Uint8Array(TIMEVAL_SIZE);
  const view = new DataView(value.buffer);
  view.setBigInt64(0, BigInt(Math.floor(ms / 1000)), true);
  view.setBigInt64(8, BigInt((ms % 1000) * 1000), true);
  return value;
}
