/** kqueue(2), kqueue1(2) and kevent(2) (sys/kern/kern_event.c). */
import { EBADF, EINVAL, EMFILE, ENOENT, ENOMEM } from '../../../abi/linux/errno.js';
import { O_NONBLOCK } from '../../../abi/linux/fcntl.js';
import { toNetbsdErrno } from '../../../abi/netbsd/errno.js';
import {
  decodeNetbsdKevent,
  encodeNetbsdKevent,
  NB_EV_ADD,
  NB_EV_CLEAR,
  NB_EV_DELETE,
  NB_EV_DISABLE,
  NB_EV_ENABLE,
  NB_EV_ERROR,
  NB_EV_RECEIPT,
  NB_EV_SYSFLAGS,
  NB_EVFILT_READ,
  NB_EVFILT_TIMER,
  NB_EVFILT_WRITE,
  NB_KEVENT_SIZE,
  NB_KEVENT_UDATA,
  type NetbsdKevent,
} from '../../../abi/netbsd/event.js';
import { NB_O_CLOEXEC, NB_O_NONBLOCK, NB_O_NOSIGPIPE } from '../../../abi/netbsd/fcntl.js';
import { OpenSocket } from '../../../kernel/net/open_socket.js';
import type { OpenFile } from '../../../kernel/open_files.js';
import type { Call, Steps } from '../call.js';
import { FileKnote } from '../file_knote.js';
import { FirstOf } from '../first_of.js';
import type { Knote } from '../knote.js';
import { encodeFired, OpenKqueue } from '../kqueue.js';
import { TimerKnote } from '../timer_knote.js';
import { timespec } from './poll.js';

/** Events that are copied at a time (KQ_NEVENTS). */
const PIECE = 8;
/** Knotes that are about no descriptor: kq_calloutmax. */
const TIMERS_MAX = 4096;
const FD_MAX = 2 ** 31 - 1;

export function kqueue(call: Call): number {
  return make(call, 0, false);
}

export function kqueue1(call: Call): number {
  const flags = call.int(0);
  if ((flags & ~(NB_O_CLOEXEC | NB_O_NONBLOCK | NB_O_NOSIGPIPE)) !== 0) return -EINVAL;
  return make(call, (flags & NB_O_NONBLOCK) !== 0 ? O_NONBLOCK : 0, (flags & NB_O_CLOEXEC) !== 0);
}

function make(call: Call, flags: number, cloexec: boolean): number {
  const made = new OpenKqueue(call.session.state.sockets, call.kernel, flags);
  const fd = call.kernel.install(made, cloexec);
  if (fd >= 0) call.process.kqueues.add(made);
  return fd < 0 ? -EMFILE : fd;
}

/** __kevent50(2). A kqueue of a process's parent is none of its own. */
export function* kevent(call: Call): Steps {
  const file = call.file(call.int(0));
  if (!(file instanceof OpenKqueue)) return -EBADF;
  const timeout = yield* timespec(call, call.ulong(5));
  const room = call.ulong(4);
  const errors = yield* change(call, file, room);
  if (errors > 0 || room === 0) return errors;
  return yield* collect(call, file, room, timeout);
}

/** Registers the changes. Those that fail are events themselves, as far as there is room; else the first ends the call. Returns how many failed. */
function* change(call: Call, queue: OpenKqueue, room: number): Steps {
  const [at, count, eventsAt] = [call.ulong(1), call.ulong(2), call.ulong(3)];
  let errors = 0;
  for (let done = 0; done < count; ) {
    const n = Math.min(PIECE, count - done);
    const bytes = yield* call.copyin(at + done * NB_KEVENT_SIZE, n * NB_KEVENT_SIZE);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = 0; i < n; i++) {
      const from = i * NB_KEVENT_SIZE;
      const event = decodeNetbsdKevent(view, from);
      event.flags &= ~NB_EV_SYSFLAGS;
      const one = bytes.subarray(from, from + NB_KEVENT_SIZE);
      const error = register(call, queue, event, one.slice(NB_KEVENT_UDATA));
      if (error === 0 && (event.flags & NB_EV_RECEIPT) === 0) continue;
      if (errors === room) return errors > 0 ? errors : error;
      // fflags and the program's own bytes stay as they came.
      encodeNetbsdKevent(view, from, {
        ...event,
        flags: NB_EV_ERROR,
        data: error === 0 ? 0 : toNetbsdErrno(-error),
      });
      call.copyout(eventsAt + errors * NB_KEVENT_SIZE, one);
      errors++;
    }
    done += n;
  }
  return errors;
}

