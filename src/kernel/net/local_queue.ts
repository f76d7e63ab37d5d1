/** What AF_UNIX sockets have received and not yet read: messages in memory that many share. */
import type { OpenFile } from '../open_files.js';

// How much of SO_SNDBUF a message takes, as the host's allocator rounds it up (linux/skbuff.h, x86-64).
/** SKB_DATA_ALIGN(sizeof(struct sk_buff)), SKB_DATA_ALIGN(sizeof(struct skb_shared_info)). */
const SKB_SIZE = 256;
const SHARED_INFO_SIZE = 320;
const CACHE_LINE = 64;
const PAGE = 4096;
/** SKB_MAX_HEAD(0); SKB_MAX_ALLOC; MAX_SKB_FRAGS pages. */
const MAX_HEAD = PAGE - SHARED_INFO_SIZE;
const MAX_ALLOC = 4 * PAGE - SHARED_INFO_SIZE;
const MAX_PAGED = 17 * PAGE;
/** UNIX_SKB_FRAGS_SZ of net/unix/af_unix.c. */
const STREAM_PAGED = 32768;

function alignTo(length: number, unit: number): number {
  return Math.ceil(length / unit) * unit;
}

/** kmalloc(9) has powers of two at these sizes. */
function headSize(length: number): number {
  const needed = alignTo(length, CACHE_LINE) + SHARED_INFO_SIZE;
  let size = 512;
  while (size < needed) size *= 2;
  return size;
}

/** How much of what is left to send one message of a stream takes. */
export function streamPart(left: number, sendBuffer: number): number {
  return Math.min(left, (sendBuffer >> 1) - 64, MAX_HEAD + STREAM_PAGED);
}

/** The bytes of SO_SNDBUF that a part of a stream takes. */
export function streamCharge(length: number): number {
  const paged = Math.min(length, alignTo(Math.max(0, length - MAX_HEAD), PAGE));
  return SKB_SIZE + headSize(length - paged) + alignTo(paged, PAGE);
}

/** The bytes of SO_SNDBUF that a datagram takes. */
export function datagramCharge(length: number): number {
  const paged = alignTo(Math.min(Math.max(0, length - MAX_ALLOC), MAX_PAGED), PAGE);
  return SKB_SIZE + headSize(length - paged) + paged;
}

/** Memory that messages lie in, one after the other. */
export class Block {
  readonly bytes: Uint8Array;
  used = 0;
  /** Messages that are not read yet. */
  live = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }
}

/** More than one write fills at the default SO_SNDBUF. */
const BLOCK_SIZE = 256 * 1024;
/** Free blocks that are kept. */
const SPARE_BLOCKS = 16;

/** Where the messages of one kernel's sockets lie: a block is used again when all in it is read. */
export class BlockPool {
  #current = new Block(0);
  readonly #spare: Block[] = [];

  /** A block with room for `length` bytes at `used`, which the caller moves on. */
  take(length: number): Block {
    const { bytes, used } = this.#current;
    if (bytes.length - used >= length) return this.#current;
    if (length > BLOCK_SIZE) return new Block(length);
    this.#current = this.#spare.pop() ?? new Block(BLOCK_SIZE);
    return this.#current;
  }

  /** One message less in it. */
  release(block: Block): void {
    block.live--;
    if (block.live > 0) return;
    block.used = 0;
    if (block === this.#current || block.bytes.length !== BLOCK_SIZE) return;
    if (this.#spare.length < SPARE_BLOCKS) this.#spare.push(block);
  }
}

/** struct ucred. */
export interface Ucred {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Files that travel with a message; `uid`: who sent them. Each is held once. */
export interface FileList {
  readonly files: readonly OpenFile[];
  readonly uid: number;
}

/** Who sent a message, and pays for it until it is read. */
export interface Sender {
  /** Its address when it is asked for, unless it has none. */
  readonly address: Uint8Array | undefined;
  /** A message was read or dropped: its share of the send buffer is free again. */
  refund(charge: number): void;
}

/** One message, or one part of a stream (struct sk_buff). */
export class Message {
  readonly block: Block;
  start: number;
  readonly end: number;
  readonly charge: number;
  readonly sender: Sender;
  creds: Ucred | undefined;
  files: FileList | undefined;
  /** When it was sent, in milliseconds since 1970, if the receiver wanted to know. */
  stamp: number | undefined;
  next: Message | undefined;

  /** The `length` bytes at the block's `used`. */
  constructor(block: Block, length: number, charge: number, sender: Sender) {
    this.block = block;
    this.start = block.used;
    this.end = block.used + length;
    block.used = this.end;
    block.live++;
    this.charge = charge;
    this.sender = sender;
  }

  get length(): number {
    return this.end - this.start;
  }
}

export class MessageQueue {
  head: Message | undefined;
  #tail: Message | undefined;
  /** Messages in it. */
  count = 0;

  push(message: Message): void {
    if (this.#tail === undefined) this.head = message;
    else this.#tail.next = message;
    this.#tail = message;
    this.count++;
  }

  shift(): Message | undefined {
    const first = this.head;
    if (first === undefined) return undefined;
    this.head = first.next;
    if (this.head === undefined) this.#tail = undefined;
    first.next = undefined;
    this.count--;
    return first;
  }

  /** Unread bytes. */
  get bytes(): number {
    let sum = 0;
    for (let at = this.head; at !== undefined; at = at.next) sum += at.length;
    return sum;
  }
}
