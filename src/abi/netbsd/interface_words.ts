/** What Linux and NetBSD call otherwise of an interface: the loopback one's name, and the bits of flags. */
import {
  IFF_BROADCAST,
  IFF_LOOPBACK,
  IFF_LOWER_UP,
  IFF_MULTICAST,
  IFF_RUNNING,
  IFF_UP,
} from '../linux/rtnetlink.js';
import {
  NB_IFF_BROADCAST,
  NB_IFF_LOOPBACK,
  NB_IFF_MULTICAST,
  NB_IFF_RUNNING,
  NB_IFF_UP,
} from './interface.js';

/** All other interfaces have the same name on both. */
export const LINUX_LOOPBACK = 'lo';
export const NETBSD_LOOPBACK = 'lo0';

/** Flags that both have. */
const FLAGS: readonly (readonly [linux: number, netbsd: number])[] = [
  [IFF_UP, NB_IFF_UP],
  [IFF_BROADCAST, NB_IFF_BROADCAST],
  [IFF_LOOPBACK, NB_IFF_LOOPBACK],
  [IFF_RUNNING, NB_IFF_RUNNING],
  [IFF_MULTICAST, NB_IFF_MULTICAST],
];

/** IFF_* as NB_IFF_*; what NetBSD has not is left out. */
export function toNetbsdInterfaceFlags(flags: number): number {
  return FLAGS.reduce((all, [linux, netbsd]) => ((flags & linux) === 0 ? all : all | netbsd), 0);
}

/** NB_IFF_* as IFF_*. What runs has a carrier (IFF_LOWER_UP), and lo is not for groups on Linux, as lo0 is on NetBSD. */
export function toLinuxInterfaceFlags(flags: number): number {
  const all = FLAGS.reduce((sum, [linux, netbsd]) => ((flags & netbsd) === 0 ? sum : sum | linux), 0);
  const carrier = (all & IFF_RUNNING) === 0 ? 0 : IFF_LOWER_UP;
  return (all & ~((all & IFF_LOOPBACK) === 0 ? 0 : IFF_MULTICAST)) | carrier;
}
