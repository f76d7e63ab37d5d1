/** Interfaces over a tap device of the host (Documentation/networking/tuntap.rst). */
import { EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENXIO, EPERM, errnoName } from '../../abi/linux/errno.js';
import { net } from '../../native/net.js';
import type { Ethernet } from './ethernet.js';
import { NetError } from './net_error.js';

function why(errno: number, name: string): string {
  switch (errno) {
    case EPERM:
    case EACCES:
      return `permission denied: be root, or as root make one for this user: ip tuntap add dev ${name} mode tap user $USER`;
    case EBUSY:
      return 'another process has this device';
    case EINVAL:
      return 'the host has an interface of that name that is no tap device';
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return 'there is no /dev/net/tun: as root, run modprobe tun, or let the container have that device';
    default:
      return errnoName(errno);
  }
}

/** Connects the interface to the tap device `name`, which the host makes if there is none: the function that ends it. */
export function openTap(ethernet: Ethernet, name: string, say: (line: string) => void): () => void {
  const fd = ethernet.host.stack.calls.tapOpen(name);
  if (fd < 0) throw new NetError(`tap=${name}: ${why(-fd, name)}`);
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    ethernet.detach(fd);
    net.close(fd);
  };
  ethernet.attach(fd, () => {
    close();
    say(`tap=${name}: the host has removed this device`);
  });
  return close;
}
