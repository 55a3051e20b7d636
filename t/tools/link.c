/*
 * A long, lossy line between this network namespace and one of its own, for kernels that have no
 * netem: two TUN devices, and this process, which carries packets from each to the other.
 *
 *	link [-d MS] [-l LOSS] [-r RATE] [-q MS] [-s SEED] DEVICE
 *
 * Each way a packet takes -d ms, LOSS of 10000 packets vanish, and RATE kilobits a second (0: any)
 * get through; a packet that would wait for longer than -q ms behind others is dropped. The same
 * SEED loses packets at the same places of the sequence.
 *
 * DEVICE is what both ends are called: one is here, the other in /proc/PID/ns/net of this process.
 * `ready` on standard output: they are there, without addresses. Then standard input is read, a
 * command a line: `down` and `up` (packets vanish while it is down), `count` (a line of what was
 * sent, lost and dropped: there, then back, from here to the other end). When standard input ends,
 * so does the program, and with it both devices and the namespace: whatever kills the one who
 * started it leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/str.h"

#include "core/banned.h"

#define PACKET_MAX 1500
#define PACKETS (1U << 14) /* on their way in one direction */
#define TURN 64            /* packets that are read before any is written */
#define LOSS_OF 10000
#define PRIORITY -20

struct packet {
	int64_t due;
	ssize_t len;
	unsigned char bytes[PACKET_MAX];
};

struct way {
	int from, to;
	uint64_t random; /* of this way alone: what the other one carries changes nothing */
	int64_t free_at; /* the packets before have left */
	unsigned first, n;
	uint64_t sent, lost, dropped;
	struct packet packets[PACKETS];
};

static struct {
	int64_t delay_us, loss, kbits, queue_us, seed;
	bool down;
} line = { .delay_us = 100000, .queue_us = 200000, .seed = 1 };
static struct way ways[2];

/* A TUN device of the namespace that this process is in. */
static int
tun_open(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	str_copy(request.ifr_name, sizeof(request.ifr_name), name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) {
		perror("/dev/net/tun");
		exit(EX_OSERR);
	}
	return fd;
}

/* xorshift64*: the same everywhere. */
static bool
is_lost(struct way *way)
{
	uint64_t x = way->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	way->random = x;
	return (int64_t)((x * 0x2545F4914F6CDD1DULL >> 32) % LOSS_OF) < line.loss;
}

/* The packet that was read into the last place enters the line, or does not. */
static void
enter(struct way *way, struct packet *packet, int64_t now)
{
	int64_t start = way->free_at > now ? way->free_at : now;

	if (line.down || is_lost(way)) {
		way->lost++;
		return;
	}
	if (start - now > line.queue_us) {
		way->dropped++;
		return;
	}
	if (line.kbits > 0)
		way->free_at = start + packet->len * 8 * 1000 / line.kbits;
	else
		way->free_at = start;
	packet->due = way->free_at + line.delay_us;
	way->n++;
	way->sent++;
}

/* What is not taken while the line is full of packets waits in the device, and is dropped there. */
static void
take(struct way *way)
{
	for (int i = 0; i < TURN && way->n < PACKETS; i++) {
		struct packet *packet = &way->packets[(way->first + way->n) % PACKETS];

		packet->len = read(way->from, packet->bytes, PACKET_MAX);
		if (packet->len <= 0)
			return;
		enter(way, packet, clock_monotonic());
	}
}

/* Delivers what is due. Returns ms until more is; -1: nothing is on its way. */
static int
give(struct way *way)
{
	int64_t now = clock_monotonic();

	for (; way->n > 0; way->n--, way->first = (way->first + 1) % PACKETS) {
		const struct packet *packet = &way->packets[way->first];

		if (packet->due > now)
			return (int)((packet->due - now + 999) / 1000);
		/* a device that is not up takes nothing */
		if (write(way->to, packet->bytes, (size_t)packet->len) < 0)
			way->dropped++;
	}
	return -1;
}

static void
obey(const char *command)
{
	if (str_eq(command, "down") || str_eq(command, "up")) {
		line.down = str_eq(command, "down");
		puts(command);
	} else if (str_eq(command, "count")) {
		for (int i = 0; i < 2; i++)
			printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "%c", ways[i].sent, ways[i].lost,
			    ways[i].dropped, i == 0 ? ' ' : '\n');
	}
	fflush(stdout);
}

/* Commands that have arrived. False: there will be no more. */
static bool
hear(void)
{
	static char command[16];
	static size_t len;
	char c;

	for (ssize_t n; (n = read(STDIN_FILENO, &c, 1)) != 1;)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	if (c != '\n' && len < sizeof(command) - 1) {
		command[len++] = c;
		return true;
	}
	command[len] = '\0';
	len = 0;
	obey(command);
	return true;
}

static void
carry(void)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = ways[0].from, .events = POLLIN },
		{ .fd = ways[1].from, .events = POLLIN } };

	for (;;) {
		int there = give(&ways[0]), back = give(&ways[1]);
		int wait = back < 0 || (there >= 0 && there < back) ? there : back;

		for (int i = 0; i < 2; i++)
			fds[i + 1].events = ways[i].n < PACKETS ? POLLIN : 0;
		if (poll(fds, 3, wait) < 0 && errno != EINTR)
			return;
		if (fds[0].revents != 0 && !hear())
			return;
		for (int i = 0; i < 2; i++)
			take(&ways[i]);
	}
}

static bool
options(int argc, char **argv)
{
	int64_t ms;

	for (int c; (c = getopt(argc, argv, "d:l:r:q:s:")) != -1;) {
		bool good = false;

		if (c == 'd' && (good = str_to_int(optarg, 0, 10000, &ms)))
			line.delay_us = ms * US_PER_MS;
		else if (c == 'q' && (good = str_to_int(optarg, 0, 10000, &ms)))
			line.queue_us = ms * US_PER_MS;
		else if (c == 'l')
			good = str_to_int(optarg, 0, LOSS_OF, &line.loss);
		else if (c == 'r')
			good = str_to_int(optarg, 0, 10000000, &line.kbits);
		else if (c == 's')
			good = str_to_int(optarg, 1, INT64_MAX, &line.seed);
		if (!good)
			return false;
	}
	return optind == argc - 1;
}

int
main(int argc, char **argv)
{
	if (!options(argc, argv)) {
		fputs("usage: link [-d MS] [-l LOSS] [-r RATE] [-q MS] [-s SEED] DEVICE\n", stderr);
		return EX_USAGE;
	}
	ways[0].from = ways[1].to = tun_open(argv[optind]);
	if (unshare(CLONE_NEWNET) != 0) {
		perror("unshare");
		return EX_OSERR;
	}
	ways[0].to = ways[1].from = tun_open(argv[optind]);
	ways[0].random = (uint64_t)line.seed;
	ways[1].random = (uint64_t)line.seed ^ 0x9E3779B97F4A7C15ULL;
	/* how long a packet takes should not depend on what else the machine has to do */
	setpriority(PRIO_PROCESS, 0, PRIORITY);
	puts("ready");
	fflush(stdout);
	carry();
	return EX_OK;
}
