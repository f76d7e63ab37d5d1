/*
 * calls read|write|getppid N, calls pread N PATH: makes the call N times, 1 byte each, and prints the nanoseconds that
 * one took. pread uses a descriptor of 128 or more, as rumphijack gives for its own files and bench/tracer.c answers.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	char byte = 0;
	long done = 0;
	int fd = -1;

	if (argc < 3)
		return 2;
	const char *mode = argv[1];
	long n = atol(argv[2]);
	if (strcmp(mode, "read") == 0) {
		fd = open("/dev/zero", O_RDONLY);
	} else if (strcmp(mode, "write") == 0) {
		fd = open("/dev/null", O_WRONLY);
	} else if (strcmp(mode, "pread") == 0 && argc == 4) {
		fd = open(argv[3], O_RDWR | O_CREAT, 0600);
		if (fd >= 0 && write(fd, "x", 1) != 1)
			die(argv[3]);
		if (fd >= 0 && fd < 128)
			fd = fcntl(fd, F_DUPFD, 128);
	} else if (strcmp(mode, "getppid") == 0) {
		fd = 0;
	}
	if (fd < 0)
		die(mode);

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (*mode == 'g')
		for (long i = 0; i < n; i++)
			done += syscall(SYS_getppid) >= 0;
	else if (*mode == 'p')
		for (long i = 0; i < n; i++)
			done += syscall(SYS_pread64, fd, &byte, 1, 0);
	else if (*mode == 'r')
		for (long i = 0; i < n; i++)
			done += syscall(SYS_read, fd, &byte, 1);
	else
		for (long i = 0; i < n; i++)
			done += syscall(SYS_write, fd, &byte, 1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (done != n) {
		fprintf(stderr, "%s: %ld of %ld calls were answered\n", mode, done, n);
		return 1;
	}
	printf("%.2f\n", ((end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec)) / n);
	return 0;
}
