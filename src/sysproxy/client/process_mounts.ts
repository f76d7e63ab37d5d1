/** File systems of a remote process: statfs, mount and their lists. */
import { EBADF, EINVAL, ENODEV } from '../../abi/linux/errno.js';
import {
  MS_BIND,
  MS_MOVE,
  MS_PRIVATE,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from '../../abi/linux/mount.js';
import {
  encodeMsdosfsArgs,
  encodePtyfsArgs,
  encodeTmpfsArgs,
  NB_ISO_ARGS_SIZE,
  NB_MSDOSFS_ARGS_SIZE,
  NB_NULL_ARGS_SIZE,
  NB_PTYFS_ARGS_SIZE,
  NB_TMPFS_ARGS_SIZE,
  NB_UFS_ARGS_SIZE,
  type TmpfsArgs,
  toNetbsdMount,
  toNetbsdUnmount,
} from '../../abi/netbsd/mount.js';
import { NB } from '../../abi/netbsd/nr.js';
import {
  decodeNetbsdStatvfs,
  NB_ST_NOWAIT,
  NB_ST_WAIT,
  NB_STATVFS_SIZE,
  type NetbsdStatvfs,
} from '../../abi/netbsd/statvfs.js';
import { andThen } from '../../kernel/results.js';
import {
  AT_FDCWD,
  type BytePath,
  type MountInfo,
  type Result,
  type Stat,
  type StatFs,
} from '../../kernel/rump_kernel.js';
import { UMOUNT_FLAGS } from '../../kernel/vfs/mounts.js';
import { fillStatFs, mountList, msdosfsArgs, tmpfsArgs } from './mount_list.js';
import { LockCalls } from './process_locks.js';
import type { SysCall } from './syscall.js';

const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
/** File systems whose arguments begin with a path, that of a device or a directory, and how long their arguments are. */
const NAMED: Readonly<Record<string, number>> = {
  ffs: NB_UFS_ARGS_SIZE,
  lfs: NB_UFS_ARGS_SIZE,
  ext2fs: NB_UFS_ARGS_SIZE,
  null: NB_NULL_ARGS_SIZE,
  cd9660: NB_ISO_ARGS_SIZE,
  msdos: NB_MSDOSFS_ARGS_SIZE,
};
/** File systems without arguments. */
const PLAIN = ['kernfs', 'fdesc'];
/** What Linux calls them. */
const LINUX_NAMES: Readonly<Record<string, string>> = {
  ufs: 'ffs',
  ext2: 'ext2fs',
  ext3: 'ext2fs',
  ext4: 'ext2fs',
  iso9660: 'cd9660',
  vfat: 'msdos',
  devpts: 'ptyfs',
};
/** mount_ptyfs(8): group tty, and what it may. */
const PTY_MODE = 0o620;
const PTY_GROUP = 4;
/** More mounts than this are not listed at once. */
const MAX_MOUNTS = 1024;

export abstract class MountCalls extends LockCalls {
  statfs(path: BytePath, out: StatFs): Result {
    return this.#statvfs(this.begin(NB.statvfs1).string(path), out);
  }

  fstatfs(fd: number, out: StatFs): Result {
    const entry = this.table.get(fd);
    if (entry === undefined) return -EBADF;
    return this.#statvfs(this.putFd(this.begin(NB.fstatvfs1), entry), out);
  }

  #statvfs(call: SysCall, out: StatFs): Result {
    const at = call.reserve(NB_STATVFS_SIZE);
    return this.finishWith(call.pointer(at).int(NB_ST_WAIT), done => {
      if (done.result < 0) return done.result;
      fillStatFs(decodeNetbsdStatvfs(done.scratch, at), out);
      return 0;
    });
  }

  mounts(out: MountInfo[]): Result {
    const list: NetbsdStatvfs[] = [];
    return andThen(this.vfsStat(list), count => {
      out.push(...mountList(list, this.options.prefix));
      return count;
    });
  }

  /** getvfsstat(2): fills `out` and returns how many file systems there are. */
  vfsStat(out: NetbsdStatvfs[]): Result {
    const ask = this.begin(NB.getvfsstat).nil().long(0).int(NB_ST_NOWAIT);
    return andThen(this.submit(ask), count => {
      const bytes = new Uint8Array(Math.min(count, MAX_MOUNTS) * NB_STATVFS_SIZE);
      const call = this.begin(NB.getvfsstat).buffer(bytes).long(bytes.length).int(NB_ST_NOWAIT);
      return andThen(this.submit(call), there => {
        for (let i = 0; i < there && (i + 1) * NB_STATVFS_SIZE <= bytes.length; i++)
          out.push(decodeNetbsdStatvfs(bytes, i * NB_STATVFS_SIZE));
        return out.length;
      });
    });
  }

  /**
   * mount(2): tmpfs, MS_BIND as a null mount, what has a device, what has no arguments; by NetBSD's names or Linux's. -ENODEV
   * for other types. What NetBSD has no word for: MS_MOVE and sharing are -EINVAL, MS_PRIVATE is how all its mounts are.
   */
  mount(source: BytePath, target: BytePath, type: BytePath, flags: number, data: BytePath): Result {
    if ((flags & PROPAGATION) !== 0) return (flags & PROPAGATION) === MS_PRIVATE ? 0 : -EINVAL;
    if ((flags & MS_MOVE) !== 0) return -EINVAL;
    if ((flags & MS_REMOUNT) !== 0) return this.#remount(target, flags, data);
    const name = (flags & MS_BIND) !== 0 ? 'null' : (LINUX_NAMES[type] ?? type);
    if (name === '') return -EINVAL;
    const call = this.begin(NB.__mount50).string(name).string(target).int(toNetbsdMount(flags));
    if (name === 'tmpfs') return this.#mountTmpfs(call, tmpfsArgs(data, this.options.cred));
    if (name === 'ptyfs') {
      const at = call.reserve(NB_PTYFS_ARGS_SIZE);
      encodePtyfsArgs(call.view, at, PTY_GROUP, PTY_MODE);
      return this.submit(call.pointer(at).long(NB_PTYFS_ARGS_SIZE));
    }
    if (PLAIN.includes(name)) return this.submit(call.nil().long(0));
    const size = NAMED[name];
    return size === undefined ? this.refuse(call, ENODEV) : this.#mountNamed(call, source, name, size, data);
  }

  /** MS_REMOUNT: an update of what is mounted there, by its own type. */
  #remount(target: BytePath, flags: number, data: BytePath): Result {
    const at = this.begin(NB.statvfs1).string(target);
    const to = at.reserve(NB_STATVFS_SIZE);
    let type = '';
    const asked = this.finishWith(at.pointer(to).int(NB_ST_WAIT), done => {
      if (done.result >= 0) type = decodeNetbsdStatvfs(done.scratch, to).fstypename;
      return done.result;
    });
    const update = (): SysCall =>
      this.begin(NB.__mount50).string(type).string(target).int(toNetbsdMount(flags));
    return andThen(asked, () => {
      if (type !== 'tmpfs') return this.submit(update().nil().long(0));
      const root = {} as Stat;
      return andThen(this.statAt(AT_FDCWD, target, 0, root), () => {
        // NetBSD sets the root's owner and mode anew; Linux leaves them, whatever the options say.
        const args = tmpfsArgs((flags & MS_BIND) !== 0 ? '' : data, this.options.cred);
        return this.#mountTmpfs(update(), args && { ...args, ...owned(root) });
      });
    });
  }

  #mountTmpfs(call: SysCall, args: TmpfsArgs | undefined): Result {
    if (args === undefined) return this.refuse(call, EINVAL);
    const at = call.reserve(NB_TMPFS_ARGS_SIZE);
    encodeTmpfsArgs(call.view, at, args);
    return this.submit(call.pointer(at).long(NB_TMPFS_ARGS_SIZE));
  }

  /** A file system whose arguments begin with a pointer to a path. */
  #mountNamed(call: SysCall, path: BytePath, name: string, size: number, data: BytePath): Result {
    const text = call.reserve(path.length + 1);
    for (let i = 0; i < path.length; i++) call.scratch[text + i] = path.charCodeAt(i);
    const at = call.reserve(size);
    call.putPointer(at, text);
    if (name === 'msdos') {
      const args = msdosfsArgs(data, this.options.cred);
      if (args === undefined) return this.refuse(call, EINVAL);
      encodeMsdosfsArgs(call.view, at, args);
    }
    return this.submit(call.pointer(at).long(size));
  }

  umount(target: BytePath, flags: number): Result {
    if ((flags & ~UMOUNT_FLAGS) !== 0) return -EINVAL;
    return this.submit(this.begin(NB.unmount).string(target).int(toNetbsdUnmount(flags)));
  }
}

function owned({ uid, gid, mode }: Stat): { uid: number; gid: number; mode: number } {
  return { uid, gid, mode: mode & 0o7777 };
}
