/* Groups: which of them a socket hears, by which interface. */
#include "rumpnet.h"

#include <errno.h>
#include <stdlib.h>

#include "lwip/igmp.h"
#include "lwip/mld6.h"

static void leave(const struct rn_membership *m)
{
	struct netif *netif = netif_get_by_index((uint8_t)m->interface);

	if (netif == NULL)
		return;
	if (IP_IS_V4_VAL(m->group))
		igmp_leavegroup_netif(netif, ip_2_ip4(&m->group));
	else
		mld6_leavegroup_netif(netif, ip_2_ip6(&m->group));
}

/* The end of a socket. */
void rn_leave_all(struct rn_socket *s)
{
	while (s->memberships != NULL) {
		struct rn_membership *m = s->memberships;

		s->memberships = m->next;
		leave(m);
		free(m);
	}
}

static struct netif *group_netif(const struct rn_socket *s, const ip_addr_t *group, int interface)
{
	if (interface > 0)
		return netif_get_by_index((uint8_t)interface);
	return rn_route(s, group);
}

static int join(struct rn_socket *s, const ip_addr_t *group, struct netif *netif)
{
	struct rn_membership *m = calloc(1, sizeof(*m));
	err_t error;

	if (m == NULL)
		return -ENOBUFS;
	error = IP_IS_V4_VAL(*group) ? igmp_joingroup_netif(netif, ip_2_ip4(group)) :
				       mld6_joingroup_netif(netif, ip_2_ip6(group));
	if (error != ERR_OK) {
		free(m);
		return error == ERR_VAL ? -EOPNOTSUPP : rn_errno(error);
	}
	m->group = *group;
	m->interface = netif_get_index(netif);
	m->next = s->memberships;
	s->memberships = m;
	return 0;
}

/* Joins the group in rn_shared.address, or leaves it. `interface` 0: by route. */
int rn_join(int id, int interface, int is_leave)
{
	struct rn_socket *s = rn_begin(id);
	struct rn_membership **at;
	struct netif *netif;
	ip_addr_t group;

	if (s == NULL)
		return rn_end(-EBADF);
	if (rn_get_address(s, &rn_shared.address, &group) < 0 || (!is_leave && !ip_addr_ismulticast(&group)))
		return rn_end(-EINVAL);
	netif = group_netif(s, &group, interface);
	for (at = &s->memberships; *at != NULL; at = &(*at)->next) {
		struct rn_membership *m = *at;

		if (!ip_addr_cmp_zoneless(&m->group, &group) ||
		    (netif != NULL && m->interface != netif_get_index(netif)))
			continue;
		if (!is_leave)
			return rn_end(-EADDRINUSE);
		*at = m->next;
		leave(m);
		free(m);
		return rn_end(0);
	}
	/* Whoever leaves is told that there is no interface only when IPv4 has no route (ip_mc_leave_group()). */
	if (is_leave)
		return rn_end(netif == NULL && interface == 0 && IP_IS_V4_VAL(group) ? -ENODEV : -EADDRNOTAVAIL);
	return rn_end(netif == NULL ? -ENODEV : join(s, &group, netif));
}
