/** The host's own sockets behind the calls of the border: what the embedded kernel's are compared with. Calls that would block must not be made. */
import koffi from 'koffi';
import { MSG_CTRUNC, MSG_EOR, MSG_TRUNC, SOCKADDR_STORAGE_SIZE } from '../../../src/abi/linux/socket.js';
import { CMSGHDR_SIZE, cmsgSpace } from '../../../src/abi/linux/un.js';
import type { KernelProcess, Uio } from '../../../src/kernel/rump_kernel.js';
import type {
  AddressOut,
  ControlMessage,
  IncomingMessage,
  OutgoingMessage,
} from '../../../src/kernel/socket_calls.js';
import { libc, libcCall } from '../../support/libc.js';

const sys = {
  socket: libcCall('int socket(int domain, int type, int protocol)'),
  socketpair: libcCall('int socketpair(int domain, int type, int protocol, int32_t *out)'),
  bind: libcCall('int bind(int fd, const uint8_t *address, uint32_t length)'),
  connect: libcCall('int connect(int fd, const uint8_t *address, uint32_t length)'),
  listen: libcCall('int listen(int fd, int backlog)'),
  accept4: libcCall('int accept4(int fd, uint8_t *address, uint32_t *length, int flags)'),
  getsockname: libcCall('int getsockname(int fd, uint8_t *address, uint32_t *length)'),
  getpeername: libcCall('int getpeername(int fd, uint8_t *address, uint32_t *length)'),
  shutdown: libcCall('int shutdown(int fd, int how)'),
  sendmsg: libcCall('int64_t sendmsg(int fd, uint64_t message, int flags)'),
  recvmsg: libcCall('int64_t recvmsg(int fd, uint64_t message, int flags)'),
  getsockopt: libcCall('int getsockopt(int fd, int level, int name, uint8_t *value, uint32_t *length)'),
  setsockopt: libcCall('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)'),
  ioctl: libcCall('int ioctl(int fd, uint64_t request, int32_t *out)'),
  poll: libcCall('int poll(uint8_t *fds, uint64_t count, int timeout)'),
  fcntl: libcCall('int fcntl(int fd, int command, int64_t argument)'),
  close: libcCall('int close(int fd)'),
  unlink: libcCall('int unlink(const uint8_t *path)'),
};

// bits/ioctls.h, fcntl.h
const FIONREAD = 0x541b;
const SIOCOUTQ = 0x5411;
const [F_GETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC] = [1, 3, 4, 1030];

// Memory that struct msghdr and what it points to lie in.
const DATA_ROOM = 4 * 1024 * 1024;
const [NAME_AT, IOVEC_AT, CONTROL_AT, DATA_AT] = [64, 256, 512, 128 * 1024];
const malloc = libc.func('void *malloc(uint64_t size)');
const base: unknown = malloc(DATA_AT + DATA_ROOM);
if (typeof base !== 'bigint') throw new Error('malloc has no memory');
const at: bigint = base;
const memory = Buffer.from(koffi.view(at, DATA_AT + DATA_ROOM));

export type SocketSide = Pick<
  KernelProcess,
  | 'accept'
  | 'bind'
  | 'close'
  | 'connect'
  | 'dup'
  | 'getFdFlags'
  | 'getStatusFlags'
  | 'getpeername'
  | 'getsockname'
  | 'getsockopt'
  | 'listen'
  | 'poll'
  | 'readable'
  | 'recvMsg'
  | 'sendMsg'
  | 'setStatusFlags'
  | 'setsockopt'
  | 'shutdown'
  | 'socket'
  | 'socketpair'
  | 'unlinkAt'
  | 'unsent'
>;

/** struct msghdr with one iovec. */
function putHeader(nameLength: number, length: number, controlLength: number): void {
  memory.fill(0, 0, NAME_AT);
  memory.writeBigUInt64LE(at + BigInt(NAME_AT), 0);
  memory.writeUInt32LE(nameLength, 8);
  memory.writeBigUInt64LE(at + BigInt(IOVEC_AT), 16);
  memory.writeBigUInt64LE(1n, 24);
  memory.writeBigUInt64LE(at + BigInt(CONTROL_AT), 32);
  memory.writeBigUInt64LE(BigInt(controlLength), 40);
  memory.writeBigUInt64LE(at + BigInt(DATA_AT), IOVEC_AT);
  memory.writeBigUInt64LE(BigInt(length), IOVEC_AT + 8);
}

function putControl(control: readonly ControlMessage[]): number {
  let length = 0;
  for (const { level, type, data } of control) {
    const offset = CONTROL_AT + length;
    memory.writeBigUInt64LE(BigInt(CMSGHDR_SIZE + data.length), offset);
    memory.writeInt32LE(level, offset + 8);
    memory.writeInt32LE(type, offset + 12);
    memory.set(data, offset + CMSGHDR_SIZE);
    length += cmsgSpace(data.length);
  }
  return length;
}

function getControl(length: number): ControlMessage[] {
  const control: ControlMessage[] = [];
  for (let done = 0; done + CMSGHDR_SIZE <= length; ) {
    const offset = CONTROL_AT + done;
    const size = Number(memory.readBigUInt64LE(offset)) - CMSGHDR_SIZE;
    const start = offset + CMSGHDR_SIZE;
    control.push({
      level: memory.readInt32LE(offset + 8),
      type: memory.readInt32LE(offset + 12),
      data: Uint8Array.from(memory.subarray(start, start + size)),
    });
    done += cmsgSpace(size);
  }
  return control;
}

