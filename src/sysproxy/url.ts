/** Where a server is (rump_sp(7)): `unix://relative`, `unix:///absolute`, `tcp://host:port/`. */

export type ServerUrl =
  | { readonly kind: 'unix'; readonly text: string; readonly path: string }
  | { readonly kind: 'tcp'; readonly text: string; readonly host: string; readonly port: string };

/** A URL that is none: the message says what is wrong and what would be right. */
export class UrlError extends Error {}

/** sizeof(sun_path) of sys/un.h, with its NUL. */
const SUN_PATH = 108;
const MAX_PORT = 65535;

/** Takes a server's URL apart; throws UrlError. */
export function parseUrl(text: string): ServerUrl {
  if (text.startsWith('unix://')) return unixUrl(text, text.slice('unix://'.length));
  if (text.startsWith('tcp://')) return tcpUrl(text, text.slice('tcp://'.length));
  throw new UrlError(`bad server URL '${text}': use unix:///path, unix://path or tcp://host:port/`);
}

function unixUrl(text: string, path: string): ServerUrl {
  if (path === '') throw new UrlError(`bad server URL '${text}': no path after unix://`);
  if (path.includes('\0')) throw new UrlError(`bad server URL: a path cannot hold a NUL byte`);
  if (Buffer.byteLength(path) >= SUN_PATH)
    throw new UrlError(`bad server URL '${text}': the path is longer than ${SUN_PATH - 1} bytes`);
  return { kind: 'unix', text, path };
}

function tcpUrl(text: string, rest: string): ServerUrl {
  if (rest.includes('\0')) throw new UrlError('bad server URL: a host cannot hold a NUL byte');
  const match = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:/[\]\s]+)):(\d+)\/?$/.exec(rest);
  if (match === null) throw new UrlError(`bad server URL '${text}': use tcp://host:port/`);
  const port = Number(match[3]);
  if (port > MAX_PORT) throw new UrlError(`bad server URL '${text}': there is no port ${match[3]}`);
  return { kind: 'tcp', text, host: match[1] ?? match[2], port: String(port) };
}
