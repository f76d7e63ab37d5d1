/* The loopback interface, and Ethernet interfaces: frames in and out, and the timers of their protocols. */
#include "rumpnetif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/igmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "netif/ethernet.h"

struct netif rn_lo;
struct rn_counters rn_lo_counters;
static struct rn_port *ports[RN_PORTS];
static int port_count;
static uint32_t last_second, last_tenth, busy_until;

enum {
	/* The longest that ARP, ND, IGMP and reassembly do something by themselves after a packet; milliseconds. */
	BUSY = 16 * 1000,
	/* Ticks that are made up for after a long rest: all but lifetimes of addresses is over by then. */
	SECONDS_MAX = 7200,
	TENTHS_MAX = 200,
	LO_MTU = 65535,
};

/* The loopback interface. */

static err_t lo_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	/* lwIP loops multicast packets by itself, when their sender wants that. */
	if (!ip4_addr_ismulticast(to))
		rn_loop(p, netif);
	return ERR_OK;
}

static err_t lo_output_v6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
	if (!ip6_addr_ismulticast(to))
		rn_loop(p, netif);
	return ERR_OK;
}

static err_t lo_init(struct netif *netif)
{
	netif->name[0] = 'l';
	netif->name[1] = 'o';
	netif->output = lo_output;
	netif->output_ip6 = lo_output_v6;
	netif->mtu = LO_MTU;
	netif->flags |= NETIF_FLAG_IGMP | NETIF_FLAG_MLD6 | NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

int rn_netif_init(void)
{
	ip4_addr_t address, mask, gateway;
	ip6_addr_t loopback;

	IP4_ADDR(&address, 127, 0, 0, 1);
	IP4_ADDR(&mask, 255, 0, 0, 0);
	ip4_addr_set_zero(&gateway);
	if (netif_add(&rn_lo, &address, &mask, &gateway, NULL, lo_init, ip_input) == NULL)
		return -ENOBUFS;
	ip6_addr_set_loopback(&loopback);
	netif_ip6_addr_set(&rn_lo, 0, &loopback);
	netif_ip6_addr_set_state(&rn_lo, 0, IP6_ADDR_PREFERRED);
	netif_set_up(&rn_lo);
	return 0;
}

/* Ethernet interfaces: frames that go out. */

struct rn_port *rn_port(int index)
{
	return index > 0 && index < RN_PORTS ? ports[index] : NULL;
}

void rn_netif_busy(void)
{
	busy_until = rn_now + BUSY;
}

static err_t link_output(struct netif *netif, struct pbuf *p)
{
	struct rn_port *port = netif->state;
	uint8_t head[SIZEOF_ETH_HDR];
	struct pbuf *copy;

	if (pbuf_copy_partial(p, head, sizeof(head), 0) == sizeof(head) &&
	    (head[12] << 8 | head[13]) != ETHTYPE_ARP)
		port->has_sent = 1;
	rn_netif_busy();
	/* A copy: TCP keeps its own to send it again. */
	copy = port->count < RN_QUEUE ? pbuf_clone(PBUF_RAW, PBUF_RAM, p) : NULL;
	if (copy == NULL) {
		port->counters.tx_dropped++;
		return ERR_OK;
	}
	port->queue[(port->first + port->count++) % RN_QUEUE] = copy;
	rn_shared.outgoing |= 1 << port->index;
	return ERR_OK;
}

struct pbuf *rn_port_next(struct rn_port *port)
{
	struct pbuf *p;

	if (port->count == 0) {
		rn_shared.outgoing &= ~(1 << port->index);
		return NULL;
	}
	p = port->queue[port->first];
	port->first = (port->first + 1) % RN_QUEUE;
	port->count--;
	port->counters.tx_packets++;
	port->counters.tx_bytes += p->tot_len;
	return p;
}

static err_t port_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	struct rn_port *port = netif->state;
	int is_near = ip4_addr_netcmp(to, netif_ip4_addr(netif), netif_ip4_netmask(netif)) || ip4_addr_islinklocal(to);
	ip_addr_t hop;
	err_t error;

	port->has_sent = 0;
	if (rn_in_input)
		rn_answer_ttl(p);
	error = etharp_output(netif, p, to);
	if (error != ERR_OK || port->has_sent)
		return error;
	ip_addr_copy_from_ip4(hop, is_near ? *to : *netif_ip4_gw(netif));
	rn_note_waiting(port, p, &hop);
	return ERR_OK;
}

