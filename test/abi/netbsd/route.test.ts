/** Routing messages and interface requests that a rump kernel sent, and NetBSD's programs sent to it. */
import test from 'ava';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6, prefixLength } from '../../../src/abi/address.js';
import {
  decodeAliasreq,
  decodeSockaddrDl,
  embedScope,
  encodeAliasreq,
  encodeIfdrv,
  encodeIfreq,
  encodeIfreqValue,
  encodeSockaddrDl,
  ifreqFlags,
  ifreqValue,
  NB_IFT_ETHER,
  NB_IFT_LOOP,
  NB_IN_ALIASREQ_SIZE,
  NB_IN6_ALIASREQ_SIZE,
  netbsdIfName,
  netbsdSockaddrIn,
  netbsdSockaddrIn6,
  sockaddrIpv4,
  sockaddrIpv6,
} from '../../../src/abi/netbsd/interface.js';
import {
  decodeAddressMessage,
  decodeInterfaceMessage,
  decodeRouteMessage,
  encodeAddressMessage,
  encodeInterfaceMessage,
  encodeRouteMessage,
  NB_RTAX_BRD,
  NB_RTAX_DST,
  NB_RTAX_GATEWAY,
  NB_RTAX_IFA,
  NB_RTAX_IFP,
  NB_RTAX_NETMASK,
  NB_RTF_CONNECTED,
  NB_RTF_DONE,
  NB_RTF_UP,
  NB_RTM_GET,
  NB_RTM_IFINFO,
  NB_RTM_NEWADDR,
  type RouteAddresses,
  splitMessages,
} from '../../../src/abi/netbsd/route.js';
import { abi, fromHex, toHex } from './vectors.js';

const zeros = (count: number): string => '00'.repeat(count);
const SHMIF0 = '141202000606060073686d696630b2a097fed65400000000';
/** 10.9.9/24 on shmif0, of NET_RT_DUMP. */
const ROUTE = fromHex(
  `d0000404020000000101000037${zeros(91)}fef0036b${zeros(12)}100200000a090900${zeros(8)}` +
    `1412020006${zeros(19)}07ffffffffffff00${SHMIF0}100200000a090901${zeros(8)}`,
);
/** lo0 and shmif0, of NET_RT_IFLIST. */
const LO0 = fromHex(
  `a8000414100000004980ffff010000001800000000000000${'5883'.padEnd(16, '0')}${zeros(16)}09${zeros(15)}09${zeros(23)}` +
    `4c02${zeros(6)}4c02${zeros(38)}fdf0036b000000009605723700000000` +
    '0b120100180300006c6f300000000000',
);
const NEWADDR = fromHex(
  `4000040ca4000000010100000000000002000e000000000007020000ffffff00100200000a090901${zeros(8)}100200000a0909ff${zeros(8)}`,
);

function at(addresses: RouteAddresses, place: number): Uint8Array {
  const address = addresses[place];
  if (address === undefined) throw new Error(`no address at ${place}`);
  return address;
}

test('a route', t => {
  const message = decodeRouteMessage(ROUTE);
  t.like(message, { type: NB_RTM_GET, index: 2, flags: NB_RTF_UP | NB_RTF_CONNECTED, errno: 0, seq: 0 });
  t.like(message.metrics, { mtu: 0, expire: 0x6b03f0fe, pksent: 0 });
  t.is(formatIpv4(sockaddrIpv4(at(message.addresses, NB_RTAX_DST))), '10.9.9.0');
  t.is(prefixLength(sockaddrIpv4(at(message.addresses, NB_RTAX_NETMASK))), 24);
  t.like(decodeSockaddrDl(at(message.addresses, NB_RTAX_GATEWAY)), {
    index: 2,
    type: NB_IFT_ETHER,
    name: '',
  });
  t.is(decodeSockaddrDl(at(message.addresses, NB_RTAX_IFP)).name, 'shmif0');
  t.is(formatIpv4(sockaddrIpv4(at(message.addresses, NB_RTAX_IFA))), '10.9.9.1');
  t.is(toHex(encodeRouteMessage(message)), toHex(ROUTE));
});

test('an interface', t => {
  const message = decodeInterfaceMessage(LO0);
  t.like(message, { index: 1, flags: 0x8049, type: NB_IFT_LOOP, mtu: 33624 });
  t.like(message, { inPackets: 9, outPackets: 9, inBytes: 0x24c, outBytes: 0x24c });
  t.deepEqual(decodeSockaddrDl(at(message.addresses, NB_RTAX_IFP)), {
    index: 1,
    type: NB_IFT_LOOP,
    name: 'lo0',
    hardware: new Uint8Array(0),
  });
  const again = encodeInterfaceMessage(message, 0);
  // Times are not kept.
  t.is(toHex(again.subarray(0, 136)), toHex(LO0.subarray(0, 136)));
  t.is(toHex(again.subarray(152)), toHex(LO0.subarray(152)));
  t.is(again.length, abi('sizeof(struct if_msghdr)') + 16);
});

test('an address of an interface', t => {
  const message = decodeAddressMessage(NEWADDR);
  t.like(message, { index: 2, metric: 0, flags: 0x101 });
  t.is(formatIpv4(sockaddrIpv4(at(message.addresses, NB_RTAX_IFA))), '10.9.9.1');
  t.is(formatIpv4(sockaddrIpv4(at(message.addresses, NB_RTAX_BRD))), '10.9.9.255');
  t.is(formatIpv4(sockaddrIpv4(at(message.addresses, NB_RTAX_NETMASK))), '255.255.255.0');
  // The bytes behind the index are padding.
  t.is(toHex(encodeAddressMessage(message)).replace('0200000', '02000e0'), toHex(NEWADDR));
});

