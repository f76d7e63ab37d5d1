/** route: the routing table, in the words and the form of NetBSD's route(8), without names of hosts. */
import { formatIpv4, formatIpv6 } from '../../abi/address.js';
import { EBUSY, EEXIST, ENOBUFS, ESRCH } from '../../abi/linux/errno.js';
import { decodeSockaddrDl, sockaddrIpv4, sockaddrIpv6 } from '../../abi/netbsd/interface.js';
import {
  decodeRouteMessage,
  encodeRouteMessage,
  NB_RTAX_DST,
  NB_RTAX_GATEWAY,
  NB_RTAX_IFA,
  NB_RTAX_IFP,
  NB_RTAX_NETMASK,
  NB_RTF_CONNECTED,
  NB_RTF_GATEWAY,
  NB_RTF_HOST,
  NB_RTF_STATIC,
  NB_RTF_UP,
  NB_RTM_ADD,
  NB_RTM_CHANGE,
  NB_RTM_DELETE,
  NB_RTM_GET,
  NB_RTV_MTU,
  NO_METRICS,
  type RouteMessage,
  splitMessages,
} from '../../abi/netbsd/route.js';
import { NB_AF_INET, NB_AF_LINK, NB_AF_ROUTE, NB_SHUT_RD, NB_SOCK_RAW } from '../../abi/netbsd/socket.js';
import { type Interfaces, keptSockaddrOf, maskSockaddr } from './addresses.js';
import { CallError, Refusal } from './errors.js';
import { type Interface, interfaces } from './interfaces.js';
import { routeAddress, show } from './route_show.js';
import { flagWords, parseRoute, type RouteWords } from './route_words.js';
import { RumpSocket } from './sockets.js';
import type { Tool } from './tool.js';

const COMMANDS = new Map([
  ['add', NB_RTM_ADD],
  ['delete', NB_RTM_DELETE],
  ['change', NB_RTM_CHANGE],
  ['get', NB_RTM_GET],
]);
/** A message that route get reads. */
const ROOM = 2048;

export function route(tool: Tool, args: readonly string[]): void {
  const words = args.filter(word => word !== '-n');
  const [command, ...rest] = words;
  if (command === undefined || command === 'show') return show(tool, rest);
  const type = COMMANDS.get(command);
  if (type === undefined) throw new Refusal(`unknown command '${command}': show, add, delete, change or get`);
  const all = interfaces(tool.session);
  const request = parseRoute(command, rest, () => all);
  if (type === NB_RTM_GET) get(tool, request, all);
  else change(tool, command, type, request);
}

// add, delete, change

function change(tool: Tool, command: string, type: number, request: RouteWords): void {
  const { gateway } = request;
  const what = `${command} ${request.isHost ? 'host' : 'net'} ${request.destination.text}`;
  const through = gateway === undefined ? '' : `: gateway ${gateway.text}`;
  const message = routeMessage(type, request);
  RumpSocket.use(tool.session, NB_AF_ROUTE, NB_SOCK_RAW, 0, socket => {
    // Answers would only fill the socket.
    socket.shutdown(NB_SHUT_RD);
    try {
      socket.write(message);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw new Refusal(`${what}${through}: ${routeError(error)}`);
    }
  });
  tool.out.line(what + through);
}

/** route_strerror() of route(8) */
function routeError(error: CallError): string {
  const words = new Map([
    [ESRCH, 'not in table'],
    [EBUSY, 'entry in use'],
    [EEXIST, 'File exists'],
    [ENOBUFS, 'routing table overflow'],
  ]);
  return words.get(error.errno) ?? error.message;
}

function routeMessage(type: number, request: RouteWords): Uint8Array {
  const { destination, prefix, isHost } = request;
  const addresses: (Uint8Array | undefined)[] = [];
  addresses[NB_RTAX_DST] = keptSockaddrOf(destination);
  addresses[NB_RTAX_GATEWAY] = gatewayOf(request);
  if (!isHost) addresses[NB_RTAX_NETMASK] = trimmed(maskSockaddr(prefix, destination.family));
  return encodeRouteMessage({
    type,
    // Our own pid on the server is not asked for: the kernel puts in what it is.
    seq: 1,
    flags: NB_RTF_UP | NB_RTF_STATIC | request.flags | (isHost ? NB_RTF_HOST : 0) | kindOfGateway(request),
    inits: request.mtu === undefined ? 0 : NB_RTV_MTU,
    metrics: { ...NO_METRICS, mtu: request.mtu ?? 0 },
    addresses: Array.from(addresses),
  });
}

/** Through a gateway, or straight through an interface. */
function kindOfGateway(request: RouteWords): number {
  if (request.interface !== undefined) return NB_RTF_CONNECTED;
  return request.gateway === undefined ? 0 : NB_RTF_GATEWAY;
}

