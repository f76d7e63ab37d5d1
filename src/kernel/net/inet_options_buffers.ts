/** Buffers of sockets: SO_SNDBUF, SO_RCVBUF and what is about them (net/core/sock.c). */
import { EINVAL, EOPNOTSUPP, EPERM } from '../../abi/linux/errno.js';
import * as so from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import { int32, putInts } from './option_bytes.js';
import { type OptionRow, type OptionState, ofLevel, STREAM } from './option_row.js';
import { isPrivileged } from './option_values.js';
import {
  RN_GET_DROPS,
  RN_GET_READABLE,
  RN_GET_UNSENT,
  RN_OPT_RCVBUF,
  RN_OPT_RCVLOWAT,
} from './stack_options.js';

const INT_MAX = 2 ** 31 - 1;
/** net.core.wmem_max and rmem_max; SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF of net/sock.h: bytes. */
const BUFFER_MAX = 4 * 1024 * 1024;
const SEND_MIN = 4608;
const RECEIVE_MIN = 2304;
/** Half of the third of net.ipv4.tcp_rmem: SO_RCVLOWAT of TCP is at most that. */
const TCP_LOW_WATER_MAX = 3 * 1024 * 1024;
/** SOCK_SNDBUF_LOCK and SOCK_RCVBUF_LOCK (linux/socket.h). */
const SEND_LOCK = 1;
const RECEIVE_LOCK = 2;
/** SK_MEMINFO_* of linux/sock_diag.h: nine ints, of which these are known. */
const MEMINFO_INTS = 9;
const SK_MEMINFO_RMEM_ALLOC = 0;
const SK_MEMINFO_RCVBUF = 1;
const SK_MEMINFO_WMEM_ALLOC = 2;
const SK_MEMINFO_SNDBUF = 3;
const SK_MEMINFO_DROPS = 8;

const BUF_LOCK: OptionRow = {
  name: 'SO_BUF_LOCK',
  level: so.SOL_SOCKET,
  option: so.SO_BUF_LOCK,
  value: 'int',
  effect: 'kept',
  why: 'buffers do not grow by themselves',
  check: (_, value) => ((value & ~(SEND_LOCK | RECEIVE_LOCK)) !== 0 ? -EINVAL : 0),
};

function setSend(options: OptionState, bytes: number): number {
  options.sendBuffer = Math.max(Math.min(bytes, INT_MAX >> 1) * 2, SEND_MIN);
  options.keep(BUF_LOCK, options.valueOf(BUF_LOCK) | SEND_LOCK);
  return 0;
}

/** Twice what is asked for, as the kernel counts its own share (socket(7)). */
function setReceive(options: OptionState, bytes: number): number {
  const doubled = Math.max(Math.min(bytes, INT_MAX >> 1) * 2, RECEIVE_MIN);
  const status = options.target.set(RN_OPT_RCVBUF, doubled);
  if (status < 0) return status;
  options.receiveBuffer = doubled;
  options.keep(BUF_LOCK, options.valueOf(BUF_LOCK) | RECEIVE_LOCK);
  return 0;
}

/** What an int is, a negative one being a large unsigned one, up to the most. */
function capped(value: Uint8Array): number {
  return Math.min(int32(value) >>> 0, BUFFER_MAX);
}

function forced(
  value: Uint8Array,
  cred: Credentials,
  set: (options: OptionState, bytes: number) => number,
  options: OptionState,
): number {
  if (value.length < 4) return -EINVAL;
  return isPrivileged(cred) ? set(options, Math.max(int32(value), 0)) : -EPERM;
}

function memInfo(options: OptionState, out: Uint8Array): number {
  const { target } = options;
  const values = new Array<number>(MEMINFO_INTS).fill(0);
  values[SK_MEMINFO_RMEM_ALLOC] = Math.max(target.get(RN_GET_READABLE), 0);
  values[SK_MEMINFO_RCVBUF] = options.receiveBuffer;
  values[SK_MEMINFO_WMEM_ALLOC] = Math.max(target.get(RN_GET_UNSENT), 0);
  values[SK_MEMINFO_SNDBUF] = options.sendBuffer;
  values[SK_MEMINFO_DROPS] = Math.max(target.get(RN_GET_DROPS), 0);
  return putInts(out, ...values);
}

export const BUFFER_ROWS: readonly OptionRow[] = ofLevel(so.SOL_SOCKET, [
  {
    name: 'SO_SNDBUF',
    option: so.SO_SNDBUF,
    value: 'int',
    effect: 'kept',
    why: 'what the stack keeps to be sent has one size for all connections',
    set: (options, value) => (value.length < 4 ? -EINVAL : setSend(options, capped(value))),
    get: (options, out) => putInts(out, options.sendBuffer),
  },
  {
    name: 'SO_RCVBUF',
    option: so.SO_RCVBUF,
    value: 'int',
    effect: 'stack',
    why: 'bytes that wait to be read; the window of TCP',
    set: (options, value) => (value.length < 4 ? -EINVAL : setReceive(options, capped(value))),
    get: (options, out) => putInts(out, options.receiveBuffer),
  },
  {
    name: 'SO_RCVLOWAT',
    option: so.SO_RCVLOWAT,
    value: 'int',
    effect: 'socket',
    number: 'lowWater',
    stack: RN_OPT_RCVLOWAT,
    why: 'recv(2) waits for as much',
    initial: 1,
    convert: (value, options) => {
      const wanted = value < 0 ? INT_MAX : value;
      if (options.kind !== STREAM) return wanted || 1;
      const isSet = (options.valueOf(BUF_LOCK) & RECEIVE_LOCK) !== 0;
      return Math.min(wanted, isSet ? options.receiveBuffer >> 1 : TCP_LOW_WATER_MAX) || 1;
    },
  },
  { name: 'SO_SNDLOWAT', option: so.SO_SNDLOWAT, value: 'int', effect: 'told', why: 'always 1', initial: 1 },
  {
    name: 'SO_SNDBUFFORCE',
    option: so.SO_SNDBUFFORCE,
    value: 'int',
    effect: 'kept',
    why: 'as SO_SNDBUF, without an upper limit; root’s',
    set: (options, value, cred) => forced(value, cred, setSend, options),
    get: false,
  },
  {
    name: 'SO_RCVBUFFORCE',
    option: so.SO_RCVBUFFORCE,
    value: 'int',
    effect: 'stack',
    why: 'as SO_RCVBUF, without an upper limit; root’s',
    set: (options, value, cred) => forced(value, cred, setReceive, options),
    get: false,
  },
  {
    name: 'SO_MEMINFO',
    option: so.SO_MEMINFO,
    value: '9 ints',
    effect: 'told',
    why: 'the buffers',
    get: memInfo,
  },
  BUF_LOCK,
  {
    name: 'SO_RESERVE_MEM',
    option: so.SO_RESERVE_MEM,
    value: 'int',
    effect: 'refused',
    why: 'memory is nobody’s before it is used',
    set: (_, value) => (value.length < 4 || int32(value) < 0 ? -EINVAL : -EOPNOTSUPP),
    get: (_, out) => putInts(out, 0),
  },
]);
