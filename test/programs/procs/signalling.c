/*
 * Signals of every kind while calls on the directory argv[1] are made, are waited in, or are killed in; argv[2...]: only these
 * parts. Prints a line for each part that its own checks found well. Sockets are IPv4 ones on the loopback interface.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static int new_fifo(const char *name)
{
	int fd;

	(void)unlink(in_dir(name));
	CHECK(mkfifo(in_dir(name), 0600) == 0);
	fd = open(in_dir(name), O_RDWR);
	CHECK(fd >= 0);
	return fd;
}

/* The state letter of a process (proc(5)). */
static char state_of(pid_t pid)
{
	char path[64], text[512];
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	n = read(fd, text, sizeof text - 1);
	CHECK(n > 0 && close(fd) == 0);
	text[n] = '\0';
	return strrchr(text, ')')[2];
}

/* Until a process is seen to sleep a few times in a row; traced, it also stops for a moment (t) where it is not. */
static void until_asleep(pid_t pid)
{
	for (int seen = 0; seen < 20; seen = state_of(pid) == 'S' ? seen + 1 : 0)
		sched_yield();
}

static void catch(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};

	(void)sigemptyset(&action.sa_mask);
	CHECK(sigaction(signal, &action, NULL) == 0);
}

static void connected(int *one, int *two)
{
	struct sockaddr_in at;
	int fd = listening(&at);

	*one = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(*one >= 0 && connect(*one, (struct sockaddr *)&at, sizeof at) == 0);
	*two = accept(fd, NULL, NULL);
	CHECK(*two >= 0 && close(fd) == 0);
}

enum { KINDS = 4, EACH = 150 };
static int got[KINDS][EACH];
static _Atomic int got_count[KINDS];
static pid_t sender;

static void note(int signal, siginfo_t *info, void *context)
{
	int kind = signal - SIGRTMIN;
	int n = got_count[kind];

	(void)context;
	CHECK(info->si_code == SI_QUEUE && info->si_pid == sender && n < EACH);
	got[kind][n] = info->si_value.sival_int;
	got_count[kind] = n + 1;
}

static void queue_all(pid_t to)
{
	for (int i = 0; i < EACH; i++)
		for (int kind = 0; kind < KINDS; kind++)
			while (sigqueue(to, SIGRTMIN + kind, (union sigval){.sival_int = i * KINDS + kind}) < 0)
				CHECK(errno == EAGAIN);
}

/* Real-time signals: each once, in order, with its value and sender, whatever calls they come in. */
static void real_time(void)
{
	int one, two;
	char byte;

	connected(&one, &two);
	memset(got_count, 0, sizeof got_count);
	for (int kind = 0; kind < KINDS; kind++)
		catch(SIGRTMIN + kind, note, kind % 2 == 0 ? SA_RESTART : 0);
	sender = 0;
	int go[2];
	CHECK(pipe(go) == 0);
	pid_t parent = getpid();
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(read(go[0], &byte, 1) == 1);
		queue_all(parent);
		_exit(0);
	}
	sender = pid;
	CHECK(write(go[1], "", 1) == 1);
	for (int round = 0;; round++) {
		int all = 1;

		for (int kind = 0; kind < KINDS; kind++)
			all &= got_count[kind] == EACH;
		if (all)
			break;
		use_file("rt");
		if (round % 4 == 0) {
			/* A wait that a signal ends, or the time. */
			struct pollfd wait_for = {.fd = one, .events = POLLIN};
			int n = poll(&wait_for, 1, 1);
			CHECK(n == 0 || (n < 0 && errno == EINTR));
		}
	}
	for (int kind = 0; kind < KINDS; kind++)
		for (int i = 0; i < EACH; i++)
			CHECK(got[kind][i] == i * KINDS + kind);
	CHECK(wait_for_child(pid) == 0 && close(one) == 0 && close(two) == 0 && close(go[0]) == 0 && close(go[1]) == 0);
}

