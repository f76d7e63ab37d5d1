/** IPPROTO_UDP (udp_lib_setsockopt() of net/ipv4/udp.c). */
import { EINVAL, ENOPROTOOPT } from '../../abi/linux/errno.js';
import * as ip from '../../abi/linux/inet.js';
import { int32 } from './option_bytes.js';
import { type OptionRow, ofLevel } from './option_row.js';

/** Only 0, what it is already, can be set. */
const onlyZero: NonNullable<OptionRow['set']> = (_, value) =>
  value.length < 4 ? -EINVAL : int32(value) === 0 ? 0 : -ENOPROTOOPT;

export const UDP_ROWS: readonly OptionRow[] = ofLevel(ip.IPPROTO_UDP, [
  {
    name: 'UDP_CORK',
    option: ip.UDP_CORK,
    value: 'int',
    effect: 'refused',
    why: 'each call sends a datagram; 0 can be set',
    set: onlyZero,
    get: false,
  },
  {
    name: 'UDP_ENCAP',
    option: ip.UDP_ENCAP,
    value: 'int',
    effect: 'refused',
    why: 'there is no IPsec; 0 can be set',
    set: onlyZero,
    get: false,
  },
  {
    name: 'UDP_NO_CHECK6_TX',
    option: ip.UDP_NO_CHECK6_TX,
    value: 'flag',
    effect: 'kept',
    why: 'a checksum that is there does no harm',
  },
  {
    name: 'UDP_NO_CHECK6_RX',
    option: ip.UDP_NO_CHECK6_RX,
    value: 'flag',
    effect: 'kept',
    why: 'the stack drops what has no checksum, as RFC 8200 says',
  },
  {
    name: 'UDP_SEGMENT',
    option: ip.UDP_SEGMENT,
    value: 'int',
    effect: 'refused',
    why: 'the stack cuts nothing; programs ask by getsockopt(2), and send datagrams one by one; 0 can be set',
    set: onlyZero,
    get: false,
  },
  {
    name: 'UDP_GRO',
    option: ip.UDP_GRO,
    value: 'int',
    effect: 'refused',
    why: 'datagrams come one by one; 0 can be set',
    set: onlyZero,
    get: false,
  },
]);
