/** From the table and the policy to what stops. */
import { NR } from '../abi/linux/syscalls.js';
import { CALL_SWITCHES, decideCall, hasPathRules } from '../policy/decide.js';
import type { Policy } from '../policy/policy.js';
import { compileFilter, type FilterRule } from '../tracer/filter.js';
import { type Row, TABLE } from './table.js';

/** Tested before the tree: short calls on descriptors, which are many. */
export const FIRST_CALLS: readonly number[] = [NR.read, NR.write];

/** A number that no call has: tracees make it to be given a descriptor (native/install.c). */
export const NOTIFY_CALL = 0x52480;

function fdTest({ args, below }: { args: readonly number[]; below?: number }): {
  args: readonly number[];
  below?: number;
} {
  return below === undefined ? { args } : { args, below };
}

function ruleOf(row: Row, policy: Policy): FilterRule | undefined {
  const { decides, nr } = row;
  const paths = hasPathRules(policy);
  // Rump descriptors are files or sockets.
  const files = paths || policy.families.size > 0;
  switch (decides.by) {
    case 'path':
      return paths ? { nr, stop: 'always' } : undefined;
    case 'always':
      return files ? { nr, stop: 'always' } : undefined;
    case 'fd':
      return files ? { nr, stop: 'fd', ...fdTest(decides) } : undefined;
    case 'mask':
      return files ? { nr, stop: 'mask', arg: decides.arg, mask: decides.mask } : undefined;
    case 'value':
      return files ? { nr, stop: 'values', arg: decides.arg, values: decides.values } : undefined;
    case 'switch':
      return CALL_SWITCHES.has(row.name) && decideCall(policy, row.name).rump
        ? { nr, stop: 'always' }
        : undefined;
    case 'family': {
      const values = [...policy.families];
      return values.length > 0 ? { nr, stop: 'values', arg: 0, values } : undefined;
    }
    case 'errno':
      return files ? { nr, stop: 'errno', errno: decides.errno } : undefined;
  }
}

/** What stops under a policy. */
export function filterRules(policy: Policy): FilterRule[] {
  return TABLE.map(row => ruleOf(row, policy)).filter(rule => rule !== undefined);
}

/** The calls on descriptors alone: for a low number that became a rump descriptor's. */
export function descriptorRules(): FilterRule[] {
  const rules: FilterRule[] = [];
  for (const { decides, nr } of TABLE)
    if (decides.by === 'fd') rules.push({ nr, stop: 'fd', args: decides.args });
  return rules;
}

/** The filter of a program's start (struct sock_filter[]), empty where nothing is hijacked; fdoff - 1 is kept for the placeholders' source. */
export function policyFilter(policy: Policy): Uint8Array {
  const rules = filterRules(policy);
  if (rules.length === 0) return new Uint8Array(0);
  const fds = { min: policy.fdoff - 1 };
  return compileFilter(rules, fds, { first: FIRST_CALLS, foreign: true, notify: NOTIFY_CALL });
}
