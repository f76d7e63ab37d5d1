/** route show: the routing table as NetBSD's route(8) shows it with -n. */
import {
  bitsOfMask,
  decodeSockaddrDl,
  NB_IFT_ETHER,
  sockaddrIpv4,
  sockaddrIpv6,
} from '../../abi/netbsd/interface.js';
import {
  decodeRouteMessage,
  NB_NET_RT_DUMP,
  NB_RTAX_DST,
  NB_RTAX_GATEWAY,
  NB_RTAX_NETMASK,
  NB_RTF_HOST,
  NB_RTV_MTU,
  type RouteMessage,
  splitMessages,
} from '../../abi/netbsd/route.js';
import { NB_AF_INET, NB_AF_INET6, NB_AF_LINK } from '../../abi/netbsd/socket.js';
import { formatHardware, formatSockaddr, type Interfaces } from './addresses.js';
import { Refusal } from './errors.js';
import { interfaces, routing } from './interfaces.js';
import { flagLetters } from './route_words.js';
import type { Tool } from './tool.js';

/** Widths of the columns of destinations and gateways, as route show -n has them. */
const WIDTHS = new Map([[NB_AF_INET6, [39, 30] as const]]);
const NARROW = [18, 18] as const;
const TITLES = new Map([
  [NB_AF_INET, 'Internet'],
  [NB_AF_INET6, 'Internet6'],
]);

export function show(tool: Tool, words: readonly string[]): void {
  let family = 0;
  for (const word of words) {
    if (word === '-inet' || word === '-4') family = NB_AF_INET;
    else if (word === '-inet6' || word === '-6') family = NB_AF_INET6;
    else throw new Refusal(`unknown word '${word}': show takes -inet or -inet6`);
  }
  const all = interfaces(tool.session);
  const bytes = routing(tool.session, family, NB_NET_RT_DUMP);
  tool.out.line('Routing tables');
  let last = -1;
  for (const message of splitMessages(bytes)) {
    const entry = decodeRouteMessage(message);
    const destination = entry.addresses[NB_RTAX_DST];
    if (destination === undefined || (family !== 0 && destination[1] !== family)) continue;
    const [wide, next] = WIDTHS.get(destination[1]) ?? NARROW;
    if (destination[1] !== last) {
      last = destination[1];
      tool.out.line(`\n${TITLES.get(last) ?? `Protocol Family ${last}`}:`);
      tool.out.line(
        row(wide, next, 'Destination', 'Gateway', 'Flags', '  Refs', '     Use', '   Mtu', 'Interface'),
      );
    }
    const { mtu, locks } = entry.metrics;
    tool.out.line(
      row(
        wide,
        next,
        destinationText(entry, all),
        gatewayText(entry, all),
        flagLetters(entry.flags),
        '     -',
        '       -',
        (mtu === 0 ? '-' : String(mtu)).padStart(6) + ((locks & NB_RTV_MTU) !== 0 ? 'L' : ' '),
        all.find(({ index }) => index === entry.index)?.name ?? '',
      ),
    );
  }
}

function row(wide: number, next: number, ...cells: string[]): string {
  const [destination, gateway, flags, ...rest] = cells;
  return [destination.padEnd(wide), gateway.padEnd(next), flags.slice(0, 6).padEnd(6), ...rest].join(' ');
}

function gatewayText(entry: RouteMessage, all: Interfaces): string {
  const gateway = entry.addresses[NB_RTAX_GATEWAY];
  if (gateway === undefined || gateway.length < 2) return '-';
  return routeAddress(gateway, all);
}

/** link_print() of route(8) */
function linkText(sockaddr: Uint8Array): string {
  const { index, type, name, hardware } = decodeSockaddrDl(sockaddr);
  if (type === NB_IFT_ETHER && hardware.length > 0) return formatHardware(hardware);
  return name === '' ? `link#${index}` : name;
}

/** netname() of route(8): as many numbers of a network as its mask needs. */
function destinationText(entry: RouteMessage, all: Interfaces): string {
  const [destination, mask] = [entry.addresses[NB_RTAX_DST], entry.addresses[NB_RTAX_NETMASK]];
  if (destination === undefined) return '-';
  const isHost = (entry.flags & NB_RTF_HOST) !== 0 || (mask === undefined && destination[1] !== NB_AF_INET6);
  if (destination[1] !== NB_AF_INET && destination[1] !== NB_AF_INET6) return `(${destination[1]})`;
  if (isHost) return formatSockaddr(destination, all);
  const prefix = mask === undefined ? 128 : (bitsOfMask(destination[1], mask) ?? 0);
  if (destination[1] === NB_AF_INET6) {
    const { ipv6, scope } = sockaddrIpv6(destination);
    if (prefix === 0 && scope === 0 && ipv6.every(byte => byte === 0)) return 'default';
    return `${formatSockaddr(destination, all)}/${prefix}`;
  }
  const numbers = sockaddrIpv4(destination);
  if (prefix === 0 && numbers.every(byte => byte === 0)) return 'default';
  const shown = Math.max(1, Math.ceil(prefix / 8));
  return `${numbers.subarray(0, shown).join('.')}/${prefix}`;
}

/** The address of a route, which may be an interface's. */
export function routeAddress(sockaddr: Uint8Array, all: Interfaces): string {
  if (sockaddr[1] === NB_AF_LINK) return linkText(sockaddr);
  return formatSockaddr(sockaddr, all);
}
