/** Random frames at a server: it answers or closes, never throws, and serves others all the while. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { EmbeddedKernel } from '../../src/kernel/embedded.js';
import { net } from '../../src/native/net.js';
import { Class, type Frame, FrameReader, Type } from '../../src/sysproxy/frame.js';
import { SysproxyServer } from '../../src/sysproxy/server/server.js';
import { callNumber, FrameWriter, Random } from './random.js';

const FRAMES = Number(process.env.RUMPHIJACK_FRAMES ?? 1_000_000) * 0.7;
const SEED = Number(process.env.RUMPHIJACK_SEED ?? 20261126);
const EAGAIN = 11;
const CLIENTS = 6;
const inbox = new Uint8Array(256 * 1024);
const PATHS = [
  '/a',
  '/b',
  '/c',
  '/d',
  '/d/e',
  '/dev/null',
  '.',
  '..',
  '',
  '/d/fifo',
  '/link',
  'x'.repeat(300),
];

/** One client that behaves as it likes. */
class Client {
  readonly fd: number;
  readonly writer: FrameWriter;
  #reader = new FrameReader(16 * 1024 * 1024);
  #greeted = false;
  #sent = 0;
  over = false;

  constructor(
    path: string,
    readonly random: Random,
  ) {
    this.fd = net.connect(path);
    if (this.fd < 0) throw new Error(`connect: ${this.fd}`);
    this.writer = new FrameWriter(random);
    if (random.chance(90)) {
      const at = this.writer.frame(1, Class.REQ, Type.HANDSHAKE, 0, 5);
      this.writer.bytes.set(Buffer.from('fuzz\0'), at);
    }
  }

  /** Adds frames, sends what the socket takes, reads and answers what has come. Returns how many frames were made. */
  step(): number {
    const { random, writer } = this;
    if (this.#sent === writer.length) {
      this.#sent = 0;
      writer.clear();
    }
    const before = writer.frames;
    for (let n = random.below(30); n > 0 && writer.hasRoom; n--) this.#request();
    const made = writer.frames - before;
    const wanted = random.chance(5) ? random.below(30) : writer.length - this.#sent;
    const sent = net.send(this.fd, writer.bytes, this.#sent, Math.min(wanted, writer.length - this.#sent));
    if (sent < 0) this.over = true;
    else this.#sent += sent;
    this.#receive();
    return made;
  }

  #request(): void {
    const { random, writer } = this;
    if (random.chance(4)) return writer.nonsense();
    const kind = random.below(100);
    if (kind < 1) writer.frame(random.below(100), Class.REQ, Type.PREFORK, 0, 0);
    else if (kind < 2)
      writer.noise(writer.frame(random.below(100), Class.REQ, Type.HANDSHAKE, random.below(4), 20), 20);
    else {
      const slots = random.chance(97) ? 8 : random.below(8);
      const at = writer.frame(random.bits(), Class.REQ, Type.SYSCALL, callNumber(random), slots * 8);
      for (let i = 0; i < slots; i++) writer.word(at + i * 8);
    }
  }

  #receive(): void {
    for (;;) {
      const got = net.recv(this.fd, inbox, 0, inbox.length);
      if (got === -EAGAIN) return;
      if (got <= 0) {
        this.over = true;
        return;
      }
      let from = 0;
      if (!this.#greeted) {
        from = inbox.indexOf(10) + 1;
        this.#greeted = true;
      }
      this.#reader.feed(inbox.slice(from, got), got - from, frame => this.#answer(frame));
    }
  }

  /** Memory that the server asks for: paths, structs and noise; short, long, refused or never. */
  #answer(frame: Frame): boolean {
    const { random, writer } = this;
    if (frame.cls !== Class.REQ || (frame.type !== Type.COPYIN && frame.type !== Type.COPYINSTR)) return true;
    if (!writer.hasRoom || random.chance(3)) return true;
    const asked = frame.view.getUint32(frame.at, true);
    const isString = frame.type === Type.COPYINSTR;
    const text = Buffer.from(`${random.pick(PATHS)}\0`);
    const right = isString ? Math.min(text.length, asked) : Math.min(asked, 65536);
    const size = random.chance(95) ? right : random.below(right + 20);
    const cls = random.chance(97) ? Class.RESP : Class.ERROR;
    const at = writer.frame(frame.reqnoLow, cls, Type.COPYIN, 0, size);
    if (isString) writer.bytes.set(text.subarray(0, size), at);
    else if (random.chance(50)) writer.noise(at, Math.min(size, 256));
    else for (let i = 0; i + 8 <= Math.min(size, 64); i += 8) writer.word(at + i);
    return true;
  }

  close(): void {
    net.close(this.fd);
  }
}

/** A client that behaves: its getpid is answered. */
function isServed(server: SysproxyServer, path: string): boolean {
  const fd = net.connect(path);
  const writer = new FrameWriter(new Random(1));
  writer.bytes.set(Buffer.from('good\0'), writer.frame(1, Class.REQ, Type.HANDSHAKE, 0, 5));
  writer.frame(2, Class.REQ, Type.SYSCALL, 20, 0);
  net.send(fd, writer.bytes, 0, writer.length);
  for (let i = 0; i < 10; i++) server.turn(0);
  const got = net.recv(fd, inbox, 0, inbox.length);
  net.close(fd);
  // The banner, a handshake's answer, a call's answer.
  return got === 32 + 28 + 48;
}

test(`${FRAMES} random frames at a server`, t => {
  const dir = mkdtempSync(join(tmpdir(), 'fuzz-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'socket');
  const kernel = new EmbeddedKernel({ memory: 32 * 1024 * 1024 });
  const faults: string[] = [];
  // A handler that throws what nobody expected says so, and the client gets EIO.
  const log = (line: string) => line.includes('inside the server') && faults.push(line);
  const server = new SysproxyServer({ kernel, urls: [{ kind: 'unix', text: `unix://${path}`, path }], log });
  server.listen();
  t.true(isServed(server, path));
  for (let i = 0; i < 5; i++) server.turn(0);
  const descriptors = readdirSync('/proc/self/fd').length;
  const random = new Random(SEED);
  let clients: Client[] = [];
  let frames = 0;
  for (let round = 0; frames < FRAMES; round++) {
    while (clients.length < CLIENTS) clients.push(new Client(path, random));
    for (const client of clients) frames += client.step();
    server.turn(0);
    for (const client of clients) if (random.chance(1)) client.over = true;
    for (const client of clients) if (client.over) client.close();
    clients = clients.filter(client => !client.over);
    if (round % 5000 === 0) t.true(isServed(server, path), `round ${round}`);
  }
  for (const client of clients) client.close();
  for (let i = 0; i < 20; i++) server.turn(0);
  t.true(isServed(server, path));
  for (let i = 0; i < 5; i++) server.turn(0);
  t.is(server.clients, 0);
  t.is(readdirSync('/proc/self/fd').length, descriptors);
  t.deepEqual(faults, []);
  server.close();
});
