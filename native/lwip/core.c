/* What all sockets have in common: numbers, what has changed, packets of the loopback interface, time. */
#include "rumpnetif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lwip/inet_chksum.h"
#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"

struct rn_shared rn_shared;
struct rn_socket **rn_table;
int rn_table_size;
uint32_t rn_now;

/* Numbers that are free are a list through `next_free`. */
static int *next_free;
static int first_free = -1;
static struct rn_socket *dirty_first, *dirty_last;
static struct pbuf *loop_first, *loop_last;
static uint32_t last_tick;
static int is_pumping;

enum { FIRST_ROOM = 64 };
/* As long as lwIP keeps anything at most, in ticks of TCP_TMR_INTERVAL: twice TCP_MSL of 60 s, and a little more. */
enum { TICKS_MAX = 130 * 1000 / TCP_TMR_INTERVAL };

static uint32_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

int rn_init(void)
{
	struct timespec now;
	int status;

	clock_gettime(CLOCK_REALTIME, &now);
	/* LWIP_RAND() is rand(): sequence numbers and ports begin with it. */
	srand((unsigned)(now.tv_nsec ^ now.tv_sec));
	lwip_init();
	status = rn_netif_init();
	rn_now = last_tick = milliseconds();
	rn_shared.tick = -1;
	return status;
}

int rn_errno(err_t error)
{
	switch (error) {
	case ERR_OK:
		return 0;
	case ERR_MEM:
		return -ENOBUFS;
	case ERR_BUF:
		return -EADDRNOTAVAIL;
	case ERR_TIMEOUT:
		return -ETIMEDOUT;
	case ERR_RTE:
		return -ENETUNREACH;
	case ERR_INPROGRESS:
		return -EINPROGRESS;
	case ERR_WOULDBLOCK:
		return -EAGAIN;
	case ERR_USE:
		return -EADDRINUSE;
	case ERR_ALREADY:
		return -EALREADY;
	case ERR_ISCONN:
		return -EISCONN;
	case ERR_CONN:
	case ERR_CLSD:
		return -ENOTCONN;
	case ERR_IF:
		return -EHOSTUNREACH;
	case ERR_ABRT:
		return -ECONNABORTED;
	case ERR_RST:
		return -ECONNRESET;
	default:
		return -EINVAL;
	}
}

static int grow(void)
{
	int size = rn_table_size == 0 ? FIRST_ROOM : rn_table_size * 2;
	struct rn_socket **table = realloc(rn_table, (size_t)size * sizeof(*table));
	int *links;
	int i;

	if (table == NULL)
		return -ENOBUFS;
	rn_table = table;
	links = realloc(next_free, (size_t)size * sizeof(*links));
	if (links == NULL)
		return -ENOBUFS;
	next_free = links;
	for (i = size - 1; i >= rn_table_size; i--) {
		rn_table[i] = NULL;
		next_free[i] = first_free;
		first_free = i;
	}
	rn_table_size = size;
	return 0;
}

struct rn_socket *rn_find(int id)
{
	return id >= 0 && id < rn_table_size ? rn_table[id] : NULL;
}

struct rn_socket *rn_new(int domain, int type, int protocol)
{
	struct rn_socket *s;

