/** ifconfig, route and ping of ctl: what they ask of a NetBSD rump kernel that was recorded, and what they make of its answers. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { exec, killGroup, type Result, root, rumphijack, run, scratch } from '../support/run.js';

interface Replayed extends Result {
  /** What was asked otherwise than in the recording, and the calls that were left. */
  readonly differences: readonly string[];
}

/** Runs a tool against the recording of this name. */
async function replay(t: ExecutionContext, name: string, ...args: string[]): Promise<Replayed> {
  const socket = join(scratch(t), 's');
  const server = spawn(process.execPath, [
    join(root, 'dist/test/sysproxy/client/recorded_server.js'),
    socket,
    `ctl-${name}`,
  ]);
  t.teardown(() => server.kill('SIGKILL'));
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  t.is((await lines.next()).value, 'ready');
  // The umask is one of the things that the server is told.
  const script = 'umask 022; exec "$0" "$@"';
  const result = await exec('sh', ['-c', script, rumphijack, 'ctl', `unix://${socket}`, ...args]);
  const differences: string[] = [];
  for (let line = await lines.next(); line.done !== true; line = await lines.next())
    if (line.value !== '{"what":"over","detail":"0"}') differences.push(line.value);
  return { ...result, differences };
}

const succeeded = (stdout: string): Replayed => ({
  stdout,
  stderr: '',
  status: 0,
  signal: null,
  differences: [],
});
const failed = (stderr: string): Replayed => ({ ...succeeded(''), stderr, status: 1 });

/** Recordings with the words that they were made with, and what is written. */
const RECORDED: readonly (readonly [name: string, words: string, result: Replayed])[] = [
  ['ifconfig-change', 'ifconfig shmif0 create linkstr bus inet 10.9.9.1/24 mtu 1400 up', succeeded('')],
  ['ifconfig-alias', 'ifconfig shmif0 10.9.9.2 netmask 255.255.255.0 alias', succeeded('')],
  ['ifconfig-inet6', 'ifconfig shmif0 inet6 2001:db8::1/64', succeeded('')],
  [
    'ifconfig-show',
    'ifconfig -a',
    succeeded(`lo0: flags=0x8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 33624
	inet 127.0.0.1/8 flags 0x0
	inet6 ::1/128 flags 0x20<NODAD>
	inet6 fe80::1%lo0/64 flags 0x0 scopeid 0x1
shmif0: flags=0x8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1400
	linkstr: bus
	address: b2:a0:b4:da:15:ec
	inet 10.9.9.1/24 broadcast 10.9.9.255 flags 0x0
	inet 10.9.9.2/24 broadcast 10.9.9.255 flags 0x1<TENTATIVE>
	inet6 fe80::b0a0:b4ff:feda:15ec%shmif0/64 flags 0x0 scopeid 0x2
	inet6 2001:db8::1/64 flags 0x0
`),
  ],
  ['ifconfig-delete', 'ifconfig shmif0 10.9.9.2 delete', succeeded('')],
  ['ifconfig-delete-inet6', 'ifconfig shmif0 delete inet6 2001:db8::1', succeeded('')],
  ['ifconfig-replace', 'ifconfig shmif0 10.1.2.3/8 broadcast 10.0.0.255 up', succeeded('')],
  [
    'ifconfig-busy',
    'ifconfig shmif0 -linkstr',
    failed('ifconfig: -linkstr shmif0: Device or resource busy\n'),
  ],
  ['ifconfig-destroy', 'ifconfig shmif0 down -linkstr destroy', succeeded('')],
  ['route-add', 'route add 10.5.0.0/16 10.9.9.77', succeeded('add net 10.5.0.0/16: gateway 10.9.9.77\n')],
  [
    'route-add-again',
    'route add 10.5.0.0/16 10.9.9.77',
    failed('route: add net 10.5.0.0/16: gateway 10.9.9.77: File exists\n'),
  ],
  [
    'route-add-inet6',
    'route add -inet6 default fe80::1%shmif0',
    succeeded('add net default: gateway fe80::1%shmif0\n'),
  ],
  [
    'route-add-interface',
    'route add -host 10.7.7.7 -interface shmif0',
    succeeded('add host 10.7.7.7: gateway shmif0\n'),
  ],
  ['route-delete', 'route delete 10.5.0.0/16', succeeded('delete net 10.5.0.0/16\n')],
  [
    'route-get',
    'route get 10.5.3.4',
    succeeded(`   route to: 10.5.3.4
destination: 10.5.0.0
       mask: 255.255.0.0
    gateway: 10.9.9.77
 local addr: 10.9.9.1
  interface: shmif0
      flags: <UP,GATEWAY,DONE,STATIC>

 recvpipe  sendpipe  ssthresh  rtt,msec    rttvar  hopcount      mtu     expire
       0         0         0         0         0         0         0         0
`),
  ],
  [
    'route-show',
    'route show',
    succeeded(`Routing tables

Internet:
Destination        Gateway            Flags    Refs      Use    Mtu Interface
10.5/16            10.9.9.77          UGS         -        -      -  shmif0
10.7.7.7           link#2             UHCS        -        -      -  shmif0
10.9.9/24          link#2             UC          -        -      -  shmif0
10.9.9.1           link#2             UHLl        -        -      -  lo0
10.9.9.2           link#2             UHLl        -        -      -  lo0
127.0.0.1          lo0                UHl         -        -  33624  lo0

Internet6:
Destination                             Gateway                        Flags    Refs      Use    Mtu Interface
default                                 fe80::1%shmif0                 UGS         -        -      -  shmif0
::1                                     ::1                            UH          -        -  33624  lo0
2001:db8::/64                           link#2                         UC          -        -      -  shmif0
2001:db8::1                             link#2                         UHLl        -        -      -  lo0
fe80::%lo0/64                           fe80::1%lo0                    U           -        -      -  lo0
fe80::1%lo0                             lo0                            UHl         -        -      -  lo0
fe80::%shmif0/64                        link#2                         UC          -        -      -  shmif0
fe80::b0a0:b4ff:feda:15ec%shmif0        link#2                         UHLl        -        -      -  lo0
ff01:1::/32                             ::1                            UC          -        -  33624  lo0
ff01:2::/32                             link#2                         UC          -        -      -  shmif0
ff02::%lo0/32                           ::1                            UC          -        -  33624  lo0
ff02::%shmif0/32                        link#2                         UC          -        -      -  shmif0
`),
  ],
];

