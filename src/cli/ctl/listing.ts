/** ls(1) and df(1), as far as they help to look into a kernel. */
import { major, minor, S_IFMT } from '../../abi/linux/stat.js';
import { AT_FDCWD, type MountInfo, type Stat, type StatFs } from '../../kernel/rump_kernel.js';
import { CommandError, errorText, type Session, shown, tell } from './session.js';

const TYPES = new Map([
  [0o010000, 'p'],
  [0o020000, 'c'],
  [0o040000, 'd'],
  [0o060000, 'b'],
  [0o100000, '-'],
  [0o120000, 'l'],
  [0o140000, 's'],
]);
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;

export interface ListOptions {
  all: boolean;
  directory: boolean;
  long: boolean;
  human: boolean;
}

/** drwxr-xr-x, with the set-id and sticky bits as ls(1) shows them. */
function modeText(mode: number): string {
  const triple = (shift: number, special: boolean, letter: string): string => {
    const bits = mode >> shift;
    const execute = (bits & 1) !== 0;
    const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? 'x' : '-';
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
  };
  const type = TYPES.get(mode & S_IFMT) ?? '?';
  return (
    type +
    triple(6, (mode & 0o4000) !== 0, 's') +
    triple(3, (mode & 0o2000) !== 0, 's') +
    triple(0, (mode & 0o1000) !== 0, 't')
  );
}

