/** epoll_ctl(2) (sys/epoll.h); struct epoll_event is packed on x86-64: events, data. */
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_EVENT_SIZE = 12;
