/** The calls on sockets but for messages: socket(2), bind(2), connect(2), accept(2), names, options, send(2) and recv(2). */
import { EFAULT, EINVAL, ENOTSOCK, EPIPE } from '../../abi/linux/errno.js';
import { MAX_RW_COUNT } from '../../abi/linux/limits.js';
import { MSG_NOSIGNAL, SOCK_CLOEXEC } from '../../abi/linux/socket.js';
import { S_IFSOCK } from '../../abi/linux/stat.js';
import { NR } from '../../abi/linux/syscalls.js';
import type { Result } from '../../kernel/rump_kernel.js';
import { decideFamily } from '../../policy/decide.js';
import { explainRule } from '../../policy/words.js';
import { because, brokenPipe, type Call, type Hijack, reply, rumpFd, whenDone } from '../hijack.js';
import { answerSocket, placeAny } from '../placing.js';
import { renew } from '../renewing.js';
import { addressOut, readAddress, readInt, writeAddress, writeInt } from './addresses.js';
import { USER_END } from './rw.js';

/** As much of an option's value as is read or written; no option of Linux is longer. */
const OPTION_MAX = 65536;

/** Ends a call whose other arguments are wrong, or (0) ask for nothing: what is no socket comes first. */
export function refuseSocket(call: Call, fd: number, errno: number): void {
  whenDone(call, call.state.kernel.fileType(fd), type =>
    call.answer(type !== S_IFSOCK ? -ENOTSOCK : errno === 0 ? 0 : -errno),
  );
}

// Making sockets.

/** True for a family of the policy; else the call has been left to the host. */
function isHijacked(call: Call, hijack: Hijack): boolean {
  const family = call.int(0);
  const decision = decideFamily(hijack.policy, family);
  if (!decision.rump) {
    call.run();
    return false;
  }
  if (hijack.verbose) because(call, `${family}`, explainRule(decision.rule, hijack.policy, family));
  return true;
}

export function sysSocket(call: Call, hijack: Hijack): void {
  if (!isHijacked(call, hijack)) return;
  const type = call.int(1);
  const made = call.state.kernel.socket(call.int(0), type, call.int(2));
  whenDone(call, made, rump => answerSocket(call, hijack, rump, (type & SOCK_CLOEXEC) !== 0));
}

export function sysSocketpair(call: Call, hijack: Hijack): void {
  if (!isHijacked(call, hijack)) return;
  const { kernel } = call.state;
  const type = call.int(1);
  const cloexec = (type & SOCK_CLOEXEC) !== 0;
  const at = call.address(3);
  const numbers = new Int32Array(2);
  const bytes = new Uint8Array(numbers.buffer);
  // As on the host, memory that cannot be written comes before whatever else is wrong.
  if (call.write(at, bytes) < 0) return call.answer(-EFAULT);
  const rump = new Int32Array(2);
  whenDone(call, kernel.socketpair(call.int(0), type, call.int(2), rump), made => {
    if (made < 0) return call.answer(made);
    placeAny(call, hijack, rump[0], cloexec, first => {
      if (first < 0) {
        kernel.close(rump[1]);
        return call.answer(first);
      }
      placeAny(call, hijack, rump[1], cloexec, second => {
        numbers[0] = first;
        numbers[1] = second;
        if (second >= 0 && call.write(at, bytes) === 0) return call.answer(0);
        closeNumber(call, first);
        if (second >= 0) closeNumber(call, second);
        call.answer(second < 0 ? second : -EFAULT);
      });
    });
  });
}

/** Takes a number back that the program was not told of. */
export function closeNumber(call: Call, fd: number): void {
  const { files, kernel } = call.state;
  const rump = files.get(fd);
  call.hostCall(NR.close, fd);
  files.delete(fd);
  if (rump >= 0) kernel.close(rump);
}

function accept(call: Call, hijack: Hijack, flags: number): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const at = call.address(1);
  const peer = at === 0 ? undefined : addressOut();
  whenDone(call, call.state.kernel.accept(fd, flags, peer), rump => {
    if (rump < 0) return call.answer(rump);
    if (peer !== undefined) {
      const written = writeAddress(call, hijack, peer, at, call.address(2));
      if (written < 0) {
        call.state.kernel.close(rump);
        return call.answer(written);
      }
    }
    answerSocket(call, hijack, rump, (flags & SOCK_CLOEXEC) !== 0);
  });
}
export function sysAccept(call: Call, hijack: Hijack): void {
  accept(call, hijack, 0);
}
export function sysAccept4(call: Call, hijack: Hijack): void {
  accept(call, hijack, call.int(3));
}

// Addresses.

export function sysBind(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const address = readAddress(call, hijack, call.address(1), call.int(2));
  if (typeof address === 'number') return refuseSocket(call, fd, -address);
  reply(call, call.state.kernel.bind(fd, address));
}

