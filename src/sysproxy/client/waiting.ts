/** Waiting for a remote descriptor without a call that holds a result: readiness may be asked for and forgotten. */

import { NB } from '../../abi/netbsd/nr.js';
import {
  encodeNetbsdPollfd,
  fromNetbsdPoll,
  NB_POLLFD_SIZE,
  readNetbsdRevents,
  toNetbsdPoll,
} from '../../abi/netbsd/poll.js';
import type { Result } from '../../kernel/rump_kernel.js';
import type { Descriptor } from './descriptors.js';
import { Later } from './pending.js';
import type { Remote } from './remote.js';

const INFTIM = -1;

/** One poll(2) at the server, and all that wait for it. It stays when they are gone: the server cannot be told to stop. */
interface Outstanding {
  readonly waiters: Set<Later>;
}

export class PollWaits {
  readonly #outstanding = new Map<string, Outstanding>();

  constructor(readonly remote: Remote) {}

  /** poll(2) of one descriptor: revents now (0 for none), without waiting. */
  now(entry: Descriptor, events: number): Result {
    return this.#poll(entry, events, 0);
  }

  /** Revents as soon as there are some. A signal may end the wait. */
  wait(entry: Descriptor, events: number): Result {
    const key = `${entry.remote} ${entry.generation} ${events}`;
    let outstanding = this.#outstanding.get(key);
    if (outstanding === undefined) {
      outstanding = { waiters: new Set() };
      const result = this.#poll(entry, events, INFTIM);
      if (typeof result === 'number') return result;
      this.#outstanding.set(key, outstanding);
      result.onDone(revents => {
        this.#outstanding.delete(key);
        for (const waiter of outstanding?.waiters ?? []) waiter.settle(revents);
      });
    }
    const { waiters } = outstanding;
    const later = new Later(false, () => {
      waiters.delete(later);
      return 0;
    });
    waiters.add(later);
    return later;
  }

  #poll(entry: Descriptor, events: number, timeout: number): Result {
    const call = this.remote.begin(NB.poll);
    const at = call.reserve(NB_POLLFD_SIZE);
    encodeNetbsdPollfd(call.view, at, entry.remote, toNetbsdPoll(events));
    call.pointer(at).int(1).int(timeout);
    call.fdErrno = entry.file.lostErrno;
    call.generation = entry.generation;
    call.mayBlock = timeout !== 0;
    call.finish = done => (done.result <= 0 ? done.result : fromNetbsdPoll(readNetbsdRevents(done.view, at)));
    return this.remote.submit(call);
  }
}
