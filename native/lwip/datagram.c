/* Datagram and raw sockets: UDP, IP protocols, and echo requests without privileges (ping sockets of net/ipv4/ping.c). */
#include "rumpnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/icmp.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/udp.h"

/* What a datagram in a queue counts for besides its bytes (Linux counts a small one as 768, with what it is kept in). */
enum { OVERHEAD = 512 };
enum { ICMP_HEADER = 8, ICMP6_ECHO_REQUEST = 128, ICMP6_ECHO_REPLY = 129 };
enum { DATAGRAM_MAX = 65535 };

/* Arriving. */

static void put_headers(struct rn_datagram *d)
{
	const struct netif *netif = ip_current_input_netif();

	d->interface = netif_get_index(netif);
	if (ip_current_is_v6()) {
		d->ttl = IP6H_HOPLIM(ip6_current_header());
		d->tos = IP6H_TC(ip6_current_header());
	} else {
		d->ttl = IPH_TTL(ip4_current_header());
		d->tos = IPH_TOS(ip4_current_header());
	}
}

/* Takes `p` over. */
static void enqueue(struct rn_socket *s, struct pbuf *p, const ip_addr_t *from, int port, const ip_addr_t *to)
{
	struct rn_datagram *d;

	if (s->dg_bytes + p->tot_len + OVERHEAD > s->rcvbuf && s->dg_head != NULL) {
		s->drops++;
		pbuf_free(p);
		return;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL) {
		s->drops++;
		pbuf_free(p);
		return;
	}
	d->p = p;
	put_headers(d);
	rn_put_address(&d->from, s->domain, from, port);
	rn_put_address(&d->to, s->domain, to, s->local_port);
	if (s->dg_tail == NULL)
		s->dg_head = d;
	else
		s->dg_tail->next = d;
	s->dg_tail = d;
	s->dg_bytes += p->tot_len + OVERHEAD;
	rn_mark(s, 1);
}

static int takes(const struct rn_socket *s, const ip_addr_t *from, int port, const ip_addr_t *to)
{
	/* A peer without a port is any at that address (compute_score() of net/ipv4/udp.c). */
	if (s->has_peer && ((s->peer_port != 0 && s->peer_port != port) || !ip_addr_cmp_zoneless(&s->peer_ip, from)))
		return 0;
	if (!ip_addr_isany_val(s->local_ip))
		return ip_addr_cmp_zoneless(&s->local_ip, to);
	return IP_IS_V4_VAL(s->local_ip) == IP_IS_V4_VAL(*to) || (!s->v6only && IP_IS_V6_VAL(s->local_ip));
}

/* A packet for many goes to all sockets of its port; lwIP gives it to one. */
static void fan_out(const struct rn_socket *first, struct pbuf *p, const ip_addr_t *from, int port, const ip_addr_t *to)
{
	int i;

	for (i = 0; i < rn_table_size; i++) {
		struct rn_socket *s = rn_table[i];
		struct pbuf *copy;

		if (s == NULL || s == first || !rn_is_udp(s) || s->pcb.any == NULL ||
		    s->local_port != first->local_port || !takes(s, from, port, to))
			continue;
		copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
		if (copy != NULL)
			enqueue(s, copy, from, port, to);
	}
}

static void on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
	struct rn_socket *s = arg;
	ip_addr_t to = *ip_current_dest_addr();
	ip_addr_t source = *from;

	LWIP_UNUSED_ARG(pcb);
	if (ip_addr_ismulticast(&to) || ip_addr_isbroadcast(&to, ip_current_input_netif()))
		fan_out(s, p, &source, port, &to);
	if (!takes(s, &source, port, &to)) {
		pbuf_free(p);
		return;
	}
	enqueue(s, p, &source, port, &to);
}

/* True for what a raw socket's filter lets through (linux/icmp.h, linux/icmpv6.h). */
static int passes_filter(const struct rn_socket *s, const struct pbuf *p, int header)
{
	uint8_t type;

	if (s->protocol != (s->domain == RN_INET6 ? IP6_NEXTH_ICMP6 : IP_PROTO_ICMP))
		return 1;
	type = pbuf_get_at(p, (u16_t)header);
	if (s->domain == RN_INET6)
		return (s->icmp6_filter[type / 32] >> type % 32 & 1) == 0;
	return type > 31 || (s->icmp_filter >> type & 1) == 0;
}

static int is_own_reply(const struct rn_socket *s, const struct pbuf *p, int header)
{
	uint8_t type = pbuf_get_at(p, (u16_t)header);
	int ident = pbuf_get_at(p, (u16_t)(header + 4)) << 8 | pbuf_get_at(p, (u16_t)(header + 5));

	return type == (s->domain == RN_INET6 ? ICMP6_ECHO_REPLY : ICMP_ER) && ident == s->local_port;
}

