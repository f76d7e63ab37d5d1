/**
 * Plays the client of a transcript against a server, and keeps what both servers said. A COPYIN is answered from the memory
 * that the transcript's client is known to have had, whatever range is asked for.
 */
import { ERROR, frame, REQ, RESP, SyncClient, type TestFrame, type TestServer } from './sync_client.js';
import type { Line } from './transcript.js';

const HANDSHAKE = 0;
const SYSCALL = 1;
const COPYIN = 2;
const COPYINSTR = 3;
const COPYOUT = 4;
const RAISE = 8;
const NOMEM = 6;
/** More than a client that is gone can have left to be read. */
const TURNS_TO_END = 100;

/** Bytes at an address of the client. */
export interface Chunk {
  address: number;
  bytes: Buffer;
}

/** What a request led to. */
export interface Answer {
  /** '0/5': the connection and the request. */
  key: string;
  /** The system call's number, -1 for other requests. */
  nr: number;
  args: Buffer;
  /** 'errno 2', 'error 7', 'welcome', 'prefork', 'closed'. */
  outcome: string;
  values: [number, number];
  /** Copied out before it, neighbours joined. */
  copyouts: Chunk[];
  raised: number[];
  /** The frame that ended it. */
  body: Buffer;
}

/** Gathers the frames of one connection into answers, for both servers alike. */
class Recorder {
  readonly answers: Answer[] = [];
  readonly #conn: number;
  readonly #requests = new Map<number, TestFrame[]>();
  #copyouts: Chunk[] = [];
  #raised: number[] = [];

  constructor(conn: number) {
    this.#conn = conn;
  }

  request(sent: TestFrame): void {
    const same = this.#requests.get(sent.reqno) ?? [];
    same.push(sent);
    this.#requests.set(sent.reqno, same);
  }

  /** A frame of the server's. Returns the answer that it completes. */
  response(got: TestFrame): Answer | undefined {
    if (got.cls === REQ) {
      if (got.type === COPYOUT) addChunk(this.#copyouts, addressOf(got), got.body.subarray(16));
      if (got.type === RAISE) this.#raised.push(got.info);
      return undefined;
    }
    const request = this.#requests.get(got.reqno)?.shift();
    const isCall = got.cls === RESP && got.type === SYSCALL;
    const answer: Answer = {
      key: `${this.#conn}/${got.reqno}`,
      nr: request?.cls === REQ && request.type === SYSCALL ? request.info : -1,
      args: request?.body ?? Buffer.alloc(0),
      outcome: outcomeOf(got),
      values: isCall ? [long(got.body, 8), long(got.body, 16)] : [0, 0],
      copyouts: this.#copyouts,
      raised: this.#raised,
      body: got.body,
    };
    this.#copyouts = [];
    this.#raised = [];
    this.answers.push(answer);
    return answer;
  }

  closed(): void {
    this.answers.push({
      key: `${this.#conn}/end`,
      nr: -1,
      args: Buffer.alloc(0),
      outcome: 'closed',
      values: [0, 0],
      copyouts: this.#copyouts,
      raised: this.#raised,
      body: Buffer.alloc(0),
    });
  }
}

function outcomeOf(got: TestFrame): string {
  if (got.cls === ERROR) return `error ${got.info}`;
  if (got.type === SYSCALL) return `errno ${got.body.readInt32LE(0)}`;
  return got.type === HANDSHAKE ? 'welcome' : 'prefork';
}

export function addressOf(got: TestFrame): number {
  return Number(got.body.readBigUInt64LE(8));
}

function lengthOf(got: TestFrame): number {
  return Number(got.body.readBigUInt64LE(0));
}

function long(body: Buffer, at: number): number {
  return Number(body.readBigInt64LE(at));
}

function addChunk(chunks: Chunk[], address: number, bytes: Buffer): void {
  const last = chunks.at(-1);
  if (last !== undefined && last.address + last.bytes.length === address) {
    last.bytes = Buffer.concat([last.bytes, bytes]);
  } else chunks.push({ address, bytes });
}

/** The memory of a transcript's client, as far as its server has seen it. */
class Memory {
  readonly #chunks: Chunk[] = [];
  /** Where the client has answered with nothing at all. */
  readonly #empty = new Set<number>();

  add(address: number, bytes: Buffer): void {
    if (bytes.length === 0) this.#empty.add(address);
    else this.#chunks.push({ address, bytes });
  }

  /** `length` bytes, or up to a NUL when it is a string; undefined where the transcript does not say. What was seen last counts. */
  read(address: number, length: number, isString: boolean): Buffer | undefined {
    if (this.#empty.has(address)) return Buffer.alloc(0);
    const found: number[] = [];
    for (let at = address; at < address + length; at++) {
      const byte = this.#byte(at);
      if (byte === undefined) return undefined;
      found.push(byte);
      if (isString && byte === 0) break;
    }
    return Buffer.from(found);
  }

  #byte(address: number): number | undefined {
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const { address: from, bytes } = this.#chunks[i];
      if (address >= from && address < from + bytes.length) return bytes[address - from];
    }
    return undefined;
  }
}

interface Conn {
  readonly client: SyncClient;
  readonly theirs: Recorder;
  readonly ours: Recorder;
  /** What the transcript's server asked, by request number. */
  readonly asked: Map<number, TestFrame>;
  readonly memory: Memory;
  /** Numbers of the answers that the transcript's server has given. */
  given: number;
}

