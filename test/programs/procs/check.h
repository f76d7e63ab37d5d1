/* What the self-checking programs share: a check that names its line, and files of the directory that is tested. */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(what)                                                                                                    \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			dprintf(2, "%s:%d: %s: errno %d (%s)\n", __FILE__, __LINE__, #what, errno, strerror(errno));   \
			_exit(99);                                                                                     \
		}                                                                                                      \
	} while (0)

struct part {
	const char *name;
	void (*run)(void);
};

/* The directory in which calls are made: below /rump, or on the host to compare. */
static const char *dir;

static inline const char *in_dir(const char *name)
{
	static __thread char path[4][256];
	static __thread int turn;

	turn = (turn + 1) % 4;
	(void)snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
}

/* Writes a line to a file of the calling thread's own, reads it back and removes the file. */
static inline void use_file(const char *name)
{
	char line[64], back[64], path[256];
	int tid = (int)syscall(SYS_gettid);
	int length = snprintf(line, sizeof line, "%s by %d\n", name, tid);
	(void)snprintf(path, sizeof path, "%s/%s.%d", dir, name, tid);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK(write(fd, line, length) == length);
	CHECK(pread(fd, back, length, 0) == length && memcmp(line, back, length) == 0);
	CHECK(close(fd) == 0 && unlink(path) == 0);
}

static inline int wait_for_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		CHECK(errno == EINTR);
	return status;
}

/* A socket that listens on the loopback interface, closed on exec; its address. */
static inline int listening(struct sockaddr_in *at)
{
	socklen_t length = sizeof *at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(at, 0, sizeof *at);
	at->sin_family = AF_INET;
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)at, sizeof *at) == 0 && listen(fd, 8) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)at, &length) == 0);
	return fd;
}

/* Runs the parts that are named, or all of them. Each prints a line. */
static inline int run_parts(const struct part *parts, int argc, char **argv)
{
	CHECK(argc >= 2);
	dir = argv[1];
	for (const struct part *part = parts; part->name != NULL; part++) {
		int wanted = argc == 2;

		for (int i = 2; i < argc; i++)
			wanted |= strcmp(argv[i], part->name) == 0;
		if (!wanted)
			continue;
		part->run();
		printf("%s: well\n", part->name);
		fflush(stdout);
	}
	return 0;
}
