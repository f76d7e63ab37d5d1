/* Stream sockets. */
#include "rumpnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"

/* pcb->prio of sockets with SO_REUSEADDR, so that it outlives the socket; lwIP uses it only when memory is short. */
enum { PRIO_REUSE = TCP_PRIO_NORMAL + 1 };
/* The least room that poll(2) calls writable (a third is Linux's sk_stream_is_writeable). */
enum { LOW_WATER = TCP_SND_BUF / 3, QUEUE_LOW_WATER = TCP_SND_QUEUELEN / 2 };
enum { UNREAD_PART = 32768 };
enum { FIRST_RING = 16, SYN_MAX = 4096, TIME_WAIT_MAX = 4096 };
/* Before a connection has its own: RFC 9293, 3.7.1; RFC 6298, 2.1, as lwIP has it. */
enum { DEFAULT_MSS = 536, DEFAULT_RTO = 3000 };
/* net/tcp_states.h */
enum { L_ESTABLISHED = 1, L_SYN_SENT, L_SYN_RECV, L_FIN_WAIT1, L_FIN_WAIT2, L_TIME_WAIT, L_CLOSE, L_CLOSE_WAIT,
       L_LAST_ACK, L_LISTEN, L_CLOSING };

int rn_connecting;
/* Sockets that have received something that may not be acknowledged yet. */
static struct rn_socket *acks;

static struct tcp_pcb *pcb_of(const struct rn_socket *s)
{
	return s->pcb.tcp;
}

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

static void drop_received(struct rn_socket *s)
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

static void forget_acknowledge(struct rn_socket *s)
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
		struct tcp_pcb *pcb = pcb_of(s);

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

