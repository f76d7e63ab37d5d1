import test from 'ava';
import fc from 'fast-check';
import { ALL_FAMILIES, FAMILY_NAMES, familyByName, familyName } from '../../src/policy/families.js';
import { parseFdoff, parsePolicy } from '../../src/policy/parse.js';
import { DEFAULT_SPEC, type Policy, PolicyError } from '../../src/policy/policy.js';

const LOCAL = 1;
const INET = 2;
const INET6 = 10;
const NETLINK = 16;
const PACKET = 17;
const MPLS = 28;

type Plain = Omit<Policy, 'families'> & { families: number[] };

function plain(policy: Policy): Plain {
  return { ...policy, families: [...policy.families].sort((a, b) => a - b) };
}

const NOTHING: Plain = {
  path: '',
  blankets: [],
  families: [],
  vfs: { nfssvc: false, getvfsstat: false, fhcalls: false },
  sysctl: false,
  modctl: false,
  fdoff: 128,
  source: 'given',
};
const ALL = [...ALL_FAMILIES];

const accepts = test.macro({
  exec(t, spec: string | undefined, expected: Partial<Plain>) {
    t.deepEqual(plain(parsePolicy(spec)), { ...NOTHING, ...expected });
  },
  title: (_, spec) => `accepts ${JSON.stringify(spec) ?? 'unset'}`,
});

const ACCEPTED: ReadonlyArray<readonly [string | undefined, Partial<Plain>]> = [
  [undefined, { path: '/rump', families: ALL.filter(f => f !== LOCAL), source: 'default' }],
  [DEFAULT_SPEC, { path: '/rump', families: ALL.filter(f => f !== LOCAL) }],
  ['', {}],
  ['path=/rump', { path: '/rump' }],
  ['path=/a/b', { path: '/a/b' }],
  ['path=//', { path: '//' }],
  ['path=///', { path: '///' }],
  ['path=//a', { path: '//a' }],
  ['path=/a=b', { path: '/a=b' }],
  ['path=/a:b', { path: '/a:b' }],
  ['path=/with space ', { path: '/with space ' }],
  ['path=/\u00e9', { path: '/\xc3\xa9' }],
  ['path=/a,path=/b', { path: '/b' }],
  ['blanket=/dev/bpf', { blankets: ['/dev/bpf'] }],
  ['blanket=/dev/bpf:/dev/tap', { blankets: ['/dev/bpf', '/dev/tap'] }],
  ['blanket=/a,blanket=/b', { blankets: ['/b'] }],
  ['blanket=/\u20ac', { blankets: ['/\xe2\x82\xac'] }],
  ['socket=inet', { families: [INET] }],
  ['socket=inet:inet6', { families: [INET, INET6] }],
  ['socket=local:route:link:mpls', { families: [LOCAL, NETLINK, PACKET, MPLS] }],
  ['socket=unix:netlink:packet', { families: [LOCAL, NETLINK, PACKET] }],
  ['socket=all', { families: ALL }],
  ['socket=all:noinet', { families: ALL.filter(f => f !== INET) }],
  ['socket=all:nounix:nonetlink', { families: ALL.filter(f => f !== LOCAL && f !== NETLINK) }],
  ['socket=all:noinet:inet', { families: ALL }],
  ['socket=noinet', {}],
  ['socket=inet:noinet', {}],
  ['socket=inet,socket=inet6', { families: [INET, INET6] }],
  ['socket=all,socket=nolocal', { families: ALL.filter(f => f !== LOCAL) }],
  ['vfs=nfssvc', { vfs: { nfssvc: true, getvfsstat: false, fhcalls: false } }],
  ['vfs=getvfsstat:fhcalls', { vfs: { nfssvc: false, getvfsstat: true, fhcalls: true } }],
  ['vfs=all', { vfs: { nfssvc: true, getvfsstat: true, fhcalls: true } }],
  ['vfs=all:nonfssvc', { vfs: { nfssvc: false, getvfsstat: true, fhcalls: true } }],
  ['vfs=all:nogetvfsstat:nofhcalls', { vfs: { nfssvc: true, getvfsstat: false, fhcalls: false } }],
  ['vfs=nofhcalls', {}],
  ['vfs=nfssvc,vfs=fhcalls', { vfs: { nfssvc: true, getvfsstat: false, fhcalls: true } }],
  ...['sysctl', 'sysctl=yes', 'sysctl=y', 'sysctl=YES', 'sysctl=yep', 'sysctl=tottakai'].map(
    spec => [spec, { sysctl: true }] as const,
  ),
  ...['sysctl=no', 'sysctl=n', 'sysctl=NO', 'sysctl=yes,sysctl=no'].map(spec => [spec, {}] as const),
  ...['modctl', 'modctl=yes', 'modctl=Y', 'modctl=no,modctl=yes'].map(
    spec => [spec, { modctl: true }] as const,
  ),
  ['modctl=no', {}],
  ['fdoff=3', { fdoff: 3 }],
  ['fdoff=1048575', { fdoff: 1048575 }],
  ['fdoff=0064', { fdoff: 64 }],
  ['fdoff=64,fdoff=32', { fdoff: 32 }],
  [
    'path=/r,blanket=/d,socket=inet,vfs=nfssvc,sysctl=yes,modctl=yes,fdoff=9',
    {
      path: '/r',
      blankets: ['/d'],
      families: [INET],
      vfs: { nfssvc: true, getvfsstat: false, fhcalls: false },
      sysctl: true,
      modctl: true,
      fdoff: 9,
    },
  ],
];
for (const [spec, expected] of ACCEPTED) test(accepts, spec, expected);

