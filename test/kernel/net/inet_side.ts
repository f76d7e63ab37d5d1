/** Sockets of AF_INET and AF_INET6 of one kernel, and addresses for random calls on them. */
import fc from 'fast-check';
import { EAGAIN } from '../../../src/abi/linux/errno.js';
import { O_NONBLOCK } from '../../../src/abi/linux/fcntl.js';
import * as inet from '../../../src/abi/linux/inet.js';
import { POLLIN, POLLOUT, POLLRDHUP } from '../../../src/abi/linux/poll.js';
import * as so from '../../../src/abi/linux/socket.js';
import type { Result } from '../../../src/kernel/rump_kernel.js';
import type { SocketSide } from './host_sockets.js';
import { in4, in6 } from './inet_support.js';
import { ints } from './support.js';

/** Ports that a run names are below this; those that a kernel chooses are above (net.ipv4.ip_local_port_range). */
const EPHEMERAL = 32768;
export const SOCKETS_MAX = 10;

/** What the copies of a descriptor share. */
export interface Kind {
  readonly isStream: boolean;
  /** Of IPv6: the family of the addresses that it has. */
  family: number | undefined;
}

export interface Open {
  readonly fd: number;
  readonly kind: Kind;
}

/** Sockets of one kernel. */
export class Side {
  readonly open: Open[] = [];
  /** What the next byte that is sent is. */
  #byte = 0;

  constructor(
    readonly process: SocketSide,
    /** The first of three ports that are this run's. */
    readonly port: number,
  ) {}

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.#byte++ % 251;
    return bytes;
  }

  add(fd: number, isStream: boolean): void {
    // Small segments go at once, so that what has come does not hang on the times of acknowledgements.
    if (isStream) this.process.setsockopt(fd, inet.IPPROTO_TCP, inet.TCP_NODELAY, ints(1));
    this.open.push({ fd, kind: { isStream, family: undefined } });
  }

  close(): void {
    for (const { fd } of this.open) this.process.close(fd);
  }
}

export class Operation {
  constructor(
    readonly text: string,
    readonly run: (side: Side) => unknown,
  ) {}

  /** What a failed property prints. */
  [fc.toStringMethod](): string {
    return this.text;
  }
}

/** The result of a call that must not wait; a poll that waits has nothing to say. */
export function at(result: Result, pending = -EAGAIN): number {
  if (typeof result === 'number') return result;
  result.cancel();
  return pending;
}

function readiness(side: Side): number[] {
  return side.open.map(({ fd }) => at(side.process.poll(fd, POLLIN | POLLOUT | POLLRDHUP), 0));
}

/** Makes the calls: what each said, and what poll(2) said of all sockets behind each. */
export function runAll(side: Side, operations: readonly Operation[]): unknown[] {
  return operations.map(operation => [operation.text, operation.run(side), readiness(side)]);
}

export type On = (process: SocketSide, fd: number, side: Side, kind: Kind) => unknown;

export const which = fc.nat(SOCKETS_MAX - 1);

/** An operation on one of the sockets that there are. */
export function on(slot: number, text: string, run: On): Operation {
  return new Operation(`${text} #${slot}`, side => {
    if (side.open.length === 0) return 'none';
    const { fd, kind } = side.open[slot % side.open.length];
    return run(side.process, fd, side, kind);
  });
}

/** Calls that have no MSG_DONTWAIT: the socket does not block while they are made. */
export function unblocked<T>(process: SocketSide, fd: number, run: () => T): T {
  const flags = at(process.getStatusFlags(fd));
  process.setStatusFlags(fd, flags | O_NONBLOCK);
  const result = run();
  process.setStatusFlags(fd, flags);
  return result;
}

// Addresses.

const V4 = ['0.0.0.0', '127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.2'] as const;
const OTHERS = ['10.1.2.3'] as const;
const V6 = ['::', '::1', '::1', '::1', '::ffff:127.0.0.1', '::ffff:127.0.0.1', '::ffff:0.0.0.0'] as const;
const OTHERS6 = ['2001:db8::1'] as const;
const MANY = ['224.1.2.3', '255.255.255.255', '127.255.255.255'] as const;
const MANY6 = ['ff02::1', 'fe80::1'] as const;

