/** The console that a rump kernel's clients find at their descriptors 0 to 2 (rumpkern's cons.c): it takes text and has none to give. */
import { EFAULT, ENOTTY } from '../abi/linux/errno.js';
import { O_RDWR } from '../abi/linux/fcntl.js';
import { makedev, S_IFCHR } from '../abi/linux/stat.js';
import type { FdTable } from './descriptors.js';
import type { KernelState } from './kernel_state.js';
import { OpenDevice } from './open_special.js';
import type { DeviceDriver } from './parts/devices.js';
import { synthDir } from './parts/synth.js';
import type { Uio } from './rump_kernel.js';
import { FileSystem } from './vfs/file_system.js';
import { Dentry, SpecialInode } from './vfs/vnode.js';

/** Documentation/admin-guide/devices.txt: /dev/console. */
const CONSOLE = makedev(5, 1);
const CHUNK = 4096;
const LAST_FD = 2;

function driver(take: (bytes: Uint8Array) => void): DeviceDriver {
  return {
    name: 'console',
    rdev: CONSOLE,
    read: () => 0,
    write: uio => writeAll(uio, take),
    readable: () => -ENOTTY,
  };
}

function writeAll(uio: Uio, take: (bytes: Uint8Array) => void): number {
  const chunk = new Uint8Array(Math.min(uio.resid, CHUNK));
  let total = 0;
  while (uio.resid > 0) {
    const wanted = Math.min(uio.resid, chunk.length);
    const moved = uio.move(chunk, 0, wanted);
    if (moved > 0) take(chunk.subarray(0, moved));
    total += moved;
    if (moved < wanted) return total > 0 ? total : -EFAULT;
  }
  return total;
}

/** Opens the console at 0 to 2 of a new table. `take` gets what is written; the bytes are its for the moment only. */
export function openConsole(files: FdTable, state: KernelState, take: (bytes: Uint8Array) => void): void {
  // A file system of its own: an open console is no reason for the root not to become read-only.
  const fs = FileSystem.synthetic(
    state,
    0,
    synthDir(() => new Map()),
  );
  const inode = new SpecialInode(fs, S_IFCHR | 0o600, 0, 0, CONSOLE);
  inode.nlink = 0;
  const dentry = new Dentry(inode, 'console', fs.root);
  dentry.isAttached = false;
  const file = new OpenDevice(dentry, driver(take), O_RDWR);
  for (let fd = 0; fd <= LAST_FD; fd++) files.install(file, fd, LAST_FD + 1, false);
}