const refuses = test.macro({
  exec(t, spec: string, part: string, expected: RegExp) {
    const error = t.throws(() => parsePolicy(spec), { instanceOf: PolicyError });
    t.is(error.part, part);
    t.true(error.message.startsWith(`RUMPHIJACK: ${part}: `), error.message);
    t.regex(error.message.slice(`RUMPHIJACK: ${part}: `.length), expected);
  },
  title: (_, spec) => `refuses ${JSON.stringify(spec).slice(0, 60)}`,
});

const REFUSED: ReadonlyArray<readonly [spec: string, part: string, expected: RegExp]> = [
  ['path=rump', 'path=rump', /^the prefix must begin with "\/"$/],
  ['path=/rump/', 'path=/rump/', /may end in "\/" only if/],
  ['path=//rump/', 'path=//rump/', /may end in "\/" only if/],
  ['path=/', 'path=/', /"\/" alone/],
  ['path=', 'path=', /^missing value/],
  ['path', 'path', /^missing value/],
  ['path= /rump', 'path= /rump', /must begin with "\/"/],
  ['path=/\ud800', 'path=/\ud800', /not valid UTF-8/],
  ['path=/a\ufffd', 'path=/a\ufffd', /not valid UTF-8/],
  ['blanket=/a/', 'blanket=/a/', /"\/a\/" must not end in "\/"/],
  ['blanket=/', 'blanket=/', /must not end in "\/"/],
  ['blanket=a', 'blanket=a', /"a" must begin with "\/"/],
  ['blanket=/ok:bad', 'blanket=/ok:bad', /"bad" must begin with "\/"/],
  ['blanket=/a::/b', 'blanket=/a::/b', /^empty item/],
  ['blanket=/a:', 'blanket=/a:', /^empty item/],
  ['blanket=', 'blanket=', /^missing value/],
  ['blanket', 'blanket', /^missing value/],
  ['socket=bogus', 'socket=bogus', /^"bogus" is no address family/],
  ['socket=inet:nobogus', 'socket=inet:nobogus', /^"bogus" is no address family/],
  ['socket=INET', 'socket=INET', /^"INET" is no address family/],
  ['socket=inet ', 'socket=inet ', /^"inet " is no address family/],
  ['socket=allinet', 'socket=allinet', /^"allinet" is no address family/],
  ['socket=inet:all', 'socket=inet:all', /"all" must come first/],
  ['socket=noall', 'socket=noall', /^"all" is no address family/],
  ['socket=no', 'socket=no', /^"" is no address family/],
  ['socket=nonoinet', 'socket=nonoinet', /^"noinet" is no address family/],
  ['socket=oroute', 'socket=oroute', /^"oroute" is a family of NetBSD only/],
  ['socket=2', 'socket=2', /^"2" is no address family/],
  ['socket=inet::inet6', 'socket=inet::inet6', /^empty item/],
  ['socket=:', 'socket=:', /^empty item/],
  ['socket=', 'socket=', /^missing value/],
  ['socket', 'socket', /^missing value/],
  ['vfs=bogus', 'vfs=bogus', /^"bogus" is no vfs call/],
  ['vfs=nobogus', 'vfs=nobogus', /^"bogus" is no vfs call/],
  ['vfs=fhcalls:all', 'vfs=fhcalls:all', /"all" must come first/],
  ['vfs=all:', 'vfs=all:', /^empty item/],
  ['vfs=', 'vfs=', /^missing value/],
  ['vfs', 'vfs', /^missing value/],
  ['sysctl=maybe', 'sysctl=maybe', /^"maybe" is neither yes nor no/],
  ['sysctl=', 'sysctl=', /^"" is neither yes nor no/],
  ['sysctl=1', 'sysctl=1', /^"1" is neither yes nor no/],
  ['sysctl=yes ', 'sysctl=yes ', /^"yes " is neither yes nor no/],
  ['modctl=maybe', 'modctl=maybe', /neither yes nor no: expected modctl=yes or modctl=no$/],
  ['modctl=', 'modctl=', /neither yes nor no/],
  ['fdoff=-1', 'fdoff=-1', /must not be negative/],
  ['fdoff=2', 'fdoff=2', /must be at least 3/],
  ['fdoff=0', 'fdoff=0', /must be at least 3/],
  ['fdoff=x', 'fdoff=x', /must be a decimal number/],
  ['fdoff=12x', 'fdoff=12x', /must be a decimal number/],
  ['fdoff= 12', 'fdoff= 12', /must be a decimal number/],
  ['fdoff=+12', 'fdoff=+12', /must be a decimal number/],
  ['fdoff=0x40', 'fdoff=0x40', /must be a decimal number/],
  ['fdoff=12.5', 'fdoff=12.5', /must be a decimal number/],
  ['fdoff=1e3', 'fdoff=1e3', /must be a decimal number/],
  ['fdoff=1048576', 'fdoff=1048576', /must be below 1048576/],
  ['fdoff=99999999999999999999', 'fdoff=99999999999999999999', /must be below 1048576/],
  ['fdoff=', 'fdoff=', /^missing value/],
  ['fdoff', 'fdoff', /^missing value/],
  ['bogus=1', 'bogus=1', /^unknown key "bogus": expected path, blanket, /],
  ['bogus', 'bogus', /^unknown key "bogus"/],
  ['/rump', '/rump', /^unknown key "\/rump"/],
  ['=1', '=1', /^unknown key ""/],
  ['p=/rump', 'p=/rump', /^unknown key "p"/],
  ['PATH=/rump', 'PATH=/rump', /^unknown key "PATH"/],
  [' ', ' ', /^unknown key " "/],
  ['path=/rump, socket=all', ' socket=all', /^unknown key " socket"/],
  ['path =/rump', 'path =/rump', /^unknown key "path "/],
  ['path=/rump,socket=bogus', 'socket=bogus', /"bogus"/],
  ['path=/rump,,socket=all', 'path=/rump,,socket=all', /^empty element/],
  ['path=/rump,', 'path=/rump,', /^empty element/],
  [',path=/rump', ',path=/rump', /^empty element/],
  [',', ',', /^empty element/],
];
for (const [spec, part, expected] of REFUSED) test(refuses, spec, part, expected);