static void next_hop_v6(const ip6_addr_t *to, ip_addr_t *hop)
{
	int i;

	ip_addr_copy_from_ip6(*hop, *to);
	for (i = 0; i < LWIP_ND6_NUM_DESTINATIONS; i++) {
		if (ip6_addr_cmp(&destination_cache[i].destination_addr, to)) {
			ip_addr_copy_from_ip6(*hop, destination_cache[i].next_hop_addr);
			return;
		}
	}
}

static err_t port_output_v6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
	struct rn_port *port = netif->state;
	int had_sent = port->has_sent;
	int is_waiting;
	ip_addr_t hop;
	err_t error;

	/* To ask for the neighbour's address is to send a packet from within this one's output. */
	port->has_sent = 0;
	if (rn_in_input)
		rn_answer_ttl(p);
	error = ethip6_output(netif, p, to);
	is_waiting = error == ERR_OK && !port->has_sent;
	port->has_sent = had_sent;
	if (is_waiting) {
		next_hop_v6(to, &hop);
		rn_note_waiting(port, p, &hop);
	}
	return error;
}

/* Frames that come in. */

static int is_for_us_v4(const struct netif *netif, const uint8_t *ip)
{
	ip4_addr_t from, to;
	ip_addr_t any;

	memcpy(&from.addr, ip + 12, 4);
	memcpy(&to.addr, ip + 16, 4);
	if (ip4_addr_isloopback(&from) || ip4_addr_isloopback(&to))
		return 0;
	if (ip4_addr_ismulticast(&to) || ip4_addr_isbroadcast(&to, netif))
		return 1;
	ip_addr_copy_from_ip4(any, to);
	return rn_is_local(&any);
}

static int is_for_us_v6(const uint8_t *ip)
{
	ip_addr_t from, to;

	memset(&from, 0, sizeof(from));
	memset(&to, 0, sizeof(to));
	IP_SET_TYPE_VAL(from, IPADDR_TYPE_V6);
	IP_SET_TYPE_VAL(to, IPADDR_TYPE_V6);
	memcpy(ip_2_ip6(&from)->addr, ip + 8, 16);
	memcpy(ip_2_ip6(&to)->addr, ip + 24, 16);
	if (ip_addr_isloopback(&from) || ip_addr_isloopback(&to))
		return 0;
	return ip_addr_ismulticast(&to) || rn_is_local(&to);
}

/* An answer to this interface's DHCP client, which has no address yet that lwIP could deliver it to (RFC 2131, 4.1). */
static int is_dhcp_answer(const struct rn_port *port, const struct pbuf *p)
{
	const uint8_t *ip = p->payload;
	int header = (ip[0] & 15) * 4;
	const uint8_t *udp = ip + header;
	uint32_t xid;

	/* Up to the client's hardware address; no fragment; UDP from port 67 to port 68; a BOOTREPLY. */
	if (port->dhcp_xid == 0 || header < IP_HLEN || p->len < header + 8 + 34 || ip[9] != IP_PROTO_UDP ||
	    ((ip[6] & 0x3f) | ip[7]) != 0 || udp[0] != 0 || udp[1] != 67 || udp[2] != 0 || udp[3] != 68 || udp[8] != 2)
		return 0;
	memcpy(&xid, udp + 8 + 4, 4);
	return lwip_ntohl(xid) == port->dhcp_xid && memcmp(udp + 8 + 28, port->netif.hwaddr, 6) == 0;
}

