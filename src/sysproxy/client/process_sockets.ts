/** The calls that make, name and connect sockets of a remote kernel (net/socket.c). */
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  EBADF,
  ECONNABORTED,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  EMFILE,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  ESOCKTNOSUPPORT,
} from '../../abi/linux/errno.js';
import {
  AF_MAX,
  AF_UNIX,
  AF_UNSPEC,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_TYPE_MASK,
  SOCKADDR_STORAGE_SIZE,
} from '../../abi/linux/socket.js';
import { familyOf } from '../../abi/linux/un.js';
import { NB } from '../../abi/netbsd/nr.js';
import { NB_SOCK_NONBLOCK, toNetbsdFamily } from '../../abi/netbsd/socket.js';
import { andThen, then } from '../../kernel/results.js';
import type { Result } from '../../kernel/rump_kernel.js';
import type { AddressOut, Watcher } from '../../kernel/socket_calls.js';
import type { Description } from './descriptors.js';
import { Phase, READ, WRITE } from './readiness_parts.js';
import { AddressRoom, wireAddress } from './socket_address.js';
import { type OpenRemoteSocket, SocketBase } from './socket_base.js';
import type { SocketState } from './socket_state.js';
import type { SysCall } from './syscall.js';

/** SOCK_MAX of linux/net.h: one more than the highest type. */
const SOCK_MAX = 11;
const TYPE_FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK;

export abstract class SocketCalls extends SocketBase {
  socket(domain: number, type: number, protocol: number): Result {
    const family = this.#checkNew(domain, type);
    if (family < 0) return family;
    const call = this.begin(NB.__socket30).int(family).int(wireType(type)).int(protocol);
    call.late = closesLate(this.shared.remote);
    const made = this.finishWith(call, done =>
      done.result < 0
        ? creationError(done.result, protocol)
        : this.#install(done, this.newSocket(domain, type, protocol), type),
    );
    return andThen(made, fd => this.asLinuxDefaults(fd, domain));
  }

  socketpair(domain: number, type: number, protocol: number, out: Int32Array): Result {
    const family = this.#checkNew(domain, type);
    if (family < 0) return family;
    if (domain !== AF_UNIX) return -EOPNOTSUPP;
    const call = this.begin(NB.socketpair).int(family).int(wireType(type)).int(protocol);
    const at = call.reserve(8);
    return this.finishWith(call.pointer(at), done => {
      if (done.result < 0) return creationError(done.result, protocol);
      const remotes = [done.view.getInt32(at, true), done.view.getInt32(at + 4, true)];
      const cloexec = (type & SOCK_CLOEXEC) !== 0;
      for (let i = 0; i < remotes.length; i++) {
        const file = this.newSocket(domain, type, protocol);
        isOpened(file);
        const fd = this.installRemote(remotes[i], file, cloexec, 0, done.generation);
        if (fd < 0) {
          // The one that got no number is closed already.
          if (i === 0) this.submit(this.begin(NB.close).int(remotes[1]));
          else this.close(out[0]);
          return fd;
        }
        out[i] = fd;
      }
      return 0;
    });
  }

