/** Options of raw sockets: SOL_RAW, IPPROTO_ICMPV6, and those of IPPROTO_IPV6 (net/ipv4/raw.c, net/ipv6/raw.c). */
import { EINVAL, ENOPROTOOPT } from '../../abi/linux/errno.js';
import * as ip from '../../abi/linux/inet.js';
import { int32, putBytes, putInts } from './option_bytes.js';
import { type OptionRow, type OptionState, ofLevel, RAW } from './option_row.js';
import { RN_OPT_CHECKSUM, RN_OPT_HDRINCL, RN_OPT_ICMP_FILTER, RN_OPT_ICMP6_FILTER } from './stack_options.js';

const ICMP_FILTER_SIZE = 4;
/** Where ICMPv6 has its checksum, which RFC 3542 leaves no choice of. */
const ICMP6_CHECKSUM_AT = 2;

const FILTER: OptionRow = {
  name: 'ICMP_FILTER',
  level: ip.IPPROTO_RAW,
  option: ip.ICMP_FILTER,
  value: 'struct icmp_filter',
  effect: 'stack',
  why: 'types of ICMP that are not wanted',
  // A part of it is only that part (raw_seticmpfilter()).
  set: (options, value) => {
    const filter = new Uint8Array(Int32Array.of(options.valueOf(FILTER)).buffer);
    filter.set(value.subarray(0, ICMP_FILTER_SIZE));
    const status = options.target.set(RN_OPT_ICMP_FILTER, int32(filter));
    if (status === 0) options.keep(FILTER, int32(filter));
    return status;
  },
  get: (options, out) => putInts(out, options.valueOf(FILTER)),
};

/** IPV6_CHECKSUM at either level is one option, -1: the program makes its own. */
const CHECKSUM: OptionRow = {
  name: 'IPV6_CHECKSUM',
  level: ip.IPPROTO_IPV6,
  option: ip.IPV6_CHECKSUM,
  value: 'int',
  effect: 'stack',
  why: 'where the stack puts a checksum; raw sockets only',
  initial: options => (options.target.protocol === ip.IPPROTO_ICMPV6 ? ICMP6_CHECKSUM_AT : -1),
  set: (options, value) =>
    options.target.protocol === ip.IPPROTO_ICMPV6 && options.kind === RAW
      ? -EINVAL
      : setChecksum(options, value),
  get: getChecksum,
};

function setChecksum(options: OptionState, value: Uint8Array): number {
  if (options.kind !== RAW) return -ENOPROTOOPT;
  if (value.length < 4) return -EINVAL;
  const offset = int32(value);
  if (offset > 0 && offset % 2 !== 0) return -EINVAL;
  const kept = offset < 0 ? -1 : offset;
  const status = options.target.set(RN_OPT_CHECKSUM, kept);
  if (status === 0) options.keep(CHECKSUM, kept);
  return status;
}

function getChecksum(options: OptionState, out: Uint8Array): number {
  return options.kind === RAW ? putInts(out, options.valueOf(CHECKSUM)) : -ENOPROTOOPT;
}

const HDRINCL: OptionRow = {
  name: 'IPV6_HDRINCL',
  level: ip.IPPROTO_IPV6,
  option: ip.IPV6_HDRINCL,
  value: 'flag',
  effect: 'stack',
  why: 'the program makes the header; raw sockets only',
  set: setHdrincl,
  get: getHdrincl,
};

function setHdrincl(options: OptionState, value: Uint8Array): number {
  if (options.kind !== RAW) return -ENOPROTOOPT;
  if (value.length < 4) return -EINVAL;
  const on = Number(int32(value) !== 0);
  const status = options.target.set(RN_OPT_HDRINCL, on);
  if (status === 0) options.keep(HDRINCL, on);
  return status;
}

function getHdrincl(options: OptionState, out: Uint8Array): number {
  return options.kind === RAW ? putInts(out, options.valueOf(HDRINCL)) : -ENOPROTOOPT;
}

/** A part of it is only that part. The stack has it in words of 32 bits. */
function setIcmp6Filter(options: OptionState, value: Uint8Array): number {
  const filter = options.icmp6Filter;
  filter.set(value.subarray(0, filter.length));
  for (let at = 0; at < filter.length; at += 4) {
    const status = options.target.set(RN_OPT_ICMP6_FILTER + at / 4, int32(filter.subarray(at)));
    if (status !== 0) return status;
  }
  return 0;
}

export const RAW_ROWS: readonly OptionRow[] = [
  FILTER,
  CHECKSUM,
  HDRINCL,
  ...ofLevel(ip.IPPROTO_RAW, [
    {
      name: 'IPV6_CHECKSUM',
      option: ip.IPV6_CHECKSUM,
      value: 'int',
      effect: 'stack',
      why: 'the same; of ICMPv6, too',
      set: setChecksum,
      get: getChecksum,
    },
    {
      name: 'IPV6_HDRINCL',
      option: ip.IPV6_HDRINCL,
      value: 'flag',
      effect: 'stack',
      why: 'the same',
      set: setHdrincl,
      get: getHdrincl,
    },
  ]),
  {
    name: 'ICMPV6_FILTER',
    level: ip.IPPROTO_ICMPV6,
    option: ip.ICMPV6_FILTER,
    value: 'struct icmp6_filter',
    effect: 'stack',
    why: 'types of ICMPv6 that are not wanted',
    set: setIcmp6Filter,
    get: (options, out) => putBytes(out, options.icmp6Filter),
  },
];
