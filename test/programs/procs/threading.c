/*
 * Threads and processes in all their ways to come and go, with calls on the directory argv[1] in between; argv[2...]: only these
 * parts. Prints a line for each part that its own checks found well.
 */
#define _GNU_SOURCE
#include "check.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

extern char **environ;

static char self[4096];

static void *spins(void *name)
{
	for (;;)
		use_file(name);
	return NULL;
}

static void *sleeps(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *reads_for_ever(void *fd)
{
	char byte;

	(void)!read(*(int *)fd, &byte, 1);
	CHECK(!"nobody writes");
	return NULL;
}

static int keep, dropped, fifo;

static void *executes(void *unused)
{
	char numbers[3][16];

	(void)unused;
	(void)snprintf(numbers[0], sizeof numbers[0], "%d", keep);
	(void)snprintf(numbers[1], sizeof numbers[1], "%d", dropped);
	(void)snprintf(numbers[2], sizeof numbers[2], "%d", getpid());
	execl(self, self, "--executed", dir, numbers[0], numbers[1], numbers[2], NULL);
	CHECK(!"execl");
	return NULL;
}

/* What the program finds that a thread has executed. */
static int executed(char **argv)
{
	char back[8];

	dir = argv[2];
	CHECK(getpid() == atoi(argv[5]) && syscall(SYS_gettid) == getpid());
	CHECK(pread(atoi(argv[3]), back, 4, 0) == 4 && memcmp(back, "kept", 4) == 0);
	CHECK(fcntl(atoi(argv[4]), F_GETFD) < 0 && errno == EBADF);
	use_file("executed");
	return 17;
}

static void start_threads(void)
{
	static char names[4][8] = {"s0", "s1", "s2", "s3"};
	pthread_t thread;

	CHECK(mkfifo(in_dir("fifo"), 0600) == 0 || errno == EEXIST);
	fifo = open(in_dir("fifo"), O_RDWR | O_CLOEXEC);
	CHECK(fifo >= 0);
	for (int i = 0; i < 4; i++) {
		CHECK(pthread_create(&thread, NULL, spins, names[i]) == 0);
		CHECK(pthread_create(&thread, NULL, sleeps, NULL) == 0);
		CHECK(pthread_create(&thread, NULL, reads_for_ever, &fifo) == 0);
	}
}

/* exec from a thread that is not the leader, and from one whose leader is gone, sleeps or is in a call. */
static void exec_in_thread(void)
{
	for (int way = 0; way < 12; way++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			pthread_t thread;

			keep = open(in_dir("keep"), O_RDWR | O_CREAT | O_TRUNC, 0600);
			dropped = open(in_dir("drop"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
			CHECK(keep >= 0 && dropped >= 0 && write(keep, "kept", 4) == 4);
			start_threads();
			CHECK(pthread_create(&thread, NULL, executes, NULL) == 0);
			switch (way % 4) {
			case 0:
				pthread_exit(NULL);
			case 1:
				sleeps(NULL);
				break;
			case 2:
				spins("leader");
				break;
			default:
				reads_for_ever(&fifo);
			}
		}
		int status = wait_for_child(pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 17);
	}
}

static pthread_t leader;
static int shared_fd;

static void *survives(void *unused)
{
	(void)unused;
	CHECK(pthread_join(leader, NULL) == 0);
	for (int i = 0; i < 100; i++) {
		use_file("survivor");
		CHECK(pwrite(shared_fd, "x", 1, i) == 1);
	}
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pwrite(shared_fd, "y", 1, 100) == 1);
		_exit(5);
	}
	CHECK(WEXITSTATUS(wait_for_child(pid)) == 5);
	int two = dup(shared_fd);
	CHECK(two >= 0 && lseek(two, 0, SEEK_END) == 101);
	exit(23);
}

/* The leader of a thread group ends; the others go on with its descriptors. */
static void leader_exits(void)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			pthread_t thread;

			leader = pthread_self();
			shared_fd = open(in_dir("shared"), O_RDWR | O_CREAT | O_TRUNC, 0600);
			CHECK(shared_fd >= 0 && pthread_create(&thread, NULL, survives, NULL) == 0);
			pthread_exit(NULL);
		}
		int status = wait_for_child(pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 23);
	}
}

static void *briefly(void *name)
{
	use_file(name);
	return NULL;
}

/* Five hundred threads, made and gone. */
static void churn(void)
{
	static char names[8][8] = {"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"};
	pthread_t threads[8];

	for (int i = 0; i < 500; i += 8) {
		for (int j = 0; j < 8; j++)
			CHECK(pthread_create(&threads[j], NULL, briefly, names[j]) == 0);
		for (int j = 0; j < 8; j++)
			CHECK(pthread_join(threads[j], NULL) == 0);
	}
}

/* What a clone does, told through memory that is always shared. */
struct told {
	_Atomic int done;
	int fd;
	int error;
};

