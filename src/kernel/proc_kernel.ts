/** A kernel that has nothing but the tree behind AT_PROC, for kernels elsewhere whose /proc is made up here. */
import { EventLoop } from '../native/loop.js';
import { FdTable } from './descriptors.js';
import { KernelState } from './kernel_state.js';
import type { SynthDir } from './parts/synth.js';
import { EmbeddedProcess } from './process.js';
import { FsContext } from './process_base.js';
import type { KernelProcess } from './rump_kernel.js';
import { hostNow } from './vfs/clock.js';
import { heapSlabs } from './vfs/pages.js';

/** Its one process, which is root. */
export function procProcess(tree: SynthDir): KernelProcess {
  const kernel = new KernelState(heapSlabs, hostNow(), 0, () => tree, new EventLoop());
  return new EmbeddedProcess({
    kernel,
    pid: 0,
    comm: '',
    prefix: '',
    cred: { uid: 0, gid: 0, groups: [] },
    nofile: Number.POSITIVE_INFINITY,
    fsize: Number.POSITIVE_INFINITY,
    files: new FdTable(),
    fs: new FsContext(kernel.root, 0),
  });
}
