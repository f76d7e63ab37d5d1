/** rumphijack ctl: looks into a rump kernel server, and sets it up. */
import { Command } from 'commander';
import { DialError } from '../sysproxy/client/dial.js';
import { UrlError } from '../sysproxy/url.js';
import { cat, cp } from './ctl/copying.js';
import { df, ls } from './ctl/listing.js';
import { CommandError, OutputGone, Session } from './ctl/session.js';
import { halt, mkdir, mount, ps, sysctl, umount } from './ctl/system.js';
import { fail, OWN_FAILURE } from './output.js';

const FAILED = 1;

/** Runs one command on the server; exits with 1 when it complained. */
function on(url: string, name: string, work: (session: Session) => void): void {
  let session: Session;
  try {
    session = new Session(url, name);
  } catch (error) {
    if (!(error instanceof UrlError || error instanceof DialError)) throw error;
    fail(error.message);
    process.exitCode = OWN_FAILURE;
    return;
  }
  try {
    work(session);
  } catch (error) {
    if (error instanceof CommandError) session.complain(error.message);
    else if (!(error instanceof OutputGone)) throw error;
  }
  if (session.failed) process.exitCode = FAILED;
  session.close();
}

const is = (options: Record<string, unknown>, name: string): boolean => options[name] === true;

/** Paths are bytes: what the shell gave as UTF-8 goes to the kernel as it is. */
const bytes = (words: readonly string[]): string[] =>
  words.map(word => Buffer.from(word, 'utf8').toString('latin1'));

/** The commands below `rumphijack ctl URL`. `prepare` makes each like the others of the program. */
export function ctl(url: string, words: readonly string[], prepare: (command: Command) => Command): void {
  const root = prepare(new Command('rumphijack ctl URL'));
  const add = (usage: string, description: string): Command =>
    prepare(root.command(usage)).description(description);
  add('ps', 'list processes').action(() => on(url, 'ps', ps));
  add('ls [paths...]', 'list files and directories')
    .option('-a', 'names that begin with a dot, too')
    .option('-d', 'directories themselves, not what is in them')
    .option('-l', 'modes, owners, sizes and times')
    .option('-h', 'sizes with a unit')
    .option('-1', 'a name a line, as always')
    .action((paths: string[], o: Record<string, unknown>) =>
      on(url, 'ls', session =>
        ls(session, bytes(paths), {
          all: is(o, 'a'),
          directory: is(o, 'd'),
          long: is(o, 'l'),
          human: is(o, 'h'),
        }),
      ),
    );
  add('cat <paths...>', 'write files to standard output').action((paths: string[]) =>
    on(url, 'cat', session => cat(session, bytes(paths))),
  );
  add('cp <paths...>', "copy in or out: the kernel's paths are written rump:/path")
    .option('-r', 'directories with all that is in them')
    .action((paths: string[], o: Record<string, unknown>) =>
      on(url, 'cp', session => cp(session, paths, is(o, 'r'))),
    );
  add('mkdir <paths...>', 'make directories')
    .option('-p', 'those above as well, and none is no error')
    .action((paths: string[], o: Record<string, unknown>) =>
      on(url, 'mkdir', session => mkdir(session, bytes(paths), is(o, 'p'))),
    );
  add('mount [args...]', 'list mounts, or mount SOURCE at a DIRECTORY')
    .option('-t <type>', 'the type of file system', 'tmpfs')
    .option('-o <options>', 'options, with commas between', '')
    .action((args: string[], o: { t: string; o: string }) =>
      on(url, 'mount', session => mount(session, bytes(args), o.t, o.o)),
    );
  add('umount <paths...>', 'unmount')
    .option('-f', 'although it is in use')
    .action((paths: string[], o: Record<string, unknown>) =>
      on(url, 'umount', session => umount(session, bytes(paths), is(o, 'f'))),
    );
  add('df [paths...]', 'tell how full file systems are')
    .option('-h', 'sizes with a unit')
    .action((paths: string[], o: Record<string, unknown>) =>
      on(url, 'df', session => df(session, bytes(paths), is(o, 'h'))),
    );
  add('sysctl [names...]', 'show variables, or set them: NAME=VALUE')
    .option('-a', 'all of them')
    .option('-N', 'names alone')
    .option('-n', 'values alone')
    .option('-w', 'set (a VALUE says so by itself)')
    .action((names: string[], o: Record<string, unknown>) =>
      on(url, 'sysctl', session =>
        sysctl(session, names, { all: is(o, 'a'), namesOnly: is(o, 'N'), valuesOnly: is(o, 'n') }),
      ),
    );
  add('halt', 'end the server').action(() => on(url, 'halt', halt));
  root.parse(['node', 'ctl', ...words]);
}
