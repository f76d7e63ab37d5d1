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

	/* tcp_reset() of net/ipv4/tcp_input.c: a connection that the other side had ended already breaks like a pipe. */
	if (error == ERR_RST)
		s->error = s->state == RN_CONNECTING ? ECONNREFUSED : s->eof ? EPIPE : ECONNRESET;
	else if (error == ERR_ABRT)
		s->error = ETIMEDOUT;
	rn_tcp_done(s);
}

/* tcp_done() of net/ipv4/tcp.c: what was received stays, and a port that bind(2) did not give is free. */
void rn_tcp_done(struct rn_socket *s)
{
	rn_end_connecting(s, RN_CLOSED);
	rn_forget_acknowledge(s);
	s->pcb.any = NULL;
	s->shut_read = s->shut_write = 1;
	if (!s->bound_port)
		s->held_port = 0;
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

/* A connection in TIME_WAIT is nobody's: the socket lets go of it (tcp_time_wait() of net/ipv4/tcp_minisocks.c). */
void rn_tcp_let_go(void)
{
	struct tcp_pcb *pcb;

	/* The newest come first, so that those that still have a socket are before all others. */
	for (pcb = tcp_tw_pcbs; pcb != NULL && pcb->callback_arg != NULL; pcb = pcb->next) {
		struct rn_socket *s = pcb->callback_arg;

		rn_detach(pcb);
		rn_tcp_done(s);
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

	rn_tcp_let_go();
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

/* tcp_disconnect() of net/ipv4/tcp.c */
void rn_tcp_disconnect(struct rn_socket *s)
{
	enum rn_state old = s->state;
	int linger_zero = s->linger_zero;

	/* LAST_ACK and CLOSING need no reset: nothing is left to be told. */
	if (s->state == RN_CONNECTING || (s->state == RN_CONNECTED && !(s->eof && s->shut_write)))
		s->error = ECONNRESET;
	s->linger_zero = 1;
	rn_tcp_close(s);
	s->linger_zero = linger_zero;
	s->eof = s->shut_read = s->shut_write = s->was_full = s->has_peer = 0;
	s->withheld = 0;
	s->rx_offset = 0;
	if (old != RN_LISTEN)
		s->local_ip = s->bound_ip;
	/* One that was closed already keeps what bind(2) chose. */
	if (!s->bound_port && old != RN_CLOSED) {
		s->held_port = 0;
		s->bound = 0;
	}
	rn_mark(s, 1);
}

void rn_tcp_unreachable(struct rn_socket *s, int error)
{
	struct tcp_pcb *pcb = rn_pcb(s);

	if (s->state != RN_CONNECTING)
		return;
	rn_detach(pcb);
	tcp_abort(pcb);
	s->error = error;
	rn_tcp_done(s);
}

/* The calls. */

int rn_tcp_connect(struct rn_socket *s, const ip_addr_t *ip, int port)
{
	struct netif *netif = rn_route(s, ip);
	struct tcp_pcb *pcb;
	ip_addr_t from;
	int local_port = s->held_port;
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
	/* tcp_connect_init() of net/ipv4/tcp_output.c */
	s->error = s->eof = 0;
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
	/*
	 * What bind(2) gave stays as it is now: no longer the address of many, nor any of IPv4 that was named
	 * (SOCK_BINDADDR_LOCK of net/ipv6/af_inet6.c).
	 */
	if (!ip_addr_isany_val(s->bound_ip) || (s->domain == RN_INET6 && IP_IS_V4_VAL(s->bound_ip)))
		s->bound_ip = from;
	s->local_ip = from;
	s->local_port = s->held_port = (uint16_t)local_port;
	s->bound = 1;
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
	/* Of a connection that was over before. */
	rn_drop_received(s);
}

/* inet_shutdown() of net/ipv4/af_inet.c */
int rn_tcp_shutdown(struct rn_socket *s, int how)
{
	int is_read = how != RN_SHUT_WR;
	int is_write = how != RN_SHUT_RD;
	int was_shut = s->shut_write;
	struct tcp_pcb *pcb = rn_pcb(s);

	if (s->state == RN_CONNECTING || (s->state == RN_LISTEN && is_read)) {
		rn_tcp_disconnect(s);
		return 0;
	}
	if (s->state == RN_LISTEN)
		return 0;
	s->shut_read |= is_read;
	s->shut_write |= is_write;
	rn_mark(s, 1);
	if (s->state == RN_CLOSED)
		return -ENOTCONN;
	if (is_write && !was_shut && tcp_shutdown(pcb, 0, 1) == ERR_MEM) {
		rn_detach(pcb);
		tcp_abort(pcb);
		rn_tcp_done(s);
	}
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
