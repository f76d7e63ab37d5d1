/** Times of datagrams, of SOL_SOCKET: when they came, and when they are to go. */
import { EINVAL, ENOPROTOOPT } from '../../abi/linux/errno.js';
import * as so from '../../abi/linux/socket.js';
import { int32, putInts, putU64 } from './option_bytes.js';
import { NO_PACING, type OptionRow, type OptionState, ofLevel } from './option_row.js';

const U32_MAX = 2n ** 32n - 1n;
/** struct sock_txtime: two ints. */
const TXTIME_SIZE = 8;

function setTimestamp(options: OptionState, value: Uint8Array, kind: 'us' | 'ns'): number {
  if (value.length < 4) return -EINVAL;
  options.timestamp = int32(value) !== 0 ? kind : 'none';
  return 0;
}

const PACING: OptionRow = {
  name: 'SO_MAX_PACING_RATE',
  level: so.SOL_SOCKET,
  option: so.SO_MAX_PACING_RATE,
  value: 'int or 64 bits',
  effect: 'kept',
  why: 'there is no pacing; the rate is a limit that is asked for, not one that is needed',
  set: (options, value) => {
    if (value.length < 4) return -EINVAL;
    const narrow = BigInt(int32(value) >>> 0);
    if (value.length >= 8) {
      options.pacingRate = new DataView(value.buffer, value.byteOffset).getBigUint64(0, true);
    } else options.pacingRate = narrow === U32_MAX ? NO_PACING : narrow;
    return 0;
  },
  get: (options, out) => {
    const rate = options.pacingRate;
    if (out.length >= 8) return putU64(out, rate);
    return putInts(out, Number(rate < U32_MAX ? rate : U32_MAX) | 0);
  },
};

const tooWide =
  'the sender of a time stamp is a driver, and there is none; SO_TIMESTAMP has the time of arrival';

export const TIME_ROWS: readonly OptionRow[] = ofLevel(so.SOL_SOCKET, [
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
    name: 'SO_TXTIME',
    option: so.SO_TXTIME,
    value: 'struct sock_txtime',
    effect: 'refused',
    why: 'nothing is sent at a given time',
    set: (_, value) => (value.length !== TXTIME_SIZE ? -EINVAL : -ENOPROTOOPT),
    get: (_, out) => putInts(out, 0, 0),
  },
  PACING,
]);
