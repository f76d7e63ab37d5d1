/**
 * What is known of the readiness of a remote socket, without asking. A state goes from not ready to ready when the server says so (an
 * event of its kqueue), and back when our own calls find that it is so: nobody else takes anything out of it.
 */
import { EAGAIN } from '../../abi/linux/errno.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from '../../abi/linux/poll.js';
import type { Watcher } from '../../kernel/socket_calls.js';
import {
  type Filter,
  type Holder,
  Phase,
  READ,
  type ReadyEvent,
  type Waiting,
  WRITE,
} from './readiness_parts.js';

let nextId = 1;

export class Readiness {
  /** Its name in the server's events. */
  readonly id = nextId++;
  phase: number;
  /** A FIFO's end of file is over when another writer comes. */
  readonly isFifo: boolean;
  /** Of a FIFO, what its access mode allows; a socket is both. */
  readonly directions: readonly Filter[];
  /** poll(2)'s POLLPRI: urgent data. */
  urgent = false;
  /** A lower limit of what can be received or accepted without asking. */
  available = 0;
  /** Our own shutdown(2). */
  shutRead = false;
  shutWrite = false;
  /** An error waits to be fetched. */
  hasError = false;
  /** The peer sends no more. */
  eof = false;
  /** Nothing can be sent any more. */
  broken = false;
  /** The server is gone. */
  isLost = false;
  #readable = false;
  #writable = true;
  readonly #armed: [boolean, boolean] = [false, false];
  /** #touched when it was armed. */
  readonly #armedAt: [number, number] = [0, 0];
  /** Changes with each call that may take something out of the socket, so that an older event is told from a newer one. */
  readonly #touched: [number, number] = [0, 0];
  readonly #serving: [boolean, boolean] = [false, false];
  /** Those that events can come to; the first is the one that they do. */
  readonly #holders: Holder[] = [];
  #references = 0;
  #watchers: Watcher[] = [];
  #waits: Waiting[] = [];
  #told = -1;

  constructor(phase: number, directions: readonly Filter[] = [READ, WRITE], isFifo = false) {
    this.phase = phase;
    this.directions = directions;
    this.isFifo = isFifo;
  }

  // poll(2).

