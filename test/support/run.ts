import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

/** The repository; this file is dist/test/support/run.js when it runs. */
export const root = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');
export const rumphijack = join(root, 'bin/rumphijack');

/** A program of test/programs/c, as test/programs/Makefile built it. */
export const program = (name: string): string => join(root, 'test/programs/build', name);

/** A program of which one process waits for a lock that another has (contended_lock.py). */
export const contendedLock = join(root, 'test/support/contended_lock.py');

export type Options = {
  /** Added to the environment below; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  input?: string | Uint8Array;
  cwd?: string;
  /** Milliseconds until the whole process group is killed and the test fails. */
  timeout?: number;
};

export type Result = { stdout: string; stderr: string; status: number | null; signal: string | null };

const nodeDir = process.execPath.replace(/\/[^/]*$/, '');

// Nothing of the developer's: locale, home and rumphijack settings would change what programs print. Version
// managers put scripts of their own in front of PATH, and what those do is not what is tested.
const environment = (): NodeJS.ProcessEnv => ({
  PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${nodeDir}`,
  HOME: '/nonexistent',
  LC_ALL: 'C',
  TZ: 'UTC',
  TERM: 'dumb',
});

/** Set by over_unix.ts and over_tcp.ts: programs run against a server of their own, in another process. */
let servers: (() => { readonly url: string; stop(): void }) | undefined;
export function useServers(start: typeof servers): void {
  servers = start;
}

export function spawnGroup(command: string, args: readonly string[], options: Options = {}) {
  const env = environment();
  for (const [name, value] of Object.entries(options.env ?? {})) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  const isTraced = [command, ...args].some(word => word.includes(rumphijack));
  const server = isTraced && env.RUMP_SERVER === undefined ? servers?.() : undefined;
  if (server !== undefined) env.RUMP_SERVER = server.url;
  // A group of its own, so that a test can signal it as a terminal would, and kill it whole.
  const child = spawn(command, args, { env, cwd: options.cwd ?? root, detached: true, stdio: 'pipe' });
  child.on('close', () => server?.stop());
  return child;
}

/** Runs any command and waits until every process that holds its output is gone. */
export function exec(command: string, args: readonly string[], options: Options = {}): Promise<Result> {
  return finish(spawnGroup(command, args, options), [command, ...args], options);
}

export function finish(
  child: ReturnType<typeof spawnGroup>,
  command: readonly string[],
  options: Options = {},
): Promise<Result> {
  const { timeout = 120_000, input = '' } = options;
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const text = () => ({
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    });
    child.stdout.on('data', (data: Buffer) => stdout.push(data));
    child.stderr.on('data', (data: Buffer) => stderr.push(data));
    // A program that does not read its input is no fault.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const timer = setTimeout(() => {
      killGroup(child.pid);
      reject(new Error(`timed out: ${command.join(' ')}\n${JSON.stringify(text(), null, 1)}`));
    }, timeout);
    child.on('error', error => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ ...text(), status, signal });
    });
  });
}

export function killGroup(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: all of them are gone already.
  }
}

/** Runs `bin/rumphijack ARGS...`. */
export const run = (args: readonly string[], options: Options = {}): Promise<Result> =>
  exec(rumphijack, args, options);

/** Runs a shell script under `rumphijack run`. */
export const inRump = (script: string, options: Options = {}): Promise<Result> =>
  run(['run', '--', 'sh', '-c', script], options);

/** A new directory on a host tmpfs, removed at the test's end. */
export function scratch(t: ExecutionContext): string {
  const dir = mkdtempSync('/dev/shm/rumphijack-test-');
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export type Compare = Options & {
  shell?: readonly string[];
  /** What the bare run prints otherwise than one through a server, as docs/rump_sp.md has it. */
  overWire?: readonly (readonly [bare: string, rump: string])[];
};

/**
 * Runs the same script bare in a host tmpfs and under rumphijack in /rump, and expects the same output and status.
 * The script starts in an empty directory of its own, $DIR; $HOST is an empty directory on the host either way.
 */
export async function same(t: ExecutionContext, script: string, options: Compare = {}): Promise<Result> {
  const top = scratch(t);
  const shell = options.shell ?? ['sh'];
  const results: Result[] = [];
  for (const under of ['bare', 'rump'] as const) {
    const host = join(top, under);
    const dir = under === 'rump' ? '/rump/dir' : join(host, 'dir');
    mkdirSync(join(host, 'host'), { recursive: true });
    const env = { ...options.env, DIR: dir, HOST: join(host, 'host'), HOME: join(host, 'host') };
    const enter = `mkdir "$DIR" && cd "$DIR" || exit 99\n${script}`;
    const command = [...shell, '-c', enter];
    const [first = 'sh', ...rest] = under === 'rump' ? [rumphijack, 'run', '--', ...command] : command;
    const result = await exec(first, rest, { ...options, env });
    const plain = (text: string) => text.replaceAll(dir, '$DIR').replaceAll(join(host, 'host'), '$HOST');
    results.push({ ...result, stdout: plain(result.stdout), stderr: plain(result.stderr) });
  }
  const [bare, rump] = results;
  if (bare === undefined || rump === undefined) throw new Error('two runs give two results');
  for (const [from, to] of servers === undefined ? [] : (options.overWire ?? []))
    bare.stdout = bare.stdout.replace(from, to);
  t.deepEqual(rump, bare);
  return rump;
}

export type PtyStep = { expect: string } | { send: string } | { resize: [rows: number, columns: number] };

/** Runs a command on a terminal of its own, step by step; fails when an expected text (a Python regex) does not come. */
export async function inPty(
  command: readonly string[],
  steps: readonly PtyStep[],
  options: Options = {},
): Promise<{ output: string; status: number }> {
  const helper = join(root, 'test/support/on_terminal.py');
  const result = await exec('/usr/bin/python3', ['-S', helper, JSON.stringify(steps), ...command], options);
  if (result.status !== 0) throw new Error(`${result.stderr}\n${result.stdout}`);
  const answer: unknown = JSON.parse(result.stdout);
  if (typeof answer !== 'object' || answer === null || !('output' in answer) || !('status' in answer)) {
    throw new Error(`unexpected answer: ${result.stdout}`);
  }
  return { output: String(answer.output), status: Number(answer.status) };
}