export interface Target {
  readonly v4: string;
  readonly v6: string;
  /** 0: none; 1 to 3: the run's; 4 and more: of one of the sockets. */
  readonly port: number;
  /** Bytes more or fewer than the family's address has. */
  readonly cut: number;
  readonly family: number | undefined;
}

/** `others`: addresses beyond this host, which only a network of one's own may see. */
export const target = (forms: { many: boolean; others: boolean }): fc.Arbitrary<Target> =>
  fc.record({
    v4: fc.constantFrom(...V4, ...(forms.others ? OTHERS : []), ...(forms.many && forms.others ? MANY : [])),
    v6: fc.constantFrom(
      ...V6,
      ...(forms.others ? OTHERS6 : []),
      ...(forms.many && forms.others ? MANY6 : []),
    ),
    port: fc.constantFrom(0, 1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13),
    cut: fc.oneof(
      { weight: 20, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -28, max: 4 }) },
    ),
    family: fc.constantFrom(...Array(20).fill(undefined), 0, 1, so.AF_INET, so.AF_INET6),
  });

export function show({ v4, v6, port, cut, family }: Target): string {
  return `${v4} or ${v6} port ${port}${cut === 0 ? '' : ` cut ${cut}`}${family === undefined ? '' : ` family ${family}`}`;
}

function domainOf(process: SocketSide, fd: number): number {
  const out = new Uint8Array(4);
  process.getsockopt(fd, so.SOL_SOCKET, so.SO_DOMAIN, out);
  return out[0];
}

export function nameOf(process: SocketSide, fd: number): Uint8Array {
  const out = { bytes: new Uint8Array(128), length: 0 };
  process.getsockname(fd, out);
  return out.bytes.subarray(0, out.length);
}

export function portOf(address: Uint8Array): number {
  return (address[2] << 8) | address[3];
}

export function addressOf(side: Side, fd: number, to: Target): Uint8Array {
  const { process } = side;
  let port = 0;
  if (to.port >= 4) port = portOf(nameOf(process, side.open[(to.port - 4) % side.open.length].fd));
  else if (to.port > 0) port = side.port + to.port - 1;
  const whole = domainOf(process, fd) === so.AF_INET ? in4(to.v4, port) : in6(to.v6, port);
  const bytes = new Uint8Array(Math.max(whole.length + to.cut, 0));
  bytes.set(whole.subarray(0, bytes.length));
  if (to.family !== undefined && bytes.length > 0) bytes[0] = to.family;
  return bytes;
}

/**
 * Linux itself cannot mix families on one socket: packets of IPv6 go the way of IPv4 from then on (icsk_af_ops of net/ipv6/tcp_ipv6.c), and
 * those of IPv4 come from 127.0.0.6 (LOOPBACK4_IPV6 of linux/in6.h).
 */
export function isMixed(kind: Kind, address: Uint8Array): boolean {
  if (address.length < 20 || address[0] !== so.AF_INET6) {
    return kind.family === so.AF_INET6 && address[0] === so.AF_INET;
  }
  const family = address[18] === 0xff ? so.AF_INET : so.AF_INET6;
  if (kind.family !== undefined && kind.family !== family) return true;
  kind.family = family;
  return false;
}

/** An address, whose port is as good as any when the kernel chose it. */
export function shown(side: Side, bytes: Uint8Array, length: number): string {
  const port = portOf(bytes);
  const name = length < 4 ? '' : port >= EPHEMERAL ? 'some' : port === 0 ? '0' : `${port - side.port}`;
  const rest = length < 4 ? bytes.subarray(0, length) : bytes.subarray(4, length);
  return `${length}: ${bytes[0]} port ${name} ${Buffer.from(rest).toString('hex')}`;
}