static void keep_dhcp_answer(struct rn_port *port, struct pbuf *p)
{
	if (port->dhcp_answer != NULL)
		pbuf_free(port->dhcp_answer);
	port->dhcp_answer = p;
	rn_shared.outgoing |= 1 << (port->index + RN_DHCP_BIT - 1);
}

/* lwIP forwards what is not its own; this host does not (net.ipv4.ip_forward is 0). */
static int input_ip(struct rn_port *port, struct pbuf *p, int type)
{
	const uint8_t *ip = p->payload;

	if (type == ETHTYPE_IP) {
		if (p->len < IP_HLEN || ip[0] >> 4 != 4)
			return -EINVAL;
		if (is_dhcp_answer(port, p)) {
			keep_dhcp_answer(port, p);
			return 0;
		}
		if (!is_for_us_v4(&port->netif, ip))
			return -EINVAL;
	} else if (p->len < IP6_HLEN || ip[0] >> 4 != 6 || !is_for_us_v6(ip)) {
		return -EINVAL;
	}
	if (rn_tcp_holds(p, &port->netif))
		return 0;
	rn_before_input(p);
	if (type == ETHTYPE_IP)
		ip4_input(p, &port->netif);
	else
		ip6_input(p, &port->netif);
	return 0;
}

static int input(struct rn_port *port, struct pbuf *p)
{
	const struct eth_hdr *eth = p->payload;
	int type = lwip_ntohs(eth->type);

	if ((eth->dest.addr[0] & 1) != 0)
		p->flags |= eth_addr_cmp(&eth->dest, &ethbroadcast) ? PBUF_FLAG_LLBCAST : PBUF_FLAG_LLMCAST;
	else if (memcmp(eth->dest.addr, port->netif.hwaddr, ETH_HWADDR_LEN) != 0)
		return -EINVAL;
	p->if_idx = netif_get_index(&port->netif);
	pbuf_remove_header(p, SIZEOF_ETH_HDR);
	if (type == ETHTYPE_IP || type == ETHTYPE_IPV6)
		return input_ip(port, p, type);
	if (type != ETHTYPE_ARP || p->len < SIZEOF_ETHARP_HDR)
		return -EINVAL;
	etharp_input(p, &port->netif);
	return 0;
}

void rn_port_input(struct rn_port *port, const uint8_t *frame, int length)
{
	struct pbuf *p = NULL;
	int is_taken;

	if (length > SIZEOF_ETH_HDR && length <= RN_FRAME_MAX && netif_is_up(&port->netif))
		p = pbuf_alloc(PBUF_RAW, (uint16_t)length, PBUF_RAM);
	if (p == NULL) {
		port->counters.rx_dropped++;
		return;
	}
	pbuf_take(p, frame, (uint16_t)length);
	port->counters.rx_packets++;
	port->counters.rx_bytes += length;
	rn_in_input = 1;
	is_taken = input(port, p) == 0;
	rn_in_input = 0;
	if (!is_taken) {
		pbuf_free(p);
		return;
	}
	rn_netif_busy();
}

/* The calls. */

