/*
 * Calls with bad pointers on the directory argv[1]; prints each result. What Linux answers is what must be answered,
 * so the output is compared with a bare run on a host directory.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *name(int error)
{
	const char *text = strerrorname_np(error);
	return text ? text : "?";
}

static void show(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, name(errno));
	else
		printf("%s: %ld\n", what, result);
}

int main(int argc, char **argv)
{
	char *bad = (char *)8;
	char buffer[64];

	if (argc != 2 || chdir(argv[1]) < 0) {
		perror("chdir");
		return 2;
	}
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || dir < 0) {
		perror("open");
		return 1;
	}
	show("write 10", write(fd, "0123456789", 10));

	/* The last 4 bytes before a page that is not there: what fits is transferred. */
	long page = sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(two + page, page);
	char *edge = two + page - 4;
	memcpy(edge, "edge", 4);

	show("open bad path", syscall(SYS_open, bad, O_RDONLY));
	show("openat bad path", syscall(SYS_openat, dir, bad, O_RDONLY));
	show("openat path at the edge", syscall(SYS_openat, dir, edge, O_RDONLY));
	show("stat bad path", syscall(SYS_stat, bad, buffer));
	show("stat bad buffer", syscall(SYS_stat, "file", bad));
	show("fstat bad buffer", syscall(SYS_fstat, fd, bad));
	show("newfstatat bad buffer", syscall(SYS_newfstatat, dir, "file", bad, 0));
	show("statx bad buffer", syscall(SYS_statx, dir, "file", 0, STATX_BASIC_STATS, bad));
	show("statfs bad buffer", syscall(SYS_statfs, ".", bad));
	show("fstatfs bad buffer", syscall(SYS_fstatfs, fd, bad));
	show("pread bad", syscall(SYS_pread64, fd, bad, 4, 0));
	show("pread nothing, bad", syscall(SYS_pread64, fd, bad, 0, 0));
	show("pread past the end, bad", syscall(SYS_pread64, fd, bad, 4, 1000));
	show("pwrite bad", syscall(SYS_pwrite64, fd, bad, 4, 0));
	show("readv bad vector", syscall(SYS_readv, fd, bad, 2));
	struct iovec some[2] = { { buffer, 4 }, { bad, 4 } };
	show("preadv second bad", syscall(SYS_preadv, fd, some, 2, 0, 0));
	struct iovec negative[1] = { { buffer, (size_t)-1 } };
	show("readv negative length", syscall(SYS_readv, fd, negative, 1));
	show("readv too many", syscall(SYS_readv, fd, some, IOV_MAX + 1));
	show("readv negative count", syscall(SYS_readv, fd, some, -1));
	show("getdents bad", syscall(SYS_getdents64, dir, bad, 1024));
	show("getdents too small", syscall(SYS_getdents64, dir, buffer, 8));
	show("getcwd bad", syscall(SYS_getcwd, bad, 4096));
	show("getcwd too small", syscall(SYS_getcwd, buffer, 2));
	show("readlink bad buffer", (symlink("target", "link"), syscall(SYS_readlink, "link", bad, 10)));
	show("readlink of no size", syscall(SYS_readlink, "link", buffer, 0));
	show("readlink short", syscall(SYS_readlink, "link", buffer, 3));
	show("mkdir bad", syscall(SYS_mkdir, bad, 0755));
	show("rename bad first", syscall(SYS_rename, bad, "x"));
	show("rename bad second", syscall(SYS_rename, "file", bad));
	show("link bad second", syscall(SYS_link, "file", bad));
	show("symlink bad first", syscall(SYS_symlink, bad, "x"));
	show("unlink bad", syscall(SYS_unlink, bad));
	show("chdir bad", syscall(SYS_chdir, bad));
	show("truncate bad", syscall(SYS_truncate, bad, 0));
	show("chmod bad", syscall(SYS_chmod, bad, 0));
	show("utimensat bad times", syscall(SYS_utimensat, dir, "file", bad, 0));
	show("openat2 bad how", syscall(SYS_openat2, dir, "file", bad, 24));
	show("execve bad path", syscall(SYS_execve, bad, NULL, NULL));
	show("fcntl F_GETLK bad", syscall(SYS_fcntl, fd, F_GETLK, bad));
	show("ioctl FIONREAD bad", syscall(SYS_ioctl, fd, 0x541b, bad));

	show("empty path", syscall(SYS_open, "", O_RDONLY));
	show("stat of an empty path", syscall(SYS_newfstatat, dir, "", buffer, 0));
	char *longest = malloc(PATH_MAX + 10);
	memset(longest, 'a', PATH_MAX + 9);
	longest[PATH_MAX + 9] = 0;
	show("path too long", syscall(SYS_open, longest, O_RDONLY));
	longest[PATH_MAX] = 0;
	show("path of PATH_MAX", syscall(SYS_open, longest, O_RDONLY));
	longest[256] = 0;
	show("name too long", syscall(SYS_open, longest, O_RDONLY | O_CREAT, 0600));
	longest[255] = 0;
	show("longest name", syscall(SYS_mkdir, longest, 0700));
	show("rmdir longest name", syscall(SYS_rmdir, longest));
	for (int i = 0; i < PATH_MAX - 1; i += 2)
		memcpy(longest + i, "./", 2);
	longest[PATH_MAX - 1] = 0;
	memcpy(longest + PATH_MAX - 6, "/file", 5);
	show("longest path", syscall(SYS_access, longest, R_OK));
	/* A long way down, so that getcwd does not fit into PATH_MAX any more. */
	longest[200] = 0;
	memset(longest, 'd', 200);
	int depth = 0;
	for (; depth < 25; depth++)
		if (mkdir(longest, 0700) < 0 || chdir(longest) < 0)
			break;
	show("levels down", depth);
	char cwd[PATH_MAX];
	show("getcwd too deep", syscall(SYS_getcwd, cwd, sizeof cwd));
	while (depth-- > 0)
		if (chdir("..") < 0 || rmdir(longest) < 0)
			perror("up");
	show("back", access("file", F_OK));
	return 0;
}
