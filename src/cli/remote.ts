/** What `run` needs for a kernel in another process; loaded only then. */
import type { RumpKernel } from '../kernel/rump_kernel.js';
import type { Hijacker } from '../rewrite/hijacker.js';
import { SysproxyClient } from '../sysproxy/client/client.js';
import { DialError } from '../sysproxy/client/dial.js';
import { parseRetry, RetryError } from '../sysproxy/client/retry.js';
import { UrlError } from '../sysproxy/url.js';
import { native } from '../tracer/native.js';
import { fail } from './output.js';

/** What is wrong with the URL, the server or the policy: messages are for the user. */
export function isServerError(error: unknown): error is Error {
  return error instanceof UrlError || error instanceof DialError || error instanceof RetryError;
}

/** Connects to the server at `url`, as `name`, and joins its loop with the tracer's. Throws what isServerError() knows. */
export function connect(
  url: string,
  retry: string | undefined,
  name: string,
  make: (kernel: RumpKernel) => Hijacker,
): Hijacker {
  const policy =
    retry === undefined
      ? parseRetry(process.env.RUMPHIJACK_RETRYCONNECT, 'RUMPHIJACK_RETRYCONNECT')
      : parseRetry(retry, '--retry');
  let hijacker: Hijacker | undefined;
  const client = SysproxyClient.open(
    {
      url,
      retry: policy,
      tell: fail,
      tag: () => hijacker?.tracer.current ?? 0,
      onSignal: (tid, signal) => hijacker?.raise(tid, signal),
      onDie: tid => hijacker?.endProgram(tid),
    },
    name,
  );
  hijacker = make(client);
  hijacker.tracer.onReady = () => client.loop.turn(0);
  client.loop.onTimeout = milliseconds => native.nextTimeout(milliseconds);
  return hijacker;
}
