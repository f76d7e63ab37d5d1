/** An Ethernet interface, and the descriptors of the host that carry its frames. */
import { randomBytes } from 'node:crypto';
import type { Waiter } from '../../native/loop.js';
import { EPOLLOUT } from '../../native/net.js';
import type { InterfacePort } from './interfaces.js';
import type { SocketState } from './sockets.js';
import type { Stack } from './stack.js';

/** Bytes, as on any Ethernet. */
const MTU = 1500;
const MAC_SIZE = 6;
/** IEEE 802: the first byte's bits for groups, and for addresses that no manufacturer gave. */
const GROUP = 1;
const LOCAL = 2;

/** What of the kernel an interface needs. */
export interface NetHost {
  readonly sockets: SocketState;
  readonly stack: Stack;
}

class Link implements Waiter {
  readonly fd: number;
  readonly #ethernet: Ethernet;
  readonly lost: () => void;
  /** Frames wait for room. */
  isBlocked = false;

  constructor(fd: number, ethernet: Ethernet, lost: () => void) {
    this.fd = fd;
    this.#ethernet = ethernet;
    this.lost = lost;
  }

  onReady(events: number): void {
    this.#ethernet.ready(this, events);
  }
}

export class Ethernet implements InterfacePort {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
  readonly host: NetHost;
  readonly #links = new Map<number, Link>();
  /** Takes answers of DHCP servers. */
  onDhcp: () => void = () => {};

  private constructor(
    host: NetHost,
    name: string,
    mac: Uint8Array,
    connect: (port: InterfacePort) => number,
  ) {
    this.host = host;
    this.name = name;
    this.mac = mac;
    this.index = connect(this);
  }

  /** A new interface, down; -ENOSPC when there are too many, -ENOMEM. */
  static create(host: NetHost): Ethernet | number {
    const { stack: interfaces } = host.sockets;
    if (interfaces === undefined) throw new Error('an interface needs the stack');
    const mac = randomBytes(MAC_SIZE);
    mac[0] = (mac[0] & ~GROUP) | LOCAL;
    const name = interfaces.addEthernet(mac, MTU);
    if (typeof name === 'number') return name;
    return new Ethernet(host, name, mac, port => interfaces.connect(name, port));
  }

  /** Frames go and come by the descriptor, which does not block; `lost` is called when it is of no use any more, and detached. */
  attach(fd: number, lost: () => void): void {
    const { stack, sockets } = this.host;
    if (stack.calls.addLink(this.index, fd) < 0) {
      lost();
      return;
    }
    const link = new Link(fd, this, lost);
    this.#links.set(fd, link);
    sockets.loop.watch(fd, link, false);
  }

  detach(fd: number): void {
    if (!this.#links.delete(fd)) return;
    this.host.sockets.loop.unwatch(fd);
    this.host.stack.calls.removeLink(this.index, fd);
  }

  ready(link: Link, events: number): void {
    const { calls } = this.host.stack;
    if ((events & EPOLLOUT) !== 0) this.#flush(link);
    // All that is no room to write is something to read: frames, the end, or an error.
    const status = (events & ~EPOLLOUT) !== 0 ? calls.readLink(this.index, link.fd) : 0;
    if (status < 0) {
      this.detach(link.fd);
      link.lost();
    }
    this.host.sockets.settle();
  }

  #flush(link: Link): void {
    const isBlocked = this.host.stack.calls.flushLink(this.index, link.fd) > 0;
    if (isBlocked === link.isBlocked) return;
    link.isBlocked = isBlocked;
    this.host.sockets.loop.watch(link.fd, link, isBlocked);
  }

  onFrames(): void {
    if (this.host.stack.calls.sendFrames(this.index) <= 0) return;
    for (const link of this.#links.values()) if (!link.isBlocked) this.#flush(link);
  }

  /** Sends a frame of whoever knows better than the stack. */
  transmit(frame: Uint8Array): number {
    const { stack, sockets } = this.host;
    stack.shared.staging.set(frame);
    const status = stack.calls.transmit(this.index, frame.length);
    sockets.settle();
    return status;
  }
}
