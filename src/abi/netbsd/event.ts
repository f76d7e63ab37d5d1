/** kqueue(2) of NetBSD (sys/event.h): struct kevent, filters and flags. */
import { getInt64, getUint64, setInt64 } from '../bytes.js';

export const NB_EVFILT_READ = 0;
export const NB_EVFILT_WRITE = 1;
export const NB_EVFILT_AIO = 2;
export const NB_EVFILT_VNODE = 3;
export const NB_EVFILT_PROC = 4;
export const NB_EVFILT_SIGNAL = 5;
export const NB_EVFILT_TIMER = 6;

export const NB_EV_ADD = 0x1;
export const NB_EV_DELETE = 0x2;
export const NB_EV_ENABLE = 0x4;
export const NB_EV_DISABLE = 0x8;
export const NB_EV_ONESHOT = 0x10;
export const NB_EV_CLEAR = 0x20;
export const NB_EV_RECEIPT = 0x40;
export const NB_EV_DISPATCH = 0x80;
/** Flags that only the kernel sets: EV_EOF, EV_ERROR and two that are a filter's own. */
export const NB_EV_SYSFLAGS = 0xf000;
export const NB_EV_ERROR = 0x4000;
export const NB_EV_EOF = 0x8000;

/** fflags of EVFILT_READ and EVFILT_WRITE: `data` is how many bytes there have to be. */
export const NB_NOTE_LOWAT = 0x1;

/** uintptr_t ident, uint32_t filter, flags, fflags, int64_t data, intptr_t udata. */
export const NB_KEVENT_SIZE = 40;
const IDENT = 0;
const FILTER = 8;
const FLAGS = 12;
const FFLAGS = 16;
const DATA = 24;
/** Where udata is. */
export const NB_KEVENT_UDATA = 32;

export interface NetbsdKevent {
  /** The descriptor, for EVFILT_READ and EVFILT_WRITE. */
  ident: number;
  /** NB_EVFILT_*. */
  filter: number;
  /** NB_EV_*. */
  flags: number;
  /** The filter's own; with NB_EV_EOF of a socket its error, an errno of NetBSD. */
  fflags: number;
  /** Bytes, or connections, that there are; with NB_EV_ERROR an errno of NetBSD. */
  data: number;
  /** The program's own, given back as it was: exact up to 2^53. */
  udata: number;
}

export function encodeNetbsdKevent(view: DataView, at: number, event: Readonly<NetbsdKevent>): void {
  setInt64(view, at + IDENT, event.ident);
  view.setUint32(at + FILTER, event.filter, true);
  view.setUint32(at + FLAGS, event.flags, true);
  view.setUint32(at + FFLAGS, event.fflags, true);
  view.setUint32(at + FFLAGS + 4, 0, true);
  setInt64(view, at + DATA, event.data);
  setInt64(view, at + NB_KEVENT_UDATA, event.udata);
}

export function decodeNetbsdKevent(view: DataView, at: number): NetbsdKevent {
  return {
    ident: getUint64(view, at + IDENT),
    filter: view.getUint32(at + FILTER, true),
    flags: view.getUint32(at + FLAGS, true),
    fflags: view.getUint32(at + FFLAGS, true),
    data: getInt64(view, at + DATA),
    udata: getInt64(view, at + NB_KEVENT_UDATA),
  };
}
