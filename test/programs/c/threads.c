/*
 * 16 threads, each writing, checking and renaming a file of its own in the directory argv[1], all at once.
 * Prints one line for each file, in order, with its size and the sum of its bytes.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 16, BLOCKS = 64, BLOCK = 1024 };

static const char *dir;
static pthread_barrier_t together;

struct result {
	long size;
	unsigned long sum;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *work(void *arg)
{
	long n = (long)arg;
	char path[256], final[256];
	unsigned char block[BLOCK];
	struct result *result = calloc(1, sizeof *result);

	snprintf(path, sizeof path, "%s/part%ld", dir, n);
	snprintf(final, sizeof final, "%s/whole%ld", dir, n);
	pthread_barrier_wait(&together);

	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		die(path);
	for (long i = 0; i < BLOCKS; i++) {
		memset(block, (int)(n * BLOCKS + i), sizeof block);
		if (write(fd, block, sizeof block) != sizeof block)
			die("write");
	}
	if (rename(path, final) < 0)
		die("rename");
	if (lseek(fd, 0, SEEK_SET) != 0)
		die("lseek");
	for (long i = 0; i < BLOCKS; i++) {
		if (read(fd, block, sizeof block) != sizeof block)
			die("read");
		for (int j = 0; j < BLOCK; j++) {
			if (block[j] != (unsigned char)(n * BLOCKS + i)) {
				fprintf(stderr, "thread %ld: wrong byte in block %ld\n", n, i);
				exit(1);
			}
			result->sum += block[j];
		}
	}
	struct stat st;
	if (fstat(fd, &st) < 0)
		die("fstat");
	result->size = st.st_size;
	if (close(fd) < 0)
		die("close");
	return result;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc != 2)
		return 2;
	dir = argv[1];
	pthread_barrier_init(&together, NULL, THREADS);
	for (long n = 0; n < THREADS; n++)
		if (pthread_create(&threads[n], NULL, work, (void *)n) != 0)
			die("pthread_create");
	for (long n = 0; n < THREADS; n++) {
		void *result;
		if (pthread_join(threads[n], &result) != 0)
			die("pthread_join");
		printf("whole%ld %ld %lu\n", n, ((struct result *)result)->size, ((struct result *)result)->sum);
	}
	return 0;
}
