/** The server's interfaces with their addresses, as getifaddrs(3) of NetBSD finds them: sysctl net.route.0.0.NET_RT_IFLIST. */
import { ENOENT } from '../../abi/linux/errno.js';
import { decodeSockaddrDl } from '../../abi/netbsd/interface.js';
import {
  decodeAddressMessage,
  decodeInterfaceMessage,
  NB_NET_RT_IFLIST,
  NB_RTAX_BRD,
  NB_RTAX_IFA,
  NB_RTAX_IFP,
  NB_RTAX_NETMASK,
  NB_RTM_IFINFO,
  NB_RTM_NEWADDR,
  splitMessages,
} from '../../abi/netbsd/route.js';
import { NB_AF_LINK, NB_AF_ROUTE } from '../../abi/netbsd/socket.js';
import { NB_CTL_NET } from '../../abi/netbsd/sysctl.js';
import { CallError, Refusal } from './errors.js';
import type { Session } from './session.js';

export interface Interface {
  readonly name: string;
  readonly index: number;
  /** NB_IFF_* */
  readonly flags: number;
  readonly mtu: number;
  /** Empty where there is none. */
  readonly hardware: Uint8Array;
  /** NB_IFT_* */
  readonly type: number;
  readonly addresses: readonly InterfaceAddress[];
}

/** Sockaddrs. */
export interface InterfaceAddress {
  readonly family: number;
  readonly address: Uint8Array;
  readonly mask: Uint8Array;
  /** Of broadcast, or of the other end. */
  readonly other: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** What the sysctl tree has of interfaces or routes, `what` being NB_NET_RT_*. Throws Refusal for a kernel that tells nothing. */
export function routing(session: Session, family: number, what: number): Uint8Array {
  try {
    return session.sysctl([NB_CTL_NET, NB_AF_ROUTE, 0, family, what, 0]);
  } catch (error) {
    if (!(error instanceof CallError) || error.errno !== ENOENT) throw error;
    throw new Refusal('this server tells nothing of interfaces and routes: it has no sysctl net.route');
  }
}

/** By index, all that are there. */
export function interfaces(session: Session): Interface[] {
  const bytes = routing(session, 0, NB_NET_RT_IFLIST);
  const found: (Interface & { addresses: InterfaceAddress[] })[] = [];
  for (const message of splitMessages(bytes)) {
    if (message[3] === NB_RTM_IFINFO) {
      const { index, flags, mtu, type, addresses } = decodeInterfaceMessage(message);
      const { name, hardware } = decodeSockaddrDl(addresses[NB_RTAX_IFP] ?? NOTHING);
      found.push({ name, index, flags, mtu, type, hardware, addresses: [] });
    } else if (message[3] === NB_RTM_NEWADDR) {
      const { index, addresses } = decodeAddressMessage(message);
      const address = addresses[NB_RTAX_IFA] ?? NOTHING;
      if (address.length < 2 || address[1] === NB_AF_LINK) continue;
      found
        .find(each => each.index === index)
        ?.addresses.push({
          family: address[1],
          address,
          mask: addresses[NB_RTAX_NETMASK] ?? NOTHING,
          other: addresses[NB_RTAX_BRD] ?? NOTHING,
        });
    }
  }
  return found;
}

/** Throws Refusal, as ifconfig(8) words it. */
export function interfaceNamed(session: Session, name: string): Interface {
  const found = interfaces(session).find(each => each.name === name);
  if (found === undefined) throw new Refusal(`interface ${name} does not exist`);
  return found;
}
