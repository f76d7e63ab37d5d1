/** What sockets of AF_INET and AF_INET6 have in common (net/ipv4/af_inet.c): addresses, options, what the stack tells. */
import { EACCES, EAFNOSUPPORT, EINVAL } from '../../abi/linux/errno.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../abi/linux/socket.js';
import { familyOf } from '../../abi/linux/un.js';
import type { Credentials } from '../rump_kernel.js';
import type { AddressOut, NetInterface } from '../socket_calls.js';
import {
  isAnyV4,
  lacksLink,
  portOf,
  putAddress,
  SIN6_LEN_RFC2133,
  SOCKADDR_IN_SIZE,
  takeAddress,
} from './inet_address.js';
import { InetOptions, type OptionTarget } from './inet_options.js';
import { OpenSocket, type SocketCaller } from './open_socket.js';
import type { SocketState } from './sockets.js';
import type { Stack, StackSocket } from './stack.js';
import { RN_GET_PORT, RN_GET_READABLE, RN_GET_UNSENT } from './stack_options.js';

/** net.ipv4.ip_unprivileged_port_start: those below are root's. */
const UNPRIVILEGED_PORT = 1024;

export abstract class InetSocket extends OpenSocket implements StackSocket, OptionTarget {
  readonly stack: Stack;
  /** Its number in the stack. */
  readonly id: number;
  readonly options: InetOptions;
  #revents: number;

  constructor(
    net: SocketState,
    stack: Stack,
    id: number,
    domain: number,
    type: number,
    sockType: number,
    protocol: number,
    cred: Credentials,
  ) {
    super(net, domain, type, sockType, protocol, cred);
    this.stack = stack;
    this.id = id;
    this.options = new InetOptions(this);
    this.#revents = stack.calls.revents(id);
    stack.add(id, this);
  }

  // What the stack tells.

  stackChanged(revents: number, news: boolean): void {
    if (revents === this.#revents && !news) return;
    this.#revents = revents;
    this.changed(news);
  }

  override revents(): number {
    return this.#revents;
  }

  protected override destroy(): void {
    this.stack.remove(this.id);
    this.stack.calls.close(this.id);
  }

  // Addresses.

  override bind(address: Uint8Array, caller: SocketCaller): number {
    const status = this.#putBindAddress(address);
    if (status < 0) return status;
    const { port } = this.stack.shared.address;
    if (port !== 0 && port < UNPRIVILEGED_PORT && caller.cred.uid !== 0) return -EACCES;
    return this.stack.calls.bind(this.id);
  }

  /** The checks of __inet_bind() and __inet6_bind(). */
  #putBindAddress(address: Uint8Array): number {
    const { shared } = this.stack;
    if (this.domain === AF_INET && address.length >= SOCKADDR_IN_SIZE && familyOf(address) === AF_UNSPEC) {
      // "Compatibility games": no family is the right one where no address is.
      if (!isAnyV4(address)) return -EAFNOSUPPORT;
      shared.address.family = AF_INET;
      shared.address.port = portOf(address);
      shared.address.bytes.fill(0);
      return 0;
    }
    if (this.domain === AF_INET6 && address.length < SIN6_LEN_RFC2133) return -EINVAL;
    const status = putAddress(shared.address, this.domain, address);
    return status === 0 && lacksLink(shared.address) ? -EINVAL : status;
  }

  override getsockname(out: AddressOut): number {
    const status = this.stack.calls.name(this.id, 0);
    if (status === 0) takeAddress(this.stack.shared.address, out);
    return status;
  }

  override getpeername(out: AddressOut): number {
    const status = this.stack.calls.name(this.id, 1);
    if (status === 0) takeAddress(this.stack.shared.address, out);
    return status;
  }

  // Options, and what ioctl(2) asks.

  protected override getOption(level: number, name: number, out: Uint8Array): number {
    return this.options.get(level, name, out);
  }

  protected override setOption(level: number, name: number, value: Uint8Array, caller: SocketCaller): number {
    return this.options.set(level, name, value, caller.cred);
  }

  override readable(): number {
    return this.stack.calls.get(this.id, RN_GET_READABLE);
  }

  override unsent(): number {
    return this.stack.calls.get(this.id, RN_GET_UNSENT);
  }

  // For the table of options.

  set(option: number, value: number): number {
    return this.stack.calls.set(this.id, option, value);
  }

  get(what: number): number {
    return this.stack.calls.get(this.id, what);
  }

  join(group: Uint8Array, interfaceIndex: number, leave: boolean): number {
    const { address } = this.stack.shared;
    address.family = group.length === 4 ? AF_INET : AF_INET6;
    address.port = 0;
    address.scope = interfaceIndex;
    address.bytes.fill(0);
    address.bytes.set(group);
    return this.stack.calls.join(this.id, interfaceIndex, leave ? 1 : 0);
  }

  interfaces(): NetInterface[] {
    const all: NetInterface[] = [];
    this.net.stack?.interfaces(all);
    return all;
  }

  abstract readonly isConnected: boolean;
  abstract readonly isListening: boolean;

  get isBound(): boolean {
    return this.get(RN_GET_PORT) !== 0;
  }
}
