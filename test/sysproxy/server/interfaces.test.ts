/** Requests about interfaces, and sockets of AF_ROUTE, on an Ethernet that nothing is connected to. */
import test from 'ava';
import { AF_INET } from '../../../src/abi/linux/socket.js';
import {
  encodeAliasreq,
  encodeIfreq,
  encodeIfreqValue,
  ifreqFlags,
  ifreqValue,
  NB_IFF_BROADCAST,
  NB_IFF_LINK0,
  NB_IFF_MULTICAST,
  NB_IFF_RUNNING,
  NB_IFF_SIMPLEX,
  NB_IFF_UP,
  NB_IFR_VALUE,
  NB_IFREQ_SIZE,
  NB_IN6_IFREQ_SIZE,
  netbsdIfName,
  netbsdSockaddrIn,
  netbsdSockaddrIn6,
  sockaddrIpv4,
} from '../../../src/abi/netbsd/interface.js';
import * as io from '../../../src/abi/netbsd/ioctl.js';
import { NB } from '../../../src/abi/netbsd/nr.js';
import * as rt from '../../../src/abi/netbsd/route.js';
import { Interfaces } from '../../../src/kernel/net/interfaces.js';
import { frame, REQ, RESP, SyncClient, TestServer } from './sync_client.js';

const [COPYIN, COPYOUT, ERROR_NOMEM] = [2, 4, 6];
const [NB_AF_LOCAL, NB_AF_INET, NB_AF_INET6, NB_AF_ROUTE] = [1, 2, 24, 34];
const [STREAM, DGRAM, RAW] = [1, 2, 3];
const [EPERM, ESRCH, ENXIO, EBADF, EACCES, EEXIST, EINVAL, ENOTTY] = [1, 3, 6, 9, 13, 17, 22, 25];
const [EAGAIN, EPROTOTYPE, EPROTONOSUPPORT, EOPNOTSUPP] = [35, 41, 43, 45];
const [EAFNOSUPPORT, EADDRNOTAVAIL, ENETUNREACH] = [47, 49, 51];
/** Where the client has what a call is about. */
const AT = 0x1000;
const MORE = 0x8000;
const NONBLOCK = 0x20000000;

let server: TestServer | undefined;

test.before(() => {
  server = new TestServer();
  server.inside.interfaces([]);
  const { stack } = server.kernel.sockets;
  if (!(stack instanceof Interfaces)) throw new Error('there is no TCP/IP stack');
  stack.addEthernet(Uint8Array.of(2, 0, 0, 0, 0, 1), 1500);
});
test.after.always(() => server?.stop());

/** A client that has `memory` at AT: results of calls are values, or -errno with NetBSD's numbers. */
class Program {
  readonly #client: SyncClient;
  memory = Buffer.alloc(0);
  /** What was copied out to MORE. */
  more = Buffer.alloc(0);

  constructor() {
    if (server === undefined) throw new Error('no server');
    this.#client = new SyncClient(server).guest();
  }

  call(nr: number, ...args: number[]): number {
    this.more = Buffer.alloc(0);
    this.#client.call(7, nr, ...args);
    for (;;) {
      const got = this.#client.next();
      if (got.cls !== REQ) {
        const errno = got.body.readInt32LE(0);
        return errno === 0 ? Number(got.body.readBigInt64LE(8)) : -errno;
      }
      const [length, address] = [0, 8].map(at => Number(got.body.readBigUInt64LE(at)));
      const from = address - AT;
      if (got.type === COPYOUT) {
        if (address >= MORE) this.more = Buffer.concat([this.more, got.body.subarray(16)]);
        else got.body.copy(this.memory, from, 16);
      } else if (from >= 0 && from + length <= this.memory.length) {
        this.#client.send(frame(got.reqno, RESP, COPYIN, 0, this.memory.subarray(from, from + length)));
      } else this.#client.send(frame(got.reqno, 2, COPYIN, ERROR_NOMEM, Buffer.alloc(0)));
    }
  }

  socket(family: number, type: number): number {
    return this.call(NB.__socket30, family, type, 0);
  }

  ioctl(fd: number, code: number, argument: Uint8Array): number {
    this.memory = Buffer.from(argument);
    return this.call(NB.ioctl, fd, code, AT);
  }

  write(fd: number, bytes: Uint8Array): number {
    this.memory = Buffer.from(bytes);
    return this.call(NB.write, fd, AT, bytes.length);
  }

  /** The type of the message that can be read now; undefined for none. */
  typeOf(fd: number): number | undefined {
    return this.call(NB.read, fd, MORE, 4096) > 0 ? this.more[3] : undefined;
  }

