/** What readiness.ts and those that it works with say to each other. */
import { NB_EVFILT_READ, NB_EVFILT_WRITE } from '../../abi/netbsd/event.js';
import type { Readiness } from './readiness.js';

/** A direction, as the numbers of kqueue's filters. */
export const READ = NB_EVFILT_READ;
export const WRITE = NB_EVFILT_WRITE;
export type Filter = typeof READ | typeof WRITE;

/** What a socket is up to, as far as its readiness depends on it. */
export const Phase = {
  /** Of a connection type, and neither connected nor listening. */
  FRESH: 0,
  CONNECTING: 1,
  /** Connected, or of a type that needs no connection. */
  OPEN: 2,
  LISTENING: 3,
  /** There was a connection, or an attempt to make one, and there is none any more. */
  OVER: 4,
} as const;

/** A descriptor at the server that refers to the open file, and who hears of its events. */
export interface Holder {
  readonly remote: number;
  readonly generation: number;
  readonly poller: Arms;
}

/** Asks a server for events. */
export interface Arms {
  /** An event as soon as the filter's condition holds, or at once; one for each call. */
  arm(readiness: Readiness, filter: Filter): void;
  /** No events any more; `armed`: how many were asked for and have not come. */
  leave(readiness: Readiness, armed: number): void;
  /** The server's process can still be spoken to, by descriptors of this generation. */
  serves(generation: number): boolean;
}

/** A call that waits. */
export interface Waiting {
  readonly filter: Filter;
  /** Tries again; 'busy': the answer is still to come, and `next` is told whether the wait is over by that. */
  retry(next: (isOver: boolean) => void): 'over' | 'waits' | 'busy';
  /** The open file is gone. */
  abandon(): void;
}

export interface ReadyEvent {
  /** Bytes or connections that there are, or that there is room for. */
  data: number;
  /** EV_EOF: nothing more can be received, or sent. */
  eof: boolean;
  /** With `eof`: the socket has an error. */
  error: boolean;
}
