/** File systems: statvfs, mount, unmount, handles. */
import { EINVAL, ENODEV, ENOENT, EOPNOTSUPP, ERANGE } from '../../../abi/linux/errno.js';
import { MNT_DETACH } from '../../../abi/linux/mount.js';
import { fromNetbsdOpen } from '../../../abi/netbsd/fcntl.js';
import {
  decodeTmpfsArgs,
  encodeTmpfsArgs,
  fromNetbsdMount,
  NB_MNT_FORCE,
  NB_MNT_GETARGS,
  NB_MNT_LOCAL,
  NB_TMPFS_ARGS_SIZE,
  NB_TMPFS_ARGS_VERSION,
} from '../../../abi/netbsd/mount.js';
import { toNetbsdDev } from '../../../abi/netbsd/stat.js';
import {
  encodeNetbsdStatvfs,
  NB_STATVFS_SIZE,
  type NetbsdStatvfs,
  newNetbsdStatvfs,
  toNetbsdFsFlags,
} from '../../../abi/netbsd/statvfs.js';
import { AT_FDCWD, type MountInfo, type Stat, type StatFs } from '../../../kernel/rump_kernel.js';
import { type Call, type Steps, wait } from '../call.js';

/** MFSNAMELEN: a file system's name, with its NUL. */
const TYPE_ROOM = 32;
const HANDLE_ROOM = 128;
const MAX_ARGS = 4096;

function toStatvfs(fs: StatFs, mount: MountInfo | undefined): NetbsdStatvfs {
  const out = newNetbsdStatvfs();
  out.flag = toNetbsdFsFlags(fs.flags) | NB_MNT_LOCAL;
  out.bsize = fs.bsize;
  out.frsize = fs.bsize;
  out.iosize = fs.bsize;
  out.blocks = fs.blocks;
  out.bfree = fs.bfree;
  out.bavail = fs.bavail;
  out.files = fs.files;
  out.ffree = fs.ffree;
  out.favail = fs.ffree;
  out.fsid = mount?.dev ?? fs.fsid;
  out.fsidx = [toNetbsdDev(mount?.dev ?? 0), 0];
  out.namemax = fs.namelen;
  out.fstypename = mount?.type ?? 'tmpfs';
  out.mntonname = mount?.mountPoint ?? '/';
  out.mntfromname = mount?.source ?? '';
  return out;
}

function* mountOf(call: Call, dev: number): Steps<MountInfo | undefined> {
  const mounts: MountInfo[] = [];
  yield* wait(call.kernel.mounts(mounts));
  return mounts.find(mount => mount.dev === dev);
}

function* answerStatvfs(call: Call, fs: StatFs, dev: number): Steps {
  const bytes = new Uint8Array(NB_STATVFS_SIZE);
  encodeNetbsdStatvfs(bytes, 0, toStatvfs(fs, yield* mountOf(call, dev)));
  call.copyout(call.ulong(1), bytes);
  return 0;
}

export function* statvfs(call: Call): Steps {
  const path = yield* call.path(0);
  const [fs, stat] = [{} as StatFs, {} as Stat];
  const done = yield* wait(call.kernel.statfs(path, fs));
  if (done < 0) return done;
  const found = yield* wait(call.kernel.statAt(AT_FDCWD, path, 0, stat));
  return found < 0 ? found : yield* answerStatvfs(call, fs, stat.dev);
}
export function* fstatvfs(call: Call): Steps {
  const [fs, stat] = [{} as StatFs, {} as Stat];
  const done = yield* wait(call.kernel.fstatfs(call.int(0), fs));
  if (done < 0) return done;
  const found = yield* wait(call.kernel.fstat(call.int(0), stat));
  return found < 0 ? found : yield* answerStatvfs(call, fs, stat.dev);
}

/** With a null pointer: how many there are. */
export function* getvfsstat(call: Call): Steps {
  const mounts: MountInfo[] = [];
  yield* wait(call.kernel.mounts(mounts));
  const address = call.ulong(0);
  if (address === 0) return mounts.length;
  const room = Math.min(mounts.length, Math.floor(call.ulong(1) / NB_STATVFS_SIZE));
  const bytes = new Uint8Array(NB_STATVFS_SIZE);
  let given = 0;
  for (const mount of mounts.slice(0, room)) {
    const fs = {} as StatFs;
    const done = yield* wait(call.kernel.statfs(mount.mountPoint, fs));
    if (done < 0) continue;
    encodeNetbsdStatvfs(bytes, 0, toStatvfs(fs, mount));
    call.copyout(address + given * NB_STATVFS_SIZE, bytes);
    given++;
  }
  return given;
}

