/**
 * Hears from the server which sockets of one of its processes are ready: a kqueue there, and one call on it that waits, for all of them. An
 * event is asked for once and comes once (EV_ONESHOT), so that its level is known: readiness.ts asks again when it has ended it.
 */
import { EINTR, ENOTCONN } from '../../abi/linux/errno.js';
import {
  decodeNetbsdKevent,
  encodeNetbsdKevent,
  NB_EV_ADD,
  NB_EV_EOF,
  NB_EV_ERROR,
  NB_EV_ONESHOT,
  NB_EVFILT_READ,
  NB_KEVENT_SIZE,
} from '../../abi/netbsd/event.js';
import { NB } from '../../abi/netbsd/nr.js';
import type { Readiness } from './readiness.js';
import type { Arms, Filter } from './readiness_parts.js';
import { READ, WRITE } from './readiness_parts.js';
import type { Remote } from './remote.js';
import type { SysCall } from './syscall.js';

/** Events that one call brings. */
const EVENTS = 64;
/** Changes that one call makes. */
const CHANGES = 256;

interface Change {
  readonly readiness: Readiness;
  readonly filter: Filter;
  /** The server's descriptor that it was sent for. */
  ident: number;
}

export class Poller implements Arms {
  /** Sockets that events are asked for, by the name that events have. */
  readonly #members = new Map<number, Readiness>();
  #changes: Change[] = [];
  #scheduled = false;
  /** The kqueue's descriptor, -1: none. */
  #kqueue = -1;
  #generation = -1;
  #isMaking = false;
  /** The call that waits is under way. */
  #isWaiting = false;
  /** Events that were asked for and have not come. */
  #armed = 0;
  /** The generation whose server has no events for us, -1: none. */
  #useless = -1;

  constructor(readonly remote: Remote) {}

  serves(generation: number): boolean {
    return this.remote.isAlive && this.remote.generation === generation && this.#useless !== generation;
  }

  arm(readiness: Readiness, filter: Filter): void {
    this.#armed++;
    this.#members.set(readiness.id, readiness);
    this.#changes.push({ readiness, filter, ident: -1 });
    this.#schedule();
  }

  leave(readiness: Readiness, armed: number): void {
    this.#armed -= armed;
    this.#members.delete(readiness.id);
    this.#changes = this.#changes.filter(change => change.readiness !== readiness);
  }

  /** All changes of one turn go together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.remote.options.loop.complete(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#changes.length === 0) return;
    if (this.#kqueue < 0 || this.#generation !== this.remote.generation) return this.#make();
    while (this.#changes.length > 0) this.#send(this.#changes.splice(0, CHANGES));
  }

  #make(): void {
    if (this.#isMaking) return;
    this.#isMaking = true;
    const call = this.remote.begin(NB.kqueue);
    this.#post(call, fd => {
      this.#isMaking = false;
      if (fd < 0) return this.#fail();
      this.#kqueue = fd;
      this.#generation = this.remote.generation;
      this.#flush();
    });
  }

  #post(call: SysCall, done: (result: number) => void): void {
    call.finish = over => {
      done(over.result);
      return 0;
    };
    this.remote.post(call);
  }

  /** kevent(2): makes changes, and waits for events unless another call does so already. */
  #send(changes: readonly Change[]): void {
    const waits = !this.#isWaiting;
    const call = this.remote.begin(NB.__kevent50).int(this.#kqueue);
    this.#putChanges(call, changes);
    const events = waits ? call.reserve(EVENTS * NB_KEVENT_SIZE) : 0;
    if (waits) call.pointer(events).long(EVENTS).nil();
    else call.nil().long(0).nil();
    call.generation = this.#generation;
    call.fdErrno = ENOTCONN;
    if (!waits) {
      this.#post(call, result => {
        if (result < 0) this.#refused(changes, result);
      });
      return;
    }
    this.#isWaiting = true;
    call.finish = over => {
      this.#isWaiting = false;
      if (over.result < 0) this.#interrupted(over.result);
      else this.#take(over, events, over.result);
      if (!this.#isWaiting && this.#armed > 0 && this.#changes.length === 0) this.#send([]);
      return 0;
    };
    this.remote.post(call);
  }

  #putChanges(call: SysCall, changes: readonly Change[]): void {
    if (changes.length === 0) {
      call.nil().long(0);
      return;
    }
    const at = call.reserve(changes.length * NB_KEVENT_SIZE);
    changes.forEach((change, i) => {
      const { readiness, filter } = change;
      change.ident = readiness.home?.remote ?? -1;
      encodeNetbsdKevent(call.view, at + i * NB_KEVENT_SIZE, {
        ident: change.ident,
        filter,
        flags: NB_EV_ADD | NB_EV_ONESHOT,
        fflags: 0,
        data: 0,
        udata: readiness.id,
      });
    });
    call.pointer(at).long(changes.length);
  }

  #take(call: SysCall, at: number, count: number): void {
    for (let i = 0; i < Math.min(count, EVENTS); i++) {
      const event = decodeNetbsdKevent(call.view, at + i * NB_KEVENT_SIZE);
      const readiness = this.#members.get(event.udata);
      if (readiness === undefined) continue;
      if ((event.flags & NB_EV_ERROR) !== 0) {
        this.#cannot(readiness, event.ident);
        continue;
      }
      const filter = event.filter === NB_EVFILT_READ ? READ : WRITE;
      if (!readiness.isArmed(filter)) continue;
      this.#armed--;
      const eof = (event.flags & NB_EV_EOF) !== 0;
      readiness.event(filter, { data: event.data, eof, error: eof && event.fflags !== 0 });
    }
  }

  /** The call that waits has ended without events: after an exec(3) there is another one, else the server is gone. */
  #interrupted(result: number): void {
    if (result === -EINTR && this.#generation === this.remote.generation) return;
    this.#fail();
  }

  /**
   * A change could not be made, and those after it were not. Which one, is found by making each by itself: as a rule it is of a descriptor
   * that was closed meanwhile, and that is no matter for the others.
   */
  #refused(changes: readonly Change[], result: number): void {
    if (result === -ENOTCONN) return this.#fail();
    const still = changes.filter(({ readiness }) => this.#members.has(readiness.id));
    if (changes.length > 1) for (const change of still) this.#send([change]);
    else for (const { readiness, ident } of still) this.#cannot(readiness, ident);
  }

  /** The server has no events for a descriptor. One that is closed by now says nothing of its copies, which events were asked for anew. */
  #cannot(readiness: Readiness, ident: number): void {
    if (readiness.home?.remote === ident) readiness.refused();
  }

  /** No events come any more. */
  #fail(): void {
    this.#kqueue = -1;
    this.#useless = this.remote.generation;
    const members = [...this.#members.values()];
    for (const readiness of members) readiness.lost();
    this.#members.clear();
    this.#changes = [];
    this.#armed = 0;
  }
}
