/**
 * The server's side of a recorded conversation: node recorded_server.js SOCKET TRANSCRIPT. It plays what a NetBSD rump kernel said, asks
 * our client for memory as that did, and says a line of JSON for each thing that our client does otherwise.
 */
import { createServer, type Socket } from 'node:net';
import { NB, netbsdCallName } from '../../../src/abi/netbsd/nr.js';
import { Class, Type } from '../../../src/sysproxy/frame.js';
import { parseFrame, type TestFrame } from '../server/sync_client.js';
import { readTranscript } from '../server/transcript.js';

const [path = '', name = ''] = process.argv.slice(2);

/** A recorded call, the server's requests while it ran, and its answer. */
interface Recorded {
  readonly nr: number;
  readonly args: readonly bigint[];
  readonly requests: { readonly frame: TestFrame; reply: Buffer | undefined }[];
  answer: TestFrame | undefined;
}

/** Our call for a recorded one, and where its arguments are. */
const OURS: Readonly<Record<number, readonly [nr: number, places: readonly number[]]>> = {
  [NB.open]: [NB.openat, [1, 2, 3]],
  [NB.mkdir]: [NB.mkdirat, [1, 2]],
  [NB.__stat50]: [NB.fstatat, [1, 2]],
  [NB.__lstat50]: [NB.fstatat, [1, 2]],
  [NB.access]: [NB.faccessat, [1, 2]],
  [NB.chmod]: [NB.fchmodat, [1, 2]],
  [NB.rename]: [NB.renameat, [1, 3]],
  [NB.unlink]: [NB.unlinkat, [1]],
  [NB.rmdir]: [NB.unlinkat, [1]],
  [NB.symlink]: [NB.symlinkat, [0, 2]],
  [NB.link]: [NB.linkat, [1, 3]],
  [NB.readlink]: [NB.readlinkat, [1, 2, 3]],
};
/** Arguments that are our own affair: how large a buffer is, the mode of an open that creates nothing. */
const FREE: Readonly<Record<number, readonly number[]>> = {
  [NB.__getdents30]: [2],
  [NB.__getcwd]: [1],
  [NB.open]: [2],
  [NB.__mount50]: [],
};
/** The kind of a handshake by which a child comes. */
const FORK = 2;
const POINTER = 1n << 32n;

const say = (what: string, detail: unknown): void => {
  process.stdout.write(`${JSON.stringify({ what, detail: String(detail) })}\n`);
};

function argsOf(body: Buffer): bigint[] {
  return Array.from({ length: Math.floor(body.length / 8) }, (_, i) => body.readBigUInt64LE(i * 8));
}

/** Those of one connection, counted from 0. */
function recordedCalls(conn: number): Recorded[] {
  const calls: Recorded[] = [];
  const asked = new Map<number, Recorded['requests'][number]>();
  for (const { conn: its, fromClient, frame } of readTranscript(name)) {
    const last = calls.at(-1);
    if (frame === undefined || its !== conn) continue;
    if (fromClient && frame.cls === Class.REQ && frame.type === Type.SYSCALL)
      calls.push({ nr: frame.info, args: argsOf(frame.body), requests: [], answer: undefined });
    else if (fromClient && frame.cls === Class.RESP) {
      const question = asked.get(frame.reqno);
      if (question !== undefined) question.reply = frame.body;
    } else if (!fromClient && frame.cls === Class.REQ && last !== undefined) {
      const request = { frame, reply: undefined };
      last.requests.push(request);
      asked.set(frame.reqno, request);
    } else if (!fromClient && frame.type === Type.SYSCALL && last !== undefined) last.answer = frame;
  }
  return calls;
}

function build(reqno: number, cls: number, type: number, info: number, body: Buffer): Buffer {
  const header = Buffer.alloc(24);
  header.writeBigUInt64LE(BigInt(24 + body.length), 0);
  header.writeBigUInt64LE(BigInt(reqno), 8);
  header.writeUInt16LE(cls, 16);
  header.writeUInt16LE(type, 18);
  header.writeUInt32LE(info, 20);
  return Buffer.concat([header, body]);
}

/** Those that are open, and how many there have been. */
let open = 0;
let begun = 0;
/** Calls that were left when conversations ended. */
let left = 0;
/** What a PREFORK is answered with, and a FORK has to know. */
const SECRET = Buffer.from('the secret is 16');

class Conversation {
  readonly #calls = recordedCalls(begun++);
  #bytes = Buffer.alloc(0);
  #asks = 0;
  #answered: ((body: Buffer) => void) | undefined;
  #queue: TestFrame[] = [];
  #busy = false;

