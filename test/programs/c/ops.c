/*
 * Performs the file operations on standard input, one a line, relative to the directory argv[1], by raw system calls,
 * and prints each with its result, errno and what it read. Run on two file systems, the outputs tell them apart.
 *
 * The directory lies some levels below one named top, from where getcwd's answers are shown.
 *
 * A line is a name and its arguments. Descriptors are slots 0 to 7. Numbers are decimal or 0x or 0 octal. What differs
 * from file system to file system by right is left out: inode and device numbers, and the order of a directory. Times
 * are shown as set when they are old, and as "now" else, so that it shows which of them a call updates.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SLOTS = 8, WORDS = 6, MOST = 1 << 16 };

static int slots[SLOTS];
static char *words[WORDS];
static unsigned char data[MOST];

static long number(int i)
{
	return strtol(words[i], NULL, 0);
}

static int slot(int i)
{
	return slots[number(i) % SLOTS];
}

static size_t length(int i)
{
	return (size_t)number(i) % MOST;
}

static unsigned char *fill(size_t n, long seed)
{
	for (size_t i = 0; i < n; i++)
		data[i] = (unsigned char)(seed + i * 7 + i / 251);
	return data;
}

static long answer(long result)
{
	if (result < 0)
		printf(" %s", strerrorname_np(errno));
	else
		printf(" %ld", result);
	return result;
}

/* FNV-1a: enough to tell two contents apart. */
static void content(long n)
{
	unsigned long hash = 14695981039346656037ul;
	if (answer(n) < 0)
		return;
	for (long i = 0; i < n; i++)
		hash = (hash ^ data[i]) * 1099511628211ul;
	printf(" #%lx", hash);
}

static void when(const char *name, struct timespec t)
{
	if (t.tv_sec > 1000000000)
		printf(" %s=now", name);
	else
		printf(" %s=%ld.%09ld", name, (long)t.tv_sec, t.tv_nsec);
}

