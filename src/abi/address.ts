/** IPv4 and IPv6 addresses as text (RFC 4291, RFC 5952), and prefixes. Addresses are bytes in network order. */

export const IPV4_SIZE = 4;
export const IPV6_SIZE = 16;

/** Four decimal numbers, as inet_pton(3) takes them; undefined for anything else. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== IPV4_SIZE || !parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const numbers = parts.map(Number);
  return numbers.every(number => number <= 255) ? Uint8Array.from(numbers) : undefined;
}

export function formatIpv4(bytes: Uint8Array): string {
  return bytes.subarray(0, IPV4_SIZE).join('.');
}

/** As inet_pton(3): groups of hexadecimal digits, one `::`, an IPv4 address at the end; without a scope. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groups(halves[0], halves.length === 1);
  const tail = halves.length === 1 ? [] : groups(halves[1], true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = IPV6_SIZE - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** The bytes of groups between colons; `last`: an IPv4 address may end them. */
function groups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const words = text.split(':');
  for (const [i, word] of words.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(word)) {
      const group = Number.parseInt(word, 16);
      bytes.push(group >> 8, group & 0xff);
      continue;
    }
    const ipv4 = last && i === words.length - 1 ? parseIpv4(word) : undefined;
    if (ipv4 === undefined) return undefined;
    bytes.push(...ipv4);
  }
  return bytes;
}

/** As inet_ntop(3): the first longest run of two or more zero groups becomes `::`; mapped and compatible addresses end in IPv4's form. */
export function formatIpv6(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, i) => (bytes[i * 2] << 8) | bytes[i * 2 + 1]);
  const [start, length] = zeroRun(words);
  const isIpv4 = start === 0 && (length === 6 || (length === 5 && words[5] === 0xffff));
  const shown = words.map(word => word.toString(16));
  if (isIpv4) shown.splice(6, 2, formatIpv4(bytes.subarray(12)));
  if (length < 2) return shown.join(':');
  return `${shown.slice(0, start).join(':')}::${shown.slice(start + length).join(':')}`;
}

/** The first longest run of zeros: where, how long. */
function zeroRun(words: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [-1, 0];
  for (let i = 0; i < words.length; i++) {
    let end = i;
    while (end < words.length && words[end] === 0) end++;
    if (end - i > best[1]) best = [i, end - i];
    i = Math.max(i, end - 1);
  }
  return best;
}

/** A mask of `size` bytes whose first `length` bits are set. */
export function prefixMask(length: number, size: number): Uint8Array {
  const mask = new Uint8Array(size);
  for (let bit = 0; bit < Math.min(length, size * 8); bit++) mask[bit >> 3] |= 0x80 >> (bit & 7);
  return mask;
}

/** How many bits of a mask are set, from the first on; undefined when others follow a clear one. */
export function prefixLength(mask: Uint8Array): number | undefined {
  let length = 0;
  while (length < mask.length * 8 && (mask[length >> 3] & (0x80 >> (length & 7))) !== 0) length++;
  const whole = prefixMask(length, mask.length);
  return mask.every((byte, i) => byte === whole[i]) ? length : undefined;
}

/** fe80::/10 and ff02::/16: an address that means nothing without its interface. */
export function isLinkScope(ipv6: Uint8Array): boolean {
  return (ipv6[0] === 0xfe && (ipv6[1] & 0xc0) === 0x80) || (ipv6[0] === 0xff && (ipv6[1] & 0xf) === 2);
}
