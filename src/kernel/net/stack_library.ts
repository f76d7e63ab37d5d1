/** librumpnet.so: sockets over lwIP (native/lwip/rumpnet.h). One per process, as lwIP has one set of globals. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import koffi, { type LibraryHandle } from 'koffi';

// struct rn_shared of native/lwip/rumpnet.h; bytes.
const ADDRESS_SIZE = 28;
const AT_LOCAL = ADDRESS_SIZE;
const AT_NUMBERS = 2 * ADDRESS_SIZE;
const NUMBERS = 8;
const AT_DIRTY = AT_NUMBERS + 4 * NUMBERS;
const DIRTY_MAX = 512;
const DIRTY_SIZE = 12;
const AT_STAGING = AT_DIRTY + DIRTY_MAX * DIRTY_SIZE;
/** Bytes that one call takes or gives at most. */
export const STAGING_SIZE = 256 * 1024;

/** RN_PEEK: of receive(). */
export const RN_PEEK = 1;
/** RN_DONTWAIT: of receive(): who does not wait is not told of the end of datagrams. */
export const RN_DONTWAIT = 4;

/** struct rn_address. */
class SharedAddress {
  /** Address family; 0: none. */
  readonly #head: Int32Array;
  readonly bytes: Uint8Array;
  readonly #scope: Int32Array;

  constructor(memory: ArrayBuffer, at: number) {
    this.#head = new Int32Array(memory, at, 2);
    this.bytes = new Uint8Array(memory, at + 8, 16);
    this.#scope = new Int32Array(memory, at + 24, 1);
  }

  get family(): number {
    return this.#head[0];
  }
  set family(value: number) {
    this.#head[0] = value;
  }
  get port(): number {
    return this.#head[1];
  }
  set port(value: number) {
    this.#head[1] = value;
  }
  /** The interface of a link-local address; 0: none. */
  get scope(): number {
    return this.#scope[0];
  }
  set scope(value: number) {
    this.#scope[0] = value;
  }
}

/** The page that both sides look at: what calls take and give besides numbers. */
export class SharedPage {
  readonly address: SharedAddress;
  readonly local: SharedAddress;
  readonly staging: Uint8Array;
  readonly #numbers: Int32Array;
  readonly #dirty: Int32Array;

  constructor(memory: ArrayBuffer) {
    this.address = new SharedAddress(memory, 0);
    this.local = new SharedAddress(memory, AT_LOCAL);
    this.#numbers = new Int32Array(memory, AT_NUMBERS, NUMBERS);
    this.#dirty = new Int32Array(memory, AT_DIRTY, (DIRTY_MAX * DIRTY_SIZE) / 4);
    this.staging = new Uint8Array(memory, AT_STAGING, STAGING_SIZE);
  }

  static readonly size = AT_STAGING + STAGING_SIZE;

  /** The interface that a datagram came by, or has to go by; 0: any. */
  get interface(): number {
    return this.#numbers[0];
  }
  get ttl(): number {
    return this.#numbers[1];
  }
  get tos(): number {
    return this.#numbers[2];
  }
  /** Of a received datagram, whole. */
  get length(): number {
    return this.#numbers[3];
  }
  /** Milliseconds until tick() has to be called; -1: nothing waits for a time. */
  get tick(): number {
    return this.#numbers[4];
  }
  get dirtyCount(): number {
    return this.#numbers[5];
  }
  set dirtyCount(value: number) {
    this.#numbers[5] = value;
  }
  /** more() has further ones. */
  get hasMoreDirty(): boolean {
    return this.#numbers[6] !== 0;
  }
  /** Interfaces with frames to be sent: bit 1 << index. */
  get outgoing(): number {
    return this.#numbers[7];
  }

  dirtyId(n: number): number {
    return this.#dirty[n * 3];
  }
  dirtyRevents(n: number): number {
    return this.#dirty[n * 3 + 1];
  }
  dirtyNews(n: number): boolean {
    return this.#dirty[n * 3 + 2] !== 0;
  }

  /** How the next datagram is to go: interface 0 for any, ttl 0 and tos -1 for the socket's own. */
  outgoingAs(interfaceIndex: number, ttl: number, tos: number): void {
    this.#numbers[0] = interfaceIndex;
    this.#numbers[1] = ttl;
    this.#numbers[2] = tos;
  }
}

