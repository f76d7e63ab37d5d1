/*
 * Mirrors: host sockets that are as ready as sockets of the rump kernel. One end of a pair (A) goes into the tracee as a
 * placeholder, so that poll(2), select(2) and epoll(7) of the host wait for it; the tracer keeps a copy of it and the other
 * end (B), with which it makes A readable, writable, hung up or failed. See unix_poll() of net/unix/af_unix.c:
 *
 *	POLLIN		there is a byte that B has sent
 *	POLLOUT		A's send buffer is not full: one message fills it, B takes that out again
 *	POLLRDHUP	B has shut down its sending side; POLLIN holds then, too
 *	POLLHUP		A is shut down both ways; or it is not connected, as a fresh TCP socket is not
 *	POLLERR		B was closed with unread bytes (ECONNRESET); POLLHUP holds then, too
 *
 * POLLHUP of a connected socket stays for good, and so does what comes with it.
 */
#define _GNU_SOURCE
#include "rumphijack.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Fills a send buffer of the least size: unix_writable() wants four times what is queued to fit. */
#define FILL 2048
/* So many bytes may wait in A's queue, one for each edge, before they are taken back. */
#define EDGES 64

enum state {
	FREE,
	ALONE,	   /* A is not connected: POLLOUT | POLLHUP */
	CONNECTED, /* both ends are there */
	ENDED,	   /* POLLHUP holds for good */
};

struct mirror {
	int a, b;
	enum state state;
	int bits;  /* what A shows */
	int bytes; /* in A's queue */
};

static struct mirror *mirrors;
static int room, first_free;

/* The listener that lone ends are connected to, and its address. */
static int door = -1;
static struct sockaddr_un door_name;
static socklen_t door_length;

static const char filler[FILL];
static char sink[2 * FILL];

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* An abstract name can be seen, and so strangers can connect, too: make_pair() tells them by their pid. */
static int open_door(void)
{
	unsigned char random[16];
	char *name = door_name.sun_path;

	if (door >= 0)
		return 0;
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return -EAGAIN;
	door_name.sun_family = AF_UNIX;
	name[0] = '\0';
	for (size_t i = 0; i < sizeof random; i++)
		name[i + 1] = (char)random[i];
	door_length = offsetof(struct sockaddr_un, sun_path) + 1 + sizeof random;
	door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (door < 0)
		return -errno;
	if (bind(door, (struct sockaddr *)&door_name, door_length) < 0 || listen(door, SOMAXCONN) < 0) {
		int error = errno;

		(void)close(door);
		door = -1;
		return -error;
	}
	return 0;
}

