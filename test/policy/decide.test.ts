import test from 'ava';
import fc from 'fast-check';
import {
  CALL_SWITCHES,
  decideCall,
  decideFamily,
  decidePath,
  hasPathRules,
  prefixFor,
  type Rule,
  shownPath,
} from '../../src/policy/decide.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { describePolicy, explainRule } from '../../src/policy/words.js';

const pathIs = test.macro({
  exec(t, spec: string, path: string, rump: string | null, rule: Rule, view: 'root' | 'proc' = 'root') {
    const policy = parsePolicy(spec);
    t.deepEqual(decidePath(policy, path), { rump: rump !== null, path: rump ?? '', view, rule });
    t.not(explainRule(rule, policy, path), '');
  },
  title: (_, spec, path) => `${spec || '(empty)'}: ${path}`,
});

const ALL_PROC = 'sysctl=yes,modctl=yes,vfs=getvfsstat';
const PATHS: ReadonlyArray<readonly [string, string, string | null, Rule, 'proc'?]> = [
  // The prefix, at component borders only.
  ['path=/rump', '/rump', '/', 'prefix'],
  ['path=/rump', '/rump/', '/', 'prefix'],
  ['path=/rump', '/rump/x', '/x', 'prefix'],
  ['path=/rump', '/rump//x', '//x', 'prefix'],
  ['path=/rump', '/rump/..', '/..', 'prefix'],
  ['path=/rump', '/rump/../etc', '/../etc', 'prefix'],
  ['path=/rump', '/rump/a/../../..', '/a/../../..', 'prefix'],
  ['path=/rump', '/rump/\xff\xfe', '/\xff\xfe', 'prefix'],
  ['path=/rump', '/rumpdev', null, 'inside component'],
  ['path=/rump', '/rumpdev/rump', null, 'inside component'],
  ['path=/rump', '/rum', null, 'no prefix'],
  ['path=/rump', '/', null, 'no prefix'],
  ['path=/rump', '//rump', null, 'no prefix'],
  ['path=/rump', '/./rump', null, 'no prefix'],
  ['path=/rump', '/x/../rump', null, 'no prefix'],
  ['path=/rump', '/Rump', null, 'no prefix'],
  ['path=/rump', 'rump', null, 'relative'],
  ['path=/rump', '', null, 'relative'],
  ['path=/a/b', '/a/b/c', '/c', 'prefix'],
  ['path=/a/b', '/a', null, 'no prefix'],
  ['path=/\u00e9', '/\xc3\xa9/x', '/x', 'prefix'],
  ['path=/\u00e9', '/\xe9/x', null, 'no prefix'],
  ['path=//a', '//a/b', '/b', 'prefix'],
  ['path=//a', '/a/b', null, 'no prefix'],
  // A prefix of slashes.
  ['path=//', '//', '/', 'slashes'],
  ['path=//', '//etc', '/etc', 'slashes'],
  ['path=//', '///etc', '//etc', 'slashes'],
  ['path=//', '//rump/x', '/rump/x', 'slashes'],
  ['path=//', '/etc', null, 'no prefix'],
  ['path=//', '/', null, 'no prefix'],
  ['path=///', '//etc', null, 'no prefix'],
  ['path=///', '///etc', '/etc', 'slashes'],
  // Blankets: plain string prefixes, kept.
  ['blanket=/dev/bpf', '/dev/bpf', '/dev/bpf', 'blanket'],
  ['blanket=/dev/bpf', '/dev/bpf0', '/dev/bpf0', 'blanket'],
  ['blanket=/dev/bpf', '/dev/bpf/x', '/dev/bpf/x', 'blanket'],
  ['blanket=/dev/bpf', '/dev/bp', null, 'no prefix'],
  ['blanket=/dev/bpf', '/dev', null, 'no prefix'],
  ['blanket=/dev/bpf:/dev/tap', '/dev/tap1', '/dev/tap1', 'blanket'],
  // path comes first; a name that only resembles it may still be blanketed.
  ['path=/rump,blanket=/rump', '/rump/x', '/x', 'prefix'],
  ['path=/rump,blanket=/rump', '/rumpdev', '/rumpdev', 'blanket'],
  ['path=/proc,sysctl=yes', '/proc/sys/x', '/sys/x', 'prefix'],
  ['blanket=/proc/sys,sysctl=yes', '/proc/sys/x', '/proc/sys/x', 'blanket'],
  // sysctl.
  ['sysctl=yes', '/proc/sys', 'sys', 'sysctl', 'proc'],
  ['sysctl=yes', '/proc/sys/', 'sys/', 'sysctl', 'proc'],
  ['sysctl=yes', '/proc/sys/kernel/ostype', 'sys/kernel/ostype', 'sysctl', 'proc'],
  ['sysctl=yes', '/proc/sysrq-trigger', null, 'no prefix'],
  ['sysctl=yes', '/proc/sysvipc/shm', null, 'no prefix'],
  ['sysctl=yes', '/proc', null, 'no prefix'],
  ['sysctl=yes', '/proc/modules', null, 'no prefix'],
  ['sysctl=no', '/proc/sys', null, 'no path rules'],
  // modctl.
  ['modctl=yes', '/proc/modules', 'modules', 'modctl', 'proc'],
  ['modctl=yes', '/proc/modules/', null, 'no prefix'],
  ['modctl=yes', '/proc/modules2', null, 'no prefix'],
  ['modctl=yes', '/proc/sys', null, 'no prefix'],
  // getvfsstat.
  ['vfs=getvfsstat', '/proc/mounts', 'mounts', 'getvfsstat', 'proc'],
  ['vfs=getvfsstat', '/etc/mtab', 'mounts', 'getvfsstat', 'proc'],
  ['vfs=getvfsstat', '/proc/self/mounts', 'mounts', 'getvfsstat', 'proc'],
  ['vfs=getvfsstat', '/proc/self/mountinfo', 'mountinfo', 'getvfsstat', 'proc'],
  ['vfs=getvfsstat', '/proc/self/mountstats', 'mountstats', 'getvfsstat', 'proc'],
  ['vfs=getvfsstat', '/proc/thread-self/mountinfo', 'mountinfo', 'getvfsstat', 'proc'],
  ['vfs=getvfsstat', '/proc/123/mounts', 'mounts', 'getvfsstat', 'proc'],
  ['vfs=getvfsstat', '/proc/123/task/124/mounts', 'mounts', 'getvfsstat', 'proc'],
  ['vfs=getvfsstat', '/proc/self/task/124/mountinfo', 'mountinfo', 'getvfsstat', 'proc'],
  ['vfs=getvfsstat', '/proc/12x/mounts', null, 'no prefix'],
  ['vfs=getvfsstat', '/proc/mountinfo', null, 'no prefix'],
  ['vfs=getvfsstat', '/proc/self/mounts/', null, 'no prefix'],
  ['vfs=getvfsstat', '/proc/self/mountsx', null, 'no prefix'],
  ['vfs=getvfsstat', '/proc/self/maps', null, 'no prefix'],
  ['vfs=getvfsstat', '/etc/mtab.old', null, 'no prefix'],
  ['vfs=nfssvc:fhcalls', '/proc/mounts', null, 'no path rules'],
  [ALL_PROC, '/proc/version', null, 'no prefix'],
  // Nothing.
  ['', '/rump', null, 'no path rules'],
  ['socket=all', '/rump', null, 'no path rules'],
];
for (const [spec, path, rump, rule, view] of PATHS) test(pathIs, spec, path, rump, rule, view);

