/** A kernel that has the tree behind AT_PROC, and sockets of netlink, for kernels elsewhere of which both are made up here. */
import { AF_NETLINK } from '../abi/linux/socket.js';
import type { EventLoop } from '../native/loop.js';
import { FdTable } from './descriptors.js';
import { KernelState } from './kernel_state.js';
import { NetlinkFamily } from './net/netlink_socket.js';
import type { NetStack } from './net/sockets.js';
import type { SynthDir } from './parts/synth.js';
import { EmbeddedProcess } from './process.js';
import { FsContext } from './process_base.js';
import type { KernelProcess } from './rump_kernel.js';
import { hostNow } from './vfs/clock.js';
import { heapSlabs } from './vfs/pages.js';

/** Its one process, which is root. `stack`: what netlink tells of. */
export function procProcess(tree: SynthDir, loop: EventLoop, stack: NetStack): KernelProcess {
  const kernel = new KernelState(heapSlabs, hostNow(), 0, () => tree, loop);
  kernel.sockets.families.set(AF_NETLINK, new NetlinkFamily(kernel.sockets, () => stack));
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
