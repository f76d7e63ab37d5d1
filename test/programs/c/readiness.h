/* What the programs that look at readiness have in common: each prints what poll(2) and epoll(7) tell. */
#ifndef READINESS_H
#define READINESS_H
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Pairs are of socketpair(2), not TCP connections. */
static int local;

#define ALL (POLLIN | POLLPRI | POLLOUT | POLLRDHUP)
/* Milliseconds: for what must come, and for what must not. */
#define SOON 5000
#define NEVER 10

static inline void show(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

#define CALL(expression) show(#expression, (long)(expression))

static inline int must(int result)
{
	if (result < 0) {
		perror("must");
		exit(1);
	}
	return result;
}

static inline void print_bits(unsigned int bits)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {{POLLIN, "IN"}, {POLLPRI, "PRI"}, {POLLOUT, "OUT"}, {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLRDHUP, "RDHUP"}, {POLLNVAL, "NVAL"}};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (bits & names[i].bit)
			printf(" %s", names[i].name);
}

/* Waits until `want` is there (0: for nothing), and prints all that is, and what FIONREAD says. */
static inline void look(const char *what, int fd, int want)
{
	struct pollfd p = {.fd = fd, .events = (short)(want == 0 ? ALL : want)};
	int unread = -1;

	(void)poll(&p, 1, want == 0 ? 0 : SOON);
	p.events = ALL;
	(void)poll(&p, 1, 0);
	printf("%s:", what);
	print_bits((unsigned int)p.revents);
	if (ioctl(fd, FIONREAD, &unread) == 0)
		printf(" (%d)", unread);
	printf("\n");
}

/* Prints the events of one wait in the order of their data. */
static inline void events(const char *what, int ep, int timeout)
{
	struct epoll_event found[16];
	int n = epoll_wait(ep, found, 16, timeout);

	printf("%s: %d", what, n);
	for (uint64_t data = 0; data < 16; data++)
		for (int i = 0; i < n; i++)
			if (found[i].data.u64 == data) {
				printf(" [%d", (int)data);
				print_bits(found[i].events);
				printf("]");
			}
	printf("\n");
}

static inline int control(int ep, int op, int fd, unsigned int bits, unsigned int data)
{
	struct epoll_event event = {.events = bits, .data.u64 = data};

	return epoll_ctl(ep, op, fd, &event);
}

static inline int add(int ep, int fd, unsigned int bits, unsigned int data) { return control(ep, EPOLL_CTL_ADD, fd, bits, data); }

static inline struct sockaddr_in own(int fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof address;

	if (fd >= 0)
		must(getsockname(fd, (struct sockaddr *)&address, &length));
	return address;
}

static inline int bound(int type)
{
	struct sockaddr_in any = own(-1);
	int fd = must(socket(AF_INET, type, 0));

	must(bind(fd, (struct sockaddr *)&any, sizeof any));
	return fd;
}

static inline int listener(void)
{
	int fd = bound(SOCK_STREAM);

	must(listen(fd, 8));
	return fd;
}

static inline int connect_to(int fd, struct sockaddr_in to) { return connect(fd, (struct sockaddr *)&to, sizeof to); }

/* A port of nobody. */
static inline struct sockaddr_in nobody(void)
{
	int fd = bound(SOCK_STREAM);
	struct sockaddr_in address = own(fd);

	must(close(fd));
	return address;
}

static inline void make_pair(int two[2])
{
	if (local) {
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, two));
		return;
	}
	int door = listener();
	two[0] = must(socket(AF_INET, SOCK_STREAM, 0));
	must(connect_to(two[0], own(door)));
	two[1] = must(accept(door, NULL, NULL));
	must(close(door));
}

static inline void close_pair(int two[2])
{
	must(close(two[0]));
	must(close(two[1]));
}

static inline void put(int fd, size_t length)
{
	char bytes[64] = "";

	if (send(fd, bytes, length, 0) != (ssize_t)length)
		perror("send");
}

static inline void take(int fd, size_t length)
{
	char bytes[64];

	if (recv(fd, bytes, length, MSG_WAITALL) != (ssize_t)length)
		perror("recv");
}

#endif