  /** NetBSD's family; -errno as __sock_create() has it. */
  #checkNew(domain: number, type: number): number {
    if ((type & ~(SOCK_TYPE_MASK | TYPE_FLAGS)) !== 0) return -EINVAL;
    if (domain < 0 || domain >= AF_MAX) return -EAFNOSUPPORT;
    if ((type & SOCK_TYPE_MASK) >= SOCK_MAX) return -EINVAL;
    const family = domain === AF_UNSPEC ? undefined : toNetbsdFamily(domain);
    if (family === undefined) return -EAFNOSUPPORT;
    return this.table.next(0, this.options.nofile) < 0 ? -EMFILE : family;
  }

  #install(call: SysCall, file: Description, type: number): number {
    return this.installRemote(call.result, file, (type & SOCK_CLOEXEC) !== 0, 0, call.generation);
  }

  bind(fd: number, address: Uint8Array): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    if (address.length > SOCKADDR_STORAGE_SIZE) return -EINVAL;
    const wire = wireAddress(socket.state.domain, address, 'bind');
    if (typeof wire === 'number') return wire;
    return this.submit(this.onSocket(NB.bind, socket).buffer(wire).int(wire.length));
  }

  listen(fd: number, backlog: number): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    const { state, readiness } = socket;
    if (!state.needsConnection) return -EOPNOTSUPP;
    if (state.isConnected) return -EINVAL;
    // Linux takes a negative backlog for the largest (net/socket.c), NetBSD for the smallest.
    const wanted = backlog < 0 ? 0x7fff : backlog;
    return andThen(this.submit(this.onSocket(NB.listen, socket).int(wanted)), done => {
      state.isShut = false;
      readiness.setPhase(Phase.LISTENING);
      return done;
    });
  }

  accept(fd: number, flags: number, peer: AddressOut | undefined): Result {
    const socket = this.socketOf(fd);
    if (socket === -EBADF) return socket;
    if ((flags & ~TYPE_FLAGS) !== 0) return -EINVAL;
    if (this.table.next(0, this.options.nofile) < 0) return -EMFILE;
    if (typeof socket === 'number') return socket;
    const { state, readiness } = socket;
    if (!state.needsConnection) return -EOPNOTSUPP;
    if (readiness.phase !== Phase.LISTENING || state.isShut) return -EINVAL;
    return this.attempt(socket, READ, 0, {
      run: () => (state.isShut ? -EINVAL : this.#acceptOne(socket, flags, peer)),
      moved: 0,
    });
  }

  /** accept(2), not paccept(2): the new socket's calls do not block at the server, as those of the listener do not. */
  #acceptOne(socket: OpenRemoteSocket, flags: number, peer: AddressOut | undefined): Result {
    const { state, readiness } = socket;
    const call = this.onSocket(NB.accept, socket);
    const room = peer === undefined ? undefined : new AddressRoom(call);
    if (room === undefined) call.nil().nil();
    call.late = closesLate(this.shared.remote);
    const began = readiness.begin(READ);
    return this.finishWith(call, done => {
      readiness.end(READ, began, done.result >= 0);
      if (done.result < 0) {
        if (done.result === -EAGAIN) readiness.setReadable(false);
        return done.result === -ECONNABORTED && state.isShut ? -EINVAL : done.result;
      }
      const file = this.newSocket(state.domain, state.type | (flags & SOCK_NONBLOCK), state.protocol);
      isOpened(file);
      if (peer !== undefined) room?.take(done, peer);
      const fd = this.#install(done, file, flags);
      readiness.took(1);
      return fd;
    });
  }

  connect(fd: number, address: Uint8Array): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    if (address.length > SOCKADDR_STORAGE_SIZE) return -EINVAL;
    const { state, readiness } = socket;
    if (familyOf(address) === AF_UNSPEC) return this.#disconnect(socket, address);
    if (readiness.phase === Phase.CONNECTING)
      return socket.entry.file.waits ? this.#connected(socket) : -EALREADY;
    const wire = wireAddress(state.domain, address, 'connect');
    if (typeof wire === 'number') return wire;
    if (state.needsConnection && readiness.phase === Phase.OPEN) return madeAlready(state);
    const start = (): Result => this.#startConnect(socket, wire);
    // What became of an earlier attempt is told first (inet_stream_connect()).
    if (state.needsConnection && readiness.hasError) return andThen(this.takeError(socket), start);
    return start();
  }

  #startConnect(socket: OpenRemoteSocket, wire: Uint8Array): Result {
    const { state, readiness, entry } = socket;
    const call = this.onSocket(NB.connect, socket).buffer(wire).int(wire.length);
    const asked = this.finishWith(call, done => {
      if (done.result === 0) {
        state.isConnected = true;
        readiness.setPhase(Phase.OPEN);
      } else if (done.result === -EINPROGRESS) readiness.setPhase(Phase.CONNECTING);
      return done.result;
    });
    return then(asked, result =>
      result === -EINPROGRESS && entry.file.waits ? this.#connected(socket) : result,
    );
  }

  /** Waits until a connection is made, or is not. */
  #connected(socket: OpenRemoteSocket): Result {
    const { readiness, state } = socket;
    return this.attempt(socket, WRITE, 0, {
      run: () => {
        if (readiness.phase === Phase.CONNECTING) return readiness.isLost ? -ENOTCONN : -EAGAIN;
        return andThen(this.takeError(socket), () => {
          state.isConnected = true;
          return 0;
        });
      },
      moved: 0,
      timeoutResult: -EINPROGRESS,
    });
  }

  /** connect(2) to nobody. NetBSD does it, and then says that the family is wrong. */
  #disconnect(socket: OpenRemoteSocket, address: Uint8Array): Result {
    const { state } = socket;
    if (state.needsConnection) return state.isConnected ? -EOPNOTSUPP : 0;
    const wire = wireAddress(state.domain, address, 'connect');
    if (typeof wire === 'number') return wire;
    const call = this.onSocket(NB.connect, socket).buffer(wire).int(wire.length);
    return then(this.submit(call), result => {
      const isDone =
        result === 0 || result === -EAFNOSUPPORT || result === -EINVAL || result === -EADDRNOTAVAIL;
      if (!isDone) return result;
      state.isConnected = false;
      return 0;
    });
  }

  getsockname(fd: number, out: AddressOut): Result {
    return this.#name(fd, NB.getsockname, out);
  }
  getpeername(fd: number, out: AddressOut): Result {
    return this.#name(fd, NB.getpeername, out);
  }

  #name(fd: number, nr: number, out: AddressOut): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    const call = this.onSocket(nr, socket);
    const room = new AddressRoom(call);
    return this.finishWith(call, done => {
      // A peer that is gone has no name any more on NetBSD.
      if (done.result < 0) return done.result === -EINVAL ? -ENOTCONN : done.result;
      room.take(done, out);
      return 0;
    });
  }

  shutdown(fd: number, how: number): Result {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    if (how < 0 || how > SHUT_RDWR) return -EINVAL;
    const { state, readiness } = socket;
    const isListener = readiness.phase === Phase.LISTENING;
    if (isListener && how === SHUT_WR) return 0;
    const hasPeer = state.needsConnection ? readiness.phase !== Phase.FRESH : state.isConnected;
    if (!hasPeer && state.domain !== AF_UNIX) return -ENOTCONN;
    return then(this.submit(this.onSocket(NB.shutdown, socket).int(how)), result => {
      if (result < 0 && !(isListener && result === -ENOTCONN)) return result;
      if (isListener) {
        state.isShut = true;
        readiness.setPhase(Phase.FRESH);
      } else {
        readiness.shut(how === SHUT_RD || how === SHUT_RDWR, how === SHUT_WR || how === SHUT_RDWR);
      }
      this.shared.remote.options.loop.complete(() => readiness.serve());
      return 0;
    });
  }

  /** Tells of readiness: -EPERM for files that have nothing to wait for. */
  watch(fd: number, watcher: Watcher): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    const { readiness } = entry.file;
    if (readiness === undefined) return -EPERM;
    readiness.watch(watcher);
    return 0;
  }
}

/** connect(2) once more: after one that did not wait, the first says that there is a connection now (inet_stream_connect()). */
function madeAlready(state: SocketState): number {
  if (state.isConnected) return -EISCONN;
  state.isConnected = true;
  return 0;
}

/** The server's own calls on it never block. SIGPIPE is asked for not to be raised at each call that sends. */
function wireType(type: number): number {
  return (type & SOCK_TYPE_MASK) | NB_SOCK_NONBLOCK;
}

function isOpened(file: Description): void {
  if (file.socket !== undefined) file.socket.isConnected = true;
  file.readiness?.setPhase(Phase.OPEN);
}

/** A descriptor that nobody waits for any more. */
function closesLate(remote: SocketCalls['shared']['remote']): (call: SysCall) => void {
  return done => {
    if (done.result >= 0 && done.generation === remote.generation)
      remote.submit(remote.begin(NB.close).int(done.result));
  };
}

/** Errors of socket(2) in Linux's words: NetBSD does not tell types from protocols. */
function creationError(result: number, protocol: number): number {
  if (result === -EPROTOTYPE) return protocol === 0 ? -ESOCKTNOSUPPORT : -EPROTONOSUPPORT;
  return result;
}