  constructor(readonly socket: Socket) {
    socket.on('data', data => this.#data(data));
    socket.on('error', () => {});
    open++;
    socket.on('close', () => {
      left += this.#calls.length;
      open--;
      if (open > 0) return;
      say('over', left);
      process.exit(0);
    });
    socket.write('RUMPSP-0.4-NetBSD-7.99.34/amd64\n');
  }

  #data(data: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    while (this.#bytes.length >= 24) {
      const length = Number(this.#bytes.readBigUInt64LE(0));
      if (this.#bytes.length < length) return;
      const frame = parseFrame(Buffer.from(this.#bytes.subarray(0, length)));
      this.#bytes = this.#bytes.subarray(length);
      if (frame.cls === Class.RESP) this.#answered?.(frame.body);
      else this.#queue.push(frame);
      void this.#run();
    }
  }

  async #run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let frame = this.#queue.shift(); frame !== undefined; frame = this.#queue.shift())
      await this.#request(frame);
    this.#busy = false;
  }

  async #request(frame: TestFrame): Promise<void> {
    if (frame.type === Type.PREFORK) {
      this.socket.write(build(frame.reqno, Class.RESP, Type.PREFORK, 0, SECRET));
      return;
    }
    if (frame.type === Type.HANDSHAKE) {
      if (frame.info === FORK && !frame.body.subarray(0, SECRET.length).equals(SECRET))
        say('secret', frame.body.toString('hex'));
      this.socket.write(build(frame.reqno, Class.RESP, Type.HANDSHAKE, 0, Buffer.alloc(4)));
      return;
    }
    const next = this.#calls[0];
    const [nr, places] = OURS[next?.nr ?? -1] ?? [next?.nr, next?.args.map((_, i) => i) ?? []];
    const isVector = next?.nr === NB.writev && frame.info === NB.write;
    if (next === undefined || (frame.info !== nr && !isVector)) return this.#extra(frame);
    this.#calls.shift();
    const args = argsOf(frame.body);
    if (!isVector) this.#compare(next, args, places);
    if (isVector) await this.#gathered(next, args);
    else for (const request of next.requests) await this.#play(next, request, args, places);
    const answer = next.answer?.body ?? Buffer.alloc(24);
    this.socket.write(build(frame.reqno, Class.RESP, Type.SYSCALL, 0, answer));
  }

  /** A call that the recorded client did not make: it succeeds. */
  #extra(frame: TestFrame): void {
    say('extra', netbsdCallName(frame.info));
    const [, at = 0n] = argsOf(frame.body);
    if (frame.info === NB.__fstat50) {
      const stat = Buffer.alloc(16 + 152);
      stat.writeBigUInt64LE(152n, 0);
      stat.writeBigUInt64LE(at, 8);
      stat.writeUInt32LE(this.#calls[0]?.nr === NB.__getdents30 ? 0o040755 : 0o100644, 16 + 8);
      this.socket.write(build(this.#asks++, Class.REQ, Type.COPYOUT, 0, stat));
    }
    this.socket.write(build(frame.reqno, Class.RESP, Type.SYSCALL, 0, Buffer.alloc(24)));
  }

  #compare(recorded: Recorded, args: readonly bigint[], places: readonly number[]): void {
    recorded.args.forEach((wanted, i) => {
      const given = args[places[i] ?? i];
      if (wanted >= POINTER || FREE[recorded.nr]?.includes(i)) return;
      if (given !== wanted) say('argument', `${netbsdCallName(recorded.nr)} ${i}: ${given}, not ${wanted}`);
    });
  }

  /** Where our client has what the recorded one had at an address. */
  #translate(
    address: bigint,
    recorded: Recorded,
    args: readonly bigint[],
    places: readonly number[],
  ): bigint {
    let best = -1;
    recorded.args.forEach((value, i) => {
      if (value < POINTER || value > address) return;
      if (best < 0 || value > (recorded.args[best] ?? 0n)) best = i;
    });
    const base = recorded.args[best] ?? 0n;
    return (args[places[best] ?? best] ?? 0n) + (address - base);
  }

  #ask(type: number, length: bigint, address: bigint): Promise<Buffer> {
    const body = Buffer.alloc(16);
    body.writeBigUInt64LE(length, 0);
    body.writeBigUInt64LE(address, 8);
    return new Promise(resolve => {
      this.#answered = resolve;
      this.socket.write(build(this.#asks++, Class.REQ, type, 0, body));
    });
  }

  async #play(
    recorded: Recorded,
    { frame, reply }: Recorded['requests'][number],
    args: readonly bigint[],
    places: readonly number[],
  ): Promise<void> {
    const [length, address] = [frame.body.readBigUInt64LE(0), frame.body.readBigUInt64LE(8)];
    const ours = this.#translate(address, recorded, args, places);
    if (frame.type === Type.COPYOUT) {
      const body = Buffer.from(frame.body);
      body.writeBigUInt64LE(ours, 8);
      this.socket.write(build(this.#asks++, Class.REQ, Type.COPYOUT, 0, body));
      return;
    }
    const got = await this.#ask(frame.type, length, ours);
    if (reply === undefined || !got.equals(reply))
      say('memory', `${netbsdCallName(recorded.nr)}: ${got.toString('hex')}, not ${reply?.toString('hex')}`);
  }

  /** writev(2) was recorded, and ours puts the pieces together first. */
  async #gathered(recorded: Recorded, args: readonly bigint[]): Promise<void> {
    const pieces = recorded.requests.slice(1).map(({ reply }) => reply ?? Buffer.alloc(0));
    const got = await this.#ask(Type.COPYIN, args[2] ?? 0n, args[1] ?? 0n);
    if (!got.equals(Buffer.concat(pieces))) say('memory', `writev: ${got.toString('hex')}`);
  }
}

createServer(socket => new Conversation(socket)).listen(path, () => process.stdout.write('ready\n'));
