/** Messages of AF_NETLINK sockets (netlink(7), linux/netlink.h). */

// linux/netlink.h: protocols
export const NETLINK_ROUTE = 0;
// linux/netlink.h: types that are the same for all protocols
export const NLMSG_ERROR = 0x2;
export const NLMSG_DONE = 0x3;
/** Lower types are control messages. */
export const NLMSG_MIN_TYPE = 0x10;
// linux/netlink.h: nlmsg_flags
export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_CAPPED = 0x100;
// linux/netlink.h: options of SOL_NETLINK
export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_DROP_MEMBERSHIP = 2;
export const NETLINK_PKTINFO = 3;
export const NETLINK_BROADCAST_ERROR = 4;
export const NETLINK_NO_ENOBUFS = 5;
export const NETLINK_LISTEN_ALL_NSID = 8;
export const NETLINK_LIST_MEMBERSHIPS = 9;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GET_STRICT_CHK = 12;
/** sizeof(struct nlmsghdr). */
export const NLMSG_HDRLEN = 16;
/** The bits of nla_type that are the type. */
export const NLA_TYPE_MASK = 0x3fff;

/** sizeof(struct sockaddr_nl). */
export const SOCKADDR_NL_SIZE = 12;
/** sizeof(struct nlattr). */
const ATTRIBUTE_HEADER = 4;

/** NLMSG_ALIGN and NLA_ALIGN. */
export function netlinkAlign(length: number): number {
  return (length + 3) & ~3;
}

/** struct sockaddr_nl's fields. */
export interface NetlinkAddress {
  readonly port: number;
  readonly groups: number;
}

/** struct nlmsghdr, and the message behind it. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  /** Header and all, nlmsg_len bytes. */
  readonly bytes: Buffer;
  /** What is behind the header. */
  readonly payload: Buffer;
}

/** The messages of one datagram, up to the first that is cut short. */
export function* netlinkMessages(datagram: Uint8Array): Generator<NetlinkMessage> {
  const all = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length);
  for (let at = 0; all.length - at >= NLMSG_HDRLEN; ) {
    const length = all.readUInt32LE(at);
    if (length < NLMSG_HDRLEN || length > all.length - at) return;
    const bytes = all.subarray(at, at + length);
    yield {
      type: bytes.readUInt16LE(4),
      flags: bytes.readUInt16LE(6),
      seq: bytes.readUInt32LE(8),
      bytes,
      payload: bytes.subarray(NLMSG_HDRLEN),
    };
    at += netlinkAlign(length);
  }
}

/** The attributes behind the first `offset` bytes of a payload, by type; the last of several of a type. */
export function attributesOf(payload: Buffer, offset: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = netlinkAlign(offset); payload.length - at >= ATTRIBUTE_HEADER; ) {
    const length = payload.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER || length > payload.length - at) break;
    found.set(
      payload.readUInt16LE(at + 2) & NLA_TYPE_MASK,
      payload.subarray(at + ATTRIBUTE_HEADER, at + length),
    );
    at += netlinkAlign(length);
  }
  return found;
}

/** Puts one message together. */
export class NetlinkWriter {
  #bytes = Buffer.alloc(1024);
  #length = NLMSG_HDRLEN;

  /** The next `length` bytes, zeros. */
  #next(length: number): Buffer {
    const start = this.#length;
    const end = start + netlinkAlign(length);
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(end)]);
    this.#length = end;
    return this.#bytes.subarray(start, start + length);
  }

  /** A struct's room, to be filled in at once. */
  struct(length: number): Buffer {
    return this.#next(length);
  }

  attribute(type: number, data: Uint8Array): this {
    const bytes = this.#next(ATTRIBUTE_HEADER + data.length);
    bytes.writeUInt16LE(bytes.length, 0);
    bytes.writeUInt16LE(type, 2);
    bytes.set(data, ATTRIBUTE_HEADER);
    return this;
  }

  u8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  u32(type: number, value: number): this {
    const data = Buffer.alloc(4);
    data.writeUInt32LE(value >>> 0);
    return this.attribute(type, data);
  }

  /** With its NUL. */
  text(type: number, value: string): this {
    return this.attribute(type, Buffer.from(`${value}\0`, 'latin1'));
  }

  /** The message, with its header. */
  finish(type: number, flags: number, seq: number, port: number): Buffer {
    const bytes = Buffer.from(this.#bytes.subarray(0, this.#length));
    bytes.writeUInt32LE(bytes.length, 0);
    bytes.writeUInt16LE(type, 4);
    bytes.writeUInt16LE(flags, 6);
    bytes.writeUInt32LE(seq >>> 0, 8);
    bytes.writeUInt32LE(port >>> 0, 12);
    return bytes;
  }
}
