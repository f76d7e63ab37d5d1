/** Internet addresses as the network tools take and show them: with a scope behind `%`, with a prefix length behind `/`. */
import {
  formatIpv4,
  formatIpv6,
  IPV4_SIZE,
  IPV6_SIZE,
  parseIpv4,
  parseIpv6,
  prefixLength,
  prefixMask,
} from '../../abi/address.js';
import {
  embedScope,
  netbsdSockaddrIn,
  netbsdSockaddrIn6,
  sockaddrIpv4,
  sockaddrIpv6,
} from '../../abi/netbsd/interface.js';
import { NB_AF_INET, NB_AF_INET6 } from '../../abi/netbsd/socket.js';
import { Refusal } from './errors.js';
import type { Interface } from './interfaces.js';

export type Interfaces = readonly Interface[];

/** An address that the user has given. */
export interface Given {
  readonly text: string;
  /** NB_AF_INET or NB_AF_INET6. */
  readonly family: number;
  readonly bytes: Uint8Array;
  /** Index of an interface, 0: none was named. */
  readonly scope: number;
  /** Bits; undefined where none were given. */
  readonly prefix: number | undefined;
}

/** Throws Refusal. `all` knows the names of scopes; `family` is what it has to be, where that is said. */
export function parseAddress(text: string, all: () => Interfaces, family?: number): Given {
  const [, host, zone, bits] = /^([^%/]*)(?:%([^/]*))?(?:\/(.*))?$/.exec(text) ?? [];
  const ipv4 = family === NB_AF_INET6 || zone !== undefined ? undefined : parseIpv4(host ?? '');
  const ipv6 = family === NB_AF_INET ? undefined : parseIpv6(host ?? '');
  const bytes = ipv4 ?? ipv6;
  if (bytes === undefined) {
    const kind = { [NB_AF_INET]: 'IPv4 ', [NB_AF_INET6]: 'IPv6 ' }[family ?? 0] ?? '';
    throw new Refusal(`'${text}' is no ${kind}address`);
  }
  const found = bytes.length === IPV4_SIZE ? NB_AF_INET : NB_AF_INET6;
  const prefix = bits === undefined ? undefined : parsePrefix(bits, found);
  return { text, family: found, bytes, scope: zone === undefined ? 0 : scopeOf(zone, all()), prefix };
}

/** A number of bits that a mask of the family can have. Throws Refusal. */
export function parsePrefix(text: string, family: number): number {
  const most = family === NB_AF_INET ? IPV4_SIZE * 8 : IPV6_SIZE * 8;
  if (!/^\d{1,3}$/.test(text) || Number(text) > most)
    throw new Refusal(`'${text}' is no prefix length: 0 to ${most}`);
  return Number(text);
}

function scopeOf(zone: string, all: Interfaces): number {
  const found = all.find(({ name, index }) => name === zone || String(index) === zone);
  if (found === undefined) throw new Refusal(`interface ${zone} does not exist`);
  return found.index;
}

/** A mask: an address, a hexadecimal number or a prefix length. Throws Refusal. */
export function parseMask(text: string, family: number): number {
  if (/^0x[0-9a-fA-F]{8}$/.test(text) && family === NB_AF_INET) {
    const length = prefixLength(Uint8Array.from(Buffer.from(text.slice(2), 'hex')));
    if (length !== undefined) return length;
  }
  if (/^\d+$/.test(text)) return parsePrefix(text, family);
  const mask = family === NB_AF_INET ? parseIpv4(text) : parseIpv6(text);
  const length = mask && prefixLength(mask);
  if (length === undefined) throw new Refusal(`'${text}' is no netmask`);
  return length;
}

/** For bind, connect and sendto. */
export function sockaddrOf(given: Given): Uint8Array {
  return given.family === NB_AF_INET
    ? netbsdSockaddrIn(given.bytes)
    : netbsdSockaddrIn6(given.bytes, given.scope);
}

/** For routes and interfaces, where the scope is a part of the address. */
export function keptSockaddrOf(given: Given): Uint8Array {
  return given.family === NB_AF_INET ? netbsdSockaddrIn(given.bytes) : embedScope(given.bytes, given.scope);
}

export function maskSockaddr(prefix: number, family: number): Uint8Array {
  return family === NB_AF_INET
    ? netbsdSockaddrIn(prefixMask(prefix, IPV4_SIZE))
    : netbsdSockaddrIn6(prefixMask(prefix, IPV6_SIZE));
}

/** The address of a sockaddr_in or sockaddr_in6, with its scope's name. */
export function formatSockaddr(sockaddr: Uint8Array, all: Interfaces): string {
  if (sockaddr[1] === NB_AF_INET) return formatIpv4(sockaddrIpv4(sockaddr));
  const { ipv6, scope } = sockaddrIpv6(sockaddr);
  const zone = scope === 0 ? '' : `%${all.find(({ index }) => index === scope)?.name ?? scope}`;
  return formatIpv6(ipv6) + zone;
}

/** Six numbers, as ether_ntoa(3). */
export function formatHardware(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(':');
}
