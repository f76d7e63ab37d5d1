/** Open files that are on their way in messages of AF_UNIX sockets (net/unix/scm.c, net/unix/garbage.c). */
import { ETOOMANYREFS } from '../../abi/linux/errno.js';
import type { OpenFile } from '../open_files.js';
import type { FileList } from './local_queue.js';
import { OpenSocket, type SocketCaller } from './open_socket.js';

/** A socket that open files can be on their way to. */
export abstract class FileCarrier extends OpenSocket {
  /** The files in all messages that are waiting here, those of connections that nobody has accepted too. */
  abstract carried(visit: (list: FileList) => void): void;
  /** Takes the files out of these messages, for the caller to drop. */
  abstract takeCarried(): FileList[];
}

export class InFlight {
  /** Sockets that are on their way, and how many times each. */
  readonly #sockets = new Map<FileCarrier, number>();
  /** Files on their way, by who sent them. */
  readonly #users = new Map<number, number>();
  readonly #dropping: OpenFile[] = [];
  #isDropping = false;
  #isCollecting = false;

  /** True when nothing is on its way. */
  get isEmpty(): boolean {
    return this.#users.size === 0;
  }

  /** A message with files is sent: -ETOOMANYREFS when too many of the sender's are on their way. */
  add(list: FileList, caller: SocketCaller): number {
    const { uid, files } = list;
    const before = this.#users.get(uid) ?? 0;
    // CAP_SYS_RESOURCE
    if (before > caller.descriptorLimit && caller.cred.uid !== 0) return -ETOOMANYREFS;
    this.#users.set(uid, before + files.length);
    for (const file of files) {
      if (file instanceof FileCarrier) this.#sockets.set(file, (this.#sockets.get(file) ?? 0) + 1);
    }
    return 0;
  }

  /** A message has arrived: its files are the receiver's, who drops them. */
  remove(list: FileList): void {
    const { uid, files } = list;
    const left = (this.#users.get(uid) ?? 0) - files.length;
    if (left > 0) this.#users.set(uid, left);
    else this.#users.delete(uid);
    for (const file of files) {
      if (!(file instanceof FileCarrier)) continue;
      const count = (this.#sockets.get(file) ?? 0) - 1;
      if (count > 0) this.#sockets.set(file, count);
      else this.#sockets.delete(file);
    }
  }

  /**
   * Lets go of files. Those that are gone with it may be sockets whose messages hold others: one after the other, never
   * one within the other, however long the chain is.
   */
  drop(files: readonly OpenFile[]): void {
    for (const file of files) this.#dropping.push(file);
    if (this.#isDropping) return;
    this.#isDropping = true;
    try {
      for (let file = this.#dropping.pop(); file !== undefined; file = this.#dropping.pop()) file.release();
    } finally {
      this.#isDropping = false;
    }
  }

  /**
   * Sockets that only messages refer to which nobody can receive any more: those messages lose their files. Runs whenever a socket
   * is closed, as unix_gc() does.
   */
  collect(): void {
    if (this.#sockets.size === 0 || this.#isCollecting) return;
    this.#isCollecting = true;
    try {
      for (const socket of this.#unreachable()) {
        for (const list of socket.takeCarried()) {
          this.remove(list);
          this.drop(list.files);
        }
      }
    } finally {
      this.#isCollecting = false;
    }
  }

  /** References to a socket that come neither from descriptors nor from other candidates' messages make it reachable. */
  #unreachable(): FileCarrier[] {
    const outside = new Map<FileCarrier, number>();
    for (const [socket, count] of this.#sockets) if (socket.references === count) outside.set(socket, count);
    for (const socket of outside.keys()) {
      each(socket, carried => {
        const count = outside.get(carried);
        if (count !== undefined) outside.set(carried, count - 1);
      });
    }
    const reached = [...outside.keys()].filter(socket => (outside.get(socket) ?? 0) > 0);
    for (const socket of reached) outside.delete(socket);
    for (let socket = reached.pop(); socket !== undefined; socket = reached.pop()) {
      each(socket, carried => {
        if (outside.delete(carried)) reached.push(carried);
      });
    }
    return [...outside.keys()];
  }
}

/** The sockets among the files that wait in a socket. */
function each(socket: FileCarrier, visit: (carried: FileCarrier) => void): void {
  socket.carried(list => {
    for (const file of list.files) if (file instanceof FileCarrier) visit(file);
  });
}
