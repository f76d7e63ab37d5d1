/**
 * Names of address families in a policy. rumphijack(3) knows local, inet, inet6, link, route, oroute and mpls;
 * Linux has more (socket.h, AF_*), and `all` takes them too, so each can be named to be left out.
 */

/** One more than the highest family of Linux (AF_MAX, linux/socket.h of 6.18). */
export const FAMILY_LIMIT = 46;

/** Linux family numbers by name: AF_ names in lower case. */
const LINUX_FAMILIES: ReadonlyArray<readonly [string, number]> = [
  ['unspec', 0],
  ['local', 1],
  ['inet', 2],
  ['ax25', 3],
  ['ipx', 4],
  ['appletalk', 5],
  ['netrom', 6],
  ['bridge', 7],
  ['atmpvc', 8],
  ['x25', 9],
  ['inet6', 10],
  ['rose', 11],
  ['decnet', 12],
  ['netbeui', 13],
  ['security', 14],
  ['key', 15],
  ['route', 16],
  ['link', 17],
  ['ash', 18],
  ['econet', 19],
  ['atmsvc', 20],
  ['rds', 21],
  ['sna', 22],
  ['irda', 23],
  ['pppox', 24],
  ['wanpipe', 25],
  ['llc', 26],
  ['ib', 27],
  ['mpls', 28],
  ['can', 29],
  ['tipc', 30],
  ['bluetooth', 31],
  ['iucv', 32],
  ['rxrpc', 33],
  ['isdn', 34],
  ['phonet', 35],
  ['ieee802154', 36],
  ['caif', 37],
  ['alg', 38],
  ['nfc', 39],
  ['vsock', 40],
  ['kcm', 41],
  ['qipcrtr', 42],
  ['smc', 43],
  ['xdp', 44],
  ['mctp', 45],
];

/** What Linux calls the families that the original names otherwise. */
const ALIASES: ReadonlyArray<readonly [string, number]> = [
  ['unix', 1],
  ['netlink', 16],
  ['packet', 17],
];

const BY_NAME: ReadonlyMap<string, number> = new Map([...LINUX_FAMILIES, ...ALIASES]);
const BY_NUMBER: ReadonlyMap<number, string> = new Map(LINUX_FAMILIES.map(([name, n]) => [n, name]));

/** Every family that `all` stands for: as in the original, 0 up to PF_MAX. */
export const ALL_FAMILIES: readonly number[] = LINUX_FAMILIES.map(([, n]) => n);

/** Every name that a `socket` list can have, `all` apart. */
export const FAMILY_NAMES: readonly string[] = [...BY_NAME.keys()];

/** The family of that name, or undefined. */
export function familyByName(name: string): number | undefined {
  return BY_NAME.get(name);
}

/** The policy's name of a family, or `family N`. */
export function familyName(family: number): string {
  return BY_NUMBER.get(family) ?? `family ${family}`;
}
