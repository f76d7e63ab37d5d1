/**
 * Rump descriptors inside the memory of host calls: sendmsg(2) would pass a placeholder, io_submit(2) would read and write one. Neither may
 * look like a success.
 */
import { EINVAL, EOPNOTSUPP } from '../../abi/linux/errno.js';
import { because, type Call, type Hijack } from '../hijack.js';

/** struct msghdr (bits/socket.h): msg_control and msg_controllen. */
const MSGHDR_SIZE = 56;
const MSG_CONTROL = 32;
const MSG_CONTROLLEN = 40;
/** struct mmsghdr: a msghdr and the length sent. */
const MMSGHDR_SIZE = 64;
/** struct cmsghdr: length, level, type; then the data. */
const CMSG_HEADER = 16;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** As much control data as Linux takes by default (net.core.optmem_max). */
const CONTROL_MAX = 131072;
const UIO_MAXIOV = 1024;
const TWO_32 = 0x1_0000_0000;

function pointer(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

/** The first rump descriptor among the rights that a message carries, or -1. */
function rightsOf(call: Call, header: DataView, at: number): number {
  const length = pointer(header, at + MSG_CONTROLLEN);
  if (length < CMSG_HEADER || length > CONTROL_MAX) return -1;
  const control = new Uint8Array(length);
  if (call.read(pointer(header, at + MSG_CONTROL), control) < 0) return -1;
  const view = new DataView(control.buffer);
  for (let offset = 0; offset + CMSG_HEADER <= length; ) {
    const size = pointer(view, offset);
    // The host refuses the message (CMSG_OK()).
    if (size < CMSG_HEADER || size > length - offset) return -1;
    const rights =
      view.getInt32(offset + 8, true) === SOL_SOCKET && view.getInt32(offset + 12, true) === SCM_RIGHTS;
    for (let data = offset + CMSG_HEADER; rights && data + 4 <= offset + size; data += 4) {
      const fd = view.getInt32(data, true);
      if (call.state.files.get(fd) >= 0) return fd;
    }
    offset += (size + 7) & ~7;
  }
  return -1;
}

function send(call: Call, hijack: Hijack, headers: number, stride: number): void {
  if (call.state.files.size === 0) return call.run();
  const bytes = new Uint8Array(headers * stride);
  if (call.read(call.address(1), bytes) < 0) return call.run();
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < headers; i++) {
    const fd = rightsOf(call, view, i * stride);
    if (fd < 0) continue;
    hijack.stats.refused++;
    if (hijack.verbose)
      because(call, `SCM_RIGHTS ${fd}`, 'a rump descriptor cannot be passed over a host socket');
    return call.answer(-EOPNOTSUPP);
  }
  call.run();
}

export function sendOnHost(call: Call, hijack: Hijack): void {
  send(call, hijack, 1, MSGHDR_SIZE);
}
export function sendManyOnHost(call: Call, hijack: Hijack): void {
  send(call, hijack, Math.min(call.uint(2), UIO_MAXIOV), MMSGHDR_SIZE);
}

/** struct iocb (linux/aio_abi.h): aio_fildes. */
const IOCB_SIZE = 64;
const IOCB_FD = 20;
const IOCBS_MAX = 1024;

export function sysIoSubmit(call: Call, hijack: Hijack): void {
  const count = call.long(1);
  if (call.state.files.size === 0 || count <= 0) return call.run();
  const pointers = new Uint8Array(Math.min(count, IOCBS_MAX) * 8);
  if (call.read(call.address(2), pointers) < 0) return call.run();
  const view = new DataView(pointers.buffer);
  const iocb = new Uint8Array(IOCB_SIZE);
  for (let at = 0; at < pointers.length; at += 8) {
    if (call.read(pointer(view, at), iocb) < 0) return call.run();
    if (call.state.files.get(new DataView(iocb.buffer).getInt32(IOCB_FD, true)) < 0) continue;
    // io_submit(2): EINVAL, the file does not support it.
    hijack.stats.refused++;
    return call.answer(-EINVAL);
  }
  call.run();
}
