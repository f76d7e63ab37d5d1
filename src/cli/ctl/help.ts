/** The tools of `rumphijack ctl` by name, for its help. */
import { writeSync } from 'node:fs';

export interface ToolHelp {
  readonly name: string;
  readonly args: string;
  readonly says: string;
  /** What its own help tells besides. */
  readonly more?: string;
}

const IFCONFIG_WORDS = `
Words, as ifconfig(8) has them, done one after the other:
  up, down, create, destroy, mtu N
  linkstr FILE, -linkstr     what a shmif interface is connected to
  [inet | inet6] ADDR[/LEN] [netmask M | prefixlen LEN] [broadcast B]
                             set an address: the first IPv4 one is replaced
  ... alias, ... delete      add it as another one; take it away`;

const ROUTE_WORDS = `
Words, as route(8) has them:
  show [-inet | -inet6]
  add [-net | -host] [-inet6] DEST[/LEN] [-netmask M] GATEWAY [-mtu N] [-reject | -blackhole]
  add DEST[/LEN] -interface IF
  change as add; delete DEST[/LEN] [GATEWAY]; get DEST
DEST may be 'default'. Hosts and networks are shown by their numbers.`;

export const TOOLS = [
  { name: 'ps', args: '', says: 'list the processes' },
  { name: 'ls', args: '[-aldh1] [PATH...]', says: 'list files' },
  { name: 'cat', args: 'PATH...', says: 'write files to standard output' },
  { name: 'cp', args: '[-r] SOURCE... TARGET', says: "copy in or out: the server's paths begin with rump:" },
  { name: 'mkdir', args: '[-p] DIR...', says: 'make directories' },
  { name: 'rm', args: '[-r] PATH...', says: 'remove files, with -r directories too' },
  { name: 'mount', args: '[[-t TYPE] [-o OPTIONS] SOURCE DIR]', says: 'mount, or list what is mounted' },
  { name: 'umount', args: 'DIR...', says: 'unmount' },
  { name: 'df', args: '[-h] [PATH...]', says: 'show how full file systems are' },
  { name: 'sysctl', args: '[-an] [NAME | NAME=VALUE]...', says: 'show and change settings' },
  {
    name: 'ifconfig',
    args: '[-al] [IF [WORD...]]',
    says: 'show and change network interfaces',
    more: IFCONFIG_WORDS,
  },
  {
    name: 'route',
    args: '[show | add | delete | change | get] [WORD...]',
    says: 'show and change routes',
    more: ROUTE_WORDS,
  },
  {
    name: 'ping',
    args: '[-nq] [-c N] [-i SEC] [-s SIZE] [-W SEC] ADDR',
    says: 'ask a host for an echo, from there',
  },
  { name: 'halt', args: '', says: 'end the kernel, and its server with it' },
] as const satisfies readonly ToolHelp[];

export type ToolName = (typeof TOOLS)[number]['name'];

const COLUMN = 44;

function commands(): string {
  return TOOLS.map(({ name, args, says }) => `  ${`${name} ${args}`.padEnd(COLUMN)} ${says}`).join('\n');
}

export const CTL_HELP = `
Commands (rumphijack ctl URL COMMAND --help tells more):
${commands()}

Examples:
  rumphijack server unix:///tmp/rump
  rumphijack ctl unix:///tmp/rump mount -t tmpfs -o size=16m tmpfs /mnt
  rumphijack ctl unix:///tmp/rump cp -r site rump:/srv
  rumphijack ctl unix:///tmp/rump cp rump:/srv/index.html .
  rumphijack ctl unix:///tmp/rump ls -l /srv
  rumphijack ctl unix:///tmp/rump sysctl kern.hostname=sandbox
  rumphijack ctl unix:///tmp/rump ifconfig lo0 inet 10.0.0.1/8 alias
  rumphijack ctl unix:///tmp/rump ping -c 1 10.0.0.1
  rumphijack ctl unix:///tmp/rump halt

Exit status: 0; 1 when the server or the host refuses something; 125 when there is no
server, or no such command; ping: 2 when there was no answer. See rumphijack(1).`;

/** Writes a help text, which nobody has to read to its end: a closed pipe is no failure. */
export function print(text: string): void {
  const bytes = Buffer.from(text);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
  } catch {
    // See above.
  }
}
