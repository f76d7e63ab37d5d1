/*
 * Descriptors of the host that carry an interface's frames: a tap device, or connections to the other ends of a bus. Each takes and
 * gives one frame at a time.
 */
#include "rumpnetif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lwip/prot/ethernet.h"

struct rn_link {
	struct rn_link *next;
	int fd, is_socket;
	/* Who is behind it, as far as its frames have told. */
	int has_mac;
	uint8_t mac[ETH_HWADDR_LEN];
	/* Frames for which there was no room yet. */
	struct pbuf *queue[RN_QUEUE];
	uint32_t first, count;
};

static struct rn_link *find(struct rn_port *port, int fd)
{
	struct rn_link *link = port != NULL ? port->links : NULL;

	while (link != NULL && link->fd != fd)
		link = link->next;
	return link;
}

/* Frames of the interface go to the descriptor, too, which does not block. */
int rn_link_add(int index, int fd)
{
	struct rn_port *port = rn_port(index);
	struct rn_link *link;
	socklen_t length = sizeof(int);
	int type;

	if (port == NULL)
		return -ENODEV;
	link = calloc(1, sizeof(*link));
	if (link == NULL)
		return -ENOMEM;
	link->fd = fd;
	link->is_socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
	link->next = port->links;
	port->links = link;
	return 0;
}

static void free_link(struct rn_link *link)
{
	while (link->count > 0) {
		pbuf_free(link->queue[link->first]);
		link->first = (link->first + 1) % RN_QUEUE;
		link->count--;
	}
	free(link);
}

int rn_link_remove(int index, int fd)
{
	struct rn_port *port = rn_port(index);
	struct rn_link *link = find(port, fd);
	struct rn_link **at;

	if (link == NULL)
		return -ENOENT;
	for (at = &port->links; *at != link; at = &(*at)->next)
		;
	*at = link->next;
	free_link(link);
	return 0;
}

void rn_free_links(struct rn_port *port)
{
	struct rn_link *link;

	while ((link = port->links) != NULL) {
		port->links = link->next;
		free_link(link);
	}
}

/*
 * Reads frames, as many as there are up to a limit: how many it were. -EPIPE at the end of the connection, -errno when the
 * descriptor is of no use any more.
 */
int rn_link_input(int index, int fd)
{
	static uint8_t frame[RN_FRAME_MAX];
	struct rn_port *port = rn_port(index);
	struct rn_link *link = find(port, fd);
	int count = 0;
	ssize_t length;

	if (link == NULL)
		return -ENOENT;
	rn_begin(-1);
	while (count < RN_BATCH) {
		length = read(fd, frame, sizeof(frame));
		if (length < 0 && errno == EINTR)
			continue;
		if (length == 0)
			return rn_end(-EPIPE);
		if (length < 0)
			return rn_end(errno == EAGAIN ? count : -errno);
		count++;
		if (length > SIZEOF_ETH_HDR && (frame[ETH_HWADDR_LEN] & 1) == 0) {
			link->has_mac = 1;
			memcpy(link->mac, frame + ETH_HWADDR_LEN, ETH_HWADDR_LEN);
		}
		rn_port_input(port, frame, (int)length);
	}
	return rn_end(count);
}

/* 0 when the descriptor has no room now. A frame that it refuses is lost, as on a cable. */
static int put(const struct rn_link *link, const struct pbuf *p)
{
	ssize_t sent;

	do {
		if (link->is_socket)
			sent = send(link->fd, p->payload, p->len, MSG_NOSIGNAL);
		else
			sent = write(link->fd, p->payload, p->len);
	} while (sent < 0 && errno == EINTR);
	return sent >= 0 || (errno != EAGAIN && errno != ENOBUFS);
}

static void send_by(struct rn_port *port, struct rn_link *link, struct pbuf *p)
{
	if (link->count == 0 && put(link, p))
		return;
	if (link->count == RN_QUEUE) {
		port->counters.tx_dropped++;
		return;
	}
	pbuf_ref(p);
	link->queue[(link->first + link->count++) % RN_QUEUE] = p;
}

static struct rn_link *towards(struct rn_port *port, const uint8_t *mac)
{
	struct rn_link *link;

	for (link = port->links; link != NULL; link = link->next) {
		if (link->has_mac && memcmp(link->mac, mac, ETH_HWADDR_LEN) == 0)
			return link;
	}
	return NULL;
}

/* Sends the interface's frames: to where their destination is, or to all. How many descriptors have no room. */
int rn_link_output(int index)
{
	struct rn_port *port = rn_port(index);
	struct rn_link *link;
	struct pbuf *p;
	int blocked = 0;

	if (port == NULL)
		return -ENODEV;
	while ((p = rn_port_next(port)) != NULL) {
		link = towards(port, p->payload);
		if (link != NULL) {
			send_by(port, link, p);
		} else {
			for (link = port->links; link != NULL; link = link->next)
				send_by(port, link, p);
		}
		pbuf_free(p);
	}
	for (link = port->links; link != NULL; link = link->next)
		blocked += link->count > 0;
	return blocked;
}

/* Sends frames that waited for room: 1 when some still do. */
int rn_link_flush(int index, int fd)
{
	struct rn_link *link = find(rn_port(index), fd);

	if (link == NULL)
		return -ENOENT;
	while (link->count > 0 && put(link, link->queue[link->first])) {
		pbuf_free(link->queue[link->first]);
		link->first = (link->first + 1) % RN_QUEUE;
		link->count--;
	}
	return link->count > 0;
}
