/*
 * Packets whose next hop does not answer. lwIP drops them without a word; Linux sends itself the ICMP error that a router would
 * send (arp_error_report() of net/ipv4/arp.c, ndisc_error_report() of net/ipv6/ndisc.c), and so does this.
 */
#include "rumpnetif.h"

#include <string.h>

#include "lwip/etharp.h"
#include "lwip/inet_chksum.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/prot/icmp.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"

enum {
	/* mcast_solicit times retrans_time of Linux (arp(7)); milliseconds. */
	PATIENCE = 3000,
	WAITING = 32,
	HEAD = IP6_HLEN + 8,
	ICMP_HEAD = 8,
	TTL = 64,
};

struct waiting {
	int index; /* of the interface, 0: the entry is free */
	uint32_t due;
	ip_addr_t hop;
	int length;
	uint8_t head[HEAD]; /* IP header and the 8 bytes after it */
};

static struct waiting waiting[WAITING];

/* No error answers an error, nor a packet to or from nobody in particular. */
static int may_be_answered(const uint8_t *head, int length)
{
	static const uint8_t any[16];
	int header;

	if (length < IP_HLEN)
		return 0;
	if (head[0] >> 4 == 6)
		return length >= IP6_HLEN + 8 && memcmp(head + 8, any, 16) != 0 &&
		       (head[6] != IP6_NEXTH_ICMP6 || (head[IP6_HLEN] & 0x80) != 0);
	header = (head[0] & 15) * 4;
	if (header < IP_HLEN || header + 8 > length || memcmp(head + 12, any, 4) == 0 || ((head[6] & 0x1f) | head[7]) != 0)
		return 0;
	return head[9] != IP_PROTO_ICMP || head[header] == ICMP_ECHO || head[header] == ICMP_ER;
}

void rn_note_waiting(struct rn_port *port, const struct pbuf *p, const ip_addr_t *hop)
{
	struct waiting *entry = NULL;
	uint32_t when = rn_now + PATIENCE;
	int i;

	for (i = 0; i < WAITING; i++) {
		if (waiting[i].index == 0)
			entry = &waiting[i];
		else if (waiting[i].index == port->index && ip_addr_cmp(&waiting[i].hop, hop))
			when = waiting[i].due;
	}
	if (entry == NULL)
		return;
	entry->length = pbuf_copy_partial(p, entry->head, HEAD, 0);
	if (!may_be_answered(entry->head, entry->length))
		return;
	entry->index = port->index;
	entry->due = when;
	entry->hop = *hop;
}

void rn_forget_waiting(const struct rn_port *port)
{
	int i;

	for (i = 0; i < WAITING; i++) {
		if (waiting[i].index == port->index)
			waiting[i].index = 0;
	}
}

static int is_resolved(struct rn_port *port, const ip_addr_t *hop)
{
	struct eth_addr *mac;
	const ip4_addr_t *ip;
	int i;

	if (IP_IS_V4_VAL(*hop))
		return etharp_find_addr(&port->netif, ip_2_ip4(hop), &mac, &ip) >= 0;
	for (i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		if (neighbor_cache[i].state > ND6_INCOMPLETE && neighbor_cache[i].netif == &port->netif &&
		    ip6_addr_cmp(&neighbor_cache[i].next_hop_address, ip_2_ip6(hop)))
			return 1;
	}
	return 0;
}

static void answer_v4(struct rn_port *port, const struct waiting *entry)
{
	int quoted = (entry->head[0] & 15) * 4 + 8;
	int length = IP_HLEN + ICMP_HEAD + quoted;
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (uint16_t)length, PBUF_RAM);
	uint8_t *ip;
	uint16_t sum;

	if (p == NULL)
		return;
	ip = p->payload;
	memset(ip, 0, IP_HLEN + ICMP_HEAD);
	ip[0] = 0x45;
	ip[2] = (uint8_t)(length >> 8);
	ip[3] = (uint8_t)length;
	ip[8] = TTL;
	ip[9] = IP_PROTO_ICMP;
	memcpy(ip + 12, entry->head + 12, 4);
	memcpy(ip + 16, entry->head + 12, 4);
	sum = inet_chksum(ip, IP_HLEN);
	memcpy(ip + 10, &sum, 2);
	ip[IP_HLEN] = ICMP_DUR;
	ip[IP_HLEN + 1] = ICMP_DUR_HOST;
	memcpy(ip + IP_HLEN + ICMP_HEAD, entry->head, (size_t)quoted);
	sum = inet_chksum(ip + IP_HLEN, (uint16_t)(ICMP_HEAD + quoted));
	memcpy(ip + IP_HLEN + 2, &sum, 2);
	p->if_idx = netif_get_index(&port->netif);
	rn_loop_again(p);
}

static void answer_v6(struct rn_port *port, const struct waiting *entry)
{
	int payload = ICMP_HEAD + entry->length;
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (uint16_t)(IP6_HLEN + payload), PBUF_RAM);
	ip6_addr_t own;
	uint8_t *ip;
	uint16_t sum;

	if (p == NULL)
		return;
	ip = p->payload;
	memset(ip, 0, IP6_HLEN + ICMP_HEAD);
	ip[0] = 0x60;
	ip[5] = (uint8_t)payload;
	ip[6] = IP6_NEXTH_ICMP6;
	ip[7] = TTL;
	memcpy(ip + 8, entry->head + 8, 16);
	memcpy(ip + 24, entry->head + 8, 16);
	ip[IP6_HLEN] = ICMP6_TYPE_DUR;
	ip[IP6_HLEN + 1] = ICMP6_DUR_ADDRESS;
	memcpy(ip + IP6_HLEN + ICMP_HEAD, entry->head, (size_t)entry->length);
	memset(&own, 0, sizeof(own));
	memcpy(own.addr, entry->head + 8, 16);
	pbuf_remove_header(p, IP6_HLEN);
	sum = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, &own, &own);
	pbuf_add_header(p, IP6_HLEN);
	memcpy(ip + IP6_HLEN + 2, &sum, 2);
	p->if_idx = netif_get_index(&port->netif);
	rn_loop_again(p);
}

/* Called at each tick: tells the senders of what has waited too long. */
void rn_check_waiting(void)
{
	int i;

	for (i = 0; i < WAITING; i++) {
		struct waiting *entry = &waiting[i];
		struct rn_port *port = rn_port(entry->index);

		if (entry->index == 0 || (int32_t)(rn_now - entry->due) < 0)
			continue;
		entry->index = 0;
		if (port == NULL || is_resolved(port, &entry->hop))
			continue;
		if (entry->head[0] >> 4 == 6)
			answer_v6(port, entry);
		else
			answer_v4(port, entry);
	}
}
