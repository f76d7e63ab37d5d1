/*
 * Random calls on random sockets with random arguments: sockfuzz SEED COUNT. What is answered does not matter here, only
 * that the program and whoever answers it live on; a timer ends each call that blocks.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { SIZE = 16384, SOCKETS = 40, OPEN = 60, PATIENCE_US = 2000 };

static const int calls[] = {
	SYS_socket,	SYS_socketpair, SYS_bind,    SYS_listen,  SYS_accept,	SYS_accept4,  SYS_connect,  SYS_getsockname,
	SYS_getpeername, SYS_sendto,	SYS_recvfrom, SYS_sendmsg, SYS_recvmsg,	SYS_sendmmsg, SYS_recvmmsg, SYS_shutdown,
	SYS_getsockopt, SYS_setsockopt, SYS_read,    SYS_write,	  SYS_readv,	SYS_writev,   SYS_close,    SYS_dup,
	SYS_ioctl,	SYS_sendfile,	SYS_splice,  SYS_fstat,	  SYS_pread64,	SYS_lseek,
};
static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};

static uint64_t state;
static uint8_t *memory;
static int fds[OPEN], open_count;

/* xorshift64 */
static uint32_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static uint64_t at(uint32_t offset) { return (uint64_t)memory + offset; }

static uint64_t argument(void)
{
	static const uint64_t fixed[] = {0, UINT64_MAX, 8, 16, 28, 128};

	switch (any() % 6) {
	case 0:
		return fixed[any() % COUNT(fixed)];
	case 1:
		return any() % 64;
	case 2:
		return at(any() % SIZE);
	case 3:
		return at(4096 * (any() % 4));
	case 4:
		return at(SIZE - any() % 32);
	default:
		return open_count == 0 ? any() : (uint64_t)fds[any() % (uint32_t)open_count];
	}
}

static void keep(int fd)
{
	if (open_count < OPEN)
		fds[open_count++] = fd;
	else
		close(fd);
}

static void add_socket(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons((uint16_t)(2000 + any() % 4))};
	int fd = socket(families[any() % COUNT(families)], 1 + (int)(any() % 3), 0);

	if (fd < 0)
		return;
	keep(fd);
	if (any() % 2)
		(void)bind(fd, (struct sockaddr *)&address, sizeof address);
	if (any() % 2)
		(void)listen(fd, 2);
	else
		(void)connect(fd, (struct sockaddr *)&address, sizeof address);
}

static void put(uint32_t offset, uint64_t value) { *(uint64_t *)(memory + offset) = value; }

/* Memory that is an address, a struct msghdr, a vector and a control message for those who take it as such, and noise. */
static void fill(void)
{
	for (int i = 0; i < 8; i++)
		((uint32_t *)memory)[any() % (SIZE / 4)] = any() % 3 ? any() % 64 : any();
	if (any() % 3)
		return;
	*(uint16_t *)memory = (uint16_t)families[any() % COUNT(families)];
	put(4096, at(0));
	put(4096 + 8, 16);
	put(4096 + 16, at(8192));
	put(4096 + 24, any() % 4);
	put(4096 + 32, at(12288));
	put(4096 + 40, any() % 200);
	put(8192, at(0));
	put(8192 + 8, any() % 5000);
	put(12288, 16 + any() % 30);
	put(12288 + 8, 1 | (uint64_t)(1 + any() % 2) << 32);
}

static void call(void)
{
	int nr = calls[any() % COUNT(calls)];
	uint64_t first = any() % 5 && open_count > 0 ? (uint64_t)fds[any() % (uint32_t)open_count] : argument();
	long result;

	if (nr == SYS_socket || nr == SYS_socketpair)
		first = (uint64_t)families[any() % COUNT(families)];
	if (nr == SYS_close && first < 3)
		return;
	(void)ualarm(PATIENCE_US, PATIENCE_US);
	result = syscall(nr, first, argument(), argument(), argument(), argument(), argument());
	(void)ualarm(0, 0);
	if (result > 2 && (nr == SYS_socket || nr == SYS_accept || nr == SYS_accept4 || nr == SYS_dup))
		keep((int)result);
	for (int i = 0; nr == SYS_close && result == 0 && i < open_count; i++)
		if ((uint64_t)fds[i] == first)
			fds[i--] = fds[--open_count];
}

static void woken(int signal) { (void)signal; }

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = woken};
	int out = fcntl(1, F_DUPFD_CLOEXEC, 100), null = open("/dev/null", O_RDWR);

	if (argc != 3 || out < 0 || null < 0)
		return 2;
	/* Random descriptors are 0 to 2, too. */
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	state = 88172645463325252u + strtoull(argv[1], NULL, 10) * 7919;
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (long left = strtol(argv[2], NULL, 10); left > 0; left--) {
		if (open_count < 4 || (open_count < SOCKETS && any() % 4 == 0))
			add_socket();
		fill();
		call();
	}
	dprintf(out, "lived\n");
	return 0;
}
