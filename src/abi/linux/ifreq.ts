/** Structs of the requests of netdevice(7): linux/if.h, linux/route.h, linux/ipv6.h, linux/ipv6_route.h. Offsets and sizes in bytes. */

export const IFNAMSIZ = 16;
/** struct ifreq: a name, and a union. */
export const IFREQ_SIZE = 40;
export const AT_IFREQ_VALUE = 16;
/** struct ifmap, in the union. */
export const IFMAP_SIZE = 24;
/** struct ifconf: ifc_len, ifc_buf. */
export const IFCONF_SIZE = 16;
export const AT_IFC_BUF = 8;

/** struct rtentry. */
export const RTENTRY_SIZE = 120;
export const AT_RT_DST = 8;
export const AT_RT_GATEWAY = 24;
export const AT_RT_GENMASK = 40;
export const AT_RT_FLAGS = 56;
/** A pointer to a device's name, or NULL. */
export const AT_RT_DEV = 88;

/** struct in6_ifreq. */
export const IN6_IFREQ_SIZE = 24;
export const AT_IFR6_PREFIXLEN = 16;
export const AT_IFR6_IFINDEX = 20;

/** struct in6_rtmsg. */
export const IN6_RTMSG_SIZE = 80;
export const AT_RTMSG_GATEWAY = 32;
export const AT_RTMSG_DST_LEN = 52;
export const AT_RTMSG_FLAGS = 72;
export const AT_RTMSG_IFINDEX = 76;

// linux/route.h
export const RTF_GATEWAY = 0x2;
export const RTF_HOST = 0x4;
export const RTF_REJECT = 0x200;