/* The same, taken by sigwaitinfo, sigtimedwait and signalfd. */
static void synchronous(void)
{
	struct timespec soon = {0, 1000000};
	struct signalfd_siginfo read_info;
	siginfo_t info;
	sigset_t set;

	(void)sigemptyset(&set);
	for (int kind = 0; kind < KINDS; kind++)
		(void)sigaddset(&set, SIGRTMIN + kind);
	(void)sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(sigtimedwait(&set, &info, &soon) < 0 && errno == EAGAIN);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	CHECK(fd >= 0);
	pid_t parent = getpid();
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		queue_all(parent);
		CHECK(kill(parent, SIGUSR1) == 0);
		_exit(0);
	}
	int next[KINDS] = {0};
	for (int i = 0, usr1 = 0; i < KINDS * EACH + 1; i++) {
		int signal, value;

		use_file("sync");
		switch (i % 3) {
		case 0:
			signal = sigwaitinfo(&set, &info);
			break;
		case 1:
			while ((signal = sigtimedwait(&set, &info, &soon)) < 0)
				CHECK(errno == EAGAIN);
			break;
		default:
			CHECK(read(fd, &read_info, sizeof read_info) == sizeof read_info);
			signal = info.si_signo = (int)read_info.ssi_signo;
			info.si_pid = (pid_t)read_info.ssi_pid;
			info.si_value.sival_int = read_info.ssi_int;
		}
		CHECK(info.si_pid == pid);
		if (signal == SIGUSR1) {
			CHECK(!usr1++);
			continue;
		}
		value = info.si_value.sival_int;
		CHECK(signal >= SIGRTMIN && value == next[signal - SIGRTMIN]++ * KINDS + signal - SIGRTMIN);
	}
	CHECK(wait_for_child(pid) == 0 && close(fd) == 0);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

static _Atomic int alarms;
static char alternate[64 * 1024];

static void on_alarm(int signal, siginfo_t *info, void *context)
{
	char here;

	(void)signal;
	(void)context;
	CHECK(info->si_code == SI_KERNEL || info->si_code == SI_TIMER);
	CHECK(&here >= alternate && &here < alternate + sizeof alternate);
	alarms++;
}

static void every(long microseconds)
{
	struct itimerval timer = {{0, microseconds}, {0, microseconds}};

	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* Whoever waits for `n` alarms, then lets the wait end. */
struct helper {
	pthread_t thread;
	int to, alarms;
	struct sockaddr_in at;
};

static void *helps(void *argument)
{
	struct helper *helper = argument;

	while (alarms < helper->alarms)
		sched_yield();
	if (helper->to >= 0) {
		CHECK(write(helper->to, "x", 1) == 1);
	} else {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&helper->at, sizeof helper->at) == 0 && close(fd) == 0);
	}
	return NULL;
}

/* Signals are blocked in the helper from its birth: they are the caller's, whose alternate stack it is. */
static void begin(struct helper *helper)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	CHECK(pthread_sigmask(SIG_BLOCK, &all, &before) == 0);
	CHECK(pthread_create(&helper->thread, NULL, helps, helper) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

/* SIGALRM on an alternate stack while calls wait: with SA_RESTART they go on, without it they end with EINTR. */
static void restart(void)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
	int fifo = new_fifo("fifo"), one, two;
	struct helper helper = {.to = -1};
	int listener = listening(&helper.at);
	char byte;

	CHECK(sigaltstack(&stack, NULL) == 0);
	connected(&one, &two);
	for (int restarts = 0; restarts <= 1; restarts++) {
		catch(SIGALRM, on_alarm, SA_ONSTACK | (restarts ? SA_RESTART : 0));
		for (int what = 0; what < 4; what++) {
			long r;

			alarms = 0;
			helper.alarms = 5;
			helper.to = what == 0 ? fifo : what == 1 || what == 3 ? two : -1;
			if (restarts)
				begin(&helper);
			every(20000);
			errno = 0;
			if (what == 0)
				r = read(fifo, &byte, 1);
			else if (what == 1)
				r = recv(one, &byte, 1, MSG_WAITALL);
			else if (what == 2)
				r = accept(listener, NULL, NULL);
			else
				r = recvfrom(one, &byte, 1, 0, NULL, NULL);
			int error = errno;
			every(0);
			if (restarts) {
				CHECK(alarms >= 5);
				CHECK(what == 2 ? r >= 0 && close((int)r) == 0 : r == 1);
				CHECK(pthread_join(helper.thread, NULL) == 0);
			} else {
				CHECK(r == -1 && error == EINTR && alarms >= 1);
			}
		}
	}
	/* A receive with a time is never made again. */
	struct timeval second = {10, 0};
	CHECK(setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) == 0);
	every(20000);
	CHECK(recv(one, &byte, 1, 0) < 0);
	CHECK(errno == EINTR);
	every(0);
	CHECK(close(one) == 0 && close(two) == 0 && close(listener) == 0 && close(fifo) == 0);
}

