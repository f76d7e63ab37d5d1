/*
 * Stream sockets, and one place to wait for all of them: the loops that use them are synchronous. Sockets are blocking and are
 * used with MSG_DONTWAIT, but for rh_net_exchange(), whose recv(2) waits as long as SO_RCVTIMEO allows.
 */
#define _GNU_SOURCE
#include "rumphijack.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct rh_ready rh_ready[RH_READY_MAX];

/* The epoll set, and the eventfd in it that signal handlers write to. */
static int set = -1, wake = -1;
static int watched;
static volatile sig_atomic_t caught[65];

static int make_set(void)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = -1};

	if (set >= 0)
		return 0;
	set = epoll_create1(EPOLL_CLOEXEC);
	if (set < 0)
		return -errno;
	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake < 0 || epoll_ctl(set, EPOLL_CTL_ADD, wake, &event) < 0)
		return -errno;
	return 0;
}

static void on_signal(int signal)
{
	int saved = errno;
	uint64_t one = 1;
	ssize_t ignored;

	caught[signal] = 1;
	ignored = write(wake, &one, sizeof one);
	(void)ignored;
	errno = saved;
}

/* From now on the signal ends a wait, and rh_caught() tells of it. */
int rh_catch(int signal)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	int r = make_set();

	if (r < 0)
		return r;
	return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

/* True once for each time that the signal came (several may count as one). */
int rh_caught(int signal)
{
	int was = caught[signal];

	caught[signal] = 0;
	return was;
}

/* Waits for EPOLLIN and EPOLLOUT (sys/epoll.h) on fd in rh_net_wait(); 0 ends that. */
int rh_watch(int fd, int events)
{
	struct epoll_event event = {.events = (uint32_t)events, .data.fd = fd};
	int r = make_set();

	if (r < 0)
		return r;
	if (events == 0) {
		if (epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0)
			watched--;
		return 0;
	}
	if (epoll_ctl(set, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	if (errno != ENOENT || epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	watched++;
	return 0;
}

int rh_watched(void) { return watched; }

/*
 * Sleeps until a watched socket is ready, a caught signal has come or `timeout` milliseconds (-1: no limit) have passed.
 * Returns how many entries of rh_ready were filled; 0 for a signal or the time. *woken is set when a signal came.
 */
int rh_net_wait(int timeout, int *woken)
{
	struct epoll_event events[RH_READY_MAX];
	int n, filled = 0;

	if (make_set() < 0)
		return 0;
	n = epoll_wait(set, events, RH_READY_MAX, timeout);
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd < 0) {
			uint64_t count;
			ssize_t ignored = read(wake, &count, sizeof count);

			(void)ignored;
			if (woken != NULL)
				*woken = 1;
			continue;
		}
		rh_ready[filled].fd = events[i].data.fd;
		rh_ready[filled].events = (int32_t)events[i].events;
		filled++;
	}
	if (n < 0 && errno == EINTR && woken != NULL)
		*woken = 1;
	return filled;
}

/* sockaddr_un of a path; -ENAMETOOLONG. */
static int unix_address(const char *path, struct sockaddr_un *address)
{
	if (strlen(path) >= sizeof address->sun_path)
		return -ENAMETOOLONG;
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path, path);
	return 0;
}

static int failed(int fd)
{
	int error = errno;

	close(fd);
	return -error;
}

/* A connected socket, or -errno. Waits at most as long as the server's backlog is full, RH_CONNECT_MS. */
int rh_net_connect(const char *path)
{
	struct timeval limit = {.tv_sec = RH_CONNECT_MS / 1000, .tv_usec = RH_CONNECT_MS % 1000 * 1000};
	struct sockaddr_un address;
	int r = unix_address(path, &address);
	int fd;

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	while (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		if (errno != EINTR)
			return failed(fd);
	return fd;
}

/* Resolver errors are these below -errno's range. */
static int resolve(const char *host, const char *port, int flags, struct addrinfo **found)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
	int r = getaddrinfo(host, port, &hints, found);

	return r == 0 ? 0 : r == EAI_SYSTEM ? -errno : -(RH_RESOLVE_ERROR + (r < 0 ? -r : r));
}

