/* How an interface gets its descriptors: tap devices of the host, and the sockets of a bus. Nothing of lwIP's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>

enum {
	/* A lock is held for as long as it takes to connect to each end; its holder may be stopped. Milliseconds. */
	LOCK_PATIENCE = 5000,
	LOCK_INTERVAL = 10,
};

static int close_after(int fd, int error)
{
	close(fd);
	return -error;
}

/* The host's tap device of that name, made if it is not there: -EPERM, -ENOENT without /dev/net/tun, -EBUSY, -EINVAL. */
int rn_tap_open(const char *name)
{
	struct ifreq request;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	memset(&request, 0, sizeof(request));
	if (strlen(name) >= IFNAMSIZ)
		return close_after(fd, EINVAL);
	strcpy(request.ifr_name, name);
	request.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return close_after(fd, errno);
	return fd;
}

static int is_still_there(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
	       opened.st_ino == named.st_ino;
}

/* Opens and locks a directory: -ENOTDIR, -ESTALE when another process has just removed it, -EAGAIN when one keeps the lock. */
int rn_bus_lock(const char *path)
{
	const struct timespec interval = { 0, LOCK_INTERVAL * 1000000L };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int waited = 0;

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return close_after(fd, errno);
		if (waited >= LOCK_PATIENCE)
			return close_after(fd, EAGAIN);
		nanosleep(&interval, NULL);
		waited += LOCK_INTERVAL;
	}
	return is_still_there(fd, path) ? fd : close_after(fd, ESTALE);
}

/* A path that is never too long for sun_path. */
static int address_in(int directory, const char *name, struct sockaddr_un *address)
{
	int length;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	length = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", directory, name);
	return length < (int)sizeof(address->sun_path) ? 0 : -ENAMETOOLONG;
}

static int bus_socket(int directory, const char *name, struct sockaddr_un *address)
{
	int error = address_in(directory, name, address);
	int fd;

	if (error < 0)
		return error;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* A listening socket in the directory, for its owner alone. */
int rn_bus_listen(int directory, const char *name)
{
	struct sockaddr_un address;
	int fd = bus_socket(directory, name, &address);
	mode_t mask;
	int status;

	if (fd < 0)
		return fd;
	mask = umask(0177);
	status = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (status < 0 || listen(fd, SOMAXCONN) < 0)
		return close_after(fd, errno);
	return fd;
}

/* -ECONNREFUSED when its process is gone; -EAGAIN when it has too many that wait. */
int rn_bus_connect(int directory, const char *name)
{
	struct sockaddr_un address;
	int fd = bus_socket(directory, name, &address);

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return close_after(fd, errno);
	return fd;
}

/* -EAGAIN when there is none. */
int rn_bus_accept(int fd)
{
	int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return got < 0 ? -errno : got;
}

/* Sends or receives one packet: its length, or -errno. */
int rn_bus_send(int fd, const void *bytes, int length)
{
	ssize_t sent = send(fd, bytes, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);

	return sent < 0 ? -errno : (int)sent;
}

int rn_bus_receive(int fd, void *bytes, int room)
{
	ssize_t got = recv(fd, bytes, (size_t)room, MSG_DONTWAIT);

	return got < 0 ? -errno : (int)got;
}
