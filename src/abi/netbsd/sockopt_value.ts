/** Values of socket options, from NetBSD's bytes to Linux's and back, by the formats of sockopt.ts. */
import { toLinuxErrno, toNetbsdErrno } from './errno.js';
import type { SockoptFormat } from './sockopt.js';

const INT_SIZE = 4;
const USEC = 8;
const USEC_SIZE = 4;

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

function intOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getInt32(0, true);
}

/** A value of NetBSD's as Linux has it. One of the wrong length stays so: the kernel refuses it. */
export function toLinuxSockoptValue(format: SockoptFormat, bytes: Uint8Array): Uint8Array {
  switch (format) {
    case 'byte':
      return bytes.length === 1 ? int(bytes[0]) : bytes;
    case 'errno':
      return bytes.length < INT_SIZE ? bytes : int(toLinuxErrno(intOf(bytes)));
    case 'filter':
      return bytes.map(byte => ~byte);
    case 'timeval': {
      const value = bytes.slice();
      value.fill(0, USEC + USEC_SIZE);
      return value;
    }
    default:
      return bytes;
  }
}

/** A value of Linux's as NetBSD has it. */
export function toNetbsdSockoptValue(format: SockoptFormat, bytes: Uint8Array): Uint8Array {
  switch (format) {
    case 'byte':
      return bytes.slice(0, 1);
    case 'errno':
      return bytes.length < INT_SIZE ? bytes : int(toNetbsdErrno(intOf(bytes)));
    case 'filter':
      return bytes.map(byte => ~byte);
    default:
      return bytes;
  }
}
