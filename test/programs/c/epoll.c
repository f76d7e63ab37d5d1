/*
 * poll, select and epoll on connected stream sockets and descriptors of the host in one set; prints what they tell, which must be
 * what the host tells. With the argument "local" the pairs are of socketpair(2), else TCP connections.
 */
#define _GNU_SOURCE
#include "readiness.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

static void by_select(const char *what, int fd, int with_mask)
{
	fd_set in, out, bad;
	struct timeval none = {0, 0};
	struct timespec nothing = {0, 0};
	sigset_t mask;

	sigemptyset(&mask);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&bad);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	FD_SET(fd, &bad);
	int n = with_mask ? pselect(fd + 1, &in, &out, &bad, &nothing, &mask) : select(fd + 1, &in, &out, &bad, &none);
	printf("%s: %d in %d out %d bad %d\n", what, n, FD_ISSET(fd, &in) != 0, FD_ISSET(fd, &out) != 0, FD_ISSET(fd, &bad) != 0);
}

static void all_ways(const char *when, int fd, int ep, int want)
{
	struct pollfd p = {.fd = fd, .events = ALL};
	struct timespec nothing = {0, 0};

	look(when, fd, want);
	printf("ppoll: %d", ppoll(&p, 1, &nothing, NULL));
	print_bits((unsigned int)p.revents);
	printf("\n");
	by_select("select", fd, 0);
	by_select("pselect", fd, 1);
	events("epoll", ep, 0);
}

static void levels(void)
{
	int two[2], ep = must(epoll_create1(0));

	make_pair(two);
	must(add(ep, two[1], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI, 1));
	all_ways("nothing", two[1], ep, 0);
	put(two[0], 5);
	all_ways("5 sent", two[1], ep, POLLIN);
	take(two[1], 3);
	all_ways("3 taken", two[1], ep, 0);
	take(two[1], 2);
	all_ways("2 taken", two[1], ep, 0);
	must(shutdown(two[0], SHUT_WR));
	all_ways("half closed", two[1], ep, POLLRDHUP);
	look("the other", two[0], 0);
	must(shutdown(two[1], SHUT_WR));
	all_ways("both closed", two[1], ep, POLLHUP);
	look("the other", two[0], POLLRDHUP);
	close_pair(two);
	make_pair(two);
	put(two[0], 5);
	must(shutdown(two[0], SHUT_WR));
	look("5 and end", two[1], POLLRDHUP);
	take(two[1], 5);
	look("5 taken", two[1], 0);
	must(shutdown(two[1], SHUT_RD));
	look("own reading shut", two[1], 0);
	close_pair(two);
	make_pair(two);
	must(shutdown(two[1], SHUT_RD));
	look("reading shut", two[1], 0);
	must(shutdown(two[1], SHUT_RDWR));
	look("all shut", two[1], 0);
	close_pair(two);
	must(close(ep));
}

