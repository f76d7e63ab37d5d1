/** rumphijack server: the embedded kernel behind rump_sp, in front or in the background. */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { SIGHUP, SIGINT, SIGTERM } from '../abi/linux/signal.js';
import { EmbeddedKernel } from '../kernel/embedded.js';
import { net } from '../native/net.js';
import { ListenError } from '../sysproxy/server/listener.js';
import { SysproxyServer } from '../sysproxy/server/server.js';
import { parseUrl, type ServerUrl, UrlError } from '../sysproxy/url.js';
import { hostSlabs, native } from '../tracer/native.js';
import { fail, OWN_FAILURE } from './output.js';

export interface ServerOptions {
  /** Stay in front. */
  stay: boolean;
  pidFile: string | undefined;
  readyFd: string | undefined;
  listenAnywhere: boolean;
  /** --net, as often as it was given. */
  net: readonly string[];
}

/** What goes wrong before the server serves: one line. */
class StartError extends Error {}

/** The descriptor by which the one in front hears that the one in the background is ready. */
const READY_FD = 3;
const STOPPED_BY = [SIGTERM, SIGINT, SIGHUP];

/** Serves until it is told to stop; does not return. */
export async function server(url: string, options: ServerOptions): Promise<void> {
  const network = options.net.length === 0 ? undefined : await import('./network.js');
  try {
    const parsed = parseUrl(url);
    if (options.stay) native.exit(serve(parsed, options, network));
    else goToBackground(parsed);
  } catch (error) {
    const isOurs = error instanceof UrlError || error instanceof ListenError || error instanceof StartError;
    if (!(error instanceof Error) || !(isOurs || network?.isNetworkError(error) === true)) throw error;
    fail(error.message);
    native.exit(OWN_FAILURE);
  }
}

function serve(
  url: ServerUrl,
  options: ServerOptions,
  network: typeof import('./network.js') | undefined,
): number {
  const readyFd = descriptor(options.readyFd);
  if (options.listenAnywhere && url.kind === 'tcp')
    fail(
      'every client is root in this kernel, and with --listen-anywhere anybody who reaches it is a client',
    );
  const kernel = new EmbeddedKernel({ slabs: hostSlabs, say: fail });
  const running = new SysproxyServer({
    kernel,
    urls: [url],
    listenAnywhere: options.listenAnywhere,
    log: quietly(fail),
    console: openConsole(),
  });
  for (const signal of STOPPED_BY) net.catchSignal(signal);
  const attached = network?.addInterfaces(kernel, options.net);
  try {
    running.listen();
    if (options.pidFile !== undefined) writePidFile(options.pidFile);
    announce(running.urls[0], url, readyFd);
    const isOver = (): boolean => running.isHalted || STOPPED_BY.some(signal => net.caught(signal) !== 0);
    while (!isOver()) running.turn(-1);
  } finally {
    running.close();
    attached?.close();
    if (options.pidFile !== undefined) remove(options.pidFile);
  }
  return 0;
}

/** What clients write goes to standard output as far as somebody reads it: no reader may hold up the server. */
function openConsole(): (bytes: Uint8Array) => void {
  try {
    // Opened anew, since others may share the descriptor that we have, and its flags.
    const fd = openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
    return bytes => tell(fd, bytes);
  } catch {
    return () => {};
  }
}

/** Says that clients can come, and where, if that was left to the host. */
function announce(served: string, asked: ServerUrl, readyFd: number | undefined): void {
  if (readyFd !== undefined) {
    tell(readyFd, Buffer.from(`${served}\n`));
    closeSync(readyFd);
  } else if (asked.kind === 'tcp' && asked.port === '0') tell(1, Buffer.from(`${served}\n`));
}

function descriptor(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const fd = Number(text);
  if (!/^\d{1,5}$/.test(text)) throw new StartError(`--ready-fd: '${text}' is no descriptor's number`);
  try {
    writeSync(fd, '');
  } catch (error) {
    throw new StartError(`--ready-fd ${text}: ${reason(error)}`);
  }
  return fd;
}

function writePidFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 });
  } catch (error) {
    throw new StartError(`cannot write the pid file ${path}: ${reason(error)}`);
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else has removed it.
  }
}

function reason(error: unknown): string {
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : Number.NaN;
  const [, text] = getSystemErrorMap().get(errno) ?? [];
  return text ?? String(error);
}

/** Writes to a descriptor whose reader may be gone: then nobody wants to know. */
function tell(fd: number, bytes: Uint8Array): void {
  try {
    writeSync(fd, bytes);
  } catch {
    // See above.
  }
}

function quietly(say: (line: string) => void): (line: string) => void {
  return line => {
    try {
      say(line);
    } catch {
      // The terminal that we were started from is gone.
    }
  };
}

/** Starts the server as a process of its own and waits until it is ready, or has said why it is not. */
function goToBackground(url: ServerUrl): void {
  const [, main, command, ...rest] = process.argv;
  const readyFd = rest.findIndex(word => word === '--ready-fd' || word.startsWith('--ready-fd='));
  const own = rest.filter(
    (_, i) => readyFd < 0 || !(i === readyFd || (i === readyFd + 1 && rest[readyFd] === '--ready-fd')),
  );
  const asked = readyFd < 0 ? undefined : descriptor(rest[readyFd].split('=')[1] ?? rest[readyFd + 1]);
  const args = [...process.execArgv, main, command, '-s', '--ready-fd', String(READY_FD), ...own];
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  child.stdio[READY_FD]?.on('data', (bytes: Buffer) => {
    process.stderr.write(said);
    const served = bytes.toString();
    if (asked !== undefined) tell(asked, bytes);
    else if (url.kind === 'tcp' && url.port === '0') process.stdout.write(served);
    process.exit(0);
  });
  child.on('close', () => {
    process.stderr.write(said === '' ? 'rumphijack: the server ended before it was ready\n' : said);
    process.exit(OWN_FAILURE);
  });
}
