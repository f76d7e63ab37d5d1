/** execve(2) and execveat(2) of programs and scripts that live in the rump kernel. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { EACCES, EFAULT, EINVAL, ELOOP, ENOEXEC } from '../../abi/linux/errno.js';
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  X_OK,
} from '../../abi/linux/fcntl.js';
import { S_IFREG } from '../../abi/linux/stat.js';
import { NR } from '../../abi/linux/syscalls.js';
import { andThen, then } from '../../kernel/results.js';
import type { Result, Uio } from '../../kernel/rump_kernel.js';
import { BufferUio } from '../../kernel/vfs/uio.js';
import { decidePath, shownPath } from '../../policy/decide.js';
import { because, type Call, type Hijack, whenDone, withPath } from '../hijack.js';
import { absolute, type Target, targetOf } from '../target.js';

/** BINPRM_BUF_SIZE, linux/binfmts.h: how much of a file the kernel looks at. */
const HEAD_SIZE = 256;
/** As deep as interpreters of interpreters go (fs/exec.c). */
const MAX_INTERPRETERS = 5;
/** linux/memfd.h */
const MFD_CLOEXEC = 1;
const MFD_EXEC = 0x10;
/** A memfd's name may have this many bytes (memfd_create(2)). */
const MEMFD_NAME_MAX = 249;
const POINTER = 8;
const TWO_32 = 0x1_0000_0000;

export function sysExecve(call: Call, hijack: Hijack): void {
  exec(call, hijack, targetOf(call, hijack, -1, 0), { path: 0, argv: 1, envp: 2 });
}

export function sysExecveat(call: Call, hijack: Hijack): void {
  const flags = call.int(4);
  const target = targetOf(call, hijack, 0, 1, flags);
  if (target.rump && (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) !== 0) return call.answer(-EINVAL);
  exec(call, hijack, target, { path: 1, argv: 2, envp: 3 });
}

/** Which arguments hold what. */
interface Layout {
  path: number;
  argv: number;
  envp: number;
}

function exec(call: Call, hijack: Hijack, target: Target, layout: Layout): void {
  const { given, at } = target;
  call.state.pendingExe = undefined;
  if (given === undefined) return call.run();
  if (target.rump) {
    return openProgram(call, at, target.path, program => {
      if (typeof program === 'number') return call.answer(program);
      // As the interpreter of a script will open it: below the directory descriptor it would not find it by name.
      const name = at === AT_FDCWD ? given : shownPath(hijack.policy, program.path);
      start(call, hijack, program, name, layout);
    });
  }
  // A script of the host's, whose interpreter may live in the rump kernel.
  const interpreter = hostInterpreter(call, given);
  if (interpreter === undefined || !decidePath(hijack.policy, interpreter.path).rump) return call.run();
  script(call, hijack, interpreter, { words: [given], layout });
}

/** A rump program, open and found executable. */
interface Program {
  fd: number;
  head: Uint8Array;
  /** As the program will see it. */
  path: string;
}

/** A host file as a Uio. */
class HostFileUio implements Uio {
  constructor(
    readonly fd: number,
    public resid: number,
  ) {}
  move(buf: Uint8Array, offset: number, length: number): number {
    try {
      const n = writeSync(this.fd, buf, offset, length);
      this.resid -= n;
      return n;
    } catch {
      // The host has no room for the copy.
      return 0;
    }
  }
}

/** Opens what execve would run: a regular file that may be executed. `next` gets -errno as execve would give it. */
function openProgram(call: Call, at: number, path: string, next: (program: Program | number) => void): void {
  const { kernel } = call.state;
  const flags = path === '' ? AT_EMPTY_PATH : 0;
  const opened = andThen(kernel.accessAt(at, path, X_OK, flags | AT_EACCESS), () =>
    path === ''
      ? kernel.reopen(at, O_RDONLY | O_CLOEXEC)
      : kernel.openAt(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, 0),
  );
  whenDone(call, opened, fd => {
    if (fd < 0) return next(fd);
    readProgram(call, fd, next);
  });
}

