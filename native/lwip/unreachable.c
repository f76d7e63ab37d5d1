/* Errors that packets bring. */
#include "rumpnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/ip.h"
#include "lwip/prot/icmp.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"

struct culprit {
	ip_addr_t from, to;
	int protocol, source, dest;
};

static int parse_culprit(const uint8_t *packet, int length, int is_v6, struct culprit *c)
{
	int header = is_v6 ? IP6_HLEN : length > 0 ? (packet[0] & 15) * 4 : 0;

	memset(c, 0, sizeof(*c));
	if (length < (is_v6 ? IP6_HLEN : IP_HLEN) + 4 || length < header + 4)
		return -EINVAL;
	if (is_v6) {
		IP_SET_TYPE_VAL(c->from, IPADDR_TYPE_V6);
		IP_SET_TYPE_VAL(c->to, IPADDR_TYPE_V6);
		memcpy(ip_2_ip6(&c->from)->addr, packet + 8, 16);
		memcpy(ip_2_ip6(&c->to)->addr, packet + 24, 16);
		c->protocol = packet[6];
	} else {
		IP_SET_TYPE_VAL(c->from, IPADDR_TYPE_V4);
		IP_SET_TYPE_VAL(c->to, IPADDR_TYPE_V4);
		memcpy(&ip_2_ip4(&c->from)->addr, packet + 12, 4);
		memcpy(&ip_2_ip4(&c->to)->addr, packet + 16, 4);
		c->protocol = packet[9];
	}
	c->source = packet[header] << 8 | packet[header + 1];
	c->dest = packet[header + 2] << 8 | packet[header + 3];
	return 0;
}

static void unreachable(const uint8_t *packet, int length, int is_v6, int error)
{
	struct culprit c;
	int i;

	if (parse_culprit(packet, length, is_v6, &c) < 0)
		return;
	for (i = 0; i < rn_table_size; i++) {
		struct rn_socket *s = rn_table[i];

		if (s == NULL || s->protocol != c.protocol || !s->has_peer || s->local_port != c.source ||
		    (s->peer_port != c.dest && (s->peer_port != 0 || !rn_is_udp(s))) || !ip_addr_cmp_zoneless(&s->peer_ip, &c.to))
			continue;
		if (rn_is_udp(s)) {
			s->error = error;
			rn_mark(s, 1);
		} else if (s->type == RN_STREAM) {
			rn_tcp_unreachable(s, error);
		}
	}
}

/* An ICMP error tells the socket whose packet it was; lwIP itself does not look at them. */
static void look_for_error_v4(const struct pbuf *p)
{
	const uint8_t *bytes = p->payload;
	int header = (bytes[0] & 15) * 4;
	int error;

	if (p->len < header + 8 + IP_HLEN || bytes[9] != IP_PROTO_ICMP || bytes[header] != ICMP_DUR)
		return;
	switch (bytes[header + 1]) {
	case ICMP_DUR_NET:
		error = ENETUNREACH;
		break;
	case ICMP_DUR_PROTO:
		error = ENOPROTOOPT;
		break;
	case ICMP_DUR_PORT:
		error = ECONNREFUSED;
		break;
	case ICMP_DUR_FRAG:
		error = EMSGSIZE;
		break;
	default:
		error = EHOSTUNREACH;
	}
	unreachable(bytes + header + 8, p->len - header - 8, 0, error);
}

/* RFC 4443: type 1 is "destination unreachable"; code 4 a port, 1 and 5 a policy, 0 no route. */
static void look_for_error_v6(const struct pbuf *p)
{
	const uint8_t *bytes = p->payload;
	const uint8_t *icmp = bytes + IP6_HLEN;
	int error;

	if (p->len < IP6_HLEN + 8 + IP6_HLEN || bytes[6] != IP6_NEXTH_ICMP6 || icmp[0] != 1)
		return;
	error = icmp[1] == 4 ? ECONNREFUSED : icmp[1] == 0 ? ENETUNREACH : icmp[1] == 3 ? EHOSTUNREACH : EACCES;
	unreachable(icmp + 8, p->len - IP6_HLEN - 8, 1, error);
}

void rn_before_input(const struct pbuf *p)
{
	if ((p->len > 0 && *(const uint8_t *)p->payload >> 4 == 6))
		look_for_error_v6(p);
	else if (p->len >= IP_HLEN)
		look_for_error_v4(p);
}