/* Never eats the packet: lwIP itself answers echo requests, and there may be other sockets. */
static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	struct rn_socket *s = arg;
	int header = s->domain == RN_INET6 ? ip_current_header_tot_len() : (*(uint8_t *)p->payload & 15) * 4;
	struct pbuf *copy;
	ip_addr_t source = *from;
	ip_addr_t to = *ip_current_dest_addr();

	LWIP_UNUSED_ARG(pcb);
	if (rn_is_ping(s) ? !is_own_reply(s, p, header) : !passes_filter(s, p, header))
		return 0;
	copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
	if (copy == NULL)
		return 0;
	/* A raw IPv4 socket gets the header, too (raw(7)). */
	if (s->domain == RN_INET6 || rn_is_ping(s))
		pbuf_remove_header(copy, (size_t)header);
	enqueue(s, copy, &source, 0, &to);
	return 0;
}

/* The pcb. */

static int open_udp(struct rn_socket *s, const ip_addr_t *ip, int port)
{
	int is_dual = IP_IS_V6_VAL(*ip) && ip_addr_isany(ip) && !s->v6only;
	struct udp_pcb *pcb = udp_new_ip_type(is_dual ? IPADDR_TYPE_ANY : IP_GET_TYPE(ip));
	err_t error;

	if (pcb == NULL)
		return -ENOBUFS;
	ip_set_option(pcb, SOF_REUSEADDR);
	ip_set_option(pcb, SOF_BROADCAST);
	if (s->device > 0)
		udp_bind_netif(pcb, netif_get_by_index((uint8_t)s->device));
	error = udp_bind(pcb, is_dual ? IP_ANY_TYPE : ip, (u16_t)port);
	if (error != ERR_OK) {
		udp_remove(pcb);
		return rn_errno(error);
	}
	udp_recv(pcb, on_udp, s);
	s->pcb.udp = pcb;
	return 0;
}

static int open_raw(struct rn_socket *s, const ip_addr_t *ip)
{
	struct raw_pcb *pcb = raw_new_ip_type(IP_GET_TYPE(ip), (u8_t)s->protocol);
	err_t error;

	if (pcb == NULL)
		return -ENOBUFS;
	if (s->device > 0)
		raw_bind_netif(pcb, netif_get_by_index((uint8_t)s->device));
	error = ip_addr_isany(ip) ? ERR_OK : raw_bind(pcb, ip);
	if (error != ERR_OK) {
		raw_remove(pcb);
		return rn_errno(error);
	}
	raw_recv(pcb, on_raw, s);
	s->pcb.raw = pcb;
	return 0;
}

static void close_pcb(struct rn_socket *s)
{
	if (s->pcb.any == NULL)
		return;
	if (rn_is_udp(s))
		udp_remove(s->pcb.udp);
	else
		raw_remove(s->pcb.raw);
	s->pcb.any = NULL;
}

/* (Re)opens the pcb at an address of one's own; port 0: any. */
int rn_datagram_open(struct rn_socket *s, const ip_addr_t *ip, int port)
{
	int status;

	if (port == 0 && s->type == RN_DGRAM) {
		port = rn_ephemeral(s, ip);
		if (port == 0)
			return -EADDRINUSE;
	}
	close_pcb(s);
	status = rn_is_udp(s) ? open_udp(s, ip, port) : open_raw(s, ip);
	if (status < 0)
		return status;
	s->local_ip = *ip;
	s->local_port = s->held_port = (uint16_t)port;
	s->bound = 1;
	rn_datagram_apply(s);
	return 0;
}

void rn_datagram_close(struct rn_socket *s)
{
	close_pcb(s);
	while (s->dg_head != NULL) {
		struct rn_datagram *d = s->dg_head;

		s->dg_head = d->next;
		pbuf_free(d->p);
		free(d);
	}
	s->dg_tail = NULL;
	s->dg_bytes = 0;
}

