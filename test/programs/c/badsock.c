/*
 * Calls on sockets with bad addresses, options, vectors and messages; prints each result. What Linux answers is what must be
 * answered, so the output is compared with a bare run on the host's loopback.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* No memory; volatile, for the compiler would see it. */
static char *volatile bad = (char *)8;
/* The last bytes before a page that is not there. */
static char *edge;
static volatile int minus = -1;

static const char *name(int error)
{
	const char *text = strerrorname_np(error);
	return text ? text : "?";
}

static void show(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, name(errno));
	else
		printf("%s: %ld\n", what, result);
}

#define CALL(expression) show(#expression, (long)(expression))

static int must(int fd)
{
	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	return fd;
}

static struct sockaddr_in own(int fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof address;

	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		perror("getsockname");
	return address;
}

static void making(void)
{
	int two[2];

	CALL(socket(AF_INET, 77, 0));
	CALL(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	CALL(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	CALL(socket(AF_INET, SOCK_STREAM, -1));
	CALL(socket(AF_INET, SOCK_STREAM, 9999));
	CALL(socket(AF_INET, SOCK_RAW, 0));
	CALL(socket(AF_INET, SOCK_STREAM | 0x100000, 0));
	CALL(socket(AF_INET6, SOCK_SEQPACKET, 0));
	CALL(socketpair(AF_INET, SOCK_STREAM, 0, two));
	CALL(socketpair(AF_INET, SOCK_STREAM, 0, (int *)bad));
	CALL(socketpair(AF_INET6, SOCK_DGRAM, 0, two));
}

static void addresses(int type)
{
	int fd = must(socket(AF_INET, type, 0)), fd6 = must(socket(AF_INET6, type, 0));
	struct sockaddr_storage storage = {.ss_family = AF_INET};
	struct sockaddr *any = (struct sockaddr *)&storage;
	struct sockaddr_in four = own(-1), away = four;
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t length;

	printf("addresses of type %d\n", type);
	for (int size = 0; size <= 20; size += 1) {
		char what[64];
		int one = must(socket(AF_INET, type, 0));

		four.sin_port = 0;
		snprintf(what, sizeof what, "bind of %d bytes", size);
		show(what, bind(one, (struct sockaddr *)&four, (socklen_t)size));
		snprintf(what, sizeof what, "connect of %d bytes", size);
		if (size < 16)
			show(what, connect(one, (struct sockaddr *)&four, (socklen_t)size));
		close(one);
	}
	for (int size = 0; size <= 32; size += 4) {
		char what[64];
		int one = must(socket(AF_INET6, type, 0));

		snprintf(what, sizeof what, "bind6 of %d bytes", size);
		show(what, bind(one, (struct sockaddr *)&six, (socklen_t)size));
		close(one);
	}
	CALL(bind(fd, (struct sockaddr *)bad, 16));
	CALL(bind(fd, (struct sockaddr *)edge, 16));
	CALL(bind(fd, any, -1));
	CALL(bind(fd, any, 129));
	CALL(bind(fd, any, 4096));
	storage.ss_family = 77;
	CALL(bind(fd, any, 16));
	CALL(connect(fd, any, 16));
	storage.ss_family = AF_INET6;
	CALL(bind(fd, any, sizeof six));
	CALL(connect(fd, any, sizeof six));
	CALL(bind(fd6, (struct sockaddr *)&four, sizeof four));
	away.sin_addr.s_addr = htonl(0xc0000201);
	CALL(bind(fd, (struct sockaddr *)&away, sizeof away));
	close(fd);
	fd = must(socket(AF_INET, type, 0));
	CALL(connect(fd, (struct sockaddr *)bad, 16));
	CALL(connect(fd, any, -1));
	CALL(bind(fd, (struct sockaddr *)&four, sizeof four));
	CALL(bind(fd, (struct sockaddr *)&four, sizeof four));
	CALL(getpeername(fd, any, &length));
	CALL(getsockname(fd, (struct sockaddr *)bad, &length));
	CALL(getsockname(fd, any, (socklen_t *)bad));
	length = (socklen_t)-1;
	CALL(getsockname(fd, any, &length));
	length = 0;
	CALL(getsockname(fd, (struct sockaddr *)bad, &length));
	printf("length %u\n", length);
	memset(&storage, 0x55, sizeof storage);
	length = 3;
	CALL(getsockname(fd, any, &length));
	printf("length %u, %02x %02x %02x %02x\n", length, ((uint8_t *)any)[0], ((uint8_t *)any)[1], 0, ((uint8_t *)any)[3]);
	CALL(accept(fd, NULL, NULL));
	CALL(accept4(fd, NULL, NULL, 0x1));
	CALL(shutdown(fd, 3));
	CALL(shutdown(fd, -1));
	CALL(shutdown(fd, SHUT_RDWR));
	close(fd);
	close(fd6);
}

static void options(void)
{
	int fd = must(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
	char value[64];
	socklen_t length;

	CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, 0));
	CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, 3));
	CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, -1));
	CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, bad, 4));
	CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, NULL, 0));
	CALL(setsockopt(fd, SOL_SOCKET, 9999, &one, 4));
	CALL(setsockopt(fd, 9999, 1, &one, 4));
	CALL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &one, 4));
	CALL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &one, 4));
	CALL(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, 1));
	CALL(setsockopt(fd, IPPROTO_TCP, 9999, &one, 4));
	CALL(setsockopt(fd, IPPROTO_IP, IP_TTL, &one, 0));
	CALL(setsockopt(fd, SOL_SOCKET, SO_TYPE, &one, 4));
	for (int size = -1; size <= 6; size++) {
		char what[64];

		memset(value, 0x55, sizeof value);
		length = (socklen_t)size;
		snprintf(what, sizeof what, "getsockopt of %d bytes", size);
		show(what, getsockopt(fd, SOL_SOCKET, SO_TYPE, value, &length));
		printf("length %d, %02x %02x\n", (int)length, (uint8_t)value[0], (uint8_t)value[4]);
	}
	length = 4;
	CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, bad, &length));
	CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, value, (socklen_t *)bad));
	CALL(getsockopt(fd, SOL_SOCKET, 9999, value, &length));
	CALL(getsockopt(fd, 9999, 1, value, &length));
	close(fd);
}

