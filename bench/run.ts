// Measures what a run costs, each figure beside what it is compared with, in one session.
//
//   npm run bench [-- ROUNDS [PART]]     ROUNDS of each, 5 unless told; PART: files, wire or net
import { line, rounds, rows } from './compare.js';

console.log(
  line({ what: `what (median of ${rounds})`, way: 'how', value: 'each', ratio: 'ratio', goal: 'goal' }),
);

const part = process.argv[3];
if (part === undefined || part === 'files') await import('./files.js');
if (part === undefined || part === 'wire') await import('./sysproxy.js');
if (part === undefined || part === 'net') await import('./net.js');
if (rows.some(row => row.value === 'failed')) process.exitCode = 1;
