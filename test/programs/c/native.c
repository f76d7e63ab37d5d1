/*
 * Drives the native part alone, without Node, so that it can be built with the address sanitizer (see the Makefile): starts a shell
 * under a filter that stops getppid, answers those stops, injects calls, copies memory, and follows its children to their end.
 */
#define _GNU_SOURCE
#include "../../../native/rumphijack.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(what)                                                                   \
	do {                                                                          \
		if (!(what)) {                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			exit(1);                                                      \
		}                                                                     \
	} while (0)

static int answered, injected;

/* At a stopped getppid: writes and reads back below the stack, makes a host call, and answers with 4242. */
static int on_call(void)
{
	struct user_regs_struct regs = rh_event.regs;
	uint64_t at = regs.rsp - 4096;
	char word[8] = "native", back[8] = "", string[8];
	int tid = rh_event.tid;

	CHECK(rh_write(tid, at, word, 0, sizeof word) == sizeof word);
	CHECK(rh_read(tid, at, back, 0, sizeof back) == sizeof back && strcmp(word, back) == 0);
	CHECK(rh_poke(tid, at, "N", 0, 1) == 1);
	CHECK(rh_read_string(tid, at, string, sizeof string) == 6 && strcmp(string, "Native") == 0);
	CHECK(rh_read_string(tid, at, string, 3) == -ENAMETOOLONG);
	CHECK(rh_read_string(tid, 8, string, sizeof string) == -EFAULT);
	CHECK(rh_read(tid, 8, back, 0, 1) == -EFAULT);
	for (int stage = 0; stage < 2; stage++, injected++) {
		CHECK(rh_inject(tid, stage, &regs, SYS_gettid, 0, 0, 0, 0, 0, 0) == 0);
		CHECK(rh_injected_result() == tid);
	}
	rh_event.tid = tid;
	rh_event.regs = regs;
	answered++;
	return RH_ANSWER;
}

/* Sockets: both ends in this process. */
static void sockets(void)
{
	char dir[] = "/tmp/native-XXXXXX", path[64], buffer[256];
	int listener, client, server, woken = 0;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "%s/socket", dir);
	CHECK(rh_net_connect(path) == -ENOENT);
	listener = rh_net_listen(path);
	CHECK(listener >= 0 && rh_net_listen(path) == -EADDRINUSE);
	client = rh_net_connect(path);
	server = rh_net_accept(listener);
	CHECK(client >= 0 && server >= 0);
	CHECK(rh_net_recv(client, buffer, 0, sizeof buffer) == -EAGAIN);
	CHECK(rh_watch(server, 1) == 0 && rh_watched() == 1 && rh_net_wait(0, &woken) == 0);
	CHECK(rh_net_patience(client, 1000) == 0 && rh_net_exchange(client, "there", 5, buffer, sizeof buffer) == -EAGAIN);
	CHECK(rh_net_sent() == 5 && rh_net_wait(-1, &woken) == 1 && rh_ready[0].fd == server);
	CHECK(rh_net_recv(server, buffer, 10, 246) == 5 && memcmp(buffer + 10, "there", 5) == 0);
	CHECK(rh_net_send(server, "and back", 4, 4) == 4 && rh_net_exchange(client, NULL, 0, buffer, sizeof buffer) == 4);
	CHECK(rh_catch(SIGUSR1) == 0 && raise(SIGUSR1) == 0 && rh_net_wait(-1, &woken) == 0 && woken);
	CHECK(rh_caught(SIGUSR1) == 1 && rh_caught(SIGUSR1) == 0);
	CHECK(rh_net_close(server) == 0 && rh_watched() == 0 && rh_net_recv(client, buffer, 0, 1) == 0);
	CHECK(rh_net_send(client, "x", 0, 1) == -EPIPE && rh_net_close(client) == 0);
	CHECK(rh_net_listen_tcp("0.0.0.0", "0", 0) == -EPERM);
	CHECK(rh_net_close(listener) == 0);
	listener = rh_net_listen_tcp("127.0.0.1", "0", 0);
	snprintf(path, sizeof path, "%d", rh_net_port(listener));
	client = rh_net_connect_tcp("127.0.0.1", path);
	CHECK(listener >= 0 && client >= 0 && rh_net_close(client) == 0 && rh_net_close(listener) == 0);
	snprintf(path, sizeof path, "%s/socket", dir);
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
}

int main(void)
{
	for (int what = RH_TRY_PTRACE; what <= RH_TRY_LISTENER; what++)
		CHECK(rh_try(what) == 0);
	CHECK(rh_try(-1) == -EINVAL);

	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const char args[] = "python3\0-c\0"
				   "import os, threading\n"
				   "ts = [threading.Thread(target=lambda: [os.getppid() for i in range(50)]) for i in range(4)]\n"
				   "[t.start() for t in ts]; [t.join() for t in ts]\n"
				   "pid = os.fork()\n"
				   "if pid == 0: os._exit(os.getppid() != 4242)\n"
				   "os._exit(7 if os.waitpid(pid, 0)[1] == 0 and os.getppid() == 4242 else 1)\n";
	struct rh_start how = {
		.args = args,
		.candidates = "/nonexistent/python3\0/usr/bin/python3\0",
		.filter = filter,
		.filter_length = 4,
		.argc = 3,
		.nofile = -1,
		.hidden = 127,
		.open = 7,
	};
	int root = rh_start(&how), resume = RH_HOLD, kind;
	int64_t value = 0;
	char *slab;

	CHECK(root > 0);
	while ((kind = rh_next(resume, value)) != RH_NONE) {
		resume = RH_CONT;
		value = kind == RH_SIGNAL ? rh_event.signal : kind == RH_SECCOMP ? 4242 : 0;
		if (kind == RH_SECCOMP)
			resume = on_call();
		else if (kind == RH_EXITED)
			resume = RH_HOLD;
		if (kind == RH_EXITED && rh_event.tid == root)
			CHECK(WIFEXITED(rh_event.status) && WEXITSTATUS(rh_event.status) == 7);
	}
	sockets();
	slab = rh_map(1 << 20);
	CHECK(slab != NULL);
	memset(slab, 1, 1 << 20);
	CHECK(rh_discard(slab, 4096, 8192) == 0 && slab[4095] == 1 && slab[4096] == 0 && slab[12288] == 1);
	printf("answered %d, injected %d\n", answered, injected);
	return answered == 202 ? 0 : 1;
}