/** kqueue_register(). 0, or -errno. */
function register(call: Call, queue: OpenKqueue, event: NetbsdKevent, udata: Uint8Array): number {
  const { filter, flags, ident } = event;
  let file: OpenFile | undefined;
  if (filter === NB_EVFILT_READ || filter === NB_EVFILT_WRITE) {
    file = ident > FD_MAX ? undefined : call.file(ident);
    if (file === undefined) return -EBADF;
  } else if (filter !== NB_EVFILT_TIMER) return -EINVAL;
  let knote = queue.find(filter, ident);
  if ((flags & NB_EV_ADD) !== 0) {
    if (knote === undefined) {
      const made = attach(call, queue, file, event, udata);
      if (typeof made === 'number') return made;
      knote = made;
      queue.add(knote);
    } else {
      knote.fflags = event.fflags;
      knote.wanted = event.data;
      knote.udata = udata;
    }
    if (knote.evaluate() !== undefined) queue.activate(knote);
  } else {
    if (knote === undefined) return -ENOENT;
    if ((flags & NB_EV_DELETE) !== 0) {
      queue.drop(knote);
      return 0;
    }
  }
  if ((flags & NB_EV_DISABLE) !== 0) queue.disable(knote);
  if ((flags & NB_EV_ENABLE) !== 0) queue.enable(knote);
  return 0;
}

/** A new knote, or -errno. */
function attach(
  call: Call,
  queue: OpenKqueue,
  file: OpenFile | undefined,
  event: NetbsdKevent,
  udata: Uint8Array,
): Knote | number {
  const { state } = call.session;
  if (file === undefined) {
    if (queue.size >= TIMERS_MAX) return -ENOMEM;
    if (event.data === 0) return -EINVAL;
    return new TimerKnote(queue, state.timers.loop, { ...event, flags: event.flags | NB_EV_CLEAR }, udata);
  }
  if (event.filter === NB_EVFILT_WRITE && !file.canWrite && !(file instanceof OpenSocket)) return -EBADF;
  if (event.filter === NB_EVFILT_WRITE && file instanceof OpenKqueue) return -EINVAL;
  return new FileKnote(queue, state.fileEvents, file, event, udata);
}

/** Waits for events and hands them out. */
function* collect(call: Call, queue: OpenKqueue, room: number, timeout: number): Steps {
  const { timers } = call.session.state;
  const end = timers.now() + timeout;
  let left = timeout;
  for (;;) {
    const found = give(call, queue, room);
    if (found > 0 || left === 0) return found;
    const arrival = queue.arrival();
    yield left < 0 ? arrival : new FirstOf([arrival, timers.after(left)]);
    if (queue.isClosed) return -EBADF;
    if (timeout >= 0) left = Math.max(0, end - timers.now());
  }
}

/** Copies out what there is, in pieces. Returns how many events there were. */
function give(call: Call, queue: OpenKqueue, room: number): number {
  const at = call.ulong(3);
  const bytes = new Uint8Array(PIECE * NB_KEVENT_SIZE);
  let inPiece = 0;
  let given = 0;
  const flush = (): void => {
    call.copyout(at + given * NB_KEVENT_SIZE, bytes.slice(0, inPiece * NB_KEVENT_SIZE));
    given += inPiece;
    inPiece = 0;
  };
  const found = queue.scan(room, (knote, fired) => {
    encodeFired(bytes, inPiece * NB_KEVENT_SIZE, knote, fired);
    if (++inPiece === PIECE) flush();
  });
  if (inPiece > 0) flush();
  return found;
}
