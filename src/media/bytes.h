/* Numbers in the bytes of a file, of 1 to 8 bytes each: the caller has seen that they are there. */
#ifndef MN_MEDIA_BYTES_H
#define MN_MEDIA_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* The first byte is the highest one. */
static inline uint64_t
bytes_big(const unsigned char *b, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | b[i];
	return v;
}

/* The first byte is the lowest one. */
static inline uint64_t
bytes_little(const unsigned char *b, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | b[n];
	return v;
}

#endif
