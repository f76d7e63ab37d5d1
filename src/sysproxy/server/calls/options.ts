/** getsockopt(2) and setsockopt(2). */
import { EINVAL, ENOPROTOOPT } from '../../../abi/linux/errno.js';
import { AF_INET6, AF_UNIX, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from '../../../abi/linux/socket.js';
import {
  NB_IPPROTO_IPV6,
  NB_IPV6_USE_MIN_MTU,
  NB_SO_NOSIGPIPE,
  NB_SO_OVERFLOWED,
  NB_SO_USELOOPBACK,
  NB_SOL_SOCKET,
  type Sockopt,
  toLinuxSockopt,
} from '../../../abi/netbsd/sockopt.js';
import { toLinuxSockoptValue, toNetbsdSockoptValue } from '../../../abi/netbsd/sockopt_value.js';
import type { OpenSocket } from '../../../kernel/net/open_socket.js';
import { type Call, type Steps, wait } from '../call.js';
import { RouteSocket } from '../route_socket.js';
import { socketOf } from './sockets.js';

/** MCLBYTES: no value is longer. */
const VALUE_MAX = 2048;
const INT_SIZE = 4;
/** Sockets with IPV6_USE_MIN_MTU: kept, as IPV6_MTU is; interfaces of this kernel carry what they are given. */
const minMtu = new WeakSet<OpenSocket>();

export function* setsockopt(call: Call): Steps {
  const [level, name, at, length] = [call.int(1), call.int(2), call.ulong(3), call.uint(4)];
  if ((length > 0 && at === 0) || length > VALUE_MAX) return -EINVAL;
  const socket = socketOf(call, call.int(0));
  const value = yield* call.copyin(at, length);
  const own = ownOption(call, socket, level, name);
  if (own !== undefined) {
    if (own.set === undefined) return -ENOPROTOOPT;
    if (value.length !== INT_SIZE) return -EINVAL;
    own.set(value.some(byte => byte !== 0));
    return 0;
  }
  const option = toLinuxSockopt(level, name, socket.domain === AF_UNIX);
  if (option === undefined) return -ENOPROTOOPT;
  const linux = toLinuxSockoptValue(option.format, value);
  return yield* wait(call.kernel.setsockopt(call.int(0), option.level, option.name, linux));
}

export function* getsockopt(call: Call): Steps {
  const [level, name, at, lengthAt] = [call.int(1), call.int(2), call.ulong(3), call.ulong(4)];
  let room = 0;
  if (at !== 0) {
    const bytes = yield* call.copyin(lengthAt, INT_SIZE);
    room = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }
  const value = yield* optionValue(call, socketOf(call, call.int(0)), level, name);
  if (typeof value === 'number') return value;
  if (room === 0) return 0;
  const given = value.subarray(0, room);
  call.copyout(at, given);
  call.copyout(lengthAt, int(given.length));
  return 0;
}

/** The value as NetBSD has it, or -errno. */
function* optionValue(
  call: Call,
  socket: OpenSocket,
  level: number,
  name: number,
): Steps<Uint8Array | number> {
  const own = ownOption(call, socket, level, name);
  if (own !== undefined) return int(own.get() ? 1 : 0);
  const option = toLinuxSockopt(level, name, socket.domain === AF_UNIX);
  if (option === undefined) return -ENOPROTOOPT;
  const out = new Uint8Array(VALUE_MAX);
  const length = yield* wait(call.kernel.getsockopt(call.int(0), option.level, option.name, out));
  if (length < 0) return length;
  const value = out.subarray(0, length);
  return isBufferSize(option) ? halved(value) : toNetbsdSockoptValue(option.format, value);
}

/** Linux says twice what was asked for, half of it being for its own structs (socket(7)); NetBSD says what was asked for. */
function isBufferSize({ level, name }: Sockopt): boolean {
  return level === SOL_SOCKET && (name === SO_SNDBUF || name === SO_RCVBUF);
}

function halved(value: Uint8Array): Uint8Array {
  return value.length < INT_SIZE
    ? value
    : int(new DataView(value.buffer).getInt32(value.byteOffset, true) >> 1);
}

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

interface OwnOption {
  get(): boolean;
  set?(on: boolean): void;
}

/** What Linux has no option for, all of them yes or no. */
function ownOption(call: Call, socket: OpenSocket, level: number, name: number): OwnOption | undefined {
  if (level === NB_IPPROTO_IPV6 && name === NB_IPV6_USE_MIN_MTU && socket.domain === AF_INET6) {
    return {
      get: () => minMtu.has(socket),
      set: on => {
        if (on) minMtu.add(socket);
        else minMtu.delete(socket);
      },
    };
  }
  if (level !== NB_SOL_SOCKET) return undefined;
  const { noSigpipe } = call.session.state;
  switch (name) {
    case NB_SO_NOSIGPIPE:
      return {
        get: () => noSigpipe.has(socket),
        set: on => {
          if (on) noSigpipe.add(socket);
          else noSigpipe.delete(socket);
        },
      };
    case NB_SO_USELOOPBACK:
      if (!(socket instanceof RouteSocket)) return undefined;
      return {
        get: () => socket.hearsItself,
        set: on => {
          socket.hearsItself = on;
        },
      };
    case NB_SO_OVERFLOWED:
      return { get: () => false };
    default:
      return undefined;
  }
}
