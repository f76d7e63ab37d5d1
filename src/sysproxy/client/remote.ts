/** One process of a remote kernel: its connection, what waits for it, and what happens when it is lost. */
import { ENOTCONN } from '../../abi/linux/errno.js';
import { toLinuxSignal } from '../../abi/netbsd/signal.js';
import type { Result } from '../../kernel/rump_kernel.js';
import type { EventLoop, Timer } from '../../native/loop.js';
import { net } from '../../native/net.js';
import { AUTH_SIZE, FORK_BODY_SIZE, Handshake, Type } from '../frame.js';
import type { ServerUrl } from '../url.js';
import { CallPool, Connection, type ConnectionEvents, type Control } from './connection.js';
import { DialError, Greeting, openSocket } from './dial.js';
import { Later } from './pending.js';
import { backoff, type RetryNews, type RetryPolicy } from './retry.js';
import { State, type SysCall } from './syscall.js';

/** What all processes of one client share. */
export interface RemoteOptions {
  readonly url: ServerUrl;
  readonly loop: EventLoop;
  readonly retry: RetryPolicy;
  readonly news: RetryNews;
  /** Calls wait for their answers, however long: there is nobody else to be served meanwhile. */
  readonly patient: boolean;
  /** Whose call is being made: a thread's id. */
  tag(): number;
  /** The kernel has a signal (Linux's number) for the thread whose call it answers. */
  onSignal(tag: number, signal: number): void;
  /** The server is lost, and the policy is to end the program. */
  onDie(tag: number): void;
}

/** A patient client takes a call for one that waits in the kernel when it has had no answer for so long, milliseconds. */
const PATIENT_MS = 3000;

/** A call that cannot be sent yet. */
interface Waiting {
  readonly run: () => Result;
  readonly later: Later;
  /** What comes after it has to wait until it is answered. */
  readonly barrier: boolean;
  /** It will never be sent. */
  readonly dropped: () => void;
  cancelled: boolean;
}

type Phase = 'starting' | 'ready' | 'lost' | 'closed';

export class Remote implements ConnectionEvents {
  readonly pool = new CallPool();
  readonly options: RemoteOptions;
  /** Counts reconnects: a descriptor of an earlier generation is gone. */
  generation = 0;
  comm: string;
  /** Runs when a new server has taken the place of a lost one: queues what restores the process there. */
  onRestored: (() => void) | undefined;
  #phase: Phase = 'lost';
  #connection: Connection | undefined;
  #greeting: Greeting | undefined;
  #timer: Timer | undefined;
  #queue: Waiting[] = [];
  #barriers = 0;
  #reconnecting = false;
  /** Children that the server has not made yet. */
  #forks = 0;
  #leaving = false;

  constructor(options: RemoteOptions, comm: string) {
    this.options = options;
    this.comm = comm;
  }

  // Calls.

  /** A call to be filled in and given to submit(), or to drop(). */
  begin(nr: number): SysCall {
    const call = this.pool.begin(nr);
    call.generation = this.generation;
    return call;
  }

  drop(call: SysCall): void {
    this.pool.drop(call);
  }

  /** Sends a call. Its `finish` makes the result out of the answer; the call is not to be touched afterwards. */
  submit(call: SysCall): Result {
    call.tag = this.options.tag();
    if (this.#ready()) return this.#fly(call);
    if (this.#phase !== 'starting' && this.#phase !== 'ready') {
      this.drop(call);
      return -ENOTCONN;
    }
    call.state = State.QUEUED;
    return this.#enqueue(
      () => this.#fly(call),
      !this.#reconnecting,
      false,
      () => this.drop(call),
    );
  }

  /** The server can be spoken to, or will be. */
  get isAlive(): boolean {
    return this.#phase === 'ready' || this.#phase === 'starting';
  }