/** Bytes with a unit, one decimal below 10, rounded up as ls -h and df -h do. */
export function human(bytes: number): string {
  if (bytes < 1024) return String(bytes);
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < 6) {
    value /= 1024;
    unit++;
  }
  const text = value < 9.95 ? (Math.ceil(value * 10) / 10).toFixed(1) : String(Math.ceil(value));
  return `${text}${' KMGTPE'[unit]}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const HALF_YEAR = 15_778_476;

/** As ls -l: the hour for times of the last six months, else the year. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  const now = Date.now() / 1000;
  const two = (value: number): string => String(value).padStart(2, '0');
  const recent = seconds <= now + 60 && seconds > now - HALF_YEAR;
  const last = recent ? `${two(date.getHours())}:${two(date.getMinutes())}` : ` ${date.getFullYear()}`;
  return `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${last}`;
}

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly stat: Stat;
}

function userName(id: number): string {
  return id === 0 ? 'root' : String(id);
}

function longLines(session: Session, entries: readonly Entry[], options: ListOptions): string[] {
  const rows = entries.map(({ name, path, stat }) => {
    const type = stat.mode & S_IFMT;
    const isDevice = type === 0o020000 || type === 0o060000;
    const size = isDevice
      ? `${major(stat.rdev)}, ${minor(stat.rdev)}`
      : options.human
        ? human(stat.size)
        : String(stat.size);
    const target = type === S_IFLNK ? ` -> ${linkTarget(session, path)}` : '';
    const who = [userName(stat.uid), userName(stat.gid)];
    return [
      modeText(stat.mode),
      String(stat.nlink),
      ...who,
      size,
      timeText(stat.mtimeSec),
      shown(name) + target,
    ];
  });
  const width = (column: number): number => Math.max(0, ...rows.map(row => row[column].length));
  const widths = [0, 1, 2, 3, 4].map(width);
  return rows.map(
    ([mode, links, user, group, size, time, name]) =>
      `${mode} ${links.padStart(widths[1])} ${user.padEnd(widths[2])} ${group.padEnd(widths[3])} ${size.padStart(widths[4])} ${time} ${name}`,
  );
}

function linkTarget(session: Session, path: string): string {
  const out = Buffer.alloc(4096);
  const length = session.now(session.process.readlinkAt(AT_FDCWD, path, out));
  return shown(out.toString('latin1', 0, Math.max(length, 0)));
}

function print(session: Session, entries: readonly Entry[], options: ListOptions): void {
  const lines = options.long ? longLines(session, entries, options) : entries.map(({ name }) => shown(name));
  if (lines.length > 0) tell(1, `${lines.join('\n')}\n`);
}

function listDirectory(session: Session, path: string, options: ListOptions): void {
  const names = session.names(path).filter(name => options.all || !name.startsWith('.'));
  if (options.all) names.unshift('.', '..');
  const entries: Entry[] = [];
  for (const name of names) {
    const inner = path.endsWith('/') ? path + name : `${path}/${name}`;
    const stat = session.stat(inner, false);
    if (stat !== undefined) entries.push({ name, path: inner, stat });
  }
  if (options.long) {
    const blocks = entries.reduce((sum, { stat }) => sum + stat.blocks, 0);
    tell(1, `total ${options.human ? human(blocks * 512) : Math.ceil(blocks / 2)}\n`);
  }
  print(session, entries, options);
}

/** ls: files first, then directories, with headings where there are several. */
export function ls(session: Session, paths: readonly string[], options: ListOptions): void {
  const given = paths.length === 0 ? ['/'] : paths;
  const found: Entry[] = [];
  for (const path of given) {
    const stat = session.stat(path, !options.long && !options.directory);
    if (stat !== undefined) found.push({ name: path, path, stat });
  }
  const isList = ({ stat }: Entry): boolean => !options.directory && (stat.mode & S_IFMT) === S_IFDIR;
  const files = found.filter(entry => !isList(entry));
  const directories = found.filter(isList);
  print(session, files, options);
  directories.forEach(({ path }, i) => {
    if (given.length > 1) tell(1, `${i > 0 || files.length > 0 ? '\n' : ''}${shown(path)}:\n`);
    try {
      listDirectory(session, path, options);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      session.complain(error.message);
    }
  });
}

function percent(used: number, available: number): string {
  return used + available === 0 ? '-' : `${Math.ceil((used * 100) / (used + available))}%`;
}

/** df: all file systems, or those that the paths lie in. */
export function df(session: Session, paths: readonly string[], isHuman: boolean): void {
  const mounts: MountInfo[] = [];
  session.must('cannot list mounts', session.process.mounts(mounts));
  const wanted = paths.length === 0 ? mounts.map(mount => mount.mountPoint) : paths;
  const rows = [
    [
      'Filesystem',
      isHuman ? 'Size' : '1K-blocks',
      'Used',
      isHuman ? 'Avail' : 'Available',
      'Use%',
      'Mounted on',
    ],
  ];
  for (const path of wanted) {
    const fs = {} as StatFs;
    const done = session.now(session.process.statfs(path, fs));
    if (done < 0) {
      session.complain(`${shown(path)}: ${errorText(-done)}`);
      continue;
    }
    const mount = mountOf(mounts, path);
    const size = (blocks: number): string =>
      isHuman ? human(blocks * fs.bsize) : String(Math.ceil((blocks * fs.bsize) / 1024));
    const used = fs.blocks - fs.bfree;
    rows.push([
      mount?.source ?? '-',
      size(fs.blocks),
      size(used),
      size(fs.bavail),
      percent(used, fs.bavail),
      mount?.mountPoint ?? path,
    ]);
  }
  tell(1, columns(rows, [1, 2, 3, 4]));
}

/** The mount that a path lies in, by its words. */
function mountOf(mounts: readonly MountInfo[], path: string): MountInfo | undefined {
  const inside = (point: string): boolean => point === '/' || path === point || path.startsWith(`${point}/`);
  return mounts
    .filter(mount => inside(mount.mountPoint))
    .sort((a, b) => b.mountPoint.length - a.mountPoint.length)[0];
}

/** Lines of columns as wide as their contents; those in `right` stand to the right, the last is as it is. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column].length))) ?? [];
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => {
        if (column === row.length - 1) return text;
        return right.includes(column) ? text.padStart(widths[column]) : text.padEnd(widths[column]);
      })
      .join(' ');
  return rows.map(row => `${line(row)}\n`).join('');
}
