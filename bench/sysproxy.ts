/** rump_sp: our client and our server, in two processes. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { built, compare, host, rumphijack, type Way } from './compare.js';

// rump_sp: our client and our server, in two processes, beside a bare socket that carries the same bytes.
const wire = built('wire');
const rpc = (url: string, what: string, count: string): string[] => [
  'node',
  built('rpc.js'),
  url,
  what,
  count,
];
const socket = join(host, 'socket');
const pids = ['unix', 'tcp'].map(kind => join(host, kind));
const serve = (pidFile: string, url: string): string =>
  execFileSync(rumphijack[0] ?? '', ['server', '--pid-file', pidFile, url], { encoding: 'utf8' }).trim();
serve(pids[0] ?? '', `unix://${socket}`);
const tcp = serve(pids[1] ?? '', 'tcp://127.0.0.1:0/');
try {
  for (const pinned of [true, false]) {
    const bareWire = (out: string, back: string): Way => ({
      name: 'bare socket',
      command: [wire, 'ping', '20000', out, back],
    });
    const over = (url: string, what: string, name: string): Way => ({
      name,
      command: rpc(url, what, what === 'getpid' ? '20000' : '3000'),
    });
    compare(
      'round trip of getpid',
      [
        bareWire('24', '48'),
        over(`unix://${socket}`, 'getpid', 'over unix'),
        over(tcp, 'getpid', 'over tcp'),
      ],
      { pinned, unit: 'µs', base: 'bare socket', goal: { way: 'over unix', text: '<= 1.5' } },
    );
    // A request and a COPYIN each way before the answer: what the frames of one call carry.
    compare('pwrite of 64 KiB', [bareWire('65664', '88'), over(`unix://${socket}`, 'pwrite', 'over unix')], {
      pinned,
      unit: 'µs',
      base: 'bare socket',
    });
    compare('pread of 64 KiB', [bareWire('64', '65624'), over(`unix://${socket}`, 'pread', 'over unix')], {
      pinned,
      unit: 'µs',
      base: 'bare socket',
    });
  }
  compare(
    'calls of many clients',
    [
      { name: '1 client', command: [wire, 'clients', socket, '1', '20000'] },
      { name: '200 clients', command: [wire, 'clients', socket, '200', '1000'] },
    ],
    { unit: 'calls/s', base: '1 client', digits: 0 },
  );
} finally {
  for (const pid of pids) process.kill(Number(readFileSync(pid, 'utf8')));
}
