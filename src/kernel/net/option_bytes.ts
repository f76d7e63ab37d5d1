/** Values of options and control messages as bytes. */

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

/** An int of IPPROTO_IP: a buffer that is shorter gets a byte, when one is enough (do_ip_getsockopt()). */
export function putShortInt(out: Uint8Array, value: number): number {
  if (out.length === 0 || out.length >= 4 || value < 0 || value > 0xff) return putInts(out, value);
  out[0] = value;
  return 1;
}

export function putU64(out: Uint8Array, value: bigint): number {
  return putBytes(out, new Uint8Array(BigUint64Array.of(value).buffer));
}
