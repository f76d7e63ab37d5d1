/** A client in the server's own process: no threads and no timers, a test says who moves next. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedKernel } from '../../../src/kernel/embedded.js';
import type { KernelProcess } from '../../../src/kernel/rump_kernel.js';
import { net } from '../../../src/native/net.js';
import type { Limits } from '../../../src/sysproxy/server/limits.js';
import { SysproxyServer } from '../../../src/sysproxy/server/server.js';
import { parseUrl } from '../../../src/sysproxy/url.js';

export const REQ = 0;
export const RESP = 1;
export const ERROR = 2;

export interface TestFrame {
  reqno: number;
  cls: number;
  type: number;
  info: number;
  body: Buffer;
}

export function frame(reqno: number, cls: number, type: number, info: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(24 + body.length);
  bytes.writeBigUInt64LE(BigInt(bytes.length), 0);
  bytes.writeBigUInt64LE(BigInt(reqno), 8);
  bytes.writeUInt16LE(cls, 16);
  bytes.writeUInt16LE(type, 18);
  bytes.writeUInt32LE(info, 20);
  bytes.set(body, 24);
  return bytes;
}

export function parseFrame(bytes: Buffer): TestFrame {
  return {
    reqno: Number(bytes.readBigUInt64LE(8)),
    cls: bytes.readUInt16LE(16),
    type: bytes.readUInt16LE(18),
    info: bytes.readUInt32LE(20),
    body: bytes.subarray(24),
  };
}

/** A server with its kernel, and a process of that kernel's by which tests prepare and look at files. */
export class TestServer {
  readonly kernel = new EmbeddedKernel({ memory: 64 * 1024 * 1024 });
  readonly server: SysproxyServer;
  readonly path: string;
  readonly inside: KernelProcess;
  readonly log: string[] = [];
  readonly console: string[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), 'server-'));

  constructor(limits: Partial<Limits> = {}) {
    this.path = join(this.#directory, 'socket');
    this.server = new SysproxyServer({
      kernel: this.kernel,
      urls: [parseUrl(`unix://${this.path}`)],
      limits,
      log: line => this.log.push(line),
      console: bytes => this.console.push(Buffer.from(bytes).toString()),
    });
    this.server.listen();
    const cred = { uid: 0, gid: 0, groups: [] };
    this.inside = this.kernel.spawn({ comm: 'test', pid: 29999, cred, umask: 0o022, prefix: '' });
  }

  stop(): void {
    this.inside.exit();
    this.server.close();
    rmSync(this.#directory, { recursive: true });
  }
}

/** One connection. What the server sends is taken in as it comes. */
export class SyncClient {
  readonly #server: SysproxyServer;
  readonly fd: number;
  banner = '';
  isOver = false;
  /** What came and was not looked at yet. */
  readonly frames: TestFrame[] = [];
  #rest = Buffer.alloc(0);
  #closed = false;

  constructor(test: TestServer) {
    this.#server = test.server;
    this.fd = net.connect(test.path);
    if (this.fd < 0) throw new Error(`connect: ${this.fd}`);
  }

  send(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const sent = net.send(this.fd, bytes, at, bytes.length - at);
      if (sent < 0) {
        // The server has closed: what it said before still comes.
        this.isOver = true;
        return;
      }
      at += sent;
      if (at < bytes.length) this.#server.turn(0);
    }
  }

  /** Lets the server work for a turn and takes in what it has sent. */
  turn(timeout = 0): void {
    this.#server.turn(timeout);
    this.receive();
  }

  receive(): void {
    const buffer = new Uint8Array(256 * 1024);
    for (;;) {
      const got = this.#closed ? 0 : net.recv(this.fd, buffer, 0, buffer.length);
      if (got === 0 || got === -104) this.isOver = true;
      if (got <= 0) break;
      this.#rest = Buffer.concat([this.#rest, buffer.subarray(0, got)]);
    }
    this.#cut();
  }

  /** Turns until `is` holds; gives up loudly after two seconds. */
  until(is: () => boolean, what: string): void {
    const end = Date.now() + 2000;
    for (this.turn(0); !is(); this.turn(20)) if (Date.now() > end) throw new Error(`no ${what} in time`);
  }

  /** The next frame from the server. */
  next(): TestFrame {
    this.until(() => this.frames.length > 0 || this.isOver, 'answer');
    const found = this.frames.shift();
    if (found === undefined) throw new Error('the server has closed the connection');
    return found;
  }

  /** Connects as a process of its own. */
  guest(comm = 'test'): this {
    this.send(frame(1, REQ, 0, 0, Buffer.from(`${comm}\0`)));
    const answer = this.next();
    if (answer.cls !== RESP) throw new Error(`no welcome: error ${answer.info}`);
    return this;
  }

  call(reqno: number, nr: number, ...args: (number | bigint)[]): void {
    this.send(callFrame(reqno, nr, ...args));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    net.close(this.fd);
  }

  #cut(): void {
    if (this.banner === '' && this.#rest.length > 0) {
      const end = this.#rest.indexOf(10) + 1;
      if (end === 0) return;
      this.banner = this.#rest.subarray(0, end).toString('latin1');
      this.#rest = this.#rest.subarray(end);
    }
    while (this.#rest.length >= 24) {
      const length = Number(this.#rest.readBigUInt64LE(0));
      if (this.#rest.length < length) return;
      this.frames.push(parseFrame(this.#rest.subarray(0, length)));
      this.#rest = this.#rest.subarray(length);
    }
  }
}

export function callFrame(reqno: number, nr: number, ...args: (number | bigint)[]): Buffer {
  const body = Buffer.alloc(args.length * 8);
  for (const [slot, arg] of args.entries()) {
    if (typeof arg === 'number' && arg < 0) body.writeInt32LE(arg, slot * 8);
    else body.writeBigUInt64LE(BigInt(arg), slot * 8);
  }
  return frame(reqno, REQ, 1, nr, body);
}
