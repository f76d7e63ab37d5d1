/** Sockets of AF_NETLINK: NetBSD has none. They are made up here, and answer of the server's interfaces and routes (rtnetlink(7)). */
import { EMFILE } from '../../abi/linux/errno.js';
import { O_NONBLOCK, O_RDWR } from '../../abi/linux/fcntl.js';
import { SOCKADDR_NL_SIZE } from '../../abi/linux/netlink.js';
import { AF_NETLINK, SOCK_CLOEXEC, SOCK_NONBLOCK } from '../../abi/linux/socket.js';
import { S_IFSOCK } from '../../abi/linux/stat.js';
import { andThen, then } from '../../kernel/results.js';
import type { Result, Uio } from '../../kernel/rump_kernel.js';
import type { AddressOut, IncomingMessage, OutgoingMessage, Watcher } from '../../kernel/socket_calls.js';
import { Description } from './descriptors.js';
import type { LocalFile } from './proc_view.js';
import { OptionCalls } from './process_options.js';

/** Offset of nl_pid in struct sockaddr_nl (linux/netlink.h): the port, 0 for any. */
const NL_PID = 4;

function hasPort(address: Uint8Array): boolean {
  return address.subarray(NL_PID, NL_PID + 4).some(byte => byte !== 0);
}

export abstract class NetlinkCalls extends OptionCalls {
  /** The socket of netlink that the descriptor is, if it is one. */
  #netlink(fd: number): LocalFile | undefined {
    const file = this.table.get(fd)?.file;
    return file?.type === S_IFSOCK ? file.local : undefined;
  }

  override socket(domain: number, type: number, protocol: number): Result {
    if (domain !== AF_NETLINK) return super.socket(domain, type, protocol);
    if (this.table.next(0, this.options.nofile) < 0) return -EMFILE;
    const { process } = this.procView;
    return then(process.socket(domain, type & ~SOCK_CLOEXEC, protocol), made => {
      if (made < 0) return made;
      const file = new Description(O_RDWR | ((type & SOCK_NONBLOCK) === 0 ? 0 : O_NONBLOCK), '');
      file.type = S_IFSOCK;
      file.local = { process, fd: made, path: '' };
      return this.installLocal(file, (type & SOCK_CLOEXEC) !== 0);
    });
  }

  override bind(fd: number, address: Uint8Array): Result {
    const local = this.#netlink(fd);
    if (local === undefined) return super.bind(fd, address);
    const { process } = local;
    if (address.length < SOCKADDR_NL_SIZE || hasPort(address)) return process.bind(local.fd, address);
    // netlink_autobind() of the host's kernel takes the program's pid, which the view's own process has not.
    const wanted = address.slice();
    new DataView(wanted.buffer).setUint32(NL_PID, this.options.pid, true);
    return then(process.bind(local.fd, wanted), status =>
      status === 0 ? 0 : process.bind(local.fd, address),
    );
  }
  override connect(fd: number, address: Uint8Array): Result {
    const local = this.#netlink(fd);
    return local === undefined ? super.connect(fd, address) : local.process.connect(local.fd, address);
  }
  override listen(fd: number, backlog: number): Result {
    const local = this.#netlink(fd);
    return local === undefined ? super.listen(fd, backlog) : local.process.listen(local.fd, backlog);
  }
  override accept(fd: number, flags: number, peer: AddressOut | undefined): Result {
    const local = this.#netlink(fd);
    return local === undefined ? super.accept(fd, flags, peer) : local.process.accept(local.fd, flags, peer);
  }
  override getsockname(fd: number, out: AddressOut): Result {
    const local = this.#netlink(fd);
    return local === undefined ? super.getsockname(fd, out) : local.process.getsockname(local.fd, out);
  }
  override getpeername(fd: number, out: AddressOut): Result {
    const local = this.#netlink(fd);
    return local === undefined ? super.getpeername(fd, out) : local.process.getpeername(local.fd, out);
  }
  override shutdown(fd: number, how: number): Result {
    const local = this.#netlink(fd);
    return local === undefined ? super.shutdown(fd, how) : local.process.shutdown(local.fd, how);
  }
  override unsent(fd: number): Result {
    const local = this.#netlink(fd);
    return local === undefined ? super.unsent(fd) : local.process.unsent(local.fd);
  }
  override watch(fd: number, watcher: Watcher): Result {
    const local = this.#netlink(fd);
    return local === undefined ? super.watch(fd, watcher) : local.process.watch(local.fd, watcher);
  }
  override getsockopt(fd: number, level: number, name: number, out: Uint8Array): Result {
    const local = this.#netlink(fd);
    if (local === undefined) return super.getsockopt(fd, level, name, out);
    return local.process.getsockopt(local.fd, level, name, out);
  }
  override setsockopt(fd: number, level: number, name: number, value: Uint8Array): Result {
    const local = this.#netlink(fd);
    if (local === undefined) return super.setsockopt(fd, level, name, value);
    return local.process.setsockopt(local.fd, level, name, value);
  }

  override setStatusFlags(fd: number, flags: number): Result {
    const local = this.#netlink(fd);
    return andThen(super.setStatusFlags(fd, flags), () =>
      local === undefined ? 0 : local.process.setStatusFlags(local.fd, flags),
    );
  }

  /** A request is answered of what the server has now. */
  override sendMsg(fd: number, uio: Uio, flags: number, message: OutgoingMessage | undefined): Result {
    const local = this.#netlink(fd);
    if (local === undefined) return super.sendMsg(fd, uio, flags, message);
    return andThen(this.procView.prepareNet(this), () =>
      local.process.sendMsg(local.fd, uio, flags, message),
    );
  }
  override recvMsg(fd: number, uio: Uio, flags: number, message: IncomingMessage | undefined): Result {
    const local = this.#netlink(fd);
    if (local === undefined) return super.recvMsg(fd, uio, flags, message);
    return local.process.recvMsg(local.fd, uio, flags, message);
  }
  override write(fd: number, uio: Uio): Result {
    return this.#netlink(fd) === undefined ? super.write(fd, uio) : this.sendMsg(fd, uio, 0, undefined);
  }
}
