/** struct timespec and timeval of NetBSD (sys/time.h): 64-bit seconds, then 64-bit nanoseconds or 32-bit microseconds. */

export const NB_TIMESPEC_SIZE = 16;
export const NB_TIMEVAL_SIZE = 16;
/** sys/stat.h */
export const NB_UTIME_NOW = 0x3fffffff;
export const NB_UTIME_OMIT = 0x3ffffffe;
const TWO_32 = 0x1_0000_0000;

function putInt64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / TWO_32), true);
}

function getInt64(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

/** Seconds and nanoseconds, or NB_UTIME_NOW, NB_UTIME_OMIT. */
export function encodeNetbsdTimespec(view: DataView, at: number, sec: number, nsec: number): void {
  putInt64(view, at, sec);
  putInt64(view, at + 8, nsec);
}
export function decodeNetbsdTimespec(view: DataView, at: number): { sec: number; nsec: number } {
  return { sec: getInt64(view, at), nsec: getInt64(view, at + 8) };
}

/** Seconds and microseconds; the last four bytes are padding. */
export function encodeNetbsdTimeval(view: DataView, at: number, sec: number, usec: number): void {
  putInt64(view, at, sec);
  view.setInt32(at + 8, usec, true);
  view.setInt32(at + 12, 0, true);
}
export function decodeNetbsdTimeval(view: DataView, at: number): { sec: number; usec: number } {
  return { sec: getInt64(view, at), usec: view.getInt32(at + 8, true) };
}
