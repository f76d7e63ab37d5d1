import { ENOPROTOOPT } from '../../abi/linux/errno.js';
import type { Credentials } from '../rump_kernel.js';
import type { NetInterface } from '../socket_calls.js';
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
  get(_l: number, _n: number, _o: Uint8Array): number {
    return -ENOPROTOOPT;
  }
  set(_l: number, _n: number, _v: Uint8Array, _c: Credentials): number {
    return 0;
  }
  inherit(_f: InetOptions): void {}
}
