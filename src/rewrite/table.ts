/**
 * The one table of system calls: how each is decided, who handles it, how well it is served. The seccomp filter, names in
 * messages and the manual's support table all come from here. To add a call: a row here, a handler in calls/, a test.
 */
import { EBADF, EINVAL, ENOSYS, EOPNOTSUPP } from '../abi/linux/errno.js';
import { NR, type SyscallName } from '../abi/linux/syscalls.js';
import * as attributes from './calls/attributes.js';
import * as descriptors from './calls/descriptors.js';
import * as directories from './calls/directories.js';
import * as exec from './calls/exec.js';
import * as messages from './calls/messages.js';
import * as mmap from './calls/mmap.js';
import * as mounts from './calls/mounts.js';
import * as names from './calls/names.js';
import * as open from './calls/open.js';
import * as other from './calls/other.js';
import * as process from './calls/process.js';
import * as rights from './calls/rights.js';
import * as rw from './calls/rw.js';
import * as sockets from './calls/sockets.js';
import * as stat from './calls/stat.js';
import * as transfer from './calls/transfer.js';
import * as xattr from './calls/xattr.js';
import type { Handler } from './hijack.js';

/** Numbers of the arguments that are a path and the directory descriptor for it; -1: the working directory (as targetOf()). */
export type PathPlace = readonly [dir: number, path: number];

/** What decides where a call goes, and so when it has to stop. */
export type Decides =
  /** Paths in memory, where relative ones go by a descriptor or the working directory: stops always, where the policy has path rules. */
  | { readonly by: 'path'; readonly args: readonly PathPlace[] }
  /** These arguments are descriptors: stops where one may be the rump kernel's, or is below `below`. */
  | { readonly by: 'fd'; readonly args: readonly number[]; readonly below?: number }
  /** Argument 0 is an address family: stops for the families of the policy. */
  | { readonly by: 'family' }
  /** An argument is one of these numbers. */
  | { readonly by: 'value'; readonly arg: number; readonly values: readonly number[] }
  /** An argument has one of these bits. */
  | { readonly by: 'mask'; readonly arg: number; readonly mask: number }
  /** Both kernels are concerned, or what decides is in memory: stops always. */
  | { readonly by: 'always' }
  /** A switch of the policy. */
  | { readonly by: 'switch'; readonly of: 'sysctl' | 'modctl' | 'nfssvc' | 'getvfsstat' | 'fhcalls' }
  /** Refused for everybody by the filter itself. */
  | { readonly by: 'errno'; readonly errno: number };

/** full: as on Linux. partial: see the note. refused: an honest errno on a rump path or descriptor, see the note. */
export type Support = 'full' | 'partial' | 'refused';

export interface Row {
  readonly name: SyscallName;
  readonly nr: number;
  readonly decides: Decides;
  readonly handler: Handler | undefined;
  readonly support: Support;
  readonly note: string;
}

const path = (...args: PathPlace[]): Decides => ({ by: 'path', args });
/** The working directory itself. */
const CWD = path();
const PATH = path([-1, 0]);
const PATH_AT = path([0, 1]);
const SECOND_PATH = path([-1, 1]);
const TWO_PATHS = path([-1, 0], [-1, 1]);
const TWO_PATHS_AT = path([0, 1], [2, 3]);
const ALWAYS: Decides = { by: 'always' };
const fd = (...args: number[]): Decides => ({ by: 'fd', args });

const full = (name: SyscallName, decides: Decides, handler: Handler): Row => ({
  name,
  nr: NR[name],
  decides,
  handler,
  support: 'full',
  note: '',
});
const partial = (name: SyscallName, decides: Decides, handler: Handler, note: string): Row => ({
  ...full(name, decides, handler),
  support: 'partial',
  note,
});
const refused = (name: SyscallName, decides: Decides, handler: Handler | undefined, note: string): Row => ({
  name,
  nr: NR[name],
  decides,
  handler,
  support: 'refused',
  note,
});
/** A path call that the rump kernel does not serve, whichever of its paths is there. */
const noPaths = (name: SyscallName, args: readonly PathPlace[], errno: number, note: string): Row =>
  refused(name, path(...args), other.refusePaths(args, errno), note);
const noPath = (name: SyscallName, dir: number, at: number, errno: number, note: string): Row =>
  noPaths(name, [[dir, at]], errno, note);
/** A descriptor call that the rump kernel does not serve. */
const noFd = (name: SyscallName, args: number[], errno: number, note: string): Row =>
  refused(name, fd(...args), other.refuseFd(args, errno), note);