/* Connects a lone end; both are connected when this returns. */
static int make_pair(struct mirror *m)
{
	int r = open_door();

	if (r < 0)
		return r;
	if (connect(m->a, (struct sockaddr *)&door_name, door_length) < 0)
		return -errno;
	for (;;) {
		struct ucred peer;
		socklen_t length = sizeof peer;

		m->b = accept4(door, NULL, NULL, SOCK_CLOEXEC);
		if (m->b < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return -errno;
		}
		if (getsockopt(m->b, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid == getpid())
			break;
		(void)close(m->b);
	}
	m->state = CONNECTED;
	m->bits = POLLOUT;
	return 0;
}

static int grow(void)
{
	int larger = room == 0 ? 64 : room * 2;
	struct mirror *moved = realloc(mirrors, (size_t)larger * sizeof *moved);

	if (moved == NULL)
		return -ENOMEM;
	if (room == 0)
		raise_limit();
	memset(moved + room, 0, (size_t)(larger - room) * sizeof *moved);
	mirrors = moved;
	room = larger;
	return 0;
}

/* A new mirror that shows POLLOUT, or with `alone` POLLOUT | POLLHUP. Returns its number, or -errno. */
int rh_mirror_open(int alone)
{
	int least = 1, r, ends[2] = {-1, -1};
	struct mirror *m;

	while (first_free < room && mirrors[first_free].state != FREE)
		first_free++;
	if (first_free == room && (r = grow()) < 0)
		return r;
	m = &mirrors[first_free];
	if (alone)
		ends[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	if (ends[0] < 0)
		return -errno;
	/* The kernel makes it as small as it allows. */
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
	m->a = ends[0];
	m->b = ends[1];
	m->state = alone ? ALONE : CONNECTED;
	m->bits = alone ? POLLOUT | POLLHUP : POLLOUT;
	m->bytes = 0;
	return first_free;
}

/* The end that is for the tracee, as a descriptor of the tracer's. */
int rh_mirror_fd(int number) { return mirrors[number].a; }

void rh_mirror_close(int number)
{
	struct mirror *m = &mirrors[number];

	(void)close(m->a);
	if (m->b >= 0)
		(void)close(m->b);
	m->state = FREE;
	if (number < first_free)
		first_free = number;
}

static void take_bytes(struct mirror *m)
{
	if (m->bytes > 0)
		(void)recv(m->a, sink, sizeof sink, MSG_DONTWAIT);
	m->bytes = 0;
}

static void put_byte(struct mirror *m)
{
	if (send(m->b, filler, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		m->bytes++;
}

static void fill(struct mirror *m) { (void)send(m->a, filler, FILL, MSG_DONTWAIT | MSG_NOSIGNAL); }

static void drain(struct mirror *m) { (void)recv(m->b, sink, sizeof sink, MSG_DONTWAIT); }

/* POLLHUP, and POLLERR with it: nothing comes after that but an error that was taken. */
static void end(struct mirror *m, int want)
{
	if (want & POLLERR) {
		/* Unread bytes are what makes it ECONNRESET. */
		(void)send(m->a, filler, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		drain(m);
	}
	(void)close(m->b);
	m->b = -1;
	m->state = ENDED;
	m->bits = POLLIN | POLLOUT | POLLRDHUP | POLLHUP | (want & POLLERR);
}

static void set_connected(struct mirror *m, int want)
{
	int changed = m->bits ^ want, again = changed == 0;

	if (want & POLLHUP) {
		end(m, want);
		return;
	}
	if (changed & POLLOUT) {
		if (want & POLLOUT)
			drain(m);
		else
			fill(m);
	}
	if ((want & POLLRDHUP) && (changed & POLLRDHUP))
		(void)shutdown(m->b, SHUT_WR);
	if (want & POLLRDHUP || m->bits & POLLRDHUP) {
		/* There is nothing more to send: its end makes A readable. */
		want |= POLLIN | POLLRDHUP;
	} else if (want & POLLIN) {
		if (m->bytes >= EDGES)
			take_bytes(m);
		if (again || changed & POLLIN)
			put_byte(m);
	} else {
		take_bytes(m);
	}
	if (again && (want & (POLLIN | POLLOUT)) == POLLOUT) {
		fill(m);
		drain(m);
	}
	m->bits = want;
}

/*
 * Makes the tracee's end show these bits of poll(2) as far as they can be shown; the same bits again are a new edge for epoll(7).
 * Returns 0 or -errno.
 */
int rh_mirror_set(int number, int want)
{
	struct mirror *m = &mirrors[number];
	int r;

	/* A socket of this kind has no error without a hangup: it is something to be read. */
	if ((want & (POLLERR | POLLHUP)) == POLLERR)
		want |= POLLIN;
	want &= POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR;
	if ((want & POLLHUP) == 0)
		want &= ~POLLERR;
	switch (m->state) {
	case ALONE:
		if (want == (POLLOUT | POLLHUP))
			return 0;
		r = make_pair(m);
		if (r < 0)
			return r;
		set_connected(m, want);
		return 0;
	case CONNECTED:
		set_connected(m, want);
		return 0;
	case ENDED:
		if (m->bits & ~want & POLLERR) {
			int error;
			socklen_t length = sizeof error;

			(void)getsockopt(m->a, SOL_SOCKET, SO_ERROR, &error, &length);
			m->bits &= ~POLLERR;
		}
		return 0;
	default:
		return -EBADF;
	}
}
