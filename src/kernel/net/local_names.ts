/** Names of AF_UNIX sockets: paths, and the abstract name space (unix(7)). */
import { EADDRINUSE, ECONNREFUSED, EEXIST, EINVAL, ENOSPC, EPROTOTYPE } from '../../abi/linux/errno.js';
import { AF_UNIX } from '../../abi/linux/socket.js';
import {
  familyOf,
  pathAddress,
  pathOfAddress,
  SOCKADDR_UN_SIZE,
  SUN_PATH_OFFSET,
} from '../../abi/linux/un.js';
import { MAY_WRITE, permission } from '../vfs/access.js';
import { type Dentry, type Inode, isSocket } from '../vfs/vnode.js';
import type { SocketCaller } from './open_socket.js';

/** Autobind's names: five hexadecimal digits. */
const AUTOBIND_NAMES = 0x100000;

/** A socket's address; a connection that was accepted shares its listener's. While it is held, what a path names stays in use. */
export class LocalName {
  /** struct sockaddr_un, as long as getsockname(2) says. */
  readonly bytes: Uint8Array;
  /** What its path names. */
  readonly inode: Inode | undefined;
  #holders = 1;

  constructor(bytes: Uint8Array, inode: Inode | undefined) {
    this.bytes = bytes;
    this.inode = inode;
    if (inode === undefined) return;
    inode.opens++;
    inode.fs.users++;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    this.#holders--;
    const { inode } = this;
    if (this.#holders > 0 || inode === undefined) return;
    inode.opens--;
    inode.fs.released(inode);
    inode.fs.leave();
  }
}

/** What names lead to. */
export interface Named {
  readonly sockType: number;
  /** True once it is closed. */
  readonly isDead: boolean;
}

/** unix_validate_addr(): 0 or -EINVAL. */
export function checkAddress(address: Uint8Array): number {
  const fits = address.length > SUN_PATH_OFFSET && address.length <= SOCKADDR_UN_SIZE;
  return fits && familyOf(address) === AF_UNIX ? 0 : -EINVAL;
}

function isAbstract(address: Uint8Array): boolean {
  return address[SUN_PATH_OFFSET] === 0;
}

/** Abstract names are each type's own. */
function keyOf(type: number, address: Uint8Array): string {
  return `${type}:${Buffer.from(address).toString('latin1', SUN_PATH_OFFSET)}`;
}

export class NameTable<S extends Named> {
  readonly #abstract = new Map<string, S>();
  readonly #bound = new Map<Inode, S>();

  /**
   * bind(2): the name. `permissions`: those of a path's inode before the umask. `isBound`: the socket has a name already, which
   * is -EINVAL, but only once the path could have been made.
   */
  bind(
    socket: S,
    address: Uint8Array,
    permissions: number,
    isBound: boolean,
    caller: SocketCaller,
  ): LocalName | number {
    if (!isAbstract(address)) return this.#bindPath(socket, address, permissions, isBound, caller);
    if (isBound) return -EINVAL;
    const key = keyOf(socket.sockType, address);
    if (this.#abstract.has(key)) return -EADDRINUSE;
    this.#abstract.set(key, socket);
    return new LocalName(address.slice(), undefined);
  }

  #bindPath(
    socket: S,
    address: Uint8Array,
    permissions: number,
    isBound: boolean,
    caller: SocketCaller,
  ): LocalName | number {
    const path = pathOfAddress(address);
    const dentry = caller.makeSocket(path, permissions, isBound ? -EINVAL : 0);
    if (typeof dentry === 'number') return dentry === -EEXIST ? -EADDRINUSE : dentry;
    this.#bound.set(dentry.inode, socket);
    return new LocalName(pathAddress(path), dentry.inode);
  }

  /** A name that nobody else has (unix_autobind()); -ENOSPC. */
  autobind(socket: S): LocalName | number {
    const first = Math.floor(Math.random() * AUTOBIND_NAMES);
    for (let i = 0; i < AUTOBIND_NAMES; i++) {
      const digits = ((first + i) % AUTOBIND_NAMES).toString(16).padStart(5, '0');
      const address = pathAddress(`\0${digits}`).subarray(0, -1);
      const key = keyOf(socket.sockType, address);
      if (this.#abstract.has(key)) continue;
      this.#abstract.set(key, socket);
      return new LocalName(address, undefined);
    }
    return -ENOSPC;
  }

  /** The socket that an address leads to (unix_find_other()); -ECONNREFUSED, -EPROTOTYPE, -EACCES, and what namei has to say. */
  find(address: Uint8Array, type: number, caller: SocketCaller): S | number {
    if (isAbstract(address)) return this.#abstract.get(keyOf(type, address)) ?? -ECONNREFUSED;
    const dentry: Dentry | number = caller.resolve(pathOfAddress(address));
    if (typeof dentry === 'number') return dentry;
    const { inode } = dentry;
    const refused = permission(inode, MAY_WRITE, caller.cred);
    if (refused !== 0) return refused;
    const found = isSocket(inode) ? this.#bound.get(inode) : undefined;
    if (found === undefined) return -ECONNREFUSED;
    if (found.sockType !== type) return -EPROTOTYPE;
    inode.fs.clock.tick();
    inode.accessed(inode.fs.clock);
    return found;
  }

  /** The socket is closed: nobody finds it any more. The path stays. */
  remove(socket: S, name: LocalName): void {
    const { bytes, inode } = name;
    if (inode !== undefined) {
      if (this.#bound.get(inode) === socket) this.#bound.delete(inode);
      return;
    }
    const key = keyOf(socket.sockType, bytes);
    if (this.#abstract.get(key) === socket) this.#abstract.delete(key);
  }
}
