/* Starting the program: a child that is seized, installs the filter and execs. */
#define _GNU_SOURCE
#include "rumphijack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define TRACE_OPTIONS                                                                                                  \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
	 PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)

/* Variables with which bin/rumphijack tells us what the program should find as it was; not for the program. */
#define LAUNCH_PREFIX "RUMPHIJACK_LAUNCH_"
/* NODE_OPTIONS would have been the tracer's; the program gets it back. */
#define KEPT_VARIABLE LAUNCH_PREFIX "NODE_OPTIONS="

static int error_pipe[2] = {-1, -1};
static pid_t root_pid;
/* Shared with the child: the number of its filter's listener. */
static int *lent;
enum { NOT_YET = -1, NO_LISTENER = -4096 };

/* A signal that was sent to us alone is the program's; what the terminal sends reaches the program by itself. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (info->si_code <= 0 && root_pid > 0 && info->si_pid != root_pid)
		(void)kill(root_pid, signal);
	errno = saved;
}

static void catch_signals(void)
{
	static const int passed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT};
	struct sigaction act;

	memset(&act, 0, sizeof act);
	act.sa_sigaction = pass_on;
	act.sa_flags = SA_SIGINFO | SA_RESTART;
	for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
		(void)sigaction(passed[i], &act, NULL);
	/* The program stops at ^Z, and the tracer stops itself after it; writing a warning must not stop us. */
	(void)signal(SIGTSTP, SIG_IGN);
	(void)signal(SIGTTIN, SIG_IGN);
	(void)signal(SIGTTOU, SIG_IGN);
}

static void restore_signals(uint64_t ignored)
{
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, s <= 64 && (ignored >> (s - 1) & 1) ? SIG_IGN : SIG_DFL);
}

static void drop_launch_variables(void)
{
	char **to = environ;

	for (char **from = environ; *from != NULL; from++)
		if (strncmp(*from, KEPT_VARIABLE, sizeof KEPT_VARIABLE - 1) == 0)
			*to++ = *from + sizeof LAUNCH_PREFIX - 1;
		else if (strncmp(*from, LAUNCH_PREFIX, sizeof LAUNCH_PREFIX - 1) != 0)
			*to++ = *from;
	*to = NULL;
}

/* no_new_privs only where the kernel demands it, so that setuid programs keep working for root (seccomp(2)). */
static int install_filter(const struct sock_filter *filter, int length, unsigned int flags)
{
	struct sock_fprog prog = {(unsigned short)length, (struct sock_filter *)(uintptr_t)filter};
	int r;

	if (length == 0)
		return 0;
	r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (r >= 0)
		return r;
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	return r < 0 ? -errno : r;
}

/*
 * Installs the filter and lends its listener to the tracer, which copies it while we are stopped (take_listener()). No system
 * call may be needed for that: the filter stops those on descriptors of the tracer's numbers.
 */