void rn_datagram_apply(struct rn_socket *s)
{
	if (s->pcb.any == NULL)
		return;
	if (!rn_is_udp(s)) {
		s->pcb.raw->ttl = s->ttl > 0 ? (u8_t)s->ttl : RN_TTL;
		s->pcb.raw->tos = (u8_t)s->tos;
		s->pcb.raw->mcast_ttl = (u8_t)s->multicast_ttl;
		raw_set_flags(s->pcb.raw, s->hdrincl ? RAW_FLAGS_HDRINCL : 0);
		if (!s->hdrincl)
			raw_clear_flags(s->pcb.raw, RAW_FLAGS_HDRINCL);
		s->pcb.raw->chksum_reqd = s->checksum >= 0 && s->domain == RN_INET6;
		s->pcb.raw->chksum_offset = s->checksum >= 0 ? (u16_t)s->checksum : 0;
		if (s->multicast_loop)
			raw_set_flags(s->pcb.raw, RAW_FLAGS_MULTICAST_LOOP);
		else
			raw_clear_flags(s->pcb.raw, RAW_FLAGS_MULTICAST_LOOP);
		return;
	}
	s->pcb.udp->ttl = s->ttl > 0 ? (u8_t)s->ttl : RN_TTL;
	s->pcb.udp->tos = (u8_t)s->tos;
	udp_set_multicast_ttl(s->pcb.udp, (u8_t)s->multicast_ttl);
	if (s->multicast_loop)
		udp_set_flags(s->pcb.udp, UDP_FLAGS_MULTICAST_LOOP);
	else
		udp_clear_flags(s->pcb.udp, UDP_FLAGS_MULTICAST_LOOP);
}

int rn_datagram_connect(struct rn_socket *s, const ip_addr_t *ip, int port)
{
	struct netif *netif = rn_route(s, ip);
	ip_addr_t from;
	int status;

	if (netif == NULL)
		return -ENETUNREACH;
	if (rn_is_broadcast(ip, netif) && !s->broadcast)
		return -EACCES;
	if (rn_source(s, netif, ip, &from) < 0)
		return -EADDRNOTAVAIL;
	if (!ip_addr_isany_val(s->local_ip))
		from = s->local_ip;
	status = rn_datagram_open(s, &from, s->local_port);
	if (status < 0)
		return status;
	if (rn_is_udp(s) && port != 0)
		udp_connect(s->pcb.udp, ip, (u16_t)port);
	else if (!rn_is_udp(s))
		raw_connect(s->pcb.raw, ip);
	s->has_peer = 1;
	s->peer_ip = *ip;
	s->peer_port = s->type == RN_RAW ? 0 : (uint16_t)port;
	s->state = RN_CONNECTED;
	rn_mark(s, 0);
	return 0;
}

/* connect(2) with AF_UNSPEC: what bind(2) did not give is gone. */
void rn_datagram_disconnect(struct rn_socket *s)
{
	ip_addr_t any = s->bound_ip;

	s->has_peer = 0;
	s->state = RN_CLOSED;
	if (!s->bound_port && s->type == RN_DGRAM) {
		close_pcb(s);
		s->local_ip = any;
		s->local_port = s->held_port = 0;
		s->bound = 0;
		return;
	}
	rn_datagram_open(s, &any, s->local_port);
}

/* Taking out. */

int rn_datagram_receive(struct rn_socket *s, int length, int flags)
{
	struct rn_datagram *d = s->dg_head;
	int copied;

	/* An error comes before what is there (__skb_recv_udp() of net/ipv4/udp.c). */
	if (s->error != 0)
		return rn_take_error(s);
	if (d == NULL) {
		rn_shared.address.family = 0;
		rn_shared.length = 0;
		/* Only who would wait is told of the end (__skb_wait_for_more_packets() of net/core/datagram.c). */
		return s->shut_read && (flags & RN_DONTWAIT) == 0 ? 0 : -EAGAIN;
	}
	copied = pbuf_copy_partial(d->p, rn_shared.staging, (u16_t)LWIP_MIN(length, DATAGRAM_MAX), 0);
	rn_shared.address = d->from;
	rn_shared.local = d->to;
	rn_shared.interface = d->interface;
	rn_shared.ttl = d->ttl;
	rn_shared.tos = d->tos;
	rn_shared.length = d->p->tot_len;
	if (flags & RN_PEEK)
		return copied;
	s->dg_head = d->next;
	if (s->dg_head == NULL)
		s->dg_tail = NULL;
	s->dg_bytes -= d->p->tot_len + OVERHEAD;
	pbuf_free(d->p);
	free(d);
	rn_mark(s, 0);
	return copied;
}

/* datagram_poll() of net/core/datagram.c */
int rn_datagram_revents(const struct rn_socket *s)
{
	int revents = RN_POLLOUT;

	if (s->error != 0)
		revents |= RN_POLLERR;
	if (s->shut_read)
		revents |= RN_POLLIN | RN_POLLRDHUP;
	if (s->shut_read && s->shut_write)
		revents |= RN_POLLHUP;
	if (s->dg_head != NULL)
		revents |= RN_POLLIN;
	return revents;
}
