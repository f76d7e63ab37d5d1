/** rumphijack explain: what would happen to a call under a policy, and why; runs nothing. */
import { explainCall, explanationText, isSyscallName, similarCalls, stopsOf } from '../debug/explain.js';
import { filterText } from '../debug/filter_text.js';
import { type Policy, PolicyError, printable } from '../policy/policy.js';
import { describePolicy, describeUnset } from '../policy/words.js';
import { policyFilter } from '../rewrite/rules.js';
import { print } from './ctl/help.js';
import { fail, OWN_FAILURE } from './output.js';
import { type PolicyOptions, policyOf } from './policy_option.js';

export interface ExplainOptions extends PolicyOptions {
  cwd: string | undefined;
  policy: boolean;
  filter: boolean;
  json: boolean;
}

function printPolicy(policy: Policy, isJson: boolean): void {
  if (!isJson) return print(`${[...describePolicy(policy), ...describeUnset(policy)].join('\n')}\n`);
  print(`${JSON.stringify({ ...policy, families: [...policy.families] })}\n`);
}

/** In columns as a terminal has them: names fill the lines below what is true of them. */
const WIDTH = 80;

function paragraph(head: string, words: readonly string[]): string[] {
  const lines = [`${head}:`];
  let line = ' ';
  for (const word of words) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function printFilter(policy: Policy, isJson: boolean): void {
  const program = filterText(policyFilter(policy));
  const groups = [...stopsOf(policy)];
  if (isJson) {
    const calls = Object.fromEntries(groups.flatMap(([when, names]) => names.map(name => [name, when])));
    return print(`${JSON.stringify({ calls, program: program.map(line => line.trim()) })}\n`);
  }
  if (program.length === 0) return print('no filter: nothing is hijacked\n');
  const lines = groups.flatMap(([when, names]) => paragraph(when, names));
  print([...lines, 'all other calls never stop', '', ...program, ''].join('\n'));
}

function unknownCall(name: string): number {
  const near = similarCalls(name);
  const hint = near.length === 0 ? '' : `; did you mean ${near.slice(0, 5).join(', ')}?`;
  fail(`explain: Linux has no system call '${printable(name)}'${hint}`);
  return OWN_FAILURE;
}

/** Returns the exit status: 0, or 125 after one line. */
export function explain(call: string | undefined, args: readonly string[], options: ExplainOptions): number {
  try {
    const policy = policyOf(options);
    if (options.policy) printPolicy(policy, options.json);
    if (options.filter) printFilter(policy, options.json);
    if (call === undefined) {
      if (options.policy || options.filter) return 0;
      fail('explain: give a call and what it is asked for, or --policy or --filter; see --help');
      return OWN_FAILURE;
    }
    if (!isSyscallName(call)) return unknownCall(call);
    const found = explainCall(policy, call, args, options.cwd ?? process.cwd());
    print(options.json ? `${JSON.stringify(found)}\n` : `${explanationText(found).join('\n')}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    fail(error.message);
    return OWN_FAILURE;
  }
}
