/* The calls, of all kinds of sockets. */
#include "rumpnet.h"

#include <errno.h>
#include <string.h>

#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"

/* A new socket's number. `protocol` is never 0. */
int rn_socket(int domain, int type, int protocol)
{
	struct rn_socket *s;
	int status = 0;

	rn_begin(-1);
	s = rn_new(domain, type, protocol);
	if (s == NULL)
		return rn_end(-ENOBUFS);
	s->bound_ip = s->local_ip;
	if (type == RN_RAW) {
		/* IPPROTO_RAW: sends only, with headers of its own (raw(7)). */
		s->hdrincl = domain == RN_INET && protocol == IPPROTO_RAW_NUMBER;
		/* RFC 3542, 3.1 */
		s->checksum = domain == RN_INET6 && protocol == IP6_NEXTH_ICMP6 ? 2 : -1;
		status = rn_datagram_open(s, &s->local_ip, 0);
	}
	if (status < 0) {
		rn_delete(s);
		return rn_end(status);
	}
	return rn_end(s->id);
}

int rn_close(int id)
{
	struct rn_socket *s = rn_begin(id);

	if (s == NULL)
		return rn_end(-EBADF);
	rn_leave_all(s);
	if (s->type == RN_STREAM)
		rn_tcp_close(s);
	else
		rn_datagram_close(s);
	rn_delete(s);
	return rn_end(0);
}

/* inet_bind() of net/ipv4/af_inet.c; who may have a low port was asked before. */
int rn_bind(int id)
{
	struct rn_socket *s = rn_begin(id);
	int port = rn_shared.address.port;
	int is_named = port != 0;
	ip_addr_t ip;
	int status, is_bound;

	if (s == NULL)
		return rn_end(-EBADF);
	is_bound = s->type != RN_RAW && (s->held_port != 0 || s->state != RN_CLOSED);
	/* __inet6_bind() asks before it looks at the address, __inet_bind() behind it. */
	if (is_bound && s->domain == RN_INET6)
		return rn_end(-EINVAL);
	status = rn_get_address(s, &rn_shared.address, &ip);
	if (status < 0)
		return rn_end(-EINVAL);
	if (s->type == RN_STREAM && IP_IS_V6_VAL(ip) && ip_addr_ismulticast(&ip))
		return rn_end(-EINVAL);
	if (!ip_addr_isany(&ip) && !rn_is_local(&ip) && !s->freebind && !ip_addr_ismulticast(&ip) &&
	    !rn_is_broadcast(&ip, &rn_lo))
		return rn_end(-EADDRNOTAVAIL);
	if (is_bound)
		return rn_end(-EINVAL);
	if (s->type != RN_RAW && port != 0 && rn_conflicts(s, &ip, port, 0))
		return rn_end(-EADDRINUSE);
	if (s->type == RN_STREAM) {
		if (port == 0)
			port = rn_ephemeral(s, &ip);
		if (port == 0)
			return rn_end(-EADDRINUSE);
		s->local_port = s->held_port = (uint16_t)port;
		s->local_ip = ip;
	} else {
		status = rn_datagram_open(s, &ip, s->type == RN_RAW ? 0 : port);
		if (status < 0)
			return rn_end(status);
	}
	s->bound_ip = ip;
	s->bound = 1;
	s->bound_port = is_named;
	return rn_end(0);
}

/* connect(2): 0 when a connection was begun or, of datagrams, made. Family 0 in rn_shared.address: AF_UNSPEC. */
int rn_connect(int id)
{
	struct rn_socket *s = rn_begin(id);
	ip_addr_t ip;
	int status;

	if (s == NULL)
		return rn_end(-EBADF);
	if (rn_shared.address.family == 0) {
		if (s->type == RN_STREAM)
			rn_tcp_disconnect(s);
		else
			rn_datagram_disconnect(s);
		rn_mark(s, 0);
		return rn_end(0);
	}
	if (s->type == RN_STREAM && s->state != RN_CLOSED)
		return rn_end(-EISCONN);
	status = rn_get_address(s, &rn_shared.address, &ip);
	if (status < 0)
		return rn_end(status);
	rn_resolve_any(s, &ip);
	if (!ip_addr_isany_val(s->local_ip) && IP_IS_V4_VAL(s->local_ip) != IP_IS_V4_VAL(ip))
		return rn_end(s->type != RN_STREAM && IP_IS_V6_VAL(ip) && rn_route(s, &ip) != NULL ? -EAFNOSUPPORT : -ENETUNREACH);
	if (s->type == RN_STREAM)
		return rn_end(rn_tcp_connect(s, &ip, rn_shared.address.port));
	return rn_end(rn_datagram_connect(s, &ip, rn_shared.address.port));
}

