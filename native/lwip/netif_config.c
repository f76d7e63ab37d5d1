/* What an interface has: addresses, gateways, being up. */
#include "rumpnetif.h"

#include <errno.h>
#include <string.h>

#include "lwip/etharp.h"
#include "lwip/ip.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"

/* lwIP knows no other length for networks of IPv6. */
enum { PREFIX_V6 = 64, PREFIX_HOST_V6 = 128 };

static struct netif *netif_of(int index)
{
	struct rn_port *port = rn_port(index);

	if (port != NULL)
		return &port->netif;
	return index == netif_get_index(&rn_lo) ? &rn_lo : NULL;
}

static ip6_addr_t shared_v6(void)
{
	ip6_addr_t address;

	memset(&address, 0, sizeof(address));
	memcpy(address.addr, rn_shared.address.bytes, 16);
	return address;
}

static ip4_addr_t shared_v4(void)
{
	ip4_addr_t address;

	memcpy(&address.addr, rn_shared.address.bytes, 4);
	return address;
}

static void set_link_local(struct netif *netif)
{
	if (netif == &rn_lo || !ip6_addr_isinvalid(netif_ip6_addr_state(netif, 0)))
		return;
	netif_create_ip6_linklocal_address(netif, 1);
	/* It is made of a hardware address that is nobody else's: there is nothing to be detected. */
	netif_ip6_addr_set_state(netif, 0, IP6_ADDR_PREFERRED);
}

static int set_mtu(struct netif *netif, int mtu)
{
	if (netif == &rn_lo)
		return mtu == netif->mtu ? 0 : -EOPNOTSUPP;
	if (mtu < RN_MTU_MIN || mtu > RN_MTU_MAX)
		return -EINVAL;
	netif->mtu = netif->mtu6 = (uint16_t)mtu;
	return 0;
}

/* RN_IF_UP: 0 or 1; RN_IF_MTU: bytes; RN_IF_DHCP: the transaction, 0 for none; RN_IF_AUTOCONF: 0 or 1. */
int rn_netif_set(int index, int what, int value)
{
	struct netif *netif = netif_of(index);
	int result = 0;

	if (netif == NULL)
		return -ENODEV;
	rn_begin(-1);
	switch (what) {
	case RN_IF_UP:
		if (value) {
			set_link_local(netif);
			netif_set_up(netif);
		} else {
			netif_set_down(netif);
		}
		break;
	case RN_IF_MTU:
		result = set_mtu(netif, value);
		break;
	case RN_IF_DHCP:
		if (netif == &rn_lo)
			return rn_end(-EOPNOTSUPP);
		rn_port(index)->dhcp_xid = (uint32_t)value;
		break;
	case RN_IF_AUTOCONF:
		netif_set_ip6_autoconfig_enabled(netif, value != 0);
		break;
	default:
		result = -EINVAL;
	}
	return rn_end(result);
}

static int add_v4(struct netif *netif, int prefix)
{
	ip4_addr_t address = shared_v4();
	ip4_addr_t mask, none;

	if (prefix < 0 || prefix > 32 || ip4_addr_isany_val(address) || ip4_addr_ismulticast(&address))
		return -EINVAL;
	mask.addr = prefix == 0 ? 0 : lwip_htonl(0xffffffffu << (32 - prefix));
	if (ip4_addr_cmp(netif_ip4_addr(netif), &address)) {
		if (ip4_addr_cmp(netif_ip4_netmask(netif), &mask))
			return -EEXIST;
		/* The address in another network: connections stay. */
		netif_set_netmask(netif, &mask);
		return 0;
	}
	/* lwIP has one for each interface. */
	if (!ip4_addr_isany(netif_ip4_addr(netif)))
		return -EOPNOTSUPP;
	ip4_addr_set_zero(&none);
	netif_set_addr(netif, &address, &mask, &none);
	return 0;
}

static int remove_v4(struct netif *netif)
{
	ip4_addr_t address = shared_v4();
	ip4_addr_t none;

	if (ip4_addr_isany_val(address) || !ip4_addr_cmp(netif_ip4_addr(netif), &address))
		return -EADDRNOTAVAIL;
	ip4_addr_set_zero(&none);
	netif_set_addr(netif, &none, &none, &none);
	if (netif_default == netif)
		netif_set_default(NULL);
	return 0;
}

