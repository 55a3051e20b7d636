#include "service/operator/host_memory.h"

#include <stdio.h>

#include "core/banned.h"

#define MEMINFO "/proc/meminfo" /* in a container that of the container, where it has one */
#define KB_PER_MB 1024
/*
 * The services may take three quarters of the memory (medianest.slice). On a small host the rest
 * must not be all buffers: connections, nginx and the system live there too. A larger one is for
 * its operator to tune.
 */
#define SMALL_HOST_MB 960
#define BUFFERS_MOST 8 /* of the memory an eighth */
#define BUFFERS_WANTED 16

int64_t
host_memory_mb(void)
{
	FILE *in = fopen(MEMINFO, "re");
	long long kb = 0;

	if (in == NULL)
		return 0;
	if (fscanf(in, "MemTotal: %19lld kB", &kb) != 1 || kb < 0)
		kb = 0;
	fclose(in);
	return kb / KB_PER_MB;
}

int64_t
host_buffers_mb(int64_t memory_mb, int64_t buffers_mb)
{
	if (memory_mb <= 0 || memory_mb >= SMALL_HOST_MB || buffers_mb * BUFFERS_MOST <= memory_mb)
		return 0;
	return memory_mb / BUFFERS_WANTED;
}