export interface Replayed {
  /** By key, in the transcript's order. */
  theirs: Answer[];
  ours: Answer[];
  /** Memory that our server wanted and the transcript's did not. */
  unknown: string[];
}

export function replay(test: TestServer, lines: readonly Line[]): Replayed {
  const conns: Conn[] = [];
  const secrets = new Map<string, Buffer>();
  const unknown: string[] = [];
  const serve = (conn: Conn): void => {
    for (let got = conn.client.frames.shift(); got !== undefined; got = conn.client.frames.shift()) {
      if (got.cls === REQ && (got.type === COPYIN || got.type === COPYINSTR)) {
        const [address, length] = [addressOf(got), lengthOf(got)];
        const bytes = conn.memory.read(address, length, got.type === COPYINSTR);
        if (bytes === undefined) unknown.push(`${length} bytes at ${address.toString(16)}`);
        conn.client.send(
          bytes === undefined
            ? frame(got.reqno, ERROR, COPYIN, NOMEM, Buffer.alloc(0))
            : frame(got.reqno, RESP, COPYIN, 0, bytes),
        );
      } else conn.ours.response(got);
    }
  };
  const catchUp = (conn: Conn): void => {
    const done = (): boolean => {
      serve(conn);
      return conn.ours.answers.length >= conn.given || conn.client.isOver;
    };
    conn.client.until(done, `answer ${conn.given}`);
  };
  lines.forEach((line, n) => {
    let conn = conns[line.conn];
    if (conn === undefined) {
      const [theirs, ours] = [new Recorder(line.conn), new Recorder(line.conn)];
      conn = { client: new SyncClient(test), theirs, ours, asked: new Map(), memory: new Memory(), given: 0 };
      conns[line.conn] = conn;
      conn.client.until(() => conn.client.banner !== '', 'banner');
      return;
    }
    if (!line.fromClient) {
      if (line.bytes === undefined) {
        const isOver = (): boolean => {
          serve(conn);
          return conn.client.isOver;
        };
        conn.client.until(isOver, 'end');
        conn.theirs.closed();
        conn.ours.closed();
      } else if (line.frame !== undefined) {
        if (line.frame.cls === REQ) conn.asked.set(line.frame.reqno, line.frame);
        const answer = conn.theirs.response(line.frame);
        if (answer === undefined) return;
        conn.given++;
        catchUp(conn);
        const ours = conn.ours.answers.find(other => other.key === answer.key);
        if (answer.outcome === 'prefork' && ours !== undefined)
          secrets.set(answer.body.toString('hex'), ours.body);
      }
      return;
    }
    if (line.bytes === undefined) {
      // Not shutdown(2) but the end; what it leaves behind is done with in the next turn.
      const rest = lines.slice(n).filter(other => other.conn === line.conn && other.bytes !== undefined);
      if (rest.length === 0) {
        conn.client.close();
        test.server.turn(0);
      }
      return;
    }
    const sent = line.frame;
    if (sent === undefined) {
      conn.client.send(line.bytes);
      return;
    }
    const question = sent.cls === RESP && sent.type === COPYIN ? conn.asked.get(sent.reqno) : undefined;
    if (question !== undefined) return;
    if (sent.cls === REQ || conn.asked.get(sent.reqno) === undefined) conn.theirs.request(sent);
    conn.ours.request(sent);
    learn(conn, lines, n, line.conn);
    conn.client.send(withSecret(secrets, line.bytes));
    conn.client.turn(0);
    serve(conn);
  });
  for (const conn of conns) {
    conn.client.turn(0);
    serve(conn);
    conn.client.close();
  }
  // What was sent last is read before the end is seen.
  for (let turns = 0; turns < TURNS_TO_END && test.server.clients > 0; turns++) test.server.turn(10);
  const inOrder = (of: (conn: Conn) => Recorder): Answer[] => conns.flatMap(conn => of(conn).answers);
  return { theirs: inOrder(conn => conn.theirs), ours: inOrder(conn => conn.ours), unknown };
}

/** What the client's memory holds while the call at line `n` runs: all that it answers until the next call is answered. */
function learn(conn: Conn, lines: readonly Line[], n: number, id: number): void {
  const questions = new Map(conn.asked);
  const reqno = lines[n].frame?.reqno;
  for (const line of lines.slice(n + 1)) {
    const { frame: found } = line;
    if (line.conn !== id || found === undefined) continue;
    if (!line.fromClient && found.cls === REQ) questions.set(found.reqno, found);
    if (!line.fromClient && found.cls === RESP && found.reqno === reqno) return;
    const question = line.fromClient && found.cls === RESP ? questions.get(found.reqno) : undefined;
    if (question !== undefined && !conn.asked.has(found.reqno))
      conn.memory.add(addressOf(question), found.body);
  }
}

/** A FORK handshake with the secret that our server has given in place of the transcript's. */
function withSecret(secrets: Map<string, Buffer>, bytes: Buffer): Buffer {
  const ours = bytes.length === 44 ? secrets.get(bytes.subarray(24, 40).toString('hex')) : undefined;
  if (ours === undefined) return bytes;
  return Buffer.concat([bytes.subarray(0, 24), ours, bytes.subarray(40)]);
}