function gatewayOf(request: RouteWords): Uint8Array | undefined {
  if (request.interface !== undefined) return localAddress(request.interface, request.destination.family);
  const { gateway } = request;
  if (gateway === undefined) return undefined;
  if (gateway.family === request.destination.family) return keptSockaddrOf(gateway);
  throw new Refusal(
    `'${gateway.text}' and '${request.destination.text}' are addresses of different families`,
  );
}

/** What stands for an interface as a gateway: an address of its own. */
function localAddress(through: Interface, family: number): Uint8Array {
  const found = through.addresses.find(address => address.family === family);
  if (found === undefined) throw new Refusal(`interface ${through.name} has no address of this family`);
  return found.address;
}

/** A mask ends with its last byte that is not 0: mask_addr() of route(8). */
function trimmed(mask: Uint8Array): Uint8Array {
  let length = mask.length;
  while (length > 0 && mask[length - 1] === 0) length--;
  const bits = mask.subarray(mask[1] === NB_AF_INET ? 4 : 8);
  if (bits.every(byte => byte === 0)) return new Uint8Array(0);
  const cut = mask.slice(0, length);
  cut[0] = length;
  return cut;
}

// get

function get(tool: Tool, request: RouteWords, all: Interfaces): void {
  const { destination } = request;
  const addresses: (Uint8Array | undefined)[] = [];
  addresses[NB_RTAX_DST] = keptSockaddrOf(destination);
  if (!request.isHost) addresses[NB_RTAX_NETMASK] = trimmed(maskSockaddr(request.prefix, destination.family));
  // An empty one asks for the interface.
  const link = new Uint8Array(20);
  link[0] = link.length;
  link[1] = NB_AF_LINK;
  addresses[NB_RTAX_IFP] = link;
  const message = encodeRouteMessage({
    type: NB_RTM_GET,
    seq: 1,
    flags: NB_RTF_UP | (request.isHost ? NB_RTF_HOST : 0),
    addresses: Array.from(addresses),
  });
  const answer = RumpSocket.use(tool.session, NB_AF_ROUTE, NB_SOCK_RAW, 0, socket => {
    try {
      socket.write(message);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw new Refusal(`get ${destination.text}: ${routeError(error)}`);
    }
    return readAnswer(socket);
  });
  for (const line of details(answer, destination.text, all)) tool.out.line(line);
}

/** All that happens to the table comes by the socket, too. */
function readAnswer(socket: RumpSocket): RouteMessage {
  const room = new Uint8Array(ROOM);
  for (;;) {
    const length = socket.read(room);
    for (const message of splitMessages(room.subarray(0, length))) {
      if (message[3] !== NB_RTM_GET) continue;
      const answer = decodeRouteMessage(message);
      if (answer.seq === 1) return answer;
    }
    if (length === 0) throw new Refusal('the kernel has not answered');
  }
}

/** print_getmsg() of route(8) */
function details(message: RouteMessage, asked: string, all: Interfaces): string[] {
  const { addresses, metrics } = message;
  const [destination, mask] = [addresses[NB_RTAX_DST], addresses[NB_RTAX_NETMASK]];
  const [gateway, local] = [addresses[NB_RTAX_GATEWAY], addresses[NB_RTAX_IFA]];
  const lines = [`   route to: ${asked}`];
  if (destination !== undefined) lines.push(`destination: ${routeAddress(destination, all)}`);
  if (mask !== undefined && destination !== undefined)
    lines.push(`       mask: ${maskText(mask, destination[1])}`);
  if (gateway !== undefined && (message.flags & NB_RTF_GATEWAY) !== 0)
    lines.push(`    gateway: ${routeAddress(gateway, all)}`);
  if (local !== undefined) lines.push(` local addr: ${routeAddress(local, all)}`);
  const name = interfaceName(message, all);
  if (name !== '') lines.push(`  interface: ${name}`);
  lines.push(`      flags: ${flagWords(message.flags)}`, '');
  lines.push(' recvpipe  sendpipe  ssthresh  rtt,msec    rttvar  hopcount      mtu     expire');
  const milliseconds = (value: number): number => Math.floor((value + 500) / 1000);
  const numbers = [
    metrics.recvpipe,
    metrics.sendpipe,
    metrics.ssthresh,
    milliseconds(metrics.rtt),
    milliseconds(metrics.rttvar),
    metrics.hopcount,
    metrics.mtu,
    metrics.expire === 0 ? 0 : metrics.expire - Math.floor(Date.now() / 1000),
  ];
  lines.push(numbers.map(value => String(value).padStart(8)).join('  '));
  return lines;
}

function maskText(mask: Uint8Array, family: number): string {
  if (mask.length <= 1) return 'default';
  return family === NB_AF_INET ? formatIpv4(sockaddrIpv4(mask)) : formatIpv6(sockaddrIpv6(mask).ipv6);
}

function interfaceName(message: RouteMessage, all: Interfaces): string {
  const link = message.addresses[NB_RTAX_IFP];
  const name = link === undefined ? '' : decodeSockaddrDl(link).name;
  return name === '' ? (all.find(({ index }) => index === message.index)?.name ?? '') : name;
}