	if (first_free < 0 && grow() < 0)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->id = first_free;
	first_free = next_free[s->id];
	rn_table[s->id] = s;
	s->domain = domain;
	s->type = type;
	s->protocol = protocol;
	IP_SET_TYPE_VAL(s->local_ip, domain == RN_INET6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
	s->low_water = 1;
	s->ttl = -1;
	s->multicast_ttl = 1;
	s->multicast_loop = 1;
	s->checksum = -1;
	s->keepidle = 7200;
	s->keepintvl = 75;
	s->keepcnt = 9;
	s->rcvbuf = type == RN_STREAM ? 512 * 1024 : 212992;
	return s;
}

void rn_delete(struct rn_socket *s)
{
	struct rn_socket **at = &dirty_first;
	struct rn_socket *last = NULL;

	if (s->is_dirty) {
		while (*at != s) {
			last = *at;
			at = &last->dirty_next;
		}
		*at = s->dirty_next;
		if (dirty_last == s)
			dirty_last = last;
	}
	rn_table[s->id] = NULL;
	next_free[s->id] = first_free;
	first_free = s->id;
	free(s);
}

void rn_mark(struct rn_socket *s, int news)
{
	s->news |= news;
	if (s->is_dirty || s->is_hidden)
		return;
	s->is_dirty = 1;
	s->dirty_next = NULL;
	if (dirty_last == NULL)
		dirty_first = s;
	else
		dirty_last->dirty_next = s;
	dirty_last = s;
}

int rn_revents_of(struct rn_socket *s)
{
	return s->type == RN_STREAM ? rn_tcp_revents(s) : rn_datagram_revents(s);
}

static void tell_dirty(void)
{
	while (dirty_first != NULL && rn_shared.dirty_count < RN_DIRTY) {
		struct rn_socket *s = dirty_first;
		struct rn_dirty *entry = &rn_shared.dirty[rn_shared.dirty_count++];

		dirty_first = s->dirty_next;
		if (dirty_first == NULL)
			dirty_last = NULL;
		entry->id = s->id;
		entry->revents = rn_revents_of(s);
		entry->news = s->news;
		s->is_dirty = 0;
		s->news = 0;
	}
	rn_shared.dirty_more = dirty_first != NULL;
}

/* Packets of the loopback interface. */

int rn_in_input;

/* lwIP answers pings, and packets that nobody wants, with a TTL of 255, and other kernels with their default. */
void rn_answer_ttl(struct pbuf *p)
{
	uint8_t *ip = p->payload;
	int header = p->len > 0 ? (ip[0] & 15) * 4 : 0;

	if (p->len > 0 && ip[0] >> 4 == 6) {
		/* Not neighbour discovery, which demands 255 (RFC 4861). */
		if (p->len > IP6_HLEN && ip[6] == IP6_NEXTH_ICMP6 && (ip[40] < 128 || ip[40] == ICMP6_TYPE_EREP))
			ip[7] = RN_TTL;
	} else if (p->len > IP_HLEN && ip[9] == IP_PROTO_ICMP) {
		struct ip_hdr *iphdr = p->payload;

		IPH_TTL_SET(iphdr, RN_TTL);
		IPH_CHKSUM_SET(iphdr, 0);
		IPH_CHKSUM_SET(iphdr, inet_chksum(iphdr, (u16_t)header));
	}
}

void rn_loop(struct pbuf *p, struct netif *netif)
{
	/* A copy: the sender keeps what it may have to send again, and the headers change on the way in. */
	struct pbuf *copy = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_RAM);

	if (copy == NULL)
		return;
	pbuf_copy(copy, p);
	copy->if_idx = netif_get_index(netif);
	/* As on Linux: what goes to an own address goes by lo, whichever interface has it. */
	rn_lo_counters.tx_packets++;
	rn_lo_counters.rx_packets++;
	rn_lo_counters.tx_bytes += p->tot_len;
	rn_lo_counters.rx_bytes += p->tot_len;
	if (rn_in_input)
		rn_answer_ttl(copy);
	rn_loop_again(copy);
}

void rn_loop_again(struct pbuf *p)
{
	/* One pbuf of its own: `next` is free to make a list. */
	if (loop_last == NULL)
		loop_first = p;
	else
		loop_last->next = p;
	loop_last = p;
}

/*
 * In the place of lwIP's own, which asks a thread for help that is not there. lwIP calls it for packets to an address of
 * the interface and to any loopback address.
 */
err_t netif_loop_output(struct netif *netif, struct pbuf *p)
{
	rn_loop(p, netif);
	return ERR_OK;
}

