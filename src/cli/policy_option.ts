/** The policy that the command line and the environment ask for. */
import { parseFdoff, parsePolicy } from '../policy/parse.js';
import type { Policy } from '../policy/policy.js';

/** --hijack and --fdoff as they were given, or undefined. */
export interface PolicyOptions {
  readonly hijack: string | undefined;
  readonly fdoff: string | undefined;
}

/** --hijack comes before RUMPHIJACK, --fdoff before both. Throws PolicyError. */
export function policyOf({ hijack, fdoff }: PolicyOptions): Policy {
  const policy = hijack === undefined ? parsePolicy(process.env.RUMPHIJACK) : parsePolicy(hijack, '--hijack');
  return fdoff === undefined ? policy : { ...policy, fdoff: parseFdoff(fdoff, '--fdoff') };
}
