/**
 * Decisions: this path, this address family, this call: host or rump kernel, and by which rule. Pure, and cheap,
 * since every stopped call asks: what stays on the host is decided without allocating.
 */

import { FAMILY_LIMIT } from './families.js';
import type { Policy } from './policy.js';

/** Rules that give a path, a family or a call to the rump kernel. */
export type RumpRule =
  | 'prefix'
  | 'slashes'
  | 'blanket'
  | 'family'
  | 'sysctl'
  | 'modctl'
  | 'nfssvc'
  | 'getvfsstat'
  | 'fhcalls';

/** Why something stays on the host. */
export type HostRule =
  | 'relative'
  | 'no path rules'
  | 'no prefix'
  | 'inside component'
  | 'other process'
  | 'no family'
  | 'unknown family'
  | 'no sysctl'
  | 'no modctl'
  | 'no nfssvc'
  | 'no getvfsstat'
  | 'no fhcalls'
  | 'no call rule';

/** What decided; `explainRule` puts it into words. */
export type Rule = RumpRule | HostRule;

export interface PathDecision {
  readonly rump: boolean;
  /**
   * The path as the rump kernel gets it: below `path`, the prefix is taken off ('/rump' is '/'); a blanketed
   * path is unchanged; with view 'proc', relative to that tree. '' on the host.
   */
  readonly path: string;
  /** Where the path begins: the rump kernel's root, or the tree it shows in place of parts of /proc. */
  readonly view: 'root' | 'proc';
  readonly rule: Rule;
}

export interface Decision {
  readonly rump: boolean;
  readonly rule: Rule;
}

const SLASH = 0x2f;

const RELATIVE = hostPath('relative');
const NO_PATH_RULES = hostPath('no path rules');
const NO_PREFIX = hostPath('no prefix');
const INSIDE_COMPONENT = hostPath('inside component');
const OTHER_PROCESS = hostPath('other process');

const RUMP_ROOT = rumpPath('/', 'root', 'prefix');
const MODULES = rumpPath('modules', 'proc', 'modctl');
const MOUNT_FILES: { readonly [file: string]: PathDecision } = {
  mounts: rumpPath('mounts', 'proc', 'getvfsstat'),
  mountinfo: rumpPath('mountinfo', 'proc', 'getvfsstat'),
  mountstats: rumpPath('mountstats', 'proc', 'getvfsstat'),
};

/** proc(5): a process's or a thread's view of its mounts. */
const MOUNT_FILE =
  /^\/proc\/(?:self|thread-self|([0-9]{1,10}))\/(?:task\/[0-9]{1,10}\/)?(mounts|mountinfo|mountstats)$/;

/**
 * Decides an absolute path, by literal comparison alone: neither `..` nor a symbolic link changes kernels, so
 * '/rump/..' is the rump kernel's and '/x/../rump' the host's. `path` comes before `blanket`, and both before
 * what sysctl, modctl and getvfsstat show below /proc. A relative path is decided by where it starts, not here.
 *
 * @param path one character per byte
 * @param isTraced which numbers below /proc are processes of ours; every one when left out
 */
export function decidePath(policy: Policy, path: string, isTraced?: (pid: number) => boolean): PathDecision {
  if (path.charCodeAt(0) !== SLASH) return RELATIVE;
  let host = NO_PREFIX;
  const prefix = policy.path;
  if (prefix !== '' && path.startsWith(prefix)) {
    const length = prefix.length;
    // A prefix of nothing but slashes: the last of them is where the rump path begins. The original wants one
    // slash more than that, so that it would not take the paths that its own getcwd gives.
    if (prefix.charCodeAt(length - 1) === SLASH) {
      return { rump: true, path: path.slice(length - 1), view: 'root', rule: 'slashes' };
    }
    if (path.length === length) return RUMP_ROOT;
    if (path.charCodeAt(length) === SLASH) {
      return { rump: true, path: path.slice(length), view: 'root', rule: 'prefix' };
    }
    host = INSIDE_COMPONENT;
  }
  for (const blanket of policy.blankets) {
    if (path.startsWith(blanket)) return { rump: true, path, view: 'root', rule: 'blanket' };
  }
  const shown = decideShown(policy, path, isTraced);
  if (shown !== null) return shown;
  return hasPathRules(policy) ? host : NO_PATH_RULES;
}

/**
 * The host directory from which the relative `path` leads to or below the prefix: '/' for 'rump/x' under
 * path=/rump. undefined when there is none. The original leaves such paths to the host; but programs that walk to a
 * path component by component (openat(2) from '/', as rsync does) would never arrive.
 */
export function prefixParent(policy: Policy, path: string): string | undefined {
  const prefix = policy.path;
  if (prefix === '' || prefix.charCodeAt(prefix.length - 1) === SLASH) return undefined;
  for (let slash = prefix.length; ; ) {
    slash = prefix.lastIndexOf('/', slash - 1);
    const length = prefix.length - slash - 1;
    const whole = path.length === length || path.charCodeAt(length) === SLASH;
    if (whole && prefix.startsWith(path.slice(0, length), slash + 1)) {
      return slash === 0 ? '/' : prefix.slice(0, slash);
    }
    if (slash <= 0) return undefined;
  }
}

