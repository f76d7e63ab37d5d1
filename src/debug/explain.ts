/** What would happen to a call, and why, told from the policy and the one table of calls; nothing is run. */
import { errnoName } from '../abi/linux/errno.js';
import { NR, type SyscallName } from '../abi/linux/syscalls.js';
import { decideCall, decideFamily, decidePath, prefixParent } from '../policy/decide.js';
import { familyByName, familyName } from '../policy/families.js';
import { type Policy, PolicyError } from '../policy/policy.js';
import { explainRule } from '../policy/words.js';
import { HOST_CALLS } from '../rewrite/host_calls.js';
import { filterRules } from '../rewrite/rules.js';
import { type PathPlace, ROWS, type Row, type Support } from '../rewrite/table.js';
import { magicLink } from '../rewrite/target.js';
import type { FilterRule } from '../tracer/filter.js';

/** `both`: what the call asks decides, or both kernels are concerned. `refused`: for every program, whatever it asks. */
export type Kernel = 'host' | 'rump' | 'both' | 'refused';

export interface Explanation {
  readonly call: SyscallName;
  /** What was decided: the path, the descriptor, the family; '' for none. */
  readonly subject: string;
  readonly kernel: Kernel;
  readonly reason: string;
  /** When the call stops at all, under this policy. */
  readonly stops: string;
  /** How well the rump kernel serves the call; undefined where it never gets it. */
  readonly support: Support | undefined;
  readonly note: string;
}

interface Verdict {
  readonly subject: string;
  readonly kernel: Kernel;
  readonly reason: string;
}

/** AT_FDCWD of linux/fcntl.h, as a user may write it. */
const CWD_WORDS = new Set(['AT_FDCWD', '-100']);
const NUMBER = /^(?:-?\d+|0x[0-9a-f]+)$/i;

/** Which names are near `name`: one letter wrong, missing or too many, or a beginning. */
export function similarCalls(name: string): SyscallName[] {
  return syscallNames().filter(known => isNear(name, known) || (name.length > 2 && known.startsWith(name)));
}

function syscallNames(): SyscallName[] {
  // Object.keys() has lost the type.
  return Object.keys(NR).filter(isSyscallName);
}

export function isSyscallName(name: string): name is SyscallName {
  return Object.hasOwn(NR, name);
}

function isNear(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1 || short.length < 3) return false;
  let same = 0;
  while (same < short.length && short[same] === long[same]) same++;
  const skip = long.length - short.length;
  return short.slice(same + 1 - skip) === long.slice(same + 1);
}

/**
 * Explains a call by its name and as many of its arguments as decide: all in their order, or only those that matter. `cwd` is the
 * program's working directory, as getcwd(2) shows it to the program. Throws PolicyError for arguments that decide nothing.
 */
export function explainCall(
  policy: Policy,
  call: SyscallName,
  args: readonly string[],
  cwd: string,
): Explanation {
  const row = ROWS[NR[call]];
  const verdict = row === undefined ? unlisted(call) : decide(policy, row, args, cwd);
  return {
    call,
    ...verdict,
    stops: stopsWhen(
      filterRules(policy).find(rule => rule.nr === NR[call]),
      policy,
    ),
    support: row?.support,
    note: row?.note ?? '',
  };
}

function unlisted(call: SyscallName): Verdict {
  const reason = HOST_CALLS.get(call) ?? 'no key of the policy covers this call';
  return { subject: '', kernel: 'host', reason };
}

function decide(policy: Policy, row: Row, args: readonly string[], cwd: string): Verdict {
  const { decides, name } = row;
  if (decides.by === 'switch') {
    const { rump, rule } = decideCall(policy, name);
    return {
      subject: args.join(', '),
      kernel: rump ? 'rump' : 'host',
      reason: explainRule(rule, policy, name),
    };
  }
  switch (decides.by) {
    case 'fd':
      return byFds(policy, decides.args, args);
    case 'family':
      return byFamily(policy, args);
    case 'errno':
      return isHijacking(policy)
        ? {
            subject: '',
            kernel: 'refused',
            reason: `${errnoName(decides.errno)} for every program that is hijacked`,
          }
        : { subject: '', kernel: 'host', reason: 'the policy hijacks nothing' };
    case 'path':
      // getcwd(2) has no path but that of the working directory.
      return decides.args.length === 0
        ? byPath(policy, cwd, undefined, cwd)
        : byPaths(policy, name, pairUp(decides.args, args), cwd);
    default:
      return isHijacking(policy)
        ? {
            subject: '',
            kernel: 'both',
            reason: 'what it asks for in memory decides, or both kernels are concerned',
          }
        : { subject: '', kernel: 'host', reason: 'the policy hijacks neither paths nor sockets' };
  }
}

