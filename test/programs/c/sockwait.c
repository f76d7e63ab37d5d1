/*
 * Threads that wait in calls on sockets: ended by signals, time limits, shutdown, and death; prints what each call gives, which must
 * be what the host's loopback gives. With the argument "local" the pairs are of socketpair(2), else TCP connections.
 */
#define _GNU_SOURCE
#include "readiness.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

static volatile sig_atomic_t caught, on_other_stack;
static char *other_stack;

static void handle(int number)
{
	char here;

	(void)number;
	caught++;
	if (other_stack != NULL && &here >= other_stack && &here < other_stack + 65536)
		on_other_stack++;
}

static void catch_signal(int number, int flags)
{
	struct sigaction action = {.sa_handler = handle, .sa_flags = flags};

	sigemptyset(&action.sa_mask);
	must(sigaction(number, &action, NULL));
}

/* Waits until the thread sleeps: in the call, for what it does before it is short of waits. */
static void until_asleep(pid_t tid)
{
	char path[64], state;
	int asleep = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", tid);
	while (asleep < 10) {
		FILE *stat = fopen(path, "r");
		if (stat == NULL)
			return;
		if (fscanf(stat, "%*d (%*[^)]) %c", &state) == 1 && state == 'S')
			asleep++;
		else
			asleep = 0;
		fclose(stat);
		usleep(2000);
	}
}

/* A call that a thread makes, and what it gave. */
struct call {
	enum { RECV, RECVFROM, RECV_ALL, RECVMSG, ACCEPT, SEND, CONNECT, READ, WRITE } which;
	int fd;
	struct sockaddr_in to;
	size_t length;
	long result;
	int error;
	volatile pid_t tid;
	pthread_t thread;
};

static const char *const names[] = {"recv", "recvfrom", "recv all", "recvmsg", "accept", "send", "connect", "read", "write"};
static char big[8 << 20];

static void *make_call(void *argument)
{
	struct call *call = argument;
	struct sockaddr_storage from;
	socklen_t length = sizeof from;
	struct iovec iov = {big, call->length};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	call->tid = (pid_t)syscall(SYS_gettid);
	switch (call->which) {
	case RECV:
		call->result = recv(call->fd, big, call->length, 0);
		break;
	case RECVFROM:
		call->result = recvfrom(call->fd, big, call->length, 0, (struct sockaddr *)&from, &length);
		break;
	case RECV_ALL:
		call->result = recv(call->fd, big, call->length, MSG_WAITALL);
		break;
	case RECVMSG:
		call->result = recvmsg(call->fd, &message, 0);
		break;
	case ACCEPT:
		call->result = accept(call->fd, NULL, NULL);
		break;
	case SEND:
		call->result = send(call->fd, big, call->length, MSG_NOSIGNAL);
		break;
	case CONNECT:
		call->result = connect_to(call->fd, call->to);
		break;
	case READ:
		call->result = read(call->fd, big, call->length);
		break;
	case WRITE:
		call->result = write(call->fd, big, call->length);
		break;
	}
	call->error = errno;
	return NULL;
}

static void start(struct call *call)
{
	call->tid = 0;
	must(-pthread_create(&call->thread, NULL, make_call, call));
	while (call->tid == 0)
		usleep(100);
	until_asleep(call->tid);
}

/* The result of a call that moves as many bytes as there is room for is only told to be some. */
static void finish(const char *how, struct call *call)
{
	pthread_join(call->thread, NULL);
	printf("%s %s: ", names[call->which], how);
	if (call->result < 0)
		printf("%s\n", strerrorname_np(call->error));
	else if ((call->which == SEND || call->which == WRITE) && call->length == sizeof big)
		printf("%s\n", call->result == 0 ? "nothing" : call->result == (long)call->length ? "all" : "some");
	else
		printf("%ld\n", call->which == ACCEPT ? 0 : call->result);
	fflush(stdout);
}

static int queue_full(struct sockaddr_in *to)
{
	int door = bound(SOCK_STREAM), fd;

	must(listen(door, 0));
	*to = own(door);
	/* Whatever the length of the queue is: more than fit. */
	for (int i = 0; i < 4; i++) {
		fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
		(void)connect_to(fd, *to);
	}
	return door;
}

