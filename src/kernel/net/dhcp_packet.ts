/** Messages of DHCP (RFC 2131, options of RFC 2132) within Ethernet frames. */

export const DHCPDISCOVER = 1;
export const DHCPOFFER = 2;
export const DHCPREQUEST = 3;
export const DHCPACK = 5;
export const DHCPNAK = 6;

const OPTION_PAD = 0;
const OPTION_MASK = 1;
const OPTION_ROUTER = 3;
const OPTION_ADDRESS = 50;
const OPTION_LEASE = 51;
const OPTION_TYPE = 53;
const OPTION_SERVER = 54;
const OPTION_WANTED = 55;
const OPTION_T1 = 58;
const OPTION_T2 = 59;
const OPTION_END = 255;

// Bytes.
const ETHERNET = 14;
const IP = 20;
const UDP = 8;
const BOOTP = 236;
const COOKIE = Uint8Array.of(99, 130, 83, 99);
/** RFC 951: what BOOTP relays let pass at least. */
const SMALLEST = 300;
const AT_XID = 4;
const AT_FLAGS = 10;
const AT_CIADDR = 12;
const AT_YIADDR = 16;
const AT_CHADDR = 28;

const ETHERTYPE_IP = 0x0800;
const PROTOCOL_UDP = 17;
const CLIENT_PORT = 68;
const SERVER_PORT = 67;
const BROADCAST_FLAG = 0x80;
const TTL = 64;

export interface DhcpQuestion {
  readonly type: number;
  readonly xid: number;
  /** 6 bytes. */
  readonly mac: Uint8Array;
  /** The address that the client has, or undefined. */
  readonly own?: Uint8Array | undefined;
  /** What it takes of an offer. */
  readonly address?: Uint8Array | undefined;
  readonly server?: Uint8Array | undefined;
}

export interface DhcpAnswer {
  readonly type: number;
  readonly address: Uint8Array;
  readonly server: Uint8Array | undefined;
  readonly mask: Uint8Array | undefined;
  readonly router: Uint8Array | undefined;
  /** Seconds; Infinity for ever. */
  readonly lease: number;
  readonly renewal: number | undefined;
  readonly rebinding: number | undefined;
}

/** The sum of RFC 1071. */
function checksum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function option(type: number, value: Uint8Array): number[] {
  return [type, value.length, ...value];
}

function bootp(question: DhcpQuestion): Buffer {
  const { type, xid, mac, own, address, server } = question;
  const head = Buffer.alloc(BOOTP);
  // BOOTREQUEST, Ethernet, 6 bytes of address.
  head.set([1, 1, mac.length]);
  head.writeUInt32BE(xid >>> 0, AT_XID);
  // Without an address there is nothing that an answer could be sent to but all.
  if (own === undefined) head[AT_FLAGS] = BROADCAST_FLAG;
  else head.set(own, AT_CIADDR);
  head.set(mac, AT_CHADDR);
  const options = Buffer.from([
    ...COOKIE,
    ...option(OPTION_TYPE, Uint8Array.of(type)),
    ...(address === undefined ? [] : option(OPTION_ADDRESS, address)),
    ...(server === undefined ? [] : option(OPTION_SERVER, server)),
    ...option(OPTION_WANTED, Uint8Array.of(OPTION_MASK, OPTION_ROUTER, OPTION_LEASE, OPTION_T1, OPTION_T2)),
    OPTION_END,
  ]);
  const padding = Buffer.alloc(Math.max(0, SMALLEST - head.length - options.length));
  return Buffer.concat([head, options, padding]);
}

/** A frame to all on the link. */
export function dhcpFrame(question: DhcpQuestion): Uint8Array {
  const message = bootp(question);
  const source = question.own ?? new Uint8Array(4);
  const udp = Buffer.alloc(UDP);
  udp.writeUInt16BE(CLIENT_PORT, 0);
  udp.writeUInt16BE(SERVER_PORT, 2);
  udp.writeUInt16BE(UDP + message.length, 4);
  const addresses = Buffer.from([...source, 255, 255, 255, 255]);
  const pseudo = Buffer.from([...addresses, 0, PROTOCOL_UDP, ...udp.subarray(4, 6)]);
  udp.writeUInt16BE(checksum(Buffer.concat([pseudo, udp, message])) || 0xffff, 6);
  const ip = Buffer.alloc(IP);
  ip[0] = 0x45;
  ip.writeUInt16BE(IP + UDP + message.length, 2);
  ip.set([TTL, PROTOCOL_UDP], 8);
  ip.set(addresses, 12);
  ip.writeUInt16BE(checksum(ip), 10);
  const ethernet = Buffer.alloc(ETHERNET, 0xff);
  ethernet.set(question.mac, 6);
  ethernet.writeUInt16BE(ETHERTYPE_IP, 12);
  return Buffer.concat([ethernet, ip, udp, message]);
}

function optionsOf(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length && bytes[at] !== OPTION_END; ) {
    if (bytes[at] === OPTION_PAD) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (at + 2 + length > bytes.length) break;
    found.set(bytes[at], bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

function addressIn(options: Map<number, Buffer>, type: number): Uint8Array | undefined {
  const value = options.get(type);
  return value === undefined || value.length < 4 ? undefined : Uint8Array.from(value.subarray(0, 4));
}

function secondsIn(options: Map<number, Buffer>, type: number): number | undefined {
  const value = options.get(type);
  if (value === undefined || value.length !== 4) return undefined;
  const seconds = value.readUInt32BE(0);
  return seconds === 0xffffffff ? Infinity : seconds;
}

/** An answer, from its IP header on; undefined for what is none. The stack has looked at the headers. */
export function parseDhcp(packet: Uint8Array): DhcpAnswer | undefined {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.length);
  const message = bytes.subarray((bytes[0] & 15) * 4 + UDP);
  if (message.length < BOOTP + COOKIE.length) return undefined;
  if (!message.subarray(BOOTP, BOOTP + COOKIE.length).equals(COOKIE)) return undefined;
  const options = optionsOf(message.subarray(BOOTP + COOKIE.length));
  const type = options.get(OPTION_TYPE)?.[0];
  if (type === undefined) return undefined;
  return {
    type,
    address: Uint8Array.from(message.subarray(AT_YIADDR, AT_YIADDR + 4)),
    server: addressIn(options, OPTION_SERVER),
    mask: addressIn(options, OPTION_MASK),
    router: addressIn(options, OPTION_ROUTER),
    lease: secondsIn(options, OPTION_LEASE) ?? Infinity,
    renewal: secondsIn(options, OPTION_T1),
    rebinding: secondsIn(options, OPTION_T2),
  };
}
