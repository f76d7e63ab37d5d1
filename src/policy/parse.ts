/**
 * The policy language: RUMPHIJACK as rumphijack(3) and librumphijack/hijack.c define it.
 *
 * Stricter than the original where its parser let slips pass in silence: empty elements and empty values, a key cut short
 * (`s=all`), `all` glued to the next name (`allinet`), signs and spaces around fdoff. Each is an error here.
 */

import { ALL_FAMILIES, familyByName } from './families.js';
import {
  DEFAULT_FDOFF,
  DEFAULT_SPEC,
  FDOFF_LIMIT,
  MIN_FDOFF,
  type Policy,
  PolicyError,
  printable,
  type VfsCalls,
} from './policy.js';

/** PATH_MAX (linux/limits.h), which counts the final NUL: no path that long reaches the kernel. */
const PATH_MAX = 4096;

interface Draft {
  path: string;
  blankets: readonly string[];
  families: Set<number>;
  vfs: { -readonly [K in keyof VfsCalls]: boolean };
  sysctl: boolean;
  modctl: boolean;
  fdoff: number;
}

/** Says what is wrong with the element that is being parsed. */
type Fail = (expected: string) => PolicyError;

/** Puts one value into the draft. `value` is undefined when the element has no '='. */
type KeyParser = (draft: Draft, value: string | undefined, fail: Fail) => void;

/**
 * Parses a policy string. `undefined` (the variable is unset) means `path=/rump,socket=all:nolocal`; an empty
 * string hijacks nothing. A key given twice: the later path, blanket, sysctl, modctl and fdoff replace the
 * earlier; socket and vfs lists add to it, as the original has it.
 *
 * @param source what the string came from, for messages: `RUMPHIJACK` or an option's name
 * @throws PolicyError and nothing else
 */
export function parsePolicy(spec: string | undefined, source = 'RUMPHIJACK'): Policy {
  const draft: Draft = {
    path: '',
    blankets: [],
    families: new Set(),
    vfs: { nfssvc: false, getvfsstat: false, fhcalls: false },
    sysctl: false,
    modctl: false,
    fdoff: DEFAULT_FDOFF,
  };
  const text = spec ?? DEFAULT_SPEC;
  if (text !== '') for (const element of text.split(',')) parseElement(draft, element, text, source);
  return Object.freeze({
    ...draft,
    vfs: Object.freeze(draft.vfs),
    blankets: Object.freeze(draft.blankets),
    source: spec === undefined ? 'default' : 'given',
  });
}

/**
 * Parses a descriptor offset: a decimal number, at least 3 (0-2 stay the host's), below 2^20 (fs.nr_open).
 *
 * @param source what the text came from, for messages
 * @throws PolicyError
 */
export function parseFdoff(text: string, source: string): number {
  return fdoffValue(text, expected => new PolicyError(source, text, expected));
}

function parseElement(draft: Draft, element: string, spec: string, source: string): void {
  if (element === '') {
    throw new PolicyError(source, spec, 'empty element: expected key=value between the commas');
  }
  const equals = element.indexOf('=');
  const key = equals < 0 ? element : element.slice(0, equals);
  const parser = KEYS.get(key);
  if (parser === undefined) {
    throw new PolicyError(source, element, `unknown key ${quote(key)}: expected ${KEY_LIST}`);
  }
  parser(draft, equals < 0 ? undefined : element.slice(equals + 1), expected => {
    return new PolicyError(source, element, expected);
  });
}

function pathKey(draft: Draft, value: string | undefined, fail: Fail): void {
  const prefix = required(value, 'an absolute path prefix such as path=/rump', fail);
  if (!prefix.startsWith('/')) throw fail('the prefix must begin with "/"');
  if (prefix === '/') {
    throw fail('"/" alone would leave the host no names: expected a prefix such as /rump, or path=//');
  }
  if (prefix.endsWith('/') && !/^\/+$/.test(prefix)) {
    throw fail('the prefix may end in "/" only if it is nothing but slashes');
  }
  draft.path = bytes(prefix, fail);
}

function blanketKey(draft: Draft, value: string | undefined, fail: Fail): void {
  const prefixes = items(required(value, 'a list of absolute prefixes such as blanket=/dev/bpf', fail), fail);
  draft.blankets = prefixes.map(prefix => {
    if (!prefix.startsWith('/')) throw fail(`the blanket ${quote(prefix)} must begin with "/"`);
    if (prefix.endsWith('/')) throw fail(`the blanket ${quote(prefix)} must not end in "/"`);
    return bytes(prefix, fail);
  });
}

