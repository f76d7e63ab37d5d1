/** Extended attributes, file handles, limits and modules of a remote process. */
import { ENOEXEC, EOPNOTSUPP, EPERM } from '../../abi/linux/errno.js';
import { AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_NONBLOCK } from '../../abi/linux/fcntl.js';
import { toNetbsdOpen } from '../../abi/netbsd/fcntl.js';
import { decodeModstat, NB_MODCTL_STAT, NB_MODCTL_UNLOAD, NB_MODSTAT_SIZE } from '../../abi/netbsd/module.js';
import { NB } from '../../abi/netbsd/nr.js';
import type { ModuleInfo } from '../../kernel/parts/procfs.js';
import { andThen, then } from '../../kernel/results.js';
import { AT_FDCWD, type BytePath, type Result } from '../../kernel/rump_kernel.js';
import { MountCalls } from './process_mounts.js';
import type { SysCall } from './syscall.js';

/** struct rlimit, RLIMIT_FSIZE and RLIMIT_NOFILE of NetBSD's sys/resource.h. */
const RLIMIT_FSIZE = 1;
const RLIMIT_NOFILE = 8;
/** More descriptors than any program asks for; a server gives what it has. */
const NOFILE = 1048576n;
/** Modules that are listed at once. */
const MAX_MODULES = 128;
const RLIMIT_SIZE = 16;
const RLIM_INFINITY = 0x7fff_ffff_ffff_ffffn;
/** The numbers of one operation on attributes: of a path, of a link itself, of a descriptor. */
interface Form {
  readonly path: number;
  readonly link: number;
  readonly fd: number;
}
const GET: Form = { path: NB.getxattr, link: NB.lgetxattr, fd: NB.fgetxattr };
const SET: Form = { path: NB.setxattr, link: NB.lsetxattr, fd: NB.fsetxattr };
const LIST: Form = { path: NB.listxattr, link: NB.llistxattr, fd: NB.flistxattr };
const REMOVE: Form = { path: NB.removexattr, link: NB.lremovexattr, fd: NB.fremovexattr };

export abstract class SystemCalls extends MountCalls {
  // Attributes: NetBSD's calls of this kind were made after Linux's (setxattr(2)).

  /** Makes one of these calls; a path below a directory descriptor is opened first, since there are no such forms. */
  #attribute(
    form: Form,
    at: number,
    path: BytePath | null,
    flags: number,
    rest: (call: SysCall) => Result,
  ): Result {
    if (path === null) {
      const call = this.onFd(form.fd, at);
      return typeof call === 'number' ? call : rest(call);
    }
    if (at === AT_FDCWD || path.startsWith('/')) {
      const nr = (flags & AT_SYMLINK_NOFOLLOW) !== 0 ? form.link : form.path;
      return rest(this.begin(nr).string(path));
    }
    return andThen(this.openAt(at, path, O_NONBLOCK | O_CLOEXEC, 0, 0), fd =>
      then(this.#attribute(form, fd, null, 0, rest), result => then(this.close(fd), () => result)),
    );
  }

  getXattr(at: number, path: BytePath | null, flags: number, name: BytePath, out: Uint8Array): Result {
    return this.#attribute(GET, at, path, flags, call =>
      this.submit(call.string(name).buffer(out).long(out.length)),
    );
  }

  listXattr(at: number, path: BytePath | null, flags: number, out: Uint8Array): Result {
    return this.#attribute(LIST, at, path, flags, call => this.submit(call.buffer(out).long(out.length)));
  }

  setXattr(
    at: number,
    path: BytePath | null,
    flags: number,
    name: BytePath,
    value: Uint8Array,
    xflags: number,
  ): Result {
    return this.#attribute(SET, at, path, flags, call =>
      this.submit(call.string(name).buffer(value).long(value.length).int(xflags)),
    );
  }

  removeXattr(at: number, path: BytePath | null, flags: number, name: BytePath): Result {
    return this.#attribute(REMOVE, at, path, flags, call => this.submit(call.string(name)));
  }

  // Handles.

  /** name_to_handle_at(2) as getfh(2), which takes a path alone and follows no links: -EOPNOTSUPP for all else. */
  nameToHandle(at: number, path: BytePath, flags: number, out: Uint8Array): Result {
    if (path === '' || (at !== AT_FDCWD && !path.startsWith('/'))) return -EOPNOTSUPP;
    if ((flags & AT_SYMLINK_FOLLOW) !== 0) return -EOPNOTSUPP;
    const call = this.begin(NB.__getfh30).string(path).buffer(out);
    const size = call.reserve(8);
    call.view.setUint32(size, out.length, true);
    return this.finishWith(call.pointer(size), done =>
      done.result < 0 ? done.result : done.view.getUint32(size, true),
    );
  }

  openByHandle(handle: Uint8Array, flags: number): Result {
    if (this.options.cred.uid !== 0) return -EPERM;
    const room = this.table.next(0, this.options.nofile);
    if (room < 0) return room;
    const call = this.begin(NB.__fhopen40).buffer(handle).long(handle.length).int(toNetbsdOpen(flags));
    return this.opened(call, flags, '/');
  }

  // The rest.

  /** RLIMIT_FSIZE of the server's process: writes beyond it end with EFBIG there, too. */
  protected sendFileSizeLimit(): void {
    const { fsize } = this.options;
    this.#setLimit(RLIMIT_FSIZE, Number.isFinite(fsize) ? BigInt(fsize) : RLIM_INFINITY, RLIM_INFINITY);
  }

  /** The program's own limit on descriptors is kept here; the server's must not be the first to be felt. */
  protected raiseDescriptorLimit(): void {
    this.#setLimit(RLIMIT_NOFILE, NOFILE, NOFILE);
  }

  #setLimit(which: number, soft: bigint, hard: bigint): void {
    const call = this.begin(NB.setrlimit).int(which);
    const at = call.reserve(RLIMIT_SIZE);
    call.view.setBigUint64(at, soft, true);
    call.view.setBigUint64(at + 8, hard, true);
    this.shared.remote.submitBarrier(call.pointer(at));
  }

  /** A Linux module is none for NetBSD. */
  initModule(_image: Uint8Array): Result {
    return this.options.cred.uid !== 0 ? -EPERM : -ENOEXEC;
  }

  /** modctl(MODCTL_UNLOAD). */
  deleteModule(name: BytePath, _flags: number): Result {
    if (this.options.cred.uid !== 0) return -EPERM;
    return this.submit(this.begin(NB.modctl).int(NB_MODCTL_UNLOAD).string(name));
  }

  /** modctl(MODCTL_STAT): what is there. */
  modules(out: ModuleInfo[]): Result {
    const bytes = new Uint8Array(MAX_MODULES * NB_MODSTAT_SIZE);
    const call = this.begin(NB.modctl).int(NB_MODCTL_STAT);
    const iovec = call.reserve(16);
    call.putPointer(iovec, call.mapBuffer(bytes));
    call.view.setUint32(iovec + 8, bytes.length, true);
    const listed = this.finishWith(call.pointer(iovec), done =>
      done.result < 0 ? done.result : done.view.getUint32(iovec + 8, true),
    );
    return andThen(listed, length => {
      const end = Math.min(length, bytes.length);
      for (let at = 0; at + NB_MODSTAT_SIZE <= end; at += NB_MODSTAT_SIZE) {
        const { name, size } = decodeModstat(bytes, at);
        out.push({ name, size, users: [] });
      }
      return out.length;
    });
  }
}
