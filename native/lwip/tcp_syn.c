/* SYNs for listeners whose queue is full: they wait until there is room, as on Linux, but nobody has to send them again. */
#include "tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"

enum { SYN_MAX = 4096 };

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

void rn_release_syns(struct rn_socket *s, int count)
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