function socketKey(draft: Draft, value: string | undefined, fail: Fail): void {
  const list = items(required(value, 'a list of address families such as socket=inet:inet6', fail), fail);
  for (const [i, item] of list.entries()) {
    if (item === 'all') {
      if (i > 0) throw fail('"all" must come first in its list');
      for (const family of ALL_FAMILIES) draft.families.add(family);
      continue;
    }
    const [name, on] = switched(item);
    const family = familyByName(name);
    if (family === undefined) throw fail(unknownFamily(name));
    if (on) draft.families.add(family);
    else draft.families.delete(family);
  }
}

function unknownFamily(name: string): string {
  if (name === 'oroute') return '"oroute" is a family of NetBSD only: Linux has just "route" (netlink)';
  const known = 'local, inet, inet6, route, link, mpls or another of rumphijack(7)';
  return `${quote(name)} is no address family: expected all, or ${known}, with or without "no" before it`;
}

function vfsKey(draft: Draft, value: string | undefined, fail: Fail): void {
  const list = items(required(value, 'a list such as vfs=getvfsstat:fhcalls', fail), fail);
  const all: ReadonlyArray<keyof VfsCalls> = ['nfssvc', 'getvfsstat', 'fhcalls'];
  for (const [i, item] of list.entries()) {
    if (item === 'all') {
      if (i > 0) throw fail('"all" must come first in its list');
      for (const call of all) draft.vfs[call] = true;
      continue;
    }
    const [name, on] = switched(item);
    const call = all.find(known => known === name);
    if (call === undefined) {
      throw fail(
        `${quote(name)} is no vfs call: expected all, ${all.join(', ')}, or "no" before one of these`,
      );
    }
    draft.vfs[call] = on;
  }
}

function fdoffKey(draft: Draft, value: string | undefined, fail: Fail): void {
  draft.fdoff = fdoffValue(required(value, 'a number such as fdoff=128', fail), fail);
}

function fdoffValue(text: string, fail: Fail): number {
  if (/^-[0-9]+$/.test(text)) throw fail('the descriptor offset must not be negative');
  if (!/^[0-9]+$/.test(text)) throw fail('the descriptor offset must be a decimal number');
  const fdoff = Number(text);
  if (fdoff < MIN_FDOFF)
    throw fail(`the descriptor offset must be at least ${MIN_FDOFF}: 0-2 stay the host's`);
  if (fdoff >= FDOFF_LIMIT) {
    throw fail(`the descriptor offset must be below ${FDOFF_LIMIT}, the highest descriptor (fs.nr_open)`);
  }
  return fdoff;
}

/** The original's yes and no, in any case; a bare key is a yes. */
function yesNo(value: string | undefined, key: string, fail: Fail): boolean {
  if (value === undefined) return true;
  switch (value.toLowerCase()) {
    case 'y':
    case 'yes':
    case 'yep':
    case 'tottakai':
      return true;
    case 'n':
    case 'no':
      return false;
    default:
      throw fail(`${quote(value)} is neither yes nor no: expected ${key}=yes or ${key}=no`);
  }
}

const KEYS: ReadonlyMap<string, KeyParser> = new Map([
  ['path', pathKey],
  ['blanket', blanketKey],
  ['socket', socketKey],
  ['vfs', vfsKey],
  [
    'sysctl',
    (draft, value, fail) => {
      draft.sysctl = yesNo(value, 'sysctl', fail);
    },
  ],
  [
    'modctl',
    (draft, value, fail) => {
      draft.modctl = yesNo(value, 'modctl', fail);
    },
  ],
  ['fdoff', fdoffKey],
]);

const KEY_LIST = 'path, blanket, socket, vfs, sysctl, modctl or fdoff';

function required(value: string | undefined, expected: string, fail: Fail): string {
  if (value === undefined || value === '') throw fail(`missing value: expected ${expected}`);
  return value;
}

function items(list: string, fail: Fail): string[] {
  const parts = list.split(':');
  if (parts.includes('')) throw fail('empty item: expected a name on both sides of every ":"');
  return parts;
}

/** `noinet` is inet off. No family and no vfs call has a name of its own that begins with "no". */
function switched(item: string): [name: string, on: boolean] {
  return item.startsWith('no') ? [item.slice(2), false] : [item, true];
}

/** A path as the kernel gets it, one character per byte. */
function bytes(path: string, fail: Fail): string {
  if (path.includes('\0')) throw fail('a path cannot hold a NUL byte');
  const encoded = Buffer.from(path, 'utf8').toString('latin1');
  // Node.js decodes the environment and the arguments; what was not UTF-8 is U+FFFD here and would never match.
  if (encoded.includes('\xef\xbf\xbd')) throw fail('the path is not valid UTF-8');
  if (encoded.length >= PATH_MAX) throw fail(`the path is longer than a path can be (${PATH_MAX - 1} bytes)`);
  return encoded;
}

function quote(text: string): string {
  return text === '' ? '""' : `"${printable(text)}"`;
}
