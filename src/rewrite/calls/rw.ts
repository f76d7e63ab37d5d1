/** read(2), write(2), their vector and positional forms, lseek(2). */
import { EFAULT, EINVAL } from '../../abi/linux/errno.js';
import { IOV_MAX, MAX_RW_COUNT } from '../../abi/linux/limits.js';
import { IOVEC_SIZE } from '../../abi/linux/msg.js';
import { type Call, type Hijack, reply, replyWrite, rumpFd } from '../hijack.js';

const TWO_32 = 0x1_0000_0000;
/** TASK_SIZE_MAX: access_ok() refuses buffers that reach beyond it. */
export const USER_END = 0x7fff_ffff_f000;

/** A byte count argument, cut to what one call moves (read(2), NOTES); -1 for one that is negative. */
function count(call: Call, n: number): number {
  const bytes = call.long(n);
  return bytes > MAX_RW_COUNT ? MAX_RW_COUNT : bytes < 0 ? -1 : bytes;
}

function readBuffer(call: Call, fd: number, positional: boolean): void {
  const length = count(call, 2);
  if (length < 0) return call.answer(-EINVAL);
  const uio = call.uio(true, call.address(1), length);
  const { kernel } = call.state;
  reply(call, positional ? kernel.pread(fd, uio, call.long(3), 0) : kernel.read(fd, uio));
}

function writeBuffer(call: Call, fd: number, positional: boolean): void {
  const length = count(call, 2);
  if (length < 0) return call.answer(-EINVAL);
  const uio = call.uio(false, call.address(1), length);
  const { kernel } = call.state;
  replyWrite(call, fd, positional ? kernel.pwrite(fd, uio, call.long(3), 0) : kernel.write(fd, uio));
}

export function sysRead(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) readBuffer(call, fd, false);
}

export function sysWrite(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) writeBuffer(call, fd, false);
}

export function sysPread64(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  if (call.long(3) < 0) return call.answer(-EINVAL);
  readBuffer(call, fd, true);
}

export function sysPwrite64(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  if (call.long(3) < 0) return call.answer(-EINVAL);
  writeBuffer(call, fd, true);
}

/** import_iovec(): base, length pairs, or -errno. The total is cut to MAX_RW_COUNT. */
export function readVector(call: Call, address: number, entries: number): number[] | number {
  if (entries < 0 || entries > IOV_MAX) return -EINVAL;
  const bytes = new Uint8Array(entries * IOVEC_SIZE);
  const fault = call.read(address, bytes);
  if (fault < 0) return fault;
  const words = new Uint32Array(bytes.buffer);
  const vector: number[] = [];
  let left = MAX_RW_COUNT;
  for (let i = 0; i < words.length; i += 4) {
    const base = words[i + 1] * TWO_32 + words[i];
    const length = (words[i + 3] | 0) * TWO_32 + words[i + 2];
    if (length < 0) return -EINVAL;
    if (length > 0 && base + length > USER_END) return -EFAULT;
    const used = Math.min(length, left);
    left -= used;
    vector.push(base, used);
  }
  return vector;
}

type VectorForm = { write: boolean; offset: number | undefined; flags: number };

function transferVector(call: Call, fd: number, form: VectorForm): void {
  const vector = readVector(call, call.address(1), call.int(2));
  if (typeof vector === 'number') return call.answer(vector);
  const uio = call.uioVector(!form.write, vector);
  const { kernel } = call.state;
  const { offset, flags } = form;
  if (form.write) {
    replyWrite(
      call,
      fd,
      offset === undefined ? kernel.write(fd, uio) : kernel.pwrite(fd, uio, offset, flags),
    );
  } else {
    reply(call, offset === undefined ? kernel.read(fd, uio) : kernel.pread(fd, uio, offset, flags));
  }
}

export function sysReadv(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) transferVector(call, fd, { write: false, offset: undefined, flags: 0 });
}

export function sysWritev(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) transferVector(call, fd, { write: true, offset: undefined, flags: 0 });
}

function positionalVector(call: Call, hijack: Hijack, write: boolean, second: boolean): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  // x86-64 carries the whole offset in the low argument (preadv(2), C library/kernel differences).
  const offset = call.long(3);
  if (offset < (second ? -1 : 0)) return call.answer(-EINVAL);
  transferVector(call, fd, { write, offset, flags: second ? call.int(5) : 0 });
}

export function sysPreadv(call: Call, hijack: Hijack): void {
  positionalVector(call, hijack, false, false);
}
export function sysPwritev(call: Call, hijack: Hijack): void {
  positionalVector(call, hijack, true, false);
}
export function sysPreadv2(call: Call, hijack: Hijack): void {
  positionalVector(call, hijack, false, true);
}
export function sysPwritev2(call: Call, hijack: Hijack): void {
  positionalVector(call, hijack, true, true);
}

export function sysLseek(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) reply(call, call.state.kernel.lseek(fd, call.long(1), call.int(2)));
}