/* What there is to read of a connected socket, without waiting. */
static void rest(int fd)
{
	char buffer[64];
	ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

	if (n < 0)
		printf("rest: %s\n", name(errno));
	else
		printf("rest: '%.*s'\n", (int)n, buffer);
}

static void data(int type)
{
	int listener = must(socket(AF_INET, type, 0)), a, b = must(socket(AF_INET, type, 0));
	struct sockaddr_in address = own(-1);
	struct iovec vector[3] = {{"ab", 2}, {bad, 2}, {"ef", 2}};
	struct msghdr message = {.msg_iov = vector, .msg_iovlen = 3};
	struct mmsghdr many[2] = {{.msg_hdr = {.msg_iov = vector, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = vector + 1, .msg_iovlen = 1}}};
	union {
		struct cmsghdr header;
		char bytes[64];
	} control = {.header = {.cmsg_len = 4, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	char buffer[64];

	printf("data of type %d\n", type);
	bind(listener, (struct sockaddr *)&address, sizeof address);
	if (type == SOCK_STREAM)
		listen(listener, 5);
	address = own(listener);
	CALL(connect(b, (struct sockaddr *)&address, sizeof address));
	a = type == SOCK_STREAM ? must(accept(listener, NULL, NULL)) : listener;
	fcntl(a, F_SETFL, O_NONBLOCK);

	CALL(send(b, bad, 4, 0));
	CALL(send(b, bad, 0, 0));
	CALL(send(b, edge, 10, 0));
	rest(a);
	CALL(send(b, edge, SIZE_MAX, 0));
	rest(a);
	CALL(sendto(b, "x", 1, 0, (struct sockaddr *)bad, 16));
	CALL(sendto(b, "x", 1, 0, (struct sockaddr *)&address, 3));
	CALL(sendto(b, "x", 1, 0, (struct sockaddr *)&address, -1));
	CALL(sendto(b, "x", 1, 0, (struct sockaddr *)&address, 200));
	rest(a);
	CALL(recv(a, bad, 4, 0));
	CALL(recv(a, bad, 0, 0));
	CALL(send(b, "lost", 4, 0));
	CALL(recv(a, bad, 4, 0));
	CALL(recv(a, buffer, 4, 0x80000000));
	rest(a);

	CALL(sendmsg(b, (struct msghdr *)bad, 0));
	CALL(sendmsg(b, &message, 0));
	rest(a);
	message.msg_iov = (struct iovec *)bad;
	CALL(sendmsg(b, &message, 0));
	message.msg_iov = vector;
	message.msg_iovlen = 1025;
	CALL(sendmsg(b, &message, 0));
	message.msg_iovlen = SIZE_MAX;
	CALL(sendmsg(b, &message, 0));
	message.msg_iovlen = 1;
	message.msg_name = bad;
	message.msg_namelen = 16;
	CALL(sendmsg(b, &message, 0));
	message.msg_namelen = -1;
	CALL(sendmsg(b, &message, 0));
	message.msg_name = NULL;
	message.msg_namelen = 0;
	message.msg_control = bad;
	message.msg_controllen = 16;
	CALL(sendmsg(b, &message, 0));
	message.msg_control = &control;
	message.msg_controllen = sizeof control;
	CALL(sendmsg(b, &message, 0));
	control.header.cmsg_len = sizeof control + 1;
	CALL(sendmsg(b, &message, 0));
	control.header.cmsg_len = CMSG_LEN(4);
	control.header.cmsg_level = IPPROTO_IP;
	control.header.cmsg_type = 999;
	CALL(sendmsg(b, &message, 0));
	message.msg_controllen = 3;
	CALL(sendmsg(b, &message, 0));
	message.msg_controllen = SIZE_MAX;
	CALL(sendmsg(b, &message, 0));
	message.msg_controllen = 0;
	while (recv(a, buffer, sizeof buffer, MSG_DONTWAIT) >= 0)
		;
	vector[0] = (struct iovec){buffer, (size_t)-1};
	CALL(sendmsg(b, &message, 0));
	vector[0] = (struct iovec){"ab", 2};
	CALL(writev(b, vector, 3));
	rest(a);
	CALL(writev(b, (struct iovec *)bad, 1));
	CALL(writev(b, vector, minus));
	CALL(sendmmsg(b, many, 2, 0));
	rest(a);
	CALL(sendmmsg(b, (struct mmsghdr *)bad, 2, 0));
	CALL(sendmmsg(b, many, 0, 0));

	CALL(recvmsg(a, (struct msghdr *)bad, 0));
	CALL(recvmsg(a, &message, 0));
	send(b, "abcdef", 6, 0);
	vector[0] = (struct iovec){buffer, 2};
	message.msg_iovlen = 3;
	CALL(recvmsg(a, &message, 0));
	rest(a);
	rest(a);
	send(b, "abcdef", 6, 0);
	message.msg_iovlen = 1;
	CALL(recvmsg(a, &message, MSG_TRUNC));
	printf("flags %x\n", message.msg_flags);
	rest(a);
	CALL(recvmmsg(a, (struct mmsghdr *)bad, 2, 0, NULL));
	CALL(recvmmsg(a, many, 2, MSG_DONTWAIT, (struct timespec *)bad));
	CALL(recvmmsg(a, many, 2, MSG_DONTWAIT, (&(struct timespec){-1, 0})));
	CALL(read(a, bad, 1));
	CALL(ioctl(a, FIONREAD, bad));
	CALL(ioctl(a, FIONBIO, bad));
	CALL(sendfile(b, a, NULL, 10));
	CALL(pread(a, buffer, 1, 0));
	CALL(lseek(a, 0, SEEK_SET));
	CALL(ftruncate(a, 0));
	CALL(fsync(a));
	CALL(listen(type == SOCK_STREAM ? b : a, 5));
	if (type == SOCK_STREAM) {
		int c = must(socket(AF_INET, type, 0));

		CALL(connect(c, (struct sockaddr *)&address, sizeof address));
		CALL(accept(listener, (struct sockaddr *)bad, (socklen_t *)bad));
		close(c);
	}
	close(a);
	close(b);
	close(listener);
}

static void notSockets(void)
{
	int file = must(open("/dev/null", O_RDWR)), length = 16;
	struct sockaddr_in address = own(-1);

	for (int i = 0; i < 2; i++) {
		int fd = i == 0 ? file : 9999;

		CALL(bind(fd, (struct sockaddr *)&address, sizeof address));
		CALL(bind(fd, (struct sockaddr *)bad, sizeof address));
		CALL(connect(fd, (struct sockaddr *)&address, sizeof address));
		CALL(listen(fd, 1));
		CALL(accept(fd, NULL, NULL));
		CALL(getsockname(fd, (struct sockaddr *)&address, (socklen_t *)&length));
		CALL(send(fd, "x", 1, 0));
		CALL(recv(fd, &address, 1, 0));
		CALL(shutdown(fd, SHUT_RD));
		CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, &address, (socklen_t *)&length));
		CALL(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &length, 4));
	}
	close(file);
}

