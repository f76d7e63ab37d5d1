/** Readiness and waiting on sockets: as on the host, line by line; and who waits costs nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { exec, finish, killGroup, program, rumphijack, spawnGroup } from '../../support/run.js';

const programs = [
  ['epoll', [], 70],
  ['epoll', ['local'], 70],
  ['connects', [], 40],
  ['sockwait', [], 50],
  ['sockwait', ['local'], 30],
  ['sockshare', [], 20],
  ['sockshare', ['local'], 20],
] as const;

for (const kind of ['', '.static']) {
  for (const [name, args, lines] of programs) {
    test(`${[name, ...args].join(' ')}${kind}: the same lines as on the host`, async t => {
      const command = [program(`${name}${kind}`), ...args];
      const bare = await exec(command[0], command.slice(1));
      const hijack = ['run', '--hijack', 'path=/rump,socket=all', '--', ...command];
      const rump = await exec(rumphijack, hijack);
      t.is(bare.status, 0, bare.stderr);
      t.true(bare.stdout.split('\n').length > lines, bare.stdout);
      t.deepEqual(rump.stdout.split('\n'), bare.stdout.split('\n'), rump.stderr);
      t.deepEqual(rump, bare);
    });
  }
}

/** voluntary_ctxt_switches of all threads (proc_pid_status(5)). */
function switches(pids: readonly string[]): string {
  const found: string[] = [];
  for (const pid of pids) {
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
      found.push(`${tid}: ${/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1]}`);
    }
  }
  return found.join(' ');
}

test('an idle server with an idle client switches no contexts, nor does the tracer', async t => {
  const code = `
import asyncio, os, re
async def served(reader, writer):
    data = await reader.read(100); writer.write(data); await writer.drain()
    await reader.read(100)
async def main():
    server = await asyncio.start_server(served, '127.0.0.1', 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b'x'); await reader.readexactly(1)
    tracer = re.search('TracerPid:\\\\s*(\\\\d+)', open('/proc/self/status').read())[1]
    print(os.getpid(), tracer, flush=True)
    await reader.read(1)
asyncio.run(main())`;
  const child = spawnGroup(rumphijack, ['run', '--', '/usr/bin/python3', '-S', '-c', code]);
  const ended = finish(child, ['idle server']);
  try {
    const pids = await new Promise<string[]>((resolve, reject) => {
      child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim().split(' ')));
      child.once('close', () => reject(new Error('ended without a line')));
    });
    t.is(pids.length, 2);
    // What its start leaves to be done (delayed acknowledgements, a compiler's threads) comes to an end; a tick would not.
    let before = '';
    let after = switches(pids);
    for (let look = 0; look < 20 && before !== after; look++) {
      before = after;
      await setTimeout(1000);
      after = switches(pids);
    }
    t.is(after, before);
    t.regex(after, /^\d+: [1-9]/);
  } finally {
    killGroup(child.pid);
    await ended;
  }
});