static struct told *told;
static volatile int private_word;
static char child_file[256], child_dir[256];

/* No errno: a child in the parent's memory has the parent's thread-local storage, too. */
static long raw(long nr, long a, long b, long c, long d)
{
	long r;
	register long r10 __asm__("r10") = d;

	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return r;
}

static int cloned(void *unused)
{
	(void)unused;
	private_word = 1;
	told->fd = (int)raw(SYS_open, (long)child_file, O_RDWR | O_CREAT, 0600, 0);
	told->error = told->fd < 0;
	told->error |= raw(SYS_write, told->fd, (long)"clone", 5, 0) != 5;
	told->error |= raw(SYS_chdir, (long)child_dir, 0, 0, 0) != 0;
	atomic_store(&told->done, 1);
	(void)raw(SYS_futex, (long)&told->done, FUTEX_WAKE, 1, 0);
	for (;;)
		(void)raw(SYS_exit, 3, 0, 0, 0);
	return 0;
}

static void one_clone(unsigned long flags, int third, char *stack, size_t size)
{
	struct stat st;
	char cwd[256];
	long r;

	memset(told, 0, sizeof *told);
	private_word = 0;
	CHECK(chdir(dir) == 0);
	if (third) {
		struct clone_args args = {
			.flags = flags,
			.exit_signal = flags & (CLONE_THREAD | CLONE_PARENT) ? 0 : SIGCHLD,
			.stack = (uintptr_t)stack,
			.stack_size = size,
		};
		register void *fn __asm__("r12") = cloned;
		__asm__ volatile("syscall\n\t"
				 "test %%rax, %%rax\n\t"
				 "jnz 1f\n\t"
				 "xor %%edi, %%edi\n\t"
				 "call *%%r12\n\t"
				 "1:"
				 : "=a"(r)
				 : "a"(SYS_clone3), "D"(&args), "S"(sizeof args), "r"(fn)
				 : "rcx", "r11", "memory");
	} else {
		r = clone(cloned, stack + size, (int)flags | (flags & CLONE_THREAD ? 0 : SIGCHLD), NULL);
	}
	CHECK(r > 0);
	while (atomic_load(&told->done) == 0)
		(void)syscall(SYS_futex, &told->done, FUTEX_WAIT, 0, NULL);
	CHECK(told->error == 0);
	CHECK(private_word == ((flags & CLONE_VM) != 0));
	CHECK((fstat(told->fd, &st) == 0 && st.st_size == 5) == ((flags & CLONE_FILES) != 0));
	CHECK(getcwd(cwd, sizeof cwd) != NULL);
	CHECK(strcmp(cwd, flags & CLONE_FS ? child_dir : dir) == 0);
	if ((flags & (CLONE_THREAD | CLONE_PARENT)) == 0)
		CHECK(WEXITSTATUS(wait_for_child((pid_t)r)) == 3);
	use_file("after");
}

/* clone(2) and clone3(2) with flags in every legal mix. */
static void clone_flags(void)
{
	static const unsigned long memory[] = {0, CLONE_VM, CLONE_VM | CLONE_SIGHAND, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD};
	static const unsigned long others[] = {CLONE_FS, CLONE_FILES, CLONE_VFORK, CLONE_PARENT, CLONE_UNTRACED, CLONE_SYSVSEM};
	enum { SIZE = 64 * 1024, MIXES = 4 << 6 };
	char *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED && told != MAP_FAILED);
	(void)snprintf(child_file, sizeof child_file, "%s/cloned", dir);
	(void)snprintf(child_dir, sizeof child_dir, "%s/sub", dir);
	CHECK(mkdir(child_dir, 0700) == 0 || errno == EEXIST);
	for (int mix = 0; mix < MIXES * 2; mix++) {
		unsigned long flags = memory[mix & 3];
		pid_t pid;

		for (int i = 0; i < 6; i++)
			if (mix >> (2 + i) & 1)
				flags |= others[i];
		if (mix >= MIXES && (flags & CLONE_UNTRACED))
			flags |= CLONE_CLEAR_SIGHAND;
		if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
			continue;
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			one_clone(flags, mix >= MIXES, stack, SIZE);
			_exit(0);
		}
		int status = wait_for_child(pid);
		if (status != 0)
			dprintf(2, "flags %#lx by %s\n", flags, mix >= MIXES ? "clone3" : "clone");
		CHECK(status == 0);
		while (waitpid(-1, &status, __WALL) > 0) /* those with CLONE_PARENT */
			CHECK(WEXITSTATUS(status) == 3);
	}
	/* Through a pid namespace the tracer knows the child by another number. */
	if (geteuid() == 0) {
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL);

		if (pid == 0) {
			CHECK(getpid() == 1);
			use_file("first");
			pid = fork();
			CHECK(pid >= 0);
			if (pid == 0) {
				CHECK(getpid() == 2);
				use_file("second");
				_exit(9);
			}
			CHECK(WEXITSTATUS(wait_for_child(pid)) == 9);
			_exit(8);
		}
		CHECK(pid > 0 ? WEXITSTATUS(wait_for_child(pid)) == 8 : errno == EPERM);
	}
}

