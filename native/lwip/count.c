/* How much there is of what calls make: tests hold it against what it was before. */
#include "rumpnet.h"

#include <errno.h>

#include "lwip/priv/tcp_priv.h"

enum { COUNT_SOCKETS, COUNT_CONNECTIONS, COUNT_LISTENERS, COUNT_UDP, COUNT_BYTES };

static int length_of(const struct tcp_pcb *pcb)
{
	int count = 0;

	for (; pcb != NULL; pcb = pcb->next)
		count++;
	return count;
}

static int count_listeners(void)
{
	const struct tcp_pcb_listen *pcb;
	int count = 0;

	for (pcb = tcp_listen_pcbs.listen_pcbs; pcb != NULL; pcb = pcb->next)
		count++;
	return count;
}

static int count_sockets(int is_bytes)
{
	int count = 0;
	int i;

	for (i = 0; i < rn_table_size; i++) {
		const struct rn_socket *s = rn_table[i];

		if (s != NULL)
			count += is_bytes ? (int)(s->rx_bytes + s->dg_bytes) : 1;
	}
	return count;
}

/* Those in TIME_WAIT are not counted: time alone ends them. -EINVAL for what is not known. */
int rn_count(int what)
{
	const struct udp_pcb *udp;
	int count = 0;

	switch (what) {
	case COUNT_SOCKETS:
		return count_sockets(0);
	case COUNT_CONNECTIONS:
		return length_of(tcp_active_pcbs) + length_of(tcp_bound_pcbs);
	case COUNT_LISTENERS:
		return count_listeners();
	case COUNT_UDP:
		for (udp = udp_pcbs; udp != NULL; udp = udp->next)
			count++;
		return count;
	case COUNT_BYTES:
		return count_sockets(1);
	default:
		return -EINVAL;
	}
}
