/*
 * Signals that were stopped at a moment when the thread cannot take them, and come again later: with what they told (sigaction(2),
 * SA_SIGINFO), and real-time ones in the order in which they were sent (signal(7)).
 */
#define _GNU_SOURCE
#include "rumphijack.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's SIGRTMIN, asm/signal.h; the C library keeps two of its signals. */
#define FIRST_REAL_TIME 32

/* In the order in which they came. */
struct held {
	struct held *next;
	siginfo_t info;
	int tid, signal;
	int sent; /* on its way again: only what it tells is kept */
};
static struct held *held;

static void append(const struct held *what)
{
	struct held **end = &held, *copy = malloc(sizeof *copy);

	if (copy == NULL)
		return; /* it comes as if we had sent it */
	*copy = *what;
	copy->next = NULL;
	while (*end != NULL)
		end = &(*end)->next;
	*end = copy;
}

static void drop(struct held **at)
{
	struct held *gone = *at;

	*at = gone->next;
	free(gone);
}

/* Keeps the signal of the thread's signal-delivery-stop, which is not to be delivered now. */
void rh_hold_signal(int tid, int signal)
{
	struct held it = {.tid = tid, .signal = signal};

	if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &it.info) == 0)
		append(&it);
	else if (errno != ESRCH)
		(void)syscall(SYS_tkill, tid, signal);
}

/* Sends the thread what was kept for it. Returns how many could not be sent, for want of room in its queue. */
int rh_send_held(int tid)
{
	int left = 0;

	for (struct held *it = held; it != NULL; it = it->next) {
		if (it->tid != tid || it->sent)
			continue;
		it->sent = syscall(SYS_tkill, tid, it->signal) == 0;
		left += !it->sent;
	}
	return left;
}

/* A signal-delivery-stop: gives the signal the words of the one that was kept first. */
void rh_settle_signal(int tid, int signal)
{
	struct held **first = &held, **at;
	struct held it = {.tid = tid, .signal = signal, .sent = 1};
	int ours;

	while (*first != NULL && !((*first)->tid == tid && (*first)->signal == signal && (*first)->sent))
		first = &(*first)->next;
	if (*first == NULL || ptrace(PTRACE_GETSIGINFO, tid, NULL, &it.info) < 0)
		return;
	/* A process in a pid namespace below ours is told pid 0. */
	ours = it.info.si_code == SI_TKILL && (it.info.si_pid == getpid() || it.info.si_pid == 0);
	if (!ours && signal < FIRST_REAL_TIME) {
		/* Sent again by its sender before by us: the kernel has made one of both. */
		for (at = first; *at != NULL;)
			if ((*at)->tid == tid && (*at)->signal == signal && (*at)->sent)
				drop(at);
			else
				at = &(*at)->next;
		return;
	}
	if (!ours)
		append(&it);
	(void)ptrace(PTRACE_SETSIGINFO, tid, NULL, &(*first)->info);
	drop(first);
}

/* PTRACE_EVENT_EXEC: a thread has taken the tid of its group's leader. Returns the tid that it had. */
int rh_taken_over(int tid)
{
	unsigned long former = 0;

	if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former) < 0 || (int)former == tid)
		return tid;
	rh_forget_signals(tid);
	for (struct held *it = held; it != NULL; it = it->next)
		if (it->tid == (int)former)
			it->tid = tid;
	return (int)former;
}

/* The thread is gone. */
void rh_forget_signals(int tid)
{
	for (struct held **at = &held; *at != NULL;)
		if ((*at)->tid == tid)
			drop(at);
		else
			at = &(*at)->next;
}
