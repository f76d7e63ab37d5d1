/** The host's C library, called from this process. */
import koffi from 'koffi';

export const libc = koffi.load('libc.so.6');

/** A function of this prototype whose -1 is -errno instead. */
export function libcCall(prototype: string): (...args: unknown[]) => number {
  const native = libc.func(prototype);
  return (...args: unknown[]): number => {
    const result: unknown = native(...args);
    const value = Number(result);
    return value === -1 ? -koffi.errno() : value;
  };
}
