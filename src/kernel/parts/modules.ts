import { EBUSY, ENOENT } from '../../abi/linux/errno.js';
import type { BytePath } from '../rump_kernel.js';
import type { ModuleInfo } from './procfs.js';

/** What the embedded kernel is made of, as modules: all built in. */
export const BUILT_IN: readonly ModuleInfo[] = ['tmpfs', 'fifofs', 'specfs', 'sysctl'].map(name => ({
  name,
  size: 0,
  users: [],
}));

/** delete_module(2): EBUSY for a part that cannot be taken out, ENOENT for one that is not there. */
export function unload(name: BytePath): number {
  return BUILT_IN.some(module => module.name === name) ? -EBUSY : -ENOENT;
}
