/** poll(2) and pollts(2). */
import { EBADF, EINVAL } from '../../../abi/linux/errno.js';
import {
  fromNetbsdPoll,
  NB_POLLFD_SIZE,
  NB_POLLNVAL,
  readNetbsdPollfd,
  toNetbsdPoll,
  writeNetbsdRevents,
} from '../../../abi/netbsd/poll.js';
import { decodeNetbsdTimespec, NB_TIMESPEC_SIZE } from '../../../abi/netbsd/time.js';
import { isDone, type Pending } from '../../../kernel/rump_kernel.js';
import type { Call, Steps } from '../call.js';

/** More than a process has descriptors for is EINVAL, as in NetBSD. */
const MAX_FDS = 1024;
const NSEC_PER_MSEC = 1_000_000;

export function* poll(call: Call): Steps {
  return yield* pollFor(call, call.int(2));
}

/** The signal mask is the client's own affair: no signal reaches a rump kernel's process. */
export function* pollts(call: Call): Steps {
  const at = call.ulong(2);
  if (at === 0) return yield* pollFor(call, -1);
  const bytes = yield* call.copyin(at, NB_TIMESPEC_SIZE);
  const { sec, nsec } = decodeNetbsdTimespec(new DataView(bytes.buffer, bytes.byteOffset), 0);
  if (sec < 0 || nsec < 0 || nsec >= 1000 * NSEC_PER_MSEC) return -EINVAL;
  return yield* pollFor(call, sec * 1000 + Math.ceil(nsec / NSEC_PER_MSEC));
}

function* pollFor(call: Call, timeout: number): Steps {
  const count = call.uint(1);
  if (count > MAX_FDS) return -EINVAL;
  const bytes = yield* call.copyin(call.ulong(0), count * NB_POLLFD_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let waiting = new Map<number, Pending>();
  let ready = look(call, view, count, waiting);
  if (ready === 0 && timeout !== 0) {
    yield new Any([...waiting.values()], call, timeout);
    waiting = new Map();
    ready = look(call, view, count, waiting);
  }
  for (const pending of waiting.values()) pending.cancel();
  if (bytes.length > 0) call.copyout(call.ulong(0), bytes);
  return ready;
}

/** Fills in revents. Returns how many descriptors have some; `waiting` gets the others' waits. */
function look(call: Call, view: DataView, count: number, waiting: Map<number, Pending>): number {
  let ready = 0;
  for (let i = 0; i < count; i++) {
    const at = i * NB_POLLFD_SIZE;
    const { fd, events } = readNetbsdPollfd(view, at);
    let revents = 0;
    if (fd >= 0) {
      const result = call.kernel.poll(fd, fromNetbsdPoll(events));
      if (!isDone(result)) waiting.set(i, result);
      else if (result === -EBADF) revents = NB_POLLNVAL;
      else revents = toNetbsdPoll(Math.max(result, 0)) & (events | NB_ALWAYS);
    }
    if (revents !== 0) ready++;
    writeNetbsdRevents(view, at, revents);
  }
  return ready;
}

/** POLLERR, POLLHUP and POLLNVAL are told without being asked for. */
const NB_ALWAYS = 0x8 | 0x10 | NB_POLLNVAL;

/** The first of several waits, or the time. */
class Any implements Pending {
  readonly #all: Pending[];

  constructor(waits: readonly Pending[], call: Call, timeout: number) {
    this.#all = [...waits];
    if (timeout > 0) this.#all.push(call.session.state.timers.after(timeout));
  }

  onDone(done: (result: number) => void): void {
    let over = false;
    for (const pending of this.#all) {
      pending.onDone(() => {
        if (over) return;
        over = true;
        for (const other of this.#all) if (other !== pending) other.cancel();
        done(0);
      });
    }
  }

  cancel(): number {
    for (const pending of this.#all) pending.cancel();
    return 0;
  }
}
