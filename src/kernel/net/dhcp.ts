/** A DHCP client (RFC 2131): it asks for an address, keeps it as long as it may, and asks again. */
import { randomBytes } from 'node:crypto';
import { AF_INET } from '../../abi/linux/socket.js';
import type { Timer } from '../../native/loop.js';
import type { Credentials } from '../rump_kernel.js';
import {
  DHCPACK,
  DHCPDISCOVER,
  DHCPNAK,
  DHCPOFFER,
  DHCPREQUEST,
  type DhcpAnswer,
  type DhcpQuestion,
  dhcpFrame,
  parseDhcp,
} from './dhcp_packet.js';
import type { Ethernet } from './ethernet.js';
import { prefixOf } from './interface_addresses.js';

const ROOT: Credentials = { uid: 0, gid: 0, groups: [] };
/** rn_netif_set() of native/lwip/rumpnetif.h. */
const RN_IF_DHCP = 3;
/** RFC 2131, 4.1: the first wait, doubled each time, and the longest; milliseconds. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 64_000;
/** As often a server that made an offer is asked for it. */
const REQUESTS = 4;
/** RFC 2131, 4.4.5: the shortest wait between requests for more time; seconds. */
const RENEWAL_WAIT = 60;
const SECOND = 1000;
const DEFAULT_PREFIX = 24;

type State =
  | { readonly name: 'selecting' }
  | { readonly name: 'requesting'; readonly offer: DhcpAnswer; readonly count: number }
  | { readonly name: 'bound'; readonly lease: DhcpAnswer };

export class DhcpClient {
  readonly #ethernet: Ethernet;
  #state: State = { name: 'selecting' };
  #timer: Timer | undefined;
  #xid = 0;
  #wait = FIRST_WAIT;

  constructor(ethernet: Ethernet) {
    this.#ethernet = ethernet;
    ethernet.onDhcp = () => this.#answered();
    this.#discover();
  }

  get isBound(): boolean {
    return this.#state.name === 'bound';
  }

  close(): void {
    this.#cancel();
    this.#listen(0);
    this.#ethernet.onDhcp = () => {};
  }

  #cancel(): void {
    if (this.#timer !== undefined) this.#ethernet.host.sockets.loop.cancel(this.#timer);
    this.#timer = undefined;
  }

  #after(milliseconds: number, run: () => void): void {
    this.#cancel();
    if (!Number.isFinite(milliseconds)) return;
    this.#timer = this.#ethernet.host.sockets.loop.after(milliseconds, () => {
      this.#timer = undefined;
      run();
    });
  }

  /** Answers with this number are handed to us; 0: none are. */
  #listen(xid: number): void {
    this.#xid = xid;
    this.#ethernet.host.stack.calls.setInterface(this.#ethernet.index, RN_IF_DHCP, xid | 0);
  }

  #ask(type: number, more: Pick<DhcpQuestion, 'own' | 'address' | 'server'>): void {
    this.#ethernet.transmit(dhcpFrame({ type, xid: this.#xid, mac: this.#ethernet.mac, ...more }));
  }

  #discover(): void {
    this.#state = { name: 'selecting' };
    this.#wait = FIRST_WAIT;
    this.#listen(randomBytes(4).readUInt32BE(0) | 1);
    this.#askForOffers();
  }

  #askForOffers(): void {
    this.#ask(DHCPDISCOVER, {});
    this.#after(this.#wait, () => this.#askForOffers());
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
  }

  #request(offer: DhcpAnswer, count: number): void {
    if (count === REQUESTS) {
      this.#discover();
      return;
    }
    this.#state = { name: 'requesting', offer, count };
    this.#ask(DHCPREQUEST, { address: offer.address, server: offer.server });
    this.#after(FIRST_WAIT << count, () => this.#request(offer, count + 1));
  }

  #answered(): void {
    const { calls, shared } = this.#ethernet.host.stack;
    const length = calls.takeDhcp(this.#ethernet.index);
    const answer = length > 0 ? parseDhcp(shared.staging.subarray(0, length)) : undefined;
    if (answer === undefined) return;
    const state = this.#state;
    if (answer.type === DHCPOFFER && state.name === 'selecting') this.#request(answer, 0);
    else if (answer.type === DHCPACK && state.name !== 'selecting') this.#bind(answer);
    else if (answer.type === DHCPNAK && state.name !== 'selecting') {
      this.#giveUp();
      this.#discover();
    }
  }

  #bind(lease: DhcpAnswer): void {
    const before = this.#state;
    const isNew = before.name !== 'bound' || !Buffer.from(before.lease.address).equals(lease.address);
    if (isNew) {
      this.#giveUp();
      this.#state = { name: 'bound', lease };
      this.#configure(lease);
    } else this.#state = { name: 'bound', lease };
    const now = performance.now();
    const renewal = lease.renewal ?? lease.lease / 2;
    this.#after(renewal * SECOND, () => this.#renew(lease, now + lease.lease * SECOND));
  }

  #configure({ address, mask, router }: DhcpAnswer): void {
    const { name, index, host } = this.#ethernet;
    const prefix = mask === undefined ? DEFAULT_PREFIX : prefixOf(mask);
    const prefixLength = prefix < 0 ? DEFAULT_PREFIX : prefix;
    const { stack: interfaces } = host.sockets;
    interfaces?.changeInterface({ name, addAddress: { family: AF_INET, address, prefixLength } }, ROOT);
    if (router === undefined) return;
    const route = {
      family: AF_INET,
      destination: new Uint8Array(4),
      prefixLength: 0,
      gateway: router,
      interface: index,
    };
    // Another interface may have the default route already.
    interfaces?.changeRoute(route, false, ROOT);
  }

  /** Asks all servers for more time, again and again until `end`, in milliseconds of performance.now(). */
  #renew(lease: DhcpAnswer, end: number): void {
    const left = (end - performance.now()) / SECOND;
    if (left <= 0) {
      this.#giveUp();
      this.#discover();
      return;
    }
    this.#ask(DHCPREQUEST, { own: lease.address });
    const wait = Math.min(left, Math.max(left / 2, RENEWAL_WAIT));
    this.#after(wait * SECOND, () => this.#renew(lease, end));
  }

  /** The address is not ours any more. */
  #giveUp(): void {
    if (this.#state.name !== 'bound') return;
    const { address } = this.#state.lease;
    const { name, host } = this.#ethernet;
    host.sockets.stack?.changeInterface({ name, removeAddress: { family: AF_INET, address } }, ROOT);
  }
}
