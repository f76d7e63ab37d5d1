/*
 * Conversations over TCP between two processes on 127.0.0.1.
 *
 *   tcp ping N SIZE       N exchanges of SIZE bytes: microseconds of one
 *   tcp bulk BYTES CHUNK  one way, in writes of CHUNK bytes: MB/s
 *   tcp poll N ROUNDS     poll(2) of N descriptors, every other one a socket, the rest pipes: nanoseconds of one descriptor
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int listener(struct sockaddr_in *address)
{
	socklen_t length = sizeof *address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(address, 0, sizeof *address);
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)address, length) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, &length) < 0)
		die("listen");
	return fd;
}

static int connected(const struct sockaddr_in *address)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		die("connect");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static int accepted(int fd)
{
	int one = 1, peer = accept(fd, NULL, NULL);

	if (peer < 0)
		die("accept");
	(void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return peer;
}

/* 0 at the end of the stream. */
static int whole(int fd, char *buffer, size_t length, int sending)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = sending ? write(fd, buffer + done, length - done) : read(fd, buffer + done, length - done);

		if (n < 0)
			die(sending ? "write" : "read");
		if (n == 0)
			return 0;
		done += (size_t)n;
	}
	return 1;
}

static int ping(long n, size_t size)
{
	struct sockaddr_in address;
	int server = listener(&address), fd;
	char *buffer = calloc(1, size);
	double start;
	pid_t child;

	if (buffer == NULL)
		die("calloc");
	child = fork();
	if (child == 0) {
		fd = accepted(server);
		while (whole(fd, buffer, size, 0))
			whole(fd, buffer, size, 1);
		_exit(0);
	}
	fd = connected(&address);
	start = now();
	for (long i = 0; i < n; i++) {
		whole(fd, buffer, size, 1);
		whole(fd, buffer, size, 0);
	}
	printf("%.3f\n", (now() - start) * 1e6 / (double)n);
	close(fd);
	return waitpid(child, NULL, 0) == child ? 0 : 1;
}

static int bulk(size_t bytes, size_t chunk)
{
	struct sockaddr_in address;
	int server = listener(&address), fd;
	char *buffer = malloc(chunk);
	size_t got = 0;
	double start;
	pid_t child;

	if (buffer == NULL)
		die("malloc");
	memset(buffer, 'x', chunk);
	child = fork();
	if (child == 0) {
		fd = connected(&address);
		for (size_t left = bytes; left > 0;) {
			size_t part = left < chunk ? left : chunk;

			whole(fd, buffer, part, 1);
			left -= part;
		}
		_exit(0);
	}
	fd = accepted(server);
	start = now();
	for (;;) {
		ssize_t n = read(fd, buffer, chunk);

		if (n < 0)
			die("read");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got != bytes) {
		fprintf(stderr, "%zu bytes of %zu came\n", got, bytes);
		return 1;
	}
	printf("%.1f\n", (double)bytes / 1e6 / (now() - start));
	return waitpid(child, NULL, 0) == child ? 0 : 1;
}

static int mixed(int n, long rounds)
{
	struct rlimit limit = {4096, 4096};
	struct pollfd *set = calloc((size_t)n, sizeof *set);
	double start;

	(void)setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < n; i++) {
		int fds[2];

		if (i % 2 == 0) {
			struct sockaddr_in address;

			set[i].fd = listener(&address);
		} else {
			if (pipe(fds) < 0)
				die("pipe");
			set[i].fd = fds[0];
		}
		set[i].events = POLLIN;
	}
	start = now();
	for (long i = 0; i < rounds; i++)
		if (poll(set, (nfds_t)n, 0) != 0)
			die("poll");
	printf("%.2f\n", (now() - start) * 1e9 / (double)rounds / n);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "ping") == 0)
		return ping(atol(argv[2]), (size_t)atol(argv[3]));
	if (argc == 4 && strcmp(argv[1], "bulk") == 0)
		return bulk((size_t)atol(argv[2]), (size_t)atol(argv[3]));
	if (argc == 4 && strcmp(argv[1], "poll") == 0)
		return mixed(atoi(argv[2]), atol(argv[3]));
	fprintf(stderr, "usage: tcp ping N SIZE | bulk BYTES CHUNK | poll N ROUNDS\n");
	return 2;
}