/** RLIMIT_FSIZE, RLIMIT_NOFILE (sys/resource.h). */
const LIMITS = [1, 7];
/** CLONE_UNTRACED (linux/sched.h). */
const CLONE_UNTRACED = 0x00800000;
/** CLONE_FS | CLONE_FILES. */
const CLONE_SHARED = 0x600;

const NO_WATCH = 'nothing watches files of the rump kernel';
const NO_NEW_MOUNT_API = 'the rump kernel is mounted with mount(2)';

export const TABLE: readonly Row[] = [
  // Reading and writing.
  full('read', fd(0), rw.sysRead),
  full('write', fd(0), rw.sysWrite),
  full('readv', fd(0), rw.sysReadv),
  full('writev', fd(0), rw.sysWritev),
  full('pread64', fd(0), rw.sysPread64),
  full('pwrite64', fd(0), rw.sysPwrite64),
  full('preadv', fd(0), rw.sysPreadv),
  full('pwritev', fd(0), rw.sysPwritev),
  full('preadv2', fd(0), rw.sysPreadv2),
  full('pwritev2', fd(0), rw.sysPwritev2),
  full('lseek', fd(0), rw.sysLseek),
  full('sendfile', fd(0, 1), transfer.sysSendfile),
  full('copy_file_range', fd(0, 2), transfer.sysCopyFileRange),
  partial('splice', fd(0, 2), transfer.sysSplice, 'copies; at most 128 KiB a call across kernels'),
  refused('tee', fd(0, 1), transfer.sysTee, 'EINVAL: a fifo of the rump kernel cannot be duplicated'),
  refused('vmsplice', fd(0), transfer.sysVmsplice, 'EOPNOTSUPP on a fifo of the rump kernel'),

  // Opening, closing, duplicating.
  full('open', PATH, open.sysOpen),
  full('openat', PATH_AT, open.sysOpenat),
  full('openat2', PATH_AT, open.sysOpenat2),
  full('creat', PATH, open.sysCreat),
  full('close', { by: 'fd', args: [0], below: 3 }, descriptors.sysClose),
  full('close_range', ALWAYS, descriptors.sysCloseRange),
  full('dup', fd(0), descriptors.sysDup),
  full('dup2', fd(0, 1), descriptors.sysDup2),
  full('dup3', fd(0, 1), descriptors.sysDup3),
  partial(
    'fcntl',
    fd(0),
    descriptors.sysFcntl,
    'flags, F_DUPFD and locks; EINVAL for leases, seals and owners',
  ),
  full('flock', fd(0), descriptors.sysFlock),
  partial(
    'ioctl',
    fd(0),
    descriptors.sysIoctl,
    'FIONREAD, FIONBIO, FIOCLEX, FIONCLEX; on sockets TIOCOUTQ, SIOCATMARK and netdevice(7); ENOTTY for the rest',
  ),
  partial('mmap', fd(4), mmap.sysMmap, 'a copy of the file; ENODEV for shared writable mappings'),

  // Looking.
  full('stat', PATH, stat.sysStat),
  full('lstat', PATH, stat.sysLstat),
  full('fstat', fd(0), stat.sysFstat),
  full('newfstatat', PATH_AT, stat.sysNewfstatat),
  full('statx', PATH_AT, stat.sysStatx),
  full('access', PATH, stat.sysAccess),
  full('faccessat', PATH_AT, stat.sysFaccessat),
  full('faccessat2', PATH_AT, stat.sysFaccessat2),
  full('readlink', PATH, stat.sysReadlink),
  full('readlinkat', PATH_AT, stat.sysReadlinkat),
  full('statfs', PATH, stat.sysStatfs),
  full('fstatfs', fd(0), stat.sysFstatfs),

  // Names.
  full('mkdir', PATH, names.sysMkdir),
  full('mkdirat', PATH_AT, names.sysMkdirat),
  full('mknod', PATH, names.sysMknod),
  full('mknodat', PATH_AT, names.sysMknodat),
  full('rmdir', PATH, names.sysRmdir),
  full('unlink', PATH, names.sysUnlink),
  full('unlinkat', PATH_AT, names.sysUnlinkat),
  full('rename', TWO_PATHS, names.sysRename),
  full('renameat', TWO_PATHS_AT, names.sysRenameat),
  full('renameat2', TWO_PATHS_AT, names.sysRenameat2),
  full('link', TWO_PATHS, names.sysLink),
  full('linkat', TWO_PATHS_AT, names.sysLinkat),
  full('symlink', SECOND_PATH, names.sysSymlink),
  full('symlinkat', path([1, 2]), names.sysSymlinkat),

  // Attributes and sizes.
  full('chmod', PATH, attributes.sysChmod),
  full('fchmod', fd(0), attributes.sysFchmod),
  full('fchmodat', PATH_AT, attributes.sysFchmodat),
  full('fchmodat2', PATH_AT, attributes.sysFchmodat2),
  full('chown', PATH, attributes.sysChown),
  full('lchown', PATH, attributes.sysLchown),
  full('fchown', fd(0), attributes.sysFchown),
  full('fchownat', PATH_AT, attributes.sysFchownat),
  full('utime', PATH, attributes.sysUtime),
  full('utimes', PATH, attributes.sysUtimes),
  full('futimesat', PATH_AT, attributes.sysFutimesat),
  full('utimensat', PATH_AT, attributes.sysUtimensat),
  full('truncate', PATH, attributes.sysTruncate),
  full('ftruncate', fd(0), attributes.sysFtruncate),
  full('fallocate', fd(0), attributes.sysFallocate),
  full('fsync', fd(0), attributes.sysFsync),
  full('fdatasync', fd(0), attributes.sysFsync),
  full('sync_file_range', fd(0), attributes.sysFsync),
  full('syncfs', fd(0), attributes.sysFsync),
  full('fadvise64', fd(0), attributes.sysFadvise64),
  noFd('readahead', [0], EINVAL, 'what is in memory need not be read ahead'),
  noFd('cachestat', [0], EOPNOTSUPP, 'the rump kernel has no page cache of the host'),
  noPath('file_getattr', 0, 1, EOPNOTSUPP, 'no file attributes'),
  noPath('file_setattr', 0, 1, EOPNOTSUPP, 'no file attributes'),

  // Extended attributes.
  full('setxattr', PATH, xattr.sysSetxattr),
  full('lsetxattr', PATH, xattr.sysLsetxattr),
  full('fsetxattr', fd(0), xattr.sysFsetxattr),
  full('setxattrat', PATH_AT, xattr.sysSetxattrat),
  full('getxattr', PATH, xattr.sysGetxattr),
  full('lgetxattr', PATH, xattr.sysLgetxattr),
  full('fgetxattr', fd(0), xattr.sysFgetxattr),
  full('getxattrat', PATH_AT, xattr.sysGetxattrat),
  full('listxattr', PATH, xattr.sysListxattr),
  full('llistxattr', PATH, xattr.sysLlistxattr),
  full('flistxattr', fd(0), xattr.sysFlistxattr),
  full('listxattrat', PATH_AT, xattr.sysListxattrat),
  full('removexattr', PATH, xattr.sysRemovexattr),
  full('lremovexattr', PATH, xattr.sysLremovexattr),
  full('fremovexattr', fd(0), xattr.sysFremovexattr),
  full('removexattrat', PATH_AT, xattr.sysRemovexattrat),

  // Directories.
  full('getdents', fd(0), directories.sysGetdents),
  full('getdents64', fd(0), directories.sysGetdents64),
  full('getcwd', CWD, directories.sysGetcwd),
  full('chdir', PATH, directories.sysChdir),
  full('fchdir', ALWAYS, directories.sysFchdir),
  full('umask', ALWAYS, directories.sysUmask),
  noPath('chroot', -1, 0, ENOSYS, 'a process keeps its root in the rump kernel'),
  noPaths(
    'pivot_root',
    [
      [-1, 0],
      [-1, 1],
    ],
    ENOSYS,
    'as chroot',
  ),

  // Processes.
  partial(
    'execve',
    PATH,
    exec.sysExecve,
    'a copy of the program; setuid bits in the rump kernel have no effect',
  ),
  partial('execveat', PATH_AT, exec.sysExecveat, 'as execve'),
  full('unshare', { by: 'mask', arg: 0, mask: CLONE_SHARED }, directories.sysUnshare),
  full('clone', { by: 'mask', arg: 0, mask: CLONE_UNTRACED }, process.sysClone),
  full('clone3', ALWAYS, process.sysClone3),
  full('setuid', ALWAYS, process.sysSetid),
  full('setgid', ALWAYS, process.sysSetid),
  full('setreuid', ALWAYS, process.sysSetid),
  full('setregid', ALWAYS, process.sysSetid),
  full('setresuid', ALWAYS, process.sysSetid),
  full('setresgid', ALWAYS, process.sysSetid),
  full('setgroups', ALWAYS, process.sysSetid),
  full('setfsuid', ALWAYS, process.sysSetid),
  full('setfsgid', ALWAYS, process.sysSetid),
  full('getrlimit', { by: 'value', arg: 0, values: LIMITS }, process.sysGetrlimit),
  full('setrlimit', { by: 'value', arg: 0, values: LIMITS }, process.sysSetrlimit),
  full('prlimit64', { by: 'value', arg: 1, values: LIMITS }, process.sysPrlimit64),

  // Mounts, handles, modules.
  partial('mount', SECOND_PATH, mounts.sysMount, 'tmpfs in the embedded kernel'),
  full('umount2', PATH, mounts.sysUmount2),
  full('name_to_handle_at', PATH_AT, mounts.sysNameToHandleAt),
  full('open_by_handle_at', ALWAYS, mounts.sysOpenByHandleAt),
  partial(
    'statmount',
    { by: 'switch', of: 'getvfsstat' },
    mounts.sysStatmount,
    'type, root, mount point and ids',
  ),
  full('listmount', { by: 'switch', of: 'getvfsstat' }, mounts.sysListmount),
  partial(
    'init_module',
    { by: 'switch', of: 'modctl' },
    mounts.sysInitModule,
    'the embedded kernel loads no modules',
  ),
  partial('finit_module', { by: 'switch', of: 'modctl' }, mounts.sysFinitModule, 'as init_module'),
  partial('delete_module', { by: 'switch', of: 'modctl' }, mounts.sysDeleteModule, 'as init_module'),
  refused('nfsservctl', { by: 'switch', of: 'nfssvc' }, mounts.sysNfsservctl, 'ENOSYS: no NFS server'),
  refused('_sysctl', { by: 'switch', of: 'sysctl' }, mounts.sysSysctl, 'ENOSYS: read below /proc/sys'),

  // Sockets and what carries descriptors.
  partial(
    'socket',
    { by: 'family' },
    sockets.sysSocket,
    'local, inet, inet6 and netlink route sockets; EAFNOSUPPORT for other families',
  ),
  full('socketpair', { by: 'family' }, sockets.sysSocketpair),
  full('bind', fd(0), sockets.sysBind),
  full('connect', fd(0), sockets.sysConnect),
  full('listen', fd(0), sockets.sysListen),
  full('accept', fd(0), sockets.sysAccept),
  full('accept4', fd(0), sockets.sysAccept4),
  full('getsockname', fd(0), sockets.sysGetsockname),
  full('getpeername', fd(0), sockets.sysGetpeername),
  full('shutdown', fd(0), sockets.sysShutdown),
  full('getsockopt', fd(0), sockets.sysGetsockopt),
  full('setsockopt', fd(0), sockets.sysSetsockopt),
  full('sendto', fd(0), sockets.sysSendto),
  full('recvfrom', fd(0), sockets.sysRecvfrom),
  partial(
    'sendmsg',
    ALWAYS,
    messages.sysSendmsg,
    'EOPNOTSUPP when it would pass a descriptor between the kernels',
  ),
  partial('sendmmsg', ALWAYS, messages.sysSendmmsg, 'as sendmsg'),
  full('recvmsg', fd(0), messages.sysRecvmsg),
  full('recvmmsg', fd(0), messages.sysRecvmmsg),
  refused('io_submit', ALWAYS, rights.sysIoSubmit, 'EINVAL for rump descriptors'),
  refused(
    'io_uring_setup',
    { by: 'errno', errno: ENOSYS },
    undefined,
    'ENOSYS always: its calls could not be seen',
  ),

  // What the rump kernel does not serve.
  noPath('inotify_add_watch', -1, 1, ENOSYS, NO_WATCH),
  noPath('fanotify_mark', 3, 4, ENOSYS, NO_WATCH),
  noPath('quotactl', -1, 1, ENOSYS, 'no quotas'),
  noFd('quotactl_fd', [0], ENOSYS, 'no quotas'),
  noPath('acct', -1, 0, EINVAL, 'the host kernel cannot write there'),
  noPath('swapon', -1, 0, EINVAL, 'the host kernel cannot swap there'),
  noPath('swapoff', -1, 0, EINVAL, 'the host kernel cannot swap there'),
  noPath('uselib', -1, 0, ENOSYS, 'gone from Linux'),
  noPath('open_tree', 0, 1, ENOSYS, NO_NEW_MOUNT_API),
  noPath('open_tree_attr', 0, 1, ENOSYS, NO_NEW_MOUNT_API),
  noPath('fspick', 0, 1, ENOSYS, NO_NEW_MOUNT_API),
  noPath('mount_setattr', 0, 1, ENOSYS, NO_NEW_MOUNT_API),
  noPaths(
    'move_mount',
    [
      [0, 1],
      [2, 3],
    ],
    ENOSYS,
    NO_NEW_MOUNT_API,
  ),
  noFd('kexec_file_load', [0, 1], EBADF, 'the host kernel cannot read there'),
];

/** Rows by call number. */
export const ROWS: readonly (Row | undefined)[] = (() => {
  const rows: (Row | undefined)[] = [];
  for (const row of TABLE) rows[row.nr] = row;
  return rows;
})();
