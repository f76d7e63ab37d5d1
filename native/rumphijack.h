/*
 * What must be C: starting a traced child, the wait call, and the requests that the tracer makes at every stop.
 * Everything here is called from one thread, the one that attached (ptrace(2)). Functions return >= 0, or -errno.
 */
#ifndef RUMPHIJACK_H
#define RUMPHIJACK_H

#include <linux/filter.h>
#include <stdint.h>
#include <sys/user.h>

/* What rh_next() says has happened. src/tracer/native.ts has the same numbers. */
enum rh_kind {
	RH_NONE = 0,	 /* no child is left (ECHILD) */
	RH_SECCOMP = 1,	 /* PTRACE_EVENT_SECCOMP; regs are loaded, message is SECCOMP_RET_DATA */
	RH_SYSCALL = 2,	 /* syscall-stop, entry or exit; regs are loaded */
	RH_SIGNAL = 3,	 /* signal-delivery-stop; signal is set */
	RH_NEWCHILD = 4, /* PTRACE_EVENT_FORK, VFORK or CLONE; event is which, message the new tid; regs are loaded */
	RH_EXEC = 5,	 /* PTRACE_EVENT_EXEC; message is the tid that called execve */
	RH_STOP = 6,	 /* PTRACE_EVENT_STOP; signal is SIGTRAP, or the stop signal of a group-stop */
	RH_EXITED = 7,	 /* the thread is gone; status is wait's */
	RH_READY = 8,	 /* no tracee: a watched socket (net.c), or the time of rh_next_timeout() is over */
};

/* How rh_next() resumes the thread of the previous event before it waits. */
enum rh_resume {
	RH_HOLD = 0,	/* leave it stopped (or it was resumed already) */
	RH_CONT = 1,	/* PTRACE_CONT with `value` as the signal */
	RH_ANSWER = 2,	/* end its call: rax = value, no host call */
	RH_TO_EXIT = 3, /* PTRACE_SYSCALL with `value` as the signal */
	RH_LISTEN = 4,	/* PTRACE_LISTEN: stay in the group-stop */
	RH_SETREGS = 5, /* write event.regs back, then PTRACE_CONT */
	RH_SETREGS_TO_EXIT = 6, /* write event.regs back, then PTRACE_SYSCALL */
};

struct rh_event {
	int32_t tid;
	int32_t kind;
	int32_t status;
	int32_t signal;
	int32_t event;
	int32_t message;
	struct user_regs_struct regs;
};

/* The one event that rh_next() fills; mapped by the tracer once. */
extern struct rh_event rh_event;

int rh_next(int resume, int64_t value);
void rh_next_timeout(int milliseconds);
int rh_wait_for(int tid, int *status);
int rh_poll_for(int tid, int *status);

/* start.c */
struct rh_start {
	const char *args;	/* argc strings, NUL after each */
	const char *candidates; /* paths to try in turn, NUL after each, an empty one ends the list */
	const struct sock_filter *filter;
	uint64_t ignored; /* signals that the program starts with ignored, bit n-1 for signal n */
	int64_t nofile;	  /* RLIMIT_NOFILE's soft limit for the program, -1: as it is */
	int32_t argc;
	int32_t filter_length; /* 0: no filter */
	int32_t hidden;	       /* the number at which the placeholders' source is kept */
	int32_t open;	       /* bit n: fd n is open for the program, and was made close-on-exec by Node */
	int32_t notify;	       /* the call that the filter notifies of (install.c); 0: none */
};
int rh_start(const struct rh_start *how);
int rh_start_error(void);
int rh_set_nofile(int pid, int64_t soft);
void rh_exit(int status) __attribute__((noreturn));

/* memory.c */
int64_t rh_read(int tid, uint64_t address, void *buffer, int64_t offset, int64_t length);
int64_t rh_write(int tid, uint64_t address, const void *buffer, int64_t offset, int64_t length);
int64_t rh_read_string(int tid, uint64_t address, char *buffer, int64_t size);
int64_t rh_poke(int tid, uint64_t address, const void *buffer, int64_t offset, int64_t length);
void *rh_map(int64_t length);
int rh_discard(void *base, int64_t offset, int64_t length);

/* inject.c */
int rh_inject(int tid, int stage, const struct user_regs_struct *regs, int64_t nr, int64_t a0, int64_t a1, int64_t a2,
	      int64_t a3, int64_t a4, int64_t a5);
int64_t rh_injected_result(void);
int rh_get_regs(int tid, struct user_regs_struct *regs);
int rh_set_regs(int tid, const struct user_regs_struct *regs);
int rh_interrupt(int tid);
int rh_kill(int pid, int signal);
int rh_tkill(int tid, int signal);
int rh_resume_other(int tid, int request, int signal);

/* signals.c */
void rh_hold_signal(int tid, int signal);
int rh_send_held(int tid);
void rh_settle_signal(int tid, int signal);
int rh_taken_over(int tid);
void rh_forget_signals(int tid);

/* install.c */
void rh_install_by(int fd, int number);
int rh_free_number(int tid, int first, int last);
int rh_install(int tid, int stage, const struct user_regs_struct *regs, int fd, int first, int flags, int then);

/* mirror.c */
int rh_mirror_open(int alone);
int rh_mirror_fd(int number);
int rh_mirror_set(int number, int want);
void rh_mirror_close(int number);

/* net.c */
enum {
	RH_READY_MAX = 64,
	RH_CONNECT_MS = 5000,
	RH_RESOLVE_ERROR = 10000, /* rh_net_connect_tcp() and rh_net_listen_tcp(): added to getaddrinfo(3)'s error */
};
struct rh_ready {
	int32_t fd;
	int32_t events; /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP */
};
extern struct rh_ready rh_ready[RH_READY_MAX];

int rh_catch(int signal);
int rh_caught(int signal);
int rh_watch(int fd, int events);
int rh_watched(void);
int rh_net_wait(int timeout, int *woken);
int rh_net_connect(const char *path);
int rh_net_connect_tcp(const char *host, const char *port);
int rh_net_listen(const char *path);
int rh_net_listen_tcp(const char *host, const char *port, int anywhere);
int rh_net_port(int fd);
int rh_net_accept(int fd);
int64_t rh_net_send(int fd, const void *buffer, int64_t offset, int64_t length);
int64_t rh_net_recv(int fd, void *buffer, int64_t offset, int64_t length);
int64_t rh_net_exchange(int fd, const void *out, int64_t length, void *in, int64_t room);
int64_t rh_net_sent(void);
int rh_net_patience(int fd, int64_t microseconds);
int rh_net_close(int fd);

/* What is tried on a child of our own (doctor.c): see src/native/features.ts. */
enum rh_feature { RH_TRY_PTRACE, RH_TRY_MEMORY, RH_TRY_FILTER, RH_TRY_LISTENER };
int rh_try(int what);

#endif
