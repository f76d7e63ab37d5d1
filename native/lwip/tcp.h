/* What the files of stream sockets share. */
#ifndef RUMPNET_TCP_H
#define RUMPNET_TCP_H

#include "rumpnet.h"

#include "lwip/priv/tcp_priv.h"

/* pcb->prio of sockets with SO_REUSEADDR, so that it outlives the socket; lwIP uses it only when memory is short. */
enum { PRIO_REUSE = TCP_PRIO_NORMAL + 1 };
/* The least room that poll(2) calls writable (a third is Linux's sk_stream_is_writeable). */
enum { LOW_WATER = TCP_SND_BUF / 3, QUEUE_LOW_WATER = TCP_SND_QUEUELEN / 2 };

static inline struct tcp_pcb *rn_pcb(const struct rn_socket *s)
{
	return s->pcb.tcp;
}

/* tcp.c */
void rn_attach(struct rn_socket *s, struct tcp_pcb *pcb);
void rn_detach(struct tcp_pcb *pcb);
void rn_end_connecting(struct rn_socket *s, enum rn_state state);
void rn_close_connection(struct rn_socket *s);
void rn_tcp_done(struct rn_socket *s);

/* tcp_listen.c */
void rn_close_listener(struct rn_socket *s);

/* tcp_data.c */
err_t rn_on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error);
int rn_is_writable(const struct tcp_pcb *pcb);
void rn_drop_received(struct rn_socket *s);
void rn_forget_acknowledge(struct rn_socket *s);

/* tcp_syn.c */
void rn_release_syns(struct rn_socket *s, int count);

#endif
