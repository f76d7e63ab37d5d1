/** Network programs, both sides of a conversation under one `rumphijack run`: one kernel of their own, so that ports are free. */
import type { ExecutionContext } from 'ava';
import { exec, type Options, type Result, rumphijack, scratch } from './run.js';

/** Shell functions for all scripts. $PORT is a port, $HOST a directory on the host. */
const PRELUDE = `
PORT=\${PORT:-8080}
fail() { echo "failed: $*" >&2; exit 99; }
# Waits until something listens at a port.
listening() {
  tries=0
  until nc -z 127.0.0.1 "$1" 2>/dev/null; do
    tries=$((tries + 1)); [ $tries -lt 500 ] || fail "nothing listens at $1"
  done
}
# Ends what was started in the background, and waits for it.
stop() { kill "$@" 2>/dev/null; wait "$@" 2>/dev/null || :; }
`;

export type NetOptions = Options & {
  /** RUMPHIJACK of the run; by default sockets and /rump. */
  hijack?: string;
};

/** Runs a script under rumphijack; its standard error is part of what failed assertions show. */
export async function inNet(t: ExecutionContext, script: string, options: NetOptions = {}): Promise<Result> {
  const host = scratch(t);
  const hijack = options.hijack === undefined ? [] : ['--hijack', options.hijack];
  const result = await exec(rumphijack, ['run', ...hijack, '--', 'sh', '-c', PRELUDE + script], {
    ...options,
    env: { ...options.env, HOST: host },
  });
  t.is(result.status, 0, `${result.stderr}\n${result.stdout}`);
  return result;
}

export const node = process.execPath;
