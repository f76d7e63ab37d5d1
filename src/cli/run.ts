/** rumphijack run: starts a program under the tracer and ends as it ends. */
import { readFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { EACCES, ENOENT, ENOEXEC, errnoName } from '../abi/linux/errno.js';
import { EmbeddedKernel } from '../kernel/embedded.js';
import type { RumpKernel } from '../kernel/rump_kernel.js';
import { type Policy, PolicyError } from '../policy/policy.js';
import { Hijacker } from '../rewrite/hijacker.js';
import { NOTIFY_CALL, policyFilter } from '../rewrite/rules.js';
import { hostSlabs, native } from '../tracer/native.js';
import { CANNOT_RUN, fail, NOT_FOUND, OWN_FAILURE, SIGNAL_BASE } from './output.js';
import { type PolicyOptions, policyOf } from './policy_option.js';

export interface RunOptions extends PolicyOptions {
  server: string | undefined;
  retry: string | undefined;
  verbose: boolean;
  waitAll: boolean;
  /** --net, as often as it was given. */
  net: readonly string[];
}

/** rh_start_error() adds these to an errno that was not execve's (native/start.c). */
const NOT_EXEC = 0x10000;
const NO_NUMBER = 0x20000;

/** The last `count` arguments as the bytes they were: Node has decoded them, and what is not UTF-8 would be lost. */
function rawArguments(count: number): Buffer[] {
  const raw = readFileSync('/proc/self/cmdline');
  const all: Buffer[] = [];
  for (let at = 0; at < raw.length; ) {
    const end = raw.indexOf(0, at);
    all.push(raw.subarray(at, end));
    at = end + 1;
  }
  return all.slice(all.length - count);
}

/** Where execvp(3) would look. */
function candidates(program: Buffer): Buffer[] {
  if (program.includes('/')) return [program];
  const path = process.env.PATH ?? '/bin:/usr/bin';
  return path.split(':').map(dir => Buffer.concat([Buffer.from(dir === '' ? '' : `${dir}/`), program]));
}

/** What bin/rumphijack saw before Node changed it. */
function launch(): { ignored: bigint; nofile: number; open: number } {
  const { RUMPHIJACK_LAUNCH_SIGIGN, RUMPHIJACK_LAUNCH_NOFILE, RUMPHIJACK_LAUNCH_FDS } = process.env;
  const mask = /^[0-9a-f]{1,16}$/i.test(RUMPHIJACK_LAUNCH_SIGIGN ?? '')
    ? BigInt(`0x${RUMPHIJACK_LAUNCH_SIGIGN}`)
    : 0n;
  const soft = Number(RUMPHIJACK_LAUNCH_NOFILE);
  const fds = (RUMPHIJACK_LAUNCH_FDS ?? '0 1 2').split(' ').filter(fd => /^\d{1,2}$/.test(fd));
  return {
    ignored: mask,
    nofile: Number.isSafeInteger(soft) && soft > 0 ? soft : -1,
    open: fds.reduce((bits, fd) => bits | (1 << Number(fd)), 0),
  };
}

function errnoText(errno: number): string {
  const [, text] = getSystemErrorMap().get(-errno) ?? [];
  return text ?? errnoName(errno);
}

/** One line that says what is wrong with the program, and the status for it. */
function cannotRun(program: string, error: number): number {
  if (error === 0) fail(`'${program}' was ended before it began`);
  else if (error >= NOT_EXEC) {
    if ((error & NO_NUMBER) !== 0)
      fail('the hard limit of open files (ulimit -Hn) is below the descriptor offset: use a lower --fdoff');
    else
      fail(`cannot prepare '${program}': ${errnoText(error & 0xffff)} (seccomp filters have to be allowed)`);
    return OWN_FAILURE;
  } else if (error === ENOENT) {
    fail(`'${program}' not found: check the name and PATH`);
    return NOT_FOUND;
  } else if (error === EACCES)
    fail(`cannot run '${program}': permission denied; is it a file that may be executed?`);
  else if (error === ENOEXEC)
    fail(`cannot run '${program}': no program and no #! line; give its interpreter, e.g. sh ${program}`);
  else fail(`cannot run '${program}': ${errnoText(error)}`);
  return error === 0 ? OWN_FAILURE : CANNOT_RUN;
}

type Remote = typeof import('./remote.js');
type Network = typeof import('./network.js');

/** Runs the program; does not return. */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<void> {
  const server = options.server ?? process.env.RUMP_SERVER ?? '';
  // A low limit of open files is enough for what is loaded, and no more is loaded than is needed.
  const remote = server === '' ? undefined : await import('./remote.js');
  const network = options.net.length === 0 ? undefined : await import('./network.js');
  native.exit(supervise(program, args.length + 1, options, { server, remote, network }));
}

/** Where the kernel is, and what is loaded for that. */
interface Where {
  readonly server: string;
  readonly remote: Remote | undefined;
  readonly network: Network | undefined;
}

interface Setup {
  policy: Policy;
  hijacker: Hijacker;
  found: ReturnType<typeof launch>;
  /** Takes the kernel's interfaces down. */
  close: () => void;
}

/** A kernel of our own, whose loop is turned when the tracer has nothing else to do. */
function embedded(
  make: (kernel: RumpKernel) => Hijacker,
  { network }: Where,
  net: readonly string[],
): Pick<Setup, 'hijacker' | 'close'> {
  const kernel = new EmbeddedKernel({ slabs: hostSlabs, say: fail });
  // Before interfaces have timers: a time that is told to nobody comes only with the next one.
  kernel.loop.onTimeout = milliseconds => native.nextTimeout(milliseconds);
  const attached = network?.addInterfaces(kernel, net);
  const hijacker = make(kernel);
  hijacker.tracer.onReady = () => kernel.loop.turn(0);
  return { hijacker, close: () => attached?.close() };
}

/** All that can fail before anything runs. */
function prepare(program: string, options: RunOptions, where: Where): Setup {
  const policy = policyOf(options);
  const found = launch();
  const make = (kernel: RumpKernel): Hijacker =>
    new Hijacker({ policy, kernel, verbose: options.verbose, warn: fail, nofile: found.nofile });
  const { remote, server } = where;
  if (remote === undefined) return { policy, found, ...embedded(make, where, options.net) };
  if (options.net.length > 0)
    throw new PolicyError(
      '--net',
      options.net[0],
      "interfaces are the server's: give it to 'rumphijack server'",
    );
  const name = program.slice(program.lastIndexOf('/') + 1);
  const hijacker = remote.connect(server, options.retry, name, make);
  return { policy, found, hijacker, close: () => {} };
}

function supervise(program: string, count: number, options: RunOptions, where: Where): number {
  let setup: Setup;
  try {
    setup = prepare(program, options, where);
  } catch (error) {
    const isKnown =
      error instanceof PolicyError ||
      where.remote?.isServerError(error) === true ||
      where.network?.isNetworkError(error) === true;
    if (!isKnown || !(error instanceof Error)) throw error;
    fail(error.message);
    return OWN_FAILURE;
  }
  try {
    return trace(program, count, options, setup);
  } finally {
    setup.close();
  }
}

function trace(program: string, count: number, options: RunOptions, setup: Setup): number {
  const { policy, hijacker, found } = setup;
  const filter = policyFilter(policy);
  const raw = rawArguments(count);
  const main = hijacker.tracer.start(
    {
      ...found,
      args: raw,
      candidates: candidates(raw[0]),
      filter,
      hidden: hijacker.hidden,
      notify: filter.length === 0 ? 0 : NOTIFY_CALL,
    },
    pid => hijacker.firstState(pid, program),
  );
  if (typeof main === 'number') {
    fail(
      `cannot start a traced process: ${errnoText(-main)}; is ptrace allowed here (kernel.yama.ptrace_scope)?`,
    );
    return OWN_FAILURE;
  }
  hijacker.watch(main.call);
  const outcome = hijacker.tracer.run(options.waitAll);
  if (!outcome.executed) return cannotRun(program, native.startError());
  const { refused } = hijacker.stats;
  if (options.verbose && refused > 0)
    fail(`${refused} ${refused === 1 ? 'call' : 'calls'} refused: the rump kernel does not serve them`);
  if (outcome.leftBehind > 0) {
    const what = outcome.leftBehind === 1 ? '1 process' : `${outcome.leftBehind} processes`;
    fail(`${what} that '${program}' left behind ended with it (--wait-all waits for them)`);
  }
  return outcome.signal === 0 ? outcome.status : SIGNAL_BASE + outcome.signal;
}
