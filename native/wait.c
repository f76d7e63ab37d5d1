/* The wait call: resume the thread that was handled, then sleep until a tracee stops or ends. */
#include "rumphijack.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

struct rh_event rh_event;

static void resume(int how, int64_t value)
{
	int tid = rh_event.tid;

	/* A failing request means that the thread was killed meanwhile: its exit is reported by the wait below. */
	switch (how) {
	case RH_CONT:
		(void)ptrace(PTRACE_CONT, tid, NULL, (void *)value);
		break;
	case RH_ANSWER:
		rh_event.regs.orig_rax = (unsigned long long)-1;
		rh_event.regs.rax = (unsigned long long)value;
		(void)ptrace(PTRACE_SETREGS, tid, NULL, &rh_event.regs);
		(void)ptrace(PTRACE_CONT, tid, NULL, NULL);
		break;
	case RH_TO_EXIT:
		(void)ptrace(PTRACE_SYSCALL, tid, NULL, (void *)value);
		break;
	case RH_LISTEN:
		(void)ptrace(PTRACE_LISTEN, tid, NULL, NULL);
		break;
	case RH_SETREGS:
		(void)ptrace(PTRACE_SETREGS, tid, NULL, &rh_event.regs);
		(void)ptrace(PTRACE_CONT, tid, NULL, (void *)value);
		break;
	case RH_SETREGS_TO_EXIT:
		(void)ptrace(PTRACE_SETREGS, tid, NULL, &rh_event.regs);
		(void)ptrace(PTRACE_SYSCALL, tid, NULL, (void *)value);
		break;
	default:
		break;
	}
}

static void get_message(int tid)
{
	unsigned long message = 0;

	(void)ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message);
	rh_event.message = (int32_t)message;
}

static int load_regs(int tid)
{
	return ptrace(PTRACE_GETREGS, tid, NULL, &rh_event.regs) == 0;
}

/* Classifies a ptrace-stop; 0 when the thread died before its registers could be read. */
static int classify(int tid, int status)
{
	int event = status >> 16;

	rh_event.event = event;
	rh_event.signal = WSTOPSIG(status);
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		get_message(tid);
		return load_regs(tid) ? RH_SECCOMP : 0;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		get_message(tid);
		return load_regs(tid) ? RH_NEWCHILD : 0;
	case PTRACE_EVENT_EXEC:
		get_message(tid);
		return RH_EXEC;
	case PTRACE_EVENT_STOP:
		return RH_STOP;
	default:
		if (rh_event.signal == (SIGTRAP | 0x80)) /* PTRACE_O_TRACESYSGOOD */
			return load_regs(tid) ? RH_SYSCALL : 0;
		return RH_SIGNAL;
	}
}

/*
 * Resumes the thread of the last event as `how` says, waits for the next event, fills rh_event and returns its
 * kind. Blocks in waitpid(2), so that an idle program costs no CPU time.
 */
int rh_next(int how, int64_t value)
{
	resume(how, value);
	for (;;) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0) {
			if (errno == EINTR)
				continue;
			return rh_event.kind = RH_NONE;
		}
		rh_event.tid = tid;
		rh_event.status = status;
		if (WIFSTOPPED(status)) {
			int kind = classify(tid, status);

			if (kind == 0)
				continue; /* killed: its exit comes next */
			return rh_event.kind = kind;
		}
		if (WIFEXITED(status) || WIFSIGNALED(status))
			return rh_event.kind = RH_EXITED;
	}
}
