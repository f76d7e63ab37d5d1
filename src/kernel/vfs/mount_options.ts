/** The options of a tmpfs, parsed and shown as mm/shmem.c does (tmpfs(5)). */
import type { BytePath } from '../rump_kernel.js';
import type { FileSystem, TmpfsOptions } from './file_system.js';
import { PAGE_SIZE } from './pages.js';

const DEFAULT_MODE = 0o1777;

/** Half of `memory` bytes, and as many inodes as that has pages. */
export function defaultLimits(memory: number): { maxPages: number; maxInodes: number } {
  const pages = Math.floor(memory / PAGE_SIZE / 2);
  return { maxPages: pages, maxInodes: pages };
}

/** What the options say, nothing where they say nothing; undefined for bad ones (EINVAL). `memory` in bytes, for 'size=50%'. */
export function parseTmpfsOptions(data: BytePath, memory: number): Partial<TmpfsOptions> | undefined {
  const options: Partial<TmpfsOptions> = {};
  for (const word of data.split(',')) {
    if (word !== '' && !parseOption(options, word, memory)) return undefined;
  }
  return options;
}

function parseOption(options: Partial<TmpfsOptions>, word: string, memory: number): boolean {
  const equals = word.indexOf('=');
  const key = equals < 0 ? word : word.slice(0, equals);
  const value = equals < 0 ? '' : word.slice(equals + 1);
  switch (key) {
    case 'size': {
      const bytes = value.endsWith('%') ? (memory * parseSize(value.slice(0, -1))) / 100 : parseSize(value);
      options.maxPages = limit(Math.ceil(bytes / PAGE_SIZE));
      return Number.isFinite(bytes);
    }
    case 'nr_blocks':
      options.maxPages = limit(parseSize(value));
      return !Number.isNaN(options.maxPages);
    case 'nr_inodes':
      options.maxInodes = limit(parseSize(value));
      return !Number.isNaN(options.maxInodes);
    case 'mode':
      options.mode = parseInteger(value, 8) & 0o7777;
      return !Number.isNaN(parseInteger(value, 8));
    case 'uid':
      options.uid = parseInteger(value, 10);
      return !Number.isNaN(options.uid);
    case 'gid':
      options.gid = parseInteger(value, 10);
      return !Number.isNaN(options.gid);
    case 'inode32':
    case 'inode64':
    case 'noswap':
    case 'rw':
      return true;
    case 'huge':
      return value === 'never';
    default:
      return false;
  }
}

/** 0 means no limit. */
function limit(value: number): number {
  return value === 0 ? Infinity : value;
}

/** A number with a k, m, g, t, p or e behind it (memparse of lib/cmdline.c); NaN when it is none. */
function parseSize(text: string): number {
  const match = /^(0[xX][0-9a-fA-F]+|[0-9]+)([kKmMgGtTpPeE]?)$/.exec(text);
  if (match === null) return Number.NaN;
  const [, digits, suffix] = match;
  const power = suffix === '' ? 0 : 'kmgtpe'.indexOf(suffix.toLowerCase()) + 1;
  const isOctal = /^0[0-7]+$/.test(digits);
  return (isOctal ? Number.parseInt(digits, 8) : Number(digits)) * 1024 ** power;
}

function parseInteger(text: string, radix: 8 | 10): number {
  const isNumber = radix === 8 ? /^[0-7]+$/.test(text) : /^[0-9]+$/.test(text);
  return isNumber ? Number.parseInt(text, radix) : Number.NaN;
}

/** The options that differ from the defaults, as /proc/mounts shows them (shmem_show_options). */
export function showTmpfsOptions(fs: FileSystem, memory: number): string {
  if (fs.type !== 'tmpfs') return '';
  const words: string[] = [];
  const defaults = defaultLimits(memory);
  const root = fs.root.inode;
  if (fs.maxPages !== defaults.maxPages) words.push(`size=${kilobytes(fs.maxPages)}k`);
  if (fs.maxInodes !== defaults.maxInodes) {
    words.push(`nr_inodes=${Number.isFinite(fs.maxInodes) ? fs.maxInodes : 0}`);
  }
  const mode = root.mode & 0o7777;
  if (mode !== DEFAULT_MODE) words.push(`mode=${mode.toString(8).padStart(3, '0')}`);
  if (root.uid !== 0) words.push(`uid=${root.uid}`);
  if (root.gid !== 0) words.push(`gid=${root.gid}`);
  return words.join(',');
}

function kilobytes(pages: number): number {
  return Number.isFinite(pages) ? pages * (PAGE_SIZE / 1024) : 0;
}
