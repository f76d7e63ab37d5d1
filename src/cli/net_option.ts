/** --net: `tap=NAME` or `bus=FILE`, and what the interface has: addresses, `dhcp`, `gw=ADDRESS`, with commas between. */
import { isIPv4, isIPv6 } from 'node:net';
import { AF_INET, AF_INET6 } from '../abi/linux/socket.js';
import type { NetSpec } from '../kernel/net/attach.js';

/** What is wrong with it: one line. */
export class NetOptionError extends Error {}

type Address = NetSpec['addresses'][number];
type Gateway = NetSpec['gateways'][number];

/** linux/if.h: IFNAMSIZ, without the NUL. */
const LONGEST_NAME = 15;
/** lwIP knows no others. */
const PREFIX_V6 = 64;

export function parseNet(text: string): NetSpec {
  const wrong = (what: string) => new NetOptionError(`--net ${text}: ${what}`);
  const [first, ...items] = text.split(',');
  const [, kind, target] = /^([^=]*)=(.*)$/s.exec(first) ?? [];
  if (kind === undefined) throw wrong('say tap=NAME or bus=FILE');
  if (kind !== 'tap' && kind !== 'bus') throw wrong(`'${kind}' is unknown; say tap=NAME or bus=FILE`);
  if (target === '') throw wrong(kind === 'tap' ? 'the name is missing' : 'the file is missing');
  if (kind === 'tap') checkName(target, wrong);
  const addresses: Address[] = [];
  const gateways: Gateway[] = [];
  let dhcp = false;
  for (const item of items) {
    if (item === 'dhcp') dhcp = true;
    else if (item.startsWith('gw=')) gateways.push(parseGateway(item.slice('gw='.length), wrong));
    else addresses.push(parseAddress(item, wrong));
  }
  const spec = { kind, target, dhcp, addresses, gateways } as const;
  checkTogether(spec, wrong);
  return spec;
}

type Wrong = (what: string) => NetOptionError;

function checkName(name: string, wrong: Wrong): void {
  if (Buffer.byteLength(name) > LONGEST_NAME) throw wrong(`'${name}' is longer than ${LONGEST_NAME} bytes`);
  if (/[/:%\s]/.test(name) || name === '.' || name === '..') throw wrong(`'${name}' is no interface's name`);
}

function bytesOf(text: string): { family: number; address: Uint8Array } | undefined {
  if (isIPv4(text)) return { family: AF_INET, address: Uint8Array.from(text.split('.').map(Number)) };
  return isIPv6(text) && !text.includes('%') ? { family: AF_INET6, address: bytesOfV6(text) } : undefined;
}

/** RFC 4291, 2.2: a text that isIPv6() takes for one. */
function bytesOfV6(text: string): Uint8Array {
  const dotted = /[^:]*\.[^:]*$/.exec(text)?.[0];
  const last = dotted === undefined ? [] : dotted.split('.').map(Number);
  const hex = dotted === undefined ? text : text.slice(0, -dotted.length).replace(/([^:]):$/, '$1');
  const [head, tail] = hex.split('::');
  const words = (part = '') =>
    part
      .split(':')
      .filter(word => word !== '')
      .flatMap(word => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 0xff]);
  const [before, after] = [words(head), [...words(tail), ...last]];
  const out = new Uint8Array(16);
  out.set(before);
  out.set(after, 16 - after.length);
  return out;
}

function parseGateway(text: string, wrong: Wrong): Gateway {
  const gateway = bytesOf(text);
  if (gateway === undefined) throw wrong(`'${text}' is no address for gw=`);
  return gateway;
}

function parseAddress(item: string, wrong: Wrong): Address {
  const [text, length, ...more] = item.split('/');
  const known = bytesOf(text);
  if (known === undefined || more.length > 0) {
    const key = /^([^=]*)=/.exec(item)?.[1];
    if (key !== undefined) throw wrong(`'${key}' is unknown; say gw=ADDRESS`);
    throw wrong(`'${item}' is no address with its length, as 10.0.0.2/24, nor dhcp, nor gw=ADDRESS`);
  }
  if (length === undefined) throw wrong(`'${item}' lacks the length of its network, as 10.0.0.2/24`);
  const longest = known.family === AF_INET ? 32 : 128;
  const prefixLength = Number(length);
  if (!/^\d{1,3}$/.test(length) || prefixLength < 1 || prefixLength > longest)
    throw wrong(`'${length}' is no length from 1 to ${longest}`);
  if (known.family === AF_INET6 && prefixLength !== PREFIX_V6)
    throw wrong(`networks of IPv6 have ${PREFIX_V6} bits here`);
  return { ...known, prefixLength };
}

function checkTogether({ dhcp, addresses, gateways }: NetSpec, wrong: Wrong): void {
  const count = (list: readonly { family: number }[], family: number) =>
    list.filter(each => each.family === family).length;
  if (count(addresses, AF_INET) > 1) throw wrong('an interface has one address of IPv4');
  if (dhcp && count(addresses, AF_INET) > 0) throw wrong('give an address of IPv4 or dhcp, not both');
  if (dhcp && count(gateways, AF_INET) > 0) throw wrong('dhcp brings its own gateway');
  for (const family of [AF_INET, AF_INET6]) {
    if (count(gateways, family) > 1) throw wrong('there is one default route of each family');
  }
  for (const gateway of gateways) {
    if (!isLinkLocal(gateway) && !addresses.some(each => isNear(each, gateway)))
      throw wrong('the gateway is on no network of this interface');
  }
}

function isLinkLocal({ family, address }: Gateway): boolean {
  return family === AF_INET6 && address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
}

function isNear({ family, address, prefixLength }: Address, gateway: Gateway): boolean {
  if (family !== gateway.family) return false;
  return address.every((byte, i) => {
    const bits = Math.max(0, Math.min(8, prefixLength - 8 * i));
    return ((byte ^ gateway.address[i]) & (0xff00 >> bits) & 0xff) === 0;
  });
}
