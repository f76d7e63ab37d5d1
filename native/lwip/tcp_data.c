/* Bytes of stream sockets, out and in. */
#include "tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_RING = 16, UNREAD_PART = 32768 };

/* Sockets that have received something that may not be acknowledged yet. */
static struct rn_socket *acks;

/* Received bytes. */

static int push(struct rn_socket *s, struct pbuf *p)
{
	if (s->rx_count == s->rx_room) {
		uint32_t room = s->rx_room == 0 ? FIRST_RING : s->rx_room * 2;
		struct pbuf **rx = malloc(room * sizeof(*rx));
		uint32_t i;

		if (rx == NULL)
			return -ENOBUFS;
		for (i = 0; i < s->rx_count; i++)
			rx[i] = s->rx[(s->rx_first + i) & (s->rx_room - 1)];
		free(s->rx);
		s->rx = rx;
		s->rx_room = room;
		s->rx_first = 0;
	}
	s->rx[(s->rx_first + s->rx_count++) & (s->rx_room - 1)] = p;
	s->rx_bytes += p->tot_len;
	return 0;
}

void rn_drop_received(struct rn_socket *s)
{
	for (; s->rx_count > 0; s->rx_count--)
		pbuf_free(s->rx[s->rx_first++ & (s->rx_room - 1)]);
	free(s->rx);
	s->rx = NULL;
	s->rx_room = 0;
	s->rx_bytes = 0;
}

static void recved(struct tcp_pcb *pcb, uint32_t bytes)
{
	while (bytes > 0) {
		uint16_t part = (uint16_t)LWIP_MIN(bytes, 0xffff);

		tcp_recved(pcb, part);
		bytes -= part;
	}
}

static void want_acknowledge(struct rn_socket *s)
{
	if (s->is_in_acks)
		return;
	s->is_in_acks = 1;
	s->ack_next = acks;
	acks = s;
}

void rn_forget_acknowledge(struct rn_socket *s)
{
	struct rn_socket **at = &acks;

	if (!s->is_in_acks)
		return;
	while (*at != s)
		at = &(*at)->ack_next;
	*at = s->ack_next;
	s->is_in_acks = 0;
}

int rn_tcp_acknowledge(void)
{
	int sent = 0;

	while (acks != NULL) {
		struct rn_socket *s = acks;
		struct tcp_pcb *pcb = rn_pcb(s);

		acks = s->ack_next;
		s->is_in_acks = 0;
		if (pcb == NULL || (pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW)) == 0)
			continue;
		tcp_ack_now(pcb);
		tcp_output(pcb);
		sent = 1;
	}
	return sent;
}

err_t rn_on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
	struct rn_socket *s = arg;

	LWIP_UNUSED_ARG(error);
	if (p != NULL && s->shut_read && (pcb->state == FIN_WAIT_1 || pcb->state == FIN_WAIT_2)) {
		/* Nobody will ever read it: the other side is told so (tcp_rcv_state_process() of net/ipv4/tcp_input.c). */
		pbuf_free(p);
		rn_detach(pcb);
		tcp_abort(pcb);
		s->error = ECONNRESET;
		rn_tcp_done(s);
		return ERR_ABRT;
	}
	if (p == NULL) {
		s->eof = s->shut_read = 1;
	} else {
		uint16_t length = p->tot_len;

		if (push(s, p) < 0)
			return ERR_MEM;
		if (s->rx_bytes <= s->rcvbuf)
			tcp_recved(pcb, length);
		else
			s->withheld += length;
	}
	want_acknowledge(s);
	rn_mark(s, 1);
	return ERR_OK;
}

int rn_is_writable(const struct tcp_pcb *pcb)
{
	return tcp_sndbuf(pcb) >= LOW_WATER && tcp_sndqueuelen(pcb) <= QUEUE_LOW_WATER;
}

static int take_error(struct rn_socket *s, int otherwise)
{
	int error = s->error;

	s->error = 0;
	if (error != 0)
		rn_mark(s, 0);
	return error != 0 ? -error : otherwise;
}

int rn_tcp_send(struct rn_socket *s, int length)
{
	int sent = 0;

	if (s->state == RN_CONNECTING && s->error == 0)
		return -EAGAIN;
	if (s->state != RN_CONNECTED || s->shut_write || s->error != 0)
		return take_error(s, -EPIPE);
	while (sent < length && rn_pcb(s) != NULL && s->error == 0) {
		struct tcp_pcb *pcb = rn_pcb(s);
		uint32_t room = tcp_sndqueuelen(pcb) < TCP_SND_QUEUELEN - 4 ? tcp_sndbuf(pcb) : 0;
		uint16_t part = (uint16_t)LWIP_MIN(LWIP_MIN(room, (uint32_t)(length - sent)), 0xffff);
		uint8_t flags = TCP_WRITE_FLAG_COPY | (sent + part < length ? TCP_WRITE_FLAG_MORE : 0);

		if (part == 0)
			break;
		if (tcp_write(pcb, rn_shared.staging + sent, part, flags) != ERR_OK)
			break;
		sent += part;
		tcp_output(pcb);
		rn_pump();
	}
	/* Also when the last byte just fitted: whoever polls is told that there is no room, and has to be told when there is. */
	if (sent < length || (rn_pcb(s) != NULL && !rn_is_writable(rn_pcb(s))))
		s->was_full = 1;
	rn_mark(s, 0);
	return sent > 0 ? sent : -EAGAIN;
}