  /** The message that can be read now; undefined for none. */
  message(fd: number): rt.RouteMessage | undefined {
    const length = this.call(NB.read, fd, MORE, 4096);
    return length > 0 ? rt.decodeRouteMessage(this.more) : undefined;
  }
}

const ipv4 = (...bytes: number[]): Uint8Array => netbsdSockaddrIn(Uint8Array.from(bytes));
const MASK_24 = ipv4(255, 255, 255, 0);
const NOTHING = new Uint8Array(0);

/** A message about a route; a place that is undefined has no address. */
function route(type: number, destination: Uint8Array, gateway?: Uint8Array, mask?: Uint8Array): Uint8Array {
  return rt.encodeRouteMessage({
    type,
    seq: 5,
    flags: rt.NB_RTF_UP | rt.NB_RTF_STATIC | (gateway === undefined ? 0 : rt.NB_RTF_GATEWAY),
    addresses: [destination, gateway, mask],
  });
}

test.serial('an Ethernet from nothing to an address and back', t => {
  const p = new Program();
  const fd = p.socket(NB_AF_INET, DGRAM);
  const told = p.socket(NB_AF_ROUTE, RAW | NONBLOCK);
  const own = NB_IFF_BROADCAST | NB_IFF_SIMPLEX | NB_IFF_MULTICAST;
  t.is(p.ioctl(fd, io.NB_SIOCGIFFLAGS, encodeIfreq('eth0')), 0);
  t.is(ifreqFlags(p.memory), own);
  t.is(p.ioctl(fd, io.NB_SIOCGIFADDR, encodeIfreq('eth0')), -EADDRNOTAVAIL);
  const alias = { name: 'eth0', address: ipv4(10, 9, 9, 1), other: NOTHING, mask: MASK_24 };
  t.is(p.ioctl(fd, io.NB_SIOCAIFADDR, encodeAliasreq(alias)), 0);
  t.is(p.ioctl(fd, io.NB_SIOCGIFFLAGS, encodeIfreq('eth0')), 0);
  t.is(ifreqFlags(p.memory), own | NB_IFF_UP | NB_IFF_RUNNING, 'an address brings it up');
  t.is(p.typeOf(told), rt.NB_RTM_NEWADDR);
  t.is(p.typeOf(told), rt.NB_RTM_IFINFO);
  t.is(p.typeOf(told), undefined);
  for (const [code, expected] of [
    [io.NB_SIOCGIFADDR, [10, 9, 9, 1]],
    [io.NB_SIOCGIFNETMASK, [255, 255, 255, 0]],
    [io.NB_SIOCGIFBRDADDR, [10, 9, 9, 255]],
  ] as const) {
    t.is(p.ioctl(fd, code, encodeIfreq('eth0')), 0);
    t.deepEqual([...sockaddrIpv4(p.memory.subarray(NB_IFR_VALUE))], [...expected]);
  }
  t.is(p.ioctl(fd, io.NB_SIOCGIFDSTADDR, encodeIfreq('eth0')), -EINVAL);
  t.is(p.ioctl(fd, io.NB_SIOCAIFADDR, encodeAliasreq(alias)), 0, 'the same again');
  t.is(p.typeOf(told), undefined, 'and nothing has changed');
  const second = { ...alias, address: ipv4(10, 8, 8, 1) };
  t.is(p.ioctl(fd, io.NB_SIOCAIFADDR, encodeAliasreq(second)), -EOPNOTSUPP);
  t.is(p.ioctl(fd, io.NB_SIOCSIFMTU, encodeIfreqValue('eth0', 1400)), 0);
  t.is(p.ioctl(fd, io.NB_SIOCGIFMTU, encodeIfreq('eth0')), 0);
  t.is(ifreqValue(p.memory), 1400);
  t.is(p.ioctl(fd, io.NB_SIOCDIFADDR, encodeIfreq('eth0', ipv4(10, 9, 9, 2))), -EADDRNOTAVAIL);
  t.is(p.ioctl(fd, io.NB_SIOCDIFADDR, encodeIfreq('eth0', ipv4(10, 9, 9, 1))), 0);
  t.is(p.ioctl(fd, io.NB_SIOCGIFADDR, encodeIfreq('eth0')), -EADDRNOTAVAIL);
  t.is(p.ioctl(fd, io.NB_SIOCSIFFLAGS, encodeIfreqValue('eth0', own)), 0);
  t.is(p.ioctl(fd, io.NB_SIOCGIFFLAGS, encodeIfreq('eth0')), 0);
  t.is(ifreqFlags(p.memory), own);
});