/* Unix sockets are the host's by default, and their messages are looked through for descriptors. */
static void rights(void)
{
	int pair[2], other = must(socket(AF_INET, SOCK_STREAM, 0));
	static const size_t lengths[] = {0, 15, 16, 17, 19, 20, 21, 24, 40, 0x7fffffff, 0x80000000, 0xfffffff9, 0xffffffff, SIZE_MAX - 7, SIZE_MAX};
	struct {
		struct cmsghdr header;
		int fds[4];
	} control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec vector = {"x", 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control};

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		perror("socketpair");
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		for (message.msg_controllen = 12; message.msg_controllen <= sizeof control; message.msg_controllen += 4) {
			char what[64];

			control.header.cmsg_len = lengths[i];
			snprintf(what, sizeof what, "rights %zx in %zu", lengths[i], (size_t)message.msg_controllen);
			show(what, sendmsg(pair[0], &message, MSG_DONTWAIT));
		}
	close(pair[0]);
	close(pair[1]);
	close(other);
}

int main(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(two + page, page);
	edge = two + page - 4;
	memcpy(edge, "edge", 4);
	setvbuf(stdout, NULL, _IONBF, 0);
	making();
	addresses(SOCK_STREAM);
	addresses(SOCK_DGRAM);
	options();
	data(SOCK_STREAM);
	data(SOCK_DGRAM);
	notSockets();
	rights();
	return 0;
}
