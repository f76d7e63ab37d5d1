/*
 * A tree of processes below the directory argv[1]: each makes a file named for its number and then its children,
 * 3 for each, until there are argv[2] in all. Each writes through a descriptor inherited from the root, too.
 * Exits 0 when every process found what it should.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int count, shared;

static int node(int n)
{
	char name[32];
	int status = 0, children = 0, child;

	snprintf(name, sizeof name, "node%d", n);
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || dprintf(fd, "%d\n", n) < 0 || close(fd) < 0) {
		perror(name);
		return 1;
	}
	if (write(shared, ".", 1) != 1) {
		perror("shared");
		return 1;
	}
	for (child = 3 * n + 1; child <= 3 * n + 3 && child < count; child++) {
		pid_t pid = fork();
		if (pid < 0) {
			perror("fork");
			return 1;
		}
		if (pid == 0)
			_exit(node(child));
		children++;
	}
	while (children-- > 0) {
		int one;
		if (wait(&one) < 0) {
			perror("wait");
			return 1;
		}
		status |= one != 0;
	}
	return status;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	count = atoi(argv[2]);
	if (chdir(argv[1]) < 0) {
		perror(argv[1]);
		return 1;
	}
	shared = open("shared", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (shared < 0) {
		perror("shared");
		return 1;
	}
	int status = node(0);
	printf("%s\n", status == 0 ? "all well" : "failed");
	return status;
}
