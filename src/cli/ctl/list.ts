/** ls: files of the server. */
import { isatty } from 'node:tty';
import { major, minor, S_IFBLK, S_IFCHR, S_IFMT } from '../../abi/linux/stat.js';
import type { BytePath, Stat } from '../../kernel/rump_kernel.js';
import { byBytes, isDirectory, isSymlink, join, RumpFiles } from './files.js';
import { columns, fileTime, human, modeText, sideBySide } from './format.js';
import type { Flags, Tool } from './tool.js';

const DEFAULT_WIDTH = 80;

interface Entry {
  /** As it is shown. */
  readonly name: BytePath;
  readonly path: BytePath;
  readonly stat: Stat;
}

class Listing {
  readonly files: RumpFiles;
  readonly #isTerminal: boolean;

  constructor(
    readonly tool: Tool,
    readonly flags: Flags,
  ) {
    this.files = new RumpFiles(tool.session);
    this.#isTerminal = isatty(tool.out.fd);
  }

  get isLong(): boolean {
    return this.flags.l === true;
  }

  /** A file named by the user: ls -l and ls -d tell of a symlink itself. */
  named(path: BytePath): Entry | undefined {
    const follow = !this.isLong && this.flags.d !== true;
    const stat = this.tool.attempt(path, () => {
      try {
        return this.files.stat(path, follow);
      } catch (error) {
        // A link that leads nowhere is a file, too.
        if (follow) return this.files.stat(path, false);
        throw error;
      }
    });
    return stat && { name: path, path, stat };
  }

  directory(path: BytePath): void {
    const names = this.tool.attempt(path, () => this.files.list(path));
    if (names === undefined) return;
    const all = this.flags.a === true ? ['.', '..', ...names] : names.filter(name => !name.startsWith('.'));
    const entries: Entry[] = [];
    for (const name of all.sort(byBytes)) {
      const below = join(path, name);
      const stat = this.isLong ? this.tool.attempt(below, () => this.files.stat(below, false)) : ({} as Stat);
      if (stat !== undefined) entries.push({ name, path: below, stat });
    }
    if (this.isLong) this.tool.out.line(`total ${this.#total(entries)}`);
    this.show(entries);
  }

  #total(entries: readonly Entry[]): string {
    const bytes = entries.reduce((sum, { stat }) => sum + stat.blocks * 512, 0);
    return this.flags.h === true ? human(bytes) : String(Math.ceil(bytes / 1024));
  }

  show(entries: readonly Entry[]): void {
    for (const line of this.#lines(entries)) this.tool.out.line(line);
  }

  #lines(entries: readonly Entry[]): string[] {
    if (this.isLong) return this.#long(entries);
    const names = entries.map(({ name }) => this.#shown(name));
    if (!this.#isTerminal || this.flags[1] === true) return names;
    return sideBySide(names, process.stdout.columns || DEFAULT_WIDTH);
  }

  #long(entries: readonly Entry[]): string[] {
    const rows = entries.map(entry => {
      const { stat } = entry;
      const size = this.flags.h === true ? human(stat.size) : String(stat.size);
      return [
        modeText(stat.mode),
        String(stat.nlink),
        owner(stat.uid),
        owner(stat.gid),
        isDevice(stat.mode) ? `${major(stat.rdev)}, ${minor(stat.rdev)}` : size,
        fileTime(stat.mtimeSec),
        this.#shown(entry.name) + this.#target(entry),
      ];
    });
    return columns(rows, [true, false, true, true, false, true, true]);
  }

  #target({ path, stat }: Entry): string {
    if (!isSymlink(stat.mode)) return '';
    const target = this.tool.attempt(path, () => this.files.readlink(path));
    return target === undefined ? '' : ` -> ${this.#shown(target)}`;
  }

  /** A terminal is not to be told what to do by a file's name. */
  #shown(name: BytePath): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
    return this.#isTerminal ? name.replace(/[\x00-\x1f\x7f]/g, '?') : name;
  }
}

const isDevice = (mode: number): boolean => [S_IFCHR, S_IFBLK].includes(mode & S_IFMT);
/** The server's users have no names but this. */
const owner = (id: number): string => (id === 0 ? 'root' : String(id));

export function ls(tool: Tool, args: readonly string[], flags: Flags): void {
  const listing = new Listing(tool, flags);
  const paths = args.length === 0 ? ['.'] : [...args].sort(byBytes);
  const found = paths.map(path => listing.named(path)).filter(entry => entry !== undefined);
  const isListed = ({ stat }: Entry): boolean => flags.d !== true && isDirectory(stat.mode);
  const files = found.filter(entry => !isListed(entry));
  if (files.length > 0) listing.show(files);
  let isFirst = files.length === 0;
  for (const { path } of found.filter(isListed)) {
    if (!isFirst) tool.out.line('');
    if (paths.length > 1) tool.out.line(`${path}:`);
    isFirst = false;
    listing.directory(path);
  }
}
