/** Random calls on inet sockets of the embedded kernel and of the host: every answer, and every readiness, must be the same. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { enterOwnNetwork } from '../../support/own_network.js';
import { HostSockets } from './host_sockets.js';
import { anyOperation } from './inet_operations.js';
import { type Operation, runAll, Side } from './inet_side.js';
import { World } from './support.js';

const RUNS = Number(process.env.RUMPHIJACK_RUNS ?? 300);
const SEED = Number(process.env.RUMPHIJACK_SEED ?? 20261126);
/** How often a sequence is tried: a host that has much to do may be late with a packet. */
const TRIES = 3;
/** Three for each run: what earlier ones have left behind is in nobody's way. */
const FIRST_PORT = 1100;
const LAST_PORT = 32000;

const isOwn = enterOwnNetwork();
if (isOwn) {
  // As many ICMP errors as there are reasons for.
  writeFileSync('/proc/sys/net/ipv4/icmp_ratemask', '0');
  writeFileSync('/proc/sys/net/ipv6/icmp/ratelimit', '0');
}
const world = new World();
let port = FIRST_PORT;

/** Throws what differs. */
function compare(operations: readonly Operation[]): void {
  port = port > LAST_PORT ? FIRST_PORT : port + 3;
  const host = new Side(new HostSockets(), port);
  const rump = new Side(world.spawn(), port);
  try {
    const expected = runAll(host, operations);
    const answers = runAll(rump, operations);
    for (const [i, answer] of answers.entries()) assert.deepEqual(answer, expected[i]);
  } finally {
    host.close();
    rump.close();
  }
}

test('random calls answer as on the host', t => {
  let count = 0;
  fc.assert(
    fc.property(fc.array(anyOperation(isOwn), { minLength: 5, maxLength: 60 }), operations => {
      count++;
      for (let tries = TRIES; ; tries--) {
        try {
          return compare(operations);
        } catch (error) {
          if (tries === 1) throw error;
        }
      }
    }),
    { numRuns: RUNS, seed: SEED, includeErrorInReport: true },
  );
  t.true(count >= RUNS);
});
