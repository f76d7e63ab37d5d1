/** What one client may take of the server; beyond it the client is refused, the others are served. */
export interface Limits {
  /** Connections at once. The next one is closed without a banner, as rump_server does beyond 255. */
  readonly clients: number;
  /** Calls of one client that have not been answered; the next one is answered ERROR TRYAGAIN. */
  readonly calls: number;
  /** Forks that a client has announced (PREFORK) and not begun; the next one is answered ERROR TRYAGAIN. */
  readonly preforks: number;
  /** The same for clients that are gone. Nobody is left who could be told: the oldest is dropped. */
  readonly orphans: number;
  /** Bytes of answers that a client has not read before the server stops listening to it. */
  readonly unread: number;
}

export const DEFAULT_LIMITS: Limits = {
  clients: 1024,
  calls: 256,
  preforks: 64,
  orphans: 256,
  unread: 1024 * 1024,
};

/** The most that is asked of a client, or sent to it, in one frame. */
export const PIECE = 65536;
/** Of a write to a fifo, where each piece may have to be kept until there is room. */
export const FIFO_PIECE = 16384;
/** Of a send on a stream socket, for the same reason. */
export const SOCKET_PIECE = 16384;
/** The longest message that is asked of a client: longer than any that a socket with buffers of usual size takes. */
export const DATAGRAM_MAX = 256 * 1024;
