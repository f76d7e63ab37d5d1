/** A client of a server of ours, and calls on its sockets that may wait. */
import type { ExecutionContext } from 'ava';
import { AF_INET, SOCK_STREAM } from '../../../src/abi/linux/socket.js';
import type { KernelProcess, Result } from '../../../src/kernel/rump_kernel.js';
import type { Watcher } from '../../../src/kernel/socket_calls.js';
import { SysproxyClient } from '../../../src/sysproxy/client/client.js';
import type { SysproxyProcess } from '../../../src/sysproxy/client/process.js';
import { in4 } from '../../kernel/net/inet_support.js';
import { MemoryUio } from '../../kernel/parts/memory_uio.js';
import { startServer, type TestServer } from '../../support/server.js';

/** A wait that takes longer has failed. */
const LONGEST_MS = 20_000;

export class Remote {
  readonly server: TestServer;
  readonly client: SysproxyClient;
  readonly process: SysproxyProcess;

  constructor(t: ExecutionContext) {
    this.server = startServer('unix');
    this.client = SysproxyClient.open({ url: this.server.url, patient: true }, 'sockets');
    this.process = this.client.spawn({
      comm: 'sockets',
      pid: 1,
      cred: { uid: 0, gid: 0, groups: [] },
      umask: 0o022,
      prefix: '',
    });
    t.teardown(() => {
      this.client.close();
      this.server.stop();
    });
  }

  /** Turns the loop until something holds. */
  until(holds: () => boolean, what: string): void {
    const end = performance.now() + LONGEST_MS;
    while (!holds()) {
      if (performance.now() > end) throw new Error(`never: ${what}`);
      this.client.loop.turn(100);
    }
  }

  /** Turns the loop until what was asked for last is sent and answered: five turns in which `told` stays and no timer is set. */
  quiet(told: () => number): void {
    const { loop } = this.client;
    for (let quiet = 0; quiet < 5; ) {
      const before = told();
      loop.turn(20);
      quiet = told() === before && loop.timeout(-1) === -1 ? quiet + 1 : 0;
    }
  }

  /** The result of a call, however long it waits. */
  done(result: Result): number {
    if (typeof result === 'number') return result;
    let value: number | undefined;
    result.onDone(done => {
      value = done;
    });
    this.until(() => value !== undefined, 'the call ends');
    return value ?? 0;
  }

  send(fd: number, text: string, flags = 0): Result {
    return this.process.sendMsg(fd, MemoryUio.from(text), flags, undefined);
  }

  /** What a recv(2) of at most `length` bytes gives: its text, or -errno. */
  receive(fd: number, length = 1000, flags = 0): string | number {
    const uio = MemoryUio.into(length);
    const got = this.done(this.process.recvMsg(fd, uio, flags, undefined));
    return got < 0 ? got : uio.text;
  }

  /** Both ends of a TCP connection: the one that connected, the one that was accepted. */
  connection(process: KernelProcess = this.process): [number, number] {
    const { fd, port } = this.listener();
    const end = this.done(process.socket(AF_INET, SOCK_STREAM, 0));
    const connected = this.done(process.connect(end, in4('127.0.0.1', port)));
    if (connected !== 0) throw new Error(`connect: ${connected}`);
    const accepted = this.done(this.process.accept(fd, 0, undefined));
    this.done(this.process.close(fd));
    return [end, accepted];
  }

  listener(): { fd: number; port: number } {
    const { process } = this;
    const fd = this.done(process.socket(AF_INET, SOCK_STREAM, 0));
    this.done(process.bind(fd, in4('127.0.0.1', 0)));
    this.done(process.listen(fd, 5));
    const name = { bytes: new Uint8Array(128), length: 0 };
    this.done(process.getsockname(fd, name));
    return { fd, port: (name.bytes[2] << 8) | name.bytes[3] };
  }

  /** Watches a descriptor from now on. */
  watch(fd: number): Seen {
    const seen = new Seen();
    this.done(this.process.watch(fd, seen));
    return seen;
  }
}

/** What a watcher was told. */
export class Seen implements Watcher {
  revents = -1;
  told = 0;
  isClosed = false;

  changed(revents: number): void {
    this.revents = revents;
    this.told++;
  }

  closed(): void {
    this.isClosed = true;
  }
}
