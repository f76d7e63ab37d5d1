/** An open kqueue(2): its knotes, those that have something to say, and who waits for that (sys/kern/kern_event.c). */
import { ENOTDIR, ENXIO } from '../../abi/linux/errno.js';
import { O_RDWR } from '../../abi/linux/fcntl.js';
import { POLLIN, POLLRDNORM } from '../../abi/linux/poll.js';
import { S_IFIFO } from '../../abi/linux/stat.js';
import {
  encodeNetbsdKevent,
  NB_EV_CLEAR,
  NB_EV_DISPATCH,
  NB_EV_ONESHOT,
  NB_KEVENT_UDATA,
} from '../../abi/netbsd/event.js';
import type { SocketState } from '../../kernel/net/sockets.js';
import { OpenFile } from '../../kernel/open_files.js';
import type { EmbeddedProcess } from '../../kernel/process.js';
import type { Pending, Result } from '../../kernel/rump_kernel.js';
import type { Watcher } from '../../kernel/socket_calls.js';
import { Dentry, SpecialInode } from '../../kernel/vfs/vnode.js';
import { FileKnote } from './file_knote.js';
import type { Fired, Knote, KnoteQueue } from './knote.js';

/** A wait for something to say. Its result is POLLIN. */
class Arrival implements Pending {
  readonly #over: (arrival: Arrival) => void;
  done: ((result: number) => void) | undefined;

  constructor(over: (arrival: Arrival) => void) {
    this.#over = over;
  }

  onDone(done: (result: number) => void): void {
    this.done = done;
  }

  cancel(): number {
    this.#over(this);
    return 0;
  }
}

export class OpenKqueue extends OpenFile implements KnoteQueue {
  /** Descriptors are those of the process that made it: a child does not get it. */
  readonly process: EmbeddedProcess;
  readonly #net: SocketState;
  readonly #knotes = new Map<string, Knote>();
  /** Those that may have something to say, in the order in which they had. */
  readonly #active = new Set<Knote>();
  readonly #arrivals = new Set<Arrival>();
  #watchers: Watcher[] = [];
  #isWaking = false;
  isClosed = false;

  constructor(net: SocketState, process: EmbeddedProcess, flags: number) {
    const { uid, gid } = process.cred;
    const inode = new SpecialInode(net.fs, S_IFIFO, uid, gid, 0);
    inode.nlink = 0;
    const dentry = new Dentry(inode, 'kqueue', net.fs.root);
    dentry.isAttached = false;
    super(dentry, O_RDWR | flags);
    this.#net = net;
    this.process = process;
  }

  override get isInherited(): boolean {
    return false;
  }

  get size(): number {
    return this.#knotes.size;
  }

  // Knotes.

  find(filter: number, ident: number): Knote | undefined {
    const knote = this.#knotes.get(`${filter} ${ident}`);
    if (knote === undefined || this.#isCurrent(knote)) return knote;
    this.drop(knote);
    return undefined;
  }

  add(knote: Knote): void {
    this.#knotes.set(`${knote.filter} ${knote.ident}`, knote);
  }

  drop(knote: Knote): void {
    this.#knotes.delete(`${knote.filter} ${knote.ident}`);
    this.#active.delete(knote);
    knote.detach();
  }

  /** A descriptor of the process is closed: its knotes go, though there may be copies of it. */
  forget(fd: number): void {
    for (const knote of this.#knotes.values())
      if (knote instanceof FileKnote && knote.ident === fd) this.drop(knote);
  }

  /** The descriptor is still open on the same file: exec(2) closes without telling. */
  #isCurrent(knote: Knote): boolean {
    return !(knote instanceof FileKnote) || this.process.openFile(knote.ident) === knote.file;
  }

  activate(knote: Knote): void {
    knote.isActive = true;
    if (knote.isDisabled || this.#active.has(knote)) return;
    this.#active.add(knote);
    for (const watcher of this.#watchers) watcher.changed(POLLIN);
    this.#wakeSoon();
  }

  enable(knote: Knote): void {
    knote.isDisabled = false;
    if (knote.isActive) this.activate(knote);
  }

  disable(knote: Knote): void {
    knote.isDisabled = true;
    this.#active.delete(knote);
  }

  /**
   * What there is to say now: at most `max` events (kqueue_scan()). `take` gets each; it must not call the kernel. Returns how
   * many there were.
   */
  scan(max: number, take: (knote: Knote, fired: Fired) => void): number {
    let found = 0;
    let left = this.#active.size;
    // Those that stay go to the end, and are not seen twice.
    for (const knote of this.#active) {
      if (left-- === 0 || found === max) break;
      this.#active.delete(knote);
      const fired = this.#isCurrent(knote) ? knote.evaluate() : undefined;
      if (fired === undefined) {
        knote.isActive = false;
        continue;
      }
      take(knote, fired);
      found++;
      this.#told(knote);
    }
    return found;
  }

  #told(knote: Knote): void {
    if ((knote.flags & NB_EV_ONESHOT) !== 0) this.drop(knote);
    else if ((knote.flags & NB_EV_CLEAR) !== 0) {
      knote.cleared();
      knote.isActive = false;
    } else if ((knote.flags & NB_EV_DISPATCH) !== 0) {
      knote.isDisabled = true;
      knote.isActive = false;
    } else this.#active.add(knote);
  }

  // Waiting.

  /** Until there may be something to say, or the kqueue is closed. */
  arrival(): Pending {
    const arrival = new Arrival(over => this.#arrivals.delete(over));
    this.#arrivals.add(arrival);
    return arrival;
  }

  /** Never from within a call, whose end may touch more knotes. */
  #wakeSoon(): void {
    if (this.#isWaking || this.#arrivals.size === 0) return;
    this.#isWaking = true;
    this.#net.loop.complete(() => {
      this.#isWaking = false;
      const arrivals = [...this.#arrivals];
      this.#arrivals.clear();
      for (const arrival of arrivals) arrival.done?.(POLLIN);
    });
  }

  // As a file.

  override poll(events: number): Result {
    const wanted = events & (POLLIN | POLLRDNORM);
    return wanted !== 0 && this.#active.size > 0 ? wanted : this.arrival();
  }

  override watch(watcher: Watcher): number {
    this.#watchers.push(watcher);
    watcher.changed(this.#active.size > 0 ? POLLIN : 0);
    return 0;
  }

  override readable(): number {
    return this.#active.size;
  }

  override read(): number {
    return -ENXIO;
  }

  override write(): number {
    return -ENXIO;
  }

  override getDents(): number {
    return -ENOTDIR;
  }

  protected override closed(): void {
    this.isClosed = true;
    for (const knote of [...this.#knotes.values()]) this.drop(knote);
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher.closed();
    this.#wakeSoon();
  }
}

/** The struct kevent of an event: the program's own 8 bytes are given back as they were. */
export function encodeFired(bytes: Uint8Array, at: number, knote: Knote, { data, flags }: Fired): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { ident, filter } = knote;
  encodeNetbsdKevent(view, at, { ident, filter, flags: knote.flags | flags, fflags: 0, data, udata: 0 });
  bytes.set(knote.udata, at + NB_KEVENT_UDATA);
}
