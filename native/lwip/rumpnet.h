/*
 * Sockets over lwIP's raw API, all in one thread; src/kernel/net/stack.ts is the other side. Each function that it calls is
 * named rn_*, gives a number >= 0 or -errno, and has dealt with all packets on the loopback interface when it returns.
 */
#ifndef RUMPNET_H
#define RUMPNET_H

#include <stdint.h>

#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/prot/ip.h"
#include "lwip/raw.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

/* poll(2)'s bits (asm-generic/poll.h). */
enum { RN_POLLIN = 1, RN_POLLOUT = 4, RN_POLLERR = 8, RN_POLLHUP = 0x10, RN_POLLRDHUP = 0x2000 };
/* Address families and types of Linux (bits/socket.h). */
enum { RN_INET = 2, RN_INET6 = 10 };
enum { RN_STREAM = 1, RN_DGRAM = 2, RN_RAW = 3 };
enum { RN_SHUT_RD = 0, RN_SHUT_WR = 1, RN_SHUT_RDWR = 2 };
/* Flags of rn_send() and rn_receive(). */
enum { RN_PEEK = 1, RN_DONTROUTE = 2, RN_DONTWAIT = 4 };

enum { RN_STAGING = 256 * 1024, RN_DIRTY = 512 };

struct rn_address {
	int32_t family; /* RN_INET, RN_INET6; 0: none */
	int32_t port;	/* host order */
	uint8_t bytes[16];
	int32_t scope; /* the interface of a link-local address, 0: none */
};

/* A socket whose readiness may have changed. */
struct rn_dirty {
	int32_t id;
	int32_t revents;
	int32_t news; /* 1: something new came, though revents may be as before */
};

/* What calls take and give besides their numbers; TypeScript has a view of it. */
struct rn_shared {
	struct rn_address address; /* of bind, connect, send, join; the other side's of receive, accept, name */
	struct rn_address local;   /* of receive: where the datagram was sent to; of send: where from, family 0 for any */
	int32_t interface;	   /* of receive: the interface it came by; of send: that it has to go by, 0 for any */
	int32_t ttl;		   /* of receive; of send: 0 for the socket's */
	int32_t tos;		   /* of receive; of send: -1 for the socket's */
	int32_t length;		   /* of receive: of the whole datagram */
	int32_t tick;		   /* milliseconds until rn_tick() has to be called, -1: nothing waits for a time */
	int32_t dirty_count;
	int32_t dirty_more; /* 1: rn_more() has further ones */
	int32_t outgoing;   /* interfaces with frames to be sent: bit (1 << index) */
	struct rn_dirty dirty[RN_DIRTY];
	uint8_t staging[RN_STAGING];
};
extern struct rn_shared rn_shared;

/* linux/in.h */
enum { IPPROTO_RAW_NUMBER = 255 };
/* struct icmp6_filter of linux/icmpv6.h: 256 bits */
enum { ICMP6_FILTER_WORDS = 8 };
/* Linux's net.ipv4.ip_default_ttl and net.ipv6.conf.default.hop_limit. */
enum { RN_TTL = 64 };

/* What a socket is to its program; a connection that is over is closed, and its bits of shutdown(2) are set. */
enum rn_state { RN_CLOSED, RN_LISTEN, RN_CONNECTING, RN_CONNECTED };