  /** Sends a call whose answer nobody is held up for: its `finish` runs at a turn of the loop, with -ENOTCONN when it cannot be sent. */
  post(call: SysCall): void {
    call.later = new Later(false);
    const launch = (): Result => {
      const connection = this.#connection;
      if (connection === undefined || connection.lost || call.generation !== this.generation) unsent();
      else connection.post(call);
      return 0;
    };
    const unsent = (): void => {
      this.options.loop.complete(() => {
        call.result = -ENOTCONN;
        call.finish(call);
        this.drop(call);
      });
    };
    if (this.#phase === 'ready' && this.#barriers === 0 && this.#queue.length === 0) launch();
    else if (this.isAlive) this.#enqueue(launch, false, false, unsent);
    else unsent();
  }

  /** As submit(), for a call that has to take effect before the next one, whether or not anybody waits for its result. */
  submitBarrier(call: SysCall): Result {
    call.tag = this.options.tag();
    if (this.#ready()) return this.#blockUntil(this.#fly(call));
    if (this.#phase === 'starting' || this.#phase === 'ready')
      return this.#enqueue(
        () => this.#fly(call),
        true,
        true,
        () => this.drop(call),
      );
    this.drop(call);
    return -ENOTCONN;
  }

  /** True when a call can be sent now; a lost server is looked for first, if the policy says so. */
  #ready(): boolean {
    if (this.#phase === 'ready' && this.options.retry !== 'no') this.#connection?.check();
    if (this.#phase === 'lost') this.#findAgain();
    return this.#phase === 'ready' && this.#barriers === 0 && this.#queue.length === 0;
  }

  #fly(call: SysCall): Result {
    const connection = this.#connection;
    if (connection === undefined || connection.lost) {
      this.drop(call);
      return -ENOTCONN;
    }
    if (call.fdErrno !== 0 && call.generation !== this.generation) {
      const { fdErrno } = call;
      this.drop(call);
      return -fdErrno;
    }
    // It may have waited for a new server: what it opens is that one's.
    call.generation = this.generation;
    connection.send(call);
    const isOver = (): boolean => call.state === State.DONE;
    if (call.mayBlock) connection.waitBriefly(isOver, this.options.patient ? PATIENT_MS : 0);
    else connection.wait(isOver, this.options.patient);
    if (call.state === State.DONE) {
      if (connection.lost && this.options.retry === 'die') this.options.onDie(call.tag);
      const result = call.finish(call);
      this.drop(call);
      return result;
    }
    const later = new Later(!call.mayBlock, () => {
      call.abandoned = true;
      return 0;
    });
    call.later = later;
    return later;
  }

  #enqueue(run: () => Result, killable: boolean, barrier: boolean, dropped: () => void): Later {
    const later = new Later(killable, () => {
      if (waiting.cancelled) return 0;
      waiting.cancelled = true;
      dropped();
      return 0;
    });
    const waiting: Waiting = { run, later, barrier, dropped, cancelled: false };
    this.#queue.push(waiting);
    return later;
  }

  /** The same result; a call that is waited for no more holds up the others all the same. */
  #blockUntil(result: Result): Result {
    if (typeof result === 'number') return result;
    this.#barriers++;
    const later = new Later(result.killable === true);
    result.onDone(done => {
      this.#barriers--;
      later.settle(done);
      this.#drain();
    });
    return later;
  }

