/**
 * rump_sp in front of a rump kernel: what rump_server(1) is in front of NetBSD's. Its loop is synchronous: wait,
 * accept, receive, handle, send. Nothing in it may need Node's event loop.
 */
import { EMFILE, ENFILE } from '../../abi/linux/errno.js';
import type { EmbeddedKernel } from '../../kernel/embedded.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, net, readyEvents, readyFd, waitReady } from '../../native/net.js';
import type { ServerUrl } from '../url.js';
import { CALLS } from './calls/table.js';
import { FileEvents } from './file_events.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { closeListener, type Listener, openListener } from './listener.js';
import { Log } from './log.js';
import { Session } from './session.js';
import { Preforks, ProcessTable, type ServerState } from './state.js';
import { Timers } from './timers.js';

/** The ABI that is spoken: what clients compare with their own, and what uname(1) would say. */
export const BANNER = 'RUMPSP-0.4-NetBSD-7.99.34/amd64\n';

/** Holds a full piece and more; one receive serves all that came with it. */
const BUFFER = 128 * 1024;
/** How long no connection is taken when there are no descriptors left for one. */
const ACCEPT_PAUSE_MS = 100;

export interface ServerOptions {
  readonly kernel: EmbeddedKernel;
  readonly urls: readonly ServerUrl[];
  readonly limits?: Partial<Limits>;
  /** Bind tcp to addresses that others can reach. */
  readonly listenAnywhere?: boolean;
  /** Lines worth telling. */
  readonly log?: (line: string) => void;
  /** What clients write to their descriptors 0 to 2. */
  readonly console?: (bytes: Uint8Array) => void;
}

export class SysproxyServer {
  readonly #options: ServerOptions;
  readonly #state: ServerState;
  readonly #sessions = new Map<number, Session>();
  readonly #banner = Buffer.from(BANNER, 'latin1');
  readonly #buffer = new Uint8Array(BUFFER);
  #listeners: Listener[] = [];
  #touched: Session[] = [];
  #other: Session[] = [];
  #halted = false;
  #acceptsPaused = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const processes = new ProcessTable(options.kernel, options.console ?? (() => {}));
    this.#state = {
      processes,
      preforks: new Preforks(processes, limits.orphans),
      limits,
      log: new Log(options.log ?? (() => {})),
      timers: new Timers(options.kernel.loop),
      sysctl: options.kernel.sysctl,
      fileEvents: new FileEvents(),
      sockets: options.kernel.sockets,
      routeSockets: new Set(),
      noSigpipe: new WeakSet(),
      calls: CALLS,
      touch: session => this.#touched.push(session),
      halt: () => {
        this.#halted = true;
      },
    };
  }

  /** Where the server can be reached, once it listens: a port that was left to the host is filled in. */
  get urls(): readonly string[] {
    return this.#listeners.map(listener => listener.url);
  }

  /** Clients at the moment. */
  get clients(): number {
    return this.#sessions.size;
  }

  /** A client has halted the kernel (reboot(2)): the answer to that call is on its way. */
  get isHalted(): boolean {
    return this.#halted;
  }

  /** Binds all URLs, or none and throws a ListenError. */
  listen(): void {
    try {
      for (const url of this.#options.urls) {
        this.#listeners.push(openListener(url, this.#options.listenAnywhere === true));
      }
    } catch (error) {
      this.#closeListeners();
      throw error;
    }
    this.#watchListeners(EPOLLIN);
  }

  /** Waits at most `timeout` milliseconds (-1: no limit) for something to do, and does it. */
  turn(timeout: number): void {
    const { loop } = this.#options.kernel;
    const ready = waitReady(loop.timeout(timeout));
    for (let n = 0; n < ready; n++) this.#serve(readyFd(n), readyEvents(n));
    loop.runDue();
    this.#flush();
  }

  /** Ends all connections and removes the sockets. */
  close(): void {
    this.#closeListeners();
    for (const session of this.#sessions.values()) session.close();
    this.#flush();
  }

  #serve(fd: number, events: number): void {
    const session = this.#sessions.get(fd);
    if (session === undefined) {
      const listener = this.#listeners.find(each => each.fd === fd);
      if (listener !== undefined) this.#accept(listener);
      else this.#options.kernel.loop.ready(fd, events);
    } else if ((events & EPOLLIN) !== 0) this.#receive(session);
    else if ((events & (EPOLLERR | EPOLLHUP)) !== 0) session.close();
    else this.#state.touch(session);
  }

  /** A fault of ours costs the one client, not all of them. */
  #receive(session: Session): void {
    try {
      session.receive(this.#buffer);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#state.log.say(`a client was given up, the server has a fault: ${text.split('\n', 1)[0]}`);
      session.close();
    }
  }

  /** One at a time: the socket blocks, and says so if there is another. */
  #accept(listener: Listener): void {
    const fd = net.accept(listener.fd);
    if (fd < 0) {
      if (fd === -EMFILE || fd === -ENFILE) this.#pauseAccepts();
      return;
    }
    if (this.#sessions.size >= this.#state.limits.clients) {
      net.close(fd);
      this.#state.log.say(`a client was turned away: there are ${this.#sessions.size} already`);
      return;
    }
    if (net.watch(fd, EPOLLIN) < 0) {
      net.close(fd);
      return;
    }
    const session = new Session(fd, this.#state);
    this.#sessions.set(fd, session);
    session.greet(this.#banner);
  }

  /** No descriptor for another client: the others go on. */
  #pauseAccepts(): void {
    if (this.#acceptsPaused) return;
    this.#acceptsPaused = true;
    this.#state.log.say('out of descriptors: new clients have to wait');
    this.#watchListeners(0);
    this.#state.timers.after(ACCEPT_PAUSE_MS).onDone(() => {
      this.#acceptsPaused = false;
      this.#watchListeners(EPOLLIN);
    });
  }

  #watchListeners(events: number): void {
    for (const { fd } of this.#listeners) net.watch(fd, events);
  }

  /** Sends what there is to send. What that sets going may touch sessions again. */
  #flush(): void {
    while (this.#touched.length > 0) {
      const touched = this.#touched;
      this.#touched = this.#other;
      this.#other = touched;
      for (const session of touched) if (!session.flush()) this.#end(session);
      touched.length = 0;
    }
  }

  #end(session: Session): void {
    if (this.#sessions.get(session.fd) !== session) return;
    this.#sessions.delete(session.fd);
    session.teardown();
    net.close(session.fd);
  }

  #closeListeners(): void {
    for (const listener of this.#listeners) closeListener(listener);
    this.#listeners = [];
  }
}