/* A parent that waits in vfork(2), with threads that go on. */
static void vforks(void)
{
	pthread_t thread;

	for (volatile int i = 0; i < 50; i++) {
		static char name[] = "beside";

		CHECK(pthread_create(&thread, NULL, briefly, name) == 0);
		volatile int fd = open(in_dir("vfork"), O_RDWR | O_CREAT | O_TRUNC, 0600);
		CHECK(fd >= 0);
		pid_t pid = vfork();
		CHECK(pid >= 0);
		if (pid == 0) {
			if (write(fd, "child", 5) != 5)
				_exit(1);
			(void)close(fd);
			if (i % 2 == 0)
				execl("/bin/sh", "sh", "-c", "exit 11", NULL);
			_exit(11);
		}
		CHECK(lseek(fd, 0, SEEK_CUR) == 5 && close(fd) == 0);
		CHECK(WEXITSTATUS(wait_for_child(pid)) == 11);
		CHECK(pthread_join(thread, NULL) == 0);
	}
}

static void spawns(void)
{
	for (int i = 0; i < 30; i++) {
		posix_spawn_file_actions_t actions;
		posix_spawnattr_t attributes;
		char *argv[] = {"sh", "-c", "read a; echo \"got $a\"; pwd >&2", NULL};
		sigset_t all, none;
		char back[64] = "";
		pid_t pid;
		int fd = open(in_dir("input"), O_RDWR | O_CREAT | O_TRUNC, 0600);

		CHECK(fd >= 0 && write(fd, "word\n", 5) == 5 && close(fd) == 0);
		CHECK(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attributes) == 0);
		CHECK(posix_spawn_file_actions_addchdir_np(&actions, dir) == 0);
		CHECK(posix_spawn_file_actions_addopen(&actions, 0, "input", O_RDONLY, 0) == 0);
		CHECK(posix_spawn_file_actions_addopen(&actions, 1, in_dir("output"), O_WRONLY | O_CREAT | O_TRUNC, 0600) == 0);
		CHECK(posix_spawn_file_actions_addopen(&actions, 2, in_dir("where"), O_WRONLY | O_CREAT | O_TRUNC, 0600) == 0);
		(void)sigfillset(&all);
		(void)sigemptyset(&none);
		CHECK(posix_spawnattr_setsigmask(&attributes, &none) == 0 && posix_spawnattr_setsigdefault(&attributes, &all) == 0);
		CHECK(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP) == 0);
		CHECK(posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv, environ) == 0);
		CHECK(wait_for_child(pid) == 0);
		fd = open(in_dir("output"), O_RDONLY);
		CHECK(fd >= 0 && read(fd, back, sizeof back) == 9 && memcmp(back, "got word\n", 9) == 0 && close(fd) == 0);
		fd = open(in_dir("where"), O_RDONLY);
		CHECK(fd >= 0 && read(fd, back, sizeof back) == (ssize_t)strlen(dir) + 1 && close(fd) == 0);
		CHECK(memcmp(back, dir, strlen(dir)) == 0);
		CHECK(posix_spawn(&pid, in_dir("none"), &actions, NULL, argv, environ) == ENOENT);
		CHECK(posix_spawn_file_actions_destroy(&actions) == 0 && posix_spawnattr_destroy(&attributes) == 0);
	}
}

/* daemon(3)'s way: the grandchild goes on without its parents. */
static void daemons(void)
{
	int fd = open(in_dir("daemon"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	int both[2];
	char byte;

	/* It becomes our child, so that its end can be waited for. */
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	CHECK(fd >= 0 && pipe(both) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pid_t parent = getpid();

		CHECK(setsid() > 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid > 0)
			_exit(0);
		CHECK(chdir("/") == 0 && close(both[0]) == 0);
		while (getppid() == parent)
			use_file("waiting");
		CHECK(write(fd, "alone", 5) == 5);
		CHECK(write(both[1], "d", 1) == 1);
		_exit(0);
	}
	CHECK(close(both[1]) == 0 && wait_for_child(pid) == 0);
	CHECK(read(both[0], &byte, 1) == 1 && read(both[0], &byte, 1) == 0);
	CHECK(lseek(fd, 0, SEEK_END) == 5 && close(fd) == 0 && wait(NULL) > 0);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{"exec", exec_in_thread}, {"leader", leader_exits}, {"churn", churn},     {"clone", clone_flags},
		{"vfork", vforks},        {"spawn", spawns},        {"daemon", daemons}, {NULL, NULL},
	};

	if (argc == 6 && strcmp(argv[1], "--executed") == 0)
		return executed(argv);
	CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	return run_parts(parts, argc, argv);
}
