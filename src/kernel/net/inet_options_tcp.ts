/** IPPROTO_TCP (do_tcp_setsockopt() and do_tcp_getsockopt() of net/ipv4/tcp.c). */
import { EINVAL, ENOENT, ENOPROTOOPT } from '../../abi/linux/errno.js';
import * as ip from '../../abi/linux/inet.js';
import { REPAIR_ROWS } from './inet_options_repair.js';
import { putTcpInfo } from './inet_tcp_info.js';
import { int32, putBytes, putInts } from './option_bytes.js';
import { type OptionRow, type OptionState, ofLevel } from './option_row.js';
import { inRange, setRefuses } from './option_values.js';
import {
  RN_GET_MSS,
  RN_OPT_KEEPCNT,
  RN_OPT_KEEPIDLE,
  RN_OPT_KEEPINTVL,
  RN_OPT_NODELAY,
} from './stack_options.js';

/** net/tcp.h */
const TCP_MIN_MSS = 88;
const MAX_TCP_WINDOW = 32767;
const MAX_TCP_KEEPIDLE = 32767;
const MAX_TCP_KEEPINTVL = 32767;
const MAX_TCP_KEEPCNT = 127;
const MAX_TCP_SYNCNT = 127;
const TCP_CA_NAME_MAX = 16;
/** SOCK_MIN_RCVBUF / 2. */
const WINDOW_CLAMP_MIN = 1152;
/** TCP_FIN_TIMEOUT_MAX, TCP_RTO_MAX and TCP_TIMEOUT_INIT: seconds; net.ipv4.tcp_fin_timeout. */
const FIN_TIMEOUT_MAX = 120;
const RTO_MAX = 120;
const TIMEOUT_INIT = 1;
const FIN_TIMEOUT = 60;
/** net.ipv4.tcp_keepalive_time, tcp_keepalive_intvl, tcp_keepalive_probes and tcp_syn_retries. */
const KEEPIDLE = 7200;
const KEEPINTVL = 75;
const KEEPCNT = 9;
const SYNCNT = 6;
/** TCP_MSS_DEFAULT of linux/tcp.h. */
const MSS_DEFAULT = 536;
/** net.core.somaxconn */
const SOMAXCONN = 4096;
/** Microseconds: a time of TCP in eighths has to fit. */
const TX_DELAY_MAX = 2 ** 28 - 1;
const INT_MAX = 2 ** 31 - 1;
/** The only algorithm, as Linux calls it. */
const RENO = 'reno';

const noFastOpen = 'data go with the handshake’s third packet, which differs in time only';
const noSignatures = 'the stack signs no segments';
const byItself = 'the stack has its own times';
const thin = 'differs in time only';

/** secs_to_retrans() of net/ipv4/tcp.c: after how many retransmissions so many seconds are over. */
function retransmissions(seconds: number): number {
  let count = 0;
  let timeout = TIMEOUT_INIT;
  for (let period = 0; seconds > period && count < 255; count++) {
    period += timeout;
    timeout = Math.min(timeout * 2, RTO_MAX);
  }
  return count;
}

function secondsOf(count: number): number {
  let period = 0;
  let timeout = TIMEOUT_INIT;
  for (let i = 0; i < count; i++) {
    period += timeout;
    timeout = Math.min(timeout * 2, RTO_MAX);
  }
  return period;
}

function isFresh(options: OptionState): boolean {
  return !options.target.isConnected;
}

const MAXSEG: OptionRow = {
  name: 'TCP_MAXSEG',
  level: ip.IPPROTO_TCP,
  option: ip.TCP_MAXSEG,
  value: 'int',
  effect: 'kept',
  why: 'a wish; read, what the connection has',
  check: (_, value) => (value === 0 ? 0 : inRange(value, TCP_MIN_MSS, MAX_TCP_WINDOW)),
  get: (options, out) => {
    if (isFresh(options)) return putInts(out, options.valueOf(MAXSEG) || MSS_DEFAULT);
    return putInts(out, Math.max(options.target.get(RN_GET_MSS), 0));
  },
};

