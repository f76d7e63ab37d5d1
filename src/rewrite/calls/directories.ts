/** getdents(2), getcwd(2), chdir(2), umask(2), unshare(2). */

import { encodeDirent, encodeDirent64 } from '../../abi/linux/dirent.js';
import { EFAULT, EINVAL, ERANGE } from '../../abi/linux/errno.js';
import { O_CLOEXEC, O_DIRECTORY, O_PATH, SEEK_CUR, SEEK_SET } from '../../abi/linux/fcntl.js';
import { CLONE_FILES, CLONE_FS } from '../../abi/linux/sched.js';
import { then } from '../../kernel/results.js';
import { AT_PROC, type Result } from '../../kernel/rump_kernel.js';
import { type Call, type Hijack, rumpFd, unshare, whenDone } from '../hijack.js';
import { targetOf } from '../target.js';
import { currentDirectory } from './stat.js';

/** A program that offers more gets this much at once (getdents(2) may return less). */
const ROOM = 64 * 1024;
/** Where entries are gathered, then copied in one go. A call that waits keeps it: another one gets its own. */
let spare: Uint8Array | undefined;

function getdents(call: Call, hijack: Hijack, encode: typeof encodeDirent64): void {
  const fd = rumpFd(call, hijack, 0);
  if (fd < 0) return;
  const entries = spare ?? new Uint8Array(ROOM);
  spare = undefined;
  const buffer = entries.subarray(0, Math.min(call.uint(2), ROOM));
  let used = 0;
  let refused = false;
  const { kernel } = call.state;
  let start = -1;
  const result = then(kernel.lseek(fd, 0, SEEK_CUR), offset => {
    start = offset;
    return kernel.getDents(fd, (name, ino, type, next) => {
      const length = encode(buffer, used, name, ino, type, next);
      if (length === 0) refused = true;
      used += length;
      return length > 0;
    });
  });
  whenDone(call, result, done => {
    spare = entries;
    if (done < 0) return call.answer(done);
    if (used === 0) return call.answer(refused ? -EINVAL : 0);
    const fault = call.write(call.address(1), entries, 0, used);
    // Entries that the program did not get come again.
    if (fault < 0 && start >= 0) kernel.lseek(fd, start, SEEK_SET);
    call.answer(fault < 0 ? -EFAULT : used);
  });
}
export function sysGetdents(call: Call, hijack: Hijack): void {
  getdents(call, hijack, encodeDirent);
}
export function sysGetdents64(call: Call, hijack: Hijack): void {
  getdents(call, hijack, encodeDirent64);
}

export function sysGetcwd(call: Call, hijack: Hijack): void {
  if (!call.state.cwd.rump) return call.run();
  currentDirectory(call, hijack, call.state.kernel, path => {
    if (typeof path === 'number') return call.answer(path);
    const bytes = Buffer.from(`${path}\0`, 'latin1');
    if (call.long(1) < bytes.length) return call.answer(-ERANGE);
    const fault = call.write(call.address(0), bytes);
    call.answer(fault < 0 ? fault : bytes.length);
  });
}

/** The rump kernel's working directory has changed, or not: only then does the process live there. */
function moved(call: Call, result: Result): void {
  whenDone(call, result, done => {
    if (done >= 0) call.state.cwd.rump = true;
    call.answer(done);
  });
}

/** The host decides; when it agrees, relative paths are its own again. */
function hostDirectory(call: Call): void {
  const { cwd, kernel } = call.state;
  if (!cwd.rump) return call.run();
  call.runThen(result => {
    if (result === 0) {
      cwd.rump = false;
      // Nothing below is in use any more: what is mounted there can be unmounted.
      kernel.chdir('/');
    }
    call.finish(result);
  });
}

export function sysChdir(call: Call, hijack: Hijack): void {
  const target = targetOf(call, hijack, -1, 0);
  if (!target.rump) return hostDirectory(call);
  const { kernel } = call.state;
  if (target.magic >= 0) return moved(call, kernel.fchdir(target.magic));
  if (target.at !== AT_PROC) return moved(call, kernel.chdir(target.path));
  whenDone(call, kernel.openAt(target.at, target.path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0), fd => {
    if (fd < 0) return call.answer(fd);
    moved(call, kernel.fchdir(fd));
    kernel.close(fd);
  });
}

export function sysFchdir(call: Call, hijack: Hijack): void {
  const fd = call.state.files.get(call.int(0));
  if (fd >= 0) return moved(call, call.state.kernel.fchdir(fd));
  if (call.int(0) === hijack.hidden) rumpFd(call, hijack, 0);
  else hostDirectory(call);
}

/** Both kernels have to know: the host's answer is the program's. */
export function sysUmask(call: Call): void {
  call.state.kernel.umask(call.int(0));
  call.run();
}

export function sysUnshare(call: Call): void {
  const flags = call.int(0);
  const what = { files: (flags & CLONE_FILES) !== 0, fs: (flags & CLONE_FS) !== 0 };
  if (!what.files && !what.fs) return call.run();
  call.runThen(result => {
    if (result === 0) unshare(call, what);
    call.finish(result);
  });
}
