/*
 * Makes calls on the directory argv[1] without an end, in as many processes as argv[2] says and two threads in each,
 * until a signal ends it. The first writes a line to standard output after each round, so that a test can wait for it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *dir;

static void *round_and_round(void *arg)
{
	char path[256], other[264], buffer[4096] = { 0 };
	struct stat st;
	int loud = arg != NULL;

	snprintf(path, sizeof path, "%s/h%d", dir, (int)gettid());
	snprintf(other, sizeof other, "%s.other", path);
	for (;;) {
		int fd = open(path, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || write(fd, buffer, sizeof buffer) < 0 || pread(fd, buffer, sizeof buffer, 0) < 0 ||
		    fstat(fd, &st) < 0 || rename(path, other) < 0 || unlink(other) < 0 || close(fd) < 0) {
			perror(path);
			exit(1);
		}
		if (loud && write(1, "round\n", 6) != 6)
			exit(1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int first = 1;

	if (argc != 3)
		return 2;
	dir = argv[1];
	for (int n = atoi(argv[2]); n > 1; n--) {
		if (fork() == 0) {
			first = 0;
			break;
		}
	}
	if (pthread_create(&thread, NULL, round_and_round, NULL) != 0)
		return 1;
	round_and_round(first ? "loud" : NULL);
	return 0;
}
