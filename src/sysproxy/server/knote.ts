/** What a kqueue waits for on one descriptor, and what it says of it (the f_event functions of sys/kern). */
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM } from '../../abi/linux/poll.js';
import { SO_ACCEPTCONN, SO_SNDBUF, SOL_SOCKET } from '../../abi/linux/socket.js';
import {
  NB_EV_EOF,
  NB_EVFILT_READ,
  NB_EVFILT_WRITE,
  NB_NOTE_LOWAT,
  type NetbsdKevent,
} from '../../abi/netbsd/event.js';
import { intOf, OpenSocket } from '../../kernel/net/open_socket.js';
import type { OpenFile } from '../../kernel/open_files.js';
import { OpenFifo } from '../../kernel/open_special.js';
import { FIFO_CAPACITY } from '../../kernel/parts/fifo.js';
import { isDone } from '../../kernel/rump_kernel.js';
import { isDevice } from '../../kernel/vfs/vnode.js';
import type { Listener } from './file_events.js';

/** What may make an event of a filter. */
const TOUCHES = new Map([
  [NB_EVFILT_READ, POLLIN | POLLRDNORM | POLLPRI | POLLRDHUP | POLLHUP | POLLERR],
  [NB_EVFILT_WRITE, POLLOUT | POLLHUP | POLLERR],
]);

/** What there is to say now; undefined: nothing. */
export interface Fired {
  readonly data: number;
  /** NB_EV_EOF, or 0. */
  readonly flags: number;
}

interface Queue {
  /** The knote may have something to say. */
  activate(knote: Knote): void;
  drop(knote: Knote): void;
}

export class Knote implements Listener {
  readonly file: OpenFile;
  readonly ident: number;
  readonly filter: number;
  /** NB_EV_* that it was added with. */
  readonly flags: number;
  /** NOTE_* and what goes with them. */
  fflags: number;
  wanted: number;
  /** The program's own 8 bytes. */
  udata: Uint8Array;
  isActive = false;
  isDisabled = false;
  readonly #queue: Queue;

  constructor(queue: Queue, file: OpenFile, event: NetbsdKevent, udata: Uint8Array) {
    this.#queue = queue;
    this.file = file;
    this.ident = event.ident;
    this.filter = event.filter;
    this.flags = event.flags;
    this.fflags = event.fflags;
    this.wanted = event.data;
    this.udata = udata;
  }

  touched(revents: number): void {
    if ((revents & (TOUCHES.get(this.filter) ?? 0)) !== 0) this.#queue.activate(this);
  }

  gone(): void {
    this.#queue.drop(this);
  }

  /** Looks at the file. */
  evaluate(): Fired | undefined {
    const { file } = this;
    if (this.filter === NB_EVFILT_READ) {
      if (file instanceof OpenSocket) return this.#socketRead(file);
      return file instanceof OpenFifo ? this.#fifoRead(file) : fileRead(file);
    }
    if (file instanceof OpenSocket) return this.#socketWrite(file);
    return file instanceof OpenFifo ? this.#fifoWrite(file) : { data: 0, flags: 0 };
  }

  #isEnough(data: number, otherwise: boolean): boolean {
    return (this.fflags & NB_NOTE_LOWAT) !== 0 ? data >= this.wanted : otherwise;
  }

  #socketRead(socket: OpenSocket): Fired | undefined {
    const revents = socket.revents();
    const isReadable = (revents & POLLIN) !== 0;
    // How many connections wait is not known.
    if (option(socket, SO_ACCEPTCONN) > 0) return isReadable ? { data: 1, flags: 0 } : undefined;
    const data = Math.max(socket.readable(), 0);
    if ((revents & (POLLRDHUP | POLLHUP)) !== 0) return { data, flags: NB_EV_EOF };
    if ((revents & POLLERR) !== 0 || this.#isEnough(data, isReadable)) return { data, flags: 0 };
    return undefined;
  }

  #socketWrite(socket: OpenSocket): Fired | undefined {
    const revents = socket.revents();
    // Linux counts twice what a program may send.
    const space = (option(socket, SO_SNDBUF) >> 1) - Math.max(socket.unsent(), 0);
    const data = Math.max(space, (revents & POLLOUT) !== 0 ? 1 : 0);
    if ((revents & (POLLHUP | POLLERR)) !== 0) return { data, flags: NB_EV_EOF };
    if ((revents & POLLOUT) === 0) return undefined;
    return this.#isEnough(data, true) ? { data, flags: 0 } : undefined;
  }

  #fifoRead(fifo: OpenFifo): Fired | undefined {
    const data = Math.max(fifo.readable(), 0);
    if ((pollNow(fifo, POLLIN) & POLLHUP) !== 0) return { data, flags: NB_EV_EOF };
    return this.#isEnough(data, data > 0) && fifo.canRead ? { data, flags: 0 } : undefined;
  }

  #fifoWrite(fifo: OpenFifo): Fired | undefined {
    const revents = pollNow(fifo, POLLOUT);
    if ((revents & POLLERR) !== 0) return { data: 0, flags: NB_EV_EOF };
    const data = FIFO_CAPACITY - Math.max(fifo.readable(), 0);
    if ((revents & POLLOUT) === 0) return undefined;
    return this.#isEnough(data, true) ? { data, flags: 0 } : undefined;
  }
}

/** Bytes from the offset to the end, which may be negative; a device always has something. */
function fileRead(file: OpenFile): Fired | undefined {
  if (isDevice(file.inode)) return { data: 0, flags: 0 };
  const data = file.inode.size - file.offset;
  return data === 0 ? undefined : { data, flags: 0 };
}

function pollNow(file: OpenFile, events: number): number {
  const revents = file.poll(events);
  if (isDone(revents)) return Math.max(revents, 0);
  revents.cancel();
  return 0;
}

/** An int option of SOL_SOCKET; 0 where there is none. */
function option(socket: OpenSocket, name: number): number {
  const out = new Uint8Array(4);
  return socket.getsockopt(SOL_SOCKET, name, out) < 0 ? 0 : intOf(out);
}
