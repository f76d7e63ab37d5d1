/* Interfaces: lo0, which is up from the start. */
#include "rumpnet.h"

#include "lwip/ip.h"

struct netif rn_lo;

static err_t output_v4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	/* lwIP itself loops what is for many, when the socket wants that. */
	if (!ip4_addr_ismulticast(to))
		rn_loop(p, netif);
	return ERR_OK;
}

static err_t output_v6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
	if (!ip6_addr_ismulticast(to))
		rn_loop(p, netif);
	return ERR_OK;
}

static err_t start_lo(struct netif *netif)
{
	netif->name[0] = 'l';
	netif->name[1] = 'o';
	netif->output = output_v4;
	netif->output_ip6 = output_v6;
	netif->mtu = 65535;
	netif->flags |= NETIF_FLAG_IGMP | NETIF_FLAG_MLD6 | NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

int rn_netif_init(void)
{
	ip4_addr_t address, mask, none;
	ip6_addr_t loopback;

	IP4_ADDR(&address, 127, 0, 0, 1);
	IP4_ADDR(&mask, 255, 0, 0, 0);
	ip4_addr_set_zero(&none);
	if (netif_add(&rn_lo, &address, &mask, &none, NULL, start_lo, ip_input) == NULL)
		return -1;
	ip6_addr_set_loopback(&loopback);
	netif_ip6_addr_set(&rn_lo, 0, &loopback);
	netif_ip6_addr_set_state(&rn_lo, 0, IP6_ADDR_PREFERRED);
	netif_set_up(&rn_lo);
	netif_set_link_up(&rn_lo);
	return 0;
}

int rn_netif_needs_tick(void)
{
	return 0;
}

void rn_netif_tick(void)
{
}