static int find_v6(const struct netif *netif, const ip6_addr_t *address)
{
	int i;

	for (i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
		if (!ip6_addr_isinvalid(netif_ip6_addr_state(netif, i)) &&
		    ip6_addr_cmp_zoneless(netif_ip6_addr(netif, i), address))
			return i;
	}
	return -1;
}

static int add_v6(struct netif *netif, int prefix)
{
	ip6_addr_t address = shared_v6();
	int slot;

	if (prefix < 0 || prefix > 128 || ip6_addr_isany_val(address) || ip6_addr_ismulticast(&address))
		return -EINVAL;
	if (find_v6(netif, &address) >= 0)
		return -EEXIST;
	if (prefix != PREFIX_V6 && !(netif == &rn_lo && prefix == PREFIX_HOST_V6))
		return -EOPNOTSUPP;
	/* The first is for the link-local address. */
	for (slot = 1; slot < LWIP_IPV6_NUM_ADDRESSES; slot++) {
		if (ip6_addr_isinvalid(netif_ip6_addr_state(netif, slot)))
			break;
	}
	if (slot == LWIP_IPV6_NUM_ADDRESSES)
		return -ENOSPC;
	if (ip6_addr_islinklocal(&address))
		ip6_addr_assign_zone(&address, IP6_UNICAST, netif);
	netif_ip6_addr_set(netif, (int8_t)slot, &address);
	netif_ip6_addr_set_valid_life(netif, slot, IP6_ADDR_LIFE_STATIC);
	netif_ip6_addr_set_pref_life(netif, slot, IP6_ADDR_LIFE_STATIC);
	netif_ip6_addr_set_state(netif, (int8_t)slot, IP6_ADDR_PREFERRED);
	return 0;
}

static int remove_v6(struct netif *netif)
{
	ip6_addr_t address = shared_v6();
	int slot = find_v6(netif, &address);

	if (slot < 0)
		return -EADDRNOTAVAIL;
	netif_ip6_addr_set_state(netif, (int8_t)slot, IP6_ADDR_INVALID);
	return 0;
}

/* Adds or removes the address in rn_shared.address: -EEXIST, -EADDRNOTAVAIL, -EOPNOTSUPP, -ENOSPC. */
int rn_netif_address(int index, int prefix, int remove)
{
	struct netif *netif = netif_of(index);
	int is_v6 = rn_shared.address.family == RN_INET6;

	if (netif == NULL)
		return -ENODEV;
	rn_begin(-1);
	if (remove)
		return rn_end(is_v6 ? remove_v6(netif) : remove_v4(netif));
	return rn_end(is_v6 ? add_v6(netif, prefix) : add_v4(netif, prefix));
}

static int set_gateway_v4(struct netif *netif, int remove)
{
	ip4_addr_t gateway = shared_v4();
	ip4_addr_t none;

	if (remove) {
		if (netif_default != netif || !ip4_addr_cmp(netif_ip4_gw(netif), &gateway))
			return -ESRCH;
		ip4_addr_set_zero(&none);
		netif_set_gw(netif, &none);
		netif_set_default(NULL);
		return 0;
	}
	if (netif_default != NULL)
		return -EEXIST;
	if (ip4_addr_isany_val(gateway) || ip4_addr_isany(netif_ip4_addr(netif)) ||
	    !ip4_addr_netcmp(&gateway, netif_ip4_addr(netif), netif_ip4_netmask(netif)))
		return -ENETUNREACH;
	netif_set_gw(netif, &gateway);
	netif_set_default(netif);
	return 0;
}

/* Routers that were set here: lwIP learns them from their advertisements alone. */
static int find_router(const struct netif *netif, const ip6_addr_t *gateway)
{
	int i;

	for (i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
		const struct nd6_neighbor_cache_entry *entry = default_router_list[i].neighbor_entry;

		if (entry != NULL && entry->netif == netif &&
		    (gateway == NULL || ip6_addr_cmp_zoneless(&entry->next_hop_address, gateway)))
			return i;
	}
	return -1;
}

static int is_on_link(const struct netif *netif, const ip6_addr_t *gateway)
{
	int i;

	if (ip6_addr_islinklocal(gateway))
		return 1;
	for (i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
		if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) &&
		    ip6_addr_netcmp_zoneless(netif_ip6_addr(netif, i), gateway))
			return 1;
	}
	return 0;
}

static struct nd6_neighbor_cache_entry *neighbour(struct netif *netif, const ip6_addr_t *ip)
{
	struct nd6_neighbor_cache_entry *entry = NULL;
	int i;

