#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/id.h"
#include "core/log.h"

#include "core/banned.h"

#define REQUEST_ID_MIN 8
#define COUNTER_MAX 0xfffu /* rand_a: 12 bits */
/* starts in the lower half: room to count within the millisecond */
#define COUNTER_START_MASK 0x7ffu

static void
fill_random(void *out, size_t size)
{
	unsigned char *p = out;

	while (size > 0) {
		ssize_t n = getrandom(p, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			log_crit(NULL, "getrandom: %s", strerror(errno));
			abort();
		}
		p += n;
		size -= (size_t)n;
	}
}

/*
 * RFC 9562 section 6.2 method 1: a counter in rand_a keeps ids of one process in order; the 62 bits
 * behind it stay random.
 */
void
uuid_v7(char out[UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	static int64_t last_ms;
	static unsigned counter;
	unsigned char b[16];
	int64_t ms = clock_now() / US_PER_MS;
	char *q = out;

	fill_random(b + 6, 10);
	if (ms > last_ms) {
		last_ms = ms;
		counter = (unsigned)(b[6] << 8 | b[7]) & COUNTER_START_MASK;
	} else if (counter < COUNTER_MAX) {
		counter++;
	} else {
		last_ms++; /* rather ahead of the clock for a moment than out of order */
		counter = 0;
	}
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(last_ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | counter >> 8);
	b[7] = (unsigned char)counter;
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*q++ = '-';
		*q++ = digits[b[i] >> 4];
		*q++ = digits[b[i] & 15];
	}
	*q = '\0';
}

bool
uuid_valid(const char *s)
{
	for (int i = 0; i < UUID_TEXT - 1; i++) {
		bool hex = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f') ||
		    (s[i] >= 'A' && s[i] <= 'F');

		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !hex)
			return false;
	}
	return s[UUID_TEXT - 1] == '\0';
}

bool
request_id_valid(const char *s)
{
	size_t len = strlen(s);

	if (len < REQUEST_ID_MIN || len >= REQUEST_ID_MAX)
		return false;
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
	    len;
}
