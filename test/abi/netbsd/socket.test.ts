import test from 'ava';
import fc from 'fast-check';
import * as inet from '../../../src/abi/linux/inet.js';
import * as linux from '../../../src/abi/linux/socket.js';
import * as nb from '../../../src/abi/netbsd/socket.js';
import {
  decodeExtattrList,
  encodeExtattrList,
  NB_EXTATTR_NAMESPACE_SYSTEM,
  NB_EXTATTR_NAMESPACE_USER,
  toLinuxXattr,
  toNetbsdExtattr,
} from '../../../src/abi/netbsd/xattr.js';
import { headerValues } from '../c_program.js';
import { toHex } from './vectors.js';

test('the headers agree with inet.ts', t => {
  const names = Object.keys(inet);
  const programs = [
    ['netinet/in.h', 'netinet/tcp.h'],
    ['linux/in.h', 'linux/in6.h'],
    ['linux/icmpv6.h'],
    ['linux/tcp.h'],
    ['linux/udp.h'],
    ['linux/icmp.h'],
  ];
  const found = new Map(programs.flatMap(program => [...headerValues(program, names)]));
  for (const [name, value] of Object.entries(inet)) t.is(found.get(name), String(value), name);
});

test('families', t => {
  t.is(nb.toNetbsdFamily(linux.AF_INET6), 24);
  t.is(nb.toNetbsdFamily(linux.AF_UNIX), 1);
  // Netlink is not the routing socket.
  t.is(nb.toNetbsdFamily(linux.AF_NETLINK), undefined);
  t.is(nb.toLinuxFamily(nb.NB_AF_ROUTE), undefined);
  for (let family = 0; family < linux.AF_MAX; family++) {
    const netbsd = nb.toNetbsdFamily(family);
    if (netbsd !== undefined) t.is(nb.toLinuxFamily(netbsd), family);
  }
});

test('socket types', t => {
  const flags = fc.constantFrom(
    0,
    linux.SOCK_CLOEXEC,
    linux.SOCK_NONBLOCK,
    linux.SOCK_CLOEXEC | linux.SOCK_NONBLOCK,
  );
  fc.assert(
    fc.property(fc.nat({ max: 15 }), flags, (type, flag) => {
      const netbsd = nb.toNetbsdSockType(type | flag);
      t.is(netbsd & 0xf, type);
      t.is(nb.toLinuxSockType(netbsd), type | flag);
    }),
  );
  t.is(nb.toNetbsdSockType(linux.SOCK_STREAM | linux.SOCK_CLOEXEC), 0x10000001);
  t.is(nb.toLinuxSockType(nb.NB_SOCK_DGRAM | nb.NB_SOCK_NOSIGPIPE), linux.SOCK_DGRAM);
});

test('options go there and back', t => {
  const one = new Set([linux.SO_SNDBUFFORCE, linux.SO_RCVBUFFORCE]);
  let count = 0;
  for (const local of [false, true]) {
    for (const level of [
      linux.SOL_SOCKET,
      inet.IPPROTO_IP,
      inet.IPPROTO_TCP,
      inet.IPPROTO_IPV6,
      inet.IPPROTO_ICMPV6,
    ]) {
      for (let name = 0; name < 100; name++) {
        const netbsd = nb.toNetbsdSockopt(level, name, local);
        if (netbsd === undefined || (level === linux.SOL_SOCKET && one.has(name))) continue;
        const back = nb.toLinuxSockopt(netbsd.level, netbsd.name, local);
        t.deepEqual(back, { level, name, format: netbsd.format }, `${level} ${name}`);
        count++;
      }
    }
  }
  t.true(count > 70, String(count));
});

test('some options', t => {
  const { toNetbsdSockopt, toLinuxSockopt } = nb;
  t.deepEqual(toNetbsdSockopt(linux.SOL_SOCKET, linux.SO_ERROR), {
    level: 0xffff,
    name: 0x1007,
    format: 'errno',
  });
  t.deepEqual(toNetbsdSockopt(inet.IPPROTO_TCP, inet.TCP_KEEPIDLE), { level: 6, name: 3, format: 'int' });
  t.deepEqual(toNetbsdSockopt(linux.SOL_SOCKET, linux.SO_SNDBUFFORCE), {
    level: 0xffff,
    name: 0x1001,
    format: 'int',
  });
  t.deepEqual(toLinuxSockopt(nb.NB_SOL_SOCKET, nb.NB_SO_SNDBUF)?.name, linux.SO_SNDBUF);
  // Level 0 is that of IP or that of a local socket.
  t.is(toLinuxSockopt(0, 3)?.name, inet.IP_TOS);
  t.is(toLinuxSockopt(0, 3, true)?.name, linux.SO_PEERCRED);
  t.is(toNetbsdSockopt(linux.SOL_SOCKET, linux.SO_PEERCRED), undefined);
  t.is(toNetbsdSockopt(inet.IPPROTO_IP, inet.IP_TOS, true), undefined);
  t.is(toNetbsdSockopt(linux.SOL_SOCKET, 12), undefined);
  t.is(toNetbsdSockopt(99, 1), undefined);
  t.is(toLinuxSockopt(nb.NB_SOL_SOCKET, nb.NB_SO_NOSIGPIPE), undefined);
});

