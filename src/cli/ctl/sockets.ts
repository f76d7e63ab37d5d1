/** Sockets of the server, by NetBSD's system calls; errors are CallErrors. */
import {
  type ControlMessage,
  decodeNetbsdControl,
  encodeNetbsdIovec,
  NB_IOVEC_SIZE,
  NB_MSG_CONTROL,
  NB_MSG_CONTROLLEN,
  NB_MSG_IOV,
  NB_MSG_IOVLEN,
  NB_MSG_NAME,
  NB_MSG_NAMELEN,
  NB_MSGHDR_SIZE,
} from '../../abi/netbsd/msg.js';
import { NB } from '../../abi/netbsd/nr.js';
import { encodeNetbsdPollfd, NB_POLLFD_SIZE, NB_POLLIN } from '../../abi/netbsd/poll.js';
import { NB_SOCKADDR_STORAGE_SIZE } from '../../abi/netbsd/socket.js';
import type { Session } from './session.js';

/** Room for the control messages of one datagram. */
const CONTROL_ROOM = 256;

/** A datagram, as recvmsg(2) gives it. */
export interface Datagram {
  readonly data: Uint8Array;
  /** The sender's sockaddr. */
  readonly from: Uint8Array;
  readonly control: readonly ControlMessage[];
}

export class RumpSocket {
  readonly #session: Session;
  readonly fd: number;

  constructor(session: Session, family: number, type: number, protocol: number) {
    this.#session = session;
    const call = session.begin(NB.__socket30).int(family).int(type).int(protocol);
    this.fd = session.call(session.submit(call));
  }

  close(): void {
    this.#session.submit(this.#session.begin(NB.close).int(this.fd));
  }

  /** Runs `use` with a socket that is closed afterwards. */
  static use<T>(
    session: Session,
    family: number,
    type: number,
    protocol: number,
    use: (socket: RumpSocket) => T,
  ): T {
    const socket = new RumpSocket(session, family, type, protocol);
    try {
      return use(socket);
    } finally {
      socket.close();
    }
  }

  /** ioctl(2) whose argument is this struct, read and written in place. */
  ioctl(code: number, argument: Uint8Array): void {
    const call = this.#session.begin(NB.ioctl).int(this.fd).int(code).buffer(argument);
    this.#session.call(this.#session.submit(call));
  }

  /** As ioctl(), for a struct whose pointer at `pointerAt` is to be that of `data`, bytes or a string that are read and written in place. */
  ioctlPointer(code: number, argument: Uint8Array, pointerAt: number, data: Uint8Array): void {
    const call = this.#session.begin(NB.ioctl).int(this.fd).int(code);
    const at = call.reserve(argument.length);
    const dataAt = call.reserve(data.length);
    call.scratch.set(argument, at);
    call.scratch.set(data, dataAt);
    call.putPointer(at + pointerAt, dataAt);
    call.pointer(at);
    const status = this.#session.submit(call, done => {
      argument.set(done.scratch.subarray(at, at + argument.length));
      data.set(done.scratch.subarray(dataAt, dataAt + data.length));
      return done.result;
    });
    this.#session.call(status);
  }

  /** setsockopt(2) of an int. */
  setOption(level: number, option: number, value: number): void {
    const call = this.#session.begin(NB.setsockopt).int(this.fd).int(level).int(option);
    const at = call.reserve(4);
    call.view.setInt32(at, value, true);
    this.#session.call(this.#session.submit(call.pointer(at).int(4)));
  }

  shutdown(how: number): void {
    this.#session.call(this.#session.submit(this.#session.begin(NB.shutdown).int(this.fd).int(how)));
  }

  write(data: Uint8Array): void {
    const call = this.#session.begin(NB.write).int(this.fd).buffer(data).long(data.length);
    this.#session.call(this.#session.submit(call));
  }

  /** How many bytes there were. */
  read(room: Uint8Array): number {
    const call = this.#session.begin(NB.read).int(this.fd).buffer(room).long(room.length);
    return this.#session.call(this.#session.submit(call));
  }

  sendTo(data: Uint8Array, address: Uint8Array): void {
    const call = this.#session.begin(NB.sendto).int(this.fd).buffer(data).long(data.length).int(0);
    this.#session.call(this.#session.submit(call.buffer(address).int(address.length)));
  }

  /** True when there is something to be read, at the latest after so many milliseconds. */
  canRead(milliseconds: number): boolean {
    const call = this.#session.begin(NB.poll);
    const at = call.reserve(NB_POLLFD_SIZE);
    encodeNetbsdPollfd(call.view, at, this.fd, NB_POLLIN);
    return this.#session.call(this.#session.submit(call.pointer(at).int(1).int(milliseconds))) > 0;
  }

  /** recvmsg(2): one datagram, as far as there is room for it. */
  receive(room: Uint8Array, flags: number): Datagram {
    const call = this.#session.begin(NB.recvmsg).int(this.fd);
    const header = call.reserve(NB_MSGHDR_SIZE);
    const iovec = call.reserve(NB_IOVEC_SIZE);
    const name = call.reserve(NB_SOCKADDR_STORAGE_SIZE);
    const control = call.reserve(CONTROL_ROOM);
    encodeNetbsdIovec(call.view, iovec, 0, room.length);
    call.putPointer(iovec, call.mapBuffer(room));
    call.putPointer(header + NB_MSG_NAME, name);
    call.view.setUint32(header + NB_MSG_NAMELEN, NB_SOCKADDR_STORAGE_SIZE, true);
    call.putPointer(header + NB_MSG_IOV, iovec);
    call.view.setInt32(header + NB_MSG_IOVLEN, 1, true);
    call.putPointer(header + NB_MSG_CONTROL, control);
    call.view.setUint32(header + NB_MSG_CONTROLLEN, CONTROL_ROOM, true);
    const found: Datagram[] = [];
    const status = this.#session.submit(call.pointer(header).int(flags), done => {
      if (done.result < 0) return done.result;
      const nameLength = done.view.getUint32(header + NB_MSG_NAMELEN, true);
      const controlLength = done.view.getUint32(header + NB_MSG_CONTROLLEN, true);
      const controls = done.scratch.slice(control, control + Math.min(controlLength, CONTROL_ROOM));
      found.push({
        data: room.subarray(0, done.result),
        from: done.scratch.slice(name, name + Math.min(nameLength, NB_SOCKADDR_STORAGE_SIZE)),
        control: decodeNetbsdControl(controls) ?? [],
      });
      return done.result;
    });
    this.#session.call(status);
    return found[0];
  }
}
