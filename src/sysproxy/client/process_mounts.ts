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
  encodeTmpfsArgs,
  NB_NULL_ARGS_SIZE,
  NB_TMPFS_ARGS_SIZE,
  NB_UFS_ARGS_SIZE,
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
import type { BytePath, MountInfo, Result, StatFs } from '../../kernel/rump_kernel.js';
import { UMOUNT_FLAGS } from '../../kernel/vfs/mounts.js';
import { fillStatFs, mountList, tmpfsArgs } from './mount_list.js';
import { LockCalls } from './process_locks.js';
import type { SysCall } from './syscall.js';

const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
/** File systems whose only argument is the path of their device. */
const DEVICE_TYPES = ['ffs', 'ext2fs', 'lfs'];
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
   * mount(2): tmpfs, MS_BIND as a null mount, what has a device. What NetBSD has no word for: MS_MOVE and sharing are
   * -EINVAL, MS_PRIVATE is how all its mounts are.
   */
  mount(source: BytePath, target: BytePath, type: BytePath, flags: number, data: BytePath): Result {
    if ((flags & PROPAGATION) !== 0) return (flags & PROPAGATION) === MS_PRIVATE ? 0 : -EINVAL;
    if ((flags & MS_MOVE) !== 0) return -EINVAL;
    if ((flags & MS_REMOUNT) !== 0) return this.#remount(target, flags, data);
    const name = (flags & MS_BIND) !== 0 ? 'null' : type;
    if (name === '') return -EINVAL;
    const call = this.begin(NB.__mount50).string(name).string(target).int(toNetbsdMount(flags));
    if (name === 'tmpfs') return this.#mountTmpfs(call, data);
    if (name === 'null') return this.#mountNamed(call, source, NB_NULL_ARGS_SIZE);
    if (DEVICE_TYPES.includes(name)) return this.#mountNamed(call, source, NB_UFS_ARGS_SIZE);
    return this.refuse(call, ENODEV);
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
    return andThen(asked, () => {
      const call = this.begin(NB.__mount50).string(type).string(target).int(toNetbsdMount(flags));
      if (type === 'tmpfs') return this.#mountTmpfs(call, data);
      return this.submit(call.nil().long(0));
    });
  }

  #mountTmpfs(call: SysCall, data: BytePath): Result {
    const args = tmpfsArgs(data, this.options.cred);
    if (args === undefined) return this.refuse(call, EINVAL);
    const at = call.reserve(NB_TMPFS_ARGS_SIZE);
    encodeTmpfsArgs(call.view, at, args);
    return this.submit(call.pointer(at).long(NB_TMPFS_ARGS_SIZE));
  }

  /** A file system whose arguments begin with a pointer to a path. */
  #mountNamed(call: SysCall, path: BytePath, size: number): Result {
    const text = call.reserve(path.length + 1);
    for (let i = 0; i < path.length; i++) call.scratch[text + i] = path.charCodeAt(i);
    const at = call.reserve(size);
    call.putPointer(at, text);
    return this.submit(call.pointer(at).long(size));
  }

  umount(target: BytePath, flags: number): Result {
    if ((flags & ~UMOUNT_FLAGS) !== 0) return -EINVAL;
    return this.submit(this.begin(NB.unmount).string(target).int(toNetbsdUnmount(flags)));
  }
}
