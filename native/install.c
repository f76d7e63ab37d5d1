/*
 * Descriptors of the tracer's put into a tracee at a number. The tracee makes a call that only our filter knows, by a number that no
 * call has, and sits in its seccomp notification (seccomp_unotify(2)) until the descriptor is there: one step, nothing
 * of the tracee's is used up, and the call's result is the number.
 */
#define _GNU_SOURCE
#include "rumphijack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* src/tracer/native.ts has the same numbers. */
enum { AT_ENTRY = 0, AT_EXIT = 1 };
enum { THEN_STOP = 0, THEN_RUN = 1 };

#define SYSCALL_INSN_SIZE 2
/* How long the tracee may take to get there before its other fates are looked at. */
#define PATIENCE_MS 1

static int listener = -1, tag;

/* `fd` is the filter's listener, `number` the call that notifies. */
void rh_install_by(int fd, int number)
{
	listener = fd;
	tag = number;
}

static void answer(uint64_t id, int error)
{
	struct seccomp_notif_resp response = {.id = id, .error = error};

	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/* The id of the thread's notification, or 0 when it is not there yet. Whoever else has found the number gets ENOSYS, as without a filter. */
static uint64_t notified(int tid)
{
	struct pollfd poll_it = {.fd = listener, .events = POLLIN};
	struct seccomp_notif notification;

	while (poll(&poll_it, 1, PATIENCE_MS) > 0) {
		memset(&notification, 0, sizeof notification);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) < 0)
			continue;
		if ((int)notification.pid == tid)
			return notification.id;
		answer(notification.id, -ENOSYS);
	}
	return 0;
}

struct deferred {
	int count; /* signals that were held (signals.c) */
	int stopped;
};

/* The thread stopped before it got there: 0 when it goes on, -ESRCH when it is gone, with rh_event filled. */
static int pass(int tid, int status, struct deferred *deferred)
{
	if (!WIFSTOPPED(status)) {
		rh_event.tid = tid;
		rh_event.status = status;
		rh_event.kind = RH_EXITED;
		return -ESRCH;
	}
	if (status >> 16 == PTRACE_EVENT_EXEC) {
		rh_event.tid = tid;
		rh_event.message = rh_taken_over(tid);
		rh_event.kind = RH_EXEC;
		return -ESRCH;
	}
	if (status >> 16 == PTRACE_EVENT_STOP) {
		deferred->stopped = 1;
	} else if (status >> 16 == 0 && WSTOPSIG(status) != (SIGTRAP | 0x80)) {
		rh_settle_signal(tid, WSTOPSIG(status));
		rh_hold_signal(tid, WSTOPSIG(status));
		deferred->count++;
	}
	/* The host kernel makes the call again, as no signal is delivered. */
	(void)ptrace(PTRACE_CONT, tid, NULL, NULL);
	return 0;
}

/* Until the thread sits in its notification. Returns 0 or -ESRCH. */
static int reach(int tid, struct deferred *deferred, uint64_t *id)
{
	for (;;) {
		int status, r;

		*id = notified(tid);
		if (*id != 0)
			return 0;
		if (!rh_poll_for(tid, &status))
			continue;
		r = pass(tid, status, deferred);
		if (r < 0)
			return r;
	}
}

static int is_taken(int tid, int number)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, number);
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The lowest number from `first` to `last` that the thread has not open; -1 for none. */
int rh_free_number(int tid, int first, int last)
{
	for (int number = first; number <= last; number++)
		if (!is_taken(tid, number))
			return number;
	return -1;
}

/*
 * Gives the thread that waits its descriptor, and the answer: the number or -errno. No signal may come meanwhile, as SIGCHLD would of any
 * tracee that stops: the host kernel waits for the thread to have taken the descriptor (seccomp_notify_addfd() of kernel/seccomp.c), and a wait
 * that is interrupted leaves an answer without one, or is made again for a notification that has had its answer.
 */
static int add_fd(struct seccomp_notif_addfd *add)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, add);
	if (r < 0)
		r = errno == EMFILE ? -ENFILE : -errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

/*
 * Puts a copy of the tracer's `fd` into the thread, at `first` or the next free number. `flags`: O_CLOEXEC. The thread is stopped at
 * the entry or the exit of a call with `regs`; afterwards it runs on with the number as that call's result (THEN_RUN), or is stopped
 * as at a call's exit. Returns the number; -EMFILE before anything was done when its limit is too low; -ESRCH when the thread is gone,
 * with rh_event filled; or another -errno, which the call has returned, too.
 */
int rh_install(int tid, int stage, const struct user_regs_struct *regs, int fd, int first, int flags, int then)
{
	struct user_regs_struct mine = *regs;
	struct deferred deferred = {.count = 0};
	struct seccomp_notif_addfd add = {.flags = SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND};
	struct rlimit limit;
	int number, r, status;

	if (listener < 0)
		return -ENOSYS;
	if (prlimit(tid, RLIMIT_NOFILE, NULL, &limit) < 0)
		limit.rlim_cur = INT32_MAX; /* it is being killed: that is seen below */
	number = rh_free_number(tid, first, limit.rlim_cur > INT32_MAX ? INT32_MAX : (int)limit.rlim_cur - 1);
	if (number < 0)
		return -EMFILE;
	if (stage == AT_ENTRY) {
		mine.orig_rax = (unsigned long long)tag;
	} else {
		mine.rip -= SYSCALL_INSN_SIZE;
		mine.rax = (unsigned long long)tag;
		mine.orig_rax = (unsigned long long)-1;
	}
	(void)ptrace(PTRACE_SETREGS, tid, NULL, &mine);
	(void)ptrace(PTRACE_CONT, tid, NULL, NULL);
	r = reach(tid, &deferred, (uint64_t *)&add.id);
	if (r < 0)
		return r;
	if (then == THEN_STOP)
		(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	add.srcfd = (uint32_t)fd;
	add.newfd = (uint32_t)number;
	add.newfd_flags = (uint32_t)flags;
	r = add_fd(&add);
	if (r < 0)
		answer(add.id, r);
	if (then == THEN_STOP) {
		if (rh_wait_for(tid, &status) < 0)
			return -ESRCH;
		if (!WIFSTOPPED(status) || status >> 16 == PTRACE_EVENT_EXEC)
			return pass(tid, status, &deferred);
		if (status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP) {
			deferred.stopped = 1;
		} else if (status >> 16 == 0) {
			rh_settle_signal(tid, WSTOPSIG(status));
			rh_hold_signal(tid, WSTOPSIG(status));
			deferred.count++;
		}
	}
	if (deferred.count > 0)
		(void)rh_send_held(tid);
	if (deferred.stopped)
		(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return r;
}
