/*
 * Threads, forks, execs, signals and calls on the directory argv[1], mixed at random for argv[2] seconds by the seed argv[3]; every
 * step checks what it got. Prints how many steps of each kind there were. "step SEED COUNT" after the directory: what an
 * executed child does. Sockets are IPv4 ones on the loopback interface.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

enum { PROCESSES = 4, THREADS = 3, ROUND = 40, CHILD_STEPS = 8 };

static const char *self;
static atomic_int signals_seen;
static uint64_t end_at;

static uint64_t now_ms(void)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* xorshift64*: the same seed gives the same choices. */
static uint32_t next_random(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (uint32_t)((*seed * 2685821657736338717ULL) >> 32);
}

static uint32_t below(uint64_t *seed, uint32_t limit)
{
	return next_random(seed) % limit;
}

static void fill(uint8_t *at, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		at[i] = (uint8_t)next_random(&seed);
}

static void own_name(char *path, size_t size, const char *what)
{
	(void)snprintf(path, size, "%s/%s.%d", dir, what, (int)gettid());
}

/* Signals interrupt what they like: a transfer is whole in the end. */
static void put(int fd, const uint8_t *from, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, from, length);

		CHECK(n > 0 || (n < 0 && errno == EINTR));
		if (n > 0)
			from += n, length -= n;
	}
}

static void get(int fd, uint8_t *to, size_t length)
{
	while (length > 0) {
		ssize_t n = read(fd, to, length);

		CHECK(n > 0 || (n < 0 && errno == EINTR));
		if (n > 0)
			to += n, length -= n;
	}
}

static void file_step(uint64_t *seed)
{
	char path[256], other[256];
	uint8_t out[5000], in[5000];
	size_t length = 1 + below(seed, sizeof out);
	off_t at = below(seed, 100000);
	struct stat st;
	int fd, copy;

	own_name(path, sizeof path, "file");
	own_name(other, sizeof other, "other");
	fill(out, length, *seed);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | (below(seed, 2) ? O_CLOEXEC : 0), 0640);
	CHECK(fd >= 0);
	CHECK(pwrite(fd, out, length, at) == (ssize_t)length);
	CHECK(fstat(fd, &st) == 0 && st.st_size == at + (off_t)length && st.st_nlink == 1);
	CHECK(link(path, other) == 0 && unlink(path) == 0 && rename(other, path) == 0);
	copy = below(seed, 2) ? dup(fd) : fcntl(fd, F_DUPFD_CLOEXEC, 200 + below(seed, 50));
	CHECK(copy >= 0 && lseek(copy, at, SEEK_SET) == at);
	get(fd, in, length);
	CHECK(memcmp(in, out, length) == 0);
	CHECK(ftruncate(copy, at) == 0 && read(fd, in, 1) == 0);
	CHECK(close(fd) == 0 && close(copy) == 0 && unlink(path) == 0 && stat(path, &st) < 0 && errno == ENOENT);
}

static void directory_step(uint64_t *seed)
{
	char path[256], name[300];
	int wanted = below(seed, 30), seen = 0;
	struct dirent *entry;
	DIR *list;

	own_name(path, sizeof path, "dir");
	CHECK(mkdir(path, 0700) == 0);
	for (int i = 0; i < wanted; i++) {
		(void)snprintf(name, sizeof name, "%s/%d", path, i);
		CHECK(symlink("nowhere", name) == 0);
	}
	list = opendir(path);
	CHECK(list != NULL);
	while ((entry = readdir(list)) != NULL)
		seen += entry->d_name[0] != '.';
	CHECK(closedir(list) == 0 && seen == wanted);
	CHECK(wanted == 0 || (rmdir(path) < 0 && errno == ENOTEMPTY));
	for (int i = 0; i < wanted; i++) {
		(void)snprintf(name, sizeof name, "%s/%d", path, i);
		CHECK(unlink(name) == 0);
	}
	CHECK(rmdir(path) == 0);
}

static void wait_for(int fd, short events)
{
	struct pollfd want = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&want, 1, 60000);
	while (n < 0 && errno == EINTR);
	CHECK(n == 1 && (want.revents & events) != 0);
}

static void tcp_pair(int *one, int *two)
{
	struct sockaddr_in at;
	int server = listening(&at);

	*one = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(*one >= 0);
	/* Interrupted, the connection is made all the same: connect(2). */
	if (connect(*one, (struct sockaddr *)&at, sizeof at) < 0) {
		CHECK(errno == EINTR);
		wait_for(*one, POLLOUT);
	}
	do
		*two = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	while (*two < 0 && errno == EINTR);
	CHECK(*two >= 0 && close(server) == 0);
}

