/**
 * Files and directories whose contents are made up when they are read, as /proc's are. The file system wraps
 * them as vnodes; they know nothing of descriptors, offsets or inode numbers.
 */
import type { Credentials } from '../rump_kernel.js';

/** A directory of the tree. Owned by root; nothing can be made, removed or renamed in it (EPERM from the file system). */
export interface SynthDir {
  readonly kind: 'dir';
  /** Permission bits. */
  readonly mode: number;
  /** The names in it, without '.' and '..'. */
  list(): readonly string[];
  lookup(name: string): SynthNode | undefined;
}

/** A regular file of the tree, shown with size 0 and owned by root. */
export interface SynthFile {
  readonly kind: 'file';
  /** Permission bits. */
  readonly mode: number;
  /**
   * Permission bits bind fsuid 0 too, as everywhere below /proc/sys (proc_sys_permission in the host's
   * fs/proc/proc_sysctl.c): opening a 0444 file for writing is EACCES even for root.
   */
  readonly bindsRoot?: boolean;
  /** The whole content now. Read once per open file description, so that a reader sees one state. */
  read(cred: Credentials): Uint8Array;
  /** One write(2), whatever the offset: its length when all of it was taken, else -errno. */
  write?(text: Uint8Array, cred: Credentials): number;
}

export type SynthNode = SynthDir | SynthFile;

/** A directory of named nodes, fixed or looked up afresh each time. */
export function synthDir(entries: () => ReadonlyMap<string, SynthNode>, mode = 0o555): SynthDir {
  return {
    kind: 'dir',
    mode,
    list: () => [...entries().keys()],
    lookup: name => entries().get(name),
  };
}

/** A read-only file with text made at each open; one character per byte (latin1), so that paths keep their bytes. */
export function synthText(text: () => string, mode = 0o444): SynthFile {
  return { kind: 'file', mode, read: () => Buffer.from(text(), 'latin1') };
}
