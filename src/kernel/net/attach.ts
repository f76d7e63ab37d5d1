/** Interfaces beside lo: what --net says, done. */
import { resolve } from 'node:path';
import { ENOSPC, errnoName } from '../../abi/linux/errno.js';
import { AF_INET } from '../../abi/linux/socket.js';
import type { EmbeddedKernel } from '../embedded.js';
import type { Credentials } from '../rump_kernel.js';
import { Bus } from './bus.js';
import { DhcpClient } from './dhcp.js';
import { Ethernet, type NetHost } from './ethernet.js';
import { NetError } from './net_error.js';
import { openTap } from './tap.js';

/** One interface. */
export interface NetSpec {
  /** `tap`: a tap device of the host, by its name. `bus`: a segment shared with other kernels, by its path. */
  readonly kind: 'tap' | 'bus';
  readonly target: string;
  /** IPv4's address comes from a DHCP server, IPv6's from routers. */
  readonly dhcp: boolean;
  readonly addresses: readonly { family: number; address: Uint8Array; prefixLength: number }[];
  /** Next hops of the default routes. */
  readonly gateways: readonly { family: number; address: Uint8Array }[];
}

const ROOT: Credentials = { uid: 0, gid: 0, groups: [] };
/** rn_netif_set() of native/lwip/rumpnetif.h. */
const RN_IF_AUTOCONF = 4;
/** How long an answer of a DHCP server is waited for; milliseconds. */
const DHCP_PATIENCE = 15_000;

/** Sets up interfaces, in order, and waits for addresses that servers give: NetError when one fails, and then there are none. */
export function attachNetwork(
  kernel: EmbeddedKernel,
  specs: readonly NetSpec[],
  say: (line: string) => void,
): Attached {
  const stack = kernel.startNet();
  if (typeof stack === 'string') throw new NetError(stack);
  const attached = new Attached({ sockets: kernel.sockets, stack }, say);
  try {
    for (const spec of specs) attached.add(spec);
  } catch (error) {
    attached.close();
    throw error;
  }
  return attached;
}

export class Attached {
  readonly #host: NetHost;
  readonly #say: (line: string) => void;
  readonly #closers: (() => void)[] = [];

  constructor(host: NetHost, say: (line: string) => void) {
    this.#host = host;
    this.#say = say;
  }

  add(spec: NetSpec): void {
    const ethernet = Ethernet.create(this.#host);
    const what = `${spec.kind}=${spec.target}`;
    if (typeof ethernet === 'number') {
      throw new NetError(`${what}: ${ethernet === -ENOSPC ? 'too many interfaces' : errnoName(-ethernet)}`);
    }
    if (spec.kind === 'tap') this.#closers.push(openTap(ethernet, spec.target, this.#say));
    else {
      const bus = new Bus(ethernet, resolve(spec.target));
      this.#closers.push(() => bus.close());
    }
    this.#configure(spec, ethernet, what);
    if (spec.dhcp) this.#waitForAddress(ethernet, what);
  }

  #configure(spec: NetSpec, { name, index }: Ethernet, what: string): void {
    const { stack: interfaces } = this.#host.sockets;
    if (interfaces === undefined) return;
    if (spec.dhcp) this.#host.stack.calls.setInterface(index, RN_IF_AUTOCONF, 1);
    let status = interfaces.changeInterface({ name, up: true }, ROOT);
    for (const addAddress of spec.addresses) {
      if (status === 0) status = interfaces.changeInterface({ name, addAddress }, ROOT);
    }
    for (const { family, address } of spec.gateways) {
      const destination = new Uint8Array(family === AF_INET ? 4 : 16);
      const route = { family, destination, prefixLength: 0, gateway: address, interface: index };
      if (status === 0) status = interfaces.changeRoute(route, false, ROOT);
    }
    this.#host.sockets.settle();
    if (status !== 0) throw new NetError(`${what}: its addresses cannot be set (${errnoName(-status)})`);
  }

  #waitForAddress(ethernet: Ethernet, what: string): void {
    const client = new DhcpClient(ethernet);
    this.#closers.push(() => client.close());
    const end = performance.now() + DHCP_PATIENCE;
    while (!client.isBound) {
      const left = Math.ceil(end - performance.now());
      if (left <= 0) throw new NetError(`${what}: no DHCP server has answered in ${DHCP_PATIENCE / 1000} s`);
      this.#host.sockets.loop.turn(left);
    }
  }

  /** Leaves buses and closes devices. */
  close(): void {
    for (const close of this.#closers.splice(0).reverse()) close();
  }
}
