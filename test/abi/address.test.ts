/** Addresses as text, against the host's inet_pton(3) and inet_ntop(3), which Node's net module calls. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import {
  formatIpv4,
  formatIpv6,
  isLinkScope,
  parseIpv4,
  parseIpv6,
  prefixLength,
  prefixMask,
} from '../../src/abi/address.js';

/** Bytes with runs of zeros, as addresses have them. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0xffff), fc.nat({ max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  })
  .map(words => Uint8Array.from(words.flatMap(word => [word >> 8, word & 0xff])));
/** Text of the characters of addresses: much of it is none. */
const nearly = fc
  .array(
    fc.constantFrom('0', '1', 'f', '25', '255', '256', '00', 'ffff', '12345', ':', '::', '.', 'g', '/'),
    {
      maxLength: 17,
    },
  )
  .map(pieces => pieces.join(''));
const fourNumbers = fc.array(fc.nat({ max: 300 }), { minLength: 3, maxLength: 5 }).map(n => n.join('.'));

test('what inet_pton takes, and nothing else', t => {
  fc.assert(
    fc.property(fc.oneof(nearly, fourNumbers), text => {
      t.is(parseIpv4(text) !== undefined, isIPv4(text), text);
      t.is(parseIpv6(text) !== undefined, isIPv6(text), text);
    }),
    { numRuns: 3000 },
  );
});

test('IPv6 as inet_ntop writes it, and back', t => {
  fc.assert(
    fc.property(ipv6, bytes => {
      const text = formatIpv6(bytes);
      t.is(new SocketAddress({ family: 'ipv6', address: text }).address, text);
      t.deepEqual(parseIpv6(text), bytes);
    }),
  );
  t.is(formatIpv6(new Uint8Array(16)), '::');
  t.deepEqual(parseIpv6('::ffff:10.1.2.3')?.subarray(10), Uint8Array.of(0xff, 0xff, 10, 1, 2, 3));
});

test('IPv4 there and back', t => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), bytes => {
      t.deepEqual(parseIpv4(formatIpv4(bytes)), bytes);
    }),
  );
});

test('prefixes and masks', t => {
  for (let length = 0; length <= 128; length++) t.is(prefixLength(prefixMask(length, 16)), length);
  t.deepEqual(prefixMask(20, 4), Uint8Array.of(255, 255, 240, 0));
  t.is(prefixLength(Uint8Array.of(255, 0, 255, 0)), undefined);
  t.is(prefixLength(Uint8Array.of(0x7f, 0, 0, 0)), undefined);
});

test('addresses that need an interface', t => {
  const of = (text: string): boolean | undefined => {
    const bytes = parseIpv6(text);
    return bytes && isLinkScope(bytes);
  };
  t.deepEqual(['fe80::1', 'febf::1', 'ff02::1', 'ff12::1'].map(of), [true, true, true, true]);
  t.deepEqual(['fec0::1', 'ff01::1', '::1', '2001:db8::1'].map(of), [false, false, false, false]);
});