function putAddress(out: AddressOut | undefined, bytes: Uint8Array, length: number): void {
  if (out === undefined) return;
  out.length = length;
  out.bytes.set(bytes.subarray(0, length));
}

export class HostSockets implements SocketSide {
  socket(domain: number, type: number, protocol: number): number {
    return sys.socket(domain, type, protocol);
  }
  socketpair(domain: number, type: number, protocol: number, out: Int32Array): number {
    return sys.socketpair(domain, type, protocol, out);
  }
  bind(fd: number, address: Uint8Array): number {
    return sys.bind(fd, address, address.length);
  }
  connect(fd: number, address: Uint8Array): number {
    return sys.connect(fd, address, address.length);
  }
  listen(fd: number, backlog: number): number {
    return sys.listen(fd, backlog);
  }
  accept(fd: number, flags: number, peer: AddressOut | undefined): number {
    return this.#address(peer, (bytes, length) => sys.accept4(fd, bytes, length, flags));
  }
  getsockname(fd: number, out: AddressOut): number {
    return this.#address(out, (bytes, length) => sys.getsockname(fd, bytes, length));
  }
  getpeername(fd: number, out: AddressOut): number {
    return this.#address(out, (bytes, length) => sys.getpeername(fd, bytes, length));
  }
  #address(
    out: AddressOut | undefined,
    ask: (bytes: Uint8Array | null, length: Uint32Array | null) => number,
  ): number {
    if (out === undefined) return ask(null, null);
    const bytes = new Uint8Array(SOCKADDR_STORAGE_SIZE);
    const length = new Uint32Array([bytes.length]);
    const result = ask(bytes, length);
    if (result >= 0) putAddress(out, bytes, length[0]);
    return result;
  }
  shutdown(fd: number, how: number): number {
    return sys.shutdown(fd, how);
  }
  sendMsg(fd: number, uio: Uio, flags: number, message: OutgoingMessage | undefined): number {
    const length = uio.resid;
    if (length > DATA_ROOM) throw new Error('too much data');
    // Moved on only by what was sent.
    const data = new Uint8Array(length);
    uio.move(data, 0, length);
    memory.set(data, DATA_AT);
    const name = message?.name;
    putHeader(name?.length ?? 0, length, 0);
    if (name === undefined) memory.writeBigUInt64LE(0n, 0);
    else memory.set(name, NAME_AT);
    memory.writeBigUInt64LE(BigInt(putControl(message?.control ?? [])), 40);
    return sys.sendmsg(fd, at, flags);
  }
  recvMsg(fd: number, uio: Uio, flags: number, message: IncomingMessage | undefined): number {
    const length = uio.resid;
    const room = message?.controlRoom ?? 0;
    putHeader(message?.name === undefined ? 0 : SOCKADDR_STORAGE_SIZE, length, room);
    if (message?.name === undefined) memory.writeBigUInt64LE(0n, 0);
    const result = sys.recvmsg(fd, at, flags);
    if (result < 0) return result;
    uio.move(memory, DATA_AT, Math.min(result, length));
    if (message !== undefined) {
      putAddress(message.name, memory.subarray(NAME_AT, IOVEC_AT), memory.readUInt32LE(8));
      message.control = getControl(Number(memory.readBigUInt64LE(40)));
      // Those that the program gave are there, too; only these are the kernel's own.
      message.flags = memory.readInt32LE(48) & (MSG_CTRUNC | MSG_TRUNC | MSG_EOR);
    }
    return result;
  }
  getsockopt(fd: number, level: number, name: number, out: Uint8Array): number {
    const length = new Uint32Array([out.length]);
    const result = sys.getsockopt(fd, level, name, out, length);
    return result === 0 ? length[0] : result;
  }
  setsockopt(fd: number, level: number, name: number, value: Uint8Array): number {
    return sys.setsockopt(fd, level, name, value, value.length);
  }
  readable(fd: number): number {
    return this.#count(fd, FIONREAD);
  }
  unsent(fd: number): number {
    return this.#count(fd, SIOCOUTQ);
  }
  #count(fd: number, request: number): number {
    const out = new Int32Array(1);
    const result = sys.ioctl(fd, request, out);
    return result === 0 ? out[0] : result;
  }
  /** 0 where the embedded kernel's would wait. */
  poll(fd: number, events: number): number {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32LE(fd, 0);
    bytes.writeInt16LE(events, 4);
    const result = sys.poll(bytes, 1, 0);
    return result < 0 ? result : bytes.readInt16LE(6);
  }
  dup(fd: number): number {
    return sys.fcntl(fd, F_DUPFD_CLOEXEC, 0);
  }
  getFdFlags(fd: number): number {
    return sys.fcntl(fd, F_GETFD, 0);
  }
  getStatusFlags(fd: number): number {
    return sys.fcntl(fd, F_GETFL, 0);
  }
  setStatusFlags(fd: number, flags: number): number {
    return sys.fcntl(fd, F_SETFL, flags);
  }
  close(fd: number): number {
    return sys.close(fd);
  }
  /** Absolute paths only. */
  unlinkAt(_at: number, path: string): number {
    return sys.unlink(Buffer.from(`${path}\0`, 'latin1'));
  }
}
