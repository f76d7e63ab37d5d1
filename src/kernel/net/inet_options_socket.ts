/** SOL_SOCKET (sk_setsockopt() and sk_getsockopt() of net/core/sock.c). SO_TYPE, SO_DOMAIN, SO_PROTOCOL and timeouts are OpenSocket's. */
import {
  EACCES,
  EINVAL,
  ENODATA,
  ENOENT,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
} from '../../abi/linux/errno.js';
import * as so from '../../abi/linux/socket.js';
import { UCRED_SIZE } from '../../abi/linux/un.js';
import type { Credentials } from '../rump_kernel.js';
import type { AddressOut } from '../socket_calls.js';
import { BUFFER_ROWS } from './inet_options_buffers.js';
import { DEVICE_ROWS } from './inet_options_device.js';
import { type OptionRow, type OptionState, ofLevel, PING, RAW, STREAM, UDP } from './option_row.js';
import { inRange, int32, isPrivileged, putBytes, putInts, putU64 } from './option_values.js';
import {
  RN_GET_ERROR,
  RN_OPT_BROADCAST,
  RN_OPT_KEEPALIVE,
  RN_OPT_LINGER_ZERO,
  RN_OPT_REUSEADDR,
  RN_OPT_REUSEPORT,
} from './stack_options.js';

/** TC_PRIO_INTERACTIVE: higher ones take CAP_NET_ADMIN. */
const PRIORITY_FREE = 6;
const U32_MAX = 2 ** 32 - 1;
/** struct linger: two ints. struct sock_txtime: two ints. */
const LINGER_SIZE = 8;
const TXTIME_SIZE = 8;
/** NAPI's default of SO_BUSY_POLL_BUDGET. */
const BUSY_POLL_BUDGET = 8;
const U16_MAX = 0xffff;

const rights = (_: OptionState, value: number, cred: Credentials) =>
  value !== 0 && !isPrivileged(cred) ? -EPERM : 0;

function setTimestamp(options: OptionState, value: Uint8Array, kind: 'us' | 'ns'): number {
  if (value.length < 4) return -EINVAL;
  options.timestamp = int32(value) !== 0 ? kind : 'none';
  return 0;
}

function setLinger(options: OptionState, value: Uint8Array): number {
  if (value.length < LINGER_SIZE) return -EINVAL;
  const isOn = int32(value) !== 0;
  const seconds = int32(value, 4);
  const status = options.target.set(RN_OPT_LINGER_ZERO, Number(isOn && seconds === 0));
  if (status < 0) return status;
  options.isLingering = isOn;
  if (isOn) options.lingerSeconds = seconds;
  return 0;
}

const PACING: OptionRow = {
  name: 'SO_MAX_PACING_RATE',
  level: so.SOL_SOCKET,
  option: so.SO_MAX_PACING_RATE,
  value: 'int or 64 bits',
  effect: 'kept',
  why: 'there is no pacing; the rate is a limit that is asked for, not one that is needed',
  initial: -1,
  set: (options, value) => {
    if (value.length < 4) return -EINVAL;
    // Numbers that a double cannot hold are as good as the greatest.
    let rate = int32(value) === -1 ? -1 : int32(value) >>> 0;
    if (value.length >= 8) {
      const wide = new DataView(value.buffer, value.byteOffset).getBigUint64(0, true);
      rate = wide > BigInt(Number.MAX_SAFE_INTEGER) ? -1 : Number(wide);
    }
    options.keep(PACING, rate);
    return 0;
  },
  get: (options, out) => {
    const rate = options.valueOf(PACING);
    if (out.length >= 8) return putU64(out, BigInt.asUintN(64, BigInt(rate)));
    return putInts(out, rate < 0 ? -1 : Math.min(rate, U32_MAX) | 0);
  },
};

const peer: AddressOut = { bytes: new Uint8Array(so.SOCKADDR_STORAGE_SIZE), length: 0 };

