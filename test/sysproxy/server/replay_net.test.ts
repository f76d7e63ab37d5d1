/** Conversations about TCP and UDP: one server for all, as a process has one TCP/IP stack. */
import test from 'ava';
import { describe } from './compare.js';
import { replay } from './replay.js';
import { TestServer } from './sync_client.js';
import { readTranscript } from './transcript.js';

/** What is the run's own: ephemeral ports, and the padding of what a program reads into. */
const MASKS: readonly [transcript: string, key: string, pattern: RegExp][] = [
  ['tcp', '0/9', /: 1002....7f000001/],
  ['udp', '0/6', /: 1002....7f000001/],
  // How much a socket's buffers hold.
  ['tcp', '0/15', /7fffd42f9568: [0-9a-f]{8}/],
];

let server: TestServer | undefined;
test.before(() => {
  server = new TestServer();
});
test.after.always(() => server?.stop());

for (const name of ['tcp', 'udp']) {
  test.serial(`${name}: as NetBSD answers it`, t => {
    if (server === undefined) return t.fail();
    const { theirs, ours, unknown } = replay(server, readTranscript(name));
    const texts = (answers: typeof ours): string[] =>
      answers.map(answer =>
        MASKS.reduce(
          (text, [transcript, key, pattern]) =>
            transcript === name && answer.key === key ? text.replace(pattern, ': -') : text,
          describe(answer),
        ),
      );
    t.deepEqual(texts(ours), texts(theirs));
    t.deepEqual([unknown, server.log], [[], []]);
  });
}
