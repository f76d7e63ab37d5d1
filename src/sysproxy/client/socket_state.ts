/** What the client keeps of a remote socket, because the server is not to be asked each time or does not keep it. */
import { SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM } from '../../abi/linux/socket.js';

export class SocketState {
  /** SO_RCVTIMEO and SO_SNDTIMEO in milliseconds; 0: none. The server's calls never wait. */
  receiveTimeout = 0;
  sendTimeout = 0;
  /** It has a peer, by connect(2), accept(2) or socketpair(2). */
  isConnected = false;
  /** A listener on which shutdown(2) was called. */
  isShut = false;
  /** Values of options that NetBSD lacks and that change nothing that a program could notice. */
  readonly hints = new Map<string, Uint8Array>();

  /** Linux's numbers; `type` without flags. */
  constructor(
    readonly domain: number,
    readonly type: number,
    readonly protocol: number,
  ) {}

  /** Calls need a connection. */
  get needsConnection(): boolean {
    return this.type === SOCK_STREAM || this.type === SOCK_SEQPACKET;
  }

  /** What is sent arrives in the same pieces. */
  get hasMessages(): boolean {
    return this.type !== SOCK_STREAM;
  }

  get isDatagram(): boolean {
    return this.type === SOCK_DGRAM || this.type === SOCK_RAW;
  }
}
