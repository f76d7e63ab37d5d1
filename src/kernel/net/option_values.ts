/** How values of socket options are read and written. */
import { EINVAL } from '../../abi/linux/errno.js';
import type { Credentials } from '../rump_kernel.js';
import type { NetInterface } from '../socket_calls.js';
import type { OptionState } from './option_row.js';

/** CAP_NET_ADMIN and CAP_NET_RAW are root's. */
export function isPrivileged(cred: Credentials): boolean {
  return cred.uid === 0;
}

// Values.

/** A 32-bit number in the machine's order; bytes that are missing are 0. */
export function int32(bytes: Uint8Array, at = 0): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

/** As much of a value as there is room for: the length. */
export function putBytes(out: Uint8Array, value: Uint8Array): number {
  const length = Math.min(out.length, value.length);
  out.set(length === value.length ? value : value.subarray(0, length));
  return length;
}

export function putInts(out: Uint8Array, ...values: number[]): number {
  return putBytes(out, new Uint8Array(Int32Array.from(values).buffer));
}

export function putU64(out: Uint8Array, value: bigint): number {
  return putBytes(out, new Uint8Array(BigUint64Array.of(value).buffer));
}

export function inRange(value: number, low: number, high: number): number {
  return value < low || value > high ? -EINVAL : 0;
}

// Interfaces.

export function byIndex(options: OptionState, index: number): NetInterface | undefined {
  return options.target.interfaces().find(each => each.index === index);
}

/** The interface that has an address (ip_dev_find()). */
export function byAddress(options: OptionState, address: Uint8Array): NetInterface | undefined {
  const wanted = Buffer.from(address);
  return options.target.interfaces().find(each => each.addresses.some(own => wanted.equals(own.address)));
}