static void show_stat(long result, const struct stat *st)
{
	if (answer(result) < 0)
		return;
	printf(" mode=%o nlink=%ld uid=%d gid=%d blksize=%ld", st->st_mode, (long)st->st_nlink, (int)st->st_uid,
	       (int)st->st_gid, (long)st->st_blksize);
	/* What a directory's size counts is the file system's own affair. */
	if (!S_ISDIR(st->st_mode))
		printf(" size=%ld", (long)st->st_size);
	/* A symlink's target may lie in its inode or beside it. */
	if (S_ISREG(st->st_mode))
		printf(" blocks=%ld", (long)st->st_blocks);
	when("atime", st->st_atim);
	when("mtime", st->st_mtim);
	when("ctime", st->st_ctim);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The entries are collected with a buffer that is small, so that they come in several calls. */
static void list(const char *path)
{
	char *names[256];
	char buffer[320] __attribute__((aligned(8)));
	int count = 0;
	long got;
	int fd = syscall(SYS_open, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (answer(fd < 0 ? fd : 0) < 0)
		return;
	while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
		for (long at = 0; at < got;) {
			/* struct linux_dirent64: ino, off, reclen, type, name (getdents64(2)) */
			const char *entry = buffer + at;
			unsigned short reclen;
			memcpy(&reclen, entry + 16, sizeof reclen);
			if (count < 256 && asprintf(&names[count], "%s/%d", entry + 19, entry[18]) > 0)
				count++;
			at += reclen;
		}
	}
	answer(got);
	qsort(names, count, sizeof *names, by_name);
	for (int i = 0; i < count; i++) {
		printf(" %s", names[i]);
		free(names[i]);
	}
	syscall(SYS_close, fd);
}

static void perform(void)
{
	const char *op = words[0];
	const char *a = words[1], *b = words[2];
	struct stat st;
	size_t n;

#define IS(name) (strcmp(op, name) == 0)
	if (IS("open")) {
		int fd = syscall(SYS_open, b, number(3) | O_CLOEXEC, number(4));
		if (answer(fd < 0 ? fd : 0) == 0) {
			if (slot(1) >= 0)
				syscall(SYS_close, slot(1));
			slots[number(1) % SLOTS] = fd;
		}
	} else if (IS("close")) {
		answer(syscall(SYS_close, slot(1)));
		slots[number(1) % SLOTS] = -1;
	} else if (IS("dup")) {
		int fd = syscall(SYS_fcntl, slot(1), F_DUPFD_CLOEXEC, 0);
		if (answer(fd < 0 ? fd : 0) == 0) {
			if (slot(2) >= 0)
				syscall(SYS_close, slot(2));
			slots[number(2) % SLOTS] = fd;
		}
	} else if (IS("read")) {
		content(syscall(SYS_read, slot(1), data, length(2)));
	} else if (IS("pread")) {
		content(syscall(SYS_pread64, slot(1), data, length(2), number(3)));
	} else if (IS("readv")) {
		n = length(2) / 2;
		struct iovec iov[2] = { { data, n }, { data + n, length(2) - n } };
		content(syscall(SYS_readv, slot(1), iov, 2));
	} else if (IS("write")) {
		answer(syscall(SYS_write, slot(1), fill(length(2), number(3)), length(2)));
	} else if (IS("pwrite")) {
		answer(syscall(SYS_pwrite64, slot(1), fill(length(2), number(4)), length(2), number(3)));
	} else if (IS("writev")) {
		n = length(2) / 3;
		fill(length(2), number(3));
		struct iovec iov[3] = { { data, n }, { NULL, 0 }, { data + n, length(2) - n } };
		answer(syscall(SYS_writev, slot(1), iov, 3));
	} else if (IS("lseek")) {
		answer(syscall(SYS_lseek, slot(1), number(2), number(3)));
	} else if (IS("ftruncate")) {
		answer(syscall(SYS_ftruncate, slot(1), number(2)));
	} else if (IS("truncate")) {
		answer(syscall(SYS_truncate, a, number(2)));
	} else if (IS("fallocate")) {
		answer(syscall(SYS_fallocate, slot(1), number(2), number(3), number(4)));
	} else if (IS("copy")) {
		answer(syscall(SYS_copy_file_range, slot(1), NULL, slot(2), NULL, length(3), 0));
	} else if (IS("sendfile")) {
		answer(syscall(SYS_sendfile, slot(2), slot(1), NULL, length(3)));
	} else if (IS("getfl")) {
		answer(syscall(SYS_fcntl, slot(1), F_GETFL));
	} else if (IS("setfl")) {
		answer(syscall(SYS_fcntl, slot(1), F_SETFL, number(2)));
	} else if (IS("fstat")) {
		show_stat(syscall(SYS_fstat, slot(1), &st), &st);
	} else if (IS("stat")) {
		show_stat(syscall(SYS_stat, a, &st), &st);
	} else if (IS("lstat")) {
		show_stat(syscall(SYS_lstat, a, &st), &st);
	} else if (IS("access")) {
		answer(syscall(SYS_access, a, number(2)));
	} else if (IS("mkdir")) {
		answer(syscall(SYS_mkdir, a, number(2)));
	} else if (IS("mknod")) {
		answer(syscall(SYS_mknod, a, number(2), 0));
	} else if (IS("rmdir")) {
		answer(syscall(SYS_rmdir, a));
	} else if (IS("unlink")) {
		answer(syscall(SYS_unlink, a));
	} else if (IS("rename")) {
		answer(syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, number(3)));
	} else if (IS("link")) {
		answer(syscall(SYS_linkat, AT_FDCWD, a, AT_FDCWD, b, number(3)));
	} else if (IS("symlink")) {
		answer(syscall(SYS_symlink, a, b));
	} else if (IS("readlink")) {
		content(syscall(SYS_readlink, a, data, length(2)));
	} else if (IS("chmod")) {
		answer(syscall(SYS_chmod, a, number(2)));
	} else if (IS("fchmod")) {
		answer(syscall(SYS_fchmod, slot(1), number(2)));
	} else if (IS("chown")) {
		answer(syscall(SYS_lchown, a, number(2), number(3)));
	} else if (IS("umask")) {
		answer(syscall(SYS_umask, number(1)));
	} else if (IS("utimens")) {
		struct timespec times[2] = { { number(2), 5 }, { number(3), UTIME_OMIT } };
		if (number(3) != 0)
			times[1].tv_nsec = 999999999;
		answer(syscall(SYS_utimensat, AT_FDCWD, a, times, number(4)));
	} else if (IS("list")) {
		list(a);
	} else if (IS("chdir")) {
		answer(syscall(SYS_chdir, a));
	} else if (IS("getcwd")) {
		if (answer(syscall(SYS_getcwd, data, sizeof data) < 0 ? -1 : 0) == 0)
			printf(" %s", strstr((char *)data, "/top"));
	} else {
		printf(" unknown operation");
	}
}

int main(int argc, char **argv)
{
	char line[512], copy[512];

	if (argc != 2 || chdir(argv[1]) < 0) {
		perror("ops");
		return 2;
	}
	umask(022);
	for (int i = 0; i < SLOTS; i++)
		slots[i] = -1;
	while (fgets(line, sizeof line, stdin)) {
		int count = 0;
		line[strcspn(line, "\n")] = 0;
		strcpy(copy, line);
		for (char *word = strtok(copy, " "); word && count < WORDS; word = strtok(NULL, " "))
			words[count++] = word;
		while (count < WORDS)
			words[count++] = "0";
		printf("%s ->", line);
		perform();
		putchar('\n');
	}
	return 0;
}