test('an endless or unprintable part makes a short, clean message', t => {
  const long = t.throws(() => parsePolicy(`path=/${'a'.repeat(5000)}`), { instanceOf: PolicyError });
  t.regex(long.message, /longer than a path can be \(4095 bytes\)$/);
  t.true(long.message.length < 400);
  t.notThrows(() => parsePolicy(`path=/${'a'.repeat(4094)}`));
  const odd = t.throws(() => parsePolicy('path=x\n\x1b[31m'), { instanceOf: PolicyError });
  t.is(odd.message, 'RUMPHIJACK: path=x\\x0a\\x1b[31m: the prefix must begin with "/"');
  t.throws(() => parsePolicy('path=/a\0b'), { instanceOf: PolicyError, message: /NUL/ });
});

test('messages name where the string came from', t => {
  t.throws(() => parsePolicy('x', '--hijack'), { message: /^--hijack: x: unknown key/ });
  t.throws(() => parseFdoff('2', '--fdoff'), {
    message: "--fdoff: 2: the descriptor offset must be at least 3: 0-2 stay the host's",
  });
  t.throws(() => parseFdoff('', '--fdoff'), { instanceOf: PolicyError, message: /^--fdoff: "": / });
  t.is(parseFdoff('256', '--fdoff'), 256);
});

test('family names: one number each, none that "no" could be mistaken in', t => {
  for (const name of FAMILY_NAMES) {
    t.false(name.startsWith('no') || name === 'all');
    const family = familyByName(name);
    t.true(family !== undefined && ALL_FAMILIES.includes(family));
  }
  for (const family of ALL_FAMILIES) t.is(familyByName(familyName(family)), family);
  t.is(familyName(99), 'family 99');
});

test('the policy cannot be changed', t => {
  const policy = parsePolicy('blanket=/a');
  t.true(Object.isFrozen(policy) && Object.isFrozen(policy.vfs) && Object.isFrozen(policy.blankets));
});

const specLike = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['path', 'blanket', 'socket', 'vfs', 'sysctl', 'modctl', 'fdoff', '=', ',', ':', '/', '//'],
        ...['all', 'no', 'inet', 'local', 'fhcalls', 'yes', '128', '-', ' ', '\n', '\0'],
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map(parts => parts.join(''));

test('any string either parses or is a PolicyError of one line', t => {
  fc.assert(
    fc.property(specLike, spec => {
      try {
        const policy = parsePolicy(spec);
        return policy.fdoff >= 3 && policy.fdoff < 1 << 20 && policy.path !== '/';
      } catch (error) {
        return error instanceof PolicyError && !/\p{Cc}/u.test(error.message);
      }
    }),
    { numRuns: 5000 },
  );
  t.pass();
});