/* Whoever is told to is interrupted; the others are given what they wait for. */
static void interrupted(int flags, int timeout)
{
	int two[2], door, spare[2];
	struct timeval limit = {timeout, 0};
	char how[64];

	catch_signal(SIGUSR1, flags);
	snprintf(how, sizeof how, "%s%s", flags & SA_RESTART ? "with SA_RESTART" : "interrupted", timeout ? " and a limit" : "");
	for (int which = RECV; which <= WRITE; which++) {
		struct call call = {.which = which, .length = 16};
		if (local && (which == ACCEPT || which == CONNECT || which == RECVFROM))
			continue;
		make_pair(two);
		door = local ? -1 : which == CONNECT ? queue_full(&call.to) : listener();
		call.fd = two[1];
		if (which == ACCEPT)
			call.fd = door;
		if (which == SEND || which == WRITE)
			call.length = sizeof big;
		if (which == CONNECT)
			call.fd = must(socket(AF_INET, SOCK_STREAM, 0));
		if (which == RECVFROM)
			call.fd = bound(SOCK_DGRAM);
		if (timeout) {
			must(setsockopt(call.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
			must(setsockopt(call.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
		}
		if (which == RECV_ALL)
			put(two[0], 5);
		caught = 0;
		start(&call);
		must(-pthread_kill(call.thread, SIGUSR1));
		while (caught == 0)
			usleep(100);
		int goes_on = (flags & SA_RESTART) && !timeout && which != RECV_ALL && which != SEND && which != WRITE;
		if (goes_on) {
			until_asleep(call.tid);
			if (which == ACCEPT) {
				spare[0] = must(socket(AF_INET, SOCK_STREAM, 0));
				must(connect_to(spare[0], own(door)));
				close(spare[0]);
			} else if (which == RECVFROM) {
				spare[0] = must(socket(AF_INET, SOCK_DGRAM, 0));
				must(connect_to(spare[0], own(call.fd)));
				put(spare[0], 3);
				close(spare[0]);
			} else if (which == CONNECT) {
				/* One that can be made, or not, but by the end of the listener. */
				close(door);
				door = -1;
			} else {
				put(two[0], 3);
			}
		}
		if (which == CONNECT && goes_on)
			pthread_join(call.thread, NULL);
		else
			finish(how, &call);
		if (which == RECVFROM || which == CONNECT)
			close(call.fd);
		if (door >= 0)
			close(door);
		close_pair(two);
	}
}

static void limits(void)
{
	int two[2], door = local ? -1 : listener();
	struct timeval limit = {0, 50000};

	for (int which = RECV; which <= WRITE; which++) {
		struct call call = {.which = which, .length = which >= SEND ? sizeof big : 16};
		if (local && (which == ACCEPT || which == CONNECT || which == RECVFROM))
			continue;
		make_pair(two);
		call.fd = which == ACCEPT ? door : two[1];
		int full = -1;
		if (which == CONNECT) {
			full = queue_full(&call.to);
			call.fd = must(socket(AF_INET, SOCK_STREAM, 0));
		}
		must(setsockopt(call.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
		must(setsockopt(call.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
		if (which == RECV_ALL)
			put(two[0], 5);
		start(&call);
		finish("at its limit", &call);
		if (which == CONNECT) {
			close(full);
			close(call.fd);
		}
		close_pair(two);
	}
	if (door >= 0)
		close(door);
}

static void by_others(void)
{
	static const int ways[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
	int two[2];

	for (int way = 0; way < 3; way++) {
		make_pair(two);
		struct call call = {.which = RECV, .fd = two[1], .length = 16};
		start(&call);
		show("shutdown", shutdown(two[1], ways[way]));
		if (ways[way] == SHUT_WR)
			put(two[0], 2);
		finish("while shut down", &call);
		close_pair(two);
	}
	make_pair(two);
	struct call full = {.which = SEND, .fd = two[1], .length = sizeof big};
	start(&full);
	show("shutdown", shutdown(two[1], SHUT_WR));
	finish("while shut down", &full);
	close_pair(two);
	make_pair(two);
	full.fd = two[1];
	start(&full);
	close(two[0]);
	finish("when the peer closes", &full);
	close(two[1]);

	/* The call holds the socket: closing its number does not end it, nor does the peer see it closed. */
	make_pair(two);
	struct call held = {.which = RECV, .fd = two[1], .length = 16};
	start(&held);
	close(two[1]);
	until_asleep(held.tid);
	look("peer", two[0], 0);
	put(two[0], 4);
	finish("while closed", &held);
	look("peer", two[0], POLLHUP);
	close(two[0]);
	if (local)
		return;

	int door = listener();
	struct call accepting = {.which = ACCEPT, .fd = door};
	start(&accepting);
	show("shutdown", shutdown(door, SHUT_RDWR));
	finish("while shut down", &accepting);
	look("listener", door, 0);
	close(door);

	accepting.fd = door = listener();
	struct sockaddr_in address = own(door);
	start(&accepting);
	close(door);
	until_asleep(accepting.tid);
	int fd = must(socket(AF_INET, SOCK_STREAM, 0));
	show("connect", connect_to(fd, address));
	finish("while closed", &accepting);
	close(fd);
	fd = must(socket(AF_INET, SOCK_STREAM, 0));
	show("connect", connect_to(fd, address));
	close(fd);
}

#define MANY 100

static void many(void)
{
	static struct call calls[MANY];
	static int pairs[MANY][2];
	int right = 0;

	for (int i = 0; i < MANY; i++) {
		make_pair(pairs[i]);
		calls[i] = (struct call){.which = RECV, .fd = pairs[i][1], .length = 16};
		must(-pthread_create(&calls[i].thread, NULL, make_call, &calls[i]));
	}
	for (int i = 0; i < MANY; i++) {
		while (calls[i].tid == 0)
			usleep(100);
	}
	until_asleep(calls[MANY - 1].tid);
	for (int i = 0; i < MANY; i++) {
		put(pairs[i][0], (size_t)(i % 15) + 1);
		pthread_join(calls[i].thread, NULL);
		right += calls[i].result == i % 15 + 1;
		close_pair(pairs[i]);
	}
	printf("%d of %d released one by one\n", right, MANY);
}

static void signals(void)
{
	int two[2];
	stack_t stack = {.ss_size = 65536};
	struct itimerval timer = {.it_value = {0, 30000}, .it_interval = {0, 30000}}, off = {0};
	char byte;

	make_pair(two);
	other_stack = stack.ss_sp = malloc(stack.ss_size);
	must(sigaltstack(&stack, NULL));
	catch_signal(SIGALRM, SA_ONSTACK);
	caught = 0;
	must(setitimer(ITIMER_REAL, &timer, NULL));
	CALL(recv(two[1], &byte, 1, 0));
	must(setitimer(ITIMER_REAL, &off, NULL));
	printf("on the other stack: %d\n", caught > 0 && on_other_stack == caught);
	catch_signal(SIGPIPE, 0);
	close(two[0]);
	caught = 0;
	while (send(two[1], "x", 1, MSG_NOSIGNAL) == 1)
		usleep(100);
	show("MSG_NOSIGNAL", -1);
	printf("%d SIGPIPE\n", caught);
	CALL(send(two[1], "x", 1, 0));
	CALL(write(two[1], "x", 1));
	CALL(write(two[1], "", 0));
	printf("%d SIGPIPE\n", caught);
	close(two[1]);
	signal(SIGPIPE, SIG_DFL);
}

int main(int argc, char **argv)
{
	local = argc > 1 && strcmp(argv[1], "local") == 0;
	interrupted(0, 0);
	interrupted(SA_RESTART, 0);
	interrupted(0, 100);
	interrupted(SA_RESTART, 100);
	limits();
	by_others();
	many();
	signals();
	if (!local) {
		/* A thread in accept() does not keep the process. */
		struct call accepting = {.which = ACCEPT, .fd = listener()};
		start(&accepting);
	}
	fflush(stdout);
	exit(0);
}
