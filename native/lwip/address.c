/* Addresses, ports, and routes: what Linux decides by rules of its own. */
#include "rumpnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"

/* net.ipv4.ip_local_port_range of Linux. */
enum { PORT_FIRST = 32768, PORT_LAST = 60999, PORTS = PORT_LAST - PORT_FIRST + 1 };

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

void rn_put_address(struct rn_address *out, int domain, const ip_addr_t *ip, int port)
{
	memset(out, 0, sizeof(*out));
	out->family = domain;
	out->port = port;
	if (IP_IS_V4_VAL(*ip)) {
		if (domain == RN_INET) {
			memcpy(out->bytes, &ip_2_ip4(ip)->addr, 4);
			return;
		}
		memcpy(out->bytes, mapped_prefix, 12);
		memcpy(out->bytes + 12, &ip_2_ip4(ip)->addr, 4);
		return;
	}
	if (domain == RN_INET)
		return;
	memcpy(out->bytes, ip_2_ip6(ip)->addr, 16);
	out->scope = ip6_addr_islinklocal(ip_2_ip6(ip)) ? ip6_addr_zone(ip_2_ip6(ip)) : 0;
}

/* An address as the stack has it: one that maps IPv4 is IPv4's. */
int rn_get_address(const struct rn_socket *s, const struct rn_address *in, ip_addr_t *ip)
{
	memset(ip, 0, sizeof(*ip));
	if (in->family == RN_INET) {
		IP_SET_TYPE_VAL(*ip, IPADDR_TYPE_V4);
		memcpy(&ip_2_ip4(ip)->addr, in->bytes, 4);
		return 0;
	}
	if (memcmp(in->bytes, mapped_prefix, 12) == 0) {
		if (s->v6only)
			return -ENETUNREACH;
		IP_SET_TYPE_VAL(*ip, IPADDR_TYPE_V4);
		memcpy(&ip_2_ip4(ip)->addr, in->bytes + 12, 4);
		return 0;
	}
	IP_SET_TYPE_VAL(*ip, IPADDR_TYPE_V6);
	memcpy(ip_2_ip6(ip)->addr, in->bytes, 16);
	if (ip6_addr_islinklocal(ip_2_ip6(ip)) || ip6_addr_ismulticast_linklocal(ip_2_ip6(ip)))
		ip6_addr_set_zone(ip_2_ip6(ip), in->scope != 0 ? in->scope : s->device);
	return 0;
}

int rn_is_local(const ip_addr_t *ip)
{
	struct netif *netif;
	int i;

	if (ip_addr_isloopback(ip))
		return 1;
	NETIF_FOREACH(netif)
	{
		if (IP_IS_V4_VAL(*ip)) {
			if (ip4_addr_cmp(ip_2_ip4(ip), netif_ip4_addr(netif)))
				return 1;
			continue;
		}
		for (i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
			if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) &&
			    ip6_addr_cmp_zoneless(ip_2_ip6(ip), netif_ip6_addr(netif, i)))
				return 1;
		}
	}
	return 0;
}

/* lwIP has no broadcasts on an interface like lo0, but Linux's route to 127.255.255.255 is one. */
int rn_is_broadcast(const ip_addr_t *ip, const struct netif *netif)
{
	uint32_t mask = netif_ip4_netmask(netif)->addr;

	if (!IP_IS_V4_VAL(*ip))
		return 0;
	if (ip_2_ip4(ip)->addr == IPADDR_BROADCAST)
		return 1;
	return mask != IPADDR_BROADCAST && mask != 0 &&
	       ip_2_ip4(ip)->addr == (netif_ip4_addr(netif)->addr | ~mask);
}

/* True when a packet could be for both (ipv6_rcv_saddr_equal of net/ipv4/inet_connection_sock.c). */
static int overlap(const ip_addr_t *a, int a_v6only, const ip_addr_t *b, int b_v6only)
{
	if (IP_IS_V4_VAL(*a) == IP_IS_V4_VAL(*b))
		return ip_addr_isany_val(*a) || ip_addr_isany_val(*b) || ip_addr_cmp_zoneless(a, b);
	if (IP_IS_V4_VAL(*a))
		return ip_addr_isany_val(*b) && !b_v6only;
	return ip_addr_isany_val(*a) && !a_v6only;
}

/* Whether the pcb of a connection that has no socket any more, or is in TIME_WAIT, stands in the way. */
static int pcbs_conflict(const struct tcp_pcb *pcb, const struct rn_socket *s, const ip_addr_t *ip, int port)
{
	for (; pcb != NULL; pcb = pcb->next) {
		/* A connection keeps in its priority whether SO_REUSEADDR was set: see tcp.c. */
		int reuse = s->reuseaddr && pcb->prio != TCP_PRIO_NORMAL;

		if (pcb->callback_arg == NULL && pcb->local_port == port && !reuse &&
		    overlap(ip, s->v6only, &pcb->local_ip, 1))
			return 1;
	}
	return 0;
}

/*
 * True when a socket may not have the address (inet_bind_conflict of net/ipv4/inet_connection_sock.c,
 * inet_rcv_saddr_equal of net/ipv4/udp.c). `listening`: it asks so as to listen.
 */