static int is_v6(const struct pbuf *p)
{
	return p->len > 0 && (*(const uint8_t *)p->payload >> 4) == 6;
}

/* All of 127/8 is this machine, but lwIP takes 127.0.0.1 alone for it: the interface has the packet's address for a moment. */
static void input(struct pbuf *p, struct netif *netif)
{
	ip4_addr_t to, own;

	if (is_v6(p) || p->len < IP_HLEN) {
		if (p->len >= IP6_HLEN && ((const uint8_t *)p->payload)[39] == 1 &&
		    memcmp((const uint8_t *)p->payload + 24, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15) == 0)
			netif = &rn_lo;
		if (ip_input(p, netif) != ERR_OK)
			pbuf_free(p);
		return;
	}
	memcpy(&to.addr, (const uint8_t *)p->payload + 16, 4);
	own = *netif_ip4_addr(&rn_lo);
	if (ip4_addr_isloopback(&to)) {
		netif = &rn_lo;
		ip4_addr_copy(*ip_2_ip4(&rn_lo.ip_addr), to);
	}
	if (ip_input(p, netif) != ERR_OK)
		pbuf_free(p);
	ip4_addr_copy(*ip_2_ip4(&rn_lo.ip_addr), own);
}

void rn_pump(void)
{
	if (is_pumping)
		return;
	is_pumping = 1;
	do {
		while (loop_first != NULL) {
			struct pbuf *p = loop_first;
			struct netif *netif = netif_get_by_index(p->if_idx);

			loop_first = p->next;
			if (loop_first == NULL)
				loop_last = NULL;
			p->next = NULL;
			if (netif == NULL) {
				pbuf_free(p);
				continue;
			}
			if (rn_tcp_holds(p, netif))
				continue;
			rn_before_input(p);
			rn_in_input = 1;
			input(p, netif);
			rn_in_input = 0;
		}
	} while (rn_tcp_acknowledge());
	is_pumping = 0;
}

/* Time. */

static int needs_tick(void)
{
	const struct tcp_pcb *pcb;

	if (rn_connecting > 0)
		return 1;
	/* With the loopback interface alone nothing is lost, and nothing sent again: what is old goes at the next call. */
	if (netif_list == NULL || netif_list->next == NULL)
		return 0;
	if (rn_netif_needs_tick())
		return 1;
	for (pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		if (pcb->unacked != NULL || pcb->unsent != NULL || pcb->state != ESTABLISHED ||
		    ip_get_option(pcb, SOF_KEEPALIVE))
			return 1;
	}
	return 0;
}

static void catch_up(void)
{
	uint32_t due;
	int ticks = 0;

	rn_now = milliseconds();
	if (rn_now - last_tick < TCP_TMR_INTERVAL)
		return;
	due = (rn_now - last_tick) / TCP_TMR_INTERVAL;
	last_tick += due * TCP_TMR_INTERVAL;
	while (due-- > 0 && ticks++ < TICKS_MAX) {
		rn_tcp_let_go();
		tcp_tmr();
		rn_pump();
	}
	rn_netif_tick();
}

int rn_end(int result)
{
	rn_pump();
	rn_tcp_let_go();
	if (dirty_first != NULL)
		tell_dirty();
	rn_shared.tick = needs_tick() ? (int32_t)(TCP_TMR_INTERVAL - (rn_now - last_tick)) : -1;
	if (rn_shared.tick == 0)
		rn_shared.tick = 1;
	return result;
}

/* The beginning of each call; the socket, or NULL. */
struct rn_socket *rn_begin(int id)
{
	catch_up();
	return rn_find(id);
}

/* Called when the time that rn_shared.tick said is over. */
int rn_tick(void)
{
	catch_up();
	return rn_end(0);
}

/* Fills the list of what is dirty again: TypeScript has dealt with what was in it. */
int rn_more(void)
{
	return rn_end(0);
}
