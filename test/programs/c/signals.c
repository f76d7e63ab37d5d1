/*
 * Signals arriving while calls are answered: an interval timer fires all the time, and no call on the file argv[1]
 * may be lost, repeated or answered wrongly. Prints the number of rounds and the size of the file at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks;

static void tick(int sig)
{
	(void)sig;
	ticks++;
}

int main(int argc, char **argv)
{
	enum { ROUNDS = 2000 };
	struct sigaction action = { .sa_handler = tick };
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	struct stat st;
	char line[32], back[32];
	off_t end = 0;

	if (argc != 2)
		return 2;
	int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < ROUNDS || ticks < 50; i++) {
		int length = snprintf(line, sizeof line, "round %d\n", i % ROUNDS);
		if (write(fd, line, length) != length || pread(fd, back, length, end) != length ||
		    memcmp(line, back, length) != 0) {
			perror("round");
			return 1;
		}
		end += length;
		if (fstat(fd, &st) < 0 || st.st_size != end) {
			fprintf(stderr, "round %d: size %ld, not %ld\n", i, (long)st.st_size, (long)end);
			return 1;
		}
	}
	setitimer(ITIMER_REAL, &never, NULL);
	puts("no call was lost");
	return 0;
}
