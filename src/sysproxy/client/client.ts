/** A rump kernel in another process, reached over rump_sp: `unix://` or `tcp://`. */
import type { RumpKernel, SpawnOptions } from '../../kernel/rump_kernel.js';
import { EventLoop } from '../../native/loop.js';
import { parseUrl, type ServerUrl } from '../url.js';
import type { DialError } from './dial.js';
import { ProcView } from './proc_view.js';
import { SysproxyProcess } from './process.js';
import { Shared } from './process_base.js';
import { Remote, type RemoteOptions } from './remote.js';
import { RetryNews, type RetryPolicy } from './retry.js';

export interface ClientOptions {
  url: string;
  retry?: RetryPolicy;
  /** Calls wait until the server answers: for one that serves no tracees meanwhile. */
  patient?: boolean;
  /** The thread that is making calls now. */
  tag?: () => number;
  /** A signal (Linux's number) for a thread. */
  onSignal?: (tag: number, signal: number) => void;
  /** The server is lost, and `retry` is 'die'. */
  onDie?: (tag: number) => void;
  /** One line for the user. */
  tell?: (message: string) => void;
}

export class SysproxyClient implements RumpKernel {
  readonly name: string;
  readonly loop = new EventLoop();
  readonly #options: RemoteOptions;
  readonly #processes = new Set<SysproxyProcess>();
  readonly #procView = new ProcView(this.loop);
  /** A first process, made to see that there is a server at all. */
  #first: Remote | undefined;

  private constructor(url: ServerUrl, options: ClientOptions) {
    this.name = url.text;
    this.#options = {
      url,
      loop: this.loop,
      retry: options.retry ?? 'no',
      news: new RetryNews(options.tell ?? (() => {})),
      patient: options.patient ?? false,
      tag: options.tag ?? (() => 0),
      onSignal: options.onSignal ?? (() => {}),
      onDie: options.onDie ?? (() => {}),
    };
  }

  /** Connects, as a process called `comm`. Throws UrlError or DialError, whose messages are for the user. */
  static open(options: ClientOptions, comm: string): SysproxyClient {
    const client = new SysproxyClient(parseUrl(options.url), options);
    const first = new Remote(client.#options, comm);
    let over = false;
    let failed: DialError | undefined;
    first.startGuest(error => {
      over = true;
      failed = error;
    });
    while (!over) client.loop.turn(-1);
    if (failed !== undefined) throw failed;
    client.#first = first;
    return client;
  }

  spawn(options: SpawnOptions): SysproxyProcess {
    const { comm, pid, cred, umask, prefix } = options;
    const remote = this.#first ?? new Remote(this.#options, comm);
    if (this.#first === undefined) remote.startGuest(() => {});
    this.#first = undefined;
    const shared = new Shared(remote);
    shared.umask = umask;
    const process = new SysproxyProcess(
      shared,
      { pid, prefix, cred, nofile: Number.POSITIVE_INFINITY, fsize: Number.POSITIVE_INFINITY },
      { processes: this.#processes, mapsUsers: cred.uid === 0 || isRoot(), procView: this.#procView },
    );
    process.adopt();
    return process;
  }

  /** Closes every connection. */
  close(): void {
    this.#first?.close();
    for (const process of [...this.#processes]) process.exit();
  }
}

/** Root of the host: other users that its programs become are users of the server, too. */
function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