  /** What poll(2) says, as tcp_poll(), unix_poll() and pipe_poll() of Linux have it. */
  get revents(): number {
    if (this.isLost) return POLLERR | POLLHUP;
    const error = (this.hasError ? POLLERR : 0) | (this.urgent ? 0x2 : 0);
    switch (this.phase) {
      case Phase.FRESH:
        return error | POLLOUT | POLLHUP;
      case Phase.CONNECTING:
        return error;
      case Phase.LISTENING:
        return error | (this.#readable ? POLLIN : 0);
      case Phase.OVER:
        return error | POLLIN | POLLOUT | POLLHUP | POLLRDHUP;
      default:
        return error | (this.isFifo ? this.#fifo() : this.#open());
    }
  }

  #open(): number {
    const noMore = this.eof || this.shutRead;
    const noSending = this.broken || this.shutWrite;
    let revents = 0;
    if (this.#readable || noMore || this.broken) revents |= POLLIN;
    if (this.#writable || noSending) revents |= POLLOUT;
    if (noMore || this.broken) revents |= POLLRDHUP;
    if (this.broken || (noMore && this.shutWrite)) revents |= POLLHUP;
    return revents;
  }

  #fifo(): number {
    if (this.directions[0] === READ) return (this.#readable ? POLLIN : 0) | (this.eof ? POLLHUP : 0);
    return (this.#writable ? POLLOUT : 0) | (this.broken ? POLLERR : 0);
  }

  get readable(): boolean {
    return this.#readable || this.eof;
  }

  unwatch(watcher: Watcher): void {
    const at = this.#watchers.indexOf(watcher);
    if (at >= 0) this.#watchers.splice(at, 1);
  }

  /** Tells each change, and the present state at once. */
  watch(watcher: Watcher): void {
    this.#watchers.push(watcher);
    this.#told = this.revents;
    watcher.changed(this.#told);
    this.update();
  }

  /** Something has changed: tells it, and asks the server for what is not there. `news`: more has come, whatever the bits are. */
  update(news = false): void {
    const { revents } = this;
    if (revents !== this.#told || news) {
      this.#told = revents;
      for (const watcher of [...this.#watchers]) watcher.changed(revents);
    }
    if (this.isLost) return;
    if (this.#wants(READ)) this.#arm(READ);
    if (this.#wants(WRITE)) this.#arm(WRITE);
  }

  isArmed(filter: Filter): boolean {
    return this.#armed[filter];
  }

  #wants(filter: Filter): boolean {
    if (!this.directions.includes(filter)) return false;
    const waited = this.#waits.some(wait => wait.filter === filter);
    const alive = this.phase === Phase.OPEN || this.phase === Phase.LISTENING;
    if (filter === READ) return (waited || alive) && !this.#readable && !this.eof;
    if (this.phase === Phase.CONNECTING) return true;
    return waited || (this.phase === Phase.OPEN && !this.#writable && !this.broken);
  }

  #arm(filter: Filter): void {
    const home = this.#holders[0];
    if (home === undefined || this.#armed[filter]) return;
    if (!home.poller.serves(home.generation)) {
      this.#moveHome();
      return;
    }
    this.#armed[filter] = true;
    this.#armedAt[filter] = this.#touched[filter];
    home.poller.arm(this, filter);
  }

  // What the server says.

  /** An event that was asked for has come. */
  event(filter: Filter, event: ReadyEvent): void {
    this.#armed[filter] = false;
    // A call may have taken since what it tells of.
    const isCertain = this.#armedAt[filter] === this.#touched[filter];
    if (event.error) this.hasError = true;
    if (filter === READ && this.phase === Phase.OPEN && event.data === 0 && !event.eof && isCertain)
      // Ready, and there is nothing: an error, or an empty datagram.
      this.hasError = true;
    if (filter === READ) this.#canRead(event, isCertain);
    else this.#canWrite(event, isCertain);
    this.update(isCertain);
    this.#serve(filter);
  }

  #canRead({ data, eof }: ReadyEvent, isCertain: boolean): void {
    if (isCertain) {
      this.#readable = true;
      this.available = data;
    }
    if (eof) this.#ended();
  }

  #ended(): void {
    this.eof = true;
    // Whether the other direction is over, too: the event for that comes at once.
    if (this.phase === Phase.OPEN && !this.isFifo && !this.broken) this.#arm(WRITE);
  }

  #canWrite({ eof }: ReadyEvent, isCertain: boolean): void {
    if (eof && !this.shutWrite) {
      this.broken = true;
      if (!this.isFifo) this.eof = true;
      if (this.phase === Phase.CONNECTING) this.#failed();
      return;
    }
    if (this.phase === Phase.CONNECTING) this.phase = Phase.OPEN;
    if (!isCertain) return;
    this.#writable = true;
  }

  /** connect(2) has failed: why, SO_ERROR says. */
  #failed(): void {
    this.phase = Phase.OVER;
    this.hasError = true;
  }

  /** The server is gone, as far as the descriptor goes that events come to. */
  lost(): void {
    this.#moveHome();
  }

  setPhase(phase: number): void {
    this.phase = phase;
    this.update();
  }

  /** Our own shutdown(2). */
  shut(read: boolean, write: boolean): void {
    if (read) this.shutRead = true;
    if (write) this.shutWrite = true;
    this.update();
  }

  /** The server has no events for it. */
  refused(): void {
    const [home] = this.#holders;
    if (home !== undefined) this.#leaveHome(home);
    this.#die();
  }

  #die(): void {
    this.isLost = true;
    this.update();
    this.#serve(READ);
    this.#serve(WRITE);
  }

  // What our own calls find.

  /** A call that may take something is sent. */
  begin(filter: Filter): number {
    return ++this.#touched[filter];
  }

  /** Its answer has come. `began`: what begin() gave; `took`: there is less now than an event has said that is under way. */
  end(filter: Filter, began: number, took: boolean): void {
    if (took) this.#touched[filter]++;
    else if (this.#touched[filter] === began) this.#touched[filter]--;
  }

  /** Nothing can be read now, as far as is known, and the server will say when it can: an attempt would be in vain. */
  isQuiet(filter: Filter): boolean {
    const known = this.phase === Phase.OPEN || this.phase === Phase.LISTENING;
    if (filter !== READ || !known || this.#readable || this.eof || this.shutRead || this.hasError)
      return false;
    return !this.isLost && this.#armed[READ] && this.#armedAt[READ] === this.#touched[READ];
  }

  /** Less was sent than there was: -EAGAIN for the rest. */
  canNotWrite(): number {
    this.setWritable(false);
    return -EAGAIN;
  }

  /** The peer sends no more, and all of what it sent was received. */
  isAtEnd(): void {
    this.#readable = false;
    this.available = 0;
    if (!this.eof) this.#ended();
    this.update();
  }

  /** `count` bytes or connections were taken, and there may be more. */
  took(count: number): void {
    this.available = Math.max(0, this.available - count);
    if (this.available === 0) this.#readable = false;
    this.update();
  }

  /** The error that waited has been told. */
  errorTaken(): void {
    if (!this.hasError) return;
    this.hasError = false;
    this.update();
  }

  /** A call has found that nothing can be sent any more, or (`both`) that there is no connection any more. */
  isBroken(both: boolean): void {
    this.broken = true;
    if (both) this.eof = true;
    this.update();
  }

  /** What a call has found out about reading; known to be so now. */
  setReadable(readable: boolean): void {
    this.#readable = readable;
    if (!readable) this.available = 0;
    this.update();
  }

  setWritable(writable: boolean): void {
    this.#writable = writable;
    this.update();
  }

  // Calls that wait.

  wait(waiting: Waiting): void {
    this.#waits.push(waiting);
    this.update();
  }

  /** The wait is over, whichever way. */
  leave(waiting: Waiting): void {
    const at = this.#waits.indexOf(waiting);
    if (at >= 0) this.#waits.splice(at, 1);
  }

  /** Whether another call waits already: those that come later come after it. */
  hasWaits(filter: Filter): boolean {
    return this.#waits.some(wait => wait.filter === filter);
  }

  /** Lets those that wait try, in order, until one has to go on waiting. */
  #serve(filter: Filter): void {
    if (this.#serving[filter]) return;
    this.#serving[filter] = true;
    for (;;) {
      const wait = this.#waits.find(each => each.filter === filter);
      if (wait === undefined) break;
      const state = wait.retry(isOver => {
        this.#serving[filter] = false;
        if (isOver) this.#serve(filter);
        else this.update();
      });
      if (state === 'busy') return;
      if (state === 'waits') break;
    }
    this.#serving[filter] = false;
    this.update();
  }

  /** Something has happened that is no event: a listener was shut down, say. */
  serve(): void {
    this.#serve(READ);
    this.#serve(WRITE);
  }

  // Descriptors.

  addHolder(holder: Holder): void {
    this.#references++;
    this.#holders.push(holder);
  }

  /** A descriptor is closed, or its process gone: the last one ends it, and another may have to hear of the events. */
  dropHolder(holder: Holder): void {
    this.#references--;
    const at = this.#holders.indexOf(holder);
    if (at >= 0) this.#holders.splice(at, 1);
    if (at === 0) this.#leaveHome(holder);
    if (this.#references === 0) this.#gone();
    else if (at === 0) this.update();
  }

  /** To the next descriptor whose process can be spoken to. */
  #moveHome(): void {
    for (;;) {
      const [home] = this.#holders;
      if (home === undefined) return this.#die();
      if (home.poller.serves(home.generation)) return this.update();
      this.#holders.shift();
      this.#leaveHome(home);
    }
  }

  #leaveHome(home: Holder): void {
    home.poller.leave(this, this.#armed.filter(Boolean).length);
    this.#armed.fill(false);
  }

  #gone(): void {
    const [waits, watchers] = [this.#waits, this.#watchers];
    this.#waits = [];
    this.#watchers = [];
    for (const wait of waits) wait.abandon();
    for (const watcher of watchers) watcher.closed();
  }

  get home(): Holder | undefined {
    return this.#holders[0];
  }
}
