/** ifconfig, route and ping of ctl on a server of ours: what they show, change and refuse. */
import { spawn } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { killGroup, rumphijack, run, scratch } from '../support/run.js';

async function serve(t: ExecutionContext): Promise<string> {
  const url = `unix://${scratch(t)}/s`;
  const server = spawn(rumphijack, ['server', '-s', '--ready-fd', '3', url], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  t.teardown(() => killGroup(server.pid));
  await new Promise(resolve => server.stdio[3]?.once('data', resolve));
  return url;
}

const LO0 = `lo0: flags=0x8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 65535
	inet 127.0.0.1/8 flags 0x0
	inet6 ::1/128 flags 0x0
`;

/** What is done one after the other, and what is written: to stdout when it succeeds, to stderr when it is refused. */
const STEPS: readonly (readonly [words: string, written: string, status?: number])[] = [
  ['ifconfig', LO0],
  ['ifconfig -l', 'lo0\n'],
  ['ifconfig eth7', 'ifconfig: interface eth7 does not exist\n', 1],
  ['ifconfig lo', 'ifconfig: interface lo does not exist\n', 1],
  ['ifconfig lo0 down', ''],
  ['ifconfig lo0', LO0.replace('0x8049<UP,LOOPBACK,RUNNING,', '0x8008<LOOPBACK,')],
  ['route get 127.0.0.1', 'route: get 127.0.0.1: not in table\n', 1],
  ['ifconfig lo0 up', ''],
  ['ifconfig lo0', LO0],
  ['ifconfig lo0 127.0.0.2/8 alias', 'ifconfig: 127.0.0.2/8 lo0: Operation not supported\n', 1],
  ['ifconfig lo0 127.0.0.9 delete', 'ifconfig: 127.0.0.9 lo0: Cannot assign requested address\n', 1],
  ['ifconfig lo0 10.1.2.3/16', ''],
  ['ifconfig lo0 inet6 fd00::1/64 alias', ''],
  ['ifconfig lo0', LO0.replace('127.0.0.1/8', '10.1.2.3/16').concat('\tinet6 fd00::1/64 flags 0x0\n')],
  ['ifconfig lo0 inet6 fd00::1 delete', ''],
  ['ifconfig lo0 127.0.0.1/8', ''],
  ['ifconfig lo0', LO0],
  ['ifconfig lo0 create', 'ifconfig: create lo0: File exists\n', 1],
  ['ifconfig shmif0 create', 'ifconfig: create shmif0: Invalid argument\n', 1],
  ['ifconfig lo0 destroy', 'ifconfig: destroy lo0: Operation not permitted\n', 1],
  [
    'route show',
    `Routing tables

Internet:
Destination        Gateway            Flags    Refs      Use    Mtu Interface
127/8              lo0                UC          -        -  65535  lo0

Internet6:
Destination                             Gateway                        Flags    Refs      Use    Mtu Interface
::1                                     ::1                            UH          -        -  65535  lo0
`,
  ],
  [
    'route get 127.3.4.5',
    `   route to: 127.3.4.5
destination: 127.0.0.0
       mask: 255.0.0.0
 local addr: 127.0.0.1
  interface: lo0
      flags: <UP,DONE,CONNECTED>

 recvpipe  sendpipe  ssthresh  rtt,msec    rttvar  hopcount      mtu     expire
       0         0         0         0         0         0     65535         0
`,
  ],
  ['route get 10.2.3.4', 'route: get 10.2.3.4: not in table\n', 1],
  ['route delete default', 'route: delete net default: not in table\n', 1],
  ['route add 127.0.0.0/8 127.0.0.1', 'route: add net 127.0.0.0/8: gateway 127.0.0.1: File exists\n', 1],
  [
    'route add 10.5.0.0/16 10.9.9.9',
    'route: add net 10.5.0.0/16: gateway 10.9.9.9: Network is unreachable\n',
    1,
  ],
  [
    'route add 10.5.0.0/16 127.0.0.1',
    'route: add net 10.5.0.0/16: gateway 127.0.0.1: Operation not supported\n',
    1,
  ],
];

test('interfaces, addresses and routes of a server of ours', async t => {
  const url = await serve(t);
  for (const [words, written, status = 0] of STEPS) {
    const result = await run(['ctl', url, ...words.split(' ')]);
    const expected = status === 0 ? { stdout: written, stderr: '' } : { stdout: '', stderr: written };
    t.deepEqual(
      { stdout: result.stdout, stderr: result.stderr, status: result.status },
      { ...expected, status },
      words,
    );
  }
});

for (const [address, limit] of [
  ['127.0.0.1', 'ttl'],
  ['::1', 'hlim'],
]) {
  test(`the stack of a server of ours answers ping of ${address}`, async t => {
    const url = await serve(t);
    const pinged = await run(['ctl', url, 'ping', '-c', '2', '-i', '0.01', '-s', '3000', address]);
    t.is(pinged.stderr, '');
    t.is(pinged.status, 0);
    const lines = pinged.stdout.split('\n');
    t.is(lines[0], `PING ${address} (${address}): 3000 data bytes`);
    for (const seq of [0, 1]) {
      const start = `3008 bytes from ${address}: icmp_seq=${seq} ${limit}=64 time=`;
      t.true(lines[seq + 1].startsWith(start), lines[seq + 1]);
    }
    t.true(pinged.stdout.includes('2 packets transmitted, 2 packets received, 0.0% packet loss'));
  });
}

test('ping of what no route leads to', async t => {
  const url = await serve(t);
  const { stdout, stderr, status } = await run(['ctl', url, 'ping', '-c', '1', '-W', '0', '10.1.2.3']);
  t.is(stderr, 'ping: sendto: Network is unreachable\n');
  t.true(stdout.includes('1 packets transmitted, 0 packets received, 100.0% packet loss'));
  t.is(status, 2);
});
