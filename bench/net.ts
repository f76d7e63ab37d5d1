/** TCP between two hijacked processes, beside the host's own loopback. */
import { join } from 'node:path';
import { bare, built, compare, host, ours, rumphijack, shell } from './compare.js';

const tcp = built('tcp');
const calls = built('calls');
// A ping-pong is four calls that stop: each side sends and receives.
const stops = shell(
  `${built('tracer')} ${calls} pread 20000 ${join(host, 'stops')} | awk '{printf "%.3f\\n", $NF * 4 / 1000}'`,
);
for (const pinned of [true, false]) {
  compare(
    'TCP ping-pong of 64 bytes',
    [{ name: '4 C stops', command: stops }, bare(tcp, 'ping', '5000', '64'), ours(tcp, 'ping', '5000', '64')],
    { pinned, unit: 'µs', base: '4 C stops', goal: { way: 'rumphijack', text: '<= 3' } },
  );
}
for (const chunk of ['65536', '1048576']) {
  compare(
    `TCP bulk of 1 GiB, ${Number(chunk) / 1024} KiB writes`,
    [bare(tcp, 'bulk', '1073741824', chunk), ours(tcp, 'bulk', '1073741824', chunk)],
    { unit: 'MB/s', base: 'bare', goal: { way: 'rumphijack', text: '>= 300 MB/s' }, digits: 0 },
  );
}
// Half of them pipes of the host, half sockets: what one descriptor in the set costs.
compare(
  'poll of 500 descriptors, each',
  [bare(tcp, 'poll', '500', '2000'), ours(tcp, 'poll', '500', '2000')],
  {
    unit: 'ns',
    base: 'bare',
  },
);

// redis with 1,000 connections at once, in one epoll set; the peak of the tracer's memory comes last.
const redis = (requests: string): string =>
  `cd ${host}; redis-server --port 7799 --bind 127.0.0.1 --save '' --appendonly no --maxclients 4000 > redis.log & ` +
  `until redis-cli -p 7799 ping > /dev/null 2>&1; do :; done; ` +
  `redis-benchmark -p 7799 -c 1000 -n ${requests} -t get --csv | tail -1 | cut -d, -f2 | tr -d '"' > rate; ` +
  `redis-cli -p 7799 shutdown nosave; wait; cat rate`;
compare('redis GET, 1,000 connections', [bare(...shell(redis('100000'))), ours(...shell(redis('20000')))], {
  unit: 'calls/s',
  base: 'bare',
  digits: 0,
});
compare(
  'peak memory with 1,000 connections',
  [
    {
      name: 'rumphijack',
      command: shell(
        `python3 -S -c "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)" ${rumphijack.join(' ')} sh -c '${redis('5000').replaceAll("'", `'\\''`)}'`,
      ),
    },
  ],
  { unit: 'MB', base: 'rumphijack', digits: 0 },
);
