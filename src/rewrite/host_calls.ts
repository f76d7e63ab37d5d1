/**
 * Calls that never stop, and why they need not: with the table, every call of the kernel is accounted for. A test holds both against the kernel's
 * own list, so that a new call that takes a path or a descriptor is a loud gap and not a silent way out.
 */
import type { SyscallName } from '../abi/linux/syscalls.js';

/** No argument of theirs is a path or a descriptor of files. */
const NEITHER =
  'mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pipe sched_yield mremap msync mincore madvise ' +
  'shmget shmat shmctl pause nanosleep getitimer alarm setitimer getpid fork vfork exit wait4 kill uname semget ' +
  'semop semctl shmdt msgget msgsnd msgrcv msgctl gettimeofday getrusage sysinfo times ptrace getuid syslog getgid ' +
  'geteuid getegid setpgid getppid getpgrp setsid getgroups getresuid getresgid getpgid getsid capget capset ' +
  'rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack personality ustat sysfs getpriority ' +
  'setpriority sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max ' +
  'sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall vhangup modify_ldt prctl ' +
  'arch_prctl adjtimex sync settimeofday reboot sethostname setdomainname iopl ioperm create_module ' +
  'get_kernel_syms query_module getpmsg putpmsg afs_syscall tuxcall security gettid tkill time futex ' +
  'sched_setaffinity sched_getaffinity set_thread_area io_setup io_destroy io_getevents io_cancel get_thread_area ' +
  'lookup_dcookie epoll_create epoll_ctl_old epoll_wait_old remap_file_pages set_tid_address restart_syscall ' +
  'semtimedop timer_create timer_settime timer_gettime timer_getoverrun timer_delete clock_settime clock_gettime ' +
  'clock_getres clock_nanosleep exit_group tgkill vserver mbind set_mempolicy get_mempolicy mq_open mq_unlink ' +
  'kexec_load waitid add_key request_key keyctl ioprio_set ioprio_get inotify_init migrate_pages set_robust_list ' +
  'get_robust_list move_pages timerfd_create eventfd eventfd2 epoll_create1 pipe2 inotify_init1 ' +
  'rt_tgsigqueueinfo perf_event_open fanotify_init clock_adjtime getcpu process_vm_readv process_vm_writev kcmp ' +
  'sched_setattr sched_getattr seccomp getrandom memfd_create userfaultfd membarrier mlock2 pkey_mprotect ' +
  'pkey_alloc pkey_free io_pgetevents rseq uretprobe uprobe pidfd_open memfd_secret futex_waitv ' +
  'set_mempolicy_home_node map_shadow_stack futex_wake futex_wait futex_requeue lsm_get_self_attr ' +
  'lsm_set_self_attr lsm_list_modules mseal landlock_create_ruleset signalfd signalfd4';

/** The host waits on the placeholder, which is as ready as the socket; a file's is always ready, and epoll_ctl refuses it with EPERM. */
const PLACEHOLDER_WAITS = 'poll ppoll select pselect6 epoll_wait epoll_pwait epoll_pwait2 epoll_ctl';

/** The host refuses the placeholder: the descriptor has to be of a kind that only the host has (EBADF, EINVAL). */
const PLACEHOLDER_IS_OTHER =
  'mq_timedsend mq_timedreceive mq_notify mq_getsetattr inotify_rm_watch timerfd_settime timerfd_gettime setns ' +
  'pidfd_send_signal pidfd_getfd io_uring_enter io_uring_register fsopen fsconfig fsmount process_madvise ' +
  'process_mrelease landlock_add_rule landlock_restrict_self bpf listns';

function group(names: string, reason: string): [SyscallName, string][] {
  // The test against the kernel's list finds a misspelt name.
  return names.split(' ').map(name => [name as SyscallName, reason]);
}

/** Name -> why the host answers it without a stop. */
export const HOST_CALLS: ReadonlyMap<SyscallName, string> = new Map([
  ...group(NEITHER, 'takes neither a path nor a descriptor of a file'),
  ...group(PLACEHOLDER_WAITS, 'the host waits on the placeholder'),
  ...group(PLACEHOLDER_IS_OTHER, 'the placeholder is not of the kind that it takes'),
]);