function libraryPath(): string | undefined {
  for (const up of ['../../../native/', '../../../../native/']) {
    const path = fileURLToPath(new URL(`${up}librumpnet.so`, import.meta.url));
    if (existsSync(path)) return path;
  }
  return undefined;
}

type InDirectory = (directory: number, name: string) => number;
type Packet = (fd: number, bytes: Uint8Array, length: number) => number;

/** Loads the library and starts the stack; a string says why that is not possible. */
export function loadStackLibrary() {
  const path = libraryPath();
  if (path === undefined) {
    return 'there is no TCP/IP in the embedded kernel: install liblwip-dev and run "npm run build"';
  }
  let library: LibraryHandle;
  try {
    library = koffi.load(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `there is no TCP/IP in the embedded kernel: install liblwip0 (${why})`;
  }
  const ints = (name: string, ...names: string[]) =>
    library.func(`int ${name}(${names.map(n => `int ${n}`).join(', ')})`) as (...args: number[]) => number;
  const status = ints('rn_init')();
  if (status < 0) return `there is no TCP/IP in the embedded kernel: errno ${-status} when it started`;
  return {
    library,
    shared: new SharedPage(koffi.view(library.symbol('rn_shared', 'void *'), SharedPage.size)),
    socket: ints('rn_socket', 'domain', 'type', 'protocol'),
    close: ints('rn_close', 'id'),
    bind: ints('rn_bind', 'id'),
    connect: ints('rn_connect', 'id'),
    listen: ints('rn_listen', 'id', 'backlog'),
    accept: ints('rn_accept', 'id'),
    name: ints('rn_name', 'id', 'peer'),
    shutdown: ints('rn_shutdown', 'id', 'how'),
    autobind: ints('rn_autobind', 'id'),
    send: ints('rn_send', 'id', 'length'),
    receive: ints('rn_receive', 'id', 'length', 'offset', 'flags'),
    unread: ints('rn_unread', 'id', 'offset', 'length'),
    revents: ints('rn_revents', 'id'),
    set: ints('rn_set', 'id', 'option', 'value'),
    get: ints('rn_get', 'id', 'what'),
    join: ints('rn_join', 'id', 'index', 'leave'),
    tick: ints('rn_tick'),
    more: ints('rn_more'),
    /** A new Ethernet interface, down: its index, -EINVAL, -ENOSPC. `mac`: 6 bytes. */
    addInterface: library.func('int rn_netif_add(const uint8_t *mac, int mtu)') as (
      mac: Uint8Array,
      mtu: number,
    ) => number,
    removeInterface: ints('rn_netif_remove', 'index'),
    /** Leaves a struct rn_netif_info in the staging area; -ENODEV. */
    getInterface: ints('rn_netif_get', 'index'),
    setInterface: ints('rn_netif_set', 'index', 'what', 'value'),
    changeAddress: ints('rn_netif_address', 'index', 'prefix', 'remove'),
    changeGateway: ints('rn_netif_gateway', 'index', 'remove'),
    /** Sends the frame in the staging area. */
    transmit: ints('rn_netif_transmit', 'index', 'length'),
    /** Puts an answer to this interface's DHCP client into the staging area: its length. */
    takeDhcp: ints('rn_netif_dhcp', 'index'),
    addLink: ints('rn_link_add', 'index', 'fd'),
    removeLink: ints('rn_link_remove', 'index', 'fd'),
    /** Frames read, or -errno when the descriptor is of no use any more. */
    readLink: ints('rn_link_input', 'index', 'fd'),
    /** Sends what there is: how many descriptors have no room. */
    sendFrames: ints('rn_link_output', 'index'),
    /** 1 when frames still wait for room. */
    flushLink: ints('rn_link_flush', 'index', 'fd'),
    tapOpen: library.func('int rn_tap_open(const char *name)') as (name: string) => number,
    busLock: library.func('int rn_bus_lock(const char *path)') as (path: string) => number,
    busListen: library.func('int rn_bus_listen(int directory, const char *name)') as InDirectory,
    busConnect: library.func('int rn_bus_connect(int directory, const char *name)') as InDirectory,
    busAccept: ints('rn_bus_accept', 'fd'),
    busSend: library.func('int rn_bus_send(int fd, const void *bytes, int length)') as Packet,
    busReceive: library.func('int rn_bus_receive(int fd, void *bytes, int room)') as Packet,
  };
}

export type StackLibrary = Exclude<ReturnType<typeof loadStackLibrary>, string>;