static void exchange(int one, int two, uint64_t *seed)
{
	uint8_t out[3000], in[3000];

	for (int i = below(seed, 6); i >= 0; i--) {
		size_t length = 1 + below(seed, sizeof out);

		fill(out, length, *seed);
		put(one, out, length);
		if (below(seed, 2))
			wait_for(two, POLLIN);
		get(two, in, length);
		CHECK(memcmp(in, out, length) == 0);
		int swap = one;
		one = two;
		two = swap;
	}
	CHECK(shutdown(one, SHUT_WR) == 0);
	wait_for(two, POLLIN);
	while (read(two, in, 1) != 0)
		CHECK(errno == EINTR);
	CHECK(close(one) == 0 && close(two) == 0);
}

static void tcp_step(uint64_t *seed)
{
	int one, two;

	tcp_pair(&one, &two);
	exchange(one, two, seed);
}

static void local_step(uint64_t *seed)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	exchange(pair[0], pair[1], seed);
}

/* A host pipe and a fifo of the directory in one wait. */
static void fifo_step(uint64_t *seed)
{
	char path[256];
	uint8_t out = (uint8_t)next_random(seed), in = 0;
	int host[2], rump;

	own_name(path, sizeof path, "fifo");
	CHECK(mkfifo(path, 0600) == 0 && pipe2(host, O_CLOEXEC) == 0);
	rump = open(path, O_RDWR);
	CHECK(rump >= 0);
	struct pollfd both[2] = { { .fd = host[0], .events = POLLIN }, { .fd = rump, .events = POLLIN } };
	int n = poll(both, 2, 0);

	CHECK(n == 0 || (n < 0 && errno == EINTR));
	int which = below(seed, 2);
	put(which ? rump : host[1], &out, 1);
	do
		n = poll(both, 2, 60000);
	while (n < 0 && errno == EINTR);
	CHECK(n == 1 && both[which].revents == POLLIN && both[1 - which].revents == 0);
	get(both[which].fd, &in, 1);
	CHECK(in == out && close(host[0]) == 0 && close(host[1]) == 0 && close(rump) == 0 && unlink(path) == 0);
}

/* A read that finds nothing is ended by a timer of this thread's, and by nothing else for ever. */
static void interrupted_step(uint64_t *seed)
{
	char path[256];
	uint8_t byte;
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2 };
	struct itimerspec when = { .it_value.tv_nsec = 100000 + below(seed, 3000000), .it_interval.tv_nsec = 5000000 };
	int fd;

	event._sigev_un._tid = gettid();
	own_name(path, sizeof path, "silent");
	CHECK(mkfifo(path, 0600) == 0);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &when, NULL) == 0);
	CHECK(read(fd, &byte, 1) < 0 && errno == EINTR);
	CHECK(timer_delete(timer) == 0 && close(fd) == 0 && unlink(path) == 0);
}

static void lock_step(uint64_t *seed)
{
	int fd = open(in_dir("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint64_t count = 0, more;

	CHECK(fd >= 0);
	while (flock(fd, LOCK_EX) < 0)
		CHECK(errno == EINTR);
	CHECK(pread(fd, &count, sizeof count, 0) >= 0);
	if (below(seed, 2))
		sched_yield();
	more = count + 1;
	CHECK(pwrite(fd, &more, sizeof more, 0) == sizeof more && pread(fd, &count, sizeof count, 0) == sizeof count);
	/* A child that was forked meanwhile has a copy, with which the lock would live on. */
	CHECK(count == more && flock(fd, LOCK_UN) == 0 && close(fd) == 0);
}

static void signal_step(uint64_t *seed)
{
	/* To another thread or this one; whoever it is goes on with what it does. */
	CHECK(kill(getpid(), SIGUSR1) == 0);
	if (below(seed, 2))
		CHECK(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2) == 0);
}

static void plain_steps(uint64_t *seed, int count);

static void fork_step(uint64_t *seed)
{
	uint64_t of_child = next_random(seed) | 1;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		plain_steps(&of_child, CHILD_STEPS);
		_exit(42);
	}
	CHECK(wait_for_child(pid) == 42 << 8);
}

static void exec_step(uint64_t *seed)
{
	char of_child[24], count[8];
	pid_t pid;
	int status;

	(void)snprintf(of_child, sizeof of_child, "%u", next_random(seed) | 1);
	(void)snprintf(count, sizeof count, "%d", CHILD_STEPS);
	char *argv[] = { "stress", (char *)dir, "step", of_child, count, NULL };

	if (below(seed, 2)) {
		CHECK((errno = posix_spawn(&pid, self, NULL, NULL, argv, environ)) == 0);
	} else {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			execv(self, argv);
			_exit(98);
		}
	}
	status = wait_for_child(pid);
	CHECK(status == 0);
}

