/** What the sessions of one server share. */
import { randomBytes } from 'node:crypto';
import type { EmbeddedKernel } from '../../kernel/embedded.js';
import type { SocketState } from '../../kernel/net/sockets.js';
import type { OpenFile } from '../../kernel/open_files.js';
import type { SysctlTree } from '../../kernel/parts/sysctl.js';
import { AUTH_SIZE } from '../frame.js';
import type { CallEntry } from './call.js';
import type { FileEvents } from './file_events.js';
import type { Limits } from './limits.js';
import type { Log } from './log.js';
import { ClientProcess } from './process.js';
import type { RouteSocket } from './route_socket.js';
import type { Session } from './session.js';
import type { Timers } from './timers.js';

export interface ServerState {
  readonly processes: ProcessTable;
  readonly preforks: Preforks;
  readonly limits: Limits;
  readonly log: Log;
  readonly timers: Timers;
  /** What __sysctl(2) shows. */
  readonly sysctl: SysctlTree;
  /** Who tells kqueues of files. */
  readonly fileEvents: FileEvents;
  /** The kernel's sockets, for files that only a client of rump_sp can have. */
  readonly sockets: SocketState;
  /** Sockets of AF_ROUTE, which are told of changes. */
  readonly routeSockets: Set<RouteSocket>;
  /** Open files whose EPIPE comes without SIGPIPE (SOCK_NOSIGPIPE, SO_NOSIGPIPE, F_SETNOSIGPIPE). */
  readonly noSigpipe: WeakSet<OpenFile>;
  /** By number. */
  readonly calls: readonly (CallEntry | undefined)[];
  /** The session has something to send, or is over: it is looked at before the server sleeps. */
  touch(session: Session): void;
  /** reboot(2). */
  halt(): void;
}

/** PID_MAX of sys/proc.h. */
const PID_MAX = 30000;
/** 1 is init's, the parent of them all. */
const FIRST_PID = 2;
/** The umask that a rump kernel's processes begin with. */
const UMASK = 0o022;

export class ProcessTable {
  readonly #kernel: EmbeddedKernel;
  readonly #console: (bytes: Uint8Array) => void;
  readonly #byPid = new Map<number, ClientProcess>();
  #lastPid = FIRST_PID - 1;

  /** `console`: takes what is written to the descriptors 0 to 2 that clients begin with. */
  constructor(kernel: EmbeddedKernel, console: (bytes: Uint8Array) => void) {
    this.#kernel = kernel;
    this.#console = console;
  }

  /** A new process, child of init, with root's rights. */
  spawn(comm: string): ClientProcess {
    const pid = this.#newPid();
    const cred = { uid: 0, gid: 0, groups: [] };
    const console = this.#console;
    const kernel = this.#kernel.spawn({ comm, pid, cred, umask: UMASK, prefix: '', console });
    return this.#add(new ClientProcess(pid, kernel, comm));
  }

  fork(parent: ClientProcess, shareFiles: boolean): ClientProcess {
    const pid = this.#newPid();
    const kernel = parent.kernel.fork(pid, { files: shareFiles, fs: false });
    return this.#add(new ClientProcess(pid, kernel, parent.comm, parent));
  }

  exit(process: ClientProcess): void {
    if (this.#byPid.delete(process.pid)) process.kernel.exit();
  }

  get(pid: number): ClientProcess | undefined {
    return this.#byPid.get(pid);
  }

  all(): IterableIterator<ClientProcess> {
    return this.#byPid.values();
  }

  #add(process: ClientProcess): ClientProcess {
    this.#byPid.set(process.pid, process);
    return process;
  }

  #newPid(): number {
    do this.#lastPid = this.#lastPid >= PID_MAX ? FIRST_PID : this.#lastPid + 1;
    while (this.#byPid.has(this.#lastPid));
    return this.#lastPid;
  }
}

interface Prefork {
  readonly process: ClientProcess;
  owner: Session | undefined;
}

/** Forks that were announced: the child exists, and waits for whoever knows its secret. */
export class Preforks {
  readonly #bySecret = new Map<string, Prefork>();
  readonly #processes: ProcessTable;
  readonly #maxOrphans: number;

  constructor(processes: ProcessTable, maxOrphans: number) {
    this.#processes = processes;
    this.#maxOrphans = maxOrphans;
  }

  /** The secret that a FORK handshake may use once. */
  add(owner: Session, process: ClientProcess): Uint8Array {
    const secret = randomBytes(AUTH_SIZE);
    this.#bySecret.set(secret.toString('latin1'), { process, owner });
    return secret;
  }

  take(bytes: Uint8Array, at: number): ClientProcess | undefined {
    const secret = Buffer.from(bytes.buffer, bytes.byteOffset + at, AUTH_SIZE).toString('latin1');
    const found = this.#bySecret.get(secret);
    this.#bySecret.delete(secret);
    return found?.process;
  }

  count(owner: Session): number {
    let count = 0;
    for (const prefork of this.#bySecret.values()) if (prefork.owner === owner) count++;
    return count;
  }

  /** The owner is gone; its children may still come, but not for ever more of them. */
  orphan(owner: Session): void {
    let orphans = 0;
    for (const prefork of this.#bySecret.values()) {
      if (prefork.owner === owner) prefork.owner = undefined;
      if (prefork.owner === undefined) orphans++;
    }
    for (const [secret, prefork] of this.#bySecret) {
      if (orphans <= this.#maxOrphans) break;
      if (prefork.owner !== undefined) continue;
      this.#bySecret.delete(secret);
      this.#processes.exit(prefork.process);
      orphans--;
    }
  }
}