function readProgram(call: Call, fd: number, next: (program: Program | number) => void): void {
  const { kernel } = call.state;
  const head = new Uint8Array(HEAD_SIZE);
  let path = '';
  let length = 0;
  const read = andThen(kernel.fileType(fd), type =>
    type !== S_IFREG
      ? -EACCES
      : then(kernel.pread(fd, new BufferUio(head, 'read'), 0, 0), got => {
          length = Math.max(got, 0);
          return withPath(kernel, fd, found => {
            path = found;
            return 0;
          });
        }),
  );
  whenDone(call, read, done => {
    if (done >= 0) return next({ fd, head: head.subarray(0, length), path });
    kernel.close(fd);
    next(done);
  });
}

interface Interpreter {
  path: string;
  argument: string | undefined;
}

/** The #! line (execve(2), Interpreter scripts), or undefined. */
export function parseInterpreter(head: Uint8Array): Interpreter | undefined {
  if (head.length < 2 || head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  const end = text.indexOf('\n');
  const line = (end < 0 ? text.slice(2, HEAD_SIZE - 1) : text.slice(2, end)).replace(
    /^[ \t]+|[ \t\0]+$/g,
    '',
  );
  const match = /^([^ \t\0]+)(?:[ \t]+([^\0]*))?/.exec(line);
  if (match === null) return undefined;
  return { path: match[1], argument: match[2] === '' ? undefined : match[2] };
}

/** The interpreter of a host script, as far as the tracer can see the file the way the program does. */
function hostInterpreter(call: Call, path: string): Interpreter | undefined {
  const base = path.startsWith('/') ? `/proc/${call.tid}/root` : `/proc/${call.tid}/cwd/`;
  let fd = -1;
  try {
    fd = openSync(Buffer.from(base + path, 'latin1'), 'r');
    if (!fstatSync(fd).isFile()) return undefined;
    const head = new Uint8Array(HEAD_SIZE);
    return parseInterpreter(head.subarray(0, readSync(fd, head)));
  } catch {
    // The host's execve has the errno for whatever is wrong with it.
    return undefined;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function start(call: Call, hijack: Hijack, program: Program, given: string, layout: Layout): void {
  const interpreter = parseInterpreter(program.head);
  if (interpreter !== undefined) {
    call.state.kernel.close(program.fd);
    return script(call, hijack, interpreter, { words: [given], layout });
  }
  image(call, hijack, program, { argv: call.address(layout.argv), envp: call.address(layout.envp) });
}

/** A script on its way to an interpreter that is a program. */
interface Script {
  /** What stands before the program's own arguments: the script's path, with its interpreters' in front as they are found. */
  readonly words: readonly string[];
  readonly layout: Layout;
}

/** Runs a script: its interpreter, with the words of the #! line and the script's path before the program's own arguments. */
function script(
  call: Call,
  hijack: Hijack,
  interpreter: Interpreter,
  { words, layout }: Script,
  depth = 0,
): void {
  if (depth >= MAX_INTERPRETERS) return call.answer(-ELOOP);
  const argument = interpreter.argument === undefined ? [] : [interpreter.argument];
  const before = [interpreter.path, ...argument, ...words];
  const target = interpreter.path.startsWith('/') ? absolute(call, hijack, interpreter.path) : undefined;
  if (!(target?.rump ?? call.state.cwd.rump)) return hostScript(call, hijack, before, layout);
  openProgram(call, target?.at ?? AT_FDCWD, target?.path ?? interpreter.path, program => {
    if (typeof program === 'number') return call.answer(program);
    const next = parseInterpreter(program.head);
    if (next === undefined) {
      const argv = newArguments(call, before, call.address(layout.argv));
      if (argv < 0) return call.answer(argv);
      return image(call, hijack, program, { argv, envp: call.address(layout.envp) });
    }
    call.state.kernel.close(program.fd);
    script(call, hijack, next, { words: before, layout }, depth + 1);
  });
}

/** The interpreter is the host's. */
function hostScript(call: Call, hijack: Hijack, before: readonly string[], layout: Layout): void {
  const argv = newArguments(call, before, call.address(layout.argv));
  if (argv < 0) return call.answer(argv);
  // The interpreter's path is the first string behind the new argument vector.
  const path = firstString(call, argv);
  becauseOf(call, hijack, before[before.length - 1], `its interpreter ${before[0]} is the host's`);
  call.runThen(result => call.finish(result), NR.execve, path, argv, call.address(layout.envp));
}

function becauseOf(call: Call, hijack: Hijack, path: string, reason: string): void {
  if (hijack.verbose) because(call, JSON.stringify(path), reason);
}

function putPointer(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function getPointer(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

function firstString(call: Call, argv: number): number {
  const pointer = new Uint8Array(POINTER);
  return call.read(argv, pointer) < 0 ? 0 : getPointer(pointer, 0);
}

/** The program's own argv without its first, as pointers; -EFAULT. */
function restOfArguments(call: Call, argv: number): number[] | number {
  const pointers: number[] = [];
  if (argv === 0) return pointers;
  const pointer = new Uint8Array(POINTER);
  for (let at = argv; ; at += POINTER) {
    if (call.read(at, pointer) < 0) return -EFAULT;
    const value = getPointer(pointer, 0);
    if (value === 0) return pointers.slice(1);
    pointers.push(value);
  }
}

/** Lays out an argument vector in scratch memory: `words`, then the program's arguments from the second on. Returns its address or -errno. */
function newArguments(call: Call, words: readonly string[], argv: number): number {
  const rest = restOfArguments(call, argv);
  if (typeof rest === 'number') return rest;
  const strings = Buffer.from(words.map(word => `${word}\0`).join(''), 'latin1');
  const table = (words.length + rest.length + 1) * POINTER;
  const at = call.scratch(table + strings.length);
  if (at < 0) return at;
  const bytes = new Uint8Array(table + strings.length);
  const view = new DataView(bytes.buffer);
  let string = at + table;
  words.forEach((word, i) => {
    putPointer(view, i * POINTER, string);
    string += word.length + 1;
  });
  rest.forEach((pointer, i) => {
    putPointer(view, (words.length + i) * POINTER, pointer);
  });
  bytes.set(strings, table);
  const fault = call.write(at, bytes);
  return fault < 0 ? fault : at;
}

/** Executes a copy of the program's image: a memfd that only the new program keeps. */
function image(call: Call, hijack: Hijack, program: Program, vectors: { argv: number; envp: number }): void {
  const { state } = call;
  const shown = shownPath(hijack.policy, program.path);
  const name = `${shown.slice(-MEMFD_NAME_MAX)}\0`;
  const at = imageScratch(call, name);
  const fd = at < 0 ? at : call.hostCall(NR.memfd_create, at, MFD_CLOEXEC | MFD_EXEC);
  if (fd < 0) {
    state.kernel.close(program.fd);
    return call.answer(fd);
  }
  whenDone(call, copyImage(call, program.fd, fd), copied => {
    state.kernel.close(program.fd);
    if (copied < 0) {
      call.hostCall(NR.close, fd);
      return call.answer(copied);
    }
    state.pendingExe = shown;
    becauseOf(call, hijack, shown, 'the program lives in the rump kernel');
    execute(call, fd, at + name.length - 1, vectors);
  });
}

/** execveat(2) of the memfd itself: `empty` is the address of an empty string. */
function execute(call: Call, fd: number, empty: number, vectors: { argv: number; envp: number }): void {
  const { state } = call;
  call.runThen(
    result => {
      // Only a failed exec comes back here.
      state.pendingExe = undefined;
      call.hostCall(NR.close, fd);
      call.finish(result);
    },
    NR.execveat,
    fd,
    empty,
    vectors.argv,
    vectors.envp,
    AT_EMPTY_PATH,
  );
}

/** The name's place in scratch memory, behind whatever argument vector is there already. */
function imageScratch(call: Call, name: string): number {
  const size = call.thread.scratch?.size ?? 0;
  const need = name.length;
  const base = call.scratch(Math.max(size, need * 2));
  if (base < 0) return base;
  const at = base + (call.thread.scratch?.size ?? need) - need;
  const fault = call.write(at, Buffer.from(name, 'latin1'));
  return fault < 0 ? fault : at;
}

/** Fills the tracee's memfd from the rump file: 0 or -errno. */
function copyImage(call: Call, rump: number, memfd: number): Result {
  let host = -1;
  try {
    host = openSync(`/proc/${call.tid}/fd/${memfd}`, 'w');
  } catch {
    return -ENOEXEC;
  }
  const uio = new HostFileUio(host, Number.MAX_SAFE_INTEGER);
  const some = (): Result => then(call.state.kernel.read(rump, uio), got => (got > 0 ? some() : got));
  return then(some(), done => {
    closeSync(host);
    return done;
  });
}