static int install_with_listener(const struct rh_start *how)
{
	int fd = install_filter(how->filter, how->filter_length,
				SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

	/* One filter of a process can have a listener (seccomp(2)): sandboxes may have made theirs. Only sockets need ours. */
	if (fd == -EBUSY)
		fd = install_filter(how->filter, how->filter_length, 0) < 0 ? -EBUSY : NO_LISTENER;
	if (fd < 0 && fd != NO_LISTENER)
		return fd;
	*lent = fd;
	__asm__ volatile("int3");
	if (fd >= 0)
		(void)close(fd);
	return 0;
}

/* What a failed start says besides errno: rh_start_error(). */
#define NOT_EXEC 0x10000
#define NO_NUMBER 0x20000

static int keep_hidden(int number)
{
	struct rlimit limit;
	int fd;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= (rlim_t)number) {
		limit.rlim_cur = (rlim_t)number + 1;
		if (limit.rlim_max < limit.rlim_cur)
			limit.rlim_max = limit.rlim_cur;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return -(NO_NUMBER | errno);
	}
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fd == number)
		return fcntl(fd, F_SETFD, 0) < 0 ? -errno : 0;
	if (dup2(fd, number) < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

/* execvp(3)'s search, without its fallback to a shell: a text file without #! is the user's mistake to know of. */
static int exec_first(const char *candidates, char **argv)
{
	int denied = 0;

	for (const char *path = candidates; *path != '\0'; path += strlen(path) + 1) {
		(void)execve(path, argv, environ);
		if (errno == EACCES)
			denied = 1;
		else if (errno != ENOENT && errno != ENOTDIR)
			return errno;
	}
	return denied ? EACCES : ENOENT;
}

static void child(const struct rh_start *how, char **argv, int go)
{
	struct rlimit limit;
	char byte;
	int error;

	if (read(go, &byte, 1) != 1)
		_exit(125);
	restore_signals(how->ignored);
	error = -keep_hidden(how->hidden); /* before the limit, which may be lower than the number */
	if (how->nofile >= 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = (rlim_t)how->nofile;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	for (int fd = 0; fd < 32; fd++)
		if ((uint32_t)how->open >> fd & 1)
			(void)fcntl(fd, F_SETFD, 0);
		else if (fd < 3)
			(void)close(fd);
	drop_launch_variables();
	if (error == 0)
		error = how->notify > 0 ? -install_with_listener(how)
					: -install_filter(how->filter, how->filter_length, 0);
	if (error != 0)
		error |= NOT_EXEC;
	else
		error = exec_first(how->candidates, argv);
	(void)!write(error_pipe[1], &error, sizeof error);
	_exit(125);
}

/* Until the child has a listener to lend and is stopped: 0. -ECHILD when it ends instead, for a reason that rh_start_error() tells. */
static int wait_for_listener(pid_t pid)
{
	siginfo_t info;
	int status;

	for (;;) {
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
			return -ECHILD;
		if (waitpid(pid, &status, WSTOPPED | __WALL) < 0 || !WIFSTOPPED(status))
			continue;
		if (status >> 8 == SIGTRAP && *lent != NOT_YET)
			return 0;
		/* A signal, from the terminal say. */
		(void)ptrace(PTRACE_CONT, pid, NULL, (void *)(uintptr_t)(status >> 16 == 0 ? WSTOPSIG(status) : 0));
	}
}

/* A copy of the listener of the child's filter. */
static int take_listener(pid_t pid, int notify)
{
	int error = wait_for_listener(pid);
	int fd, pidfd;

	if (error < 0)
		return error == -ECHILD ? 0 : error;
	if (*lent == NO_LISTENER) {
		(void)ptrace(PTRACE_CONT, pid, NULL, NULL);
		return 0;
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, *lent, 0);
	error = -errno;
	if (pidfd >= 0)
		(void)close(pidfd);
	if (fd < 0)
		return error;
	rh_install_by(fd, notify);
	(void)ptrace(PTRACE_CONT, pid, NULL, NULL);
	return 0;
}

static char **split(const char *args, int argc)
{
	char **argv = calloc((size_t)argc + 1, sizeof *argv);

	for (int i = 0; argv != NULL && i < argc; i++) {
		argv[i] = (char *)(uintptr_t)args;
		args += strlen(args) + 1;
	}
	return argv;
}

/*
 * Starts the program stopped at nothing but its own filter, seized with every option that the tracer needs. Returns the
 * child's pid, or -errno. Whether the exec succeeded is known later: from RH_EXEC, or from rh_start_error().
 */
int rh_start(const struct rh_start *how)
{
	char **argv = split(how->args, how->argc);
	int go[2], error = 0;
	pid_t pid;

	if (argv == NULL)
		return -ENOMEM;
	if (pipe2(go, O_CLOEXEC) < 0 || pipe2(error_pipe, O_CLOEXEC) < 0)
		return -errno;
	lent = mmap(NULL, sizeof *lent, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lent == MAP_FAILED)
		return -errno;
	*lent = NOT_YET;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)close(go[1]);
		child(how, argv, go[0]);
	}
	free(argv);
	(void)close(go[0]);
	(void)close(error_pipe[1]);
	root_pid = pid;
	catch_signals();
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)TRACE_OPTIONS) < 0)
		error = -errno;
	else if (write(go[1], "", 1) != 1)
		error = -errno;
	else if (how->notify > 0)
		error = take_listener(pid, how->notify);
	(void)close(go[1]);
	(void)munmap(lent, sizeof *lent);
	if (error < 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, __WALL);
	}
	return error < 0 ? error : pid;
}

/* After the child has gone without an exec: execve's errno, with NOT_EXEC or more added where it was not execve's; 0: unknown. */
int rh_start_error(void)
{
	int error = 0;

	if (read(error_pipe[0], &error, sizeof error) != (ssize_t)sizeof error)
		error = 0;
	(void)close(error_pipe[0]);
	return error;
}

/* RLIMIT_NOFILE of a process, as prlimit(2). */
int rh_set_nofile(int pid, int64_t soft)
{
	struct rlimit limit;

	if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) < 0)
		return -errno;
	limit.rlim_cur = (rlim_t)soft;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	return prlimit(pid, RLIMIT_NOFILE, &limit, NULL) < 0 ? -errno : 0;
}

/* Ends the tracer at once. Node's own way out would put the terminal back to how it found it: it is the program's. */
void rh_exit(int status) { _exit(status); }
