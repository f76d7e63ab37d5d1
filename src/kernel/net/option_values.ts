/** How values of socket options are read and written. */
import { EINVAL } from '../../abi/linux/errno.js';
import type { Credentials } from '../rump_kernel.js';
import type { NetInterface } from '../socket_calls.js';
import type { OptionRow, OptionState } from './option_row.js';

/** CAP_NET_ADMIN and CAP_NET_RAW are root's. */
export function isPrivileged(cred: Credentials): boolean {
  return cred.uid === 0;
}

export function inRange(value: number, low: number, high: number): number {
  return value < low || value > high ? -EINVAL : 0;
}

// What is refused.

/** Reading gives an error, whatever room there is. */
export function refuses(errno: number): NonNullable<Exclude<OptionRow['get'], false>> {
  return () => -errno;
}

/** Setting gives an error, after the length was looked at. */
export function setRefuses(errno: number): NonNullable<Exclude<OptionRow['set'], false>> {
  return (_, value) => (value.length < 4 ? -EINVAL : -errno);
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