/* rn_set() and rn_get(). */
enum rn_option {
	RN_OPT_REUSEADDR = 1,
	RN_OPT_REUSEPORT = 2,
	RN_OPT_BROADCAST = 3,
	RN_OPT_KEEPALIVE = 4,
	RN_OPT_KEEPIDLE = 5,  /* seconds */
	RN_OPT_KEEPINTVL = 6, /* seconds */
	RN_OPT_KEEPCNT = 7,
	RN_OPT_NODELAY = 8,
	RN_OPT_RCVBUF = 9, /* bytes */
	RN_OPT_TTL = 10,
	RN_OPT_TOS = 11,
	RN_OPT_V6ONLY = 12,
	RN_OPT_MULTICAST_TTL = 13,
	RN_OPT_MULTICAST_IF = 14, /* index, 0: by route */
	RN_OPT_MULTICAST_LOOP = 15,
	RN_OPT_LINGER_ZERO = 16,
	RN_OPT_HDRINCL = 17,
	RN_OPT_FREEBIND = 18,
	RN_OPT_BINDTODEVICE = 19, /* index, 0: none */
	RN_OPT_ICMP_FILTER = 20,  /* bits of blocked types 0 to 31 (linux/icmp.h) */
	RN_OPT_CHECKSUM = 21,	  /* IPV6_CHECKSUM's offset, -1: none */
	RN_OPT_ICMP6_FILTER = 22, /* and the next 7: bits of blocked types (linux/icmpv6.h) */
	RN_OPT_RCVLOWAT = 30,	  /* bytes; streams only */
	/* Only rn_get(). */
	RN_GET_ERROR = 64,    /* SO_ERROR: a positive errno, and none from then on */
	RN_GET_READABLE = 65, /* FIONREAD: bytes */
	RN_GET_UNSENT = 66,   /* SIOCOUTQ: bytes */
	RN_GET_STATE = 67,    /* TCP_* of linux/tcp_states.h */
	RN_GET_MSS = 68,
	RN_GET_MTU = 69, /* of the way to the peer, -ENOTCONN */
	RN_GET_RTO = 70, /* milliseconds */
	RN_GET_CWND = 71,
	RN_GET_SNDWND = 72,
	RN_GET_RCVWND = 73,
	RN_GET_RETRANSMITS = 74,
	RN_GET_DROPS = 75, /* datagrams for which there was no room */
	RN_GET_PORT = 76,  /* the port that is the socket's, 0: none */
};

struct rn_datagram {
	struct rn_datagram *next;
	struct pbuf *p;
	struct rn_address from, to;
	int32_t interface, ttl, tos;
};

struct rn_membership {
	struct rn_membership *next;
	ip_addr_t group;
	int interface;
};

struct rn_socket {
	int id;
	int domain, type, protocol;
	enum rn_state state;
	int error; /* SO_ERROR */
	int bound; /* local_ip and port hold what bind or an implicit bind gave */
	int bound_port; /* bind(2) named the port: it outlives a connection that failed */
	/* In the list of what has changed. */
	struct rn_socket *dirty_next;
	int is_dirty, news, is_hidden;
	union {
		struct tcp_pcb *tcp;
		struct udp_pcb *udp;
		struct raw_pcb *raw;
		void *any;
	} pcb;
	ip_addr_t local_ip, peer_ip;
	ip_addr_t bound_ip; /* what bind(2) gave, or any */
	uint16_t local_port, peer_port; /* local_port: as getsockname(2) tells it */
	uint16_t held_port;		/* the port that is the socket's, 0: none (inet_num of net/inet_sock.h) */
	int has_peer;

	/* Streams: received bytes are a chain of pbufs, `rx_offset` into the first. */
	struct pbuf **rx; /* ring of rx_room pbufs */
	uint32_t rx_room, rx_first, rx_count;
	uint32_t rx_bytes, rx_offset, withheld;
	int was_full; /* a send found no room, or left none */
	uint32_t low_water; /* bytes that poll(2) calls readable */
	int eof; /* the other side has ended (SOCK_DONE of net/sock.h) */
	int shut_read, shut_write;
	struct rn_socket *ack_next;
	int is_in_acks;

	/* Listeners. */
	struct rn_socket *accept_head, *accept_tail, *accept_next, *listener;
	int backlog, queued;
	struct pbuf *syn_head, *syn_tail; /* SYNs for which there was no room */
	int syn_count;

	/* Datagrams. */
	struct rn_datagram *dg_head, *dg_tail;
	uint32_t dg_bytes, drops;
	struct rn_membership *memberships;

	/* Options. */
	int reuseaddr, reuseport, broadcast, keepalive, nodelay, v6only, linger_zero, hdrincl, freebind, device;
	uint32_t keepidle, keepintvl, keepcnt, rcvbuf;
	int ttl, tos, multicast_ttl, multicast_if, multicast_loop, checksum;
	uint32_t icmp_filter;
	uint32_t icmp6_filter[ICMP6_FILTER_WORDS];
};

