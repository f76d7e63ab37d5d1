/** The command line: thin commands over the modules below. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { MIN_FDOFF } from '../policy/policy.js';
import { CTL_HELP, print } from './ctl/help.js';
import { fail, OWN_FAILURE } from './output.js';

const RUN_EXAMPLES = `
Examples:
  rumphijack run -- busybox sh -c 'mkdir /rump/d; ls -l /rump'
  rumphijack run -v python3 -c 'print(open("/rump/f", "w").write("hi"))'
  rumphijack run --hijack path=/sandbox -- git init /sandbox/repo
  rumphijack run --hijack path=/rump,sysctl=yes -- cat /proc/sys/kern/ostype
  RUMPHIJACK=path=/rump,vfs=getvfsstat rumphijack run df

Exit status: the program's; 128+n when signal n ended it; 125 when rumphijack
itself fails, 126 when the program cannot be run, 127 when it is not found.
See rumphijack(1), and rumphijack(7) for what SPEC can say.`;

const SERVER_EXAMPLES = `
URL is unix:///absolute/path, unix://relative/path or tcp://host:port/. Whoever can
connect is root in this kernel: unix sockets are for their owner alone, tcp binds to
loopback addresses unless --listen-anywhere is given.

Examples:
  rumphijack server unix:///tmp/rump
  RUMP_SERVER=unix:///tmp/rump rumphijack run -- sh -c 'echo hi >/rump/f'
  RUMP_SERVER=unix:///tmp/rump rumphijack run -- cat /rump/f
  rumphijack ctl unix:///tmp/rump halt

Exit status: 0 when it serves in the background or was ended; 125 when it cannot.
See rumphijack(1).`;

const EXPLAIN_EXAMPLES = `
Examples:
  rumphijack explain openat /rumpdev/x
  rumphijack explain --hijack path=/sandbox rename /sandbox/a /tmp/b
  rumphijack explain read 130
  rumphijack explain socket AF_UNIX
  rumphijack explain --policy --hijack path=/rump,vfs=getvfsstat

Exit status: 0, or 125 for a call or a policy that there is not.
See rumphijack-explain(1).`;

const DOCTOR_NOTES = `
Exit status: 0 when all that 'run' needs is there, 1 when something is not.
See rumphijack-doctor(1).`;

function version(): string {
  for (const up of ['../../../package.json', '../../package.json']) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
        return String(manifest.version);
    } catch {
      // Compiled and source files lie at different depths.
    }
  }
  return 'unknown';
}

const NET_HELP =
  "an interface of the kernel's: tap=NAME or bus=FILE[,ADDRESS/LENGTH|dhcp][,gw=ADDRESS]; more than one may be given";

/** For options that may be given more than once. */
function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function program(): Command {
  const root = new Command('rumphijack')
    .description('Run any Linux program with a chosen part of its system calls answered by a rump kernel.')
    .version(`rumphijack ${version()}`, '-V, --version', 'print the version and exit')
    .helpOption('-h, --help', 'print this help and exit')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: print, outputError: text => fail(text.replace(/^error: /, '').trim()) });
  root
    .command('run')
    .description('start a program; everything below /rump lives in a rump kernel private to this run')
    .argument('<program>', 'the program, found through PATH as by the shell')
    .argument('[args...]', 'its arguments')
    .option('--hijack <spec>', 'what to hijack, as RUMPHIJACK (default: path=/rump,socket=all:nolocal)')
    .option('--server <url>', 'the rump kernel server, as RUMP_SERVER (default: an embedded kernel)')
    .option(
      '--retry <when>',
      'when the server is lost: die, once, inftime or seconds, as RUMPHIJACK_RETRYCONNECT',
    )
    .option(
      '--fdoff <n>',
      `rump descriptor 0 is this number in the program, at least ${MIN_FDOFF} (default: 128)`,
    )
    .option('-v, --verbose', 'tell each decision for the rump kernel, and its reason, on standard error')
    .option('--wait-all', 'wait for every descendant, not only for the program')
    .option('--net <interface>', NET_HELP, collect, [])
    .helpOption('-h, --help', 'print this help and exit')
    .addHelpText('after', RUN_EXAMPLES)
    .version(`rumphijack ${version()}`, '-V, --version', 'print the version and exit')
    .passThroughOptions()
    .action(async (name: string, args: string[], options: Record<string, unknown>) => {
      // Part by part: Node opens all files of a graph of modules at once, and users may have low limits of open files.
      await import('../kernel/embedded.js');
      await import('../rewrite/hijacker.js');
      const { run } = await import('./run.js');
      await run(name, args, {
        hijack: text(options.hijack),
        server: text(options.server),
        retry: text(options.retry),
        fdoff: text(options.fdoff),
        verbose: options.verbose === true,
        waitAll: options.waitAll === true,
        net: list(options.net),
      });
    });
  root
    .command('server')
    .description('serve the embedded kernel to rump_sp clients; goes to the background when it is ready')
    .argument('<url>', 'where to listen')
    .option('-s, --stay', 'stay in front')
    .option('--pid-file <file>', 'write the process id to this file while the server runs')
    .option(
      '--ready-fd <n>',
      'write a line with the URL to this descriptor when clients can come, and close it',
    )
    .option('--listen-anywhere', 'let tcp bind to addresses that other machines can reach')
    .option('--net <interface>', NET_HELP, collect, [])
    .helpOption('-h, --help', 'print this help and exit')
    .addHelpText('after', SERVER_EXAMPLES)
    .action(async (url: string, options: Record<string, unknown>) => {
      const { server } = await import('./server.js');
      await server(url, {
        stay: options.stay === true,
        pidFile: text(options.pidFile),
        readyFd: text(options.readyFd),
        listenAnywhere: options.listenAnywhere === true,
        net: list(options.net),
      });
    });
  root
    .command('ctl')
    .description('look into a rump kernel server and set it up')
    .usage('URL COMMAND [ARGS...]')
    .argument('<url>', 'the server')
    .argument('<command>', 'what to do there: see below')
    .argument('[args...]', 'its arguments')
    .helpOption('-h, --help', 'print this help and exit')
    .addHelpText('after', CTL_HELP)
    .passThroughOptions()
    .action(async (url: string, command: string, args: string[]) => {
      const { ctl } = await import('./ctl.js');
      ctl(url, command, args);
    });
  root
    .command('explain')
    .description('tell what would happen to a system call under a policy, and why; nothing is run')
    .argument('[call]', 'its name')
    .argument(
      '[args...]',
      'its arguments, or those of them that decide: paths, descriptors, an address family',
    )
    .option('--hijack <spec>', 'the policy, as RUMPHIJACK (default: path=/rump,socket=all:nolocal)')
    .option('--fdoff <n>', 'rump descriptor 0 is this number in the program (default: 128)')
    .option('--cwd <dir>', "the program's working directory (default: the present one)")
    .option('--policy', 'the policy in words, with every default')
    .option('--filter', 'the seccomp filter that it becomes, an instruction a line')
    .option('--json', 'for programs: one JSON value a line')
    .helpOption('-h, --help', 'print this help and exit')
    .addHelpText('after', EXPLAIN_EXAMPLES)
    .passThroughOptions()
    .action(async (call: string | undefined, args: string[], options: Record<string, unknown>) => {
      const { explain } = await import('./explain.js');
      process.exitCode = explain(call, args, {
        hijack: text(options.hijack),
        fdoff: text(options.fdoff),
        cwd: text(options.cwd),
        policy: options.policy === true,
        filter: options.filter === true,
        json: options.json === true,
      });
    });
  root
    .command('doctor')
    .description('check what this machine allows, say what each missing thing costs, and how to get it')
    .option('--server <url>', 'a rump kernel server to look at, too, as RUMP_SERVER')
    .option('--json', 'for programs: an array with an object for each thing')
    .helpOption('-h, --help', 'print this help and exit')
    .addHelpText('after', DOCTOR_NOTES)
    .action(async (options: Record<string, unknown>) => {
      const { doctor } = await import('./doctor.js');
      process.exitCode = await doctor({ server: text(options.server), json: options.json === true });
    });
  for (const command of root.commands) command.exitOverride();
  return root;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError || error instanceof InvalidArgumentError) {
    process.exitCode = error.exitCode === 0 ? 0 : OWN_FAILURE;
  } else {
    const message = error instanceof Error ? error.message : String(error);
    fail(message.split('\n', 1)[0]);
    process.exitCode = OWN_FAILURE;
  }
}