test('mount lists below /proc: the numbers that are ours', t => {
  const policy = parsePolicy('vfs=getvfsstat');
  const ours = (pid: number) => pid === 123;
  t.true(decidePath(policy, '/proc/123/mounts', ours).rump);
  t.true(decidePath(policy, '/proc/self/mounts', ours).rump);
  t.is(decidePath(policy, '/proc/1/mounts', ours).rule, 'other process');
});

test('a host decision is always the same object', t => {
  for (const spec of ['path=/rump', 'path=/rump,blanket=/b', ALL_PROC, '']) {
    const policy = parsePolicy(spec);
    t.is(decidePath(policy, '/usr/lib/libc.so.6'), decidePath(policy, '/proc/self/status'));
    t.true(Object.isFrozen(decidePath(policy, '/usr')));
  }
});

const familyIs = test.macro({
  exec(t, spec: string | undefined, family: number, rump: boolean, words: string) {
    const policy = parsePolicy(spec);
    const decision = decideFamily(policy, family);
    t.is(decision.rump, rump);
    t.is(explainRule(decision.rule, policy, family), words);
    t.is(decideFamily(policy, family), decision);
  },
  title: (_, spec, family) => `${spec ?? 'unset'}: family ${family}`,
});
test(familyIs, undefined, 1, false, 'socket: local is not in the policy');
test(familyIs, undefined, 2, true, 'socket: inet is in the policy');
test(familyIs, undefined, 10, true, 'socket: inet6 is in the policy');
test(familyIs, undefined, 16, true, 'socket: route is in the policy');
test(familyIs, undefined, 46, false, 'socket: Linux has no family 46');
test(familyIs, undefined, -1, false, 'socket: Linux has no family -1');
test(familyIs, 'socket=all', 1, true, 'socket: local is in the policy');
test(familyIs, 'socket=inet', 10, false, 'socket: inet6 is not in the policy');
test(familyIs, 'socket=all:nolink', 17, false, 'socket: link is not in the policy');
test(familyIs, '', 2, false, 'socket: inet is not in the policy');

