/** The character devices of mem(4), null(4) and random(4), as the host's drivers/char has them. */
import { EFAULT, EINVAL, ENOSPC, ENOTTY, ENXIO } from '../../abi/linux/errno.js';
import { makedev, S_IFCHR, S_IFMT } from '../../abi/linux/stat.js';
import type { Uio } from '../rump_kernel.js';

/**
 * A driver. None of these devices blocks or has a position: lseek(2) on them always gives 0, pread and pwrite
 * ignore the offset, poll(2) says readable and writable, fsync and ftruncate are EINVAL.
 */
export interface DeviceDriver {
  /** Its name in /dev. */
  readonly name: string;
  /** Device number (makedev(3)). */
  readonly rdev: number;
  /** Bytes read, or -errno. */
  read(uio: Uio): number;
  /** Bytes taken, or -errno. */
  write(uio: Uio): number;
  /** FIONREAD. */
  readable(): number;
}

/** How much is moved at a time; also the most that getRandomValues gives. */
const CHUNK = 65536;
const zeros = new Uint8Array(CHUNK);
const scratch = new Uint8Array(CHUNK);

/** Numbers of the host's Documentation/admin-guide/devices.txt: all have major 1. */
function memoryDevice(
  minor: number,
  name: string,
  read: DeviceDriver['read'],
  write: DeviceDriver['write'],
  readable = -ENOTTY,
): DeviceDriver {
  return { name, rdev: makedev(1, minor), read, write, readable: () => readable };
}

/** Moves all that the program asks for, chunk by chunk; `prepare` readies the first `length` bytes of `chunk`. */
function moveAll(uio: Uio, chunk: Uint8Array, prepare: (length: number) => void): number {
  let total = 0;
  while (uio.resid > 0) {
    const wanted = Math.min(uio.resid, chunk.length);
    prepare(wanted);
    const moved = uio.move(chunk, 0, wanted);
    total += moved;
    if (moved < wanted) return total > 0 ? total : -EFAULT;
  }
  return total;
}

const readZeros = (uio: Uio): number => moveAll(uio, zeros, () => {});
const readRandom = (uio: Uio): number =>
  moveAll(uio, scratch, length => crypto.getRandomValues(scratch.subarray(0, length)));
/** The data is not looked at: a bad address is no error. */
const discard = (uio: Uio): number => uio.resid;
/** Whoever writes stirs the pool, which needs no stirring here; bad addresses are errors all the same. */
const stir = (uio: Uio): number => moveAll(uio, scratch, () => {});

/** All devices there are. */
export const DEVICES: readonly DeviceDriver[] = [
  memoryDevice(3, 'null', () => 0, discard),
  memoryDevice(5, 'zero', readZeros, discard),
  memoryDevice(7, 'full', readZeros, () => -ENOSPC),
  memoryDevice(8, 'random', readRandom, stir, -EINVAL),
  memoryDevice(9, 'urandom', readRandom, stir, -EINVAL),
];

/** The driver of a device node: `mode` of its inode, `rdev` its number. -ENXIO when there is none (open(2)). */
export function findDevice(mode: number, rdev: number): DeviceDriver | number {
  if ((mode & S_IFMT) !== S_IFCHR) return -ENXIO;
  return DEVICES.find(device => device.rdev === rdev) ?? -ENXIO;
}
