/** What ping makes of packets. */
import test from 'ava';
import { checksum, decodeIcmp4, decodeIcmp6, encodeEcho } from '../../src/cli/ctl/icmp.js';

const DATA = Uint8Array.of(1, 2, 3);
const ipv4 = (protocol: number, payload: Uint8Array, options = 0): Uint8Array => {
  const header = new Uint8Array(20 + options);
  header[0] = 0x40 | (header.length / 4);
  header[8] = 64;
  header[9] = protocol;
  return Uint8Array.from([...header, ...payload]);
};
const ipv6 = (next: number, payload: Uint8Array): Uint8Array => {
  const header = new Uint8Array(40);
  header[6] = next;
  return Uint8Array.from([...header, ...payload]);
};
const icmp = (type: number, code: number, rest: readonly number[], data: Uint8Array): Uint8Array =>
  Uint8Array.from([type, code, 0, 0, ...rest, ...data]);

test('a request carries a checksum that is right', t => {
  const request = encodeEcho(false, 0x1234, 7, DATA);
  t.is(checksum(request), 0);
  t.deepEqual([...request.subarray(4)], [0x12, 0x34, 0, 7, 1, 2, 3]);
  // That of the recorded ping of 127.0.0.1.
  const recorded = Buffer.from(
    '0800a0e58ebe000002000000000000002758e03000000000101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637',
    'hex',
  );
  t.is(checksum(recorded), 0);
  t.deepEqual(encodeEcho(false, 0x8ebe, 0, recorded.subarray(8)), Uint8Array.from(recorded));
  t.deepEqual([...encodeEcho(true, 1, 2, DATA).subarray(0, 8)], [128, 0, 0, 0, 0, 1, 0, 2]);
});

test('a reply', t => {
  const reply = icmp(0, 0, [0x12, 0x34, 0, 7], DATA);
  const expected = { kind: 'reply', id: 0x1234, seq: 7, bytes: 11, ttl: 64, data: DATA, error: '' };
  t.deepEqual(decodeIcmp4(ipv4(1, reply)), expected as never);
  t.deepEqual(decodeIcmp4(ipv4(1, reply, 8)), expected as never);
  const six = icmp(129, 0, [0x12, 0x34, 0, 7], DATA);
  t.deepEqual(decodeIcmp6(six, 60), { ...expected, ttl: 60 } as never);
  t.is(decodeIcmp6(six, undefined)?.ttl, undefined);
});

test('an error names the request that it is about', t => {
  const request = encodeEcho(false, 9, 258, DATA);
  const error = (type: number, code: number, rest = [0, 0, 0, 0]): string | undefined => {
    const answer = decodeIcmp4(ipv4(1, icmp(type, code, rest, ipv4(1, request))));
    return answer && `${answer.kind} ${answer.id} ${answer.seq} ${answer.error}`;
  };
  t.is(error(3, 1), 'error 9 258 Destination Host Unreachable');
  t.is(error(3, 4, [0, 0, 5, 220]), 'error 9 258 frag needed and DF set.  Next MTU=1500');
  t.is(error(3, 99), 'error 9 258 Bad Destination Unreachable Code: 99');
  t.is(error(11, 0), 'error 9 258 Time To Live exceeded');
  t.is(error(5, 0), undefined);
  const request6 = encodeEcho(true, 9, 258, DATA);
  const error6 = (type: number, code: number, rest = [0, 0, 0, 0]): string | undefined =>
    decodeIcmp6(icmp(type, code, rest, ipv6(58, request6)), 1)?.error;
  t.is(error6(1, 0), 'No Route to Destination');
  t.is(error6(1, 77), 'Destination Unreachable, Bad Code: 77');
  t.is(error6(2, 0, [0, 0, 5, 0]), 'Packet too big mtu = 1280');
  t.is(error6(3, 0), 'Time to live exceeded');
  t.is(error6(135, 0), undefined);
});

test("others' packets, and such as are cut short, are nobody's answer", t => {
  const udp = ipv4(17, new Uint8Array(8));
  t.is(decodeIcmp4(ipv4(1, icmp(3, 3, [0, 0, 0, 0], udp))), undefined);
  t.is(decodeIcmp4(ipv4(1, encodeEcho(false, 1, 1, DATA))), undefined);
  const error = ipv4(1, icmp(3, 1, [0, 0, 0, 0], ipv4(1, encodeEcho(false, 1, 1, DATA))));
  // Of the request within, its first 8 bytes are needed.
  for (let length = 0; length < error.length - DATA.length; length++)
    t.is(decodeIcmp4(error.subarray(0, length)), undefined);
  const error6 = icmp(1, 0, [0, 0, 0, 0], ipv6(58, encodeEcho(true, 1, 1, DATA)));
  for (let length = 0; length < error6.length - DATA.length; length++)
    t.is(decodeIcmp6(error6.subarray(0, length), 1), undefined);
  t.is(decodeIcmp6(icmp(1, 0, [0, 0, 0, 0], ipv6(17, new Uint8Array(8))), 1), undefined);
});
