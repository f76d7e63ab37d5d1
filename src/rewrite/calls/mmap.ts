/**
 * mmap(2) of a rump file. rumphijack(3) refuses it; here private mappings and shared ones for reading get anonymous
 * memory that is filled from the file. What the file's writers do later is not seen there, and a mapping that would have to write back is refused.
 */
import { EACCES, EINVAL, ENODEV } from '../../abi/linux/errno.js';
import { O_ACCMODE, O_PATH, O_WRONLY } from '../../abi/linux/fcntl.js';
import {
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_SYNC,
  MAP_TYPE,
  PROT_WRITE,
} from '../../abi/linux/mman.js';
import { S_IFCHR, S_IFREG } from '../../abi/linux/stat.js';
import { NR } from '../../abi/linux/syscalls.js';
import { then } from '../../kernel/results.js';
import type { Result, Uio } from '../../kernel/rump_kernel.js';
import { type Call, type Hijack, rumpFd, whenDone, withPath } from '../hijack.js';

const PAGE = 4096;

/** The pages of a mapping as a Uio: the program itself may not be allowed to write there. */
class MappingUio implements Uio {
  readonly #call: Call;
  #address: number;
  resid: number;

  constructor(call: Call, address: number, length: number) {
    this.#call = call;
    this.#address = address;
    this.resid = length;
  }
  move(buf: Uint8Array, offset: number, length: number): number {
    const n = this.#call.poke(this.#address, buf, offset, length);
    if (n <= 0) return 0;
    this.#address += n;
    this.resid -= n;
    return n;
  }
}

export function sysMmap(call: Call, hijack: Hijack): void {
  const flags = call.int(3);
  if ((flags & MAP_ANONYMOUS) !== 0) return call.run();
  const fd = rumpFd(call, hijack, 4);
  if (fd < 0) return;
  const [protection, offset] = [call.int(2), call.long(5)];
  whenDone(call, refuse(call, fd, flags, protection, offset), type => {
    if (type >= 0) return map(call, fd, type);
    hijack.stats.refused++;
    call.answer(type);
  });
}

/** Makes the mapping: anonymous memory, filled from a regular file. */
function map(call: Call, fd: number, fileType: number): void {
  const [length, protection, flags, offset] = [call.long(1), call.int(2), call.int(3), call.long(5)];
  const anonymous = (flags & ~(MAP_TYPE | MAP_SYNC)) | MAP_PRIVATE | MAP_ANONYMOUS;
  const address = call.hostCall(NR.mmap, call.address(0), length, protection, anonymous, -1, 0);
  if (address < 0) return call.answer(address);
  const { kernel } = call.state;
  if (fileType !== S_IFREG) return call.answer(address);
  whenDone(call, kernel.pread(fd, new MappingUio(call, address, length), offset, 0), done => {
    if (done < 0) call.hostCall(NR.munmap, address, Math.ceil(length / PAGE) * PAGE);
    call.answer(done < 0 ? done : address);
  });
}

/** The file's type, or why the mapping cannot be had (mmap(2), ERRORS). */
function refuse(call: Call, fd: number, flags: number, protection: number, offset: number): Result {
  const { kernel } = call.state;
  const type = flags & MAP_TYPE;
  if (type !== MAP_PRIVATE && type !== MAP_SHARED && type !== MAP_SHARED_VALIDATE) return -EINVAL;
  if (offset % PAGE !== 0) return -EINVAL;
  return then(kernel.getStatusFlags(fd), status => {
    if (status < 0) return -ENODEV;
    if ((status & O_ACCMODE) === O_WRONLY || (status & O_PATH) !== 0) return -EACCES;
    return then(kernel.fileType(fd), fileType => {
      // Of the devices only /dev/zero can be mapped, and it reads as fresh memory does.
      if (fileType === S_IFCHR)
        return withPath(kernel, fd, path =>
          path === '/dev/zero' && type === MAP_PRIVATE ? fileType : -ENODEV,
        );
      if (fileType !== S_IFREG) return -ENODEV;
      if (type !== MAP_PRIVATE && (protection & PROT_WRITE) !== 0)
        return (status & O_ACCMODE) === 0 ? -EACCES : -ENODEV;
      return fileType;
    });
  });
}
