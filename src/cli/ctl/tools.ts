/** The tools that are a loop over one call: cat, mkdir, rm, ps, halt. */
import { EBUSY, EISDIR } from '../../abi/linux/errno.js';
import {
  decodeKinfoProc2,
  NB_CTL_KERN,
  NB_KERN_PROC_ALL,
  NB_KERN_PROC2,
  NB_KINFO_PROC2_SIZE,
} from '../../abi/netbsd/sysctl.js';
import type { BytePath } from '../../kernel/rump_kernel.js';
import { CallError, Refusal } from './errors.js';
import { isDirectory, join, PIECE, RumpFiles } from './files.js';
import { columns } from './format.js';
import type { Flags, Tool } from './tool.js';

export function cat(tool: Tool, paths: readonly string[]): void {
  const files = new RumpFiles(tool.session);
  for (const path of paths) {
    tool.attempt(path, () => {
      const fd = files.openRead(path);
      try {
        for (;;) {
          const buffer = new Uint8Array(PIECE);
          const got = files.read(fd, buffer);
          if (got === 0) break;
          tool.out.bytes(buffer.subarray(0, got));
          // What comes slowly, from a fifo or a terminal, is shown as it comes.
          tool.out.flush();
        }
      } finally {
        files.close(fd);
      }
    });
  }
}

export function mkdir(tool: Tool, paths: readonly string[], flags: Flags): void {
  const files = new RumpFiles(tool.session);
  for (const path of paths)
    tool.attempt(path, () => (flags.p === true ? files.mkdirs(path) : files.mkdir(path, 0o777)));
}

export function rm(tool: Tool, paths: readonly string[], flags: Flags): void {
  const files = new RumpFiles(tool.session);
  for (const path of paths) {
    const last = path.replace(/\/+$/, '').split('/').at(-1);
    if (last === '.' || last === '..') tool.complain(`${path}: '.' and '..' are not removed`);
    else if (last === '') tool.attempt('/', () => refuseRoot(path));
    else remove(tool, files, path, flags.r === true);
  }
}

function refuseRoot(path: BytePath): never {
  if (path === '') throw new Refusal('an empty path names no file');
  throw new CallError(EBUSY);
}

function remove(tool: Tool, files: RumpFiles, path: BytePath, recursive: boolean): void {
  const names = tool.attempt(path, () => {
    if (!isDirectory(files.mode(path, false))) return [];
    if (!recursive) throw new CallError(EISDIR);
    return files.list(path);
  });
  if (names === undefined) return;
  for (const name of names) remove(tool, files, join(path, name), recursive);
  tool.attempt(path, () => files.remove(path, isDirectory(files.mode(path, false))));
}

export function ps(tool: Tool): void {
  // More than there can be: the server gives no more than there are.
  const count = 0xffff;
  const name = [NB_CTL_KERN, NB_KERN_PROC2, NB_KERN_PROC_ALL, 0, NB_KINFO_PROC2_SIZE, count];
  const bytes = tool.session.sysctl(name);
  const rows = [['PID', 'PPID', 'UID', 'COMMAND']];
  for (let at = 0; at + NB_KINFO_PROC2_SIZE <= bytes.length; at += NB_KINFO_PROC2_SIZE) {
    const { pid, ppid, uid, comm } = decodeKinfoProc2(bytes, at);
    rows.push([String(pid).padStart(5), String(ppid).padStart(5), String(uid).padStart(4), comm]);
  }
  for (const line of columns(rows, [false, false, false, true])) tool.out.line(line);
}

export function halt(tool: Tool): void {
  tool.session.halt();
}
