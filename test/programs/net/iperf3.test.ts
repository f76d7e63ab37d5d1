/** iperf3, in the embedded kernel. Through a server it does not always end well, for reasons that are not known yet. */
import test from 'ava';
import { inNet } from '../../support/net.js';

test('iperf3: both directions, several streams, and datagrams', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `iperf3 -s -B 127.0.0.1 -p $PORT > $HOST/server & server=$!
    listening $PORT
    # The server turns others away while it is busy with the last, or with the one that looked whether it listens.
    client() { out=$HOST/$1; shift
      until iperf3 -c 127.0.0.1 -p $PORT "$@" -J > $out; do grep -q busy $out || fail "$(cat $out)"; done; }
    client a -n 50M
    client b -n 20M -R -P 4
    client c -u -b 50M -n 2M
    stop $server
    python3 -S -c "
import json
a, b, c = (json.load(open('$HOST/' + n))['end'] for n in 'abc')
print(a['sum_sent']['bytes'] >= 50 * 2**20, a['sum_received']['bytes'] > 40 * 2**20, b['sum_sent']['bytes'] >= 20 * 2**20, c['sum']['packets'] > 0, c['sum']['lost_packets'] < c['sum']['packets'])"`,
  );
  t.is(stdout, 'True True True True True\n', stderr);
});
