/** The words of route add, delete, change and get; and its flags. */
import {
  NB_RTF_ANNOUNCE,
  NB_RTF_BLACKHOLE,
  NB_RTF_BROADCAST,
  NB_RTF_CONNECTED,
  NB_RTF_DONE,
  NB_RTF_DYNAMIC,
  NB_RTF_GATEWAY,
  NB_RTF_HOST,
  NB_RTF_LLDATA,
  NB_RTF_LOCAL,
  NB_RTF_MASK,
  NB_RTF_MODIFIED,
  NB_RTF_PROTO1,
  NB_RTF_PROTO2,
  NB_RTF_REJECT,
  NB_RTF_SRC,
  NB_RTF_STATIC,
  NB_RTF_UP,
} from '../../abi/netbsd/route.js';
import { NB_AF_INET, NB_AF_INET6 } from '../../abi/netbsd/socket.js';
import { type Given, type Interfaces, parseAddress, parseMask, parsePrefix } from './addresses.js';
import { Refusal } from './errors.js';
import type { Interface } from './interfaces.js';

/** In the order in which they are shown; the letter is '' for what only messages have. */
const FLAGS: readonly (readonly [number, string, string])[] = [
  [NB_RTF_UP, 'U', 'UP'],
  [NB_RTF_GATEWAY, 'G', 'GATEWAY'],
  [NB_RTF_HOST, 'H', 'HOST'],
  [NB_RTF_REJECT, 'R', 'REJECT'],
  [NB_RTF_BLACKHOLE, 'B', 'BLACKHOLE'],
  [NB_RTF_DYNAMIC, 'D', 'DYNAMIC'],
  [NB_RTF_MODIFIED, 'M', 'MODIFIED'],
  [NB_RTF_DONE, '', 'DONE'],
  [NB_RTF_MASK, '', 'MASK_PRESENT'],
  [NB_RTF_CONNECTED, 'C', 'CONNECTED'],
  [NB_RTF_LLDATA, 'L', 'LLDATA'],
  [NB_RTF_STATIC, 'S', 'STATIC'],
  [NB_RTF_PROTO1, '1', 'PROTO1'],
  [NB_RTF_PROTO2, '2', 'PROTO2'],
  [NB_RTF_ANNOUNCE, 'p', 'ANNOUNCE'],
  [NB_RTF_LOCAL, 'l', 'LOCAL'],
  [NB_RTF_BROADCAST, 'b', 'BROADCAST'],
  [NB_RTF_SRC, 's', 'SRC'],
];

/** 'UGS' */
export function flagLetters(flags: number): string {
  return FLAGS.map(([bit, letter]) => ((flags & bit) === 0 ? '' : letter)).join('');
}

/** '<UP,GATEWAY,STATIC>', lowest bit first */
export function flagWords(flags: number): string {
  const set = FLAGS.filter(([bit]) => (flags & bit) !== 0).sort(([a], [b]) => a - b);
  return `<${set.map(([, , word]) => word).join(',')}>`;
}

export interface RouteWords {
  readonly destination: Given;
  readonly isHost: boolean;
  /** Bits; of a network. */
  readonly prefix: number;
  readonly gateway: Given | undefined;
  /** The gateway is this interface itself. */
  readonly interface: Interface | undefined;
  /** NB_RTF_* */
  readonly flags: number;
  readonly mtu: number | undefined;
}

const ADDED_FLAGS = new Map([
  ['-reject', NB_RTF_REJECT],
  ['-blackhole', NB_RTF_BLACKHOLE],
  ['-static', NB_RTF_STATIC],
  ['-proto1', NB_RTF_PROTO1],
  ['-proto2', NB_RTF_PROTO2],
]);

/** Throws Refusal. */
export function parseRoute(command: string, words: readonly string[], all: () => Interfaces): RouteWords {
  let family: number | undefined;
  let force: string | undefined;
  let mask: string | undefined;
  let length: string | undefined;
  let mtu: number | undefined;
  let isInterface = false;
  let flags = 0;
  const places: string[] = [];
  const rest = [...words];
  const value = (word: string): string => {
    const next = rest.shift();
    if (next === undefined) throw new Refusal(`'${word}' needs a value`);
    return next;
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const flag = ADDED_FLAGS.get(word);
    if (flag !== undefined) flags |= flag;
    else if (word === '-inet' || word === '-4') family = NB_AF_INET;
    else if (word === '-inet6' || word === '-6') family = NB_AF_INET6;
    else if (word === '-net' || word === '-host') force = word;
    else if (word === '-netmask') mask = value(word);
    else if (word === '-prefixlen') length = value(word);
    else if (word === '-mtu') mtu = parseMtu(value(word));
    else if (word === '-interface' || word === '-iface') isInterface = true;
    else if (word.startsWith('-') || places.length === 2) throw new Refusal(`unknown word '${word}'`);
    else places.push(word);
  }
  const [to, through] = places;
  if (to === undefined) throw new Refusal(`${command} needs a destination`);
  if (through === undefined && (command === 'add' || command === 'change'))
    throw new Refusal(`${command} needs a destination and a gateway`);
  const via = through === undefined || isInterface ? undefined : parseAddress(through, all, family);
  const destination = destinationOf(to, all, family ?? via?.family);
  let { prefix } = destination;
  if (mask !== undefined) prefix = parseMask(mask, destination.family);
  if (length !== undefined) prefix = parsePrefix(length, destination.family);
  const whole = destination.family === NB_AF_INET ? 32 : 128;
  const isHost = force === '-host' || (force === undefined && (prefix ?? whole) === whole);
  return {
    destination: masked(destination, isHost ? whole : (prefix ?? whole)),
    isHost,
    prefix: prefix ?? whole,
    gateway: through === undefined ? undefined : (via ?? { ...destination, text: through }),
    interface: isInterface && through !== undefined ? interfaceOf(through, all()) : undefined,
    flags,
    mtu,
  };
}

function parseMtu(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Refusal(`'${text}' is no mtu: a number of bytes`);
  return Number(text);
}

/** 'default' is a network with no bits. */
function destinationOf(text: string, all: () => Interfaces, family: number | undefined): Given {
  if (text !== 'default') return parseAddress(text, all, family);
  const of = family ?? NB_AF_INET;
  return { text, family: of, bytes: new Uint8Array(of === NB_AF_INET ? 4 : 16), scope: 0, prefix: 0 };
}

/** Without the bits that the network does not have: the kernel finds no route that has more. */
function masked(given: Given, prefix: number): Given {
  const bytes = given.bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - i * 8))));
  return { ...given, bytes };
}

function interfaceOf(name: string, all: Interfaces): Interface {
  const found = all.find(each => each.name === name);
  if (found === undefined) throw new Refusal(`interface ${name} does not exist`);
  return found;
}