  /** Sends what has waited, up to the next barrier. */
  #drain(): void {
    while (this.#phase === 'ready' && this.#barriers === 0) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      if (waiting.cancelled) continue;
      waiting.cancelled = true;
      const ran = waiting.run();
      const result = waiting.barrier ? this.#blockUntil(ran) : ran;
      if (typeof result === 'number') waiting.later.settle(result);
      else waiting.later.follow(result);
    }
  }

  // Starting.

  /** GUEST on a new connection. `done` gets undefined, or why there is none; at once, or at a turn of the loop. */
  startGuest(done: (error: DialError | undefined) => void): void {
    this.#phase = 'starting';
    const name = Buffer.from(`${this.comm}\0`, 'latin1');
    this.#dial(
      connection => connection.control(Type.HANDSHAKE, Handshake.GUEST, name),
      error => {
        if (error === undefined) this.#begun();
        else this.#phase = 'lost';
        done(error);
      },
    );
  }

  /** The child of a fork(2): exists on the server when PREFORK is answered. */
  fork(child: Remote): void {
    child.#phase = 'starting';
    child.generation = this.generation;
    const run = (): Result => {
      const connection = this.#connection;
      if (connection === undefined || connection.lost) {
        this.#forked(() => child.#abort());
        return 0;
      }
      const control = connection.control(Type.PREFORK, 0, new Uint8Array(0));
      this.#whenOver(connection, control, () => this.#forked(() => child.#attach(control)));
      return 0;
    };
    this.#forks++;
    if (this.#ready()) run();
    else if (this.#phase === 'starting' || this.#phase === 'ready')
      this.#enqueue(run, true, false, () => this.#forked(() => child.#abort()));
    else this.#forked(() => child.#abort());
  }

  /** A fork that was asked for has its answer; a parent that is gone meanwhile has only waited for that. */
  #forked(then: () => void): void {
    this.#forks--;
    then();
    if (this.#leaving && this.#forks === 0) this.#closeNow();
  }

  #attach(prefork: Control): void {
    const { auth } = prefork;
    if (auth === undefined) return this.#abort();
    const body = new Uint8Array(FORK_BODY_SIZE);
    body.set(auth.subarray(0, AUTH_SIZE));
    this.#dial(
      connection => connection.control(Type.HANDSHAKE, Handshake.FORK, body),
      error => {
        if (error === undefined) this.#begun();
        else this.#abort();
      },
    );
  }

  /** execve(2): close-on-exec descriptors are closed on the server, too. */
  exec(comm: string): void {
    this.comm = comm;
    const run = (): Result => {
      const connection = this.#connection;
      if (connection === undefined || connection.lost) return -ENOTCONN;
      connection.restartCount();
      const name = Buffer.from(`${comm}\0`, 'latin1');
      const control = connection.control(Type.HANDSHAKE, Handshake.EXEC, name);
      const later = new Later(true);
      this.#whenOver(connection, control, () => later.settle(control.result));
      return control.over ? control.result : later;
    };
    if (this.#ready()) this.#blockUntil(run());
    else if (this.#phase === 'starting' || this.#phase === 'ready') this.#enqueue(run, true, true, () => {});
  }

  /** The process is gone; the server notices. */
  close(): void {
    this.#leaving = true;
    // Its children are made by its own connection.
    if (this.#forks === 0) this.#closeNow();
  }

  #closeNow(): void {
    this.#phase = 'closed';
    this.#greeting?.cancel();
    if (this.#greeting !== undefined) net.close(this.#greeting.fd);
    this.#greeting = undefined;
    if (this.#timer !== undefined) this.options.loop.cancel(this.#timer);
    this.#connection?.close();
    this.#failQueue();
  }

  #dial(hello: (connection: Connection) => Control, done: (error: DialError | undefined) => void): void {
    const { url, loop } = this.options;
    let fd: number;
    try {
      fd = openSocket(url);
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      return done(error);
    }
    const greeting = new Greeting(fd, url, loop, error => {
      this.#greeting = undefined;
      if (error !== undefined) {
        net.close(fd);
        return done(error);
      }
      const connection = new Connection(fd, loop, this.pool, this);
      this.#connection = connection;
      const control = hello(connection);
      this.#whenOver(connection, control, () => {
        if (control.result === 0) return done(undefined);
        connection.close();
        done(new DialError(`${url.text} refuses the connection`));
      });
    });
    this.#greeting = greeting;
    greeting.start();
  }

  #whenOver(connection: Connection, control: Control, next: () => void): void {
    connection.wait(() => control.over, this.options.patient);
    if (control.over) next();
    else control.later = next;
  }

  #begun(): void {
    if (this.#phase === 'closed') {
      this.#connection?.close();
      return;
    }
    this.#phase = 'ready';
    if (this.#reconnecting) {
      this.#reconnecting = false;
      this.generation++;
      this.#restore();
    }
    this.#drain();
  }

  /** What restores the process goes before what has waited for it. */
  #restore(): void {
    const waiting = this.#queue;
    this.#queue = [];
    this.onRestored?.();
    this.#queue.push(...waiting);
  }

  /** There will be no connection: what waits for it fails. */
  #abort(): void {
    if (this.#phase !== 'closed') this.#phase = 'lost';
    this.#reconnecting = false;
    this.#failQueue();
  }

  #failQueue(): void {
    for (const waiting of this.#queue.splice(0)) {
      if (waiting.cancelled) continue;
      waiting.cancelled = true;
      waiting.dropped();
      this.options.loop.complete(() => waiting.later.settle(-ENOTCONN));
    }
  }

  // Losing and finding again.

  onLost(): void {
    if (this.#phase === 'ready') this.#phase = 'lost';
    this.#barriers = 0;
    if (this.#phase === 'lost') this.#failQueue();
  }

  onSignal(tag: number, signal: number): void {
    this.options.onSignal(tag, toLinuxSignal(signal));
  }

  #findAgain(): void {
    const { retry, tag } = this.options;
    if (retry === 'no') return;
    if (retry === 'die') return this.options.onDie(tag());
    this.#reconnecting = true;
    this.#phase = 'starting';
    this.#attempt(0, performance.now());
  }

  #attempt(number: number, since: number): void {
    const { retry, news, loop } = this.options;
    this.startGuest(error => {
      if (this.#phase === 'closed') return;
      if (error === undefined) {
        news.succeeded();
        return;
      }
      const passed = (performance.now() - since) / 1000;
      news.failed();
      if (typeof retry !== 'number' || passed >= retry) {
        if (typeof retry === 'number') news.gaveUp(retry);
        return this.#abort();
      }
      this.#phase = 'starting';
      const wait = Math.min(backoff(number + 1), (retry - passed) * 1000);
      this.#timer = loop.after(wait, () => this.#attempt(number + 1, since));
    });
  }
}
