/*
 * Sockets that processes share, and what is left when one of them ends; prints what each sees, which must be what the host's loopback
 * gives. With the argument "local" the pairs are of socketpair(2), else TCP connections. "--executed FD" is the program that is executed.
 */
#define _GNU_SOURCE
#include "readiness.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static void print_read(const char *what, int fd)
{
	char byte;

	show(what, recv(fd, &byte, 1, 0));
}

/* Whoever is killed in a call lets go of its sockets. */
static void killed(int unread)
{
	int two[2], status;

	make_pair(two);
	fflush(stdout);
	pid_t child = must(fork());
	if (child == 0) {
		char bytes[8];

		close(two[0]);
		put(two[1], 1);
		if (unread)
			pause();
		recv(two[1], bytes, sizeof bytes, MSG_WAITALL);
		_exit(1);
	}
	close(two[1]);
	take(two[0], 1);
	if (unread)
		put(two[0], 3);
	kill(child, SIGKILL);
	must(waitpid(child, &status, 0));
	printf("killed: %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	look("peer", two[0], POLLHUP | POLLRDHUP);
	if (unread)
		print_read("reset", two[0]);
	print_read("end", two[0]);
	close(two[0]);
}

static void acceptors(void)
{
	enum { CHILDREN = 6, CLIENTS = 30 };
	int door = listener(), served = 0, well = 0, status;

	fflush(stdout);
	for (int i = 0; i < CHILDREN; i++) {
		if (must(fork()) != 0)
			continue;
		for (int n = 0; n < CLIENTS / CHILDREN; n++) {
			int fd = must(accept(door, NULL, NULL));
			char byte;
			if (recv(fd, &byte, 1, 0) == 1)
				send(fd, &byte, 1, 0);
			close(fd);
		}
		_exit(0);
	}
	struct sockaddr_in address = own(door);
	for (int i = 0; i < CLIENTS; i++) {
		int fd = must(socket(AF_INET, SOCK_STREAM, 0));
		char byte;
		must(connect_to(fd, address));
		put(fd, 1);
		served += recv(fd, &byte, 1, 0) == 1;
		close(fd);
	}
	while (wait(&status) > 0)
		well += status == 0;
	printf("%d served by %d children\n", served, well);
	close(door);
}

static void copies(void)
{
	int two[2], status, copy;

	make_pair(two);
	copy = must(dup(two[1]));
	close(two[1]);
	look("a copy is left", two[0], 0);
	put(copy, 1);
	take(two[0], 1);
	fflush(stdout);
	pid_t child = must(fork());
	if (child == 0) {
		/* Until the parent's end is closed. */
		close(two[0]);
		print_read("child", copy);
		look("child", copy, POLLRDHUP);
		put(copy, 2);
		fflush(stdout);
		_exit(0);
	}
	close(copy);
	look("the child has it", two[0], 0);
	must(shutdown(two[0], SHUT_WR));
	take(two[0], 2);
	print_read("end", two[0]);
	must(waitpid(child, &status, 0));
	look("closed everywhere", two[0], POLLHUP);
	close(two[0]);
}

/* A number that says close-on-exec is closed for the peer, too; another one is the new program's. */
static void executed(const char *self, int cloexec)
{
	int two[2], status;
	char number[16];

	make_pair(two);
	fflush(stdout);
	pid_t child = must(fork());
	if (child == 0) {
		close(two[0]);
		if (cloexec)
			must(fcntl(two[1], F_SETFD, FD_CLOEXEC));
		snprintf(number, sizeof number, "%d", two[1]);
		execl(self, self, "--executed", number, (char *)NULL);
		_exit(1);
	}
	close(two[1]);
	if (!cloexec) {
		put(two[0], 4);
		take(two[0], 4);
	}
	print_read("from the program", two[0]);
	must(waitpid(child, &status, 0));
	printf("status %d\n", WEXITSTATUS(status));
	look("ended", two[0], POLLHUP | POLLRDHUP);
	close(two[0]);
}

static int after_exec(int fd)
{
	char bytes[4];
	ssize_t n = recv(fd, bytes, sizeof bytes, MSG_WAITALL);

	printf("executed: %zd %s\n", n, n < 0 ? strerrorname_np(errno) : "");
	if (n > 0) {
		look("executed", fd, 0);
		send(fd, bytes, (size_t)n, 0);
	}
	return n < 0 ? 3 : 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--executed") == 0)
		return after_exec(atoi(argv[2]));
	local = argc > 1 && strcmp(argv[1], "local") == 0;
	killed(0);
	killed(1);
	copies();
	executed(argv[0], 0);
	executed(argv[0], 1);
	if (!local)
		acceptors();
	return 0;
}
