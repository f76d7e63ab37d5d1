/** Decisions and policies in words, for traces, `explain` and messages. */

import type { Rule } from './decide.js';
import { ALL_FAMILIES, familyName } from './families.js';
import { type Policy, pathText } from './policy.js';

/**
 * The reason behind a rule, to stand after `host: ` or `rump: `.
 *
 * @param subject what was decided: the path (one character per byte), the address family, or the call's name
 */
export function explainRule(rule: Rule, policy: Policy, subject: string | number): string {
  switch (rule) {
    case 'prefix':
      return `path=${pathText(policy.path)} is a prefix`;
    case 'slashes':
      return `path=${policy.path}: the path begins with ${policy.path.length} slashes`;
    case 'blanket':
      return `blanket=${pathText(blanketOf(policy, subject))} is a prefix`;
    case 'relative':
      return 'a relative path goes by its directory';
    case 'no path rules':
      return 'the policy hijacks no paths';
    case 'no prefix':
      return 'no prefix matches';
    case 'inside component':
      return `path=${pathText(policy.path)}: the prefix ends inside a component`;
    case 'other process':
      return 'vfs=getvfsstat: not the mount list of a traced process';
    case 'family':
      return `socket: ${subjectFamily(subject)} is in the policy`;
    case 'no family':
      return `socket: ${subjectFamily(subject)} is not in the policy`;
    case 'unknown family':
      return `socket: Linux has no ${subjectFamily(subject)}`;
    case 'sysctl':
    case 'modctl':
      return `${rule}=yes is in the policy`;
    case 'nfssvc':
    case 'getvfsstat':
    case 'fhcalls':
      return `vfs: ${rule} is in the policy`;
    case 'no sysctl':
    case 'no modctl':
      return `${rule.slice(3)}=yes is not in the policy`;
    case 'no nfssvc':
    case 'no getvfsstat':
    case 'no fhcalls':
      return `vfs: ${rule.slice(3)} is not in the policy`;
    case 'no call rule':
      return 'no key of the policy covers this call';
  }
}

function subjectFamily(subject: string | number): string {
  return familyName(Number(subject));
}

function blanketOf(policy: Policy, subject: string | number): string {
  const path = String(subject);
  return policy.blankets.find(blanket => path.startsWith(blanket)) ?? '';
}

/** The whole policy, one sentence a line, each with the key that it comes from. */
export function describePolicy(policy: Policy): string[] {
  const lines: string[] = [];
  if (policy.path !== '') lines.push(describePath(policy.path));
  for (const blanket of policy.blankets) {
    const text = pathText(blanket);
    lines.push(`blanket: paths that begin with ${text} are the rump kernel's, under the same name`);
  }
  if (policy.families.size > 0) lines.push(`socket: ${describeFamilies(policy)}`);
  if (policy.vfs.nfssvc) lines.push('vfs: nfssvc: nfsservctl goes to the rump kernel');
  if (policy.vfs.getvfsstat) {
    lines.push("vfs: getvfsstat: mount lists, statmount and listmount show the rump kernel's mounts");
  }
  if (policy.vfs.fhcalls) lines.push('vfs: fhcalls: file handle calls go to the rump kernel');
  if (policy.sysctl) lines.push("sysctl: /proc/sys is the rump kernel's sysctl tree");
  if (policy.modctl) lines.push('modctl: module calls and /proc/modules go to the rump kernel');
  if (lines.length === 0) return ['nothing is hijacked: every call goes to the host'];
  lines.push(`fdoff: rump descriptor n is ${policy.fdoff} + n in the program`);
  if (policy.source === 'default') lines.push('(the default, as RUMPHIJACK is unset)');
  return lines;
}

/** The keys that are not set, each with what that means. */
export function describeUnset(policy: Policy): string[] {
  const { vfs } = policy;
  const lines: string[] = [];
  const unset = (isSet: boolean, text: string): void => {
    if (!isSet) lines.push(text);
  };
  unset(policy.path !== '', 'path: none: no name leads into the rump kernel');
  unset(policy.blankets.length > 0, 'blanket: none');
  unset(policy.families.size > 0, "socket: none: all sockets are the host's");
  unset(vfs.nfssvc, "vfs: no nfssvc: nfsservctl is the host's");
  unset(vfs.getvfsstat, "vfs: no getvfsstat: mount lists are the host's");
  unset(vfs.fhcalls, "vfs: no fhcalls: file handles are the host's");
  unset(policy.sysctl, "sysctl: no: /proc/sys is the host's");
  unset(policy.modctl, "modctl: no: module calls and /proc/modules are the host's");
  return lines;
}

function describePath(path: string): string {
  const text = pathText(path);
  if (path.endsWith('/'))
    return `path: paths that begin with ${text} are the rump kernel's: ${text}etc is its /etc`;
  return `path: ${text} and all below it is the rump kernel's: ${text}/etc is its /etc`;
}

function describeFamilies(policy: Policy): string {
  const off = ALL_FAMILIES.filter(family => !policy.families.has(family));
  if (off.length === 0) return "sockets of all families are the rump kernel's";
  if (off.length < policy.families.size) {
    return `sockets of all families but ${off.map(familyName).join(', ')} are the rump kernel's`;
  }
  return `sockets of ${[...policy.families].map(familyName).join(', ')} are the rump kernel's`;
}
