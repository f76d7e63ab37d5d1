/** Echo requests and what comes back: ICMP (RFC 792) and ICMPv6 (RFC 4443). */

/** Of a header: type, code, checksum, identifier, sequence number. */
export const ICMP_HEADER_SIZE = 8;
const ECHO_REPLY = 0;
const ECHO = 8;
const UNREACHABLE = 3;
const TIME_EXCEEDED = 11;
const ECHO6 = 128;
const ECHO_REPLY6 = 129;
const UNREACHABLE6 = 1;
const TOO_BIG6 = 2;
const TIME_EXCEEDED6 = 3;
const PROTO_ICMP = 1;
const PROTO_ICMPV6 = 58;
const IPV6_HEADER_SIZE = 40;

/** What was said of one of our requests. */
export interface EchoAnswer {
  readonly kind: 'reply' | 'error';
  /** Identifier and sequence number of the request. */
  readonly id: number;
  readonly seq: number;
  /** Of the ICMP message. */
  readonly bytes: number;
  /** Time to live that was left; undefined where the header is not seen. */
  readonly ttl: number | undefined;
  /** The data of a reply; words for an error. */
  readonly data: Uint8Array;
  readonly error: string;
}

/** An echo request; the kernel itself fills in the checksum of ICMPv6. */
export function encodeEcho(isIpv6: boolean, id: number, seq: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ICMP_HEADER_SIZE + data.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = isIpv6 ? ECHO6 : ECHO;
  view.setUint16(4, id);
  view.setUint16(6, seq);
  bytes.set(data, ICMP_HEADER_SIZE);
  if (!isIpv6) view.setUint16(2, checksum(bytes));
  return bytes;
}

/** The Internet checksum (RFC 1071) over whole 16-bit words, a missing byte being 0. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += i % 2 === 0 ? bytes[i] << 8 : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** What a raw ICMP socket received, its IP header included; undefined for what is neither a reply nor an error of an echo request. */
export function decodeIcmp4(packet: Uint8Array): EchoAnswer | undefined {
  const size = (packet[0] & 0xf) * 4;
  if (size < 20 || packet.length < size + ICMP_HEADER_SIZE) return undefined;
  const icmp = packet.subarray(size);
  const common = { bytes: icmp.length, ttl: packet[8] };
  if (icmp[0] === ECHO_REPLY) return reply(icmp, common);
  if (icmp[0] !== UNREACHABLE && icmp[0] !== TIME_EXCEEDED) return undefined;
  const inner = icmp.subarray(ICMP_HEADER_SIZE);
  const innerSize = (inner[0] & 0xf) * 4;
  if (inner[9] !== PROTO_ICMP || inner.length < innerSize + ICMP_HEADER_SIZE || inner[innerSize] !== ECHO)
    return undefined;
  const text = icmp[0] === UNREACHABLE ? unreachable(icmp) : exceeded(icmp[1]);
  return failure(inner.subarray(innerSize), text, common);
}

/** As decodeIcmp4(), of a raw ICMPv6 socket, which gives no header. */
export function decodeIcmp6(icmp: Uint8Array, hopLimit: number | undefined): EchoAnswer | undefined {
  if (icmp.length < ICMP_HEADER_SIZE) return undefined;
  const common = { bytes: icmp.length, ttl: hopLimit };
  if (icmp[0] === ECHO_REPLY6) return reply(icmp, common);
  const text = error6(icmp);
  const inner = icmp.subarray(ICMP_HEADER_SIZE + IPV6_HEADER_SIZE);
  const next = icmp[ICMP_HEADER_SIZE + 6];
  if (text === undefined || next !== PROTO_ICMPV6 || inner.length < ICMP_HEADER_SIZE || inner[0] !== ECHO6)
    return undefined;
  return failure(inner, text, common);
}

type Common = Pick<EchoAnswer, 'bytes' | 'ttl'>;
const NOTHING = new Uint8Array(0);

function reply(icmp: Uint8Array, common: Common): EchoAnswer {
  return { ...common, ...ids(icmp), kind: 'reply', data: icmp.subarray(ICMP_HEADER_SIZE), error: '' };
}

function failure(request: Uint8Array, error: string, common: Common): EchoAnswer {
  return { ...common, ...ids(request), kind: 'error', data: NOTHING, error };
}

function ids(icmp: Uint8Array): Pick<EchoAnswer, 'id' | 'seq'> {
  return { id: (icmp[4] << 8) | icmp[5], seq: (icmp[6] << 8) | icmp[7] };
}

/** pr_icmph() of ping(8), by code from 0 on. */
const UNREACHABLE_TEXTS = [
  'Destination Net Unreachable',
  'Destination Host Unreachable',
  'Destination Protocol Unreachable',
  'Destination Port Unreachable',
  '',
  'Source Route Failed',
  'Unreachable unknown net',
  'Unreachable unknown host',
  'Unreachable host isolated',
  'Net prohibited access',
  'Host prohibited access',
  'Bad TOS for net',
  'Bad TOS for host',
  'Communication prohibited',
  'Host precedence violation',
  'Precedence cutoff',
];
const NEED_FRAGMENT = 4;

function unreachable(icmp: Uint8Array): string {
  const code = icmp[1];
  if (code === NEED_FRAGMENT) return `frag needed and DF set.  Next MTU=${(icmp[6] << 8) | icmp[7]}`;
  return UNREACHABLE_TEXTS[code] ?? `Bad Destination Unreachable Code: ${code}`;
}

function exceeded(code: number): string {
  if (code === 0) return 'Time To Live exceeded';
  return code === 1 ? 'Frag reassembly time exceeded' : `Time exceeded, Bad Code: ${code}`;
}

/** pr_icmph() of ping6(8) */
const UNREACHABLE6_TEXTS = [
  'No Route to Destination',
  'Destination Administratively Unreachable',
  'Destination Unreachable Beyond Scope',
  'Destination Host Unreachable',
  'Destination Port Unreachable',
];

function error6(icmp: Uint8Array): string | undefined {
  const code = icmp[1];
  if (icmp[0] === UNREACHABLE6)
    return UNREACHABLE6_TEXTS[code] ?? `Destination Unreachable, Bad Code: ${code}`;
  if (icmp[0] === TOO_BIG6)
    return `Packet too big mtu = ${new DataView(icmp.buffer, icmp.byteOffset).getUint32(4)}`;
  if (icmp[0] !== TIME_EXCEEDED6) return undefined;
  return code === 0
    ? 'Time to live exceeded'
    : code === 1
      ? 'Frag reassembly time exceeded'
      : 'Time exceeded';
}