	for (i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		if (neighbor_cache[i].state == ND6_NO_ENTRY)
			entry = &neighbor_cache[i];
		else if (neighbor_cache[i].netif == netif && ip6_addr_cmp(&neighbor_cache[i].next_hop_address, ip))
			return &neighbor_cache[i];
	}
	if (entry == NULL)
		return NULL;
	memset(entry, 0, sizeof(*entry));
	entry->next_hop_address = *ip;
	entry->netif = netif;
	/* The next tick asks for its hardware address. */
	entry->state = ND6_INCOMPLETE;
	return entry;
}

static int set_gateway_v6(struct netif *netif, int remove)
{
	ip6_addr_t gateway = shared_v6();
	struct nd6_neighbor_cache_entry *entry;
	int slot = find_router(netif, &gateway);

	if (remove) {
		if (slot < 0)
			return -ESRCH;
		default_router_list[slot].neighbor_entry->isrouter = 0;
		memset(&default_router_list[slot], 0, sizeof(default_router_list[slot]));
		nd6_clear_destination_cache();
		return 0;
	}
	if (slot >= 0)
		return -EEXIST;
	if (!is_on_link(netif, &gateway))
		return -ENETUNREACH;
	for (slot = 0; slot < LWIP_ND6_NUM_ROUTERS; slot++) {
		if (default_router_list[slot].neighbor_entry == NULL)
			break;
	}
	ip6_addr_assign_zone(&gateway, IP6_UNICAST, netif);
	entry = slot < LWIP_ND6_NUM_ROUTERS ? neighbour(netif, &gateway) : NULL;
	if (entry == NULL)
		return -ENOSPC;
	entry->isrouter = 1;
	default_router_list[slot].neighbor_entry = entry;
	default_router_list[slot].invalidation_timer = UINT32_MAX;
	rn_netif_busy();
	return 0;
}

/* Makes the address in rn_shared.address the gateway of the default route by this interface, or takes it away. */
int rn_netif_gateway(int index, int remove)
{
	struct rn_port *port = rn_port(index);

	if (port == NULL)
		return index == netif_get_index(&rn_lo) ? -EOPNOTSUPP : -ENODEV;
	rn_begin(-1);
	if (rn_shared.address.family == RN_INET6)
		return rn_end(set_gateway_v6(&port->netif, remove));
	return rn_end(set_gateway_v4(&port->netif, remove));
}

static int prefix_of(const ip4_addr_t *mask)
{
	return __builtin_popcount(mask->addr);
}

static void add_address(struct rn_netif_info *info, int family, int prefix, const void *bytes, size_t length)
{
	struct rn_netif_address *address = &info->addresses[info->address_count++];

	address->family = family;
	address->prefix = prefix;
	memcpy(address->bytes, bytes, length);
}

static void list_addresses(const struct netif *netif, struct rn_netif_info *info)
{
	int i;

	if (!ip4_addr_isany(netif_ip4_addr(netif)))
		add_address(info, RN_INET, prefix_of(netif_ip4_netmask(netif)), &netif_ip4_addr(netif)->addr, 4);
	for (i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
		const ip6_addr_t *address = netif_ip6_addr(netif, i);

		if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)))
			add_address(info, RN_INET6, ip6_addr_isloopback(address) ? PREFIX_HOST_V6 : PREFIX_V6,
				    address->addr, 16);
	}
}

/* Puts a struct rn_netif_info into the staging area. */
int rn_netif_get(int index)
{
	struct netif *netif = netif_of(index);
	struct rn_port *port = rn_port(index);
	struct rn_netif_info info;
	int router;

	if (netif == NULL)
		return -ENODEV;
	memset(&info, 0, sizeof(info));
	memcpy(&info, port != NULL ? &port->counters : &rn_lo_counters, sizeof(struct rn_counters));
	info.is_up = netif_is_up(netif) != 0;
	info.mtu = netif->mtu;
	if (port != NULL) {
		info.has_mac = 1;
		memcpy(info.mac, netif->hwaddr, ETH_HWADDR_LEN);
		info.is_default = netif_default == netif;
		memcpy(info.gateway4, &netif_ip4_gw(netif)->addr, 4);
		router = find_router(netif, NULL);
		if (router >= 0) {
			info.has_gateway6 = 1;
			memcpy(info.gateway6, default_router_list[router].neighbor_entry->next_hop_address.addr, 16);
		}
	}
	list_addresses(netif, &info);
	memcpy(rn_shared.staging, &info, sizeof(info));
	return sizeof(info);
}
