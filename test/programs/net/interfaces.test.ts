/** Interfaces by --net: a bus between two kernels, and tap devices of a network namespace, each of the test's own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exec, rumphijack, scratch } from '../../support/run.js';

/** A server that answers two requests, and then ends. */
const SERVE = `
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'hello ' + self.client_address[0].encode() + b'\\n')
    def log_message(self, *args): pass
server = http.server.HTTPServer(('0.0.0.0', 80), Handler); print('up', flush=True)
for _ in range(2): server.handle_request()`;

const script = (lines: string): string =>
  `set -e; R=${rumphijack}\nserve() { $R run --net "$1" -- python3 -S -c "${SERVE}" > "$2"; }\n` +
  `up() { until grep -q up "$1" 2>/dev/null; do kill -0 $2; done; }\n${lines}`;

test('two kernels on one bus: curl in one from a server in the other', async t => {
  const top = scratch(t);
  const bus = join(top, 'bus');
  const { stdout, stderr } = await exec('sh', [
    '-c',
    script(`serve bus=${bus},10.1.1.1/24 ${top}/out & server=$!
      up ${top}/out $server
      $R run --net bus=${bus},10.1.1.2/24 -- curl -sS --max-time 20 http://10.1.1.1/
      $R run --net bus=${bus},10.1.1.3/24 -- sh -c 'ping -c 1 -q 10.1.1.1 | grep -o "1 received"; curl -sS --max-time 20 http://10.1.1.1/'
      wait $server`),
  ]);
  t.is(stdout, 'hello 10.1.1.2\n1 received\nhello 10.1.1.3\n', stderr);
  t.false(existsSync(bus), 'the last end takes the bus with it');
});

test('an end of a bus that is killed leaves nothing that the next one trips over', async t => {
  const top = scratch(t);
  const bus = join(top, 'bus');
  const { stdout, stderr } = await exec('sh', [
    '-c',
    script(`$R server -s --net bus=${bus},10.1.1.1/24 --ready-fd 3 unix://${top}/sock 3> ${top}/ready & server=$!
      until grep -q unix ${top}/ready; do kill -0 $server; done
      kill -9 $server; wait $server || :
      $R run --net bus=${bus},10.1.1.1/24 -- ip -br addr show dev eth0 | grep -o 10.1.1.1/24`),
  ]);
  t.is(stdout, '10.1.1.1/24\n', stderr);
  t.false(existsSync(bus));
});

test('nobody at an address of the bus: poll ends a connect that does not block, with EHOSTUNREACH', async t => {
  const connect = `import errno, select, socket
s = socket.socket(); s.setblocking(False); s.connect_ex(('10.1.1.9', 80))
p = select.poll(); p.register(s, select.POLLOUT)
print(len(p.poll(30000)), errno.errorcode[s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)])`;
  const net = `bus=${join(scratch(t), 'bus')},10.1.1.1/24`;
  const { stdout, stderr } = await exec(rumphijack, ['run', '--net', net, 'python3', '-S', '-c', connect]);
  t.is(stdout, '1 EHOSTUNREACH\n', stderr);
});

/** Runs in a network namespace; only root can make one, and a tap device in it. */
const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('a tap device: the host fetches and pings, and what the kernel has is gone with it', async t => {
  const top = scratch(t);
  const { stdout, stderr } = await exec('unshare', [
    '-n',
    'sh',
    '-c',
    script(`serve tap=tap0,10.2.2.2/24,gw=10.2.2.1 ${top}/out & server=$!
      up ${top}/out $server
      ip addr add 10.2.2.1/24 dev tap0; ip link set tap0 up
      curl -sS --max-time 20 http://10.2.2.2/
      ping -c 1 -q 10.2.2.2 | grep -o '1 received'
      curl -sS --max-time 20 http://10.2.2.2/
      wait $server; ip -br link show tap0 2>&1 || :`),
  ]);
  t.is(stdout, 'hello 10.2.2.1\n1 received\nhello 10.2.2.1\nDevice "tap0" does not exist.\n', stderr);
});

asRoot('dhcp: an address and a route from dnsmasq', async t => {
  const top = scratch(t);
  const { stdout, stderr } = await exec('unshare', [
    '-n',
    'sh',
    '-c',
    script(`ip tuntap add tap1 mode tap; ip addr add 10.3.3.1/24 dev tap1; ip link set tap1 up
      dnsmasq -k -C /dev/null -i tap1 --bind-interfaces -F 10.3.3.50,10.3.3.50 --leasefile-ro -p 0 -x ${top}/pid -u root --log-facility=${top}/log & d=$!
      until grep -qs 'sockets bound' ${top}/log; do kill -0 $d; done
      $R run --net tap=tap1,dhcp -- sh -c 'ip -br addr show dev eth0 | grep -o 10.3.3.50/24; ip route; ping -c 1 -q 10.3.3.1 | grep -o "1 received"'
      kill $d; wait $d || :`),
  ]);
  t.is(
    stdout,
    '10.3.3.50/24\ndefault via 10.3.3.1 dev eth0 \n10.3.3.0/24 dev eth0 proto kernel scope link src 10.3.3.50 \n1 received\n',
    stderr,
  );
});

test('what --net cannot be is said in one line, and nothing runs', async t => {
  const top = scratch(t);
  const wrong: [string, string][] = [
    ['tap=averyverylongname', "'averyverylongname' is longer than 15 bytes"],
    ['eth=0', "'eth' is unknown; say tap=NAME or bus=FILE"],
    ['bus=', 'the file is missing'],
    ['tap=x,1.2.3.4', "'1.2.3.4' lacks the length of its network, as 10.0.0.2/24"],
    ['tap=x,1.2.3.4/33', "'33' is no length from 1 to 32"],
    ['tap=x,dhcp,gw=1.2.3.4', 'dhcp brings its own gateway'],
    ['tap=x,10.0.0.1/24,gw=10.1.0.1', 'the gateway is on no network of this interface'],
  ];
  for (const [net, why] of wrong) {
    const { stdout, stderr, status } = await exec(rumphijack, ['run', '--net', net, 'echo', 'ran']);
    t.deepEqual(
      { stdout, stderr, status },
      { stdout: '', stderr: `rumphijack: --net ${net}: ${why}\n`, status: 125 },
    );
  }
  const missing = await exec(rumphijack, ['run', '--net', `bus=${top}/none/bus`, 'echo', 'ran']);
  t.is(missing.stderr, `rumphijack: bus=${top}/none/bus: the directory that it would be in is not there\n`);
  const served = await exec(rumphijack, [
    'run',
    '--server',
    `unix://${top}/s`,
    '--net',
    'tap=x',
    'echo',
    'ran',
  ]);
  t.regex(served.stderr, /^rumphijack: --net.*give it to 'rumphijack server'/);
});
