#include "rumpnet.h"
#include "lwip/ip.h"
struct netif rn_lo;
static err_t out4(struct netif *n, struct pbuf *p, const ip4_addr_t *a){ if(!ip4_addr_ismulticast(a)) rn_loop(p,n); return ERR_OK;}
static err_t out6(struct netif *n, struct pbuf *p, const ip6_addr_t *a){ if(!ip6_addr_ismulticast(a)) rn_loop(p,n); return ERR_OK;}
static err_t init(struct netif *n){ n->name[0]='l';n->name[1]='o'; n->output=out4; n->output_ip6=out6; n->mtu=65535; n->flags|=NETIF_FLAG_IGMP|NETIF_FLAG_MLD6|NETIF_FLAG_LINK_UP; return ERR_OK;}
int rn_netif_init(void){ ip4_addr_t a,m,g; IP4_ADDR(&a,127,0,0,1);IP4_ADDR(&m,255,0,0,0);IP4_ADDR(&g,0,0,0,0);
 netif_add(&rn_lo,&a,&m,&g,NULL,init,ip_input); ip6_addr_t l; ip6_addr_set_loopback(&l); netif_ip6_addr_set(&rn_lo,0,&l); netif_ip6_addr_set_state(&rn_lo,0,IP6_ADDR_PREFERRED); netif_set_up(&rn_lo); netif_set_link_up(&rn_lo); return 0;}
int rn_netif_needs_tick(void){return 0;}
void rn_netif_tick(void){}