test.serial('requests that are wrong', t => {
  const p = new Program();
  const fd = p.socket(NB_AF_INET, DGRAM);
  const six = p.socket(NB_AF_INET6, DGRAM);
  const local = p.socket(NB_AF_LOCAL, DGRAM);
  t.is(p.ioctl(fd, io.NB_SIOCGIFFLAGS, encodeIfreq('eth7')), -ENXIO);
  t.is(p.ioctl(fd, io.NB_SIOCGIFFLAGS, Buffer.alloc(NB_IFREQ_SIZE, 0xff)), -ENXIO);
  t.is(p.ioctl(six, io.NB_SIOCGIFADDR, encodeIfreq('eth0')), -EINVAL);
  t.is(p.ioctl(local, io.NB_SIOCGIFADDR, encodeIfreq('eth0')), -EOPNOTSUPP);
  t.is(p.ioctl(local, io.NB_SIOCGIFMTU, encodeIfreq('eth0')), 0);
  t.is(p.ioctl(1, io.NB_SIOCGIFMTU, encodeIfreq('eth0')), -ENOTTY);
  t.is(p.ioctl(77, io.NB_SIOCGIFMTU, encodeIfreq('eth0')), -EBADF);
  t.is(p.ioctl(fd, io.NB_SIOCSLINKSTR, new Uint8Array(40)), -ENOTTY);
  const wrong = { name: 'eth0', address: ipv4(10, 9, 9, 1), other: NOTHING, mask: ipv4(255, 0, 255, 0) };
  t.is(p.ioctl(fd, io.NB_SIOCAIFADDR, encodeAliasreq(wrong)), -EINVAL);
  t.is(p.ioctl(fd, io.NB_SIOCAIFADDR, encodeAliasreq({ ...wrong, address: NOTHING })), -EAFNOSUPPORT);
  t.is(p.ioctl(fd, io.NB_SIOCSIFFLAGS, encodeIfreqValue('eth0', NB_IFF_LINK0)), -EOPNOTSUPP);
  t.is(p.ioctl(fd, io.NB_SIOCIFDESTROY, encodeIfreq('eth0')), -EINVAL);
  t.is(p.ioctl(fd, io.NB_SIOCIFCREATE, encodeIfreq('eth0')), -EEXIST);
  const unknown = encodeIfreq('eth0', netbsdSockaddrIn6(new Uint8Array(16)), NB_IN6_IFREQ_SIZE);
  t.is(p.ioctl(six, io.NB_SIOCDIFADDR_IN6, unknown), -EADDRNOTAVAIL);
  t.is(p.call(NB.seteuid, 1000), 0);
  t.is(p.ioctl(fd, io.NB_SIOCSIFFLAGS, encodeIfreqValue('eth0', NB_IFF_UP)), -EPERM);
  t.is(p.ioctl(fd, io.NB_SIOCIFDESTROY, encodeIfreq('eth0')), -EPERM);
  t.is(p.ioctl(fd, io.NB_SIOCIFCREATE, encodeIfreq('eth9')), -EPERM);
});

test.serial('SIOCGIFCONF: all addresses, as many as there is room for', t => {
  const p = new Program();
  const fd = p.socket(NB_AF_INET, DGRAM);
  const names = (room: number): string[] => {
    const request = Buffer.alloc(16);
    request.writeInt32LE(room, 0);
    request.writeBigUInt64LE(BigInt(MORE), 8);
    t.is(p.ioctl(fd, io.NB_SIOCGIFCONF, request), 0);
    t.is(p.memory.readInt32LE(0), p.more.length);
    return Array.from({ length: p.more.length / NB_IFREQ_SIZE }, (_, i) =>
      netbsdIfName(p.more, i * NB_IFREQ_SIZE),
    );
  };
  t.deepEqual(
    names(100 * NB_IFREQ_SIZE).filter((name, i, all) => all.indexOf(name) === i),
    ['lo0', 'eth0'],
  );
  t.deepEqual(names(NB_IFREQ_SIZE * 2 - 1), ['lo0']);
  t.deepEqual(names(0), []);
  t.deepEqual(names(-1), []);
});