/** A Linux address in the form in which it comes back. */
function linuxAddress(family: number, data: Uint8Array): Uint8Array {
  return Uint8Array.from([family & 0xff, family >>> 8, ...data]);
}

test('addresses go there and back', t => {
  const path = fc
    .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 107 })
    .map(bytes => Uint8Array.from([...bytes, 0]));
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const address = fc.oneof(
    bytes(14).map(data => linuxAddress(linux.AF_INET, data)),
    bytes(26).map(data => linuxAddress(linux.AF_INET6, data)),
    path.map(data => linuxAddress(linux.AF_UNIX, data)),
    fc.constant(linuxAddress(linux.AF_UNIX, new Uint8Array(0))),
    bytes(14).map(data => linuxAddress(linux.AF_UNSPEC, data)),
    bytes(20).map(data => linuxAddress(linux.AF_APPLETALK, data)),
  );
  fc.assert(
    fc.property(address, from => {
      const netbsd = nb.toNetbsdSockaddr(from) ?? new Uint8Array(2);
      t.is(netbsd[0], netbsd.length);
      t.is(netbsd[1], nb.toNetbsdFamily(from[0]) ?? -1);
      t.is(toHex(nb.toLinuxSockaddr(netbsd) ?? new Uint8Array()), toHex(from));
    }),
  );
});

test('odd addresses', t => {
  const to = (bytes: number[]) => nb.toNetbsdSockaddr(Uint8Array.from(bytes));
  const from = (bytes: number[]) => nb.toLinuxSockaddr(Uint8Array.from(bytes));
  t.is(to([]), undefined);
  t.is(to([2]), undefined);
  t.is(to([16, 0, 0, 0]), undefined);
  t.is(to([2, 1, 0, 0]), undefined);
  // Abstract.
  t.is(to([1, 0, 0, 65]), undefined);
  // No NUL, and junk behind one.
  t.deepEqual(to([1, 0, 65, 66]), Uint8Array.from([5, 1, 65, 66, 0]));
  t.deepEqual(to([1, 0, 65, 0, 66, 66]), Uint8Array.from([4, 1, 65, 0]));
  // Longer and shorter than their family's.
  t.is(to([2, 0, ...new Array(30).fill(7)])?.length, 16);
  t.is(to([2, 0, 1, 2])?.length, 4);
  t.is(to([10, 0, ...new Array(22).fill(7)])?.length, 28);
  t.is(to([10, 0, ...new Array(21).fill(7)])?.length, 23);
  t.is(to([0, 0, ...new Array(300).fill(7)])?.length, 255);
  t.is(from([]), undefined);
  t.is(from([20, nb.NB_AF_LINK, 0, 0]), undefined);
  // All of sockaddr_un, and a path that Linux has no room for.
  t.deepEqual(from([106, 1, 65, ...new Array(103).fill(0)]), Uint8Array.from([1, 0, 65, 0]));
  t.is(from([202, 1, ...new Array(200).fill(65)])?.length, 110);
  // Neither the length byte nor its lack matters.
  t.deepEqual(from([0, 2, 1, 2]), Uint8Array.from([2, 0, 1, 2]));
});

test('extended attributes', t => {
  t.is(toLinuxXattr(NB_EXTATTR_NAMESPACE_USER, 'a'), 'user.a');
  t.is(toLinuxXattr(3, 'a'), undefined);
  t.deepEqual(toNetbsdExtattr('trusted.x.y'), { space: NB_EXTATTR_NAMESPACE_SYSTEM, name: 'x.y' });
  t.is(toNetbsdExtattr('security.selinux'), undefined);
  t.is(toHex(encodeExtattrList(['ab', 'c'])), '0261620163');
  t.deepEqual(decodeExtattrList(Uint8Array.from([1, 65, 5, 66])), ['A']);
  const name = fc
    .array(fc.integer({ min: 1, max: 255 }), { maxLength: 255 })
    .map(codes => String.fromCharCode(...codes));
  fc.assert(
    fc.property(fc.array(name), fc.constantFrom(1, 2), (names, space) => {
      t.deepEqual(decodeExtattrList(encodeExtattrList(names)), names);
      for (const one of names)
        t.deepEqual(toNetbsdExtattr(toLinuxXattr(space, one) ?? ''), { space, name: one });
    }),
  );
});
