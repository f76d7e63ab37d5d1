/** What the stack says of an interface: struct rn_netif_info of native/lwip/rumpnetif.h, in the staging area. */
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';

// Offsets in bytes.
const AT_IS_UP = 48;
const AT_MTU = 52;
const AT_HAS_MAC = 56;
const AT_IS_DEFAULT = 60;
const AT_MAC = 64;
const AT_GATEWAY4 = 72;
const AT_HAS_GATEWAY6 = 76;
const AT_GATEWAY6 = 80;
const AT_ADDRESS_COUNT = 96;
const AT_ADDRESSES = 104;
const ADDRESS_SIZE = 24;
const AT_BYTES = 8;
const MAC_SIZE = 6;

export interface InterfaceInfo {
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly isUp: boolean;
  /** Bytes. */
  readonly mtu: number;
  /** 6 bytes; none of the loopback interface. */
  readonly mac: Uint8Array;
  readonly addresses: readonly { family: number; address: Uint8Array; prefixLength: number }[];
  /** Next hops of default routes by this interface, of either family. */
  readonly gateways: readonly { family: number; address: Uint8Array }[];
}

/** `staging`: as getInterface() has left it. */
export function readInterfaceInfo(staging: Uint8Array): InterfaceInfo {
  const view = new DataView(staging.buffer, staging.byteOffset);
  const int = (at: number) => view.getInt32(at, true);
  const long = (at: number) => Number(view.getBigInt64(at, true));
  const bytes = (at: number, length: number) => staging.slice(at, at + length);
  const addresses = [];
  for (let i = 0; i < int(AT_ADDRESS_COUNT); i++) {
    const at = AT_ADDRESSES + i * ADDRESS_SIZE;
    const family = int(at);
    addresses.push({
      family,
      prefixLength: int(at + 4),
      address: bytes(at + AT_BYTES, family === AF_INET ? 4 : 16),
    });
  }
  const gateways = [];
  if (int(AT_IS_DEFAULT) !== 0) gateways.push({ family: AF_INET, address: bytes(AT_GATEWAY4, 4) });
  if (int(AT_HAS_GATEWAY6) !== 0) gateways.push({ family: AF_INET6, address: bytes(AT_GATEWAY6, 16) });
  return {
    rxPackets: long(0),
    txPackets: long(8),
    rxBytes: long(16),
    txBytes: long(24),
    isUp: int(AT_IS_UP) !== 0,
    mtu: int(AT_MTU),
    mac: int(AT_HAS_MAC) !== 0 ? bytes(AT_MAC, MAC_SIZE) : new Uint8Array(0),
    addresses,
    gateways,
  };
}
