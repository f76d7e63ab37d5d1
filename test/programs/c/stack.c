/* Random calls on the sockets of native/lwip, in the order and with the arguments that nobody thought of: the sanitizers watch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../native/lwip/rumpnet.h"

int rn_init(void);
int rn_socket(int domain, int type, int protocol);
int rn_close(int id);
int rn_bind(int id);
int rn_connect(int id);
int rn_listen(int id, int backlog);
int rn_accept(int id);
int rn_name(int id, int peer);
int rn_shutdown(int id, int how);
int rn_send(int id, int length);
int rn_receive(int id, int length, int offset, int flags);
int rn_unread(int id, int offset, int length);
int rn_revents(int id);
int rn_set(int id, int option, int value);
int rn_get(int id, int what);
int rn_join(int id, int interface, int is_leave);
int rn_tick(void);
int rn_more(void);

enum { SOCKETS = 48, CALLS = 300000, MOST_BYTES = 300 * 1024 };

static unsigned seed = 1;
/* The clock leaps so that what waits for minutes is over. */
static long leap;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int status = __real_clock_gettime(clock, now);

	now->tv_sec += leap;
	return status;
}

static int below(int n)
{
	seed = seed * 1103515245u + 12345u;
	return (int)((seed >> 8) % (unsigned)n);
}

static void random_address(int domain)
{
	static const uint8_t v4[][4] = { { 127, 0, 0, 1 }, { 0, 0, 0, 0 },   { 127, 0, 0, 9 },	  { 192, 0, 2, 1 },
					 { 224, 0, 0, 5 }, { 127, 0, 0, 1 }, { 127, 255, 255, 255 } };
	struct rn_address *a = &rn_shared.address;

	memset(a, 0, sizeof(*a));
	memset(&rn_shared.local, 0, sizeof(rn_shared.local));
	rn_shared.interface = below(20) == 0 ? below(4) : 0;
	rn_shared.ttl = below(10) == 0 ? below(256) : 0;
	rn_shared.tos = below(10) == 0 ? below(256) : -1;
	a->family = below(50) == 0 ? 0 : domain;
	a->port = below(30) == 0 ? below(65536) : 5000 + below(6);
	if (a->family == RN_INET) {
		memcpy(a->bytes, v4[below(7)], 4);
		return;
	}
	switch (below(6)) {
	case 0:
		break;
	case 1:
		a->bytes[10] = a->bytes[11] = 0xff;
		memcpy(a->bytes + 12, v4[below(7)], 4);
		break;
	case 2:
		a->bytes[0] = 0xff;
		a->bytes[1] = 2;
		a->bytes[15] = 5;
		a->scope = below(3);
		break;
	case 3:
		a->bytes[0] = 0x20;
		a->bytes[1] = 1;
		break;
	default:
		a->bytes[15] = 1;
	}
}

static int new_socket(int *domain)
{
	static const int protocols[] = { 1, 58, 6, 17, 255, 89 };
	int kind = below(10);

	*domain = below(2) ? RN_INET : RN_INET6;
	if (kind < 6)
		return rn_socket(*domain, RN_STREAM, 6);
	if (kind < 8)
		return rn_socket(*domain, RN_DGRAM, 17);
	if (kind == 8)
		return rn_socket(*domain, RN_DGRAM, *domain == RN_INET ? 1 : 58);
	return rn_socket(*domain, RN_RAW, protocols[below(6)]);
}

static void receive(int id)
{
	int peek = below(4) == 0;
	int got = rn_receive(id, 1 + below(MOST_BYTES), peek ? below(1000) : 0, peek);

	if (!peek && got > 1 && below(5) == 0)
		rn_unread(id, below(got), 1);
}

