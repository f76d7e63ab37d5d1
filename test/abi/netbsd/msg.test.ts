import test from 'ava';
import fc from 'fast-check';
import * as inet from '../../../src/abi/linux/inet.js';
import * as linux from '../../../src/abi/linux/socket.js';
import * as nb from '../../../src/abi/netbsd/msg.js';
import { NB_IP_RECVTTL, NB_SOL_SOCKET } from '../../../src/abi/netbsd/socket.js';
import { fromHex, toHex, viewOf } from './vectors.js';

const LINUX_FLAGS = [
  linux.MSG_OOB,
  linux.MSG_PEEK,
  linux.MSG_DONTROUTE,
  linux.MSG_EOR,
  linux.MSG_TRUNC,
  linux.MSG_CTRUNC,
  linux.MSG_WAITALL,
  linux.MSG_DONTWAIT,
  linux.MSG_NOSIGNAL,
  linux.MSG_CMSG_CLOEXEC,
  linux.MSG_WAITFORONE,
];

test('message flags', t => {
  fc.assert(
    fc.property(fc.subarray(LINUX_FLAGS), flags => {
      const all = flags.reduce((sum, flag) => sum | flag, 0);
      t.is(nb.toLinuxMsg(nb.toNetbsdMsg(all)), all);
      t.is(nb.toNetbsdMsg(all | linux.MSG_MORE | linux.MSG_CONFIRM), nb.toNetbsdMsg(all));
    }),
  );
  t.is(nb.toNetbsdMsg(linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL), 0x480);
  t.is(nb.toLinuxMsg(nb.NB_MSG_BCAST | nb.NB_MSG_MCAST | nb.NB_MSG_NBIO), 0);
});

const address = fc.maxSafeNat();
const uint32 = fc.nat({ max: 0xffffffff });

test('struct msghdr and iovec', t => {
  const message = fc.record({
    name: address,
    nameLength: uint32,
    iov: address,
    iovCount: fc.integer(),
    control: address,
    controlLength: uint32,
    flags: fc.integer(),
  });
  fc.assert(
    fc.property(message, fc.nat({ max: 7 }), (m, at) => {
      const bytes = new Uint8Array(nb.NB_MSGHDR_SIZE + at + 1).fill(0xaa);
      nb.encodeNetbsdMsghdr(viewOf(bytes), at, m);
      t.deepEqual(nb.decodeNetbsdMsghdr(viewOf(bytes), at), m);
      t.is(bytes[bytes.length - 1], 0xaa);
    }),
  );
  fc.assert(
    fc.property(address, address, (base, length) => {
      const bytes = new Uint8Array(nb.NB_IOVEC_SIZE);
      nb.encodeNetbsdIovec(viewOf(bytes), 0, base, length);
      t.deepEqual(nb.decodeNetbsdIovec(viewOf(bytes), 0), { base, length });
    }),
  );
});

const message = fc.record({
  level: fc.integer(),
  type: fc.integer(),
  data: fc.uint8Array({ maxLength: 40 }),
});

test('control messages as bytes', t => {
  fc.assert(
    fc.property(fc.array(message), messages => {
      const bytes = nb.encodeNetbsdControl(messages);
      t.is(bytes.length % 8, 0);
      t.deepEqual(nb.decodeNetbsdControl(bytes), messages);
      const other = nb.encodeLinuxControl(messages);
      t.is(other.length, bytes.length);
      t.deepEqual(nb.decodeLinuxControl(other), messages);
    }),
  );
  const rights = [{ level: linux.SOL_SOCKET, type: linux.SCM_RIGHTS, data: fromHex('05000000') }];
  t.is(toHex(nb.encodeLinuxControl(rights)), '140000000000000001000000010000000500000000000000');
  const netbsd = rights.flatMap(one => nb.toNetbsdControl(one) ?? []);
  t.is(toHex(nb.encodeNetbsdControl(netbsd)), '14000000ffff000001000000000000000500000000000000');
});

