/* Host calls made by a stopped thread on the tracer's behalf, and single requests for threads other than the event's. */
#define _GNU_SOURCE
#include "rumphijack.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the thread stands when a call is injected; src/tracer/native.ts has the same numbers. */
enum { AT_ENTRY = 0, AT_EXIT = 1 };

#define SYSCALL_INSN_SIZE 2 /* 0f 05, and cd 80 */
#define KERNEL_SIGSET_SIZE 8

static int64_t injected_result;

/* The result of the last call that rh_inject() made. */
int64_t rh_injected_result(void) { return injected_result; }

struct deferred {
	int count;   /* signals that were held (signals.c), sent again afterwards */
	int stopped; /* a group-stop was passed by: ask for it again */
};

/*
 * Runs the thread to the exit of the call it is about to make. Signals are blocked by the caller, so only SIGSTOP, a
 * group-stop and death can come between. Returns 0, or -ESRCH with rh_event filled: RH_EXITED, or RH_EXEC.
 */
static int run_to_exit(int tid, int entry_seen, struct deferred *deferred)
{
	for (;;) {
		int status;

		if (ptrace(PTRACE_SYSCALL, tid, NULL, NULL) < 0 && errno != ESRCH)
			return -errno;
		if (rh_wait_for(tid, &status) < 0)
			return -ESRCH;
		if (!WIFSTOPPED(status)) {
			rh_event.tid = tid;
			rh_event.status = status;
			rh_event.kind = RH_EXITED;
			return -ESRCH;
		}
		if (status >> 8 == (SIGTRAP | 0x80)) {
			if (entry_seen)
				return 0;
			entry_seen = 1;
		} else if (status >> 16 == PTRACE_EVENT_SECCOMP) {
			entry_seen = 1;
		} else if (status >> 16 == PTRACE_EVENT_EXEC) {
			/* Another thread's exec has taken this leader's tid: the thread that we knew is gone. */
			rh_event.tid = tid;
			rh_event.message = rh_taken_over(tid);
			rh_event.kind = RH_EXEC;
			return -ESRCH;
		} else if (status >> 16 == PTRACE_EVENT_STOP) {
			deferred->stopped = 1;
		} else if (status >> 16 == 0) {
			rh_settle_signal(tid, WSTOPSIG(status));
			rh_hold_signal(tid, WSTOPSIG(status));
			deferred->count++;
		}
	}
}

/*
 * Makes the thread, stopped at the entry or the exit of a system call whose registers are `regs`, execute one host call that does
 * not block. Afterwards it is stopped at that call's exit, whatever it was before. Returns 0 (the call's own result is
 * rh_injected_result()), or -ESRCH when the thread is gone.
 */
int rh_inject(int tid, int stage, const struct user_regs_struct *regs, int64_t nr, int64_t a0, int64_t a1, int64_t a2,
	      int64_t a3, int64_t a4, int64_t a5)
{
	struct user_regs_struct mine = *regs;
	struct deferred deferred = {.count = 0};
	uint64_t mask = 0, all = ~0ull;
	int blocked = 0, r;

	mine.rdi = (unsigned long long)a0;
	mine.rsi = (unsigned long long)a1;
	mine.rdx = (unsigned long long)a2;
	mine.r10 = (unsigned long long)a3;
	mine.r8 = (unsigned long long)a4;
	mine.r9 = (unsigned long long)a5;
	if (stage == AT_ENTRY) {
		mine.orig_rax = (unsigned long long)nr;
	} else {
		/* Back to the syscall instruction; no restart of the call that ended here. */
		mine.rip -= SYSCALL_INSN_SIZE;
		mine.rax = (unsigned long long)nr;
		mine.orig_rax = (unsigned long long)-1;
		blocked = ptrace(PTRACE_GETSIGMASK, tid, (void *)KERNEL_SIGSET_SIZE, &mask) == 0 &&
			  ptrace(PTRACE_SETSIGMASK, tid, (void *)KERNEL_SIGSET_SIZE, &all) == 0;
	}
	(void)ptrace(PTRACE_SETREGS, tid, NULL, &mine);
	r = run_to_exit(tid, stage == AT_ENTRY, &deferred);
	if (r < 0)
		return r;
	if (blocked)
		(void)ptrace(PTRACE_SETSIGMASK, tid, (void *)KERNEL_SIGSET_SIZE, &mask);
	if (ptrace(PTRACE_GETREGS, tid, NULL, &mine) < 0)
		mine.rax = (unsigned long long)-ESRCH;
	injected_result = (int64_t)mine.rax;
	if (deferred.count > 0)
		(void)rh_send_held(tid);
	if (deferred.stopped)
		(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return 0;
}

int rh_get_regs(int tid, struct user_regs_struct *regs) { return ptrace(PTRACE_GETREGS, tid, NULL, regs) < 0 ? -errno : 0; }

int rh_set_regs(int tid, const struct user_regs_struct *regs)
{
	return ptrace(PTRACE_SETREGS, tid, NULL, regs) < 0 ? -errno : 0;
}

/* Asks a running thread to stop (PTRACE_EVENT_STOP); a host call that it sleeps in is interrupted. */
int rh_interrupt(int tid) { return ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 ? -errno : 0; }

int rh_kill(int pid, int signal) { return kill(pid, signal) < 0 ? -errno : 0; }

int rh_tkill(int tid, int signal) { return syscall(SYS_tkill, tid, signal) < 0 ? -errno : 0; }

/* Resumes a thread that is not the last event's; `request` is an rh_resume number. */
int rh_resume_other(int tid, int request, int signal)
{
	int what = request == RH_LISTEN ? (int)PTRACE_LISTEN : request == RH_TO_EXIT ? (int)PTRACE_SYSCALL : (int)PTRACE_CONT;

	return ptrace(what, tid, NULL, (void *)(intptr_t)signal) < 0 ? -errno : 0;
}
