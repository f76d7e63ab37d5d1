/** Stream sockets of native/net.c: synchronous, with one place to wait for all of them. */
import koffi from 'koffi';
import { library } from './library.js';

/** sys/epoll.h */
export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;

/** RH_READY_MAX, RH_RESOLVE_ERROR of native/rumphijack.h. */
const READY_MAX = 64;
const RESOLVE_ERROR = 10000;

const list = new Int32Array(koffi.view(library.symbol('rh_ready', 'void *'), READY_MAX * 8));
const bytes = 'int fd, void *buffer, int64_t offset, int64_t length';
type Transfer = (fd: number, buffer: Uint8Array, offset: number, length: number) => number;

/** Results are >= 0 or -errno. Paths and hosts end with NUL by themselves: koffi sees to it. */
export const net = {
  connect: library.func('int rh_net_connect(const char *path)') as (path: string) => number,
  connectTcp: library.func('int rh_net_connect_tcp(const char *host, const char *port)') as (
    host: string,
    port: string,
  ) => number,
  listen: library.func('int rh_net_listen(const char *path)') as (path: string) => number,
  /** -EPERM for an address that other machines can reach, unless `anywhere` is 1. */
  listenTcp: library.func('int rh_net_listen_tcp(const char *host, const char *port, int anywhere)') as (
    host: string,
    port: string,
    anywhere: number,
  ) => number,
  port: library.func('int rh_net_port(int fd)') as (fd: number) => number,
  accept: library.func('int rh_net_accept(int fd)') as (fd: number) => number,
  /** Bytes that the socket took now. */
  send: library.func(`int64_t rh_net_send(${bytes.replace('void', 'const void')})`) as Transfer,
  /** Bytes that were there, 0 at the end, -EAGAIN for none yet. */
  recv: library.func(`int64_t rh_net_recv(${bytes})`) as Transfer,
  /** Sends, then waits as long as patience() allows: bytes received, 0, -EAGAIN, or -ENOBUFS when sent() is less than all. */
  exchange: library.func(
    'int64_t rh_net_exchange(int fd, const void *out, int64_t length, void *in, int64_t room)',
  ) as (fd: number, out: Uint8Array, length: number, into: Uint8Array, room: number) => number,
  sent: library.func('int64_t rh_net_sent()') as () => number,
  /** Microseconds; 0: for ever. */
  patience: library.func('int rh_net_patience(int fd, int64_t microseconds)') as (
    fd: number,
    microseconds: number,
  ) => number,
  close: library.func('int rh_net_close(int fd)') as (fd: number) => number,
  /** EPOLLIN and EPOLLOUT, 0 for no longer. */
  watch: library.func('int rh_watch(int fd, int events)') as (fd: number, events: number) => number,
  /** From now on the signal only ends a wait; caught() tells once that it came. */
  catchSignal: library.func('int rh_catch(int signal)') as (signal: number) => number,
  caught: library.func('int rh_caught(int signal)') as (signal: number) => number,
};

const rhWait = library.func('int rh_net_wait(int timeout, void *woken)') as (
  timeout: number,
  woken: null,
) => number;

/** Sleeps until a watched socket is ready, a caught signal came or the milliseconds (-1: no limit) are over. Returns how many are ready. */
export function waitReady(timeout: number): number {
  return rhWait(timeout, null);
}
/** The n-th ready socket, and which of EPOLL* it is ready for. */
export function readyFd(n: number): number {
  return list[n * 2];
}
export function readyEvents(n: number): number {
  return list[n * 2 + 1];
}

/** True for a result of connectTcp() or listenTcp() that says that the host's name is unknown. */
export function isUnknownHost(result: number): boolean {
  return result <= -RESOLVE_ERROR;
}