/** What the rump kernel shows in place of the host's own: sysctl's tree, the modules, the mount lists. */
function decideShown(
  policy: Policy,
  path: string,
  isTraced: ((pid: number) => boolean) | undefined,
): PathDecision | null {
  if (policy.vfs.getvfsstat && path === '/etc/mtab') return MOUNT_FILES.mounts;
  if (!path.startsWith('/proc/')) return null;
  if (policy.sysctl && path.startsWith('sys', 6) && (path.length === 9 || path.charCodeAt(9) === SLASH)) {
    return { rump: true, path: path.slice(6), view: 'proc', rule: 'sysctl' };
  }
  if (policy.modctl && path === '/proc/modules') return MODULES;
  if (!policy.vfs.getvfsstat) return null;
  if (path === '/proc/mounts') return MOUNT_FILES.mounts;
  const file = MOUNT_FILE.exec(path);
  if (file === null) return null;
  const [, pid, name] = file;
  if (pid !== undefined && isTraced !== undefined && !isTraced(Number(pid))) return OTHER_PROCESS;
  return MOUNT_FILES[name];
}

const FAMILY = Object.freeze<Decision>({ rump: true, rule: 'family' });
const NO_FAMILY = Object.freeze<Decision>({ rump: false, rule: 'no family' });
const UNKNOWN_FAMILY = Object.freeze<Decision>({ rump: false, rule: 'unknown family' });

/** Decides socket(2) and socketpair(2) by address family (Linux AF_*). Families that Linux has not are the host's to refuse. */
export function decideFamily(policy: Policy, family: number): Decision {
  if (policy.families.has(family)) return FAMILY;
  return family >= 0 && family < FAMILY_LIMIT ? NO_FAMILY : UNKNOWN_FAMILY;
}

type Switch = 'sysctl' | 'modctl' | 'nfssvc' | 'getvfsstat' | 'fhcalls';

/** Calls that name no path and no descriptor to go by, and the switch that decides them. */
export const CALL_SWITCHES: ReadonlyMap<string, Switch> = new Map<string, Switch>([
  ['_sysctl', 'sysctl'],
  ['init_module', 'modctl'],
  ['finit_module', 'modctl'],
  ['delete_module', 'modctl'],
  ['nfsservctl', 'nfssvc'],
  ['statmount', 'getvfsstat'],
  ['listmount', 'getvfsstat'],
  ['name_to_handle_at', 'fhcalls'],
  ['open_by_handle_at', 'fhcalls'],
]);

const ON: { readonly [S in Switch]: Decision } = {
  sysctl: Object.freeze<Decision>({ rump: true, rule: 'sysctl' }),
  modctl: Object.freeze<Decision>({ rump: true, rule: 'modctl' }),
  nfssvc: Object.freeze<Decision>({ rump: true, rule: 'nfssvc' }),
  getvfsstat: Object.freeze<Decision>({ rump: true, rule: 'getvfsstat' }),
  fhcalls: Object.freeze<Decision>({ rump: true, rule: 'fhcalls' }),
};
const OFF: { readonly [S in Switch]: Decision } = {
  sysctl: Object.freeze<Decision>({ rump: false, rule: 'no sysctl' }),
  modctl: Object.freeze<Decision>({ rump: false, rule: 'no modctl' }),
  nfssvc: Object.freeze<Decision>({ rump: false, rule: 'no nfssvc' }),
  getvfsstat: Object.freeze<Decision>({ rump: false, rule: 'no getvfsstat' }),
  fhcalls: Object.freeze<Decision>({ rump: false, rule: 'no fhcalls' }),
};
const NO_CALL_RULE = Object.freeze<Decision>({ rump: false, rule: 'no call rule' });

/** Decides a call of `CALL_SWITCHES` by its name; any other call stays on the host. */
export function decideCall(policy: Policy, call: string): Decision {
  const by = CALL_SWITCHES.get(call);
  if (by === undefined) return NO_CALL_RULE;
  const on = by === 'sysctl' || by === 'modctl' ? policy[by] : policy.vfs[by];
  return on ? ON[by] : OFF[by];
}

/** Whether any path can be the rump kernel's: if not, calls with paths need not be looked at. */
export function hasPathRules(policy: Policy): boolean {
  return (
    policy.path !== '' ||
    policy.blankets.length > 0 ||
    policy.sysctl ||
    policy.modctl ||
    policy.vfs.getvfsstat
  );
}

/** What stands before an absolute rump path in the program's eyes: '/rump'; '/' for `path=//`; '' for none. */
export function prefixFor(policy: Policy): string {
  return policy.path.endsWith('/') ? policy.path.slice(0, -1) : policy.path;
}

/** A rump directory as getcwd(2) shows it: with the rump prefix if there is one, else as it is. */
export function shownPath(policy: Policy, rumpPath: string): string {
  const prefix = prefixFor(policy);
  if (rumpPath !== '/') return prefix + rumpPath;
  return policy.path === '' ? '/' : policy.path;
}

function hostPath(rule: HostRule): PathDecision {
  return Object.freeze<PathDecision>({ rump: false, path: '', view: 'root', rule });
}

function rumpPath(path: string, view: 'root' | 'proc', rule: RumpRule): PathDecision {
  return Object.freeze<PathDecision>({ rump: true, path, view, rule });
}
