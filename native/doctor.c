/* What the host's kernel allows, found out by trying it on a child of our own. */
#define _GNU_SOURCE
#include "rumphijack.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Installs a filter that lets everything pass. Returns what seccomp(2) does, or -errno. */
static int install_filter(unsigned flags)
{
	struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {.len = 1, .filter = allow};
	long r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	return r < 0 ? -errno : (int)r;
}

static int try_filter(void)
{
	return install_filter(0);
}

static int try_listener(void)
{
	int fd = install_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER);

	return fd < 0 ? fd : 0;
}

/* Runs `attempt` in a child, whose exit status is the errno. */
static int in_child(int (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(-attempt());
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSIGNALED(status))
		return -EPERM;
	return -WEXITSTATUS(status);
}

static int try_seize(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ? -errno : 0;
}

static int try_memory(pid_t pid)
{
	static char here = 'x';
	char there = 0;
	struct iovec local = {.iov_base = &there, .iov_len = 1}, remote = {.iov_base = &here, .iov_len = 1};

	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0)
		return -errno;
	return there == 'x' ? 0 : -EIO;
}

/* Makes `attempt` on a child that does nothing, which is ended afterwards. */
static int on_child(int (*attempt)(pid_t))
{
	pid_t pid = fork();
	int r;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	r = attempt(pid);
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return r;
}

/* 0 when the host allows it, or -errno: `what` is one of enum rh_feature. */
int rh_try(int what)
{
	switch (what) {
	case RH_TRY_PTRACE:
		return on_child(try_seize);
	case RH_TRY_MEMORY:
		return on_child(try_memory);
	case RH_TRY_FILTER:
		return in_child(try_filter);
	case RH_TRY_LISTENER:
		return in_child(try_listener);
	default:
		return -EINVAL;
	}
}
