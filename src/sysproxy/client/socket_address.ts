/** Addresses of remote sockets: Linux's checks of what a program gives, and NetBSD's bytes for it and back. */
import { EAFNOSUPPORT, EINVAL } from '../../abi/linux/errno.js';
import { AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC } from '../../abi/linux/socket.js';
import { familyOf, SOCKADDR_UN_SIZE, SUN_PATH_OFFSET } from '../../abi/linux/un.js';
import { NB_SOCKADDR_STORAGE_SIZE, toLinuxSockaddr, toNetbsdSockaddr } from '../../abi/netbsd/socket.js';
import type { AddressOut } from '../../kernel/socket_calls.js';
import type { SysCall } from './syscall.js';

/** linux/in.h, linux/in6.h (SIN6_LEN_RFC2133): the shortest that are taken, bytes. */
const IN_SIZE = 16;
const IN6_LEAST = 24;
/** Where an IPv4 address is. */
const IN_ADDRESS = 4;
const IN_ADDRESS_END = 8;

export type AddressUse = 'bind' | 'connect' | 'send';

/** NetBSD's bytes of an address for a socket of `domain`; -EINVAL, -EAFNOSUPPORT as inet_bind(), inet6_bind() and unix_validate_addr() have it. */
export function wireAddress(domain: number, address: Uint8Array, use: AddressUse): Uint8Array | number {
  const family = familyOf(address);
  if (use === 'connect' && family === AF_UNSPEC) return toNetbsdSockaddr(address) ?? -EINVAL;
  const wrong = domain === AF_UNIX ? checkUnix(address, family) : checkInet(domain, address, family, use);
  if (wrong !== 0) return wrong;
  const known = domain === AF_INET && family === AF_UNSPEC ? asInet(address) : address;
  // What NetBSD has no word for: a name of the abstract name space, or none at all.
  return toNetbsdSockaddr(known) ?? -EINVAL;
}

function checkUnix(address: Uint8Array, family: number): number {
  return family !== AF_UNIX || address.length <= SUN_PATH_OFFSET || address.length > SOCKADDR_UN_SIZE
    ? -EINVAL
    : 0;
}

function checkInet(domain: number, address: Uint8Array, family: number, use: AddressUse): number {
  if (domain === AF_INET) {
    if (address.length < IN_SIZE) return -EINVAL;
    if (family === AF_INET) return 0;
    // For the sake of old programs (inet_bind of net/ipv4/af_inet.c).
    const isAny = address.subarray(IN_ADDRESS, IN_ADDRESS_END).every(byte => byte === 0);
    return family === AF_UNSPEC && (use === 'send' || isAny) ? 0 : -EAFNOSUPPORT;
  }
  if (domain !== AF_INET6) return 0;
  if (family === AF_INET && use !== 'bind') return address.length < IN_SIZE ? -EINVAL : 0;
  if (address.length < IN6_LEAST) return -EINVAL;
  return family === AF_INET6 ? 0 : -EAFNOSUPPORT;
}

function asInet(address: Uint8Array): Uint8Array {
  const inet = address.slice();
  inet[0] = AF_INET;
  return inet;
}

/** Room for an address and its length in a call's memory, whose places are the next two arguments. */
export class AddressRoom {
  readonly #at: number;
  readonly #lengthAt: number;

  constructor(call: SysCall) {
    this.#at = call.reserve(NB_SOCKADDR_STORAGE_SIZE);
    this.#lengthAt = call.reserve(4);
    call.view.setUint32(this.#lengthAt, NB_SOCKADDR_STORAGE_SIZE, true);
    call.pointer(this.#at).pointer(this.#lengthAt);
  }

  /** Fills `out` from what the server has put there. */
  take(call: SysCall, out: AddressOut): void {
    const length = Math.min(call.view.getUint32(this.#lengthAt, true), NB_SOCKADDR_STORAGE_SIZE);
    putLinuxAddress(call.scratch.subarray(this.#at, this.#at + length), out);
  }
}

/** Fills `out` with Linux's address for NetBSD's; none where there is none. */
export function putLinuxAddress(bytes: Uint8Array, out: AddressOut): void {
  const address = toLinuxSockaddr(bytes);
  out.length = 0;
  if (address === undefined) return;
  const known = address.subarray(0, out.bytes.length);
  out.bytes.set(known);
  out.length = known.length;
}
