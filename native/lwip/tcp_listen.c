/* Listening stream sockets: those that wait to be accepted. */
#include "tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/ip.h"

static void inherit(struct rn_socket *s, const struct rn_socket *from)
{
	s->reuseaddr = from->reuseaddr;
	s->reuseport = from->reuseport;
	s->keepalive = from->keepalive;
	s->keepidle = from->keepidle;
	s->keepintvl = from->keepintvl;
	s->keepcnt = from->keepcnt;
	s->nodelay = from->nodelay;
	s->rcvbuf = from->rcvbuf;
	s->v6only = from->v6only;
	s->ttl = from->ttl;
	s->tos = from->tos;
	s->linger_zero = from->linger_zero;
	s->device = from->device;
	s->low_water = from->low_water;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
	struct rn_socket *s = arg;
	struct rn_socket *child;

	if (s == NULL || pcb == NULL || error != ERR_OK)
		return ERR_VAL;
	child = rn_new(s->domain, RN_STREAM, s->protocol);
	if (child == NULL)
		return ERR_MEM;
	inherit(child, s);
	child->is_hidden = 1;
	child->state = RN_CONNECTED;
	child->local_ip = pcb->local_ip;
	child->peer_ip = pcb->remote_ip;
	child->local_port = child->held_port = pcb->local_port;
	child->peer_port = pcb->remote_port;
	child->bound_ip = s->bound_ip;
	child->has_peer = child->bound = 1;
	child->listener = s;
	rn_attach(child, pcb);
	if (s->accept_tail == NULL)
		s->accept_head = child;
	else
		s->accept_tail->accept_next = child;
	s->accept_tail = child;
	s->queued++;
	rn_mark(s, 1);
	return ERR_OK;
}

int rn_tcp_listen(struct rn_socket *s, int backlog)
{
	struct tcp_pcb *pcb, *listening;
	int is_dual = IP_IS_V6_VAL(s->local_ip) && ip_addr_isany_val(s->local_ip) && !s->v6only;
	err_t error;

	if (s->held_port == 0) {
		s->local_port = s->held_port = (uint16_t)rn_ephemeral(s, &s->local_ip);
		if (s->held_port == 0)
			return -EADDRINUSE;
		s->bound = 1;
	} else if (rn_conflicts(s, &s->local_ip, s->local_port, 1)) {
		return -EADDRINUSE;
	}
	pcb = tcp_new_ip_type(is_dual ? IPADDR_TYPE_ANY : IP_GET_TYPE(&s->local_ip));
	if (pcb == NULL)
		return -ENOBUFS;
	ip_set_option(pcb, SOF_REUSEADDR);
	if (s->device > 0)
		tcp_bind_netif(pcb, netif_get_by_index((uint8_t)s->device));
	error = tcp_bind(pcb, is_dual ? IP_ANY_TYPE : &s->local_ip, s->local_port);
	/* Who may share a port was decided above. */
	ip_reset_option(pcb, SOF_REUSEADDR);
	listening = error == ERR_OK ? tcp_listen_with_backlog_and_err(pcb, 0, &error) : NULL;
	if (listening == NULL) {
		tcp_abort(pcb);
		return rn_errno(error);
	}
	s->pcb.tcp = listening;
	tcp_arg(listening, s);
	tcp_accept(listening, on_accept);
	s->state = RN_LISTEN;
	s->backlog = backlog;
	rn_mark(s, 0);
	return 0;
}

/* accept(2): the new socket's number, or -EAGAIN; its peer is in rn_shared.address. */
int rn_accept(int id)
{
	struct rn_socket *s = rn_begin(id);
	struct rn_socket *child;

	if (s == NULL || s->state != RN_LISTEN)
		return rn_end(-EINVAL);
	child = s->accept_head;
	if (child == NULL)
		return rn_end(-EAGAIN);
	s->accept_head = child->accept_next;
	if (s->accept_head == NULL)
		s->accept_tail = NULL;
	s->queued--;
	child->accept_next = child->listener = NULL;
	child->is_hidden = 0;
	rn_put_address(&rn_shared.address, s->domain, &child->peer_ip, child->peer_port);
	if (s->queued <= s->backlog)
		rn_release_syns(s, s->backlog + 1 - s->queued);
	rn_mark(s, 0);
	rn_mark(child, 0);
	return rn_end(child->id);
}

void rn_close_listener(struct rn_socket *s)
{
	struct tcp_pcb *pcb = rn_pcb(s);

	s->state = RN_CLOSED;
	s->pcb.any = NULL;
	tcp_arg(pcb, NULL);
	tcp_close(pcb);
	while (s->accept_head != NULL) {
		struct rn_socket *child = s->accept_head;

		s->accept_head = child->accept_next;
		child->linger_zero = 1;
		rn_close_connection(child);
		rn_delete(child);
	}
	s->accept_tail = NULL;
	s->queued = 0;
	/* They find nobody now, and are refused. */
	rn_release_syns(s, s->syn_count);
}
