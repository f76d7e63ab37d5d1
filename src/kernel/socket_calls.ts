/**
 * The part of the border that is about sockets and interfaces. Addresses are the bytes of Linux's struct sockaddr, options
 * the bytes of Linux's option values, flags Linux's MSG_*: kernels that are not Linux translate.
 */
import type { Result, Uio } from './rump_kernel.js';

/** Where an address is put: `length` bytes of Linux's struct sockaddr, 0 for none. */
export interface AddressOut {
  /** SOCKADDR_STORAGE_SIZE bytes. */
  readonly bytes: Uint8Array;
  length: number;
}

/** One control message (cmsg(3)). SCM_RIGHTS holds descriptors of the calling process in this kernel, 32 bits each. */
export interface ControlMessage {
  level: number;
  type: number;
  data: Uint8Array;
}

/** What goes with the data of sendmsg(2). */
export interface OutgoingMessage {
  /** The destination, or undefined for none. */
  name: Uint8Array | undefined;
  control: readonly ControlMessage[];
}

/** What comes with the data of recvmsg(2), filled in by the kernel. */
export interface IncomingMessage {
  /** undefined: the sender's address is not wanted. */
  name: AddressOut | undefined;
  /** Room for control messages as Linux lays them out, bytes; 0: not wanted. What does not fit is dropped, with MSG_CTRUNC. */
  controlRoom: number;
  control: ControlMessage[];
  /** MSG_* of the answer: MSG_TRUNC, MSG_CTRUNC, MSG_EOR, ... */
  flags: number;
}

/** Told of an open file description's readiness. */
export interface Watcher {
  /**
   * What poll(2) says now, all of POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP, POLLPRI that hold. Told when it is first watched, at each
   * change, and again with the same bits when something new came (more data, another connection): an edge for epoll(7). May be
   * called from within any call of the kernel's, and must not call it.
   */
  changed(revents: number): void;
  /** The open file description is gone; the last that is told. */
  closed(): void;
}

/** A network interface (netdevice(7), rtnetlink(7)). */
export interface NetInterface {
  /** 1 for the first. */
  index: number;
  name: string;
  /** IFF_* of linux/if.h. */
  flags: number;
  mtu: number;
  /** ARPHRD_* of linux/if_arp.h. */
  hardwareType: number;
  /** 6 bytes, or none. */
  mac: Uint8Array;
  addresses: InterfaceAddress[];
  rxPackets: number;
  txPackets: number;
  rxBytes: number;
  txBytes: number;
}

export interface InterfaceAddress {
  /** AF_INET or AF_INET6. */
  family: number;
  /** 4 or 16 bytes, network order. */
  address: Uint8Array;
  prefixLength: number;
  /** The network's broadcast address, IPv4 on links that have one. */
  broadcast: Uint8Array | undefined;
  /** RT_SCOPE_* of linux/rtnetlink.h. */
  scope: number;
}

/** A change of an interface; all that is given is done. */
export interface InterfaceChange {
  name: string;
  up?: boolean;
  mtu?: number;
  addAddress?: { family: number; address: Uint8Array; prefixLength: number };
  removeAddress?: { family: number; address: Uint8Array };
}

/** A route. */
export interface NetRoute {
  /** AF_INET or AF_INET6. */
  family: number;
  /** All zeros with prefixLength 0: the default route. */
  destination: Uint8Array;
  prefixLength: number;
  /** undefined: the destination is on the interface's own link. */
  gateway: Uint8Array | undefined;
  /** The interface's index. */
  interface: number;
}

/** The calls on sockets of a KernelProcess; descriptors are the kernel's. ENOTSOCK for those that are no sockets. */
export interface SocketProcess {
  /** socket(2): EAFNOSUPPORT for a family that this kernel has no stack for. `type` may hold SOCK_NONBLOCK and SOCK_CLOEXEC. */
  socket(domain: number, type: number, protocol: number): Result;
  /** socketpair(2): fills `out` with two descriptors. */
  socketpair(domain: number, type: number, protocol: number, out: Int32Array): Result;
  /** A path of an AF_UNIX address is resolved as any path of this process. */
  bind(fd: number, address: Uint8Array): Result;
  connect(fd: number, address: Uint8Array): Result;
  listen(fd: number, backlog: number): Result;
  /** accept4(2): the new descriptor. `peer` is filled in when it is wanted. */
  accept(fd: number, flags: number, peer: AddressOut | undefined): Result;
  getsockname(fd: number, out: AddressOut): Result;
  getpeername(fd: number, out: AddressOut): Result;
  shutdown(fd: number, how: number): Result;
  /** sendto(2) and sendmsg(2); -EPIPE is the caller's to turn into SIGPIPE unless MSG_NOSIGNAL is in `flags`. */
  sendMsg(fd: number, uio: Uio, flags: number, message: OutgoingMessage | undefined): Result;
  /** recvfrom(2) and recvmsg(2): bytes, or with MSG_TRUNC the datagram's length. */
  recvMsg(fd: number, uio: Uio, flags: number, message: IncomingMessage | undefined): Result;
  /** Fills `out` and returns the option's length, at most out's. */
  getsockopt(fd: number, level: number, name: number, out: Uint8Array): Result;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array): Result;
  /** SIOCOUTQ: bytes that were sent and not yet taken by the other side. */
  unsent(fd: number): Result;
  /** Tells `watcher` of the readiness of what the descriptor refers to, for as long as that is open: 0, or -EPERM for files that are always ready. */
  watch(fd: number, watcher: Watcher): Result;

  /** The kernel's interfaces, in order: fills `out` and returns how many there are. */
  interfaces(out: NetInterface[]): Result;
  /** -EPERM without the right to; -ENODEV, -EADDRNOTAVAIL, -EEXIST, -EOPNOTSUPP. */
  changeInterface(change: InterfaceChange): Result;
  routes(out: NetRoute[]): Result;
  /** -EEXIST, -ESRCH, -ENETUNREACH; -EOPNOTSUPP for a route that the stack cannot have. */
  changeRoute(route: NetRoute, remove: boolean): Result;
}
