/** struct pollfd and poll(2)'s bits on NetBSD (sys/poll.h). */
import * as linux from '../linux/poll.js';

export const NB_POLLFD_SIZE = 8;
const EVENTS = 4;
const REVENTS = 6;

export const NB_POLLIN = 0x1;
export const NB_POLLPRI = 0x2;
/** And POLLWRNORM. */
export const NB_POLLOUT = 0x4;
export const NB_POLLERR = 0x8;
export const NB_POLLHUP = 0x10;
export const NB_POLLNVAL = 0x20;
export const NB_POLLRDNORM = 0x40;
export const NB_POLLRDBAND = 0x80;
export const NB_POLLWRBAND = 0x100;

const BITS: readonly (readonly [number, number])[] = [
  [linux.POLLIN, NB_POLLIN],
  [linux.POLLPRI, NB_POLLPRI],
  [linux.POLLOUT, NB_POLLOUT],
  [linux.POLLERR, NB_POLLERR],
  [linux.POLLHUP, NB_POLLHUP],
  [linux.POLLNVAL, NB_POLLNVAL],
  [linux.POLLRDNORM, NB_POLLRDNORM],
  [linux.POLLRDBAND, NB_POLLRDBAND],
  [linux.POLLWRNORM, NB_POLLOUT],
  [linux.POLLWRBAND, NB_POLLWRBAND],
];

/** Events for NetBSD. POLLRDHUP and POLLMSG have no bit there: dropped. */
export function toNetbsdPoll(events: number): number {
  let netbsd = 0;
  for (const [from, to] of BITS) if ((events & from) !== 0) netbsd |= to;
  return netbsd;
}

/** Events as Linux's; POLLOUT stands for POLLWRNORM, too, which has no bit of its own there. */
export function fromNetbsdPoll(netbsd: number): number {
  let events = 0;
  for (const [to, from] of BITS) if ((netbsd & from) !== 0) events |= to;
  return events;
}

/** Writes a struct pollfd with no revents. */
export function encodeNetbsdPollfd(view: DataView, at: number, fd: number, events: number): void {
  view.setInt32(at, fd, true);
  view.setInt16(at + EVENTS, events, true);
  view.setInt16(at + REVENTS, 0, true);
}
export function readNetbsdPollfd(view: DataView, at: number): { fd: number; events: number } {
  return { fd: view.getInt32(at, true), events: view.getUint16(at + EVENTS, true) };
}
export function readNetbsdRevents(view: DataView, at: number): number {
  return view.getUint16(at + REVENTS, true);
}
export function writeNetbsdRevents(view: DataView, at: number, revents: number): void {
  view.setUint16(at + REVENTS, revents, true);
}