const callIs = test.macro({
  exec(t, spec: string, call: string, rump: boolean, words: string) {
    const policy = parsePolicy(spec);
    const decision = decideCall(policy, call);
    t.is(decision.rump, rump);
    t.is(explainRule(decision.rule, policy, call), words);
  },
  title: (_, spec, call) => `${spec || '(empty)'}: ${call}`,
});
for (const [call, by] of CALL_SWITCHES) {
  const vfs = by !== 'sysctl' && by !== 'modctl';
  const name = vfs ? `vfs: ${by}` : `${by}=yes`;
  test(callIs, vfs ? `vfs=${by}` : `${by}=yes`, call, true, `${name} is in the policy`);
  test(callIs, 'path=/rump', call, false, `${name} is not in the policy`);
  test(callIs, vfs ? `vfs=all:no${by}` : `${by}=no`, call, false, `${name} is not in the policy`);
}
test(callIs, 'vfs=all,sysctl=yes,modctl=yes', 'getpid', false, 'no key of the policy covers this call');

const pathWords = test.macro({
  exec(t, spec: string, path: string, words: string) {
    const policy = parsePolicy(spec);
    t.is(explainRule(decidePath(policy, path, pid => pid === 7).rule, policy, path), words);
  },
  title: (_, spec, path) => `words for ${spec || '(empty)'}: ${path}`,
});
test(pathWords, 'path=/rump', '/rump/x', 'path=/rump is a prefix');
test(pathWords, 'path=/\u00e9', '/\xc3\xa9', 'path=/\u00e9 is a prefix');
test(pathWords, 'path=/rump', '/rumpdev', 'path=/rump: the prefix ends inside a component');
test(pathWords, 'path=/rump', '/etc', 'no prefix matches');
test(pathWords, 'path=/rump', 'etc', 'a relative path goes by its directory');
test(pathWords, 'path=//', '//etc', 'path=//: the path begins with 2 slashes');
test(pathWords, 'blanket=/a:/b', '/bin', 'blanket=/b is a prefix');
test(pathWords, 'sysctl=yes', '/proc/sys', 'sysctl=yes is in the policy');
test(pathWords, 'modctl=yes', '/proc/modules', 'modctl=yes is in the policy');
test(pathWords, 'vfs=all', '/etc/mtab', 'vfs: getvfsstat is in the policy');
test(pathWords, 'vfs=all', '/proc/8/mounts', 'vfs=getvfsstat: not the mount list of a traced process');
test(pathWords, '', '/etc', 'the policy hijacks no paths');

