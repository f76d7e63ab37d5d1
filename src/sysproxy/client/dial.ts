/** Connecting to a server: socket, banner, and what is wrong with either. */
import { ECONNREFUSED, ENOENT, ETIMEDOUT, errnoName } from '../../abi/linux/errno.js';
import type { EventLoop, Timer, Waiter } from '../../native/loop.js';
import { isUnknownHost, net } from '../../native/net.js';
import { BANNER_MAX } from '../frame.js';
import type { ServerUrl } from '../url.js';

const EAGAIN = 11;
const NEWLINE = 0x0a;
/** A server greets at once; one that says nothing for this long is none. Milliseconds. */
const GREETING_MS = 5000;
/** How long a call may hold up all tracees while the server answers, microseconds; after that the caller alone waits. */
export const PATIENCE_US = 3000;

/** The wire protocol's major version, and the ABI that its numbers and structs are of. */
const MAJOR = 0;
const MACHINE = 'amd64';

/** Why there is no connection: one line for the user. */
export class DialError extends Error {}

/** Opens the socket. Returns its fd; throws DialError. */
export function openSocket(url: ServerUrl): number {
  const fd = url.kind === 'unix' ? net.connect(url.path) : net.connectTcp(url.host, url.port);
  if (fd < 0) throw new DialError(`cannot connect to ${url.text}: ${reason(url, fd)}`);
  net.patience(fd, PATIENCE_US);
  return fd;
}

/** Why connecting has failed with `error`: -errno, or what connectTcp() says of names. */
export function reason(url: ServerUrl, error: number): string {
  if (isUnknownHost(error)) return `there is no host '${url.kind === 'tcp' ? url.host : ''}'`;
  switch (-error) {
    case ENOENT:
      return 'there is no such socket; is the server running?';
    case ECONNREFUSED:
      return 'connection refused; is the server running?';
    case EAGAIN:
    case ETIMEDOUT:
      return 'the server does not answer';
    default:
      return errnoName(-error);
  }
}

/** Looks at a banner (with its newline); throws DialError when the server speaks something else. */
export function checkBanner(url: ServerUrl, banner: string): void {
  const match = /^RUMPSP-(\d+)\.(\d+)-([^\n]*?)\/([^/\n]+)\n$/.exec(banner);
  if (match === null) throw new DialError(`${url.text} is no rump kernel server: ${greeting(banner)}`);
  const [, major, minor, system, machine] = match;
  if (Number(major) !== MAJOR)
    throw new DialError(`${url.text} speaks rump_sp ${major}.${minor}; this program speaks ${MAJOR}.x`);
  if (!system.startsWith('NetBSD-') || machine !== MACHINE)
    throw new DialError(`${url.text} is a rump kernel of ${system}/${machine}; NetBSD/${MACHINE} is needed`);
}

function greeting(banner: string): string {
  if (banner === '') return 'it says nothing';
  return `it greets with ${JSON.stringify(banner.slice(0, 40))}`;
}

/** Waits for the banner on a socket. `done` gets undefined when it is right; at once, or at a turn of the loop. */
export class Greeting implements Waiter {
  #text = '';
  #timer: Timer | undefined;
  #over = false;
  readonly #byte = new Uint8Array(BANNER_MAX);

  constructor(
    readonly fd: number,
    readonly url: ServerUrl,
    readonly loop: EventLoop,
    readonly done: (error: DialError | undefined) => void,
  ) {}

  /** Waits a moment; then the loop goes on with it. */
  start(): void {
    this.#take(net.exchange(this.fd, this.#byte, 0, this.#byte, BANNER_MAX));
    if (this.#over) return;
    this.#timer = this.loop.after(GREETING_MS, () => this.#end());
    this.loop.watch(this.fd, this, false);
  }

  onReady(): void {
    this.#take(net.recv(this.fd, this.#byte, 0, BANNER_MAX));
  }

  /** Nobody wants to know any more. */
  cancel(): void {
    this.#over = true;
    this.#stop();
  }

  #take(got: number): void {
    if (this.#over || got === -EAGAIN) return;
    if (got > 0) this.#text += Buffer.from(this.#byte.buffer, 0, got).toString('latin1');
    const whole = got > 0 && this.#byte[got - 1] === NEWLINE;
    if (whole || got <= 0 || this.#text.length >= BANNER_MAX) this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop();
    let error: DialError | undefined;
    try {
      checkBanner(this.url, this.#text);
    } catch (thrown) {
      if (!(thrown instanceof DialError)) throw thrown;
      error = thrown;
    }
    this.done(error);
  }

  #stop(): void {
    if (this.#timer !== undefined) this.loop.cancel(this.#timer);
    this.#timer = undefined;
    this.loop.unwatch(this.fd);
  }
}
