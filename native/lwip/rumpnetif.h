/* Network interfaces: what the files that deal with them share. The functions that TypeScript calls are named rn_*. */
#ifndef RUMPNETIF_H
#define RUMPNETIF_H

#include "rumpnet.h"

enum {
	RN_PORTS = 16,		/* indices of interfaces: rn_shared.outgoing has a bit for each, and one for its DHCP answers */
	RN_QUEUE = 1024,	/* frames that wait to be sent by one interface */
	RN_FRAME_MAX = 65535,	/* lwIP counts the bytes of a packet in 16 bits */
	RN_MTU_MIN = 68,	/* RFC 791 */
	RN_MTU_MAX = RN_FRAME_MAX - 14,
	RN_DHCP_BIT = 16,
	RN_BATCH = 64,		/* frames that are read before others have their turn */
};

/* rn_netif_set() */
enum { RN_IF_UP = 1, RN_IF_MTU = 2, RN_IF_DHCP = 3, RN_IF_AUTOCONF = 4 };

struct rn_netif_address {
	int32_t family;
	int32_t prefix;
	uint8_t bytes[16];
};

enum { RN_ADDRESSES = LWIP_IPV6_NUM_ADDRESSES + 1 };

/* rn_netif_get() leaves it in the staging area. */
struct rn_netif_info {
	int64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_dropped, tx_dropped;
	int32_t is_up;
	int32_t mtu;
	int32_t has_mac;
	int32_t is_default; /* the default route of IPv4 goes by this interface, to gateway4 */
	uint8_t mac[8];
	uint8_t gateway4[4];
	int32_t has_gateway6;
	uint8_t gateway6[16];
	int32_t address_count;
	int32_t unused;
	struct rn_netif_address addresses[RN_ADDRESSES];
};

struct rn_counters {
	int64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_dropped, tx_dropped;
};

/* An Ethernet interface. */
struct rn_port {
	struct netif netif;
	int index;
	struct rn_counters counters;
	/* Ring of frames to be sent. */
	struct pbuf *queue[RN_QUEUE];
	uint32_t first, count;
	/* An IP packet has been sent since this was set to 0. */
	int has_sent;
	/* A DHCP client waits for answers to this; 0: none does. */
	uint32_t dhcp_xid;
	struct pbuf *dhcp_answer;
	struct rn_link *links;
};

/* link.c */
void rn_free_links(struct rn_port *port);

/* netif.c */
struct rn_port *rn_port(int index);
extern struct rn_counters rn_lo_counters;
/* A frame that came by the interface; between rn_begin() and rn_end(). */
void rn_port_input(struct rn_port *port, const uint8_t *frame, int length);
/* The next frame to be sent, which the caller frees; NULL for none. */
struct pbuf *rn_port_next(struct rn_port *port);
/* The next seconds need ticks. */
void rn_netif_busy(void);

/* neighbours.c */
/* Notes a packet that waits for the hardware address of `hop`: its sender is told after some seconds without one. */
void rn_note_waiting(struct rn_port *port, const struct pbuf *p, const ip_addr_t *hop);
void rn_check_waiting(void);
void rn_forget_waiting(const struct rn_port *port);

#endif
