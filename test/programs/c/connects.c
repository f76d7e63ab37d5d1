/*
 * Readiness of sockets that are connected, listen, fail and are reset, and of UDP; prints what poll(2) and epoll(7) tell, which must be
 * what the host's loopback tells.
 */
#define _GNU_SOURCE
#include "readiness.h"

#include <fcntl.h>

static void connecting(void)
{
	int ep = must(epoll_create1(0)), door = bound(SOCK_STREAM), fd = must(socket(AF_INET, SOCK_STREAM, 0));
	int error;
	socklen_t length = sizeof error;

	must(add(ep, door, EPOLLIN, 1));
	must(add(ep, fd, EPOLLIN | EPOLLOUT, 2));
	look("bound", door, 0);
	look("fresh", fd, 0);
	events("before listen and connect", ep, SOON);
	must(listen(door, 8));
	look("listening", door, 0);
	must(connect_to(fd, own(door)));
	look("connected", fd, POLLOUT);
	look("to be accepted", door, POLLIN);
	events("after", ep, SOON);
	int peer = must(accept(door, NULL, NULL));
	look("accepted", door, 0);
	put(peer, 1);
	look("data", fd, POLLIN);
	events("data", ep, SOON);
	fcntl(door, F_SETFL, O_NONBLOCK);
	CALL(accept(door, NULL, NULL));
	close(peer);
	close(fd);

	fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	must(add(ep, fd, EPOLLOUT | EPOLLIN | EPOLLET, 3));
	events("fresh, edge", ep, SOON);
	CALL(connect_to(fd, own(door)));
	look("success", fd, POLLOUT);
	events("success, edge", ep, SOON);
	CALL(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
	printf("SO_ERROR %d\n", error);
	CALL(connect_to(fd, own(door)));
	peer = must(accept(door, NULL, NULL));
	close(peer);
	close(fd);

	fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	must(add(ep, fd, EPOLLOUT | EPOLLIN, 4));
	CALL(connect_to(fd, nobody()));
	look("refused", fd, POLLERR);
	events("refused", ep, SOON);
	CALL(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
	printf("SO_ERROR %s\n", strerrorname_np(error));
	look("error taken", fd, 0);
	close(fd);

	/* A blocking connection that fails, and one after it. */
	fd = must(socket(AF_INET, SOCK_STREAM, 0));
	CALL(connect_to(fd, nobody()));
	look("refused, blocking", fd, 0);
	CALL(connect_to(fd, own(door)));
	look("connected", fd, POLLOUT);
	/* The listener goes with a connection in its queue. */
	look("queued", door, POLLIN);
	int copy = dup(door);
	close(door);
	events("a copy listens", ep, SOON);
	close(copy);
	look("reset by its end", fd, POLLERR);
	events("the listener closed", ep, NEVER);
	close(fd);
	close(ep);
}

/* A hangup that is not for good, seen by all numbers of the socket, and by epoll sets. */
static void again(void)
{
	int door = listener(), fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	int error, peer, ep = must(epoll_create1(0));
	socklen_t length = sizeof error;

	must(add(ep, fd, EPOLLOUT | EPOLLIN, 4));
	int copy = must(fcntl(fd, F_DUPFD_CLOEXEC, 200)), other = must(epoll_create1(0));
	must(add(other, copy, EPOLLIN | EPOLLET, 5));
	CALL(connect_to(fd, nobody()));
	look("refused", fd, POLLERR);
	CALL(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
	/* The first call tells once more that the last one failed. */
	CALL(connect_to(fd, own(door)));
	look("told", fd, 0);
	CALL(connect_to(fd, own(door)));
	look("connected after all", fd, POLLOUT);
	events("connected after all", ep, SOON);
	peer = must(accept(door, NULL, NULL));
	put(peer, 3);
	look("data", fd, POLLIN);
	look("data, by the copy", copy, POLLIN);
	events("data, by the copy", other, SOON);
	events("again", other, NEVER);
	show("close-on-exec", fcntl(copy, F_GETFD));
	show("close-on-exec", fcntl(fd, F_GETFD));
	close(copy);
	close(other);
	take(fd, 3);
	look("taken", fd, 0);
	close(peer);
	look("ended", fd, POLLRDHUP);
	close(fd);
	close(ep);

	must(shutdown(door, SHUT_RDWR));
	look("listener shut down", door, 0);
	must(listen(door, 1));
	look("listening again", door, 0);
	close(door);
}

static void resets(void)
{
	int two[2], error;
	socklen_t length = sizeof error;
	struct linger at_once = {1, 0};
	char byte;

	for (int way = 0; way < 2; way++) {
		make_pair(two);
		put(two[0], 3);
		look("data", two[1], POLLIN);
		setsockopt(two[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		close(two[0]);
		look("reset", two[1], POLLERR);
		if (way == 0) {
			CALL(recv(two[1], &byte, 1, MSG_DONTWAIT));
		} else {
			CALL(getsockopt(two[1], SOL_SOCKET, SO_ERROR, &error, &length));
			printf("SO_ERROR %s\n", strerrorname_np(error));
		}
		look("error taken", two[1], 0);
		CALL(recv(two[1], &byte, 1, MSG_DONTWAIT));
		CALL(send(two[1], &byte, 1, MSG_NOSIGNAL));
		look("broken", two[1], 0);
		close(two[1]);
	}
	/* A close with unread data resets, too. */
	make_pair(two);
	put(two[0], 3);
	look("data", two[1], POLLIN);
	close(two[1]);
	look("closed with unread data", two[0], POLLERR);
	close(two[0]);
}

static void datagrams(void)
{
	int ep = must(epoll_create1(0)), a = bound(SOCK_DGRAM), b = must(socket(AF_INET, SOCK_DGRAM, 0));

	must(add(ep, a, EPOLLIN | EPOLLET, 1));
	must(add(ep, b, EPOLLIN | EPOLLOUT, 2));
	look("udp", a, 0);
	events("udp", ep, SOON);
	must(connect_to(b, own(a)));
	put(b, 4);
	put(b, 0);
	put(b, 7);
	look("three", a, POLLIN);
	events("three", ep, SOON);
	for (int i = 0; i < 3; i++) {
		char bytes[16];
		CALL(recv(a, bytes, sizeof bytes, 0));
		look("one taken", a, 0);
	}
	put(b, 1);
	events("edge", ep, SOON);
	events("again", ep, NEVER);
	close(a);
	events("closed", ep, NEVER);
	close(b);
	close(ep);
}

int main(void)
{
	connecting();
	again();
	resets();
	datagrams();
	return 0;
}
