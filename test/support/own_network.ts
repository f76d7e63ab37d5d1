/** A network of this thread's own, so that tests may use any address and port of it. */
import { writeFileSync } from 'node:fs';
import { libcCall } from './libc.js';

const sys = {
  unshare: libcCall('int unshare(int flags)'),
  socket: libcCall('int socket(int domain, int type, int protocol)'),
  ioctl: libcCall('int ioctl(int fd, uint64_t request, uint8_t *argument)'),
  close: libcCall('int close(int fd)'),
};

// sched.h, bits/ioctls.h, net/if.h
const CLONE_NEWNET = 0x40000000;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
const IFREQ_SIZE = 40;
const IFR_FLAGS_AT = 16;
const [AF_INET, SOCK_DGRAM] = [2, 2];

/**
 * Moves this thread, and with it the calls that tests make from JavaScript, to a new network namespace with nothing but a loopback
 * interface that is up. False when this user may not (user_namespaces(7) needs a process of one thread).
 */
export function enterOwnNetwork(): boolean {
  if (sys.unshare(CLONE_NEWNET) < 0) return false;
  const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
  const request = Buffer.alloc(IFREQ_SIZE);
  request.write('lo', 'latin1');
  request.writeInt16LE(IFF_UP, IFR_FLAGS_AT);
  const status = sys.ioctl(fd, SIOCSIFFLAGS, request);
  sys.close(fd);
  if (status < 0) throw new Error(`lo of a new network is not up: errno ${-status}`);
  // Echo requests without privileges, as in the embedded kernel (icmp(7)).
  writeFileSync('/proc/sys/net/ipv4/ping_group_range', '0 2147483647');
  return true;
}
