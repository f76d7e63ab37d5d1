/*
 * The bare wire beside which rump_sp is measured, and many clients of a server.
 *
 *   wire ping N OUT BACK   N exchanges of OUT bytes and BACK bytes between two processes: microseconds of one
 *   wire clients PATH C N  C clients of the rump_sp server at PATH, each makes N calls (getpid), all at once: calls a second
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
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

static void whole(int fd, char *buffer, size_t length, int sending)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = sending ? send(fd, buffer + done, length - done, MSG_NOSIGNAL) : recv(fd, buffer + done, length - done, 0);

		if (n <= 0)
			exit(n == 0 ? 0 : 1);
		done += (size_t)n;
	}
}

static int ping(long n, size_t out, size_t back)
{
	char *buffer = calloc(1, out > back ? out : back);
	int pair[2];
	double start;
	pid_t child;

	if (buffer == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		die("socketpair");
	child = fork();
	if (child == 0) {
		close(pair[0]);
		for (;;) {
			whole(pair[1], buffer, out, 0);
			whole(pair[1], buffer, back, 1);
		}
	}
	close(pair[1]);
	start = now();
	for (long i = 0; i < n; i++) {
		whole(pair[0], buffer, out, 1);
		whole(pair[0], buffer, back, 0);
	}
	printf("%.3f\n", (now() - start) / (double)n * 1e6);
	close(pair[0]);
	waitpid(child, NULL, 0);
	return 0;
}

struct header {
	uint64_t length, reqno;
	uint16_t class, type;
	uint32_t info;
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char greeting[96], answer[28];
	struct {
		struct header header;
		char name[6];
	} guest = {{30, 1, 0, 0, 0}, "bench"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("connect");
	if (recv(fd, greeting, sizeof greeting, 0) <= 0)
		die("greeting");
	whole(fd, (char *)&guest, 30, 1);
	whole(fd, answer, sizeof answer, 0);
	return fd;
}

static int clients(const char *path, int count, long calls)
{
	struct pollfd *all = calloc((size_t)count, sizeof *all);
	long *left = calloc((size_t)count, sizeof *left);
	struct header request = {24, 2, 0, 1, 20};
	char answer[48];
	int alive = count;
	double start;

	for (int i = 0; i < count; i++)
		all[i] = (struct pollfd){.fd = connect_to(path), .events = POLLIN};
	start = now();
	for (int i = 0; i < count; i++) {
		left[i] = calls;
		whole(all[i].fd, (char *)&request, sizeof request, 1);
	}
	while (alive > 0) {
		if (poll(all, (nfds_t)count, 30000) <= 0)
			die("poll");
		for (int i = 0; i < count; i++) {
			if ((all[i].revents & POLLIN) == 0)
				continue;
			whole(all[i].fd, answer, sizeof answer, 0);
			if (*(int32_t *)(answer + 24) != 0)
				return 1;
			if (--left[i] > 0)
				whole(all[i].fd, (char *)&request, sizeof request, 1);
			else {
				all[i].fd = -1 - all[i].fd;
				alive--;
			}
		}
	}
	printf("%.0f\n", (double)count * (double)calls / (now() - start));
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 5 && strcmp(argv[1], "ping") == 0)
		return ping(atol(argv[2]), (size_t)atol(argv[3]), (size_t)atol(argv[4]));
	if (argc == 5 && strcmp(argv[1], "clients") == 0)
		return clients(argv[2], atoi(argv[3]), atol(argv[4]));
	fprintf(stderr, "usage: wire ping N OUT BACK | wire clients PATH CLIENTS CALLS\n");
	return 2;
}
