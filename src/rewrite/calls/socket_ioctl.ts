/** ioctl(2) on sockets: queues, the urgent mark, and requests of netdevice(7). */
import { EFAULT, EINVAL, ENOTTY } from '../../abi/linux/errno.js';
import { AT_IFC_BUF, AT_RT_DEV, IFCONF_SIZE, IFNAMSIZ } from '../../abi/linux/ifreq.js';
import { SIOCADDRT, SIOCATMARK, SIOCDELRT, SIOCGIFCONF, TIOCOUTQ } from '../../abi/linux/ioctl.js';
import { AF_INET, AF_INET6, SO_TYPE, SOCK_STREAM, SOL_SOCKET } from '../../abi/linux/socket.js';
import {
  domainOf,
  interfaceRequest,
  interfaceRequestSize,
  listInterfaces,
} from '../../kernel/net/interface_requests.js';
import { type Call, whenDone } from '../hijack.js';
import { writeInt } from './addresses.js';

/** A SIOCGIFCONF with more room than this is answered with as much; there are not so many addresses. */
const LIST_MAX = 1 << 20;
const TWO_32 = 0x1_0000_0000;

/** Requests that no open file but a socket knows; ENOTTY for the rest, and for what is no socket. */
export function socketIoctl(call: Call, fd: number, request: number): void {
  const { kernel } = call.state;
  const at = call.address(2);
  switch (request) {
    case TIOCOUTQ:
      return whenDone(call, kernel.unsent(fd), bytes =>
        call.answer(bytes < 0 ? bytes : writeInt(call, at, bytes)),
      );
    case SIOCATMARK:
      return atMark(call, fd, at);
    default:
      return whenDone(call, domainOf(kernel, fd), domain => {
        if (domain < 0) return call.answer(-ENOTTY);
        if (request === SIOCGIFCONF) return list(call, at);
        aboutInterface(call, domain, request, at);
      });
  }
}

/** No stack here has urgent data beside the stream: the mark is never reached (tcp(7)). */
function atMark(call: Call, fd: number, at: number): void {
  const { kernel } = call.state;
  const type = Buffer.alloc(4);
  whenDone(call, domainOf(kernel, fd), domain => {
    if (domain !== AF_INET && domain !== AF_INET6) return call.answer(-ENOTTY);
    whenDone(call, kernel.getsockopt(fd, SOL_SOCKET, SO_TYPE, type), () => {
      if (type[0] === SOCK_STREAM) call.answer(writeInt(call, at, 0));
      else call.answer(-ENOTTY);
    });
  });
}

function aboutInterface(call: Call, domain: number, request: number, at: number): void {
  const size = interfaceRequestSize(domain, request);
  if (size === 0) return call.answer(-ENOTTY);
  const bytes = Buffer.alloc(size);
  if (call.read(at, bytes) < 0) return call.answer(-EFAULT);
  let device: string | undefined;
  if (domain === AF_INET && (request === SIOCADDRT || request === SIOCDELRT)) {
    device = deviceName(call, bytes);
    if (device === undefined) return call.answer(-EFAULT);
  }
  whenDone(call, interfaceRequest(call.state.kernel, domain, request, bytes, device), result => {
    if (result < 0) call.answer(result);
    else call.answer(call.write(at, bytes) < 0 ? -EFAULT : result);
  });
}

/** What rt_dev points to, '' for NULL; undefined where it cannot be read. */
function deviceName(call: Call, route: Buffer): string | undefined {
  const at = route.readUInt32LE(AT_RT_DEV) + route.readUInt32LE(AT_RT_DEV + 4) * TWO_32;
  if (at === 0) return '';
  const name = Buffer.alloc(IFNAMSIZ);
  // As many as ip_rt_ioctl() of the host's net/ipv4 copies, whatever the name's length.
  if (call.read(at, name, 0, IFNAMSIZ - 1) < 0) return undefined;
  return name.toString('latin1').split('\0', 1)[0];
}

/** SIOCGIFCONF: into the program's room, or the room that is needed where it gave none. */
function list(call: Call, at: number): void {
  const conf = Buffer.alloc(IFCONF_SIZE);
  if (call.read(at, conf) < 0) return call.answer(-EFAULT);
  const length = conf.readInt32LE(0);
  const to = conf.readUInt32LE(AT_IFC_BUF) + conf.readUInt32LE(AT_IFC_BUF + 4) * TWO_32;
  if (to !== 0 && length < 0) return call.answer(-EINVAL);
  const room = to === 0 ? undefined : Buffer.alloc(Math.min(length, LIST_MAX));
  whenDone(call, listInterfaces(call.state.kernel, room), filled => {
    if (filled < 0) return call.answer(filled);
    if (room !== undefined && call.write(to, room, 0, filled) < 0) return call.answer(-EFAULT);
    call.answer(writeInt(call, at, filled));
  });
}
