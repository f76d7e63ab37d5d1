/** SOL_SOCKET (sk_setsockopt() and sk_getsockopt() of net/core/sock.c). SO_TYPE, SO_DOMAIN, SO_PROTOCOL and timeouts are OpenSocket's. */
import { EACCES, EINVAL, EOPNOTSUPP, EPERM } from '../../abi/linux/errno.js';
import * as so from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import { BUFFER_ROWS } from './inet_options_buffers.js';
import { DEVICE_ROWS } from './inet_options_device.js';
import { FILTER_ROWS } from './inet_options_filter.js';
import { PEER_ROWS } from './inet_options_peer.js';
import { TIME_ROWS } from './inet_options_time.js';
import { int32, putInts, putU64 } from './option_bytes.js';
import { type OptionRow, type OptionState, ofLevel, PING, RAW, STREAM, UDP } from './option_row.js';
import { inRange, isPrivileged } from './option_values.js';
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
/** struct linger: two ints. */
const LINGER_SIZE = 8;
/** MAX_SCHEDULE_TIMEOUT in seconds, as an int, where HZ is 250: what a negative time is (sk_setsockopt() of net/core/sock.c). */
const LONGEST_LINGER = 0x978d4fdf | 0;
const INT_MAX = 2 ** 31 - 1;
const U16_MAX = 0xffff;

const rights = (_: OptionState, value: number, cred: Credentials) =>
  value !== 0 && !isPrivileged(cred) ? -EPERM : 0;

function setLinger(options: OptionState, value: Uint8Array): number {
  if (value.length < LINGER_SIZE) return -EINVAL;
  const isOn = int32(value) !== 0;
  const seconds = int32(value, 4);
  const status = options.target.set(RN_OPT_LINGER_ZERO, Number(isOn && seconds === 0));
  if (status < 0) return status;
  options.isLingering = isOn;
  if (isOn) options.lingerSeconds = seconds < 0 ? LONGEST_LINGER : seconds;
  return 0;
}

const PEEK_OFF: OptionRow = {
  name: 'SO_PEEK_OFF',
  level: so.SOL_SOCKET,
  option: so.SO_PEEK_OFF,
  value: 'int',
  effect: 'refused',
  why: 'MSG_PEEK begins at the first byte; -1, which says so, can be set',
  initial: -1,
  set: (options, value) => {
    if (value.length < 4) return -EINVAL;
    if ((options.kind & (STREAM | UDP)) === 0) return -EOPNOTSUPP;
    if (int32(value) >= 0) return -EOPNOTSUPP;
    options.keep(PEEK_OFF, int32(value));
    return 0;
  },
  get: (options, out) =>
    (options.kind & (STREAM | UDP)) === 0 ? -EOPNOTSUPP : putInts(out, options.valueOf(PEEK_OFF)),
};

const TXREHASH: OptionRow = {
  name: 'SO_TXREHASH',
  level: so.SOL_SOCKET,
  option: so.SO_TXREHASH,
  value: 'int',
  effect: 'kept',
  why: 'there is no second way to go by',
  initial: 1,
  only: [STREAM, EOPNOTSUPP],
  check: (_, value) => inRange(value, -1, 1),
  convert: value => (value === -1 ? 1 : value),
  get: (options, out) => (options.kind === STREAM ? putInts(out, options.valueOf(TXREHASH)) : -EOPNOTSUPP),
};

const noPolling = 'no device is polled';
export const SOCKET_ROWS: readonly OptionRow[] = [
  ...BUFFER_ROWS,
  ...DEVICE_ROWS,
  ...FILTER_ROWS,
  ...PEER_ROWS,
  ...TIME_ROWS,
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
      name: 'SO_ACCEPTCONN',
      option: so.SO_ACCEPTCONN,
      value: 'int',
      effect: 'told',
      why: 'whether it listens',
      get: (options, out) => putInts(out, Number(options.target.isListening)),
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
    PEEK_OFF,
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
      range: [0, INT_MAX],
    },
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
      // More than there is, which nobody but root can have made any.
      check: (_, value, cred) => (value > 0 && !isPrivileged(cred) ? -EPERM : inRange(value, 0, U16_MAX)),
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
    TXREHASH,
    {
      name: 'SO_RCVMARK',
      option: so.SO_RCVMARK,
      value: 'flag',
      effect: 'kept',
      why: 'packets have no marks',
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
  ]),
];
