/** What the AF_UNIX sockets of all types have in common (net/unix/af_unix.c): names, peers, ends, options. */
import { ECONNRESET, EINVAL, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP } from '../../abi/linux/errno.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from '../../abi/linux/poll.js';
import {
  AF_UNIX,
  SO_ACCEPTCONN,
  SO_COOKIE,
  SO_ERROR,
  SO_PASSCRED,
  SO_PEERCRED,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../abi/linux/socket.js';
import { familyOf, SUN_PATH_OFFSET, UCRED_SIZE } from '../../abi/linux/un.js';
import type { Credentials } from '../rump_kernel.js';
import type { AddressOut } from '../socket_calls.js';
import { NO_CREDS, putCreds } from './local_control.js';
import { FileCarrier, InFlight } from './local_in_flight.js';
import { checkAddress, type LocalName, NameTable } from './local_names.js';
import {
  BlockPool,
  type FileList,
  type Message,
  MessageQueue,
  type Sender,
  type Ucred,
} from './local_queue.js';
import type { SocketCaller } from './open_socket.js';
import { putInts } from './option_bytes.js';
import { SocketOptions } from './socket_options.js';
import type { SocketState } from './sockets.js';

/** What the AF_UNIX sockets of one kernel share. */
export class LocalState {
  readonly names = new NameTable<LocalSocket>();
  readonly pool = new BlockPool();
  readonly inFlight = new InFlight();
}

/** RCV_SHUTDOWN and SEND_SHUTDOWN of net/sock.h. */
export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;
const SHUTDOWN_MASK = RCV_SHUTDOWN | SEND_SHUTDOWN;

export type ConnectionState = 'closed' | 'listening' | 'connected';

/** net.unix.max_dgram_qlen. */
const DATAGRAMS_WAITING = 10;

export function ucredOf(caller: SocketCaller): Ucred {
  return { pid: caller.pid, uid: caller.cred.uid, gid: caller.cred.gid };
}

export abstract class LocalSocket extends FileCarrier implements Sender {
  readonly local: LocalState;
  readonly options = new SocketOptions();
  readonly queue = new MessageQueue();
  /** Connections that wait to be accepted. */
  readonly embryos: LocalSocket[] = [];
  /** More than this many in the queue are too many. */
  backlog = DATAGRAMS_WAITING;
  state: ConnectionState = 'closed';
  /** Stays what it is when the other side is closed. */
  peer: LocalSocket | undefined;
  name: LocalName | undefined;
  /** RCV_SHUTDOWN and SEND_SHUTDOWN. */
  shut = 0;
  isDead = false;
  /** A positive errno that the next call or SO_ERROR takes. */
  error = 0;
  peerCreds: Ucred = NO_CREDS;
  /** What messages that are not read yet take of SO_SNDBUF. */
  charged = 0;
  /** Sockets that wait for room in this one's queue. */
  readonly #waiting = new Set<LocalSocket>();

  constructor(net: SocketState, local: LocalState, type: number, sockType: number, cred: Credentials) {
    super(net, AF_UNIX, type, sockType, 0, cred);
    this.local = local;
  }

  get isConnectionBased(): boolean {
    return this.sockType !== SOCK_DGRAM;
  }

  // Names.

  get address(): Uint8Array | undefined {
    return this.name?.bytes;
  }

  override bind(address: Uint8Array, caller: SocketCaller): number {
    if (address.length === SUN_PATH_OFFSET && familyOf(address) === AF_UNIX) return this.autobind();
    const refused = checkAddress(address);
    if (refused !== 0) return refused;
    const permissions = this.inode.mode & 0o777;
    const name = this.local.names.bind(this, address, permissions, this.name !== undefined, caller);
    if (typeof name === 'number') return name;
    this.name = name;
    return 0;
  }

  /** A name in the abstract name space, unless there is one already. */
  autobind(): number {
    if (this.name !== undefined) return 0;
    const name = this.local.names.autobind(this);
    if (typeof name === 'number') return name;
    this.name = name;
    return 0;
  }

  /** Who wants credentials has a name (unix(7), SO_PASSCRED). */
  protected bindForCreds(): number {
    return this.options.has(SO_PASSCRED) ? this.autobind() : 0;
  }

  override getsockname(out: AddressOut): number {
    putAddress(out, this.address);
    return 0;
  }

  override getpeername(out: AddressOut): number {
    if (this.peer === undefined) return -ENOTCONN;
    putAddress(out, this.peer.address);
    return 0;
  }

  // Room.

  /** unix_writable(): a quarter of the send buffer is enough to be called full. */
  get isWritable(): boolean {
    return this.state !== 'listening' && (this.charged + 1) * 4 <= this.options.sendBuffer;
  }

  refund(charge: number): void {
    this.charged -= charge;
    if (!this.isDead && this.isWritable) this.changed();
  }

  get isFull(): boolean {
    return (this.state === 'listening' ? this.embryos.length : this.queue.count) > this.backlog;
  }

  /** `other` tries again when there is room here, or this one is closed. */
  awaitRoom(other: LocalSocket): void {
    this.#waiting.add(other);
  }

  tellWaiting(): void {
    if (this.#waiting.size === 0) return;
    for (const other of this.#waiting) other.changed();
    this.#waiting.clear();
  }

  // Messages.

  /** A message goes to `other`. Its files are held already. */
  protected deliver(message: Message, other: LocalSocket): void {
    const wasWritable = this.isWritable;
    this.charged += message.charge;
    if (wasWritable && !this.isWritable) this.changed();
    other.queue.push(message);
    other.changed(true);
  }

  /** The message is read or dropped, its files apart. */
  discard(message: Message): void {
    this.local.pool.release(message.block);
    message.sender.refund(message.charge);
  }

  /** Drops all that was received. */
  protected purge(): void {
    const lists = this.takeCarried();
    for (let message = this.queue.shift(); message !== undefined; message = this.queue.shift()) {
      this.discard(message);
    }
    for (const list of lists) {
      this.local.inFlight.remove(list);
      this.local.inFlight.drop(list.files);
    }
  }

  override carried(visit: (list: FileList) => void): void {
    for (let at = this.queue.head; at !== undefined; at = at.next) {
      if (at.files !== undefined) visit(at.files);
    }
    for (const embryo of this.embryos) embryo.carried(visit);
  }

  override takeCarried(): FileList[] {
    const lists: FileList[] = [];
    for (let at = this.queue.head; at !== undefined; at = at.next) {
      if (at.files !== undefined) lists.push(at.files);
      at.files = undefined;
    }
    for (const embryo of this.embryos) lists.push(...embryo.takeCarried());
    return lists;
  }

  /** sock_error(): a negative errno, once. */
  takeError(): number {
    const { error } = this;
    if (error === 0) return 0;
    this.error = 0;
    this.changed();
    return -error;
  }

  /** SIOCINQ: all of a connection, a datagram's length. */
  override readable(): number {
    if (this.state === 'listening') return -EINVAL;
    return this.isConnectionBased ? this.queue.bytes : (this.queue.head?.length ?? 0);
  }

  override unsent(): number {
    return this.charged;
  }

  // Ends.

  override shutdown(how: number): number {
    const mode = how + 1;
    this.shut |= mode;
    this.changed();
    const { peer } = this;
    if (peer !== undefined && this.isConnectionBased) {
      if ((mode & RCV_SHUTDOWN) !== 0) peer.shut |= SEND_SHUTDOWN;
      if ((mode & SEND_SHUTDOWN) !== 0) peer.shut |= RCV_SHUTDOWN;
      peer.changed();
    }
    this.tellWaiting();
    return 0;
  }

  protected override destroy(): void {
    this.#end(false);
  }

  /** A connection that nobody will accept. */
  #refuse(): void {
    this.acquire();
    this.#end(true);
    this.release();
  }

  /** unix_release_sock(). */
  #end(isEmbryo: boolean): void {
    if (this.isDead) return;
    const { peer, name } = this;
    if (name !== undefined) this.local.names.remove(this, name);
    this.isDead = true;
    this.shut = SHUTDOWN_MASK;
    this.state = 'closed';
    this.peer = undefined;
    this.tellWaiting();
    if (peer !== undefined && this.isConnectionBased) {
      peer.shut = SHUTDOWN_MASK;
      if (this.queue.count > 0 || isEmbryo) peer.error = ECONNRESET;
      peer.changed(true);
    }
    for (let embryo = this.embryos.shift(); embryo !== undefined; embryo = this.embryos.shift()) {
      embryo.#refuse();
    }
    this.purge();
    name?.release();
    this.local.inFlight.collect();
  }

  // Readiness.

  /** unix_poll(), and unix_dgram_poll() but for whether a datagram could be sent. */
  override revents(): number {
    let mask = 0;
    if (this.error !== 0) mask |= POLLERR;
    if (this.shut === SHUTDOWN_MASK) mask |= POLLHUP;
    if ((this.shut & RCV_SHUTDOWN) !== 0) mask |= POLLRDHUP | POLLIN;
    if (this.queue.count > 0 || this.embryos.length > 0) mask |= POLLIN;
    if (this.isConnectionBased && this.state === 'closed') mask |= POLLHUP;
    if (this.isWritable && this.hasRoomToSend()) mask |= POLLOUT;
    return mask;
  }

  /** The peer's queue has room. */
  protected hasRoomToSend(): boolean {
    return true;
  }

  // Options.

  protected override getOption(level: number, name: number, out: Uint8Array): number {
    if (level !== SOL_SOCKET) return -EOPNOTSUPP;
    switch (name) {
      case SO_ERROR:
        return putInts(out, -this.takeError());
      case SO_ACCEPTCONN:
        return putInts(out, Number(this.state === 'listening'));
      case SO_PEERCRED: {
        const creds = new Uint8Array(UCRED_SIZE);
        putCreds(this.peerCreds, creds);
        const length = Math.min(UCRED_SIZE, out.length);
        out.set(creds.subarray(0, length));
        return length;
      }
      case SO_COOKIE: {
        if (out.length < 8) return -EINVAL;
        new DataView(out.buffer, out.byteOffset).setBigUint64(0, BigInt(this.inode.ino), true);
        return 8;
      }
      default:
        return this.options.get(name, out);
    }
  }

  protected override setOption(level: number, name: number, value: Uint8Array, caller: SocketCaller): number {
    if (level !== SOL_SOCKET) return -EOPNOTSUPP;
    if (name === SO_PEERCRED) return -ENOPROTOOPT;
    const status = this.options.set(name, value, caller.cred);
    if (status === 0) this.changed();
    return status;
  }
}

/** A sockaddr_un; of a socket without a name only its family. */
function putAddress(out: AddressOut, address: Uint8Array | undefined): void {
  if (address !== undefined) {
    out.bytes.set(address);
    out.length = address.length;
    return;
  }
  out.bytes[0] = AF_UNIX;
  out.bytes[1] = 0;
  out.length = SUN_PATH_OFFSET;
}
