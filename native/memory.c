/* The tracee's memory, and the memory that file contents live in. */
#define _GNU_SOURCE
#include "rumphijack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096u

/*
 * Copies as process_vm_readv(2) and process_vm_writev(2) do: the count may be short where the tracee's memory ends,
 * -EFAULT when nothing could be copied.
 */
int64_t rh_read(int tid, uint64_t address, void *buffer, int64_t offset, int64_t length)
{
	struct iovec local = {(char *)buffer + offset, (size_t)length};
	struct iovec remote = {(void *)address, (size_t)length};
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : n;
}

int64_t rh_write(int tid, uint64_t address, const void *buffer, int64_t offset, int64_t length)
{
	struct iovec local = {(char *)(uintptr_t)buffer + offset, (size_t)length};
	struct iovec remote = {(void *)address, (size_t)length};
	ssize_t n = process_vm_writev(tid, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : n;
}

/*
 * Reads a NUL-terminated string, page by page so that a string at the end of a mapping is read whole. Returns its length
 * without the NUL, -EFAULT, or -ENAMETOOLONG when `size` bytes hold no NUL.
 */
int64_t rh_read_string(int tid, uint64_t address, char *buffer, int64_t size)
{
	int64_t have = 0;

	while (have < size) {
		/* Most strings are short: the first read takes at most 256 bytes. */
		int64_t want = have == 0 ? 256 : (int64_t)PAGE;
		int64_t to_page_end = (int64_t)(PAGE - ((address + (uint64_t)have) & (PAGE - 1)));
		int64_t n;
		char *nul;

		if (want > to_page_end)
			want = to_page_end;
		if (want > size - have)
			want = size - have;
		n = rh_read(tid, address + (uint64_t)have, buffer, have, want);
		if (n < 0)
			return n;
		nul = memchr(buffer + have, 0, (size_t)n);
		if (nul != NULL)
			return nul - buffer;
		if (n < want)
			return -EFAULT;
		have += n;
	}
	return -ENAMETOOLONG;
}

/* Writes through /proc/PID/mem, which reaches pages that the program itself may only read (proc(5)). */
int64_t rh_poke(int tid, uint64_t address, const void *buffer, int64_t offset, int64_t length)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/mem", tid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pwrite(fd, (const char *)buffer + offset, (size_t)length, (off_t)address);
	if (n < 0)
		n = -errno;
	(void)close(fd);
	return n;
}

/* Zeroed memory that costs nothing until it is touched; NULL when there is none. */
void *rh_map(int64_t length)
{
	void *p = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Gives whole pages back to the host; they read as zero afterwards (madvise(2), MADV_DONTNEED). */
int rh_discard(void *base, int64_t offset, int64_t length)
{
	return madvise((char *)base + offset, (size_t)length, MADV_DONTNEED) < 0 ? -errno : 0;
}
