/** Locks, file systems, mounts, attributes, handles and what /proc shows of a remote kernel. */
import { ENOSYS } from '../../abi/linux/errno.js';
import type { BytePath, FileLock, MountInfo, Result, StatFs } from '../../kernel/rump_kernel.js';
import { PathCalls } from './process_paths.js';

export abstract class SystemCalls extends PathCalls {
  /** All processes of this client, to find a lock's holder among them. */
  protected abstract get others(): Iterable<SystemCalls>;
  protected sendFileSizeLimit(): void {}
}
