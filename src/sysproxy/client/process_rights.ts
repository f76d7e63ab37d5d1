/** Descriptors in messages (SCM_RIGHTS, unix(7)) of a remote kernel. */
import { EBADF } from '../../abi/linux/errno.js';
import { O_RDWR } from '../../abi/linux/fcntl.js';
import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  SCM_RIGHTS,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../abi/linux/socket.js';
import { S_IFSOCK } from '../../abi/linux/stat.js';
import { familyOf } from '../../abi/linux/un.js';
import { NB } from '../../abi/netbsd/nr.js';
import { NB_SO_ACCEPTCONN, NB_SO_TYPE, NB_SOL_SOCKET } from '../../abi/netbsd/sockopt.js';
import { andThen, then } from '../../kernel/results.js';
import type { Result } from '../../kernel/rump_kernel.js';
import type { IncomingMessage } from '../../kernel/socket_calls.js';
import { Description, type Descriptor } from './descriptors.js';
import { SocketCalls } from './process_sockets.js';
import { Readiness } from './readiness.js';
import { Phase } from './readiness_parts.js';
import { AddressRoom } from './socket_address.js';
import type { Receiver } from './socket_messages.js';
import { SocketState } from './socket_state.js';
import type { SysCall } from './syscall.js';

const FD_SIZE = 4;

export abstract class RightsCalls extends SocketCalls {
  /** The server's number of a descriptor to be passed; -EBADF. */
  protected remoteOf(fd: number): number {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.remote < 0) return -EBADF;
    return entry.generation === this.shared.remote.generation ? entry.remote : -EBADF;
  }

  /** Of the descriptors that come with this call's answer. `flags`: MSG_CMSG_CLOEXEC. */
  protected receiver({ generation }: SysCall, flags: number): Receiver {
    const cloexec = (flags & MSG_CMSG_CLOEXEC) !== 0;
    return {
      install: remote => this.installRemote(remote, new Description(O_RDWR, ''), cloexec, 0, generation),
      drop: remote => {
        this.submit(this.begin(NB.close).int(remote));
      },
    };
  }

  /** As finishWith(), for a call that may bring descriptors: what they are is asked for before it is over. */
  protected withRights(
    message: IncomingMessage | undefined,
    call: SysCall,
    finish: (call: SysCall) => number,
  ): Result {
    const result = this.finishWith(call, finish);
    if (message === undefined || message.controlRoom === 0) return result;
    return andThen(result, got => then(this.#identifyAll(message), () => got));
  }

  #identifyAll({ control }: IncomingMessage): Result {
    const rights = control.find(({ level, type }) => level === SOL_SOCKET && type === SCM_RIGHTS);
    if (rights === undefined) return 0;
    const { buffer, byteOffset, length } = rights.data;
    const view = new DataView(buffer, byteOffset, length);
    const from = (at: number): Result =>
      at + FD_SIZE > length ? 0 : then(this.#identify(view.getInt32(at, true)), () => from(at + FD_SIZE));
    return from(0);
  }

  #identify(fd: number): Result {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.socket !== undefined) return 0;
    return then(this.typeOf(entry), type => (type === S_IFSOCK ? this.#identifySocket(entry) : 0));
  }

  /** What another process has made of a socket. */
  #identifySocket(entry: Descriptor): Result {
    return andThen(this.#option(entry, NB_SO_TYPE), type =>
      andThen(this.#option(entry, NB_SO_ACCEPTCONN), listens =>
        then(this.#family(entry, NB.getpeername), peer =>
          then(this.#family(entry, NB.getsockname), family => {
            const state = new SocketState(family < 0 ? AF_UNIX : family, type, 0);
            state.isConnected = peer >= 0;
            const isOpen = peer >= 0 || (type !== SOCK_STREAM && type !== SOCK_SEQPACKET);
            const readiness = new Readiness(
              listens !== 0 ? Phase.LISTENING : isOpen ? Phase.OPEN : Phase.FRESH,
            );
            entry.file.socket = state;
            entry.file.readiness = readiness;
            readiness.addHolder(entry);
            return 0;
          }),
        ),
      ),
    );
  }

  #option(entry: Descriptor, name: number): Result {
    const call = this.putFd(this.begin(NB.getsockopt), entry).int(NB_SOL_SOCKET).int(name);
    const at = call.reserve(FD_SIZE);
    const lengthAt = call.reserve(FD_SIZE);
    call.view.setUint32(lengthAt, FD_SIZE, true);
    return this.finishWith(call.pointer(at).pointer(lengthAt), done =>
      done.result < 0 ? done.result : done.view.getInt32(at, true),
    );
  }

  /** The family of a name, Linux's number; -errno. */
  #family(entry: Descriptor, nr: number): Result {
    const call = this.putFd(this.begin(nr), entry);
    const room = new AddressRoom(call);
    return this.finishWith(call, done => {
      if (done.result < 0) return done.result;
      const out = { bytes: new Uint8Array(128), length: 0 };
      room.take(done, out);
      return familyOf(out.bytes.subarray(0, out.length));
    });
  }
}