/* core.c */
struct rn_socket *rn_find(int id);
struct rn_socket *rn_new(int domain, int type, int protocol);
void rn_delete(struct rn_socket *s);
void rn_mark(struct rn_socket *s, int news);
int rn_revents_of(struct rn_socket *s);
/* The beginning of each call: the time, and the socket, NULL when there is none. */
struct rn_socket *rn_begin(int id);
/* The end of each call: packets, acknowledgements, what is dirty. */
int rn_end(int result);
/* Deals with all packets that are under way on the loopback interface. */
void rn_pump(void);
/* Each packet that comes by an interface passes here first: an ICMP error tells the socket whose packet it is about. (unreachable.c) */
void rn_before_input(const struct pbuf *p);
int rn_errno(err_t error);
extern struct rn_socket **rn_table;
extern int rn_table_size;
extern uint32_t rn_now; /* milliseconds */
/* Packets of the loopback interface. */
void rn_loop(struct pbuf *p, struct netif *netif);
/* A packet is being taken in: what is sent meanwhile are lwIP's own answers. */
extern int rn_in_input;
void rn_answer_ttl(struct pbuf *p);
/* The same, of a packet that came by an interface already and is the queue's from now on. */
void rn_loop_again(struct pbuf *p);

/* address.c */
void rn_put_address(struct rn_address *out, int domain, const ip_addr_t *ip, int port);
int rn_get_address(const struct rn_socket *s, const struct rn_address *in, ip_addr_t *ip);
int rn_is_local(const ip_addr_t *ip);
int rn_is_broadcast(const ip_addr_t *ip, const struct netif *netif);
int rn_conflicts(const struct rn_socket *s, const ip_addr_t *ip, int port, int listening);
void rn_resolve_any(const struct rn_socket *s, ip_addr_t *to);
int rn_ephemeral(const struct rn_socket *s, const ip_addr_t *ip);
struct netif *rn_route(const struct rn_socket *s, const ip_addr_t *to);
int rn_source(const struct rn_socket *s, struct netif *netif, const ip_addr_t *to, ip_addr_t *from);

/* multicast.c */
void rn_leave_all(struct rn_socket *s);

/* tcp.c */
void rn_tcp_close(struct rn_socket *s);
int rn_tcp_revents(const struct rn_socket *s);
int rn_tcp_connect(struct rn_socket *s, const ip_addr_t *ip, int port);
int rn_tcp_listen(struct rn_socket *s, int backlog);
int rn_tcp_shutdown(struct rn_socket *s, int how);
int rn_tcp_send(struct rn_socket *s, int length);
int rn_tcp_receive(struct rn_socket *s, int length, int offset, int flags);
int rn_tcp_get(struct rn_socket *s, int what);
void rn_tcp_apply(struct rn_socket *s);
/* 1 when the segment has to wait, and was kept: a SYN for a listener whose queue is full. */
int rn_tcp_holds(struct pbuf *p, struct netif *netif);
/* Acknowledges what was received: nobody waits for a timer on the loopback interface. 1 when it sent something. */
int rn_tcp_acknowledge(void);
void rn_tcp_let_go(void);
/* A connection that could not be made because of what an ICMP error said. */
void rn_tcp_unreachable(struct rn_socket *s, int error);
/* connect(2) with AF_UNSPEC: as it was when it was new, but for options and what bind(2) gave. */
void rn_tcp_disconnect(struct rn_socket *s);
extern int rn_connecting;

static inline int rn_is_udp(const struct rn_socket *s)
{
	return s->type == RN_DGRAM && s->protocol == IP_PROTO_UDP;
}

static inline int rn_is_ping(const struct rn_socket *s)
{
	return s->type == RN_DGRAM && s->protocol != IP_PROTO_UDP;
}

/* datagram.c */
int rn_datagram_open(struct rn_socket *s, const ip_addr_t *ip, int port);
void rn_datagram_close(struct rn_socket *s);
int rn_datagram_revents(const struct rn_socket *s);
int rn_datagram_connect(struct rn_socket *s, const ip_addr_t *ip, int port);
void rn_datagram_disconnect(struct rn_socket *s);
int rn_datagram_receive(struct rn_socket *s, int length, int flags);
void rn_datagram_apply(struct rn_socket *s);

/* datagram_out.c */
int rn_datagram_send(struct rn_socket *s, int length);
/* A pending error, which is none from then on: 0 or -errno. */
int rn_take_error(struct rn_socket *s);

/* netif.c */
int rn_netif_init(void);
/* Called with each frame's interface before it is sent or after it has come: the next seconds need ticks. */
int rn_netif_needs_tick(void);
void rn_netif_tick(void);
extern struct netif rn_lo;

#endif
