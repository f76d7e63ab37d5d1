/** Reads and writes on the wire, in pieces that both sides can take. */
import { EFAULT } from '../../abi/linux/errno.js';
import { SEEK_CUR } from '../../abi/linux/fcntl.js';
import { NB } from '../../abi/netbsd/nr.js';
import { andThen, then } from '../../kernel/results.js';
import type { Result, Uio } from '../../kernel/rump_kernel.js';
import type { SysCall } from './syscall.js';

/** One call reads at most this much, bytes; a longer read is several. */
const READ_PIECE = 16 * 1024 * 1024;
/** One call writes at most this much: it is copied out of the program first. */
const WRITE_PIECE = 1024 * 1024;
/** As copy_file_range(2) moves at once. */
const COPY_PIECE = 128 * 1024;

/** A buffer of ours as the other side of a transfer. */
class Bytes implements Uio {
  resid: number;
  #at = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly toBytes: boolean,
  ) {
    this.resid = bytes.length;
  }

  move(buf: Uint8Array, offset: number, length: number): number {
    const n = Math.min(length, this.resid);
    if (this.toBytes) this.bytes.set(buf.subarray(offset, offset + n), this.#at);
    else buf.set(this.bytes.subarray(this.#at, this.#at + n), offset);
    this.#at += n;
    this.resid -= n;
    return n;
  }
}

export class Transfers {
  readonly #onFd: (nr: number, fd: number) => SysCall | number;
  readonly #submit: (call: SysCall) => Result;

  constructor(onFd: (nr: number, fd: number) => SysCall | number, submit: (call: SysCall) => Result) {
    this.#onFd = onFd;
    this.#submit = submit;
  }

  /** read(2) at the file's own offset, as much as there is. */
  read(fd: number, uio: Uio): Result {
    return this.#pieces(uio, READ_PIECE, () => this.readOnce(fd, uio));
  }

  /** One read(2): what it gave is what the program's memory took. */
  readOnce(fd: number, uio: Uio): Result {
    const call = this.#onFd(NB.read, fd);
    if (typeof call === 'number') return call;
    const length = Math.min(uio.resid, READ_PIECE);
    call.target(uio, length).long(length);
    let lost = 0;
    call.finish = done => {
      lost = Math.max(0, done.result - done.delivered);
      return received(done);
    };
    return then(this.#submit(call), got => {
      // Bytes that did not reach the program are read again by the next call (EFAULT as on Linux: read(2)).
      if (lost === 0) return got;
      return then(this.#skip(fd, -lost), () => got);
    });
  }

  readAt(fd: number, uio: Uio, offset: number): Result {
    let at = offset;
    return this.#pieces(uio, READ_PIECE, () => {
      const call = this.#onFd(NB.pread, fd);
      if (typeof call === 'number') return call;
      const length = Math.min(uio.resid, READ_PIECE);
      call.target(uio, length).long(length).pad().long(at);
      call.finish = received;
      return andThen(this.#submit(call), got => {
        at += got;
        return got;
      });
    });
  }

  write(fd: number, uio: Uio): Result {
    return this.#pieces(uio, WRITE_PIECE, () => {
      const call = this.#onFd(NB.write, fd);
      return typeof call === 'number' ? call : this.#writePiece(call, uio, undefined);
    });
  }

  writeAt(fd: number, uio: Uio, offset: number): Result {
    let at = offset;
    return this.#pieces(uio, WRITE_PIECE, () => {
      const call = this.#onFd(NB.pwrite, fd);
      if (typeof call === 'number') return call;
      return andThen(this.#writePiece(call, uio, at), written => {
        at += written;
        return written;
      });
    });
  }

  /** One write(2) of bytes of ours. */
  writeBytes(fd: number, bytes: Uint8Array): Result {
    const call = this.#onFd(NB.write, fd);
    if (typeof call === 'number') return call;
    return this.#submit(call.buffer(bytes).long(bytes.length));
  }

  #writePiece(call: SysCall, uio: Uio, offset: number | undefined): Result {
    const wanted = Math.min(uio.resid, WRITE_PIECE);
    const length = call.source(uio, wanted);
    // Nothing there at all: the server looks at the descriptor, and says what is wrong with that first.
    const fault = length === 0 && wanted > 0;
    call.long(length);
    if (offset !== undefined) call.pad().long(offset);
    const result = this.#submit(call);
    return fault ? andThen(result, () => -EFAULT) : result;
  }

  /** Goes on until all is moved, a piece comes back short, or one fails: an error counts when nothing was moved before. */
  #pieces(uio: Uio, piece: number, one: () => Result): Result {
    let moved = 0;
    const some = (): Result => {
      const wanted = Math.min(uio.resid, piece);
      return then(one(), got => {
        if (got < 0) return moved > 0 ? moved : got;
        moved += got;
        return got === wanted && got > 0 && uio.resid > 0 ? some() : moved;
      });
    };
    return some();
  }

  #skip(fd: number, by: number): Result {
    const call = this.#onFd(NB.lseek, fd);
    return typeof call === 'number' ? call : this.#submit(call.pad().long(by).int(SEEK_CUR));
  }

  /** Reads and writes by pieces, `at` counted from the start; `giveBack` takes back what was read and not written. */
  copy(
    read: (uio: Uio, at: number) => Result,
    write: (uio: Uio, at: number) => Result,
    giveBack: (unread: number) => Result,
    length: number,
  ): Result {
    let done = 0;
    const piece = (): Result => {
      const bytes = new Uint8Array(Math.min(length - done, COPY_PIECE));
      return then(read(new Bytes(bytes, true), done), got => {
        if (got <= 0) return done > 0 ? done : got;
        return then(write(new Bytes(bytes.subarray(0, got), false), done), written => {
          const moved = Math.max(written, 0);
          const before = done;
          done += moved;
          if (moved < got) return then(giveBack(got - moved), () => (done > 0 ? done : written));
          return done < length && done > before ? piece() : done;
        });
      });
    };
    return length === 0 ? 0 : piece();
  }
}

/** A read's result, when the program's memory took all of it; else what it took, or -EFAULT. */
function received(call: SysCall): number {
  if (call.result <= call.delivered) return call.result;
  return call.delivered > 0 ? call.delivered : -EFAULT;
}