int rn_listen(int id, int backlog)
{
	struct rn_socket *s = rn_begin(id);

	if (s == NULL)
		return rn_end(-EBADF);
	if (s->type != RN_STREAM)
		return rn_end(-EOPNOTSUPP);
	if (s->state == RN_LISTEN) {
		s->backlog = backlog;
		return rn_end(0);
	}
	return rn_end(s->state == RN_CLOSED ? rn_tcp_listen(s, backlog) : -EINVAL);
}

/* getsockname(2), or with `peer` getpeername(2): the answer is in rn_shared.address. */
int rn_name(int id, int peer)
{
	struct rn_socket *s = rn_find(id);

	if (s == NULL)
		return -EBADF;
	if (!peer) {
		rn_put_address(&rn_shared.address, s->domain, &s->local_ip, s->local_port);
		if (s->type == RN_RAW)
			rn_shared.address.port = s->protocol;
		return 0;
	}
	if (!s->has_peer || s->state != RN_CONNECTED || (s->type != RN_RAW && s->peer_port == 0))
		return -ENOTCONN;
	rn_put_address(&rn_shared.address, s->domain, &s->peer_ip, s->peer_port);
	return 0;
}

int rn_shutdown(int id, int how)
{
	struct rn_socket *s = rn_begin(id);

	if (s == NULL)
		return rn_end(-EBADF);
	if (s->type == RN_STREAM)
		return rn_end(rn_tcp_shutdown(s, how));
	/* Those that wait are woken although it fails (inet_shutdown() of net/ipv4/af_inet.c). */
	s->shut_read |= how != RN_SHUT_WR;
	s->shut_write |= how != RN_SHUT_RD;
	rn_mark(s, 1);
	return rn_end(s->has_peer ? 0 : -ENOTCONN);
}

/* The port that a datagram socket gets before its first packet, whatever becomes of that (inet_send_prepare() of net/ipv4/af_inet.c). */
int rn_autobind(int id)
{
	struct rn_socket *s = rn_begin(id);
	ip_addr_t any;

	if (s == NULL)
		return rn_end(-EBADF);
	if (s->type == RN_STREAM || s->pcb.any != NULL)
		return rn_end(0);
	any = s->bound_ip;
	return rn_end(rn_datagram_open(s, &any, 0) < 0 ? -EAGAIN : 0);
}

/* Sends bytes of rn_shared.staging; datagrams to rn_shared.address, family 0: to the peer. Bytes sent, -EAGAIN. */
int rn_send(int id, int length)
{
	struct rn_socket *s = rn_begin(id);

	if (s == NULL)
		return rn_end(-EBADF);
	return rn_end(s->type == RN_STREAM ? rn_tcp_send(s, length) : rn_datagram_send(s, length));
}

/* Receives at most `length` bytes into rn_shared.staging; of a stream, with RN_PEEK, from `offset` on. */
int rn_receive(int id, int length, int offset, int flags)
{
	struct rn_socket *s = rn_begin(id);

	if (s == NULL)
		return rn_end(-EBADF);
	if (length > RN_STAGING)
		length = RN_STAGING;
	if (s->type == RN_STREAM)
		return rn_end(rn_tcp_receive(s, length, offset, flags));
	return rn_end(rn_datagram_receive(s, length, flags));
}

int rn_revents(int id)
{
	struct rn_socket *s = rn_find(id);

	return s == NULL ? -EBADF : rn_revents_of(s);
}