test('buffers of control messages that are wrong, or end early', t => {
  const decode = (hex: string) => nb.decodeNetbsdControl(fromHex(hex));
  t.deepEqual(decode(''), []);
  t.deepEqual(decode('14000000ffff0000'), []);
  // Shorter than a header, longer than the buffer.
  t.is(decode('0c000000ffff00000100000000000000'), undefined);
  t.is(decode('14000000ffff00000100000000000000'), undefined);
  t.is(decode('ffffffffffff00000100000000000000'), undefined);
  // The last one without its padding.
  t.is(decode('14000000ffff0000010000000000000005000000')?.length, 1);
  t.is(nb.decodeLinuxControl(fromHex('10000000010000000100000001000000')), undefined);
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      nb.decodeNetbsdControl(bytes);
      nb.decodeLinuxControl(bytes);
      t.pass();
    }),
  );
});

/** Kinds of Linux's control messages that come back as they were. */
const KINDS: readonly (readonly [number, number, number])[] = [
  [linux.SOL_SOCKET, linux.SCM_RIGHTS, 8],
  [linux.SOL_SOCKET, linux.SCM_CREDENTIALS, 12],
  [inet.IPPROTO_IPV6, inet.IPV6_PKTINFO, 20],
  [inet.IPPROTO_IPV6, inet.IPV6_HOPLIMIT, 4],
  [inet.IPPROTO_IPV6, inet.IPV6_TCLASS, 4],
];

test('control messages of both', t => {
  for (const [level, type, size] of KINDS) {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: size, maxLength: size }), data => {
        const netbsd = nb.toNetbsdControl({ level, type, data });
        t.deepEqual(netbsd && nb.toLinuxControl(netbsd), { level, type, data });
      }),
    );
  }
});

test('credentials, times and destinations', t => {
  const creds = nb.toNetbsdControl({
    level: linux.SOL_SOCKET,
    type: linux.SCM_CREDENTIALS,
    data: fromHex('010000000200000003000000'),
  });
  t.is(creds?.type, nb.NB_SCM_CREDS);
  t.is(
    toHex(creds?.data ?? new Uint8Array()),
    `${'010000000200000002000000030000000300000000000000'}00000000`,
  );

  const toLinux = (level: number, type: number, hex: string) => {
    const found = nb.toLinuxControl({ level, type, data: fromHex(hex) });
    return found && [found.level, found.type, toHex(found.data)];
  };
  // NetBSD's padding may hold anything.
  t.deepEqual(toLinux(NB_SOL_SOCKET, nb.NB_SCM_TIMESTAMP, '01f1036b000000005b3901007c7f0000'), [
    linux.SOL_SOCKET,
    linux.SCM_TIMESTAMP,
    '01f1036b000000005b39010000000000',
  ]);
  t.deepEqual(toLinux(0, 25, '7f00000103000000'), [0, inet.IP_PKTINFO, '030000007f0000017f000001']);
  t.deepEqual(toLinux(0, NB_IP_RECVTTL, '40'), [0, inet.IP_TTL, '40000000']);
  t.is(toLinux(0, 25, '7f000001'), undefined);
  t.is(toLinux(NB_SOL_SOCKET, 2, ''), undefined);

  const send = nb.toNetbsdControl({
    level: 0,
    type: inet.IP_PKTINFO,
    data: fromHex('030000007f0000010a000001'),
  });
  t.is(toHex(send?.data ?? new Uint8Array()), '7f00000103000000');
  const ttl = nb.toNetbsdControl({ level: 0, type: inet.IP_TTL, data: fromHex('07000000') });
  t.is(toHex(ttl?.data ?? new Uint8Array()), '07');
  const time = nb.toNetbsdControl({
    level: linux.SOL_SOCKET,
    type: linux.SCM_TIMESTAMP,
    data: fromHex('01f1036b000000005b39010000000000'),
  });
  t.is(toHex(time?.data ?? new Uint8Array()), '01f1036b000000005b39010000000000');
  t.is(nb.toNetbsdControl({ level: linux.SOL_SOCKET, type: 35, data: new Uint8Array(16) }), undefined);
});