test('a list is cut into its messages, as far as it goes', t => {
  const all = Buffer.concat([LO0, NEWADDR, ROUTE]);
  t.deepEqual(
    splitMessages(all).map(message => message[3]),
    [NB_RTM_IFINFO, NB_RTM_NEWADDR, NB_RTM_GET],
  );
  t.is(splitMessages(all.subarray(0, -1)).length, 2);
  t.is(splitMessages(Uint8Array.of(3, 0, 4, 4)).length, 0);
  t.is(splitMessages(new Uint8Array(64)).length, 0);
  // Another version, and a route that ends within its header.
  t.is(splitMessages(Uint8Array.from([...ROUTE].map((byte, i) => (i === 2 ? 5 : byte)))).length, 0);
  t.is(
    splitMessages(Uint8Array.from([...NEWADDR].map((byte, i) => (i === 3 ? NB_RTM_GET : byte)))).length,
    0,
  );
});

test('addresses that a message is too short for are not there', t => {
  const cut = Uint8Array.from(ROUTE.subarray(0, 140));
  t.deepEqual(
    decodeRouteMessage(cut).addresses.map(address => address !== undefined),
    [true, false, false, false, false, false, false, false, false],
  );
});

test('flags of a message', t => {
  const bytes = encodeRouteMessage({ type: NB_RTM_GET, flags: NB_RTF_DONE, pid: 7, seq: 9, addresses: [] });
  t.is(bytes.length, abi('sizeof(struct rt_msghdr)'));
  t.like(decodeRouteMessage(bytes), { flags: NB_RTF_DONE, pid: 7, seq: 9, inits: 0, metrics: { mtu: 0 } });
});

test('SIOCAIFADDR as ifconfig sends it', t => {
  const address = netbsdSockaddrIn(Uint8Array.of(10, 9, 8, 1));
  const mask = netbsdSockaddrIn(Uint8Array.of(255, 255, 255, 0));
  const bytes = encodeAliasreq({ name: 'shmif1', address, other: new Uint8Array(0), mask });
  t.is(
    toHex(bytes),
    `73686d696631${zeros(10)}100200000a090801${zeros(8)}${zeros(16)}10020000ffffff00${zeros(8)}`,
  );
  t.is(NB_IN_ALIASREQ_SIZE, abi('sizeof(struct in_aliasreq)'));
  t.deepEqual(decodeAliasreq(bytes), { name: 'shmif1', address, other: new Uint8Array(0), mask });
});

test('SIOCAIFADDR_IN6: infinite lifetimes at the end', t => {
  const address = netbsdSockaddrIn6(parseIpv6('2001:db8::1') ?? new Uint8Array(0));
  const bytes = encodeAliasreq({ name: 'x0', address, other: new Uint8Array(0), mask: address });
  t.is(bytes.length, abi('sizeof(struct in6_aliasreq)'));
  t.is(NB_IN6_ALIASREQ_SIZE, bytes.length);
  t.is(toHex(bytes.subarray(100)), `${zeros(20)}ffffffffffffffff`);
  t.deepEqual(decodeAliasreq(bytes).mask, address);
});

test('requests', t => {
  t.is(encodeIfreq('lo0').length, abi('sizeof(struct ifreq)'));
  t.is(netbsdIfName(encodeIfreq('lo0')), 'lo0');
  t.is(netbsdIfName(encodeIfreq('a-name-that-is-longer')), 'a-name-that-is-');
  t.is(ifreqValue(encodeIfreqValue('lo0', 1500)), 1500);
  t.is(ifreqFlags(fromHex(`${zeros(16)}0288`)), 0x8802);
  const drive = encodeIfdrv('shmif0', 1, 300);
  t.is(drive.length, abi('sizeof(struct ifdrv)'));
  t.is(drive[abi('offsetof(struct ifdrv,ifd_cmd)')], 1);
  t.is(new DataView(drive.buffer).getUint32(abi('offsetof(struct ifdrv,ifd_len)'), true), 300);
});

test('a scope moves out of a link-local address and back', t => {
  const kept = fromHex(`1c18${zeros(6)}fe80000200000000b0a097fffefed65400000000`);
  const { ipv6, scope } = sockaddrIpv6(kept);
  t.is(formatIpv6(ipv6), 'fe80::b0a0:97ff:fefe:d654');
  t.is(scope, 2);
  t.deepEqual(embedScope(ipv6, scope), kept);
  t.is(sockaddrIpv6(netbsdSockaddrIn6(ipv6, 3)).scope, 3);
  // The mask of ff01::/32 is cut where its zeros begin.
  t.is(prefixLength(sockaddrIpv6(fromHex('0cffffffffffffffffffffff')).ipv6), 32);
});

test('a hardware address', t => {
  const bytes = fromHex(SHMIF0);
  const link = decodeSockaddrDl(bytes);
  t.deepEqual(link, { index: 2, type: NB_IFT_ETHER, name: 'shmif0', hardware: fromHex('b2a097fed654') });
  t.is(toHex(encodeSockaddrDl(link)), toHex(bytes.subarray(0, 20)));
  t.is(decodeSockaddrDl(Uint8Array.of(3, 18, 1)).index, 1);
  t.deepEqual(sockaddrIpv4(netbsdSockaddrIn(parseIpv4('1.2.3.4') ?? bytes)), Uint8Array.of(1, 2, 3, 4));
});
