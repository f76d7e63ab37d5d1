/** The calls of a remote process on what it sees below /proc. */
import { EFAULT, EINVAL, EOPNOTSUPP } from '../../abi/linux/errno.js';
import { O_CLOEXEC, SEEK_CUR } from '../../abi/linux/fcntl.js';
import type { ModuleInfo } from '../../kernel/parts/procfs.js';
import { andThen } from '../../kernel/results.js';
import {
  AT_PROC,
  type BytePath,
  type MountInfo,
  type Result,
  type Stat,
  type Uio,
} from '../../kernel/rump_kernel.js';
import { Description } from './descriptors.js';
import type { LocalFile, ProcCalls } from './proc_view.js';
import { ProcView, sysctlName } from './proc_view.js';
import { ViewFileCalls } from './process_view.js';
import type { SysCall } from './syscall.js';

/** Longest text that a node takes, as on the host a page. */
const WRITE_MAX = 4096;

export abstract class ProcViewCalls extends ViewFileCalls {
  /** The client's one view. */
  protected abstract get procView(): ProcView;

  /** The directory of the view that `at` is: undefined in front of its root. */
  #base(at: number): { base: LocalFile | undefined } | undefined {
    if (at === AT_PROC) return { base: undefined };
    const local = this.table.get(at)?.file.local;
    return local === undefined ? undefined : { base: local };
  }

  #calls(): ProcCalls {
    return {
      begin: nr => this.begin(nr),
      submit: (call: SysCall) => this.submit(call),
      mounts: (out: MountInfo[]) => this.mounts(out),
      modules: (out: ModuleInfo[]) => this.modules(out),
    };
  }

  /** Goes on when the server has told what there is at a path of the view. */
  #learnt(base: LocalFile | undefined, path: BytePath, next: () => Result): Result {
    return andThen(this.procView.learn(this.#calls(), ProcView.pathOf(base, path)), next);
  }

  override openAt(at: number, path: BytePath, flags: number, mode: number, resolve: number): Result {
    const place = path.startsWith('/') ? undefined : this.#base(at);
    if (place === undefined) return super.openAt(at, path, flags, mode, resolve);
    const room = this.table.next(0, this.options.nofile);
    if (room < 0) return room;
    return this.#learnt(place.base, path, () => {
      const local = this.procView.open(place.base, path, flags, mode);
      if (typeof local === 'number') return local;
      const shown = local.process.getStatusFlags(local.fd);
      const file = new Description(typeof shown === 'number' ? shown : flags, local.path);
      file.local = local;
      return this.installLocal(file, (flags & O_CLOEXEC) !== 0);
    });
  }

  override statAt(at: number, path: BytePath, flags: number, out: Stat): Result {
    const place = path.startsWith('/') ? undefined : this.#base(at);
    if (place === undefined) return super.statAt(at, path, flags, out);
    return this.#learnt(place.base, path, () =>
      this.procView.process.statAt(place.base?.fd ?? AT_PROC, path, flags, out),
    );
  }

  override accessAt(at: number, path: BytePath, mode: number, flags: number): Result {
    const place = path.startsWith('/') ? undefined : this.#base(at);
    if (place === undefined) return super.accessAt(at, path, mode, flags);
    return this.#learnt(place.base, path, () =>
      this.procView.process.accessAt(place.base?.fd ?? AT_PROC, path, mode, flags),
    );
  }

  override readlinkAt(at: number, path: BytePath, out: Uint8Array): Result {
    const place = path.startsWith('/') ? undefined : this.#base(at);
    if (place === undefined) return super.readlinkAt(at, path, out);
    return this.#learnt(place.base, path, () =>
      this.procView.process.readlinkAt(place.base?.fd ?? AT_PROC, path, out),
    );
  }

  // Attributes: nothing there has any, which is for the view to say.

  /** `view` on a descriptor or path of the view, `server` on any other. */
  #attribute(at: number, path: BytePath | null, view: (at: number) => Result, server: () => Result): Result {
    if (path === null) {
      const local = this.localFile(at);
      return local === undefined ? server() : view(local.fd);
    }
    const place = path.startsWith('/') ? undefined : this.#base(at);
    if (place === undefined) return server();
    return this.#learnt(place.base, path, () => view(place.base?.fd ?? AT_PROC));
  }

  override getXattr(
    at: number,
    path: BytePath | null,
    flags: number,
    name: BytePath,
    out: Uint8Array,
  ): Result {
    const { process } = this.procView;
    return this.#attribute(
      at,
      path,
      to => process.getXattr(to, path, flags, name, out),
      () => super.getXattr(at, path, flags, name, out),
    );
  }

  override listXattr(at: number, path: BytePath | null, flags: number, out: Uint8Array): Result {
    const { process } = this.procView;
    return this.#attribute(
      at,
      path,
      to => process.listXattr(to, path, flags, out),
      () => super.listXattr(at, path, flags, out),
    );
  }

  override setXattr(
    at: number,
    path: BytePath | null,
    flags: number,
    name: BytePath,
    value: Uint8Array,
    xflags: number,
  ): Result {
    return this.#attribute(
      at,
      path,
      () => -EOPNOTSUPP,
      () => super.setXattr(at, path, flags, name, value, xflags),
    );
  }

  override removeXattr(at: number, path: BytePath | null, flags: number, name: BytePath): Result {
    return this.#attribute(
      at,
      path,
      () => -EOPNOTSUPP,
      () => super.removeXattr(at, path, flags, name),
    );
  }

  /** Goes on when the server has told what is in a file, if that is read from its start: what is read then is the state of now. */
  #filled(local: LocalFile, offset: Result, next: () => Result): Result {
    return offset === 0 ? andThen(this.procView.prepare(this.#calls(), local.path), next) : next();
  }

  override read(fd: number, uio: Uio): Result {
    const local = this.localFile(fd);
    if (local === undefined) return super.read(fd, uio);
    return this.#filled(local, local.process.lseek(local.fd, 0, SEEK_CUR), () => super.read(fd, uio));
  }

  override pread(fd: number, uio: Uio, offset: number, flags: number): Result {
    const local = this.localFile(fd);
    // -1: the descriptor's own.
    if (local === undefined || offset < 0) return super.pread(fd, uio, offset, flags);
    return this.#filled(local, offset, () => super.pread(fd, uio, offset, flags));
  }

  override write(fd: number, uio: Uio): Result {
    const local = this.table.get(fd)?.file.local;
    const node = local === undefined ? undefined : sysctlName(local.path);
    if (node === undefined || uio.resid === 0) return super.write(fd, uio);
    const length = uio.resid;
    if (length >= WRITE_MAX) return -EINVAL;
    const text = Buffer.alloc(length);
    const got = uio.move(text, 0, length);
    if (got < length) return -EFAULT;
    return andThen(this.procView.sysctl.store(this.#calls(), node, text.toString('latin1')), () => length);
  }
}
