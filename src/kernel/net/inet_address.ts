/** struct sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)), to and from the stack's shared page. */
import { EAFNOSUPPORT, EINVAL } from '../../abi/linux/errno.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import { familyOf } from '../../abi/linux/un.js';
import type { AddressOut } from '../socket_calls.js';
import type { SharedPage } from './stack_library.js';

/** linux/in.h, linux/in6.h: bytes. sin6_scope_id came later: SIN6_LEN_RFC2133 is without it. */
export const SOCKADDR_IN_SIZE = 16;
export const SOCKADDR_IN6_SIZE = 28;
export const SIN6_LEN_RFC2133 = 24;
const PORT_AT = 2;
const IN_ADDRESS_AT = 4;
const IN6_FLOWINFO_AT = 4;
const IN6_ADDRESS_AT = 8;
const IN6_SCOPE_AT = 24;
/** RFC 4291, 2.5.6: fe80::/10. */
const LINK_LOCAL = 0xfe80;
const LINK_LOCAL_MASK = 0xffc0;
const GROUP = 0xff;

export function portOf(address: Uint8Array): number {
  return (address[PORT_AT] << 8) | address[PORT_AT + 1];
}

export function isAnyV4(address: Uint8Array): boolean {
  for (let i = 0; i < 4; i++) if (address[IN_ADDRESS_AT + i] !== 0) return false;
  return true;
}

function putV4(shared: SharedPage['address'], address: Uint8Array): void {
  shared.family = AF_INET;
  shared.port = portOf(address);
  shared.scope = 0;
  for (let i = 0; i < 4; i++) shared.bytes[i] = address[IN_ADDRESS_AT + i];
}

function putV6(shared: SharedPage['address'], address: Uint8Array): void {
  shared.family = AF_INET6;
  shared.port = portOf(address);
  for (let i = 0; i < 16; i++) shared.bytes[i] = address[IN6_ADDRESS_AT + i];
  const scope =
    address.length < SOCKADDR_IN6_SIZE
      ? 0
      : address[IN6_SCOPE_AT] |
        (address[IN6_SCOPE_AT + 1] << 8) |
        (address[IN6_SCOPE_AT + 2] << 16) |
        (address[IN6_SCOPE_AT + 3] << 24);
  shared.scope = scope;
}

const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** The address that was put is IPv4's, by its IPv6 name or its own. */
export function isV4({ family, bytes }: SharedPage['address']): boolean {
  return family === AF_INET || (family === AF_INET6 && MAPPED_PREFIX.every((byte, i) => bytes[i] === byte));
}

/** The address that was put is one of IPv6's groups. */
export function isGroup({ family, bytes }: SharedPage['address']): boolean {
  return family === AF_INET6 && bytes[0] === GROUP;
}

/** The address that was put is link-local, which means nothing without its link (ipv6(7)): bind(2) and connect(2) say EINVAL. */
export function lacksLink({ family, bytes, scope }: SharedPage['address']): boolean {
  if (family !== AF_INET6 || scope > 0) return false;
  // RFC 4291, 2.7: groups of an interface and of a link are such addresses, too.
  if (bytes[0] === GROUP) return (bytes[1] & 15) === 1 || (bytes[1] & 15) === 2;
  return (((bytes[0] << 8) | bytes[1]) & LINK_LOCAL_MASK) === LINK_LOCAL;
}

/**
 * Puts an address for a socket of `domain` where the stack looks for it: 0, -EINVAL for one that is too short, -EAFNOSUPPORT for
 * another family's. `orV4`: a socket of AF_INET6 takes AF_INET's, too.
 */
export function putAddress(
  shared: SharedPage['address'],
  domain: number,
  address: Uint8Array,
  orV4 = false,
): number {
  if (domain === AF_INET || (orV4 && familyOf(address) === AF_INET)) {
    if (address.length < SOCKADDR_IN_SIZE) return -EINVAL;
    if (familyOf(address) !== AF_INET) return -EAFNOSUPPORT;
    putV4(shared, address);
    return 0;
  }
  if (address.length < SIN6_LEN_RFC2133) return -EINVAL;
  if (familyOf(address) !== AF_INET6) return -EAFNOSUPPORT;
  putV6(shared, address);
  return 0;
}

/** Fills `out` from what the stack has put there; nothing when it has none. */
export function takeAddress(shared: SharedPage['address'], out: AddressOut): void {
  const { family, port } = shared;
  if (family === 0) {
    out.length = 0;
    return;
  }
  const { bytes } = out;
  bytes.fill(0, 0, SOCKADDR_IN6_SIZE);
  bytes[0] = family;
  bytes[PORT_AT] = port >> 8;
  bytes[PORT_AT + 1] = port & 0xff;
  if (family === AF_INET) {
    for (let i = 0; i < 4; i++) bytes[IN_ADDRESS_AT + i] = shared.bytes[i];
    out.length = SOCKADDR_IN_SIZE;
    return;
  }
  bytes.fill(0, IN6_FLOWINFO_AT, IN6_ADDRESS_AT);
  for (let i = 0; i < 16; i++) bytes[IN6_ADDRESS_AT + i] = shared.bytes[i];
  const { scope } = shared;
  for (let i = 0; i < 4; i++) bytes[IN6_SCOPE_AT + i] = (scope >> (8 * i)) & 0xff;
  out.length = SOCKADDR_IN6_SIZE;
}
