/** A rump kernel server, as the doctor sees it: does it greet, let us in, and answer, and how fast? */
import { connect, type Socket } from 'node:net';
import { NB } from '../../abi/netbsd/nr.js';
import { checkBanner, DialError, reason } from '../../sysproxy/client/dial.js';
import {
  BANNER_MAX,
  CLASS_AT,
  Class,
  Handshake,
  HEADER_SIZE,
  putHeader,
  Type,
} from '../../sysproxy/frame.js';
import { parseUrl, type ServerUrl, UrlError } from '../../sysproxy/url.js';

/** A server that says nothing for this long is none. Milliseconds. */
const PATIENCE_MS = 5000;
/** How many calls are timed; the median is told. */
const ROUND_TRIPS = 21;
/** Process name at the server. */
const COMM = Buffer.from('rumphijack-doctor\0', 'latin1');
/** Longest frame that the few calls here can be answered with, bytes. */
const FRAME_MAX = 4096;

export interface ServerReport {
  /** Without its newline. */
  readonly banner: string;
  /** Median of a call that does nothing (getpid), microseconds. */
  readonly roundTrip: number;
}

/** The bytes that come, taken in pieces of known length. */
class Incoming {
  #bytes = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #ended: string | undefined;

  constructor(socket: Socket, url: ServerUrl) {
    socket.on('data', data => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
      this.#wake?.();
    });
    socket.on('error', error => this.#end(why(url, error)));
    socket.on('close', () => this.#end('it closes the connection'));
    socket.setTimeout(PATIENCE_MS, () => this.#end(`it says nothing for ${PATIENCE_MS / 1000} s`));
  }

  #end(why: string): void {
    this.#ended ??= why;
    this.#wake?.();
  }

  /** Waits until `length` bytes have come, then takes them. Throws DialError when they do not come. */
  async take(length: number): Promise<Buffer> {
    while (this.#bytes.length < length) {
      if (this.#ended !== undefined) throw new DialError(this.#ended);
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  async line(max: number): Promise<string> {
    let text = '';
    while (!text.endsWith('\n') && text.length < max) text += (await this.take(1)).toString('latin1');
    return text;
  }
}

/** Node tells of names by a code, of all else by an errno as well. */
function why(url: ServerUrl, { code, errno, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOTFOUND') return 'there is no such host';
  return errno === undefined ? message : reason(url, errno);
}

/** Sends a request and waits for its answer. */
async function ask(
  socket: Socket,
  incoming: Incoming,
  type: number,
  info: number,
  body: Uint8Array,
): Promise<void> {
  const frame = Buffer.alloc(HEADER_SIZE + body.length);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  putHeader(view, 0, frame.length, 1, 0, Class.REQ, type, info);
  frame.set(body, HEADER_SIZE);
  socket.write(frame);
  const header = await incoming.take(HEADER_SIZE);
  const length = header.readUInt32LE(0);
  if (length < HEADER_SIZE || length > FRAME_MAX) throw new DialError('it answers with a frame that is none');
  await incoming.take(length - HEADER_SIZE);
  if (header.readUInt16LE(CLASS_AT) !== Class.RESP) throw new DialError('it refuses a client');
}

async function talk(socket: Socket, url: ServerUrl): Promise<ServerReport> {
  const incoming = new Incoming(socket, url);
  const banner = await incoming.line(BANNER_MAX);
  checkBanner(url, banner);
  await ask(socket, incoming, Type.HANDSHAKE, Handshake.GUEST, COMM);
  const times: number[] = [];
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const begun = process.hrtime.bigint();
    await ask(socket, incoming, Type.SYSCALL, NB.getpid, new Uint8Array(0));
    times.push(Number(process.hrtime.bigint() - begun) / 1000);
  }
  times.sort((a, b) => a - b);
  return { banner: banner.trimEnd(), roundTrip: Math.round(times[ROUND_TRIPS >> 1]) };
}

/** Talks to the server; a string says what is wrong with it, or with its URL. */
export async function examineServer(text: string): Promise<ServerReport | string> {
  let socket: Socket | undefined;
  try {
    const url = parseUrl(text);
    socket =
      url.kind === 'unix' ? connect({ path: url.path }) : connect({ host: url.host, port: Number(url.port) });
    return await talk(socket, url);
  } catch (error) {
    if (error instanceof UrlError || error instanceof DialError) return error.message;
    throw error;
  } finally {
    socket?.destroy();
  }
}
