/** The socket that clients connect to: made so that no other user can, and that no other server is pushed aside. */
import { lstatSync, unlinkSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { EADDRINUSE, ECONNREFUSED, EPERM, errnoName } from '../../abi/linux/errno.js';
import { isUnknownHost, net } from '../../native/net.js';
import type { ServerUrl } from '../url.js';

export interface Listener {
  readonly fd: number;
  /** Where it can be reached. */
  readonly url: string;
  /** A unix socket's path and inode: it is removed at the end, unless it has become somebody else's. */
  readonly file: { path: string; ino: number } | undefined;
}

/** A URL that cannot be served: the message says why. */
export class ListenError extends Error {}

export function openListener(url: ServerUrl, anywhere: boolean): Listener {
  return url.kind === 'unix' ? listenUnix(url.text, url.path) : listenTcp(url.host, url.port, anywhere);
}

export function closeListener(listener: Listener): void {
  const { file } = listener;
  if (file !== undefined && inodeOf(file.path)?.ino === file.ino) unlinkSync(file.path);
  net.close(listener.fd);
}

function listenUnix(url: string, path: string): Listener {
  let fd = net.listen(path);
  if (fd === -EADDRINUSE) {
    removeStale(path);
    fd = net.listen(path);
  }
  if (fd < 0) throw new ListenError(`cannot listen at ${path}: ${errnoText(-fd)}`);
  const ino = inodeOf(path)?.ino;
  return { fd, url, file: ino === undefined ? undefined : { path, ino } };
}

/** Removes a socket that a server has left behind; throws when it is in use, or no socket. */
function removeStale(path: string): void {
  const found = inodeOf(path);
  if (found === undefined) return;
  if (!found.isSocket())
    throw new ListenError(`${path} exists and is no socket: remove it, or use another path`);
  const probe = net.connect(path);
  if (probe >= 0) net.close(probe);
  if (probe !== -ECONNREFUSED) {
    const why = probe >= 0 ? 'already served' : errnoText(-probe);
    throw new ListenError(`cannot listen at ${path}: ${why}`);
  }
  unlinkSync(path);
}

function listenTcp(host: string, port: string, anywhere: boolean): Listener {
  const fd = net.listenTcp(host, port, anywhere ? 1 : 0);
  if (isUnknownHost(fd)) throw new ListenError(`no such host: ${host}`);
  if (fd === -EPERM) {
    throw new ListenError(
      `${host} can be reached by others, and every client is root: use 127.0.0.1, or --listen-anywhere`,
    );
  }
  if (fd < 0) throw new ListenError(`cannot listen at ${host} port ${port}: ${errnoText(-fd)}`);
  const name = host.includes(':') ? `[${host}]` : host;
  return { fd, url: `tcp://${name}:${net.port(fd)}/`, file: undefined };
}

function inodeOf(path: string) {
  return lstatSync(path, { throwIfNoEntry: false });
}

function errnoText(errno: number): string {
  const [, text] = getSystemErrorMap().get(-errno) ?? [];
  return text ?? errnoName(errno);
}