/* Opens the window again by what was read, in steps that are worth a packet. */
static void open_window(struct rn_socket *s)
{
	uint32_t room = s->rx_bytes < s->rcvbuf ? s->rcvbuf - s->rx_bytes : 0;
	uint32_t opened = LWIP_MIN(room, s->withheld);

	if (opened == 0 || (s->rx_bytes > 0 && opened < TCP_WND / 4 && opened < s->withheld))
		return;
	s->withheld -= opened;
	if (rn_pcb(s) != NULL) {
		recved(rn_pcb(s), opened);
		/* lwIP keeps small steps to itself; but the sender may be waiting for this one. */
		tcp_ack_now(rn_pcb(s));
		want_acknowledge(s);
	}
}

static int copy_out(struct rn_socket *s, uint32_t length, uint32_t offset, int is_peek)
{
	uint32_t copied = 0;
	uint32_t skip = s->rx_offset + offset;
	uint32_t i;

	for (i = 0; i < s->rx_count && copied < length; i++) {
		struct pbuf *p = s->rx[(s->rx_first + i) & (s->rx_room - 1)];
		uint32_t part;

		if (skip >= p->tot_len) {
			skip -= p->tot_len;
			continue;
		}
		part = LWIP_MIN(p->tot_len - skip, length - copied);
		pbuf_copy_partial(p, rn_shared.staging + copied, (uint16_t)part, (uint16_t)skip);
		copied += part;
		skip = 0;
	}
	if (is_peek)
		return (int)copied;
	s->rx_bytes -= copied;
	s->rx_offset += copied;
	while (s->rx_count > 0 && s->rx_offset >= s->rx[s->rx_first & (s->rx_room - 1)]->tot_len) {
		struct pbuf *p = s->rx[s->rx_first & (s->rx_room - 1)];

		s->rx_offset -= p->tot_len;
		s->rx_first = (s->rx_first + 1) & (s->rx_room - 1);
		s->rx_count--;
		pbuf_free(p);
	}
	return (int)copied;
}

int rn_tcp_receive(struct rn_socket *s, int length, int offset, int flags)
{
	if (s->state == RN_LISTEN)
		return -ENOTCONN;
	if (s->rx_bytes > (uint32_t)offset) {
		int copied = copy_out(s, (uint32_t)length, (uint32_t)offset, flags & RN_PEEK);

		if ((flags & RN_PEEK) == 0) {
			if (s->withheld > 0)
				open_window(s);
			rn_mark(s, 0);
		}
		return copied;
	}
	if (s->eof)
		return 0;
	if (s->error != 0)
		return take_error(s, 0);
	if (s->shut_read)
		return 0;
	return s->state == RN_CLOSED ? -ENOTCONN : -EAGAIN;
}

/* Puts bytes of the staging area back to the front: the program's memory had no room for them. */
int rn_unread(int id, int offset, int length)
{
	struct rn_socket *s = rn_find(id);
	struct pbuf *p;
	int done = 0;

	if (s == NULL || s->type != RN_STREAM || offset < 0 || length < 0 || offset + length > RN_STAGING)
		return -EINVAL;
	/* What is in the first pbuf before the offset was read. */
	if (s->rx_count > 0 && s->rx_offset > 0) {
		p = s->rx[s->rx_first & (s->rx_room - 1)];
		s->rx[s->rx_first & (s->rx_room - 1)] = pbuf_free_header(p, (uint16_t)s->rx_offset);
		s->rx_offset = 0;
	}
	/* From the end, so that the first is the last put in front. */
	while (length > 0) {
		uint16_t part = (uint16_t)LWIP_MIN(length, UNREAD_PART);

		p = pbuf_alloc(PBUF_RAW, part, PBUF_RAM);
		if (p == NULL || push(s, p) < 0) {
			if (p != NULL)
				pbuf_free(p);
			break;
		}
		length -= part;
		pbuf_take(p, rn_shared.staging + offset + length, part);
		/* push() has put it at the end: the ring turns by one. */
		s->rx_first = (s->rx_first - 1) & (s->rx_room - 1);
		s->rx[s->rx_first] = p;
		done += part;
	}
	rn_mark(s, 0);
	return rn_end(done);
}

/* tcp_poll() of net/ipv4/tcp.c. */
int rn_tcp_revents(const struct rn_socket *s)
{
	int revents = 0;

	if (s->state == RN_LISTEN)
		return s->accept_head != NULL ? RN_POLLIN : 0;
	if ((s->shut_read && s->shut_write) || s->state == RN_CLOSED)
		revents |= RN_POLLHUP;
	if (s->shut_read)
		revents |= RN_POLLIN | RN_POLLRDHUP;
	if (s->state != RN_CONNECTING) {
		if (s->rx_bytes >= s->low_water)
			revents |= RN_POLLIN;
		if (s->shut_write || s->pcb.any == NULL || rn_is_writable(s->pcb.tcp))
			revents |= RN_POLLOUT;
	}
	return s->error != 0 ? revents | RN_POLLERR : revents;
}
