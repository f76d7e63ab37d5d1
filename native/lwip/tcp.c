/* Stream sockets: connections are made, and end. */
#include "tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/ip.h"

enum { TIME_WAIT_MAX = 4096 };
/* Before a connection has its own: RFC 9293, 3.7.1; RFC 6298, 2.1, as lwIP has it. */
enum { DEFAULT_MSS = 536, DEFAULT_RTO = 3000 };
/* net/tcp_states.h */
enum { L_ESTABLISHED = 1, L_SYN_SENT, L_SYN_RECV, L_FIN_WAIT1, L_FIN_WAIT2, L_TIME_WAIT, L_CLOSE, L_CLOSE_WAIT,
       L_LAST_ACK, L_LISTEN, L_CLOSING };

int rn_connecting;

/* What lwIP calls. */

static err_t on_sent(void *arg, struct tcp_pcb *pcb, uint16_t length)
{
	struct rn_socket *s = arg;

	LWIP_UNUSED_ARG(length);
	if (s->was_full && rn_is_writable(pcb)) {
		s->was_full = 0;
		rn_mark(s, 1);
	}
	return ERR_OK;
}

void rn_end_connecting(struct rn_socket *s, enum rn_state state)
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
		rn_end_connecting(s, RN_CLOSED);
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
	rn_end_connecting(s, RN_CONNECTED);
	rn_mark(s, 1);
	return ERR_OK;
}

void rn_attach(struct rn_socket *s, struct tcp_pcb *pcb)
{
	s->pcb.tcp = pcb;
	tcp_arg(pcb, s);
	tcp_recv(pcb, rn_on_receive);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
	tcp_setprio(pcb, s->reuseaddr ? PRIO_REUSE : TCP_PRIO_NORMAL);
	ip_set_option(pcb, SOF_REUSEADDR);
	rn_tcp_apply(s);
}

void rn_detach(struct tcp_pcb *pcb)
{
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
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
		rn_detach(pcb);
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
	struct tcp_pcb *pcb = rn_pcb(s);

	if (s->state != RN_CONNECTING)
		return;
	rn_end_connecting(s, RN_CLOSED);
	rn_detach(pcb);
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
	rn_attach(s, pcb);
	if (s->device > 0)
		tcp_bind_netif(pcb, netif);
	error = tcp_bind(pcb, &from, (uint16_t)local_port);
	if (error == ERR_OK) {
		s->state = RN_CONNECTING;
		rn_connecting++;
		error = tcp_connect(pcb, ip, (uint16_t)port, on_connected);
	}
	if (error != ERR_OK) {
		rn_end_connecting(s, RN_CLOSED);
		rn_detach(pcb);
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

void rn_close_connection(struct rn_socket *s)
{
	struct tcp_pcb *pcb = rn_pcb(s);
	int is_abort = s->rx_bytes > 0 || s->linger_zero || s->state == RN_CONNECTING;

	rn_end_connecting(s, RN_CLOSED);
	rn_forget_acknowledge(s);
	rn_drop_received(s);
	s->pcb.any = NULL;
	if (pcb == NULL)
		return;
	rn_detach(pcb);
	/* What was not read is lost: the other side is told by a reset (RFC 2525, 2.17). */
	if (pcb->state != TIME_WAIT && (is_abort || tcp_close(pcb) != ERR_OK))
		tcp_abort(pcb);
}

void rn_tcp_close(struct rn_socket *s)
{
	if (s->state == RN_LISTEN)
		rn_close_listener(s);
	else
		rn_close_connection(s);
}

int rn_tcp_shutdown(struct rn_socket *s, int how)
{
	int is_read = how != RN_SHUT_WR;
	int is_write = how != RN_SHUT_RD;
	struct tcp_pcb *pcb = rn_pcb(s);

	switch (s->state) {
	case RN_CLOSED:
	case RN_DONE:
		return -ENOTCONN;
	case RN_LISTEN:
		if (is_read) {
			rn_close_listener(s);
			rn_mark(s, 1);
		}
		return 0;
	case RN_CONNECTING:
		rn_close_connection(s);
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
			rn_detach(pcb);
			tcp_abort(pcb);
			s->pcb.any = NULL;
			s->state = RN_DONE;
		}
	}
	rn_mark(s, 1);
	return 0;
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
	const struct tcp_pcb *pcb = s->state == RN_LISTEN ? NULL : rn_pcb(s);

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
	struct tcp_pcb *pcb = rn_pcb(s);

	if (pcb == NULL)
		return;
	pcb->ttl = s->ttl > 0 ? (uint8_t)s->ttl : RN_TTL;
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
