/*
 * tracer PROGRAM ARGS...: the least that a ptrace tracer must do to answer pread64 of a descriptor of 128 or more: one
 * stop by a seccomp filter, the byte written into the program's memory, the result into its registers. What
 * rumphijack does for the same call is measured against it. One process, no threads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(125);
}

static void install_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pread64, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 128, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		die("seccomp");
}

static void answer(pid_t pid)
{
	struct user_regs_struct regs;
	char byte = 'x';

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0)
		die("PTRACE_GETREGS");
	struct iovec here = { &byte, 1 }, there = { (void *)regs.rsi, 1 };
	long done = process_vm_writev(pid, &here, 1, &there, 1, 0);
	/* No call any more: this is what it answers. */
	regs.orig_rax = -1;
	regs.rax = done == 1 ? 1 : (unsigned long)-EFAULT;
	if (ptrace(PTRACE_SETREGS, pid, 0, &regs) < 0)
		die("PTRACE_SETREGS");
}

int main(int argc, char **argv)
{
	int go[2], status;

	if (argc < 2 || pipe(go) < 0)
		return 125;
	pid_t pid = fork();
	if (pid == 0) {
		char byte;
		close(go[1]);
		/* The parent closes its end once it has attached. */
		while (read(go[0], &byte, 1) < 0 && errno == EINTR)
			;
		close(go[0]);
		install_filter();
		execvp(argv[1], argv + 1);
		die(argv[1]);
	}
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL) < 0)
		die("PTRACE_SEIZE");
	close(go[0]);
	close(go[1]);
	while (waitpid(pid, &status, __WALL) == pid) {
		int sig = 0;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			answer(pid);
		else if (status >> 16 == 0)
			sig = WSTOPSIG(status);
		if (ptrace(PTRACE_CONT, pid, 0, sig) < 0 && errno != ESRCH)
			die("PTRACE_CONT");
	}
	return 125;
}