/* Signals that are ignored, or whose default is nothing, do not end a wait, nor cut a transfer short. */
static void ignored(void)
{
	struct timeval tenth = {0, 300000};
	int one, two, fifo = new_fifo("fifo");
	enum { SIZE = 1 << 20 };
	static char data[SIZE];
	char byte;

	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR && signal(SIGWINCH, SIG_DFL) != SIG_ERR);
	connected(&one, &two);
	CHECK(setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof tenth) == 0);
	pid_t parent = getpid();
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (;;) {
			struct timespec some = {0, 5000000};

			(void)kill(parent, SIGUSR1);
			(void)kill(parent, SIGWINCH);
			(void)nanosleep(&some, NULL);
		}
	}
	CHECK(recv(one, &byte, 1, 0) < 0);
	CHECK(errno == EAGAIN);
	pid_t reader = fork();
	CHECK(reader >= 0);
	if (reader == 0) {
		static char back[SIZE];
		ssize_t sum = 0, n;

		while (sum < SIZE) {
			struct timespec some = {0, 1000000};

			CHECK((n = read(fifo, back, 16 * 1024)) > 0);
			sum += n;
			(void)nanosleep(&some, NULL);
		}
		_exit(0);
	}
	CHECK(write(fifo, data, SIZE) == SIZE);
	CHECK(wait_for_child(reader) == 0);
	CHECK(kill(pid, SIGKILL) == 0 && WTERMSIG(wait_for_child(pid)) == SIGKILL);
	CHECK(close(one) == 0 && close(two) == 0 && close(fifo) == 0);
}

static void *reads_one(void *fd)
{
	char byte;

	CHECK(read(*(int *)fd, &byte, 1) == 1);
	return NULL;
}

/* A process of three threads that wait, use files and sleep is stopped and goes on. */
static void group_stop(void)
{
	int fifo = new_fifo("fifo"), status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	/* Not in an orphaned process group, which SIGTSTP does not stop (setpgid(2)). */
	CHECK(setpgid(pid, pid) == 0);
	if (pid == 0) {
		pthread_t one, two;

		CHECK(pthread_create(&one, NULL, reads_one, &fifo) == 0);
		CHECK(pthread_create(&two, NULL, reads_one, &fifo) == 0);
		CHECK(pthread_join(one, NULL) == 0 && pthread_join(two, NULL) == 0);
		for (int i = 0; i < 200; i++)
			use_file("stopped");
		/* It goes on to be stopped, however fast it was. */
		(void)reads_one(&fifo);
		_exit(4);
	}
	for (int i = 0; i < 30; i++) {
		CHECK(kill(pid, i % 2 == 0 ? SIGSTOP : SIGTSTP) == 0);
		CHECK(waitpid(pid, &status, WUNTRACED) == pid);
		CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == (i % 2 == 0 ? SIGSTOP : SIGTSTP));
		if (i == 20)
			CHECK(write(fifo, "xy", 2) == 2);
		CHECK(kill(pid, SIGCONT) == 0);
		CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	}
	CHECK(write(fifo, "z", 1) == 1);
	CHECK(WEXITSTATUS(wait_for_child(pid)) == 4);
	CHECK(close(fifo) == 0);
}

static int seed = 1;

static void *uses(void *name)
{
	for (;;)
		use_file(name);
	return NULL;
}

