/** How tools show numbers, modes and tables. */
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
} from '../../abi/linux/stat.js';

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/** Bytes in powers of 1024 as the GNU tools have them: rounded up, with one decimal below 10. */
export function human(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  if (unit === 0) return String(value);
  const tenths = Math.ceil(value * 10) / 10;
  if (tenths < 10) return `${tenths.toFixed(1)}${UNITS[unit]}`;
  const whole = Math.ceil(value);
  return whole === 1024 && unit < UNITS.length - 1 ? `1.0${UNITS[unit + 1]}` : `${whole}${UNITS[unit]}`;
}

const TYPE_LETTERS = new Map([
  [S_IFDIR, 'd'],
  [S_IFLNK, 'l'],
  [S_IFCHR, 'c'],
  [S_IFBLK, 'b'],
  [S_IFIFO, 'p'],
  [S_IFSOCK, 's'],
]);

/** 'drwxr-xr-x' */
export function modeText(mode: number): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = mode >> shift;
    const isSpecial = (mode & special) !== 0;
    const execute = (bits & 1) !== 0 ? (isSpecial ? letter : 'x') : isSpecial ? letter.toUpperCase() : '-';
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${execute}`;
  };
  const type = TYPE_LETTERS.get(mode & S_IFMT) ?? '-';
  return type + triple(6, S_ISUID, 's') + triple(3, S_ISGID, 's') + triple(0, S_ISVTX, 't');
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/** Half a Gregorian year, seconds: older times are shown with their year. */
const RECENT = 31556952 / 2;

const two = (n: number): string => String(n).padStart(2, '0');
const day = (date: Date): string => `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)}`;

/** 'Nov 26 01:00', or 'Nov 26  2019' for what is old or in the future. */
export function fileTime(seconds: number, now = Date.now() / 1000): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return '?';
  if (seconds > now || seconds < now - RECENT) return `${day(date)}  ${date.getFullYear()}`;
  return `${day(date)} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** As ctime(3), without the newline. */
export function ctime(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return '?';
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${DAYS[date.getDay()]} ${day(date)} ${clock} ${date.getFullYear()}`;
}

/** Lines of columns, each as wide as its widest cell; `left` says which stand at the left. The last one is not padded. */
export function columns(rows: readonly (readonly string[])[], left: readonly boolean[]): string[] {
  const widths = left.map((_, i) => Math.max(0, ...rows.map(row => row[i]?.length ?? 0)));
  return rows.map(row =>
    row
      .map((cell, i) => {
        if (!left[i]) return cell.padStart(widths[i]);
        return i === row.length - 1 ? cell : cell.padEnd(widths[i]);
      })
      .join(' '),
  );
}

/** Names side by side, down the columns, as ls(1) shows them on a terminal. */
export function sideBySide(names: readonly string[], width: number): string[] {
  const column = Math.max(0, ...names.map(name => name.length)) + 2;
  const across = Math.max(1, Math.floor(width / column));
  const down = Math.ceil(names.length / across);
  const lines: string[] = [];
  for (let row = 0; row < down; row++) {
    const cells = names.filter((_, i) => i % down === row);
    lines.push(
      cells
        .map(cell => cell.padEnd(column))
        .join('')
        .trimEnd(),
    );
  }
  return lines;
}