/* What lwIP calls. */

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
	struct rn_socket *s = arg;

	LWIP_UNUSED_ARG(error);
	if (p == NULL) {
		s->eof = 1;
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

static int is_writable(const struct tcp_pcb *pcb)
{
	return tcp_sndbuf(pcb) >= LOW_WATER && tcp_sndqueuelen(pcb) <= QUEUE_LOW_WATER;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, uint16_t length)
{
	struct rn_socket *s = arg;

	LWIP_UNUSED_ARG(length);
	if (s->was_full && is_writable(pcb)) {
		s->was_full = 0;
		rn_mark(s, 1);
	}
	return ERR_OK;
}

static void end_connecting(struct rn_socket *s, enum rn_state state)
{
	if (s->state == RN_CONNECTING)
		rn_connecting--;
	s->state = state;
}

/* The pcb is gone when this is called. */
static void on_error(void *arg, err_t error)
{
	struct rn_socket *s = arg;

	s->pcb.any = NULL;
	if (s->state == RN_CONNECTING) {
		end_connecting(s, RN_CLOSED);
		rn_tcp_reset(s);
		s->error = error == ERR_RST ? ECONNREFUSED : ETIMEDOUT;
	} else {
		/* tcp_reset() of net/ipv4/tcp_input.c: a connection that the other side had ended already breaks like a pipe. */
		if (error == ERR_RST)
			s->error = s->eof ? EPIPE : ECONNRESET;
		else if (error == ERR_ABRT)
			s->error = ETIMEDOUT;
		s->state = RN_DONE;
	}
	rn_mark(s, 1);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
	struct rn_socket *s = arg;

	LWIP_UNUSED_ARG(pcb);
	LWIP_UNUSED_ARG(error);
	end_connecting(s, RN_CONNECTED);
	rn_mark(s, 1);
	return ERR_OK;
}

static void attach(struct rn_socket *s, struct tcp_pcb *pcb)
{
	s->pcb.tcp = pcb;
	tcp_arg(pcb, s);
	tcp_recv(pcb, on_receive);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
	tcp_setprio(pcb, s->reuseaddr ? PRIO_REUSE : TCP_PRIO_NORMAL);
	ip_set_option(pcb, SOF_REUSEADDR);
	rn_tcp_apply(s);
}

static void detach(struct tcp_pcb *pcb)
{
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
}

static void inherit(struct rn_socket *s, const struct rn_socket *from)
{
	s->reuseaddr = from->reuseaddr;
	s->reuseport = from->reuseport;
	s->keepalive = from->keepalive;
	s->keepidle = from->keepidle;
	s->keepintvl = from->keepintvl;
	s->keepcnt = from->keepcnt;
	s->nodelay = from->nodelay;
	s->rcvbuf = from->rcvbuf;
	s->v6only = from->v6only;
	s->ttl = from->ttl;
	s->tos = from->tos;
	s->linger_zero = from->linger_zero;
	s->device = from->device;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
	struct rn_socket *s = arg;
	struct rn_socket *child;

	if (s == NULL || pcb == NULL || error != ERR_OK)
		return ERR_VAL;
	child = rn_new(s->domain, RN_STREAM, s->protocol);
	if (child == NULL)
		return ERR_MEM;
	inherit(child, s);
	child->is_hidden = 1;
	child->state = RN_CONNECTED;
	child->local_ip = pcb->local_ip;
	child->peer_ip = pcb->remote_ip;
	child->local_port = pcb->local_port;
	child->peer_port = pcb->remote_port;
	child->bound_ip = s->bound_ip;
	child->has_peer = child->bound = child->bound_port = 1;
	child->listener = s;
	attach(child, pcb);
	if (s->accept_tail == NULL)
		s->accept_head = child;
	else
		s->accept_tail->accept_next = child;
	s->accept_tail = child;
	s->queued++;
	rn_mark(s, 1);
	return ERR_OK;
}

/* SYNs that have to wait. */

struct syn {
	ip_addr_t from, to;
	uint16_t source, dest;
};

/* Fills `syn` from a packet that is a SYN without an ACK. */
static int parse_syn(const struct pbuf *p, struct syn *syn)
{
	const uint8_t *bytes = p->payload;
	const uint8_t *tcp;

	memset(syn, 0, sizeof(*syn));
	if (p->len >= IP_HLEN + TCP_HLEN && bytes[0] >> 4 == 4) {
		int header = (bytes[0] & 15) * 4;

		if (bytes[9] != IP_PROTO_TCP || p->len < header + TCP_HLEN)
			return 0;
		tcp = bytes + header;
		IP_SET_TYPE_VAL(syn->from, IPADDR_TYPE_V4);
		IP_SET_TYPE_VAL(syn->to, IPADDR_TYPE_V4);
		memcpy(&ip_2_ip4(&syn->from)->addr, bytes + 12, 4);
		memcpy(&ip_2_ip4(&syn->to)->addr, bytes + 16, 4);
	} else if (p->len >= IP6_HLEN + TCP_HLEN && bytes[0] >> 4 == 6 && bytes[6] == IP6_NEXTH_TCP) {
		tcp = bytes + IP6_HLEN;
		IP_SET_TYPE_VAL(syn->from, IPADDR_TYPE_V6);
		IP_SET_TYPE_VAL(syn->to, IPADDR_TYPE_V6);
		memcpy(ip_2_ip6(&syn->from)->addr, bytes + 8, 16);
		memcpy(ip_2_ip6(&syn->to)->addr, bytes + 24, 16);
	} else {
		return 0;
	}
	syn->source = (uint16_t)(tcp[0] << 8 | tcp[1]);
	syn->dest = (uint16_t)(tcp[2] << 8 | tcp[3]);
	return (tcp[13] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static struct rn_socket *listener_of(const struct syn *syn)
{
	struct rn_socket *found = NULL;
	int i;

	for (i = 0; i < rn_table_size; i++) {
		struct rn_socket *s = rn_table[i];

		if (s == NULL || s->state != RN_LISTEN || s->local_port != syn->dest)
			continue;
		if (ip_addr_isany_val(s->local_ip)) {
			if (IP_IS_V4_VAL(s->local_ip) == IP_IS_V4_VAL(syn->to) ||
			    (!s->v6only && IP_IS_V6_VAL(s->local_ip)))
				found = s;
		} else if (ip_addr_cmp_zoneless(&s->local_ip, &syn->to)) {
			return s;
		}
	}
	return found;
}

static int is_held(const struct rn_socket *s, const struct syn *syn)
{
	const struct pbuf *p;
	struct syn other;

	for (p = s->syn_head; p != NULL; p = p->next) {
		if (parse_syn(p, &other) && other.source == syn->source &&
		    ip_addr_cmp_zoneless(&other.from, &syn->from))
			return 1;
	}
	return 0;
}

int rn_tcp_holds(struct pbuf *p, struct netif *netif)
{
	struct syn syn;
	struct rn_socket *s;

	LWIP_UNUSED_ARG(netif);
	if (!parse_syn(p, &syn))
		return 0;
	s = listener_of(&syn);
	/* One more than the backlog, as sk_acceptq_is_full() of net/sock.h has it. */
	if (s == NULL || s->queued <= s->backlog)
		return 0;
	if (p->next != NULL || s->syn_count >= SYN_MAX || is_held(s, &syn)) {
		pbuf_free(p);
		return 1;
	}
	if (s->syn_tail == NULL)
		s->syn_head = p;
	else
		s->syn_tail->next = p;
	s->syn_tail = p;
	s->syn_count++;
	return 1;
}

static void release_syns(struct rn_socket *s, int count)
{
	for (; count > 0 && s->syn_head != NULL; count--) {
		struct pbuf *p = s->syn_head;

		s->syn_head = p->next;
		if (s->syn_head == NULL)
			s->syn_tail = NULL;
		s->syn_count--;
		p->next = NULL;
		rn_loop_again(p);
	}
}

/* Connections that are over. */

/* lwIP frees what was long enough in TIME_WAIT without a word: the socket lets go of it before. */
void rn_tcp_before_tick(void)
{
	struct tcp_pcb *pcb;

	for (pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
		struct rn_socket *s = pcb->callback_arg;

		if (s == NULL)
			continue;
		detach(pcb);
		s->pcb.any = NULL;
		s->state = RN_DONE;
		rn_mark(s, 0);
	}
}

static int is_pair(const struct tcp_pcb *pcb, const ip_addr_t *local, int local_port, const ip_addr_t *peer, int peer_port)
{
	return pcb->local_port == local_port && pcb->remote_port == peer_port &&
	       ip_addr_cmp_zoneless(&pcb->local_ip, local) && ip_addr_cmp_zoneless(&pcb->remote_ip, peer);
}

/*
 * Makes room for a connection where one was that is over, at either end; and keeps the number of those that wait for
 * nothing but time small, as net.ipv4.tcp_max_tw_buckets does.
 */
static void reap_time_wait(const ip_addr_t *from, int port, const ip_addr_t *to, int to_port)
{
	struct tcp_pcb *pcb, *next;
	int count = 0;

	rn_tcp_before_tick();
	for (pcb = tcp_tw_pcbs; pcb != NULL; pcb = next) {
		next = pcb->next;
		if (++count > TIME_WAIT_MAX || is_pair(pcb, from, port, to, to_port) ||
		    is_pair(pcb, to, to_port, from, port))
			tcp_abort(pcb);
	}
}

static int is_connected_already(const ip_addr_t *from, int port, const ip_addr_t *to, int to_port)
{
	const struct tcp_pcb *pcb;

	for (pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		if (is_pair(pcb, from, port, to, to_port))
			return 1;
	}
	return 0;
}

void rn_tcp_reset(struct rn_socket *s)
{
	s->state = RN_CLOSED;
	s->error = 0;
	s->eof = s->shut_read = s->shut_write = s->was_full = s->has_peer = 0;
	s->withheld = 0;
	s->local_ip = s->bound_ip;
	if (!s->bound_port) {
		s->local_port = 0;
		s->bound = 0;
	}
}

void rn_tcp_unreachable(struct rn_socket *s, int error)
{
	struct tcp_pcb *pcb = pcb_of(s);

	if (s->state != RN_CONNECTING)
		return;
	end_connecting(s, RN_CLOSED);
	detach(pcb);
	tcp_abort(pcb);
	s->pcb.any = NULL;
	rn_tcp_reset(s);
	s->error = error;
	rn_mark(s, 1);
}

/* The calls. */

int rn_tcp_connect(struct rn_socket *s, const ip_addr_t *ip, int port)
{
	struct netif *netif = rn_route(s, ip);
	struct tcp_pcb *pcb;
	ip_addr_t from;
	int local_port = s->local_port;
	err_t error;

	if (netif == NULL || ip_addr_ismulticast(ip) || rn_is_broadcast(ip, netif))
		return -ENETUNREACH;
	if (rn_source(s, netif, ip, &from) < 0)
		return -EADDRNOTAVAIL;
	if (local_port == 0)
		local_port = rn_ephemeral(s, &from);
	if (local_port == 0 || is_connected_already(&from, local_port, ip, port))
		return -EADDRNOTAVAIL;
	/* The stack has no simultaneous open, which is what a connection to oneself is. */
	if (local_port == port && ip_addr_cmp(&from, ip))
		return -ECONNREFUSED;
	reap_time_wait(&from, local_port, ip, port);
	pcb = tcp_new_ip_type(IP_GET_TYPE(ip));
	if (pcb == NULL)
		return -ENOBUFS;
	s->has_peer = 1;
	s->peer_ip = *ip;
	s->peer_port = (uint16_t)port;
	attach(s, pcb);
	if (s->device > 0)
		tcp_bind_netif(pcb, netif);
	error = tcp_bind(pcb, &from, (uint16_t)local_port);
	if (error == ERR_OK) {
		s->state = RN_CONNECTING;
		rn_connecting++;
		error = tcp_connect(pcb, ip, (uint16_t)port, on_connected);
	}
	if (error != ERR_OK) {
		end_connecting(s, RN_CLOSED);
		detach(pcb);
		tcp_abort(pcb);
		s->pcb.any = NULL;
		s->has_peer = 0;
		return rn_errno(error);
	}
	s->local_ip = from;
	s->local_port = (uint16_t)local_port;
	s->bound = 1;
	s->eof = s->shut_read = s->shut_write = 0;
	rn_mark(s, 0);
	return 0;
}

int rn_tcp_listen(struct rn_socket *s, int backlog)
{
	struct tcp_pcb *pcb, *listening;
	int is_dual = IP_IS_V6_VAL(s->local_ip) && ip_addr_isany_val(s->local_ip) && !s->v6only;
	err_t error;

	if (s->local_port == 0) {
		s->local_port = (uint16_t)rn_ephemeral(s, &s->local_ip);
		if (s->local_port == 0)
			return -EADDRINUSE;
		s->bound = 1;
	} else if (rn_conflicts(s, &s->local_ip, s->local_port, 1)) {
		return -EADDRINUSE;
	}
	pcb = tcp_new_ip_type(is_dual ? IPADDR_TYPE_ANY : IP_GET_TYPE(&s->local_ip));
	if (pcb == NULL)
		return -ENOBUFS;
	ip_set_option(pcb, SOF_REUSEADDR);
	if (s->device > 0)
		tcp_bind_netif(pcb, netif_get_by_index((uint8_t)s->device));
	error = tcp_bind(pcb, is_dual ? IP_ANY_TYPE : &s->local_ip, s->local_port);
	/* Who may share a port was decided above. */
	ip_reset_option(pcb, SOF_REUSEADDR);
	listening = error == ERR_OK ? tcp_listen_with_backlog_and_err(pcb, 0, &error) : NULL;
	if (listening == NULL) {
		tcp_abort(pcb);
		return rn_errno(error);
	}
	s->pcb.tcp = listening;
	tcp_arg(listening, s);
	tcp_accept(listening, on_accept);
	s->state = RN_LISTEN;
	s->backlog = backlog;
	rn_mark(s, 0);
	return 0;
}

/* accept(2): the new socket's number, or -EAGAIN; its peer is in rn_shared.address. */
int rn_accept(int id)
{
	struct rn_socket *s = rn_begin(id);
	struct rn_socket *child;

	if (s == NULL || s->state != RN_LISTEN)
		return rn_end(-EINVAL);
	child = s->accept_head;
	if (child == NULL)
		return rn_end(-EAGAIN);
	s->accept_head = child->accept_next;
	if (s->accept_head == NULL)
		s->accept_tail = NULL;
	s->queued--;
	child->accept_next = child->listener = NULL;
	child->is_hidden = 0;
	rn_put_address(&rn_shared.address, s->domain, &child->peer_ip, child->peer_port);
	if (s->queued <= s->backlog)
		release_syns(s, s->backlog + 1 - s->queued);
	rn_mark(s, 0);
	rn_mark(child, 0);
	return rn_end(child->id);
}

static void close_connection(struct rn_socket *s)
{
	struct tcp_pcb *pcb = pcb_of(s);
	int is_abort = s->rx_bytes > 0 || s->linger_zero || s->state == RN_CONNECTING;

	end_connecting(s, RN_CLOSED);
	forget_acknowledge(s);
	drop_received(s);
	s->pcb.any = NULL;
	if (pcb == NULL)
		return;
	detach(pcb);
	/* What was not read is lost: the other side is told by a reset (RFC 2525, 2.17). */
	if (pcb->state != TIME_WAIT && (is_abort || tcp_close(pcb) != ERR_OK))
		tcp_abort(pcb);
}

static void close_listener(struct rn_socket *s)
{
	struct tcp_pcb *pcb = pcb_of(s);

	s->state = RN_CLOSED;
	s->pcb.any = NULL;
	tcp_arg(pcb, NULL);
	tcp_close(pcb);
	while (s->accept_head != NULL) {
		struct rn_socket *child = s->accept_head;

		s->accept_head = child->accept_next;
		child->linger_zero = 1;
		close_connection(child);
		rn_delete(child);
	}
	s->accept_tail = NULL;
	s->queued = 0;
	/* They find nobody now, and are refused. */
	release_syns(s, s->syn_count);
}

void rn_tcp_close(struct rn_socket *s)
{
	if (s->state == RN_LISTEN)
		close_listener(s);
	else
		close_connection(s);
}

int rn_tcp_shutdown(struct rn_socket *s, int how)
{
	int is_read = how != RN_SHUT_WR;
	int is_write = how != RN_SHUT_RD;
	struct tcp_pcb *pcb = pcb_of(s);

	switch (s->state) {
	case RN_CLOSED:
	case RN_DONE:
		return -ENOTCONN;
	case RN_LISTEN:
		if (is_read) {
			close_listener(s);
			rn_mark(s, 1);
		}
		return 0;
	case RN_CONNECTING:
		close_connection(s);
		rn_tcp_reset(s);
		s->error = ECONNRESET;
		rn_mark(s, 1);
		return 0;
	default:
		break;
	}
	if (is_read)
		s->shut_read = 1;
	if (is_write && !s->shut_write) {
		s->shut_write = 1;
		if (pcb != NULL && tcp_shutdown(pcb, 0, 1) == ERR_MEM) {
			detach(pcb);
			tcp_abort(pcb);
			s->pcb.any = NULL;
			s->state = RN_DONE;
		}
	}
	rn_mark(s, 1);
	return 0;
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

	if (s->state == RN_CONNECTING)
		return -EAGAIN;
	if (s->state != RN_CONNECTED || s->shut_write || s->error != 0)
		return take_error(s, -EPIPE);
	while (sent < length && pcb_of(s) != NULL && s->error == 0) {
		struct tcp_pcb *pcb = pcb_of(s);
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
	if (sent < length)
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
	if (pcb_of(s) != NULL) {
		recved(pcb_of(s), opened);
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
	if (s->shut_read || s->state == RN_DONE)
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
	int is_done = s->state == RN_DONE;
	int no_read = s->eof || s->shut_read || is_done;
	int no_write = s->shut_write || is_done;
	int revents = 0;

	if (s->state == RN_LISTEN)
		return s->accept_head != NULL ? RN_POLLIN : 0;
	if ((no_read && no_write) || s->state == RN_CLOSED)
		revents |= RN_POLLHUP;
	if (no_read)
		revents |= RN_POLLIN | RN_POLLRDHUP;
	if (s->state != RN_CONNECTING) {
		if (s->rx_bytes > 0)
			revents |= RN_POLLIN;
		if (no_write || s->pcb.any == NULL || is_writable(s->pcb.tcp))
			revents |= RN_POLLOUT;
	}
	return s->error != 0 ? revents | RN_POLLERR : revents;
}

static int linux_state(const struct rn_socket *s)
{
	/* By enum tcp_state of lwip/tcpbase.h. */
	static const uint8_t states[] = { L_CLOSE,	L_LISTEN,    L_SYN_SENT, L_SYN_RECV, L_ESTABLISHED, L_FIN_WAIT1,
					  L_FIN_WAIT2, L_CLOSE_WAIT, L_CLOSING,	 L_LAST_ACK, L_TIME_WAIT };

	return s->pcb.any == NULL ? L_CLOSE : states[s->pcb.tcp->state];
}

int rn_tcp_get(struct rn_socket *s, int what)
{
	const struct tcp_pcb *pcb = s->state == RN_LISTEN ? NULL : pcb_of(s);

	switch (what) {
	case RN_GET_READABLE:
		return s->state == RN_LISTEN ? -EINVAL : (int)s->rx_bytes;
	case RN_GET_UNSENT:
		if (s->state == RN_LISTEN)
			return -EINVAL;
		return pcb == NULL || pcb->state <= SYN_RCVD ? 0 : (int)(pcb->snd_lbb - pcb->lastack);
	case RN_GET_STATE:
		return linux_state(s);
	case RN_GET_MSS:
		return pcb == NULL || pcb->state <= SYN_SENT ? DEFAULT_MSS : pcb->mss;
	case RN_GET_RTO:
		return pcb == NULL ? DEFAULT_RTO : pcb->rto * TCP_SLOW_INTERVAL;
	case RN_GET_CWND:
		return pcb == NULL ? 0 : (int)pcb->cwnd;
	case RN_GET_SNDWND:
		return pcb == NULL ? 0 : (int)pcb->snd_wnd;
	case RN_GET_RCVWND:
		return pcb == NULL ? 0 : (int)pcb->rcv_wnd;
	case RN_GET_RETRANSMITS:
		return pcb == NULL ? 0 : pcb->nrtx;
	default:
		return -ENOPROTOOPT;
	}
}

/* Options that a pcb has its own copy of. */
void rn_tcp_apply(struct rn_socket *s)
{
	struct tcp_pcb *pcb = pcb_of(s);

	if (pcb == NULL)
		return;
	if (s->ttl > 0)
		pcb->ttl = (uint8_t)s->ttl;
	pcb->tos = (uint8_t)s->tos;
	if (s->state == RN_LISTEN)
		return;
	if (s->nodelay)
		tcp_nagle_disable(pcb);
	else
		tcp_nagle_enable(pcb);
	if (s->keepalive)
		ip_set_option(pcb, SOF_KEEPALIVE);
	else
		ip_reset_option(pcb, SOF_KEEPALIVE);
	pcb->keep_idle = s->keepidle * 1000;
	pcb->keep_intvl = s->keepintvl * 1000;
	pcb->keep_cnt = s->keepcnt;
	tcp_setprio(pcb, s->reuseaddr ? PRIO_REUSE : TCP_PRIO_NORMAL);
}
