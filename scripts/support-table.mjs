// Writes docs/system-calls.md from the table in src/rewrite/table.ts; with --check, only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { HOST_CALLS } from '../dist/src/rewrite/host_calls.js';
import { TABLE } from '../dist/src/rewrite/table.js';

const WHEN = {
  path: 'the path',
  fd: 'the descriptor',
  family: 'the address family',
  value: 'its arguments',
  mask: 'its arguments',
  always: 'always asked',
  switch: 'the policy’s switch',
  errno: 'always refused',
};
const lines = [
  '# System calls',
  '',
  'Made by `scripts/support-table.mjs` from the table in `src/rewrite/table.ts`. *full*: as on Linux; *partial*: see the',
  'note; *refused*: an honest errno on a rump path or descriptor, and the host’s answer everywhere else.',
  '',
  '| call | decided by | support | note |',
  '|---|---|---|---|',
  ...TABLE.map(row => `| ${row.name} | ${WHEN[row.decides.by]} | ${row.support} | ${row.note} |`),
  '',
  '## Calls that never stop',
  '',
];
const reasons = new Map();
for (const [name, reason] of HOST_CALLS) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
for (const [reason, names] of reasons) lines.push(`**${reason}:** ${names.join(', ')}.`, '');
const text = `${lines.join('\n').trimEnd()}\n`;
const file = new URL('../docs/system-calls.md', import.meta.url);
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/system-calls.md does not agree with the table: run node scripts/support-table.mjs');
    process.exit(1);
  }
} else writeFileSync(file, text);