/** mount(2). Its order of questions is the real server's: the directory, then the type, then the arguments. */
export function* mount(call: Call): Steps {
  const path = yield* call.path(1);
  const stat = {} as Stat;
  const found = yield* wait(call.kernel.statAt(AT_FDCWD, path, 0, stat));
  if (found < 0) return found;
  const type = yield* call.copyinstr(call.ulong(0), TYPE_ROOM);
  const flags = call.uint(2);
  const size = call.ulong(4);
  if ((flags & NB_MNT_GETARGS) !== 0) return yield* mountArguments(call, path, stat.dev);
  if (type !== 'tmpfs') return -ENODEV;
  if (size < NB_TMPFS_ARGS_SIZE || size > MAX_ARGS) return -EINVAL;
  const bytes = yield* call.copyin(call.ulong(3), size);
  const args = decodeTmpfsArgs(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
  if (args.version !== NB_TMPFS_ARGS_VERSION) return -EINVAL;
  const words = [`uid=${args.uid}`, `gid=${args.gid}`, `mode=${(args.mode & 0o7777).toString(8)}`];
  if (args.sizeMax > 0) words.push(`size=${args.sizeMax}`);
  if (args.nodesMax > 0) words.push(`nr_inodes=${args.nodesMax}`);
  // Of an update's, the kernel takes the limits alone.
  return yield* wait(call.kernel.mount('tmpfs', path, 'tmpfs', fromNetbsdMount(flags), words.join(',')));
}

/** MNT_GETARGS: what the file system at this directory was mounted with. */
function* mountArguments(call: Call, path: string, dev: number): Steps {
  const mount = yield* mountOf(call, dev);
  if (mount === undefined) return -ENOENT;
  if (call.ulong(4) < NB_TMPFS_ARGS_SIZE) return -EINVAL;
  const [fs, stat] = [{} as StatFs, {} as Stat];
  yield* wait(call.kernel.statfs(path, fs));
  yield* wait(call.kernel.statAt(AT_FDCWD, mount.mountPoint, 0, stat));
  const bytes = new Uint8Array(NB_TMPFS_ARGS_SIZE);
  encodeTmpfsArgs(new DataView(bytes.buffer), 0, {
    version: NB_TMPFS_ARGS_VERSION,
    nodesMax: fs.files,
    sizeMax: fs.blocks * fs.bsize,
    uid: stat.uid,
    gid: stat.gid,
    mode: stat.mode & 0o7777,
  });
  call.copyout(call.ulong(3), bytes);
  return NB_TMPFS_ARGS_SIZE;
}

export function* unmount(call: Call): Steps {
  const path = yield* call.path(0);
  // What is open stays open for those who have it; the file system is out of sight at once.
  const flags = (call.int(1) & NB_MNT_FORCE) !== 0 ? MNT_DETACH : 0;
  return yield* wait(call.kernel.umount(path, flags));
}

// Handles.

/** getfh(2): the size comes in and goes out; E2BIG would be NetBSD's for too little room. */
export function* getfh(call: Call): Steps {
  const path = yield* call.path(0);
  const size = yield* call.copyin(call.ulong(2), 8);
  const room = new DataView(size.buffer, size.byteOffset).getUint32(0, true);
  const handle = new Uint8Array(HANDLE_ROOM);
  const length = yield* wait(call.kernel.nameToHandle(AT_FDCWD, path, 0, handle));
  if (length < 0) return length;
  const out = new Uint8Array(8);
  new DataView(out.buffer).setUint32(0, length, true);
  call.copyout(call.ulong(2), out);
  if (room < length) return -ERANGE;
  call.copyout(call.ulong(1), handle.subarray(0, length));
  return 0;
}

export function* fhopen(call: Call): Steps {
  const size = call.ulong(1);
  if (size === 0 || size > HANDLE_ROOM) return -EINVAL;
  const handle = yield* call.copyin(call.ulong(0), size);
  return yield* wait(call.kernel.openByHandle(handle, fromNetbsdOpen(call.int(2))));
}

/** extattrctl, quotactl, nfssvc and their kin. */
export function unsupported(): number {
  return -EOPNOTSUPP;
}
