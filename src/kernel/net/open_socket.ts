/** Open sockets: what all families have in common, and how their calls wait. */
import {
  EAGAIN,
  EDOM,
  EINVAL,
  ENOPROTOOPT,
  ENOTCONN,
  ENOTDIR,
  EOPNOTSUPP,
  ESPIPE,
} from '../../abi/linux/errno.js';
import { O_NONBLOCK, O_RDWR } from '../../abi/linux/fcntl.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/linux/poll.js';
import {
  MSG_DONTWAIT,
  MSG_PEEK,
  SO_DOMAIN,
  SO_PROTOCOL,
  SO_RCVTIMEO,
  SO_SNDTIMEO,
  SO_TYPE,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from '../../abi/linux/socket.js';
import { S_IFSOCK } from '../../abi/linux/stat.js';
import { type Caller, OpenFile } from '../open_files.js';
import type { BytePath, Credentials, Result, Uio } from '../rump_kernel.js';
import type { AddressOut, IncomingMessage, OutgoingMessage, Watcher } from '../socket_calls.js';
import { Dentry, SpecialInode } from '../vfs/vnode.js';
import { putBytes, putInts } from './option_bytes.js';
import { type Attempt, type Direction, SocketWait } from './socket_wait.js';
import type { SocketState } from './sockets.js';

/** Who makes a call on a socket, and what of the process it may need. */
export interface SocketCaller extends Caller {
  readonly pid: number;
  /** RLIMIT_NOFILE. */
  readonly descriptorLimit: number;
  /** What a descriptor refers to, those opened with O_PATH too. */
  fileToSend(fd: number): OpenFile | undefined;
  /** A descriptor for a file that came in a message; -EMFILE. */
  receiveFile(file: OpenFile, cloexec: boolean): number;
  /** What the path of an address names, symbolic links followed; -errno. */
  resolve(path: BytePath): Dentry | number;
  /** mknod(2) of a socket's name. When it could be made and `refused` is not 0, that is the result instead. */
  makeSocket(path: BytePath, permissions: number, refused: number): Dentry | number;
}

/** struct timeval of 64-bit programs: seconds, microseconds. */
const TIMEVAL_SIZE = 16;
const MICROSECONDS = 1_000_000;
/** Timeouts longer than this are none (MAX_SCHEDULE_TIMEOUT of the host's kernel is about as long). */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * One open socket. A family's class has the calls; here are waiting, timeouts, watchers, and the options that are the same for
 * all. A call ends with settle(), which tells what it has changed, here and on other sockets.
 */
export abstract class OpenSocket extends OpenFile {
  readonly domain: number;
  /** SOCK_*, without flags. */
  readonly sockType: number;
  readonly protocol: number;
  protected readonly net: SocketState;
  /** SO_RCVTIMEO and SO_SNDTIMEO in milliseconds; 0: none. */
  receiveTimeout = 0;
  sendTimeout = 0;
  #waits: SocketWait[] = [];
  #watchers: Watcher[] = [];
  #told = -1;
  /** In the list of sockets that settle() has to look at. */
  isDirty = false;
  /** Something new came since watchers were told: another edge, though the bits may be the same. */
  #news = false;

  /** `type` with SOCK_NONBLOCK as socket(2) got it. */
  constructor(
    net: SocketState,
    domain: number,
    type: number,
    sockType: number,
    protocol: number,
    cred: Credentials,
  ) {
    const inode = new SpecialInode(net.fs, S_IFSOCK | 0o777, cred.uid, cred.gid, 0);
    inode.nlink = 0;
    const dentry = new Dentry(inode, `socket:[${inode.ino}]`, net.fs.root);
    dentry.isAttached = false;
    super(dentry, O_RDWR | ((type & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0));
    this.net = net;
    this.domain = domain;
    this.sockType = sockType;
    this.protocol = protocol;
  }

  // What a family has to say.

  /** What poll(2) would say now: all bits that hold. */
  abstract revents(): number;
  /** The last descriptor is gone, and no call waits. */
  protected abstract destroy(): void;

  bind(_address: Uint8Array, _caller: SocketCaller): Result {
    return -EOPNOTSUPP;
  }
  connect(_address: Uint8Array, _caller: SocketCaller): Result {
    return -EOPNOTSUPP;
  }
  listen(_backlog: number, _caller: SocketCaller): Result {
    return -EOPNOTSUPP;
  }
  /**
   * accept4(2) but for the descriptor: calls `accepted` with the new socket, which gives its number or -errno. A socket that was refused
   * a number is closed. Blocks as the socket does.
   */
  accept(
    _flags: number,
    _peer: AddressOut | undefined,
    _accepted: (socket: OpenSocket) => number,
    _caller: SocketCaller,
  ): Result {
    return -EOPNOTSUPP;
  }
  abstract getsockname(out: AddressOut): Result;
  getpeername(_out: AddressOut): Result {
    return -ENOTCONN;
  }
  shutdown(_how: number): Result {
    return -EOPNOTSUPP;
  }
  abstract sendMsg(
    uio: Uio,
    flags: number,
    message: OutgoingMessage | undefined,
    caller: SocketCaller,
  ): Result;
  abstract recvMsg(
    uio: Uio,
    flags: number,
    message: IncomingMessage | undefined,
    caller: SocketCaller,
  ): Result;
  /** Options other than those that are the same for all: the length, or -errno. */
  protected abstract getOption(level: number, name: number, out: Uint8Array): number;
  protected abstract setOption(level: number, name: number, value: Uint8Array, caller: SocketCaller): number;
  /** SIOCOUTQ. */
  unsent(): number {
    return -EINVAL;
  }

  // Options that are the same for all.

  getsockopt(level: number, name: number, out: Uint8Array): number {
    if (level !== SOL_SOCKET) return this.getOption(level, name, out);
    switch (name) {
      case SO_TYPE:
        return putInts(out, this.sockType);
      case SO_DOMAIN:
        return putInts(out, this.domain);
      case SO_PROTOCOL:
        return putInts(out, this.protocol);
      case SO_RCVTIMEO:
        return putTimeout(out, this.receiveTimeout);
      case SO_SNDTIMEO:
        return putTimeout(out, this.sendTimeout);
      default:
        return this.getOption(level, name, out);
    }
  }

  setsockopt(level: number, name: number, value: Uint8Array, caller: SocketCaller): number {
    if (level !== SOL_SOCKET) return this.setOption(level, name, value, caller);
    switch (name) {
      case SO_TYPE:
      case SO_DOMAIN:
      case SO_PROTOCOL:
        return -ENOPROTOOPT;
      case SO_RCVTIMEO:
      case SO_SNDTIMEO: {
        const timeout = timeoutOf(value);
        if (timeout < 0) return timeout;
        if (name === SO_RCVTIMEO) this.receiveTimeout = timeout;
        else this.sendTimeout = timeout;
        return 0;
      }
      default:
        return this.setOption(level, name, value, caller);
    }
  }

  // Waiting.

  /**
   * Makes an attempt, and if it would block waits for the socket to change and makes it again, until it has a result, a signal
   * comes or the socket's timeout is over. `flags`: MSG_DONTWAIT. What it gives when it may not wait: -EAGAIN, or what was moved.
   */
  protected attempt(direction: Direction, flags: number, attempt: Attempt): Result {
    const result = attempt.run();
    if (result !== undefined) return result;
    if ((flags & MSG_DONTWAIT) !== 0 || this.isNonblocking) {
      attempt.cancelled?.();
      return attempt.moved > 0 ? attempt.moved : -EAGAIN;
    }
    return this.#wait(direction, attempt, direction === 'in' ? this.receiveTimeout : this.sendTimeout);
  }

  /** The call holds the open file description while it waits, as any call of a process does (fdget): closing its descriptor elsewhere does not end it. */
  #wait(direction: Direction, attempt: Attempt, timeout: number): SocketWait {
    const wait = new SocketWait(this.net.loop, direction, attempt, timeout, {
      armed: missed => {
        if (missed) this.changedSoon();
      },
      over: done => {
        const at = this.#waits.indexOf(done);
        if (at < 0) return;
        this.#waits.splice(at, 1);
        this.release();
      },
    });
    this.#waits.push(wait);
    this.acquire();
    return wait;
  }

  /** This socket's state has changed: settle() retries what waits and tells watchers. `news`: something came, too. */
  changed(news = false): void {
    if (news) this.#news = true;
    if (this.isDirty) return;
    this.isDirty = true;
    this.net.dirty.push(this);
  }

  /** As changed(), from where no call is under way that ends with settle(). */
  protected changedSoon(): void {
    this.changed();
    this.net.loop.complete(() => this.net.settle());
  }

  /** Called by settle(): one round of retries. In each direction the first that has to go on waiting ends it. */
  retry(): void {
    this.isDirty = false;
    if (this.#waits.length > 0) {
      let blockedIn = false;
      let blockedOut = false;
      for (const wait of [...this.#waits]) {
        const { direction } = wait;
        if ((direction === 'in' && blockedIn) || (direction === 'out' && blockedOut)) continue;
        if (wait.retry()) continue;
        if (direction === 'in') blockedIn = true;
        else if (direction === 'out') blockedOut = true;
      }
    }
    if (this.#watchers.length > 0) this.#tell();
  }

  #tell(): void {
    const revents = this.revents();
    if (revents === this.#told && !this.#news) return;
    this.#told = revents;
    this.#news = false;
    for (const watcher of this.#watchers) watcher.changed(revents);
  }

  override watch(watcher: Watcher): number {
    this.#watchers.push(watcher);
    this.#told = this.revents();
    watcher.changed(this.#told);
    return 0;
  }

  // As a file.

  override read(uio: Uio, caller: SocketCaller, nonblock: boolean): Result {
    // sock_read_iter() of net/socket.c: nothing is asked for, whatever there is.
    if (uio.resid === 0) return 0;
    return this.#settled(this.recvMsg(uio, nonblock ? MSG_DONTWAIT : 0, undefined, caller));
  }
  override peek(uio: Uio, caller: SocketCaller): Result {
    return this.#settled(this.recvMsg(uio, MSG_PEEK | MSG_DONTWAIT, undefined, caller));
  }
  override write(uio: Uio, caller: SocketCaller, nonblock: boolean): Result {
    return this.#settled(this.sendMsg(uio, nonblock ? MSG_DONTWAIT : 0, undefined, caller));
  }

  #settled(result: Result): Result {
    this.net.settle();
    return result;
  }
  override readAt(): number {
    return -ESPIPE;
  }
  override writeAt(): number {
    return -ESPIPE;
  }
  override getDents(): number {
    return -ENOTDIR;
  }
  override sync(): number {
    return -EINVAL;
  }

  override poll(events: number): Result {
    const ready = this.#poll(events);
    if (ready !== 0) return ready;
    return this.#wait('poll', { run: () => this.#poll(events) || undefined, moved: 0 }, 0);
  }

  #poll(events: number): number {
    const has = this.revents();
    const normal = ((has & POLLIN) !== 0 ? POLLRDNORM : 0) | ((has & POLLOUT) !== 0 ? POLLWRNORM : 0);
    return (has | normal) & (events | POLLERR | POLLHUP);
  }

  protected override closed(): void {
    this.destroy();
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher.closed();
    this.net.settle();
  }
}

/** A timeval in milliseconds, rounded up to at least 1; 0: none. -EINVAL, -EDOM (sock_set_timeout of net/core/sock.c). */
function timeoutOf(value: Uint8Array): number {
  if (value.length < TIMEVAL_SIZE) return -EINVAL;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const sec = Number(view.getBigInt64(0, true));
  const usec = Number(view.getBigInt64(8, true));
  if (usec < 0 || usec >= MICROSECONDS) return -EDOM;
  if (sec < 0) return 1;
  const ms = Math.ceil(sec * 1000 + usec / 1000);
  return ms > LONGEST_MS ? 0 : ms;
}

function putTimeout(out: Uint8Array, ms: number): number {
  const value = new Uint8Array(TIMEVAL_SIZE);
  const view = new DataView(value.buffer);
  view.setBigInt64(0, BigInt(Math.floor(ms / 1000)), true);
  view.setBigInt64(8, BigInt((ms % 1000) * 1000), true);
  return putBytes(out, value);
}
