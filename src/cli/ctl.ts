/** rumphijack ctl: looks into a server and sets it up, by the tools of ctl/. */
import { readFileSync } from 'node:fs';
import { Command as Parser } from 'commander';
import { SIGPIPE } from '../abi/linux/signal.js';
import { cp } from './ctl/copy.js';
import { CallError, ClosedPipe, Refusal } from './ctl/errors.js';
import { CTL_HELP, print, TOOLS, type ToolHelp, type ToolName } from './ctl/help.js';
import { ifconfig } from './ctl/ifconfig.js';
import { ls } from './ctl/list.js';
import { df, mount, umount } from './ctl/mounts.js';
import { ping } from './ctl/ping.js';
import { route } from './ctl/route.js';
import { Session } from './ctl/session.js';
import { sysctl } from './ctl/sysctl.js';
import { type Command, type Flags, Output, Tool } from './ctl/tool.js';
import { cat, halt, mkdir, ps, rm } from './ctl/tools.js';
import { fail, SIGNAL_BASE } from './output.js';

interface Entry {
  readonly run: Command;
  /** As commander has them. */
  readonly operands: string;
  readonly options: readonly (readonly [flags: string, says: string])[];
  /** Words that begin with - are its own to understand. */
  readonly words?: boolean;
}

const ENTRIES: Readonly<Record<ToolName, Entry>> = {
  ps: { run: ps, operands: '', options: [] },
  ls: {
    run: ls,
    operands: '[path...]',
    options: [
      ['-a', 'those whose names begin with a dot, too'],
      ['-l', 'with mode, links, owner, group, size and time'],
      ['-d', 'directories themselves, not what they hold'],
      ['-h', 'sizes in K, M and G'],
      ['-1', 'one to a line, on a terminal too'],
    ],
  },
  cat: { run: cat, operands: '<path...>', options: [] },
  cp: { run: cp, operands: '<source> <target...>', options: [['-r', 'directories with all below them']] },
  mkdir: {
    run: mkdir,
    operands: '<dir...>',
    options: [['-p', 'with parents, and content with what is there']],
  },
  rm: { run: rm, operands: '<path...>', options: [['-r', 'directories with all below them']] },
  mount: {
    run: mount,
    operands: '[source] [dir]',
    options: [
      ['-t <type>', 'the file system: tmpfs, null, ffs, ext2fs, lfs'],
      ['-o <options>', 'ro, nosuid, nodev, noexec, noatime, bind, remount and those of the file system'],
    ],
  },
  umount: { run: umount, operands: '<dir...>', options: [] },
  df: { run: df, operands: '[path...]', options: [['-h', 'sizes in K, M and G']] },
  sysctl: {
    run: sysctl,
    operands: '[name...]',
    options: [
      ['-a', 'all there are'],
      ['-n', 'values without their names'],
      ['-w', 'accepted; NAME=VALUE is enough'],
    ],
  },
  ifconfig: { run: ifconfig, operands: '[args...]', options: [], words: true },
  route: { run: route, operands: '[args...]', options: [], words: true },
  ping: {
    run: ping,
    operands: '<address>',
    options: [
      ['-c <count>', 'stop after so many requests'],
      ['-i <seconds>', 'between requests, 1 unless said otherwise'],
      ['-s <size>', 'bytes of data, 56 unless said otherwise'],
      ['-W <seconds>', 'how long answers are waited for after the last request, 10 unless said otherwise'],
      ['-q', 'the summary alone'],
      ['-n', 'accepted; hosts are shown by their numbers'],
    ],
  },
  halt: { run: halt, operands: '', options: [] },
};

/** Runs one command; UrlError, DialError and commander's errors are the caller's to tell. */
export function ctl(url: string, command: string, args: readonly string[]): void {
  // Names are bytes: one character each, whatever they mean.
  const words = rawArguments(args.length + 1, [command, ...args]);
  parser(url).parse(words, { from: 'user' });
}

function parser(url: string): Parser {
  const root = new Parser(`rumphijack ctl ${url}`)
    .usage('COMMAND [ARGS...]')
    .helpOption('--help', 'print this help and exit')
    .helpCommand(false)
    .configureHelp({ visibleCommands: () => [] })
    .addHelpText('after', CTL_HELP);
  for (const help of TOOLS) {
    const { name, args, says }: ToolHelp = help;
    const { run, operands, options, words = false } = ENTRIES[help.name];
    const tool = root.command(`${name} ${operands}`).usage(args).description(says);
    tool.helpOption('--help', 'print this help and exit');
    for (const [flags, text] of options) tool.option(flags, text);
    if ('more' in help) tool.addHelpText('after', help.more);
    tool.allowUnknownOption(words);
    tool.action(() => runTool(url, name, run, tool.args, tool.opts()));
  }
  for (const each of [root, ...root.commands]) each.exitOverride().configureOutput(COMMANDER_OUTPUT);
  return root;
}

/** For what commander itself says: its errors in our words, its help without a fuss about closed pipes. */
const COMMANDER_OUTPUT = {
  writeOut: (text: string) => print(fromBytes(text)),
  outputError: (text: string) => fail(fromBytes(text.replace(/^error: /, '').trim())),
};

function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString();
}

function runTool(url: string, name: string, run: Command, args: readonly string[], flags: Flags): void {
  const session = new Session(url);
  const tool = new Tool(name, session, new Output(1));
  try {
    try {
      run(tool, args, flags);
    } catch (error) {
      if (error instanceof CallError || error instanceof Refusal) tool.complain(error.message);
      else throw error;
    } finally {
      tool.out.flush();
    }
    process.exitCode = tool.status;
  } catch (error) {
    if (error instanceof ClosedPipe) process.exitCode = SIGNAL_BASE + SIGPIPE;
    else if (error instanceof Refusal) {
      tool.complain(error.message);
      process.exitCode = tool.status;
    } else throw error;
  } finally {
    session.close();
  }
}

/** The last `count` arguments as the bytes they were, which Node's decoding may have lost; `decoded` where they cannot be had. */
function rawArguments(count: number, decoded: readonly string[]): string[] {
  const raw = readFileSync('/proc/self/cmdline').toString('latin1').split('\0').slice(0, -1);
  const words = raw.slice(-count);
  const isSame = words.every((word, i) => fromBytes(word) === decoded[i]);
  return isSame ? words : decoded.map(word => Buffer.from(word).toString('latin1'));
}