const CONGESTION: OptionRow = {
  name: 'TCP_CONGESTION',
  level: ip.IPPROTO_TCP,
  option: ip.TCP_CONGESTION,
  value: 'string',
  effect: 'told',
  why: 'the stack’s is reno; others are not there',
  set: (_, value) => {
    if (value.length < 1) return -EINVAL;
    const name = Buffer.from(value.subarray(0, TCP_CA_NAME_MAX - 1)).toString('latin1');
    return name.split('\0')[0] === RENO ? 0 : -ENOENT;
  },
  get: (_, out) => putBytes(out, Buffer.from(RENO.padEnd(TCP_CA_NAME_MAX, '\0'), 'latin1')),
};

/** Before a connection is there, or on a listener. */
function beforeConnection(options: OptionState): number {
  return isFresh(options) ? 0 : -EINVAL;
}

/** 0 can be set: it is off already. */
const onlyOff =
  (errno: number): NonNullable<OptionRow['set']> =>
  (_, value) => {
    if (value.length < 4) return -EINVAL;
    return inRange(int32(value), 0, 1) || (int32(value) === 0 ? 0 : -errno);
  };

export const TCP_ROWS: readonly OptionRow[] = ofLevel(ip.IPPROTO_TCP, [
  {
    name: 'TCP_NODELAY',
    option: ip.TCP_NODELAY,
    value: 'flag',
    effect: 'stack',
    stack: RN_OPT_NODELAY,
    why: 'small segments do not wait for others',
  },
  MAXSEG,
  {
    name: 'TCP_CORK',
    option: ip.TCP_CORK,
    value: 'flag',
    effect: 'kept',
    why: 'segments that are not full go at once; differs in time only',
  },
  {
    name: 'TCP_KEEPIDLE',
    option: ip.TCP_KEEPIDLE,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_KEEPIDLE,
    why: 'seconds',
    initial: KEEPIDLE,
    range: [1, MAX_TCP_KEEPIDLE],
  },
  {
    name: 'TCP_KEEPINTVL',
    option: ip.TCP_KEEPINTVL,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_KEEPINTVL,
    why: 'seconds',
    initial: KEEPINTVL,
    range: [1, MAX_TCP_KEEPINTVL],
  },
  {
    name: 'TCP_KEEPCNT',
    option: ip.TCP_KEEPCNT,
    value: 'int',
    effect: 'stack',
    stack: RN_OPT_KEEPCNT,
    why: 'how often nobody answers',
    initial: KEEPCNT,
    range: [1, MAX_TCP_KEEPCNT],
  },
  {
    name: 'TCP_SYNCNT',
    option: ip.TCP_SYNCNT,
    value: 'int',
    effect: 'kept',
    why: byItself,
    initial: SYNCNT,
    range: [1, MAX_TCP_SYNCNT],
  },
  {
    name: 'TCP_LINGER2',
    option: ip.TCP_LINGER2,
    value: 'int',
    effect: 'kept',
    why: byItself,
    initial: FIN_TIMEOUT,
    convert: value => (value < 0 ? -1 : Math.min(value || FIN_TIMEOUT, FIN_TIMEOUT_MAX)),
  },
  {
    name: 'TCP_DEFER_ACCEPT',
    option: ip.TCP_DEFER_ACCEPT,
    value: 'int',
    effect: 'kept',
    why: 'a connection is there to be accepted before its data are; who accepts it waits for them',
    convert: value => secondsOf(retransmissions(value)),
  },
  {
    name: 'TCP_WINDOW_CLAMP',
    option: ip.TCP_WINDOW_CLAMP,
    value: 'int',
    effect: 'kept',
    why: 'SO_RCVBUF is what the window goes by',
    check: (options, value) =>
      value === 0 && (options.target.isConnected || options.target.isListening) ? -EINVAL : 0,
    convert: value => (value === 0 ? 0 : Math.max(value, WINDOW_CLAMP_MIN)),
  },
  {
    name: 'TCP_INFO',
    option: ip.TCP_INFO,
    value: 'struct tcp_info',
    effect: 'told',
    why: 'what the stack knows',
    get: putTcpInfo,
  },
  {
    name: 'TCP_QUICKACK',
    option: ip.TCP_QUICKACK,
    value: 'flag',
    effect: 'kept',
    why: 'differs in time only',
    initial: 1,
  },
  CONGESTION,
  ...REPAIR_ROWS,
  {
    name: 'TCP_MD5SIG',
    option: ip.TCP_MD5SIG,
    value: 'struct tcp_md5sig',
    effect: 'refused',
    why: noSignatures,
    set: setRefuses(ENOPROTOOPT),
  },
  {
    name: 'TCP_MD5SIG_EXT',
    option: ip.TCP_MD5SIG_EXT,
    value: 'struct tcp_md5sig',
    effect: 'refused',
    why: noSignatures,
    set: setRefuses(ENOPROTOOPT),
  },
  {
    name: 'TCP_THIN_LINEAR_TIMEOUTS',
    option: ip.TCP_THIN_LINEAR_TIMEOUTS,
    value: 'int',
    effect: 'kept',
    why: thin,
    range: [0, 1],
  },
  {
    name: 'TCP_THIN_DUPACK',
    option: ip.TCP_THIN_DUPACK,
    value: 'int',
    effect: 'kept',
    why: 'does nothing on Linux either',
    range: [0, 1],
    convert: () => 0,
  },
  {
    name: 'TCP_USER_TIMEOUT',
    option: ip.TCP_USER_TIMEOUT,
    value: 'int',
    effect: 'kept',
    why: 'the stack gives up after its own number of retransmissions',
    range: [0, INT_MAX],
  },
  {
    name: 'TCP_FASTOPEN',
    option: ip.TCP_FASTOPEN,
    value: 'int',
    effect: 'kept',
    why: noFastOpen,
    check: (options, value) => (value < 0 ? -EINVAL : beforeConnection(options)),
    convert: value => Math.min(value, SOMAXCONN),
  },
  {
    name: 'TCP_FASTOPEN_CONNECT',
    option: ip.TCP_FASTOPEN_CONNECT,
    value: 'int',
    effect: 'kept',
    why: noFastOpen,
    range: [0, 1],
    check: options => (isFresh(options) && !options.target.isListening ? 0 : -EINVAL),
  },
  {
    name: 'TCP_FASTOPEN_NO_COOKIE',
    option: ip.TCP_FASTOPEN_NO_COOKIE,
    value: 'int',
    effect: 'kept',
    why: noFastOpen,
    range: [0, 1],
    check: beforeConnection,
  },
  {
    name: 'TCP_FASTOPEN_KEY',
    option: ip.TCP_FASTOPEN_KEY,
    value: '16 or 32 bytes',
    effect: 'refused',
    why: 'no cookies are made',
    set: (_, value) => (value.length === 16 || value.length === 32 ? -ENOPROTOOPT : -EINVAL),
    get: () => 0,
  },
  {
    name: 'TCP_NOTSENT_LOWAT',
    option: ip.TCP_NOTSENT_LOWAT,
    value: 'int',
    effect: 'kept',
    why: 'the stack has its own low-water mark',
  },
  {
    name: 'TCP_CC_INFO',
    option: ip.TCP_CC_INFO,
    value: 'bytes',
    effect: 'told',
    why: 'reno has nothing to tell',
    get: () => 0,
  },
  {
    name: 'TCP_SAVE_SYN',
    option: ip.TCP_SAVE_SYN,
    value: 'int',
    effect: 'refused',
    why: 'the stack does not show its segments',
    set: onlyOff(ENOPROTOOPT),
    get: (_, out) => putInts(out, 0),
  },
  {
    name: 'TCP_SAVED_SYN',
    option: ip.TCP_SAVED_SYN,
    value: 'bytes',
    effect: 'told',
    why: 'none was saved',
    get: () => 0,
  },
  {
    name: 'TCP_ULP',
    option: ip.TCP_ULP,
    value: 'string',
    effect: 'refused',
    why: 'TLS is the program’s: OpenSSL and others go on without',
    set: (_, value) => (value.length < 1 ? -EINVAL : -ENOENT),
    get: () => 0,
  },
  {
    name: 'TCP_ZEROCOPY_RECEIVE',
    option: ip.TCP_ZEROCOPY_RECEIVE,
    value: 'struct tcp_zerocopy_receive',
    effect: 'refused',
    why: 'the stack’s memory is not the program’s',
    get: () => -EINVAL,
  },
  {
    name: 'TCP_INQ',
    option: ip.TCP_INQ,
    value: 'int',
    effect: 'refused',
    why: 'who sets it waits for a control message; FIONREAD tells the same; 0 can be set',
    set: onlyOff(ENOPROTOOPT),
    get: (_, out) => putInts(out, 0),
  },
  {
    name: 'TCP_TX_DELAY',
    option: ip.TCP_TX_DELAY,
    value: 'int',
    effect: 'kept',
    why: 'makes a network slower for tests',
    range: [0, TX_DELAY_MAX],
  },
]);
