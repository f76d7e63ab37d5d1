/** A server's interfaces and routes as programs of Linux are told of them. */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { formatIpv4, formatIpv6 } from '../../../src/abi/address.js';
import { Session } from '../../../src/cli/ctl/session.js';
import type { NetInterface, NetRoute } from '../../../src/kernel/socket_calls.js';
import { exec, rumphijack, scratch } from '../../support/run.js';

const text = (bytes: Uint8Array): string => (bytes.length === 4 ? formatIpv4(bytes) : formatIpv6(bytes));

async function session(t: ExecutionContext): Promise<Session> {
  const dir = scratch(t);
  const url = `unix://${dir}/server`;
  const net = `bus=${join(dir, 'bus')},10.0.0.1/24,gw=10.0.0.254`;
  const started = await exec(rumphijack, ['server', '--net', net, url]);
  t.is(started.status, 0, started.stderr);
  t.teardown(() => exec(rumphijack, ['ctl', url, 'halt']));
  const made = new Session(url);
  t.teardown(() => made.close());
  return made;
}

test('interfaces: names, flags, sizes and addresses', async t => {
  const links: NetInterface[] = [];
  const made = await session(t);
  t.is(made.call(made.process.interfaces(links)), 2);
  const [lo, eth] = links;
  // IFF_UP, IFF_LOOPBACK, IFF_RUNNING, IFF_LOWER_UP; ARPHRD_LOOPBACK; RT_SCOPE_HOST.
  t.like(lo, { index: 1, name: 'lo', flags: 0x10049, mtu: 65535, hardwareType: 772 });
  t.deepEqual(
    lo.addresses.map(({ address, prefixLength, broadcast, scope }) => [
      text(address),
      prefixLength,
      broadcast,
      scope,
    ]),
    [
      ['127.0.0.1', 8, undefined, 254],
      ['::1', 128, undefined, 254],
    ],
  );
  // And IFF_BROADCAST and IFF_MULTICAST; ARPHRD_ETHER.
  t.like(eth, { index: 2, name: 'eth0', flags: 0x11043, mtu: 1500, hardwareType: 1 });
  t.is(eth.mac.length, 6);
  const [four, six] = eth.addresses;
  t.deepEqual(
    [text(four.address), four.prefixLength, text(four.broadcast ?? four.address), four.scope],
    ['10.0.0.1', 24, '10.0.0.255', 0],
  );
  t.regex(text(six.address), /^fe80::/);
  t.deepEqual([six.prefixLength, six.broadcast, six.scope], [64, undefined, 253]);
});

test('routes: to networks, by a gateway, of the links', async t => {
  const made = await session(t);
  const routes: NetRoute[] = [];
  t.is(made.call(made.process.routes(routes)), routes.length);
  const lines = routes.map(
    route =>
      `${text(route.destination)}/${route.prefixLength} ${route.gateway === undefined ? 'link' : text(route.gateway)} ${route.interface}`,
  );
  t.true(lines.includes('0.0.0.0/0 10.0.0.254 2'), lines.join('\n'));
  t.true(lines.includes('10.0.0.0/24 link 2'), lines.join('\n'));
});