/* A child is killed while it works; what it had open is closed, and its lock is free. */
static void kill_step(uint64_t *seed)
{
	char path[256];
	uint8_t byte;
	int begun[2], fd;
	pid_t pid;

	own_name(path, sizeof path, "killed");
	CHECK(pipe2(begun, O_CLOEXEC) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		fd = open(path, O_RDWR | O_CREAT, 0600);
		CHECK(fd >= 0 && flock(fd, LOCK_EX) == 0 && write(begun[1], "", 1) == 1);
		for (;;)
			CHECK(pwrite(fd, "x", 1, 0) == 1 && lseek(fd, 0, SEEK_END) == 1);
	}
	get(begun[0], &byte, 1);
	for (int n = below(seed, 20); n > 0; n--)
		sched_yield();
	CHECK(kill(pid, SIGKILL) == 0 && wait_for_child(pid) == SIGKILL);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0);
	/* Not at once: descriptors of a dead process go when its tracer is told of it. */
	while (flock(fd, LOCK_EX) < 0)
		CHECK(errno == EINTR);
	CHECK(close(fd) == 0 && close(begun[0]) == 0 && close(begun[1]) == 0 && unlink(path) == 0);
}

static const struct step {
	const char *name;
	void (*run)(uint64_t *seed);
	/* Also for children, which make none of their own. */
	int is_plain;
} steps[] = {
	{ "file", file_step, 1 },     { "directory", directory_step, 1 }, { "tcp", tcp_step, 1 },
	{ "local", local_step, 1 },   { "fifo", fifo_step, 1 },		  { "interrupted", interrupted_step, 1 },
	{ "lock", lock_step, 1 },     { "signal", signal_step, 1 },	  { "fork", fork_step, 0 },
	{ "exec", exec_step, 0 },     { "kill", kill_step, 0 },
};
enum { STEPS = sizeof steps / sizeof *steps };

static void plain_steps(uint64_t *seed, int count)
{
	while (count > 0) {
		const struct step *step = &steps[below(seed, STEPS)];

		if (!step->is_plain)
			continue;
		step->run(seed);
		count--;
	}
}

struct worker {
	uint64_t seed;
	uint32_t made[STEPS];
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (int n = 0; n < ROUND && now_ms() < end_at; n++) {
		uint32_t which = below(&worker->seed, STEPS);

		steps[which].run(&worker->seed);
		worker->made[which]++;
	}
	return NULL;
}

static void on_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&signals_seen, 1);
}

static void catch(int signal, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	(void)sigemptyset(&action.sa_mask);
	CHECK(sigaction(signal, &action, NULL) == 0);
}

static int descriptors(void)
{
	int count = 0;
	DIR *list = opendir("/proc/self/fd");

	CHECK(list != NULL);
	while (readdir(list) != NULL)
		count++;
	CHECK(closedir(list) == 0);
	return count;
}

/* One process: threads that do a round of steps, and tell how many there were of each. */
static void process(uint64_t seed, int report)
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	int before = descriptors();

	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .seed = next_random(&seed) | 1 };
		CHECK((errno = pthread_create(&threads[i], NULL, work, &workers[i])) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		CHECK((errno = pthread_join(threads[i], NULL)) == 0);
	for (int i = 1; i < THREADS; i++)
		for (int step = 0; step < STEPS; step++)
			workers[0].made[step] += workers[i].made[step];
	CHECK(descriptors() == before);
	put(report, (uint8_t *)workers[0].made, sizeof workers[0].made);
}

static void supervise(uint64_t seed)
{
	uint32_t made[STEPS], total[STEPS] = { 0 };
	pid_t pids[PROCESSES] = { 0 };
	int report[2], begun = 0;

	CHECK(pipe2(report, O_CLOEXEC) == 0);
	for (int turn = 0; now_ms() < end_at || begun > 0; turn = (turn + 1) % PROCESSES) {
		if (pids[turn] != 0) {
			CHECK(wait_for_child(pids[turn]) == 0);
			get(report[0], (uint8_t *)made, sizeof made);
			for (int step = 0; step < STEPS; step++)
				total[step] += made[step];
			pids[turn] = 0;
			begun--;
		}
		if (now_ms() >= end_at)
			continue;
		uint64_t of_child = next_random(&seed) | 1;
		pids[turn] = fork();
		CHECK(pids[turn] >= 0);
		if (pids[turn] == 0) {
			process(of_child, report[1]);
			_exit(0);
		}
		begun++;
	}
	for (int step = 0; step < STEPS; step++)
		printf("%s %u\n", steps[step].name, total[step]);
}

int main(int argc, char **argv)
{
	static char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

	CHECK(argc >= 4 && length > 0);
	self = path;
	dir = argv[1];
	catch(SIGUSR1, SA_RESTART);
	catch(SIGUSR2, 0);
	if (strcmp(argv[2], "step") == 0) {
		uint64_t seed = strtoull(argv[3], NULL, 10);

		CHECK(argc == 5);
		plain_steps(&seed, atoi(argv[4]));
		return 0;
	}
	end_at = now_ms() + strtoull(argv[2], NULL, 10) * 1000;
	supervise(strtoull(argv[3], NULL, 10) | 1);
	return 0;
}