export function sysConnect(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const address = readAddress(call, hijack, call.address(1), call.int(2));
  if (typeof address === 'number') return refuseSocket(call, fd, -address);
  const mirror = call.state.files.mirrorOf(call.int(0));
  // A blocking connect(2) that fails leaves a socket that can be connected again: nobody is to see the hangup meanwhile.
  mirror?.hold();
  const connected = call.state.kernel.connect(fd, address);
  const answer = (result: number) => {
    renew(call, hijack, mirror);
    call.answer(result);
  };
  if (typeof connected === 'number') {
    mirror?.release();
    return answer(connected);
  }
  call.wait(
    {
      onDone: done =>
        connected.onDone(result => {
          mirror?.release();
          done(result);
        }),
      cancel: () => {
        mirror?.release();
        return connected.cancel();
      },
      killable: connected.killable === true,
      restarts: connected.restarts !== false,
    },
    answer,
  );
}

export function sysListen(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) replyRenewed(call, hijack, call.state.kernel.listen(fd, call.int(1)));
}

/** As reply(), for calls that may leave a socket less hung up than it was. */
function replyRenewed(call: Call, hijack: Hijack, result: Result): void {
  whenDone(call, result, done => {
    renew(call, hijack, call.state.files.mirrorOf(call.int(0)));
    call.answer(done);
  });
}

type NameCall = 'getsockname' | 'getpeername';

function name(call: Call, hijack: Hijack, which: NameCall): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const out = addressOut();
  whenDone(call, call.state.kernel[which](fd, out), result =>
    call.answer(result < 0 ? result : writeAddress(call, hijack, out, call.address(1), call.address(2))),
  );
}
export function sysGetsockname(call: Call, hijack: Hijack): void {
  name(call, hijack, 'getsockname');
}
export function sysGetpeername(call: Call, hijack: Hijack): void {
  name(call, hijack, 'getpeername');
}

export function sysShutdown(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd >= 0) replyRenewed(call, hijack, call.state.kernel.shutdown(fd, call.int(1)));
}

// Options.

export function sysGetsockopt(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const lengthAt = call.address(4);
  const room = readInt(call, lengthAt);
  if (room === undefined) return refuseSocket(call, fd, EFAULT);
  if (room < 0) return refuseSocket(call, fd, EINVAL);
  const out = new Uint8Array(Math.min(room, OPTION_MAX));
  whenDone(call, call.state.kernel.getsockopt(fd, call.int(1), call.int(2), out), length => {
    if (length < 0) return call.answer(length);
    if (call.write(call.address(3), out, 0, Math.min(length, out.length)) < 0) return call.answer(-EFAULT);
    call.answer(writeInt(call, lengthAt, length));
  });
}

export function sysSetsockopt(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const length = call.int(4);
  if (length < 0) return refuseSocket(call, fd, EINVAL);
  const value = new Uint8Array(Math.min(length, OPTION_MAX));
  if (call.read(call.address(3), value) < 0) return refuseSocket(call, fd, EFAULT);
  reply(call, call.state.kernel.setsockopt(fd, call.int(1), call.int(2), value));
}

// Data.

/** A buffer's length, cut to what one call moves (import_ubuf, lib/iov_iter.c); -EFAULT where no buffer can be. */
function bufferLength(at: number, length: number): number {
  const bytes = length < 0 || length > MAX_RW_COUNT ? MAX_RW_COUNT : length;
  return at + bytes > USER_END ? -EFAULT : bytes;
}

/** Ends a call that sends: EPIPE comes with SIGPIPE unless MSG_NOSIGNAL is in `flags`. */
export function replySend(call: Call, fd: number, flags: number, result: Result): void {
  whenDone(call, result, done => endSend(call, fd, flags, done));
}
export function endSend(call: Call, fd: number, flags: number, done: number): void {
  if (done === -EPIPE && (flags & MSG_NOSIGNAL) === 0) brokenPipe(call, fd);
  else call.answer(done);
}

export function sysSendto(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const length = bufferLength(call.address(1), call.long(2));
  if (length < 0) return call.answer(length);
  const flags = call.int(3);
  const nameAt = call.address(4);
  const { kernel } = call.state;
  const uio = call.uio(false, call.address(1), length);
  if (nameAt === 0) return replySend(call, fd, flags, kernel.sendMsg(fd, uio, flags, undefined));
  const to = readAddress(call, hijack, nameAt, call.int(5));
  if (typeof to === 'number') return refuseSocket(call, fd, -to);
  replySend(call, fd, flags, kernel.sendMsg(fd, uio, flags, { name: to, control: [] }));
}

export function sysRecvfrom(call: Call, hijack: Hijack): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const length = bufferLength(call.address(1), call.long(2));
  if (length < 0) return call.answer(length);
  const flags = call.int(3);
  const nameAt = call.address(4);
  const { kernel } = call.state;
  const uio = call.uio(true, call.address(1), length);
  if (nameAt === 0) return reply(call, kernel.recvMsg(fd, uio, flags, undefined));
  const from = addressOut();
  const message = { name: from, controlRoom: 0, control: [], flags: 0 };
  whenDone(call, kernel.recvMsg(fd, uio, flags, message), received => {
    const written = received < 0 ? 0 : writeAddress(call, hijack, from, nameAt, call.address(5));
    call.answer(written < 0 ? written : received);
  });
}
