/** poll(2), select(2) and their kin. */
import { EBADF, EINVAL } from '../../../abi/linux/errno.js';
import {
  fromNetbsdPoll,
  NB_POLLERR,
  NB_POLLFD_SIZE,
  NB_POLLHUP,
  NB_POLLIN,
  NB_POLLNVAL,
  NB_POLLOUT,
  NB_POLLPRI,
  readNetbsdPollfd,
  toNetbsdPoll,
  writeNetbsdRevents,
} from '../../../abi/netbsd/poll.js';
import {
  decodeNetbsdTimespec,
  decodeNetbsdTimeval,
  NB_TIMESPEC_SIZE,
  NB_TIMEVAL_SIZE,
} from '../../../abi/netbsd/time.js';
import { isDone, type Pending } from '../../../kernel/rump_kernel.js';
import type { Call, Steps } from '../call.js';
import { callError } from '../errors.js';
import { FirstOf } from '../first_of.js';

/** More than a process has descriptors for is EINVAL for poll, and not looked at by select, as in NetBSD. */
const MAX_FDS = 1024;
const MSEC = 1000;
const NSEC_PER_MSEC = 1_000_000;
/** Told without being asked for. */
const ALWAYS = NB_POLLERR | NB_POLLHUP | NB_POLLNVAL;
/** sys/select.h: a set is an array of these. */
const WORD_BITS = 32;
/** What makes a descriptor ready for each set of select(2), in its order (sys_select.c). */
const SETS = [
  { asks: NB_POLLIN, counts: NB_POLLIN | NB_POLLHUP | NB_POLLERR },
  { asks: NB_POLLOUT, counts: NB_POLLOUT | NB_POLLERR },
  { asks: NB_POLLPRI, counts: NB_POLLPRI },
] as const;

/** A descriptor that is waited for; events are NetBSD's. A negative one never is ready. */
interface Watched {
  readonly fd: number;
  readonly events: number;
  revents: number;
}

export function* poll(call: Call): Steps {
  return yield* pollFor(call, call.int(2));
}

/** The signal mask is the client's own affair: no signal reaches a rump kernel's process. */
export function* pollts(call: Call): Steps {
  return yield* pollFor(call, yield* timespec(call, call.ulong(2)));
}

export function* select(call: Call): Steps {
  const at = call.ulong(4);
  if (at === 0) return yield* selectFor(call, -1);
  const bytes = yield* call.copyin(at, NB_TIMEVAL_SIZE);
  const { sec, usec } = decodeNetbsdTimeval(new DataView(bytes.buffer, bytes.byteOffset), 0);
  if (sec < 0 || usec < 0 || usec >= MSEC * MSEC) return -EINVAL;
  return yield* selectFor(call, sec * MSEC + Math.ceil(usec / MSEC));
}

export function* pselect(call: Call): Steps {
  return yield* selectFor(call, yield* timespec(call, call.ulong(4)));
}

/** Milliseconds; -1 without a struct timespec: no limit. */
export function* timespec(call: Call, at: number): Steps<number> {
  if (at === 0) return -1;
  const bytes = yield* call.copyin(at, NB_TIMESPEC_SIZE);
  const { sec, nsec } = decodeNetbsdTimespec(new DataView(bytes.buffer, bytes.byteOffset), 0);
  if (sec < 0 || nsec < 0 || nsec >= MSEC * NSEC_PER_MSEC) throw callError(EINVAL);
  return sec * MSEC + Math.ceil(nsec / NSEC_PER_MSEC);
}

function* pollFor(call: Call, timeout: number): Steps {
  const count = call.uint(1);
  if (count > MAX_FDS) return -EINVAL;
  const bytes = yield* call.copyin(call.ulong(0), count * NB_POLLFD_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const watched = Array.from({ length: count }, (_, i): Watched => {
    return { ...readNetbsdPollfd(view, i * NB_POLLFD_SIZE), revents: 0 };
  });
  const ready = yield* waitFor(call, watched, timeout);
  for (const [i, { revents }] of watched.entries()) writeNetbsdRevents(view, i * NB_POLLFD_SIZE, revents);
  if (bytes.length > 0) call.copyout(call.ulong(0), bytes);
  return ready;
}

/** Sets of select(2) are in slots 1 to 3; those that are there come back with what is ready in them. */
function* selectFor(call: Call, timeout: number): Steps {
  if (call.int(0) < 0) return -EINVAL;
  const count = Math.min(call.int(0), MAX_FDS);
  const size = Math.ceil(count / WORD_BITS) * 4;
  const sets: (Uint8Array | undefined)[] = [];
  for (let slot = 1; slot <= SETS.length; slot++) {
    const at = call.ulong(slot);
    sets.push(at === 0 ? undefined : yield* call.copyin(at, size));
  }
  const watched: Watched[] = [];
  for (let fd = 0; fd < count; fd++) {
    const events = SETS.reduce((all, { asks }, i) => (has(sets[i], fd) ? all | asks : all), 0);
    if (events !== 0) watched.push({ fd, events, revents: 0 });
  }
  yield* waitFor(call, watched, timeout);
  if (watched.some(({ revents }) => (revents & NB_POLLNVAL) !== 0)) return -EBADF;
  let ready = 0;
  for (const [i, set] of sets.entries()) {
    if (set === undefined) continue;
    const result = new Uint8Array(size);
    for (const { fd, revents } of watched) {
      if (!has(set, fd) || (revents & SETS[i].counts) === 0) continue;
      result[fd >> 3] |= 1 << (fd & 7);
      ready++;
    }
    call.copyout(call.ulong(i + 1), result);
  }
  return ready;
}

function has(set: Uint8Array | undefined, fd: number): boolean {
  return set !== undefined && (set[fd >> 3] & (1 << (fd & 7))) !== 0;
}

/** Waits until a descriptor is ready, or the milliseconds (-1: no limit) are over. Returns how many are. */
function* waitFor(call: Call, watched: readonly Watched[], timeout: number): Steps {
  const { timers } = call.session.state;
  const end = timers.now() + timeout;
  let waiting: Pending[] = [];
  let ready = look(call, watched, waiting);
  // Whoever else waits may have taken what ended the wait.
  for (let left = timeout; ready === 0 && left !== 0; ) {
    yield new FirstOf(left > 0 ? [...waiting, timers.after(left)] : waiting);
    waiting = [];
    ready = look(call, watched, waiting);
    if (timeout > 0) left = Math.max(0, end - timers.now());
  }
  for (const pending of waiting) pending.cancel();
  return ready;
}

/** Fills in revents. Returns how many descriptors have some; the waits of the others are added to `waiting`. */
function look(call: Call, watched: readonly Watched[], waiting: Pending[]): number {
  let ready = 0;
  for (const each of watched) {
    each.revents = 0;
    if (each.fd < 0) continue;
    const result = call.kernel.poll(each.fd, fromNetbsdPoll(each.events));
    if (!isDone(result)) waiting.push(result);
    else if (result === -EBADF) each.revents = NB_POLLNVAL;
    else each.revents = toNetbsdPoll(Math.max(result, 0)) & (each.events | ALWAYS);
    if (each.revents !== 0) ready++;
  }
  return ready;
}
