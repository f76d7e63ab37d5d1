/** cp: between the host and the server, in either direction. */
import { ENOTDIR } from '../../abi/linux/errno.js';
import type { BytePath } from '../../kernel/rump_kernel.js';
import { CallError, Refusal } from './errors.js';
import {
  type Files,
  isDirectory,
  isRegular,
  isSymlink,
  join,
  modeOrNone,
  PIECE,
  RumpFiles,
} from './files.js';
import { HostFiles } from './host_files.js';
import type { Flags, Tool } from './tool.js';

/** What stands before the server's paths, as a host's name does for scp. */
const PREFIX = 'rump:';
/**
 * Of a mode, what is kept. The set-id bits are not, as for cp(1): whoever owns the copy has not asked for them, and a server must not
 * be able to leave such a program on the host.
 */
const KEPT = 0o1777;

/** One side of a copy. */
interface Side {
  readonly files: Files;
  readonly isRump: boolean;
}

interface Copy {
  readonly tool: Tool;
  readonly from: Side;
  readonly to: Side;
  readonly recursive: boolean;
}

export function cp(tool: Tool, args: readonly string[], flags: Flags): void {
  const isRump = args.map(arg => arg.startsWith(PREFIX));
  const destination = args[args.length - 1];
  const toRump = isRump[args.length - 1];
  if (isRump.slice(0, -1).some(source => source === toRump))
    throw new Refusal(`the server's paths begin with '${PREFIX}': either all of the sources, or the target`);
  const rump = { files: new RumpFiles(tool.session), isRump: true };
  const host = { files: new HostFiles(), isRump: false };
  const [from, to] = toRump ? [host, rump] : [rump, host];
  const copy: Copy = { tool, from, to, recursive: flags.r === true };
  const target = pathOf(to, destination);
  const isInto = tool.attempt(destination, () => isDirectoryThere(to, target, true));
  if (isInto === undefined) return;
  if (args.length > 2 && !isInto) throw new Refusal(`${destination}: ${new CallError(ENOTDIR).message}`);
  for (const source of args.slice(0, -1)) {
    const path = pathOf(from, source);
    copyOne(copy, path, isInto ? join(target, baseName(path)) : target, true);
  }
}

/** The path alone; 'rump:' is the root, since that is where a process of the server begins. */
function pathOf(side: Side, arg: string): BytePath {
  if (!side.isRump) return arg;
  return arg === PREFIX ? '/' : arg.slice(PREFIX.length);
}

const shown = (side: Side, path: BytePath): string => (side.isRump ? PREFIX + path : path);

/** The last word of a path; '.' for what has none of its own, whose contents are then copied. */
function baseName(path: BytePath): BytePath {
  const name = /([^/]*)\/*$/.exec(path)?.[1] ?? '';
  return name === '' || name === '..' ? '.' : name;
}

/** Is there a directory already? */
function isDirectoryThere({ files }: Side, path: BytePath, follow: boolean): boolean {
  const mode = modeOrNone(files, path, follow);
  return mode !== undefined && isDirectory(mode);
}

/** `top`: named by the user, who may mean what a symlink at the target leads to; the server must not choose that. */
function copyOne(copy: Copy, source: BytePath, target: BytePath, top: boolean): void {
  const { tool, from, to, recursive } = copy;
  const name = shown(from, source);
  const mode = tool.attempt(name, () => from.files.mode(source, !recursive));
  if (mode === undefined) return;
  if (isDirectory(mode)) {
    if (recursive) copyDirectory(copy, source, target, mode, top);
    else tool.complain(`${name}: is a directory (not copied without -r)`);
  } else if (isSymlink(mode)) {
    const link = tool.attempt(name, () => from.files.readlink(source));
    if (link !== undefined) tool.attempt(shown(to, target), () => to.files.symlink(link, target));
  } else if (isRegular(mode) || !recursive) copyFile(copy, source, target, mode, top);
  else tool.complain(`${name}: is no file, directory or symbolic link (not copied)`);
}

function copyDirectory(copy: Copy, source: BytePath, target: BytePath, mode: number, top: boolean): void {
  const { tool, from, to } = copy;
  const names = tool.attempt(shown(from, source), () => from.files.list(source));
  if (names === undefined) return;
  const made = tool.attempt(shown(to, target), () => {
    if (isDirectoryThere(to, target, top)) return false;
    // Nobody else's until it is complete, and writable whatever it will be.
    to.files.mkdir(target, 0o700);
    return true;
  });
  if (made === undefined) return;
  for (const name of names) copyOne(copy, join(source, name), join(target, name), false);
  if (made) tool.attempt(shown(to, target), () => to.files.chmod(target, mode & KEPT));
}

function copyFile(copy: Copy, source: BytePath, target: BytePath, mode: number, top: boolean): void {
  const { tool, from, to } = copy;
  const [fromName, toName] = [shown(from, source), shown(to, target)];
  const input = tool.attempt(fromName, () => from.files.openRead(source));
  if (input === undefined) return;
  const output = tool.attempt(toName, () => to.files.openWrite(target, mode & 0o777, top));
  if (output !== undefined) {
    if (transfer(copy, input, output, fromName, toName))
      tool.attempt(toName, () => to.files.setMode(output, mode & KEPT));
    tool.attempt(toName, () => to.files.close(output));
  }
  from.files.close(input);
}

/** Moves all bytes; true when it could. */
function transfer(
  { tool, from, to }: Copy,
  input: number,
  output: number,
  fromName: string,
  toName: string,
): boolean {
  const buffer = new Uint8Array(PIECE);
  for (;;) {
    const got = tool.attempt(fromName, () => from.files.read(input, buffer));
    if (got === undefined) return false;
    if (got === 0) return true;
    const done = tool.attempt(toName, () => {
      to.files.write(output, buffer.subarray(0, got));
      return true;
    });
    if (done === undefined) return false;
  }
}
