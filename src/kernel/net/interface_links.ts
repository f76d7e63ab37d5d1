/** What requests about interfaces begin with: the right to change, the list of interfaces, and the one that is meant. */
import { ENODEV, EPERM } from '../../abi/linux/errno.js';
import { andThen, then } from '../results.js';
import type { Result } from '../rump_kernel.js';
import type { NetInterface, SocketProcess } from '../socket_calls.js';

/** Goes on when the process may change interfaces, else -EPERM: kernels look at that before they look at names. */
export function whenAllowed(process: SocketProcess, next: () => Result): Result {
  return then(process.changeInterface({ name: '' }), status => (status === -EPERM ? status : next()));
}

export function withLinks(process: SocketProcess, next: (links: readonly NetInterface[]) => Result): Result {
  const links: NetInterface[] = [];
  return andThen(process.interfaces(links), () => next(links));
}

/** Goes on with the interface that `is` the one; -ENODEV. */
export function withLink(
  process: SocketProcess,
  is: (link: NetInterface) => boolean,
  next: (link: NetInterface) => Result,
): Result {
  return withLinks(process, links => {
    const link = links.find(is);
    return link === undefined ? -ENODEV : next(link);
  });
}
