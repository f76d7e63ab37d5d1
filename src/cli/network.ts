/** What --net says, and the interfaces that come of it; loaded when it is given. */
import type { EmbeddedKernel } from '../kernel/embedded.js';
import { type Attached, attachNetwork } from '../kernel/net/attach.js';
import { NetError } from '../kernel/net/net_error.js';
import { NetOptionError, parseNet } from './net_option.js';
import { fail } from './output.js';

/** Sets up an interface for each --net; throws what isNetworkError() knows. */
export function addInterfaces(kernel: EmbeddedKernel, options: readonly string[]): Attached {
  return attachNetwork(kernel, options.map(parseNet), fail);
}

/** What is told in one line. */
export function isNetworkError(error: unknown): boolean {
  return error instanceof NetError || error instanceof NetOptionError;
}