static void fill_and_drain(int from, int to)
{
	static char bytes[65536];
	int full = 0;

	/* What is on its way may make room yet. */
	while (full < 3)
		if (send(from, bytes, sizeof bytes, MSG_DONTWAIT) < 0) {
			full++;
			(void)poll(NULL, 0, 5);
		}
	look("full", from, 0);
	for (;;) {
		struct pollfd p = {.fd = to, .events = POLLIN};
		if (poll(&p, 1, 50) == 0)
			break;
		if (recv(to, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
			break;
	}
}

static void edges(void)
{
	int two[2], ep = must(epoll_create1(0)), out = must(epoll_create1(0));

	make_pair(two);
	must(add(ep, two[1], EPOLLIN | EPOLLET, 1));
	events("no edge", ep, NEVER);
	for (int i = 0; i < 4; i++) {
		put(two[0], 2);
		events("edge, unread data before it", ep, SOON);
		events("again", ep, NEVER);
	}
	take(two[1], 1);
	events("some taken", ep, NEVER);
	take(two[1], 7);
	events("all taken", ep, NEVER);
	put(two[0], 1);
	events("edge", ep, SOON);
	must(control(ep, EPOLL_CTL_MOD, two[1], EPOLLIN | EPOLLET, 1));
	events("set again", ep, SOON);
	must(control(ep, EPOLL_CTL_MOD, two[1], EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, 1));
	events("for output, too", ep, SOON);
	events("again", ep, NEVER);
	put(two[0], 1);
	events("both", ep, SOON);
	take(two[1], 2);
	put(two[1], 1);
	events("own sending", ep, NEVER);
	take(two[0], 1);
	/* A unix socket's writer is told of each message that was taken; docs/differences.md. */
	if (!local)
		events("own bytes taken", ep, NEVER);
	must(add(out, two[0], EPOLLOUT | EPOLLET, 2));
	events("writable", out, SOON);
	events("again", out, NEVER);
	fill_and_drain(two[0], two[1]);
	events("drained", out, SOON);
	look("drained", two[0], POLLOUT);
	(void)epoll_ctl(ep, EPOLL_CTL_DEL, two[1], NULL);
	must(add(ep, two[1], EPOLLIN | EPOLLRDHUP | EPOLLET, 1));
	must(shutdown(two[0], SHUT_WR));
	events("end", ep, SOON);
	events("again", ep, NEVER);
	close_pair(two);
	must(close(ep));
	must(close(out));
}

static void modes(void)
{
	int two[2], ep = must(epoll_create1(0)), other = must(epoll_create1(0)), outer = must(epoll_create1(0));

	make_pair(two);
	must(add(ep, two[1], EPOLLIN | EPOLLONESHOT, 3));
	put(two[0], 1);
	events("oneshot", ep, SOON);
	put(two[0], 1);
	events("spent", ep, NEVER);
	must(control(ep, EPOLL_CTL_MOD, two[1], EPOLLIN | EPOLLONESHOT, 4));
	events("armed again", ep, SOON);
	take(two[1], 2);
	must(control(ep, EPOLL_CTL_MOD, two[1], EPOLLIN | EPOLLONESHOT, 5));
	events("armed with nothing", ep, NEVER);
	put(two[0], 1);
	events("fired", ep, SOON);
	take(two[1], 1);
	CALL(add(ep, two[1], EPOLLIN, 0));
	CALL(epoll_ctl(ep, EPOLL_CTL_DEL, two[1], NULL));
	CALL(epoll_ctl(ep, EPOLL_CTL_DEL, two[1], NULL));
	CALL(control(ep, EPOLL_CTL_MOD, two[1], EPOLLIN, 0));

	CALL(add(ep, two[1], EPOLLIN | EPOLLEXCLUSIVE, 1));
	CALL(add(other, two[1], EPOLLIN | EPOLLEXCLUSIVE, 2));
	CALL(control(ep, EPOLL_CTL_MOD, two[1], EPOLLIN | EPOLLEXCLUSIVE, 1));
	CALL(add(other, two[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 2));
	put(two[0], 1);
	events("exclusive", ep, SOON);
	take(two[1], 1);
	events("taken", ep, NEVER);
	events("taken, the other", other, NEVER);

	must(add(outer, ep, EPOLLIN, 6));
	must(add(outer, other, EPOLLIN | EPOLLET, 7));
	events("nested", outer, NEVER);
	put(two[0], 1);
	look("inner", ep, POLLIN);
	events("outer", ep, SOON);
	take(two[1], 1);
	events("nested, taken", ep, NEVER);
	CALL(add(ep, outer, EPOLLIN, 0));
	close_pair(two);
	events("closed", ep, NEVER);
	must(close(outer));
	must(close(other));
	must(close(ep));
}

static void mixed(void)
{
	int two[2], ends[2], ep = must(epoll_create1(0));
	int counter = must(eventfd(0, EFD_NONBLOCK)), timer = must(timerfd_create(CLOCK_MONOTONIC, 0));
	struct itimerspec at_once = {.it_value = {0, 1}};
	uint64_t one = 1;

	make_pair(two);
	must(pipe(ends));
	must(add(ep, two[0], EPOLLIN, 1));
	must(add(ep, ends[0], EPOLLIN, 2));
	must(add(ep, counter, EPOLLIN, 3));
	must(add(ep, two[1], EPOLLIN | EPOLLET, 4));
	must(add(ep, timer, EPOLLIN, 5));
	events("mixed", ep, NEVER);
	put(two[1], 1);
	look("one", two[0], POLLIN);
	events("rump", ep, SOON);
	CALL(write(ends[1], "x", 1));
	CALL(write(counter, &one, sizeof one));
	must(timerfd_settime(timer, 0, &at_once, NULL));
	look("timer", timer, POLLIN);
	put(two[0], 1);
	look("other", two[1], POLLIN);
	events("all", ep, SOON);
	events("all but the edge", ep, SOON);
	struct pollfd set[6] = {{two[0], ALL, 0}, {ends[0], ALL, 0}, {ends[1], ALL, 0}, {-1, ALL, 0}, {counter, POLLIN, 0}, {99, ALL, 0}};
	printf("poll: %d", poll(set, 6, 0));
	for (int i = 0; i < 6; i++) {
		printf(" [");
		print_bits((unsigned int)set[i].revents);
		printf("]");
	}
	printf("\n");
	take(two[0], 1);
	CALL(read(counter, &one, sizeof one));
	events("host's and timer", ep, SOON);
	close_pair(two);
	close(ends[0]);
	close(ends[1]);
	close(counter);
	close(timer);
	close(ep);
}

static void copies(void)
{
	int two[2], ep = must(epoll_create1(0));

	make_pair(two);
	int copy = must(dup(two[1]));
	must(add(ep, two[1], EPOLLIN, 1));
	must(add(ep, copy, EPOLLIN, 2));
	put(two[0], 1);
	look("copy", copy, POLLIN);
	events("dup", ep, SOON);
	close(two[1]);
	events("a copy is open", ep, SOON);
	CALL(epoll_ctl(ep, EPOLL_CTL_DEL, two[1], NULL));
	close(copy);
	events("none is", ep, NEVER);
	close(two[0]);

	make_pair(two);
	must(add(ep, two[1], EPOLLIN, 1));
	int hole = open("/dev/null", O_RDONLY);
	must(dup2(hole, two[1]));
	CALL(epoll_ctl(ep, EPOLL_CTL_DEL, two[1], NULL));
	look("replaced: the peer", two[0], POLLRDHUP);
	events("replaced", ep, NEVER);
	close_pair(two);
	make_pair(two);
	must(add(ep, two[1], EPOLLIN, 1));
	int next[2];
	make_pair(next);
	must(dup2(next[1], two[1]));
	put(next[0], 1);
	look("in its place", two[1], POLLIN);
	events("replaced by a socket", ep, NEVER);
	CALL(add(ep, two[1], EPOLLIN, 2));
	events("and added", ep, SOON);
	close(two[1]);
	events("one copy closed", ep, SOON);
	close(next[1]);
	events("both", ep, NEVER);
	close(next[0]);
	close(two[0]);
	close(hole);
	close(ep);
}

static void forks(void)
{
	int two[2], second[2], ep = must(epoll_create1(0)), status;

	make_pair(two);
	make_pair(second);
	must(add(ep, two[1], EPOLLIN, 1));
	fflush(stdout);
	pid_t child = must(fork());
	if (child == 0) {
		events("child", ep, SOON);
		take(two[1], 1);
		events("child, taken", ep, NEVER);
		must(add(ep, second[1], EPOLLIN, 2));
		put(second[0], 1);
		fflush(stdout);
		_exit(0);
	}
	put(two[0], 1);
	must(waitpid(child, &status, 0));
	events("what the child added", ep, SOON);
	take(second[1], 1);
	child = must(fork());
	if (child == 0) {
		char go;
		/* Holds two[1] until it is told. */
		recv(second[1], &go, 1, 0);
		_exit(0);
	}
	close(two[1]);
	put(two[0], 1);
	events("the child holds it", ep, SOON);
	put(second[0], 1);
	must(waitpid(child, &status, 0));
	look("now nobody does", two[0], POLLHUP);
	events("gone", ep, NEVER);
	close(two[0]);
	close_pair(second);
	close(ep);
}

int main(int argc, char **argv)
{
	local = argc > 1 && strcmp(argv[1], "local") == 0;
	levels();
	edges();
	modes();
	mixed();
	copies();
	forks();
	return 0;
}