const isHijacking = (policy: Policy): boolean => filterRules(policy).length > 0;

function missing(what: string, given: readonly string[]): PolicyError {
  return new PolicyError('explain', given.join(' '), `expected ${what}`);
}

/** Calls that join two names, which cannot be done between the kernels (rename(2), link(2)). */
const JOINS: ReadonlySet<SyscallName> = new Set(['rename', 'renameat', 'renameat2', 'link', 'linkat']);

/** The call goes to the rump kernel when one of its paths does. */
function byPaths(policy: Policy, name: SyscallName, given: readonly GivenPath[], cwd: string): Verdict {
  if (given.length === 0) throw missing('a path', []);
  const verdicts = given.map(([dir, path]) => byPath(policy, path, dir, cwd));
  const reasons = [...new Set(verdicts.map(({ reason }) => reason))];
  const rumps = verdicts.filter(({ kernel }) => kernel === 'rump').length;
  if (JOINS.has(name) && rumps > 0 && rumps < verdicts.length)
    reasons.push('the two are in different kernels: EXDEV');
  if (name === 'name_to_handle_at' && rumps > 0 && !policy.vfs.fhcalls)
    reasons.push('without vfs=fhcalls it has no handles: EOPNOTSUPP');
  return {
    subject: verdicts.map(({ subject }) => subject).join(', '),
    kernel: rumps > 0 ? 'rump' : 'host',
    reason: reasons.join('; '),
  };
}

type GivenPath = readonly [dir: string | undefined, path: string];

/** Each path with its directory descriptor. Arguments that stand at their own places, or the paths alone. */
function pairUp(places: readonly PathPlace[], args: readonly string[]): GivenPath[] {
  const isDir = (word: string | undefined): boolean =>
    word !== undefined && (CWD_WORDS.has(word) || NUMBER.test(word));
  const inPlace = places.every(([dir, path]) => path < args.length && (dir < 0 || isDir(args[dir])));
  if (inPlace) return places.map(([dir, path]) => [dir < 0 ? undefined : args[dir], args[path]]);
  const found: GivenPath[] = [];
  for (let i = 0; i < args.length && found.length < places.length; i++) {
    const [dir] = places[found.length];
    if (dir >= 0 && isDir(args[i]) && i + 1 < args.length) found.push([args[i], args[++i]]);
    else found.push([undefined, args[i]]);
  }
  return found;
}

const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function byPath(policy: Policy, given: string, dir: string | undefined, cwd: string): Verdict {
  const subject = JSON.stringify(given);
  const path = bytes(given);
  if (path.startsWith('/')) return { ...absolute(policy, path), subject };
  if (dir !== undefined && !CWD_WORDS.has(dir)) {
    const { kernel, reason } = byFd(policy, Number(dir));
    return { subject, kernel, reason: `a relative path goes by its directory, and ${reason}` };
  }
  const directory = bytes(cwd);
  const { rump } = decidePath(policy, directory);
  if (rump) return { subject, kernel: 'rump', reason: `the working directory ${cwd} is in the rump kernel` };
  if (prefixParent(policy, path) === directory)
    return { ...absolute(policy, `${directory === '/' ? '' : directory}/${path}`), subject };
  return { subject, kernel: 'host', reason: `the working directory ${cwd} is the host's` };
}

function absolute(policy: Policy, path: string): Omit<Verdict, 'subject'> {
  const magic = magicLink(path);
  if (magic !== undefined && magic.pid === undefined && isHijacking(policy)) {
    const { kernel, reason } = byFd(policy, magic.fd);
    if (kernel === 'rump') return { kernel, reason: `it names a descriptor, and ${reason}` };
  }
  const { rump, rule } = decidePath(policy, path);
  return { kernel: rump ? 'rump' : 'host', reason: explainRule(rule, policy, path) };
}

