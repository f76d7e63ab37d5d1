/** Which arguments of a system call are paths, and which the directory descriptors that relative ones go by (SYSCALL_DEFINEn of fs/). */
import type { SyscallName } from './syscalls.js';

/** Argument numbers; `dir` is -1 where the working directory decides. */
export interface PathArgument {
  readonly dir: number;
  readonly path: number;
}

const only: readonly PathArgument[] = [{ dir: -1, path: 0 }];
const second: readonly PathArgument[] = [{ dir: -1, path: 1 }];
const at: readonly PathArgument[] = [{ dir: 0, path: 1 }];
const two: readonly PathArgument[] = [
  { dir: -1, path: 0 },
  { dir: -1, path: 1 },
];
const twoAt: readonly PathArgument[] = [
  { dir: 0, path: 1 },
  { dir: 2, path: 3 },
];

const groups: readonly (readonly [readonly PathArgument[], string])[] = [
  [
    only,
    `open creat stat lstat access readlink statfs mkdir mknod rmdir unlink chmod chown lchown utime utimes truncate
     setxattr lsetxattr getxattr lgetxattr listxattr llistxattr removexattr lremovexattr chdir chroot execve umount2
     acct swapon swapoff uselib`,
  ],
  [second, 'symlink mount inotify_add_watch quotactl'],
  [
    at,
    `openat openat2 newfstatat statx faccessat faccessat2 readlinkat mkdirat mknodat unlinkat fchmodat fchmodat2 fchownat
     futimesat utimensat file_getattr file_setattr setxattrat getxattrat listxattrat removexattrat execveat
     name_to_handle_at open_tree open_tree_attr fspick mount_setattr`,
  ],
  [two, 'rename link pivot_root'],
  [twoAt, 'renameat renameat2 linkat move_mount'],
  [[{ dir: 1, path: 2 }], 'symlinkat'],
  [[{ dir: 3, path: 4 }], 'fanotify_mark'],
];

const ARGUMENTS: ReadonlyMap<string, readonly PathArgument[]> = new Map(
  groups.flatMap(([arguments_, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map(name => [name, arguments_] as const),
  ),
);

const NONE: readonly PathArgument[] = [];

/** The path arguments of a call that is decided by them, in order; none for other calls. */
export function pathArguments(name: SyscallName): readonly PathArgument[] {
  return ARGUMENTS.get(name) ?? NONE;
}
