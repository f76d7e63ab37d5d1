/** SIOCADDRT and SIOCDELRT: of IPv4 (rtentry_to_fib_config() of net/ipv4/fib_frontend.c), of IPv6 (ipv6_route_ioctl() of net/ipv6/route.c). */
import { EAFNOSUPPORT, EINVAL, ENODEV, ESRCH } from '../../abi/linux/errno.js';
import * as ifreq from '../../abi/linux/ifreq.js';
import { SIOCDELRT } from '../../abi/linux/ioctl.js';
import { AF_INET, AF_INET6 } from '../../abi/linux/socket.js';
import { andThen } from '../results.js';
import type { Result } from '../rump_kernel.js';
import type { NetInterface, NetRoute, SocketProcess } from '../socket_calls.js';
import { maskOf, prefixOf } from './interface_addresses.js';
import { whenAllowed, withLinks } from './interface_links.js';
import type { InterfaceRequest } from './interface_requests.js';
import { interfaceFor, isSame, type RouteWish } from './netlink_changes.js';
import { matches } from './netlink_messages.js';

const SIN_ADDRESS = 4;

/** `device`: the name that rt_dev points to, '' or undefined for none. */
export function routeRequest({ process, request, data }: InterfaceRequest, device = ''): Result {
  return whenAllowed(process, () =>
    withLinks(process, links => {
      const wish = wishOf(data, device, links);
      return typeof wish === 'number' ? wish : changeRoute(process, wish, links, request === SIOCDELRT);
    }),
  );
}

function addressAt(data: Buffer, at: number): { family: number; address: Uint8Array } {
  const address = Uint8Array.from(data.subarray(at + SIN_ADDRESS, at + SIN_ADDRESS + 4));
  return { family: data.readUInt16LE(at), address };
}

function wishOf(data: Buffer, device: string, links: readonly NetInterface[]): RouteWish | number {
  const destination = addressAt(data, ifreq.AT_RT_DST);
  const mask = addressAt(data, ifreq.AT_RT_GENMASK);
  const gateway = addressAt(data, ifreq.AT_RT_GATEWAY);
  const flags = data.readUInt16LE(ifreq.AT_RT_FLAGS);
  if (destination.family !== AF_INET) return -EAFNOSUPPORT;
  let prefixLength = 32;
  if ((flags & ifreq.RTF_HOST) === 0) {
    const isNoMask = mask.address.every(byte => byte === 0);
    if (mask.family !== AF_INET && (!isNoMask || mask.family !== 0)) return -EAFNOSUPPORT;
    prefixLength = prefixOf(mask.address);
    if (prefixLength < 0) return prefixLength;
    const bits = maskOf(prefixLength);
    if (destination.address.some((byte, i) => (byte & ~bits[i]) !== 0)) return -EINVAL;
  }
  const isAny = gateway.address.every(byte => byte === 0);
  const hasGateway = gateway.family === AF_INET && !isAny && (flags & ifreq.RTF_GATEWAY) !== 0;
  if ((flags & ifreq.RTF_GATEWAY) !== 0 && !hasGateway) return -EINVAL;
  const [name] = device.split(':', 1);
  const link = links.find(each => each.name === name);
  if (name !== '' && link === undefined) return -ENODEV;
  return {
    family: AF_INET,
    prefixLength,
    destination: destination.address,
    gateway: hasGateway ? gateway.address : undefined,
    interface: link?.index ?? 0,
  };
}

/** struct in6_rtmsg. */
export function v6RouteRequest({ process, request, data }: InterfaceRequest): Result {
  return whenAllowed(process, () =>
    withLinks(process, links => {
      const prefixLength = data.readUInt16LE(ifreq.AT_RTMSG_DST_LEN);
      if (prefixLength > 128) return -EINVAL;
      const isGateway = (data.readUInt32LE(ifreq.AT_RTMSG_FLAGS) & ifreq.RTF_GATEWAY) !== 0;
      const gateway = data.subarray(ifreq.AT_RTMSG_GATEWAY, ifreq.AT_RTMSG_GATEWAY + 16);
      const wish = {
        family: AF_INET6,
        prefixLength,
        destination: Uint8Array.from(data.subarray(0, 16)),
        gateway: isGateway ? Uint8Array.from(gateway) : undefined,
        interface: data.readInt32LE(ifreq.AT_RTMSG_IFINDEX),
      };
      return changeRoute(process, wish, links, request === SIOCDELRT);
    }),
  );
}

function changeRoute(
  process: SocketProcess,
  wish: RouteWish,
  links: readonly NetInterface[],
  remove: boolean,
): Result {
  if (!remove) {
    const index = interfaceFor(wish, links);
    return index < 0 ? index : process.changeRoute({ ...wish, interface: index }, false);
  }
  const routes: NetRoute[] = [];
  return andThen(process.routes(routes), () => {
    const found = routes.find(
      route =>
        isSame(route, wish) &&
        (wish.interface === 0 || wish.interface === route.interface) &&
        (wish.gateway === undefined ||
          (route.gateway !== undefined && matches(route.gateway, wish.gateway, wish.gateway.length * 8))),
    );
    return found === undefined ? -ESRCH : process.changeRoute(found, true);
  });
}
