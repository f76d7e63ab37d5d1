/**
 * A bus: an Ethernet segment that kernels on one machine share without privileges. Its FILE is a directory with a listening socket for
 * each end, and each end is connected to all others. So an end that dies or is stopped concerns nobody else, the host
 * tells of its death, and the last one takes the directory with it.
 *
 * Whoever comes holds a lock on the directory while it connects to those that are there and makes its own socket: of two
 * ends, the later one connects, once. What it sends first is its socket's name; all further packets are frames.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { EAGAIN, ECONNREFUSED, ENOENT, ENOTDIR, ESTALE, errnoName } from '../../abi/linux/errno.js';
import { net } from '../../native/net.js';
import type { Ethernet } from './ethernet.js';
import { NetError } from './net_error.js';

/** Of sockets' names: what else is in the directory is none of ours. */
const PREFIX = 'end-';
const NAME = /^end-[0-9a-f]{16}$/;
const GREETING = 'rumphijack bus 1 ';
const GREETING_ROOM = 64;
/** As often another end may remove the directory while we come. */
const TRIES = 100;

export class Bus {
  readonly #ethernet: Ethernet;
  readonly #path: string;
  readonly #name = `${PREFIX}${randomBytes(8).toString('hex')}`;
  /** Connections -> the name of the other end; '' until it has said it. */
  readonly #peers = new Map<number, string>();
  #listener = -1;

  /** Comes to the bus at `path`; NetError. */
  constructor(ethernet: Ethernet, path: string) {
    this.#ethernet = ethernet;
    this.#path = path;
    for (let tries = 0; this.#listener < 0; tries++) {
      const directory = this.#lock();
      if (directory >= 0) {
        this.#join(directory);
        net.close(directory);
      } else if (directory !== -ESTALE || tries === TRIES) this.#fail(directory);
    }
    const waiter = { onReady: () => this.#accept() };
    ethernet.host.sockets.loop.watch(this.#listener, waiter, false);
  }

  /** The directory, made if need be and locked; -ESTALE when it has just gone again. */
  #lock(): number {
    try {
      mkdirSync(this.#path, { mode: 0o700 });
    } catch (error) {
      const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
      const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
      if (!exists) return errno;
    }
    const directory = this.#ethernet.host.stack.calls.busLock(this.#path);
    return directory === -ENOENT ? -ESTALE : directory;
  }

  #fail(status: number): never {
    const what = new Map([
      [-ENOTDIR, 'is there and no directory: a bus makes its own'],
      [-EAGAIN, 'another end is coming and does not get on: is it stopped?'],
      [-ENOENT, 'the directory that it would be in is not there'],
    ]).get(status);
    this.close();
    throw new NetError(`bus=${this.#path}: ${what ?? errnoName(-status)}`);
  }

  #join(directory: number): void {
    const { calls } = this.#ethernet.host.stack;
    for (const name of readdirSync(this.#path)) {
      if (!NAME.test(name)) continue;
      const fd = calls.busConnect(directory, name);
      // Its process was killed: nobody else can have the name, and nobody is coming while we have the lock.
      if (fd === -ECONNREFUSED) this.#remove(name);
      if (fd < 0) continue;
      const greeting = Buffer.from(GREETING + this.#name);
      if (calls.busSend(fd, greeting, greeting.length) < 0) net.close(fd);
      else this.#meet(fd, name);
    }
    const listener = calls.busListen(directory, this.#name);
    // The last end that was there has taken the directory with it: once more.
    if (listener === -ENOENT) return;
    if (listener < 0) this.#fail(listener);
    this.#listener = listener;
  }

  #accept(): void {
    const { stack, sockets } = this.#ethernet.host;
    for (
      let fd = stack.calls.busAccept(this.#listener);
      fd >= 0;
      fd = stack.calls.busAccept(this.#listener)
    ) {
      this.#peers.set(fd, '');
      const waiter = { onReady: () => this.#greeted(fd) };
      sockets.loop.watch(fd, waiter, false);
    }
  }

  /** The first packet of another end. */
  #greeted(fd: number): void {
    const { stack, sockets } = this.#ethernet.host;
    const bytes = Buffer.alloc(GREETING_ROOM);
    const length = stack.calls.busReceive(fd, bytes, bytes.length);
    if (length === -EAGAIN) return;
    sockets.loop.unwatch(fd);
    const text = bytes.toString('latin1', 0, Math.max(length, 0));
    const name = text.slice(GREETING.length);
    if (text.startsWith(GREETING) && NAME.test(name)) this.#meet(fd, name);
    else this.#drop(fd);
  }

  #meet(fd: number, name: string): void {
    this.#peers.set(fd, name);
    this.#ethernet.attach(fd, () => this.#drop(fd));
  }

  /** The other end is gone. If it was killed, it has left its socket. */
  #drop(fd: number): void {
    const name = this.#peers.get(fd);
    this.#peers.delete(fd);
    net.close(fd);
    if (name) this.#remove(name);
  }

  #remove(name: string): void {
    try {
      unlinkSync(`${this.#path}/${name}`);
    } catch {
      // It has removed it itself, or another end was first.
    }
  }

  close(): void {
    const { loop } = this.#ethernet.host.sockets;
    if (this.#listener >= 0) {
      loop.unwatch(this.#listener);
      net.close(this.#listener);
      this.#listener = -1;
      this.#remove(this.#name);
    }
    for (const fd of this.#peers.keys()) {
      loop.unwatch(fd);
      this.#ethernet.detach(fd);
      net.close(fd);
    }
    this.#peers.clear();
    try {
      rmdirSync(this.#path);
    } catch {
      // Other ends are still there.
    }
  }
}