static long now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* SIGKILL at any moment: what the process had, locks and connections, is gone with it. */
static void killed(void)
{
	for (int i = 0; i < 60; i++) {
		int lock = open(in_dir("lock"), O_RDWR | O_CREAT, 0600), one, two;
		struct flock whole = {.l_type = F_WRLCK};
		struct timespec some = {0, rand_r((unsigned int *)&seed) % 10000000};
		int ready[2];
		char byte;

		CHECK(lock >= 0 && pipe(ready) == 0);
		connected(&one, &two);
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			pthread_t thread;

			CHECK(close(one) == 0 && fcntl(lock, F_SETLK, &whole) == 0);
			CHECK(write(ready[1], "", 1) == 1);
			if (i % 2 == 0)
				CHECK(pthread_create(&thread, NULL, uses, "thread") == 0);
			if (i % 3 == 0)
				(void)fork();
			if (i % 5 == 0)
				(void)read(two, &byte, 1);
			uses("leader");
		}
		CHECK(close(two) == 0 && read(ready[0], &byte, 1) == 1);
		CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
		(void)nanosleep(&some, NULL);
		long start = now();
		CHECK(kill(pid, SIGKILL) == 0 && WTERMSIG(wait_for_child(pid)) == SIGKILL);
		while (fcntl(lock, F_SETLK, &whole) < 0)
			CHECK((errno == EAGAIN || errno == EACCES) && now() - start < 1000);
		if (i % 3 == 0) {
			/* Its child, if it came to that, has the connection, too. */
			char text[32];

			(void)snprintf(text, sizeof text, "/proc/self/task/%d/children", getpid());
			FILE *children = fopen(text, "r");
			CHECK(children != NULL);
			if (fscanf(children, "%d", &pid) == 1)
				CHECK(kill(pid, SIGKILL) == 0 && wait_for_child(pid) != 0);
			CHECK(fclose(children) == 0);
		}
		CHECK(read(one, &byte, 1) == 0 && now() - start < 5000);
		CHECK(close(one) == 0 && close(lock) == 0 && close(ready[0]) == 0 && close(ready[1]) == 0);
	}
}

/* Core dumps: the bit, and what they are named by. */
static void core(void)
{
	static const int signals[] = {SIGQUIT, SIGSEGV, SIGABRT, SIGTERM};

	for (int limited = 0; limited <= 1; limited++) {
		for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
			pid_t pid = fork();

			CHECK(pid >= 0);
			if (pid == 0) {
				struct rlimit limit = {limited ? 0 : RLIM_INFINITY, RLIM_INFINITY};
				pthread_t thread;

				CHECK(chdir(getenv("CORES") != NULL ? getenv("CORES") : "/") == 0);
				CHECK(setrlimit(RLIMIT_CORE, &limit) == 0 || limited == 0);
				CHECK(pthread_create(&thread, NULL, uses, "dumped") == 0);
				use_file("core");
				CHECK(signal(signals[i], SIG_DFL) != SIG_ERR);
				(void)raise(signals[i]);
				_exit(1);
			}
			int status = wait_for_child(pid);
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
			printf("signal %d, %s: %s\n", signals[i], limited ? "no cores" : "cores", WCOREDUMP(status) ? "dumped" : "none");
		}
	}
}

/* Signals to one thread of several reach that thread, also while it waits for a descriptor of the directory. */
static __thread int mine;
static _Atomic int right, wrong;

static void for_me(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (info->si_code == SI_TKILL && mine)
		right++;
	else
		wrong++;
}

static _Atomic pid_t waiter_tid;

static void *waits(void *fd)
{
	char byte;

	mine = 1;
	waiter_tid = (pid_t)syscall(SYS_gettid);
	CHECK(read(*(int *)fd, &byte, 1) == 1);
	return NULL;
}

static void to_thread(void)
{
	int fifo = new_fifo("fifo");
	pthread_t thread;

	catch(SIGUSR2, for_me, SA_RESTART);
	CHECK(pthread_create(&thread, NULL, waits, &fifo) == 0);
	while (waiter_tid == 0)
		sched_yield();
	until_asleep(waiter_tid);
	for (int i = 1; i <= 50; i++) {
		CHECK(syscall(SYS_tgkill, getpid(), waiter_tid, SIGUSR2) == 0);
		while (right + wrong < i)
			use_file("sender");
	}
	CHECK(write(fifo, "x", 1) == 1 && pthread_join(thread, NULL) == 0);
	CHECK(right == 50 && wrong == 0 && close(fifo) == 0);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{"real-time", real_time}, {"synchronous", synchronous}, {"restart", restart}, {"ignored", ignored},
		{"stop", group_stop},     {"killed", killed},           {"core", core},       {"thread", to_thread},
		{NULL, NULL},
	};

	return run_parts(parts, argc, argv);
}