function peerName(options: OptionState, out: Uint8Array): number {
  if (options.target.getpeername(peer) !== 0) return -ENOTCONN;
  return peer.length < out.length ? -EINVAL : putBytes(out, peer.bytes.subarray(0, peer.length));
}

const tooWide =
  'the sender of a time stamp is a driver, and there is none; SO_TIMESTAMP has the time of arrival';
const noFilter = 'a filter is in the memory of the program, where no kernel but the host’s can run it';
const unixOnly = 'of AF_UNIX only';
const noPolling = 'no device is polled';
const refuses = (errno: number) => () => -errno;
/** After the length. */
const setRefuses = (errno: number) => (_: OptionState, value: Uint8Array) =>
  value.length < 4 ? -EINVAL : -errno;

const LOCK_FILTER: OptionRow = {
  name: 'SO_LOCK_FILTER',
  level: so.SOL_SOCKET,
  option: so.SO_LOCK_FILTER,
  value: 'flag',
  effect: 'kept',
  why: 'there is no filter to lock',
  check: (options, value) => (value === 0 && options.valueOf(LOCK_FILTER) !== 0 ? -EPERM : 0),
};

export const SOCKET_ROWS: readonly OptionRow[] = [
  ...BUFFER_ROWS,
  ...DEVICE_ROWS,
  ...ofLevel(so.SOL_SOCKET, [
    {
      name: 'SO_DEBUG',
      option: so.SO_DEBUG,
      value: 'flag',
      effect: 'kept',
      why: 'it makes a kernel print more',
      check: (_, value, cred) => (value !== 0 && !isPrivileged(cred) ? -EACCES : 0),
    },
    {
      name: 'SO_REUSEADDR',
      option: so.SO_REUSEADDR,
      value: 'flag',
      effect: 'stack',
      stack: RN_OPT_REUSEADDR,
      why: 'bind(2) goes by it',
      initial: options => Number((options.kind & (RAW | PING)) !== 0),
    },
    {
      name: 'SO_ERROR',
      option: so.SO_ERROR,
      value: 'int',
      effect: 'told',
      why: 'what went wrong, once',
      get: (options, out) => putInts(out, options.target.get(RN_GET_ERROR)),
    },
    {
      name: 'SO_DONTROUTE',
      option: so.SO_DONTROUTE,
      value: 'flag',
      effect: 'kept',
      why: 'the hosts of a loopback interface are on a link',
    },
    {
      name: 'SO_BROADCAST',
      option: so.SO_BROADCAST,
      value: 'flag',
      effect: 'stack',
      stack: RN_OPT_BROADCAST,
      why: 'without it, EACCES for broadcast addresses',
    },
    {
      name: 'SO_KEEPALIVE',
      option: so.SO_KEEPALIVE,
      value: 'flag',
      effect: 'stack',
      stack: RN_OPT_KEEPALIVE,
      why: 'TCP asks whether the other side is there',
    },
    {
      name: 'SO_OOBINLINE',
      option: so.SO_OOBINLINE,
      value: 'flag',
      effect: 'kept',
      why: 'the stack leaves urgent data in line',
    },
    {
      name: 'SO_NO_CHECK',
      option: so.SO_NO_CHECK,
      value: 'flag',
      effect: 'kept',
      why: 'a checksum that is there does no harm',
    },
    {
      name: 'SO_PRIORITY',
      option: so.SO_PRIORITY,
      value: 'int',
      effect: 'kept',
      why: 'there is one queue',
      isOwn: true,
      check: (_, value, cred) => (inRange(value, 0, PRIORITY_FREE) !== 0 && !isPrivileged(cred) ? -EPERM : 0),
    },
    {
      name: 'SO_LINGER',
      option: so.SO_LINGER,
      value: 'struct linger',
      effect: 'stack',
      stack: RN_OPT_LINGER_ZERO,
      why: 'close(2) resets the connection (0 seconds), or is done in the background',
      set: setLinger,
      get: (options, out) => putInts(out, Number(options.isLingering), options.lingerSeconds),
    },
    {
      name: 'SO_BSDCOMPAT',
      option: so.SO_BSDCOMPAT,
      value: 'int',
      effect: 'kept',
      why: 'does nothing on Linux either',
      set: (_, value) => (value.length < 4 ? -EINVAL : 0),
      get: (_, out) => putInts(out, 0),
    },
    {
      name: 'SO_REUSEPORT',
      option: so.SO_REUSEPORT,
      value: 'flag',
      effect: 'stack',
      stack: RN_OPT_REUSEPORT,
      why: 'several sockets share a port',
    },
    {
      name: 'SO_PASSCRED',
      option: so.SO_PASSCRED,
      value: 'flag',
      effect: 'refused',
      why: unixOnly,
      set: setRefuses(EOPNOTSUPP),
      get: refuses(EOPNOTSUPP),
    },
    {
      name: 'SO_PEERCRED',
      option: so.SO_PEERCRED,
      value: 'struct ucred',
      effect: 'told',
      why: 'nobody, as on Linux',
      get: (_, out) => putInts(out.subarray(0, UCRED_SIZE), 0, -1, -1),
    },
    {
      name: 'SO_ATTACH_FILTER',
      option: so.SO_ATTACH_FILTER,
      value: 'struct sock_fprog',
      effect: 'refused',
      why: noFilter,
      set: (_, value) => (value.length !== 16 ? -EINVAL : -ENOPROTOOPT),
      get: () => 0,
    },
    {
      name: 'SO_DETACH_FILTER',
      option: so.SO_DETACH_FILTER,
      value: 'int',
      effect: 'refused',
      why: 'there is none',
      set: (options, value) =>
        value.length < 4 ? -EINVAL : options.valueOf(LOCK_FILTER) !== 0 ? -EPERM : -ENOENT,
    },
    LOCK_FILTER,
    { name: 'SO_ATTACH_BPF', option: so.SO_ATTACH_BPF, value: 'int', effect: 'refused', why: noFilter },
    {
      name: 'SO_ATTACH_REUSEPORT_CBPF',
      option: so.SO_ATTACH_REUSEPORT_CBPF,
      value: 'struct sock_fprog',
      effect: 'refused',
      why: noFilter,
    },
    {
      name: 'SO_ATTACH_REUSEPORT_EBPF',
      option: so.SO_ATTACH_REUSEPORT_EBPF,
      value: 'int',
      effect: 'refused',
      why: noFilter,
    },
    {
      name: 'SO_DETACH_REUSEPORT_BPF',
      option: so.SO_DETACH_REUSEPORT_BPF,
      value: 'int',
      effect: 'refused',
      why: 'there is none',
      set: setRefuses(EINVAL),
    },
    {
      name: 'SO_BPF_EXTENSIONS',
      option: so.SO_BPF_EXTENSIONS,
      value: 'int',
      effect: 'refused',
      why: noFilter,
    },
    {
      name: 'SO_PEERNAME',
      option: so.SO_PEERNAME,
      value: 'struct sockaddr',
      effect: 'told',
      why: 'as getpeername(2)',
      get: peerName,
    },
    {
      name: 'SO_TIMESTAMP',
      option: so.SO_TIMESTAMP,
      value: 'flag',
      effect: 'socket',
      why: 'the time of arrival comes with each datagram',
      set: (options, value) => setTimestamp(options, value, 'us'),
      get: (options, out) => putInts(out, Number(options.timestamp === 'us')),
    },
    {
      name: 'SO_TIMESTAMPNS',
      option: so.SO_TIMESTAMPNS,
      value: 'flag',
      effect: 'socket',
      why: 'the same, in nanoseconds',
      set: (options, value) => setTimestamp(options, value, 'ns'),
      get: (options, out) => putInts(out, Number(options.timestamp === 'ns')),
    },
    {
      name: 'SO_TIMESTAMP_NEW',
      option: so.SO_TIMESTAMP_NEW,
      value: 'flag',
      effect: 'refused',
      why: 'of 32-bit programs',
    },
    {
      name: 'SO_TIMESTAMPNS_NEW',
      option: so.SO_TIMESTAMPNS_NEW,
      value: 'flag',
      effect: 'refused',
      why: 'of 32-bit programs',
    },
    { name: 'SO_TIMESTAMPING', option: so.SO_TIMESTAMPING, value: 'int', effect: 'refused', why: tooWide },
    {
      name: 'SO_TIMESTAMPING_NEW',
      option: so.SO_TIMESTAMPING_NEW,
      value: 'int',
      effect: 'refused',
      why: tooWide,
    },
    {
      name: 'SO_ACCEPTCONN',
      option: so.SO_ACCEPTCONN,
      value: 'int',
      effect: 'told',
      why: 'whether it listens',
      get: (options, out) => putInts(out, Number(options.target.isListening)),
    },
    {
      name: 'SO_PASSSEC',
      option: so.SO_PASSSEC,
      value: 'flag',
      effect: 'refused',
      why: unixOnly,
      set: setRefuses(EOPNOTSUPP),
      get: refuses(EOPNOTSUPP),
    },
    {
      name: 'SO_MARK',
      option: so.SO_MARK,
      value: 'int',
      effect: 'kept',
      why: 'no rule of routing asks for it; root’s',
      check: (_, __, cred) => (isPrivileged(cred) ? 0 : -EPERM),
    },
    {
      name: 'SO_RXQ_OVFL',
      option: so.SO_RXQ_OVFL,
      value: 'flag',
      effect: 'kept',
      why: 'SO_MEMINFO has the count of dropped datagrams',
    },
    {
      name: 'SO_WIFI_STATUS',
      option: so.SO_WIFI_STATUS,
      value: 'flag',
      effect: 'kept',
      why: 'there is no radio',
    },
    {
      name: 'SO_PEEK_OFF',
      option: so.SO_PEEK_OFF,
      value: 'int',
      effect: 'refused',
      why: 'MSG_PEEK begins at the first byte; -1, which says so, can be set',
      initial: -1,
      set: (options, value) => {
        if (value.length < 4) return -EINVAL;
        if ((options.kind & (STREAM | UDP)) === 0) return -EOPNOTSUPP;
        return int32(value) < 0 ? 0 : -EOPNOTSUPP;
      },
      get: (options, out) => ((options.kind & (STREAM | UDP)) === 0 ? -EOPNOTSUPP : putInts(out, -1)),
    },
    { name: 'SO_NOFCS', option: so.SO_NOFCS, value: 'flag', effect: 'kept', why: 'of AF_PACKET' },
    {
      name: 'SO_SELECT_ERR_QUEUE',
      option: so.SO_SELECT_ERR_QUEUE,
      value: 'flag',
      effect: 'kept',
      why: 'nothing is ever in the queue of errors',
    },
    {
      name: 'SO_BUSY_POLL',
      option: so.SO_BUSY_POLL,
      value: 'int',
      effect: 'kept',
      why: noPolling,
      check: (_, value, cred) => (value > 0 && !isPrivileged(cred) ? -EPERM : value < 0 ? -EINVAL : 0),
    },
    PACING,
    {
      name: 'SO_INCOMING_CPU',
      option: so.SO_INCOMING_CPU,
      value: 'int',
      effect: 'kept',
      why: 'the stack runs on one processor',
      initial: -1,
    },
    {
      name: 'SO_CNX_ADVICE',
      option: so.SO_CNX_ADVICE,
      value: 'int',
      effect: 'kept',
      why: 'a hint about a route, and there is no better one',
      get: false,
    },
    {
      name: 'SO_INCOMING_NAPI_ID',
      option: so.SO_INCOMING_NAPI_ID,
      value: 'int',
      effect: 'told',
      why: 'none, as of the host’s loopback interface',
    },
    {
      name: 'SO_COOKIE',
      option: so.SO_COOKIE,
      value: '64 bits',
      effect: 'told',
      why: 'the number of the socket’s inode',
      get: (options, out) => (out.length < 8 ? -EINVAL : putU64(out, BigInt(options.target.inode.ino))),
    },
    {
      name: 'SO_PEERGROUPS',
      option: so.SO_PEERGROUPS,
      value: 'gids',
      effect: 'told',
      why: 'nobody’s, as on Linux',
      get: refuses(ENODATA),
    },
    {
      name: 'SO_ZEROCOPY',
      option: so.SO_ZEROCOPY,
      value: 'flag',
      effect: 'refused',
      why: 'who sets it waits for messages in the queue of errors, and none would come',
      set: (options, value) => {
        if (value.length < 4) return -EINVAL;
        if ((options.kind & (STREAM | UDP)) === 0) return -EOPNOTSUPP;
        return inRange(int32(value), 0, 1) || (int32(value) === 1 ? -EOPNOTSUPP : 0);
      },
      get: (_, out) => putInts(out, 0),
    },
    {
      name: 'SO_TXTIME',
      option: so.SO_TXTIME,
      value: 'struct sock_txtime',
      effect: 'refused',
      why: 'nothing is sent at a given time',
      set: (_, value) => (value.length !== TXTIME_SIZE ? -EINVAL : -ENOPROTOOPT),
      get: (_, out) => putInts(out, 0, 0),
    },
    {
      name: 'SO_PREFER_BUSY_POLL',
      option: so.SO_PREFER_BUSY_POLL,
      value: 'flag',
      effect: 'kept',
      why: noPolling,
      check: rights,
    },
    {
      name: 'SO_BUSY_POLL_BUDGET',
      option: so.SO_BUSY_POLL_BUDGET,
      value: 'int',
      effect: 'kept',
      why: noPolling,
      check: (_, value, cred) =>
        value > BUSY_POLL_BUDGET && !isPrivileged(cred) ? -EPERM : inRange(value, 0, U16_MAX),
      get: false,
    },
    {
      name: 'SO_NETNS_COOKIE',
      option: so.SO_NETNS_COOKIE,
      value: '64 bits',
      effect: 'told',
      why: 'there is one network',
      get: (_, out) => (out.length !== 8 ? -EINVAL : putU64(out, 1n)),
    },
    {
      name: 'SO_TXREHASH',
      option: so.SO_TXREHASH,
      value: 'int',
      effect: 'kept',
      why: 'there is no second way to go by',
      initial: 1,
      only: [STREAM, EOPNOTSUPP],
      check: (_, value) => inRange(value, -1, 1),
      convert: value => (value === -1 ? 1 : value),
    },
    {
      name: 'SO_RCVMARK',
      option: so.SO_RCVMARK,
      value: 'flag',
      effect: 'kept',
      why: 'packets have no marks; root’s',
      check: (_, __, cred) => (isPrivileged(cred) ? 0 : -EPERM),
    },
    {
      name: 'SO_PASSPIDFD',
      option: so.SO_PASSPIDFD,
      value: 'flag',
      effect: 'refused',
      why: unixOnly,
      set: setRefuses(EOPNOTSUPP),
      get: refuses(EOPNOTSUPP),
    },
    {
      name: 'SO_PEERPIDFD',
      option: so.SO_PEERPIDFD,
      value: 'int',
      effect: 'told',
      why: 'nobody’s, as on Linux',
      get: refuses(ENODATA),
    },
    {
      name: 'SO_DEVMEM_DONTNEED',
      option: so.SO_DEVMEM_DONTNEED,
      value: 'tokens',
      effect: 'refused',
      why: 'there is no memory of devices',
    },
    {
      name: 'SO_RCVPRIORITY',
      option: so.SO_RCVPRIORITY,
      value: 'flag',
      effect: 'kept',
      why: 'packets have no priority',
    },
    {
      name: 'SO_PASSRIGHTS',
      option: so.SO_PASSRIGHTS,
      value: 'flag',
      effect: 'refused',
      why: unixOnly,
      set: setRefuses(EOPNOTSUPP),
      get: refuses(EOPNOTSUPP),
    },
  ]),
];