static err_t port_init(struct netif *netif)
{
	struct rn_port *port = netif->state;

	netif->name[0] = 'e';
	netif->name[1] = 't';
	/* The index is this one and more: rn_shared.outgoing has a bit for it. */
	netif->num = (uint8_t)(port->index - 1);
	netif->output = port_output;
	netif->output_ip6 = port_output_v6;
	netif->linkoutput = link_output;
	netif->hwaddr_len = ETH_HWADDR_LEN;
	netif->flags |= NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP |
			NETIF_FLAG_MLD6 | NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

/* A new Ethernet interface, down and without addresses: its index. */
int rn_netif_add(const uint8_t *mac, int mtu)
{
	struct rn_port *port;
	int index = 2;

	if (mtu < RN_MTU_MIN || mtu > RN_MTU_MAX || (mac[0] & 1) != 0)
		return -EINVAL;
	while (index < RN_PORTS && ports[index] != NULL)
		index++;
	if (index == RN_PORTS)
		return -ENOSPC;
	rn_begin(-1);
	port = calloc(1, sizeof(*port));
	if (port == NULL)
		return -ENOMEM;
	port->index = index;
	memcpy(port->netif.hwaddr, mac, ETH_HWADDR_LEN);
	port->netif.mtu = (uint16_t)mtu;
	if (netif_add_noaddr(&port->netif, port, port_init, ip_input) == NULL) {
		free(port);
		return -ENOMEM;
	}
	port->netif.mtu = port->netif.mtu6 = (uint16_t)mtu;
	if (port_count++ == 0)
		last_second = last_tenth = rn_now;
	ports[index] = port;
	return rn_end(index);
}

int rn_netif_remove(int index)
{
	struct rn_port *port = rn_port(index);
	struct pbuf *p;

	if (port == NULL)
		return -ENODEV;
	rn_begin(-1);
	netif_remove(&port->netif);
	rn_forget_waiting(port);
	rn_free_links(port);
	while ((p = rn_port_next(port)) != NULL)
		pbuf_free(p);
	if (port->dhcp_answer != NULL)
		pbuf_free(port->dhcp_answer);
	rn_shared.outgoing &= ~(1 << (index + RN_DHCP_BIT - 1));
	ports[index] = NULL;
	port_count--;
	/* Packets of this interface that are under way on the loopback queue find none. */
	rn_pump();
	free(port);
	return rn_end(0);
}

/* Sends a whole frame, which is in the staging area. */
int rn_netif_transmit(int index, int length)
{
	struct rn_port *port = rn_port(index);
	struct pbuf *p;

	if (port == NULL)
		return -ENODEV;
	if (length < SIZEOF_ETH_HDR || length > RN_FRAME_MAX)
		return -EINVAL;
	if (!netif_is_up(&port->netif))
		return -ENETDOWN;
	rn_begin(-1);
	p = pbuf_alloc(PBUF_RAW, (uint16_t)length, PBUF_RAM);
	if (p == NULL)
		return rn_end(-ENOBUFS);
	pbuf_take(p, rn_shared.staging, (uint16_t)length);
	link_output(&port->netif, p);
	pbuf_free(p);
	return rn_end(0);
}

/* Puts the DHCP answer that came last, from its IP header on, into the staging area: its length, 0 for none. */
int rn_netif_dhcp(int index)
{
	struct rn_port *port = rn_port(index);
	int length;

	if (port == NULL)
		return -ENODEV;
	rn_shared.outgoing &= ~(1 << (index + RN_DHCP_BIT - 1));
	if (port->dhcp_answer == NULL)
		return 0;
	length = pbuf_copy_partial(port->dhcp_answer, rn_shared.staging, port->dhcp_answer->tot_len, 0);
	pbuf_free(port->dhcp_answer);
	port->dhcp_answer = NULL;
	return length;
}

/* Time. */

int rn_netif_needs_tick(void)
{
	return port_count > 0 && (int32_t)(busy_until - rn_now) > 0;
}

static uint32_t due(uint32_t *last, uint32_t interval, uint32_t most)
{
	uint32_t ticks = (rn_now - *last) / interval;

	*last += ticks * interval;
	return LWIP_MIN(ticks, most);
}

void rn_netif_tick(void)
{
	uint32_t seconds = due(&last_second, 1000, SECONDS_MAX);
	uint32_t tenths = due(&last_tenth, IGMP_TMR_INTERVAL, TENTHS_MAX);
	uint32_t until = busy_until;

	if (port_count == 0)
		return;
	while (tenths-- > 0) {
		igmp_tmr();
		mld6_tmr();
	}
	while (seconds-- > 0) {
		etharp_tmr();
		nd6_tmr();
		ip_reass_tmr();
		ip6_reass_tmr();
	}
	/* What timers send does not keep them going. */
	busy_until = until;
	rn_check_waiting();
	rn_pump();
}
