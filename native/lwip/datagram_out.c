/* Datagrams and raw packets on their way out. */
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

enum { ICMP_HEADER = 8, ICMP6_ECHO_REQUEST = 128 };
enum { DATAGRAM_MAX = 65535 };

int rn_take_error(struct rn_socket *s)
{
	int error = s->error;

	s->error = 0;
	if (error != 0)
		rn_mark(s, 0);
	return -error;
}

/* What Linux fills in of a header that comes with the data (raw_send_hdrinc() of net/ipv4/raw.c). */
static int complete_header(struct pbuf *p, const ip_addr_t *from, int length)
{
	struct ip_hdr *header = p->payload;

	if (length < IP_HLEN || IPH_HL_BYTES(header) > length || IPH_HL_BYTES(header) < IP_HLEN)
		return -EINVAL;
	if (header->src.addr == 0)
		header->src.addr = ip_2_ip4(from)->addr;
	IPH_LEN_SET(header, lwip_htons((u16_t)length));
	IPH_CHKSUM_SET(header, 0);
	IPH_CHKSUM_SET(header, inet_chksum(header, IPH_HL_BYTES(header)));
	return 0;
}

/* ping_supported() of net/ipv4/ping.c: echo requests alone, and the number is the socket's. */
static int complete_echo(struct rn_socket *s, struct pbuf *p, int length)
{
	uint8_t *bytes = p->payload;
	uint16_t sum;

	if (length < ICMP_HEADER)
		return -EINVAL;
	if (bytes[0] != (s->domain == RN_INET6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO) || bytes[1] != 0)
		return -EINVAL;
	bytes[4] = (uint8_t)(s->local_port >> 8);
	bytes[5] = (uint8_t)s->local_port;
	bytes[2] = bytes[3] = 0;
	if (s->domain == RN_INET6) {
		s->pcb.raw->chksum_reqd = 1;
		s->pcb.raw->chksum_offset = 2;
		return 0;
	}
	sum = inet_chksum_pbuf(p);
	memcpy(bytes + 2, &sum, 2);
	return 0;
}

/* IPV6_CHECKSUM: the stack puts the sum there, over what is not a sum yet (rawv6_push_pending_frames() of net/ipv6/raw.c). */
static int clear_checksum(const struct rn_socket *s, struct pbuf *p, int length)
{
	if (s->checksum < 0 || s->domain != RN_INET6)
		return 0;
	if (s->checksum + 2 > length)
		return -EINVAL;
	memset((uint8_t *)p->payload + s->checksum, 0, 2);
	return 0;
}

static int send_raw(struct rn_socket *s, struct pbuf *p, int length, struct netif *netif, const ip_addr_t *to,
		    const ip_addr_t *from)
{
	int status = rn_is_ping(s) ? complete_echo(s, p, length) :
		     s->hdrincl ? complete_header(p, from, length) :
				  clear_checksum(s, p, length);

	if (status < 0)
		return status;
	return rn_errno(raw_sendto_if_src(s->pcb.raw, p, to, netif, from));
}

static int send_packet(struct rn_socket *s, int length, struct netif *netif, const ip_addr_t *to, int port,
		       const ip_addr_t *from)
{
	struct pbuf *p = pbuf_alloc(s->hdrincl ? PBUF_LINK : rn_is_udp(s) ? PBUF_TRANSPORT : PBUF_IP, (u16_t)length, PBUF_RAM);
	int status;

	if (p == NULL)
		return -ENOBUFS;
	pbuf_take(p, rn_shared.staging, (u16_t)length);
	if (rn_is_udp(s))
		status = rn_errno(udp_sendto_if_src(s->pcb.udp, p, to, (u16_t)port, netif, from));
	else
		status = send_raw(s, p, length, netif, to, from);
	pbuf_free(p);
	return status;
}

static int header_size(const struct rn_socket *s, const ip_addr_t *to)
{
	return s->hdrincl ? 0 : (IP_IS_V6_VAL(*to) ? IP6_HLEN : IP_HLEN) + (rn_is_udp(s) ? UDP_HLEN : 0);
}

static void set_once(struct rn_socket *s)
{
	if (rn_is_udp(s)) {
		if (rn_shared.ttl > 0)
			s->pcb.udp->ttl = s->pcb.udp->mcast_ttl = (u8_t)rn_shared.ttl;
		if (rn_shared.tos >= 0)
			s->pcb.udp->tos = (u8_t)rn_shared.tos;
		return;
	}
	if (rn_shared.ttl > 0)
		s->pcb.raw->ttl = s->pcb.raw->mcast_ttl = (u8_t)rn_shared.ttl;
	if (rn_shared.tos >= 0)
		s->pcb.raw->tos = (u8_t)rn_shared.tos;
}

/* Where to, by which interface, where from; the socket gets a port if it has none. */
static int prepare(struct rn_socket *s, ip_addr_t *to, int *port, struct netif **netif, ip_addr_t *from)
{
	int status = 0;

	if (rn_shared.address.family != 0) {
		status = rn_get_address(s, &rn_shared.address, to);
		*port = rn_shared.address.port;
		if (status == 0 && *port == 0 && rn_is_udp(s))
			status = -EINVAL;
	} else if (s->has_peer) {
		*to = s->peer_ip;
		*port = s->peer_port;
		/* What goes to IPv4 is udp_sendmsg()'s, which is told the peer as if the program had (udpv6_sendmsg()). */
		if (*port == 0 && s->domain == RN_INET6 && IP_IS_V4_VAL(*to) && rn_is_udp(s))
			status = -EINVAL;
	} else {
		status = -EDESTADDRREQ;
	}
	if (status < 0)
		return status;
	rn_resolve_any(s, to);
	*netif = rn_shared.interface > 0 ? netif_get_by_index((uint8_t)rn_shared.interface) : rn_route(s, to);
	if (*netif == NULL)
		return rn_shared.interface > 0 ? -ENODEV : -ENETUNREACH;
	if (s->domain == RN_INET6 && IP_IS_V6_VAL(*to) && !ip_addr_isany_val(s->local_ip) && IP_IS_V4_VAL(s->local_ip))
		return -EAFNOSUPPORT;
	if (rn_is_broadcast(to, *netif) && !s->broadcast)
		return -EACCES;
	if (s->pcb.any == NULL) {
		ip_addr_t any = s->bound_ip;

		status = rn_datagram_open(s, &any, 0);
		if (status < 0)
			return -EAGAIN;
	}
	if (rn_shared.local.family != 0)
		return rn_get_address(s, &rn_shared.local, from);
	return rn_source(s, *netif, to, from);
}

int rn_datagram_send(struct rn_socket *s, int length)
{
	struct netif *netif;
	ip_addr_t to, from;
	int port = 0;
	int status;

	status = prepare(s, &to, &port, &netif, &from);
	if (status < 0)
		return status;
	if (length + header_size(s, &to) > DATAGRAM_MAX)
		return -EMSGSIZE;
	/* sock_alloc_send_pskb() of net/core/sock.c */
	if (s->error != 0)
		return rn_take_error(s);
	if (s->shut_write)
		return -EPIPE;
	set_once(s);
	status = send_packet(s, length, netif, &to, port, &from);
	rn_datagram_apply(s);
	return status < 0 ? status : length;
}
