// Writes docs/socket-options.md from the table of src/kernel/net/inet_options.ts; with --check, only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { OPTION_TABLE } from '../dist/src/kernel/net/inet_options.js';

const LEVELS = new Map([
  [1, 'SOL_SOCKET'],
  [0, 'IPPROTO_IP'],
  [41, 'IPPROTO_IPV6'],
  [6, 'IPPROTO_TCP'],
  [17, 'IPPROTO_UDP'],
  [255, 'SOL_RAW'],
  [58, 'IPPROTO_ICMPV6'],
]);
const lines = [
  '# Options of AF_INET and AF_INET6 sockets',
  '',
  'Made by `scripts/option-table.mjs` from the table in `src/kernel/net/inet_options.ts`. *stack*: TCP/IP does it; *socket*: the calls',
  'on the socket do; *kept*: given back, and nothing else, for the reason given; *told*: can only be read; *refused*: an errno, for the',
  'reason given. All others are ENOPROTOOPT. SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_RCVTIMEO and SO_SNDTIMEO are the same for all families.',
];
for (const [level, name] of LEVELS) {
  lines.push('', `## ${name}`, '', '| option | value | effect | |', '|---|---|---|---|');
  for (const row of OPTION_TABLE) {
    if (row.level === level) lines.push(`| ${row.name} | ${row.value} | ${row.effect} | ${row.why} |`);
  }
}
const text = `${lines.join('\n')}\n`;
const file = new URL('../docs/socket-options.md', import.meta.url);
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/socket-options.md does not agree with the table: run node scripts/option-table.mjs');
    process.exit(1);
  }
} else writeFileSync(file, text);