test('hasPathRules', t => {
  for (const spec of [undefined, 'path=//', 'blanket=/a', 'sysctl=yes', 'modctl=yes', 'vfs=getvfsstat']) {
    t.true(hasPathRules(parsePolicy(spec)));
  }
  for (const spec of ['', 'socket=all', 'vfs=nfssvc:fhcalls', 'sysctl=no', 'fdoff=9']) {
    t.false(hasPathRules(parsePolicy(spec)));
  }
});

test('getcwd shows the prefix, if there is one', t => {
  const shown = (spec: string) => {
    const policy = parsePolicy(spec);
    return [prefixFor(policy), shownPath(policy, '/'), shownPath(policy, '/etc')];
  };
  t.deepEqual(shown('path=/rump'), ['/rump', '/rump', '/rump/etc']);
  t.deepEqual(shown('path=//'), ['/', '//', '//etc']);
  t.deepEqual(shown('path=///'), ['//', '///', '///etc']);
  t.deepEqual(shown('blanket=/a'), ['', '/', '/etc']);
});

test('describePolicy', t => {
  t.deepEqual(describePolicy(parsePolicy('')), ['nothing is hijacked: every call goes to the host']);
  t.deepEqual(describePolicy(parsePolicy(undefined)), [
    "path: /rump and all below it is the rump kernel's: /rump/etc is its /etc",
    "socket: sockets of all families but local are the rump kernel's",
    'fdoff: rump descriptor n is 128 + n in the program',
    '(the default, as RUMPHIJACK is unset)',
  ]);
  const all = describePolicy(
    parsePolicy('path=//,blanket=/a:/b,socket=inet:inet6,vfs=all,sysctl=yes,modctl=yes,fdoff=9'),
  );
  t.deepEqual(
    all.map(line => line.slice(0, line.indexOf(':'))),
    ['path', 'blanket', 'blanket', 'socket', 'vfs', 'vfs', 'vfs', 'sysctl', 'modctl', 'fdoff'],
  );
  t.true(all.includes("socket: sockets of inet, inet6 are the rump kernel's"));
  t.true(all.includes("path: paths that begin with // are the rump kernel's: //etc is its /etc"));
  t.true(
    describePolicy(parsePolicy('socket=all')).includes(
      "socket: sockets of all families are the rump kernel's",
    ),
  );
});

const byte = fc.constantFrom('/', '.', 'r', 'u', 'm', 'p', '\xff', ' ');
const bytePath = fc.array(byte, { maxLength: 12 }).map(bytes => `/${bytes.join('')}`);
const prefix = fc.constantFrom('/rump', '/r', '/r/u', '//', '///', '//r');

test("a path that does not begin with the prefix is the host's", t => {
  fc.assert(
    fc.property(prefix, bytePath, (path, subject) => {
      const decision = decidePath(parsePolicy(`path=${path}`), subject);
      return subject.startsWith(path) || !decision.rump;
    }),
  );
  t.pass();
});

test("whatever is below the prefix is the rump kernel's, and getcwd's form leads back to it", t => {
  fc.assert(
    fc.property(prefix, bytePath, (path, below) => {
      const policy = parsePolicy(`path=${path}`);
      const decision = decidePath(policy, shownPath(policy, below));
      return decision.rump && decision.path === below;
    }),
  );
  t.pass();
});

test('a blanketed path reaches the rump kernel unchanged', t => {
  fc.assert(
    fc.property(fc.constantFrom('/r', '/rump', '/m/p'), bytePath, (blanket, rest) => {
      const subject = blanket + rest.slice(1);
      const decision = decidePath(parsePolicy(`path=/zzz,blanket=${blanket}`), subject);
      return decision.rump && decision.path === subject && decision.rule === 'blanket';
    }),
  );
  t.pass();
});

test('a path of the rump root is absolute, one of a shown tree relative', t => {
  fc.assert(
    fc.property(fc.constantFrom(ALL_PROC, `path=/r,blanket=/m,${ALL_PROC}`), bytePath, (spec, subject) => {
      for (const path of [subject, `/proc${subject}`, `/proc/sys${subject}`]) {
        const decision = decidePath(parsePolicy(spec), path);
        if (decision.rump && decision.path.startsWith('/') !== (decision.view === 'root')) return false;
      }
      return true;
    }),
  );
  t.pass();
});