static int *int_option(struct rn_socket *s, int option)
{
	switch (option) {
	case RN_OPT_REUSEADDR:
		return &s->reuseaddr;
	case RN_OPT_REUSEPORT:
		return &s->reuseport;
	case RN_OPT_BROADCAST:
		return &s->broadcast;
	case RN_OPT_KEEPALIVE:
		return &s->keepalive;
	case RN_OPT_KEEPIDLE:
		return (int *)&s->keepidle;
	case RN_OPT_KEEPINTVL:
		return (int *)&s->keepintvl;
	case RN_OPT_KEEPCNT:
		return (int *)&s->keepcnt;
	case RN_OPT_NODELAY:
		return &s->nodelay;
	case RN_OPT_RCVBUF:
		return (int *)&s->rcvbuf;
	case RN_OPT_TTL:
		return &s->ttl;
	case RN_OPT_TOS:
		return &s->tos;
	case RN_OPT_V6ONLY:
		return &s->v6only;
	case RN_OPT_MULTICAST_TTL:
		return &s->multicast_ttl;
	case RN_OPT_MULTICAST_IF:
		return &s->multicast_if;
	case RN_OPT_MULTICAST_LOOP:
		return &s->multicast_loop;
	case RN_OPT_LINGER_ZERO:
		return &s->linger_zero;
	case RN_OPT_HDRINCL:
		return &s->hdrincl;
	case RN_OPT_FREEBIND:
		return &s->freebind;
	case RN_OPT_BINDTODEVICE:
		return &s->device;
	case RN_OPT_ICMP_FILTER:
		return (int *)&s->icmp_filter;
	case RN_OPT_CHECKSUM:
		return &s->checksum;
	case RN_OPT_RCVLOWAT:
		return (int *)&s->low_water;
	default:
		if (option < RN_OPT_ICMP6_FILTER || option >= RN_OPT_ICMP6_FILTER + ICMP6_FILTER_WORDS)
			return NULL;
		return (int *)&s->icmp6_filter[option - RN_OPT_ICMP6_FILTER];
	}
}

int rn_set(int id, int option, int value)
{
	struct rn_socket *s = rn_begin(id);
	int *kept = s == NULL ? NULL : int_option(s, option);

	if (s == NULL)
		return rn_end(-EBADF);
	if (kept == NULL)
		return rn_end(-ENOPROTOOPT);
	if (option == RN_OPT_V6ONLY && s->held_port != 0)
		return rn_end(-EINVAL);
	*kept = value;
	if (option == RN_OPT_RCVLOWAT)
		rn_mark(s, 0);
	if (s->type == RN_STREAM)
		rn_tcp_apply(s);
	else
		rn_datagram_apply(s);
	return rn_end(0);
}

static int datagram_get(const struct rn_socket *s, int what)
{
	switch (what) {
	case RN_GET_READABLE:
		return s->dg_head != NULL ? s->dg_head->p->tot_len : 0;
	case RN_GET_UNSENT:
		return 0;
	case RN_GET_STATE:
		/* TCP_ESTABLISHED and TCP_CLOSE stand for connected or not (net/tcp_states.h). */
		return s->has_peer ? 1 : 7;
	case RN_GET_DROPS:
		return (int)s->drops;
	default:
		return -ENOPROTOOPT;
	}
}

int rn_get(int id, int what)
{
	struct rn_socket *s = rn_begin(id);
	int *kept = s == NULL ? NULL : int_option(s, what);
	int error;

	if (s == NULL)
		return rn_end(-EBADF);
	if (kept != NULL)
		return rn_end(*kept);
	if (what == RN_GET_ERROR) {
		error = s->error;
		s->error = 0;
		rn_mark(s, 0);
		return rn_end(error);
	}
	if (what == RN_GET_PORT)
		return rn_end(s->held_port);
	if (what == RN_GET_MTU) {
		struct netif *netif = s->has_peer ? rn_route(s, &s->peer_ip) : NULL;

		return rn_end(netif == NULL ? -ENOTCONN : netif->mtu);
	}
	return rn_end(s->type == RN_STREAM ? rn_tcp_get(s, what) : datagram_get(s, what));
}