for (const [name, words, result] of RECORDED) {
  test(`as recorded, ${name}: ${words}`, async t => {
    t.deepEqual(await replay(t, name, ...words.split(' ')), result);
  });
}

/** Words that no kernel is asked for: what ctl says to them, with a server or without. */
const WRONG: readonly (readonly [words: string, complaint: string])[] = [
  ['ifconfig lo0 frob', "ifconfig: unknown word 'frob'"],
  ['ifconfig lo0 mtu many', "ifconfig: 'many' is no mtu: a number of bytes"],
  ['ifconfig lo0 mtu', "ifconfig: 'mtu' needs a value"],
  ['ifconfig lo0 10.0.0.256', "ifconfig: '10.0.0.256' is no address"],
  ['ifconfig lo0 inet6 10.0.0.1', "ifconfig: '10.0.0.1' is no IPv6 address"],
  ['ifconfig lo0 inet fe80::1', "ifconfig: 'fe80::1' is no IPv4 address"],
  ['ifconfig lo0 10.0.0.1/33', "ifconfig: '33' is no prefix length: 0 to 32"],
  ['ifconfig lo0 10.0.0.1 netmask 255.0.255.0', "ifconfig: '255.0.255.0' is no netmask"],
  ['ifconfig lo0 10.0.0.1 10.0.0.2', "ifconfig: '10.0.0.2': one address at a time"],
  ['ifconfig lo0 alias', "ifconfig: 'alias' needs an address"],
  ['ifconfig lo0 inet', "ifconfig: 'inet' needs an address"],
  ['ifconfig lo0 netmask 255.0.0.0', "ifconfig: 'netmask' stands behind an address"],
  ['ifconfig -x', "ifconfig: unknown option '-x': -a or -l"],
  ['ifconfig -a lo0', "ifconfig: 'lo0': -a stands alone"],
  ['ifconfig a-name-of-16-char', "ifconfig: 'a-name-of-16-char': names have at most 15 characters"],
  ['route frob', "route: unknown command 'frob': show, add, delete, change or get"],
  ['ping -c 0 ::1', "ping: -c '0': a number from 1 to 2147483647 is needed"],
  ['ping -i soon ::1', "ping: -i 'soon': a number from 0.001 to 86400 is needed"],
  ['ping -s 65508 ::1', "ping: -s '65508': a number from 0 to 65507 is needed"],
];

test('wrong words are told in one line each', async t => {
  const dir = scratch(t);
  const server = spawn(rumphijack, ['server', '-s', '--ready-fd', '3', `unix://${dir}/s`], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  t.teardown(() => killGroup(server.pid));
  await new Promise(resolve => server.stdio[3]?.once('data', resolve));
  for (const [words, complaint] of WRONG) {
    const { stdout, stderr, status } = await run(['ctl', `unix://${dir}/s`, ...words.split(' ')]);
    t.deepEqual({ stdout, stderr, status }, { stdout: '', stderr: `${complaint}\n`, status: 1 }, words);
  }
});

test('help tells the words', async t => {
  const help = async (tool: string): Promise<string> =>
    (await run(['ctl', 'unix:///x', tool, '--help'])).stdout;
  t.regex(await help('ifconfig'), /^Usage: .* ifconfig \[-al\] .*linkstr FILE/s);
  t.regex(await help('route'), /^Usage: .* route \[show .*-interface IF/s);
  t.regex(await help('ping'), /^Usage: .* ping \[-nq\].*-W <seconds>/s);
});
