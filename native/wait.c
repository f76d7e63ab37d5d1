/* The wait call: resume the thread that was handled, then sleep until a tracee stops or ends. */
#include "rumphijack.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

struct rh_event rh_event;

/* Events of other threads that came while one was waited for (rh_wait_for). */
static struct {
	pid_t tid;
	int status;
} *queue;
static size_t queue_first, queue_end, queue_room;

static int enqueue(pid_t tid, int status)
{
	if (queue_end == queue_room) {
		size_t room = queue_room == 0 ? 64 : queue_room * 2;
		void *larger = realloc(queue, room * sizeof *queue);

		if (larger == NULL)
			return -ENOMEM;
		queue = larger;
		queue_room = room;
	}
	queue[queue_end].tid = tid;
	queue[queue_end].status = status;
	queue_end++;
	return 0;
}

static pid_t dequeue(int *status)
{
	pid_t tid;

	if (queue_first == queue_end)
		return 0;
	tid = queue[queue_first].tid;
	*status = queue[queue_first].status;
	if (++queue_first == queue_end)
		queue_first = queue_end = 0;
	return tid;
}

/* Takes this thread's first event out of the queue: it may have died while it was stopped. */
static int dequeue_for(pid_t tid, int *status)
{
	for (size_t i = queue_first; i < queue_end; i++) {
		if (queue[i].tid != tid)
			continue;
		*status = queue[i].status;
		memmove(&queue[i], &queue[i + 1], (queue_end - i - 1) * sizeof *queue);
		queue_end--;
		return 1;
	}
	return 0;
}

/*
 * Waits for one thread; what others do meanwhile is kept for rh_next(). Not waitpid(tid): the leader of a thread group is not
 * reported dead before its other threads were waited for, and nobody else waits for those. Returns 0, or -errno.
 */
int rh_wait_for(int tid, int *status)
{
	if (dequeue_for(tid, status))
		return 0;
	for (;;) {
		pid_t got = waitpid(-1, status, __WALL);

		if (got == tid)
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0 && enqueue(got, *status) < 0)
			return -ENOMEM;
	}
}

/* As rh_wait_for(), but does not wait: 0 when the thread has no event. */
int rh_poll_for(int tid, int *status)
{
	if (dequeue_for(tid, status))
		return 1;
	for (;;) {
		pid_t got = waitpid(-1, status, __WALL | WNOHANG);

		if (got == tid)
			return 1;
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || enqueue(got, *status) < 0)
			return 0;
	}
}

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
		rh_event.message = rh_taken_over(tid);
		return RH_EXEC;
	case PTRACE_EVENT_STOP:
		return RH_STOP;
	default:
		if (rh_event.signal == (SIGTRAP | 0x80)) /* PTRACE_O_TRACESYSGOOD */
			return load_regs(tid) ? RH_SYSCALL : 0;
		rh_settle_signal(tid, rh_event.signal);
		return RH_SIGNAL;
	}
}

/* After this many events of tracees in a row, sockets get a look. */
#define FAIRNESS 16

/* When rh_next() returns RH_READY at the latest, in ms of now_ms(); -1: never. However many events come before. */
static int64_t deadline = -1;
static int in_a_row;

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int time_left(void)
{
	int64_t left = deadline - now_ms();

	return deadline < 0 ? -1 : left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* The next rh_next() returns RH_READY after this time at the latest; -1: never. */
void rh_next_timeout(int milliseconds) { deadline = milliseconds < 0 ? -1 : now_ms() + milliseconds; }

/*
 * As waitpid(-1) for any thread, but watched sockets and the time end the wait, too: 0. SIGCHLD has a handler that ends
 * a sleep in epoll_wait(2), whichever thread it runs in.
 */
static pid_t wait_for_any(int *status)
{
	static int catching;

	if (rh_watched() == 0 && deadline < 0)
		return waitpid(-1, status, __WALL);
	if (!catching && rh_catch(SIGCHLD) == 0)
		catching = 1;
	if (++in_a_row >= FAIRNESS) {
		in_a_row = 0;
		if (rh_net_wait(0, NULL) > 0 || time_left() == 0)
			return 0;
	}
	for (;;) {
		pid_t tid = waitpid(-1, status, __WALL | WNOHANG);
		int woken = 0;

		if (tid != 0)
			return tid;
		in_a_row = 0;
		if (rh_net_wait(time_left(), &woken) > 0 || !woken)
			return 0;
	}
}

/*
 * Resumes the thread of the last event as `how` says, waits for the next event, fills rh_event and returns its
 * kind. Sleeps in waitpid(2) or epoll_wait(2), so that an idle program costs no CPU time.
 */
int rh_next(int how, int64_t value)
{
	resume(how, value);
	for (;;) {
		int status;
		pid_t tid = dequeue(&status);

		if (tid == 0)
			tid = wait_for_any(&status);
		if (tid == 0)
			return rh_event.kind = RH_READY;
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
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			rh_forget_signals(tid);
			return rh_event.kind = RH_EXITED;
		}
	}
}