/* As rh_net_connect(), for a host's name or number and a port's number. -RH_RESOLVE_ERROR and below: no such host. */
int rh_net_connect_tcp(const char *host, const char *port)
{
	struct timeval limit = {.tv_sec = RH_CONNECT_MS / 1000, .tv_usec = RH_CONNECT_MS % 1000 * 1000};
	struct addrinfo *all;
	int one = 1, fd = -1, r = resolve(host, port, 0, &all);

	if (r < 0)
		return r;
	for (struct addrinfo *at = all; at != NULL; at = at->ai_next) {
		fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
		if (fd < 0) {
			fd = -errno;
			continue;
		}
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
		while ((r = connect(fd, at->ai_addr, at->ai_addrlen)) < 0 && errno == EINTR)
			;
		if (r == 0)
			break;
		/* What SO_SNDTIMEO ends is reported as a connection still under way. */
		if (errno == EINPROGRESS)
			errno = ETIMEDOUT;
		fd = failed(fd);
	}
	freeaddrinfo(all);
	if (fd >= 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

/* A listening socket that its owner alone may use, or -errno (-EADDRINUSE: the path exists). */
int rh_net_listen(const char *path)
{
	struct sockaddr_un address;
	int r = unix_address(path, &address);
	mode_t mask;
	int fd;

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof address);
	(void)umask(mask);
	if (r < 0 || listen(fd, SOMAXCONN) < 0)
		return failed(fd);
	return fd;
}

static int is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return address->sa_family == AF_INET &&
	       ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* -EPERM for an address that other machines can reach, unless `anywhere`. */
int rh_net_listen_tcp(const char *host, const char *port, int anywhere)
{
	struct addrinfo *all;
	int one = 1, fd, r = resolve(host, port, AI_PASSIVE, &all);

	if (r < 0)
		return r;
	if (!anywhere && !is_loopback(all->ai_addr)) {
		freeaddrinfo(all);
		return -EPERM;
	}
	fd = socket(all->ai_family, all->ai_socktype | SOCK_CLOEXEC, all->ai_protocol);
	if (fd < 0) {
		freeaddrinfo(all);
		return -errno;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	r = bind(fd, all->ai_addr, all->ai_addrlen);
	freeaddrinfo(all);
	if (r < 0 || listen(fd, SOMAXCONN) < 0)
		return failed(fd);
	return fd;
}

/* The port that a tcp socket is bound to, or -errno. */
int rh_net_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

int rh_net_accept(int fd)
{
	int one = 1, got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (got < 0)
		return -errno;
	/* Fails for unix sockets, which have nothing to delay. */
	(void)setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return got;
}

/* Bytes sent now: fewer than `length` when the socket is full. -errno when it is broken. */
int64_t rh_net_send(int fd, const void *buffer, int64_t offset, int64_t length)
{
	int64_t done = 0;

	while (done < length) {
		ssize_t n = send(fd, (const char *)buffer + offset + done, (size_t)(length - done), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0)
			return -errno;
		done += n;
	}
	return done;
}

/* Bytes received now, 0 at the end, -EAGAIN when there are none yet. */
int64_t rh_net_recv(int fd, void *buffer, int64_t offset, int64_t length)
{
	for (;;) {
		ssize_t n = recv(fd, (char *)buffer + offset, (size_t)length, MSG_DONTWAIT);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return -errno;
	}
}

/*
 * Sends all (`length` may be 0) and waits for what comes back, at most as long as rh_net_patience() said. Returns the bytes
 * received, 0 at the end, -EAGAIN when the time is over, -ENOBUFS when not all could be sent (rh_net_sent() tells how much).
 */
static int64_t sent;

int64_t rh_net_exchange(int fd, const void *out, int64_t length, void *in, int64_t room)
{
	sent = length == 0 ? 0 : rh_net_send(fd, out, 0, length);
	if (sent < 0)
		return sent;
	if (sent < length)
		return -ENOBUFS;
	for (int interrupted = 0;;) {
		ssize_t n = recv(fd, in, (size_t)room, 0);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return -errno;
		/* Each signal starts the time anew: not for ever. */
		if (++interrupted == 16)
			return -EAGAIN;
	}
}

int64_t rh_net_sent(void) { return sent; }

/* How long rh_net_exchange() waits, microseconds; 0: for ever. */
int rh_net_patience(int fd, int64_t microseconds)
{
	struct timeval limit = {.tv_sec = microseconds / 1000000, .tv_usec = microseconds % 1000000};

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ? -errno : 0;
}

int rh_net_close(int fd)
{
	(void)rh_watch(fd, 0);
	return close(fd) < 0 ? -errno : 0;
}
