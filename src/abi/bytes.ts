/**
 * 64-bit little-endian integers as JavaScript numbers: exact from -2^53 to 2^53, which sizes, offsets, times and inode numbers
 * are. Two 32-bit halves, since a BigInt is an allocation.
 */

const TWO_32 = 0x1_0000_0000;

/** Writes a 64-bit integer; a negative one in two's complement. */
export function setInt64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setInt32(offset + 4, Math.floor(value / TWO_32) | 0, true);
}

/** Writes an unsigned 64-bit integer; -1 gives all ones. The same bits as `setInt64`. */
export const setUint64 = setInt64;

/** Reads a signed 64-bit integer. Beyond 2^53 the nearest number. */
export function getInt64(view: DataView, offset: number): number {
  return view.getInt32(offset + 4, true) * TWO_32 + view.getUint32(offset, true);
}

/** Reads an unsigned 64-bit integer. Beyond 2^53 the nearest number. */
export function getUint64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * TWO_32 + view.getUint32(offset, true);
}

/** Writes a 32-bit integer into bytes, little-endian. */
export function putUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value & 0xff;
  bytes[offset + 1] = (value >>> 8) & 0xff;
  bytes[offset + 2] = (value >>> 16) & 0xff;
  bytes[offset + 3] = value >>> 24;
}

/** Reads an unsigned 32-bit integer out of bytes, little-endian. */
export function takeUint32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24)) >>> 0
  );
}

/** As `setInt64`, into bytes. */
export function putInt64(bytes: Uint8Array, offset: number, value: number): void {
  putUint32(bytes, offset, value >>> 0);
  putUint32(bytes, offset + 4, Math.floor(value / TWO_32) | 0);
}

/** As `getInt64`, out of bytes. */
export function takeInt64(bytes: Uint8Array, offset: number): number {
  return (takeUint32(bytes, offset + 4) | 0) * TWO_32 + takeUint32(bytes, offset);
}

/** As `getUint64`, out of bytes. */
export function takeUint64(bytes: Uint8Array, offset: number): number {
  return takeUint32(bytes, offset + 4) * TWO_32 + takeUint32(bytes, offset);
}
