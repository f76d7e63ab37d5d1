import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { AT_FDCWD } from '../../../src/kernel/rump_kernel.js';
import { root } from '../../support/run.js';
import { describe } from './compare.js';
import { DIFFERENCES } from './differences.js';
import { type Answer, replay } from './replay.js';
import { TestServer } from './sync_client.js';
import { readTranscript } from './transcript.js';

/** Each with a kernel of its own. */
const ALONE = [
  ...[
    'getpid',
    'file',
    'dir',
    'fork',
    'exec',
    'errors',
    'bigio',
    'mmap',
    'sysctl',
    'sig',
    'poll',
    'mount',
    'kqueue',
    'unixsock',
  ],
  ...[
    'REQ-COPYIN-from-client',
    'RESP-unknown-reqno',
    'blocked-read-and-other-calls',
    'byte-at-a-time',
    'class-ERROR-from-client',
    'comm-100-bytes',
    'comm-not-terminated',
    'copyinstr-answered-ERROR-class',
    'crash-short-copyin',
    'duplicate-reqno',
    'fork-16-byte-body',
    'fork-bad-auth',
    'handshake+syscall-one-write',
    'handshake-AUTH',
    'handshake-EXEC-first',
    'handshake-type9',
    'len-0',
    'len-23',
    'len-2_60',
    'pipeline-64',
    'prefork-cancel',
    'prefork-parent-gone',
    'second-GUEST',
    'syscall-before-handshake',
    'unknown-class-7',
    'unknown-type-9',
  ].map(name => `raw-${name}`),
];

/** NetBSD's own programs, in an order in which each finds what it worked on. */
const PROGRAMS = [
  ...['dd', 'cat', 'cp', 'mv', 'ln', 'chmod', 'chown', 'mkdir', 'mount', 'df', 'mount_tmpfs', 'umount'],
  ...['ls', 'ls-dev', 'rm', 'sysctl', 'sysctl-w'],
].map(name => `nb-${name}`);

/** Entries of DIFFERENCES that were needed. */
const needed = new Set<string>();

function serverWithTmp(): TestServer {
  const server = new TestServer();
  server.inside.mkdirAt(AT_FDCWD, '/tmp', 0o755);
  server.inside.mount('tmpfs', '/tmp', 'tmpfs', 0, 'mode=755');
  return server;
}

/** Answers by request, the texts of those to the same one in order. */
function byKey(answers: readonly Answer[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const answer of answers) found.set(answer.key, [...(found.get(answer.key) ?? []), describe(answer)]);
  return found;
}

/** What is different and has no entry; notes the entries that explain the rest. */
function unexplained(
  transcript: string,
  theirs: Map<string, string[]>,
  ours: Map<string, string[]>,
): string[] {
  const erase = (text: string, without?: string): string =>
    DIFFERENCES.filter(({ title }) => title !== without).reduce((rest, d) => d.erase(rest, transcript), text);
  const found: string[] = [];
  for (const key of new Set([...theirs.keys(), ...ours.keys()])) {
    const [a, b] = [theirs, ours].map(all => (all.get(key) ?? []).join('\n'));
    if (a === b) continue;
    if (erase(a) !== erase(b)) found.push(`NetBSD: ${a}\nours:   ${b}`);
    for (const { title } of DIFFERENCES) if (erase(a, title) !== erase(b, title)) needed.add(title);
  }
  return found;
}

function compare(transcript: string, server: TestServer): string[] {
  const { theirs, ours, unknown } = replay(server, readTranscript(transcript));
  const wanted = transcript === 'raw-copyinstr-answered-ERROR-class' ? [] : unknown;
  return [...unexplained(transcript, byKey(theirs), byKey(ours)), ...wanted];
}

for (const name of ALONE) {
  test.serial(`${name}: as NetBSD answers it`, t => {
    const server = serverWithTmp();
    t.teardown(() => server.stop());
    t.deepEqual(compare(name, server), []);
    t.deepEqual(server.log, []);
    t.is(server.server.clients, 0);
  });
}

test.serial("NetBSD's own programs, one after the other", t => {
  const server = serverWithTmp();
  t.teardown(() => server.stop());
  for (const name of PROGRAMS) t.deepEqual(compare(name, server), [], name);
  t.deepEqual(server.log, []);
});

test.serial('every difference in the list is there, and the manual has the same list', t => {
  t.deepEqual(
    DIFFERENCES.map(({ title }) => title).filter(title => !needed.has(title)),
    [],
  );
  const page = readFileSync(join(root, 'docs/rump_sp.md'), 'utf8');
  const section = page.slice(page.indexOf('## Differences'));
  const listed = section.split('\n').filter(line => line.startsWith('- '));
  t.deepEqual(
    listed,
    DIFFERENCES.map(({ title, why }) => `- ${title}: ${why}`),
  );
});