static void some_call(int id, int domain)
{
	switch (below(14)) {
	case 0:
		random_address(domain);
		rn_bind(id);
		break;
	case 1:
	case 2:
		random_address(domain);
		rn_connect(id);
		break;
	case 3:
		rn_listen(id, below(4));
		break;
	case 4:
	case 5:
	case 6:
		random_address(domain);
		if (below(2))
			rn_shared.address.family = 0;
		rn_send(id, below(3) ? below(2000) : below(RN_STAGING));
		break;
	case 7:
	case 8:
	case 9:
		receive(id);
		break;
	case 10:
		rn_shutdown(id, below(3));
		break;
	case 11:
		rn_set(id, below(24), below(3) ? below(2) : below(100000));
		break;
	case 12:
		rn_get(id, below(90));
		rn_name(id, below(2));
		break;
	default:
		random_address(domain);
		rn_join(id, below(3), below(2));
	}
}

/* What was sent comes out as it was, whatever sizes it was cut to. */
static int check_stream(void)
{
	static uint8_t sent[1 << 20], got[1 << 20];
	int listener = rn_socket(RN_INET, RN_STREAM, 6), client = rn_socket(RN_INET, RN_STREAM, 6), peer;
	size_t out = 0, in = 0, i;

	for (i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)below(256);
	memset(&rn_shared.address, 0, sizeof(rn_shared.address));
	rn_shared.address.family = RN_INET;
	rn_shared.address.port = 4999;
	rn_bind(listener);
	rn_listen(listener, 1);
	if (rn_connect(client) != 0 || (peer = rn_accept(listener)) < 0)
		return 1;
	while (in < sizeof(sent)) {
		int length = below(MOST_BYTES) + 1;

		if (length > RN_STAGING)
			length = RN_STAGING;
		if ((size_t)length > sizeof(sent) - out)
			length = (int)(sizeof(sent) - out);
		memcpy(rn_shared.staging, sent + out, (size_t)length);
		length = length > 0 ? rn_send(client, length) : 0;
		out += length > 0 ? (size_t)length : 0;
		length = rn_receive(peer, below(MOST_BYTES) + 1, 0, 0);
		if (length > 0) {
			int back = below(length);

			memcpy(got + in, rn_shared.staging, (size_t)(length - back));
			in += (size_t)(length - back);
			if (rn_unread(peer, length - back, back) != back)
				return 1;
		}
	}
	rn_close(listener);
	rn_close(client);
	rn_close(peer);
	return memcmp(sent, got, sizeof(sent)) != 0;
}

/* stack [SEED] */
int main(int argc, char **argv)
{
	int ids[SOCKETS], domains[SOCKETS];
	int i, n;

	if (argc > 1)
		seed = (unsigned)strtoul(argv[1], NULL, 10);
	if (rn_init() != 0)
		return 1;
	for (i = 0; i < 20; i++) {
		if (check_stream() != 0) {
			puts("a stream has changed on its way");
			return 1;
		}
	}
	for (i = 0; i < SOCKETS; i++)
		ids[i] = new_socket(&domains[i]);
	for (n = 0; n < CALLS; n++) {
		i = below(SOCKETS);
		if (ids[i] >= 0 && below(12) != 0) {
			some_call(ids[i], domains[i]);
		} else if (ids[i] >= 0 && below(2)) {
			int accepted = rn_accept(ids[i]);
			int other = below(SOCKETS);

			if (accepted >= 0) {
				if (ids[other] >= 0)
					rn_close(ids[other]);
				ids[other] = accepted;
				domains[other] = domains[i];
			}
		} else {
			if (ids[i] >= 0)
				rn_close(ids[i]);
			ids[i] = new_socket(&domains[i]);
		}
		rn_shared.dirty_count = 0;
		if (rn_shared.dirty_more)
			rn_more();
		if (below(2000) == 0) {
			leap += below(200);
			rn_tick();
		}
	}
	for (i = 0; i < SOCKETS; i++) {
		if (ids[i] >= 0)
			rn_close(ids[i]);
	}
	leap += 1000;
	rn_tick();
	puts("clean");
	return 0;
}
