import { ENOPROTOOPT } from '../../abi/linux/errno.js';
import type { Credentials } from '../rump_kernel.js';
import type { NetInterface } from '../socket_calls.js';
import { intOf, putInt } from './open_socket.js';
export interface OptionTarget {
  readonly domain: number;
  readonly sockType: number;
  readonly protocol: number;
  readonly isConnected: boolean;
  readonly isListening: boolean;
  readonly isBound: boolean;
  set(option: number, value: number): number;
  get(what: number): number;
  join(group: Uint8Array, interfaceIndex: number, leave: boolean): number;
  interfaces(): NetInterface[];
}
export class InetOptions {
  lowWater = 1;
  timestamp: 'none' | 'us' | 'ns' = 'none';
  recvPktInfo = false;
  recvPktInfo6 = false;
  recvTtl = false;
  recvTos = false;
  recvHopLimit = false;
  recvTclass = false;
  constructor(readonly target: OptionTarget) {}
  readonly #kept = new Map<number, number>();
  get(level: number, name: number, out: Uint8Array): number {
    if (level === 1 && name === 4) return putInt(out, this.target.get(64));
    return putInt(out, this.#kept.get(level * 1000 + name) ?? 0);
  }
  set(level: number, name: number, value: Uint8Array, _c: Credentials): number {
    if (value.length < 4) return -ENOPROTOOPT;
    const number = intOf(value);
    this.#kept.set(level * 1000 + name, number);
    const option = { 1002: 1, 1015: 2, 1006: 3, 1009: 4, 6001: 8, 41026: 12 }[level * 1000 + name];
    return option === undefined ? 0 : this.target.set(option, number);
  }
  inherit(_f: InetOptions): void {}
}