int rn_conflicts(const struct rn_socket *s, const ip_addr_t *ip, int port, int listening)
{
	int i;

	for (i = 0; i < rn_table_size; i++) {
		const struct rn_socket *other = rn_table[i];

		if (other == NULL || other == s || other->held_port != port || other->type != s->type ||
		    other->protocol != s->protocol)
			continue;
		if (!overlap(ip, s->v6only, &other->local_ip, other->v6only))
			continue;
		if (s->device != 0 && other->device != 0 && s->device != other->device)
			continue;
		if (s->reuseport && other->reuseport)
			continue;
		if (s->reuseaddr && other->reuseaddr &&
		    (s->type != RN_STREAM || (!listening && other->state != RN_LISTEN)))
			continue;
		/* A listener asks again: those that were let in at bind() and do not listen are no conflict now. */
		if (listening && other->state != RN_LISTEN)
			continue;
		return 1;
	}
	if (s->type != RN_STREAM || listening)
		return 0;
	return pcbs_conflict(tcp_active_pcbs, s, ip, port) || pcbs_conflict(tcp_tw_pcbs, s, ip, port);
}

static int is_port_used(const struct rn_socket *s, int port)
{
	const struct tcp_pcb *pcb;
	int i;

	for (i = 0; i < rn_table_size; i++) {
		const struct rn_socket *other = rn_table[i];

		if (other != NULL && other->held_port == port && other->type == s->type)
			return 1;
	}
	if (s->type != RN_STREAM)
		return 0;
	for (pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		if (pcb->local_port == port)
			return 1;
	}
	for (pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
		if (pcb->local_port == port)
			return 1;
	}
	return 0;
}

/* A port that nobody uses, or one that only connections that are over use; 0 when there is none. */
int rn_ephemeral(const struct rn_socket *s, const ip_addr_t *ip)
{
	int start = rand() % PORTS;
	int i;

	for (i = 0; i < PORTS; i++) {
		int port = PORT_FIRST + (start + i) % PORTS;

		if (!is_port_used(s, port))
			return port;
	}
	for (i = 0; i < PORTS; i++) {
		int port = PORT_FIRST + (start + i) % PORTS;

		if (!rn_conflicts(s, ip, port, 0))
			return port;
	}
	return 0;
}

/*
 * Where a packet to no address goes: of IPv4 to the socket's own (ip_route_output_key_hash_rcu() of net/ipv4/route.c) or the loopback address;
 * of IPv6 to that of the family whose address the socket has (udpv6_sendmsg(), tcp_v6_connect()).
 */
void rn_resolve_any(const struct rn_socket *s, ip_addr_t *to)
{
	int has_v4 = IP_IS_V4_VAL(s->local_ip) && !ip_addr_isany_val(s->local_ip);

	if (!ip_addr_isany(to))
		return;
	if (IP_IS_V4_VAL(*to) && has_v4 && !ip_addr_ismulticast(&s->local_ip) && !rn_is_broadcast(&s->local_ip, &rn_lo))
		*to = s->local_ip;
	else
		ip_addr_set_loopback(IP_IS_V6_VAL(*to) && !has_v4, to);
}

static struct netif *multicast_netif(const struct rn_socket *s)
{
	return s->multicast_if > 0 ? netif_get_by_index((uint8_t)s->multicast_if) : NULL;
}

static struct netif *netif_of(const ip_addr_t *own)
{
	struct netif *netif;

	if (!IP_IS_V4_VAL(*own) || ip_addr_isloopback(own))
		return IP_IS_V4_VAL(*own) ? &rn_lo : NULL;
	NETIF_FOREACH(netif)
	{
		if (ip4_addr_cmp(ip_2_ip4(own), netif_ip4_addr(netif)))
			return netif;
	}
	return NULL;
}

/* The interface by which a packet goes, NULL for none. */
struct netif *rn_route(const struct rn_socket *s, const ip_addr_t *to)
{
	struct netif *netif;

	if (s->device > 0)
		return netif_get_by_index((uint8_t)s->device);
	if (ip_addr_ismulticast(to) && (netif = multicast_netif(s)) != NULL)
		return netif;
	/* ip_route_output_key_hash_rcu() of net/ipv4/route.c: packets for many go where their source is. */
	if (IP_IS_V4_VAL(*to) && (ip_addr_ismulticast(to) || ip_2_ip4(to)->addr == IPADDR_BROADCAST) &&
	    !ip_addr_isany_val(s->local_ip) && (netif = netif_of(&s->local_ip)) != NULL)
		return netif;
	if (ip_addr_isloopback(to))
		return netif_is_up(&rn_lo) ? &rn_lo : NULL;
	if (IP_IS_V6_VAL(*to) && ip6_addr_has_zone(ip_2_ip6(to)))
		return netif_get_by_index(ip6_addr_zone(ip_2_ip6(to)));
	netif = ip_route(&s->local_ip, to);
	/* With one interface alone lwIP sends all of IPv6 there. */
	return netif == &rn_lo && IP_IS_V6_VAL(*to) && !rn_is_local(to) ? NULL : netif;
}

/* The address that a packet comes from, when the socket has none. */
int rn_source(const struct rn_socket *s, struct netif *netif, const ip_addr_t *to, ip_addr_t *from)
{
	const ip_addr_t *found;

	/* Nobody sends from the address of many ("use device", __inet_bind() of net/ipv4/af_inet.c). */
	if (!ip_addr_isany_val(s->local_ip) && IP_IS_V4_VAL(s->local_ip) == IP_IS_V4_VAL(*to) &&
	    !ip_addr_ismulticast(&s->local_ip) && !rn_is_broadcast(&s->local_ip, netif)) {
		*from = s->local_ip;
		return 0;
	}
	found = ip_netif_get_local_ip(netif, to);
	if (found == NULL || ip_addr_isany(found))
		return -EADDRNOTAVAIL;
	*from = *found;
	return 0;
}
