/** What a kqueue says of one descriptor (the f_event functions of sys/kern). */
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM } from '../../abi/linux/poll.js';
import { SO_ACCEPTCONN, SO_SNDBUF, SOL_SOCKET } from '../../abi/linux/socket.js';
import { S_IFDIR, S_IFREG } from '../../abi/linux/stat.js';
import {
  NB_EV_EOF,
  NB_EVFILT_READ,
  NB_EVFILT_WRITE,
  NB_NOTE_LOWAT,
  type NetbsdKevent,
} from '../../abi/netbsd/event.js';
import { OpenSocket } from '../../kernel/net/open_socket.js';
import { int32 } from '../../kernel/net/option_bytes.js';
import type { OpenFile } from '../../kernel/open_files.js';
import { OpenFifo } from '../../kernel/open_special.js';
import { FIFO_CAPACITY } from '../../kernel/parts/fifo.js';
import { isDone } from '../../kernel/rump_kernel.js';
import { isDevice } from '../../kernel/vfs/vnode.js';
import type { FileEvents, Listener } from './file_events.js';
import { type Fired, Knote, type KnoteQueue } from './knote.js';

/** What may make an event of a filter. */
const TOUCHES = new Map([
  [NB_EVFILT_READ, POLLIN | POLLRDNORM | POLLPRI | POLLRDHUP | POLLHUP | POLLERR],
  [NB_EVFILT_WRITE, POLLOUT | POLLHUP | POLLERR],
]);

export class FileKnote extends Knote implements Listener {
  readonly file: OpenFile;
  readonly #files: FileEvents;

  constructor(queue: KnoteQueue, files: FileEvents, file: OpenFile, event: NetbsdKevent, udata: Uint8Array) {
    super(queue, event, udata);
    this.file = file;
    this.#files = files;
    files.listen(file, this);
  }

  override detach(): void {
    this.#files.ignore(this.file, this);
  }

  touched(revents: number): void {
    if ((revents & (TOUCHES.get(this.filter) ?? 0)) !== 0) this.queue.activate(this);
  }

  gone(): void {
    this.queue.drop(this);
  }

  override evaluate(): Fired | undefined {
    const { file } = this;
    const isRead = this.filter === NB_EVFILT_READ;
    if (file instanceof OpenSocket) return isRead ? this.#socketRead(file) : this.#socketWrite(file);
    if (file instanceof OpenFifo) return isRead ? this.#fifoRead(file) : this.#fifoWrite(file);
    if (!isRead || isDevice(file.inode)) return { data: 0, flags: 0 };
    return isPlain(file) ? fileRead(file) : otherRead(file);
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
    if ((revents & POLLRDHUP) !== 0) return { data, flags: NB_EV_EOF };
    if (isUnconnected(revents)) return undefined;
    if ((revents & POLLERR) !== 0 || this.#isEnough(data, isReadable)) return { data, flags: 0 };
    return undefined;
  }

  #socketWrite(socket: OpenSocket): Fired | undefined {
    const revents = socket.revents();
    // Linux counts twice what a program may send.
    const space = (option(socket, SO_SNDBUF) >> 1) - Math.max(socket.unsent(), 0);
    const data = Math.max(space, (revents & POLLOUT) !== 0 ? 1 : 0);
    // A connection that could not be made: on Linux the socket may be used again, on NetBSD it is over.
    if ((revents & (POLLERR | POLLHUP)) === (POLLERR | POLLHUP)) return { data, flags: NB_EV_EOF };
    if (isUnconnected(revents)) return undefined;
    if ((revents & POLLHUP) !== 0) return { data, flags: NB_EV_EOF };
    if ((revents & POLLERR) !== 0) return { data, flags: 0 };
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

/** A socket that needs a connection and never had one hangs up on Linux, and only there. */
function isUnconnected(revents: number): boolean {
  return (revents & (POLLHUP | POLLRDHUP)) === POLLHUP;
}

function isPlain({ inode }: OpenFile): boolean {
  return inode.type === S_IFREG || inode.type === S_IFDIR;
}

/** Bytes from the offset to the end, which may be negative. */
function fileRead(file: OpenFile): Fired | undefined {
  const data = file.inode.size - file.offset;
  return data === 0 ? undefined : { data, flags: 0 };
}

function otherRead(file: OpenFile): Fired | undefined {
  if ((pollNow(file, POLLIN) & POLLIN) === 0) return undefined;
  return { data: Math.max(file.readable(), 0), flags: 0 };
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
  return socket.getsockopt(SOL_SOCKET, name, out) < 0 ? 0 : int32(out);
}