test.serial('the default route comes, changes and goes, and all are told', t => {
  server?.inside.changeInterface({
    name: 'eth0',
    up: true,
    addAddress: { family: AF_INET, address: Uint8Array.of(10, 9, 9, 1), prefixLength: 24 },
  });
  const p = new Program();
  const fd = p.socket(NB_AF_ROUTE, RAW | NONBLOCK);
  const other = new Program();
  const told = other.socket(NB_AF_ROUTE, RAW | NONBLOCK);
  const ANY = ipv4(0, 0, 0, 0);
  const add = route(rt.NB_RTM_ADD, ANY, ipv4(10, 9, 9, 254), NOTHING);
  t.is(p.write(fd, add), add.length);
  t.like(p.message(fd), { type: rt.NB_RTM_ADD, seq: 5, errno: 0 });
  const heard = other.message(told);
  t.true(heard !== undefined && (heard.flags & rt.NB_RTF_DONE) !== 0 && heard.pid > 0);
  t.is(p.write(fd, add), -EEXIST);
  t.like(p.message(fd), { type: rt.NB_RTM_ADD, errno: EEXIST });
  const get = route(rt.NB_RTM_GET, ipv4(192, 0, 2, 1));
  const gatewayOf = (): number[] => {
    t.is(p.write(fd, get), get.length);
    const answer = p.message(fd);
    t.like(answer, { type: rt.NB_RTM_GET, index: 2, errno: 0, seq: 5 });
    return [...sockaddrIpv4(answer?.addresses[rt.NB_RTAX_GATEWAY] ?? NOTHING)];
  };
  t.deepEqual(gatewayOf(), [10, 9, 9, 254]);
  const change = route(rt.NB_RTM_CHANGE, ANY, ipv4(10, 9, 9, 253), NOTHING);
  t.is(p.write(fd, change), change.length);
  p.message(fd);
  t.deepEqual(gatewayOf(), [10, 9, 9, 253]);
  t.is(p.write(fd, route(rt.NB_RTM_CHANGE, ANY, ipv4(172, 16, 0, 1), NOTHING)), -ENETUNREACH);
  p.message(fd);
  t.deepEqual(gatewayOf(), [10, 9, 9, 253], 'a change that fails leaves what was there');
  const remove = route(rt.NB_RTM_DELETE, ANY, undefined, NOTHING);
  t.is(p.write(fd, remove), remove.length);
  p.message(fd);
  t.is(p.write(fd, remove), -ESRCH);
  t.is(p.write(fd, get), -ESRCH);
});

test.serial(
  'a socket that is shut down for reading hears nothing, and one without SO_USELOOPBACK not of itself',
  t => {
    const p = new Program();
    const deaf = p.socket(NB_AF_ROUTE, RAW | NONBLOCK);
    const polite = p.socket(NB_AF_ROUTE, RAW | NONBLOCK);
    t.is(p.call(NB.shutdown, deaf, 0), 0);
    p.memory = Buffer.alloc(4);
    t.is(p.call(NB.setsockopt, polite, 0xffff, 0x40, AT, 4), 0);
    const get = route(rt.NB_RTM_GET, ipv4(127, 0, 0, 1));
    t.is(p.write(polite, get), get.length);
    t.is(p.call(NB.read, polite, MORE, 100), -EAGAIN);
    t.is(p.call(NB.read, deaf, MORE, 100), 0);
  },
);

test.serial('messages that are wrong', t => {
  const p = new Program();
  t.is(p.socket(NB_AF_ROUTE, STREAM), -EPROTOTYPE);
  const fd = p.socket(NB_AF_ROUTE, RAW | NONBLOCK);
  const good = route(rt.NB_RTM_GET, ipv4(127, 0, 0, 1));
  t.is(p.write(fd, good.subarray(0, 100)), -EINVAL);
  t.is(p.write(fd, NOTHING), -EINVAL);
  t.is(p.write(fd, Uint8Array.from([...good, 0])), -EINVAL);
  const old = good.slice();
  old[2] = 3;
  t.is(p.write(fd, old), -EPROTONOSUPPORT);
  t.is(p.write(fd, route(0x7f, ipv4(127, 0, 0, 1))), -EOPNOTSUPP);
  t.is(p.write(fd, route(rt.NB_RTM_GET, NOTHING)), -EINVAL);
  t.is(p.write(fd, route(rt.NB_RTM_ADD, ipv4(10, 1, 0, 0), undefined, MASK_24)), -EINVAL);
  t.is(
    p.write(fd, route(rt.NB_RTM_ADD, ipv4(10, 1, 0, 0), netbsdSockaddrIn6(new Uint8Array(16)), MASK_24)),
    -EINVAL,
  );
  t.is(
    p.write(fd, route(rt.NB_RTM_ADD, ipv4(10, 1, 0, 0), ipv4(10, 9, 9, 2), ipv4(255, 0, 255, 0))),
    -EINVAL,
  );
  for (const bits of [0xffff, 0x1ff, 0x200]) {
    const cut = good.slice();
    new DataView(cut.buffer).setInt32(12, bits, true);
    t.true(p.write(fd, cut) <= cut.length, 'addresses that are not there');
  }
  t.is(p.call(NB.bind, fd, AT, 16) < 0, true);
  t.is(p.call(NB.seteuid, 1000), 0);
  t.is(p.write(fd, route(rt.NB_RTM_ADD, ipv4(10, 1, 0, 0), ipv4(10, 9, 9, 2), MASK_24)), -EACCES);
  t.is(p.write(fd, good), good.length);
  t.deepEqual(server?.log, []);
});
