/** Numbers of set() and get() of the stack: enum rn_option of native/lwip/rumpnet.h. */
export const RN_OPT_REUSEADDR = 1;
export const RN_OPT_REUSEPORT = 2;
export const RN_OPT_BROADCAST = 3;
export const RN_OPT_KEEPALIVE = 4;
/** Seconds. */
export const RN_OPT_KEEPIDLE = 5;
/** Seconds. */
export const RN_OPT_KEEPINTVL = 6;
export const RN_OPT_KEEPCNT = 7;
export const RN_OPT_NODELAY = 8;
/** Bytes. */
export const RN_OPT_RCVBUF = 9;
export const RN_OPT_TTL = 10;
export const RN_OPT_TOS = 11;
export const RN_OPT_V6ONLY = 12;
export const RN_OPT_MULTICAST_TTL = 13;
/** Index, 0: by route. */
export const RN_OPT_MULTICAST_IF = 14;
export const RN_OPT_MULTICAST_LOOP = 15;
export const RN_OPT_LINGER_ZERO = 16;
export const RN_OPT_HDRINCL = 17;
export const RN_OPT_FREEBIND = 18;
/** Index, 0: none. */
export const RN_OPT_BINDTODEVICE = 19;
/** Bits of blocked types 0 to 31 (linux/icmp.h). */
export const RN_OPT_ICMP_FILTER = 20;
/** IPV6_CHECKSUM's offset, -1: none. */
export const RN_OPT_CHECKSUM = 21;
/** And the next 7: bits of blocked types of ICMPv6 (linux/icmpv6.h). */
export const RN_OPT_ICMP6_FILTER = 22;
/** Bytes; streams only. */
export const RN_OPT_RCVLOWAT = 30;
/** SO_ERROR: a positive errno, and none from then on. */
export const RN_GET_ERROR = 64;
/** FIONREAD: bytes. */
export const RN_GET_READABLE = 65;
/** SIOCOUTQ: bytes. */
export const RN_GET_UNSENT = 66;
/** TCP_* of linux/tcp_states.h. */
export const RN_GET_STATE = 67;
export const RN_GET_MSS = 68;
/** Of the way to the peer, -ENOTCONN. */
export const RN_GET_MTU = 69;
/** Milliseconds. */
export const RN_GET_RTO = 70;
export const RN_GET_CWND = 71;
export const RN_GET_SNDWND = 72;
export const RN_GET_RCVWND = 73;
export const RN_GET_RETRANSMITS = 74;
/** Datagrams for which there was no room. */
export const RN_GET_DROPS = 75;
/** The port that is the socket's; 0: none. */
export const RN_GET_PORT = 76;