function byFds(policy: Policy, places: readonly number[], args: readonly string[]): Verdict {
  const inPlace =
    args.length > Math.max(...places) ? places.map(place => args[place]) : args.slice(0, places.length);
  const fds = inPlace.filter(word => NUMBER.test(word)).map(Number);
  if (fds.length === 0) throw missing('a descriptor, as a number', args);
  const verdicts = fds.map(fd => byFd(policy, fd));
  return {
    subject: fds.join(', '),
    kernel: verdicts.some(({ kernel }) => kernel === 'rump') ? 'rump' : 'host',
    reason: verdicts.map(({ reason }) => reason).join('; '),
  };
}

function byFd(policy: Policy, fd: number): { kernel: 'host' | 'rump'; reason: string } {
  const { fdoff } = policy;
  if (!isHijacking(policy)) return { kernel: 'host', reason: 'the policy hijacks nothing' };
  if (fd < 0) return { kernel: 'host', reason: `fd ${fd} is nobody's` };
  if (fd === fdoff - 1)
    return { kernel: 'rump', reason: `fd ${fd} is kept by the tracer: the program gets EBADF` };
  if (fd >= fdoff) return { kernel: 'rump', reason: `fd ${fd} is rump ${fd - fdoff}, if that is open` };
  return {
    kernel: 'host',
    reason: `fd ${fd} is below ${fdoff} (fdoff), unless dup2 has put a rump descriptor there`,
  };
}

function byFamily(policy: Policy, args: readonly string[]): Verdict {
  const [word = ''] = args;
  const name = word.toLowerCase().replace(/^[ap]f_/, '');
  const family = NUMBER.test(word) ? Number(word) : familyByName(name);
  if (family === undefined) throw missing('an address family, such as AF_INET', args);
  const { rump, rule } = decideFamily(policy, family);
  return {
    subject: familyName(family),
    kernel: rump ? 'rump' : 'host',
    reason: explainRule(rule, policy, family),
  };
}

function stopsWhen(rule: FilterRule | undefined, policy: Policy): string {
  switch (rule?.stop) {
    case undefined:
      return 'never stops';
    case 'always':
      return 'always stops';
    case 'errno':
      return `never stops: the filter answers ${errnoName(rule.errno)}`;
    case 'fd': {
      const low = rule.below === undefined ? '' : `, or below ${rule.below}`;
      return `stops when ${argumentList(rule.args)} is a descriptor from ${policy.fdoff - 1} up${low}`;
    }
    case 'values':
      return `stops when argument ${rule.arg} is ${ranges(rule.values)}`;
    case 'mask':
      return `stops when argument ${rule.arg} has a bit of 0x${rule.mask.toString(16)}`;
  }
}

/** '0, 2 to 45' */
function ranges(values: readonly number[]): string {
  const parts: [from: number, to: number][] = [];
  for (const value of [...values].sort((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last !== undefined && value <= last[1] + 1) last[1] = value;
    else parts.push([value, value]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`)).join(', ');
}

const argumentList = (args: readonly number[]): string => args.map(arg => `argument ${arg}`).join(' or ');

/** What stops under a policy, in words: when, and the calls of which that is true. */
export function stopsOf(policy: Policy): Map<string, SyscallName[]> {
  const groups = new Map<string, SyscallName[]>();
  for (const rule of filterRules(policy)) {
    const name = ROWS[rule.nr]?.name;
    if (name === undefined) continue;
    const when = stopsWhen(rule, policy);
    groups.set(when, [...(groups.get(when) ?? []), name]);
  }
  return groups;
}

const SUPPORT_WORDS: { readonly [S in Support]: string } = {
  full: 'there it is as on Linux',
  partial: 'there it is served in part',
  refused: 'there it is refused',
};

/** Two lines for a user. */
export function explanationText(it: Explanation): string[] {
  const where = it.kernel === 'both' ? 'host and rump' : it.kernel;
  const lines = [`${it.call}(${it.subject}): ${where}, ${it.reason}`];
  const served =
    it.support === undefined || it.kernel === 'host' || it.kernel === 'refused'
      ? ''
      : `; ${SUPPORT_WORDS[it.support]}${it.note === '' ? '' : `: ${it.note}`}`;
  lines.push(`  ${it.stops}${served}`);
  return lines;
}
