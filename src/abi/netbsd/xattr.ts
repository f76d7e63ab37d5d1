/**
 * Extended attributes of NetBSD. setxattr(2) and its kin (sys/xattr.h) are made after Linux's: the same flags, the same
 * names, the same lists. extattr_get_file(2) and its kin (sys/extattr.h) name a space by number, and list names with a byte of
 * length before each.
 */
import { XATTR_TRUSTED_PREFIX, XATTR_USER_PREFIX } from '../linux/xattr.js';

export const NB_XATTR_CREATE = 0x1;
export const NB_XATTR_REPLACE = 0x2;
/** Bytes of a name with its NUL; Linux has one byte more. */
export const NB_XATTR_NAME_MAX = 255;
export const NB_XATTR_SIZE_MAX = 65536;

export const NB_EXTATTR_NAMESPACE_USER = 1;
export const NB_EXTATTR_NAMESPACE_SYSTEM = 2;

/** Where extattr's name spaces are among Linux's: `system.` of Linux takes no names but its own. */
const SPACES: readonly (readonly [number, string])[] = [
  [NB_EXTATTR_NAMESPACE_USER, XATTR_USER_PREFIX],
  [NB_EXTATTR_NAMESPACE_SYSTEM, XATTR_TRUSTED_PREFIX],
];

/** Linux's name of an attribute of extattr; undefined for a name space that is none: EINVAL. */
export function toLinuxXattr(space: number, name: string): string | undefined {
  const prefix = SPACES.find(([number]) => number === space)?.[1];
  return prefix === undefined ? undefined : prefix + name;
}

/** Name space and name that extattr has for one of Linux's names; undefined for one that is in neither. */
export function toNetbsdExtattr(name: string): { space: number; name: string } | undefined {
  const found = SPACES.find(([, prefix]) => name.startsWith(prefix));
  return found === undefined ? undefined : { space: found[0], name: name.slice(found[1].length) };
}

/** The list of extattr_list_file: a byte of length, then the name, one character per byte. No name is longer than 255. */
export function encodeExtattrList(names: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(names.reduce((sum, name) => sum + 1 + name.length, 0));
  let at = 0;
  for (const name of names) {
    bytes[at++] = name.length;
    for (let i = 0; i < name.length; i++) bytes[at++] = name.charCodeAt(i);
  }
  return bytes;
}

/** The names of such a list; stops at one that is cut off. */
export function decodeExtattrList(bytes: Uint8Array): string[] {
  const names: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at++];
    if (at + length > bytes.length) break;
    names.push(Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('latin1'));
    at += length;
  }
  return names;
}
