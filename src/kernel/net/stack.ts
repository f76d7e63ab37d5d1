/** The TCP/IP stack of the embedded kernel: its sockets by number, what has changed on them, and its time. */
import type { Timer } from '../../native/loop.js';
import type { SocketState } from './sockets.js';
import { loadStackLibrary, type SharedPage, type StackLibrary } from './stack_library.js';

/** What the stack tells a socket. */
export interface StackSocket {
  /** `revents`: all of poll(2)'s bits that hold now; `news`: something came, though they may be as they were. */
  stackChanged(revents: number, news: boolean): void;
}

export class Stack {
  readonly calls: StackLibrary;
  readonly shared: SharedPage;
  readonly #net: SocketState;
  readonly #sockets: (StackSocket | undefined)[] = [];
  #timer: Timer | undefined;
  /** Called with SharedPage.outgoing when interfaces have frames to be sent. */
  onOutgoing: (interfaces: number) => void = () => {};

  constructor(net: SocketState, calls: StackLibrary) {
    this.calls = calls;
    this.shared = calls.shared;
    this.#net = net;
    net.sources.push(() => this.#drain());
  }

  add(id: number, socket: StackSocket): void {
    this.#sockets[id] = socket;
  }

  remove(id: number): void {
    this.#sockets[id] = undefined;
  }

  #drain(): void {
    const { shared, calls } = this;
    while (shared.dirtyCount > 0) {
      const count = shared.dirtyCount;
      shared.dirtyCount = 0;
      for (let i = 0; i < count; i++) {
        this.#sockets[shared.dirtyId(i)]?.stackChanged(shared.dirtyRevents(i), shared.dirtyNews(i));
      }
      if (shared.hasMoreDirty) calls.more();
    }
    if (shared.outgoing !== 0) this.onOutgoing(shared.outgoing);
    if (shared.tick >= 0) this.#timer ??= this.#net.loop.after(shared.tick, () => this.#tick());
    else if (this.#timer !== undefined) {
      this.#net.loop.cancel(this.#timer);
      this.#timer = undefined;
    }
  }

  #tick(): void {
    this.#timer = undefined;
    this.calls.tick();
    this.#net.settle();
  }
}

/** lwIP has one set of globals: the first kernel of a process has it. */
let library: StackLibrary | string | undefined;
let owner: SocketState | undefined;

/** The stack, started; a string says why there is none. */
export function startStack(net: SocketState): Stack | string {
  if (owner !== undefined && owner !== net) return 'another kernel of this process has the TCP/IP stack';
  owner = net;
  library ??= loadStackLibrary();
  return typeof library === 'string' ? library : new Stack(net, library);
}
