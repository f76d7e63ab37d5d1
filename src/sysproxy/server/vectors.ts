/** The memory that a client's call names: its iovec, and the bytes in it. */
import { EFAULT, EINVAL } from '../../abi/linux/errno.js';
import { decodeNetbsdIovec, NB_IOVEC_SIZE } from '../../abi/netbsd/msg.js';
import type { Call, Steps } from './call.js';
import { callError } from './errors.js';
import type { Range } from './uio.js';

const SSIZE_MAX = 2 ** 63 - 1;

/** An iovec of `count` entries, which the caller has checked. */
export function* readIovec(call: Call, address: number, count: number): Steps<Range[]> {
  const bytes = yield* call.copyin(address, count * NB_IOVEC_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const ranges: Range[] = [];
  for (let at = 0; at < bytes.length; at += NB_IOVEC_SIZE) {
    const { base, length } = decodeNetbsdIovec(view, at);
    ranges.push({ address: base, length });
  }
  return ranges;
}

/** Bytes of all ranges. Ends the call with EFAULT for an address that no program has, EINVAL for more than SSIZE_MAX. */
export function totalOf(ranges: readonly Range[]): number {
  let total = 0;
  for (const { address, length } of ranges) {
    if (address > Number.MAX_SAFE_INTEGER) throw callError(EFAULT);
    total += length;
  }
  if (total > SSIZE_MAX) throw callError(EINVAL);
  return total;
}

/** `length` bytes of the client's memory in `ranges`, from the `from`th on; valid until the next wait. */
export function* gather(
  call: Call,
  ranges: readonly Range[],
  from: number,
  length: number,
): Steps<Uint8Array> {
  let skip = from;
  let gathered: Uint8Array | undefined;
  let have = 0;
  for (const range of ranges) {
    if (have === length) break;
    if (skip >= range.length) {
      skip -= range.length;
      continue;
    }
    const part = Math.min(range.length - skip, length - have);
    const bytes = yield* call.borrow(range.address + skip, part);
    if (part === length) return bytes;
    gathered ??= new Uint8Array(length);
    gathered.set(bytes, have);
    have += part;
    skip = 0;
  }
  return gathered ?? new Uint8Array(0);
}
