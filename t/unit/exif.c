/*
 * EXIF: the tags of a block built here in either byte order, and blocks that lie about their
 * offsets.
 */
#include <stdlib.h>

#include "media/exif.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define BLOCK 512

struct block {
	unsigned char b[BLOCK];
	bool big;
};

static void
put16(struct block *k, size_t at, unsigned v)
{
	k->b[at] = (unsigned char)(k->big ? v >> 8 : v);
	k->b[at + 1] = (unsigned char)(k->big ? v : v >> 8);
}

static void
put32(struct block *k, size_t at, unsigned long v)
{
	put16(k, at, (unsigned)(k->big ? v >> 16 : v & 0xffff));
	put16(k, at + 2, (unsigned)(k->big ? v & 0xffff : v >> 16));
}

static void
entry(struct block *k, size_t at, unsigned tag, unsigned type, unsigned long count,
    unsigned long value)
{
	put16(k, at, tag);
	put16(k, at + 2, type);
	put32(k, at + 4, count);
	if (type == 3 && count == 1)
		put16(k, at + 8, (unsigned)value);
	else
		put32(k, at + 8, value);
}

static void
ratio(struct block *k, size_t at, unsigned long num, unsigned long den)
{
	put32(k, at, num);
	put32(k, at + 4, den);
}

static void
build(struct block *k, bool big)
{
	memset(k, 0, sizeof(*k));
	k->big = big;
	memcpy(k->b, big ? "MM" : "II", 2);
	put16(k, 2, 42);
	put32(k, 4, 8);
	put16(k, 8, 4); /* main directory: make, orientation, pointers */
	entry(k, 10, 0x010f, 2, 6, 200);
	entry(k, 22, 0x0112, 3, 1, 6);
	entry(k, 34, 0x8769, 4, 1, 70);
	entry(k, 46, 0x8825, 4, 1, 130);
	put16(k, 70, 4);
	entry(k, 72, 0x829a, 5, 1, 210);
	entry(k, 84, 0x9003, 2, 20, 220);
	entry(k, 96, 0x9011, 2, 7, 240);
	entry(k, 108, 0x8827, 3, 1, 400);
	put16(k, 130, 4);
	memcpy(k->b + 200, "Canon", 6);
	ratio(k, 210, 1, 250);
	memcpy(k->b + 220, "2023:05:06 12:34:56", 20);
	memcpy(k->b + 240, "+02:00", 7);
	entry(k, 132, 1, 2, 2, 0);
	k->b[140] = 'S';
	k->b[141] = 0;
	entry(k, 144, 2, 5, 3, 260);
	entry(k, 156, 3, 2, 2, 0);
	k->b[164] = 'E';
	k->b[165] = 0;
	entry(k, 168, 4, 5, 3, 290);
	ratio(k, 260, 15, 1);
	ratio(k, 268, 30, 1);
	ratio(k, 276, 0, 1);
	ratio(k, 290, 48, 1);
	ratio(k, 298, 0, 1);
	ratio(k, 306, 3600, 100);
}

static void
test_order(bool big)
{
	const char *name = big ? "big-endian" : "little-endian";
	struct block k;
	struct exif x;

	build(&k, big);
	ok(exif_parse(k.b, sizeof(k.b), &x), "%s: parsed", name);
	is_str(x.make, "Canon", "%s: make", name);
	ok(x.orientation == 6, "%s: orientation", name);
	ok(x.exposure > 0.0039 && x.exposure < 0.0041, "%s: exposure", name);
	ok(x.iso == 400, "%s: iso", name);
	is_str(x.taken, "2023:05:06 12:34:56", "%s: time", name);
	is_str(x.offset, "+02:00", "%s: offset", name);
	ok(x.gps && x.latitude < -15.4999 && x.latitude > -15.5001, "%s: south is negative", name);
	ok(x.longitude > 48.0099 && x.longitude < 48.0101, "%s: seconds count", name);
}

/*
 * Cuts the block at every byte and changes every byte: nothing is read past the end (the sanitizers
 * check), nothing loops.
 */
static void
test_hostile(void)
{
	struct block k;
	struct exif x;
	unsigned char *copy;

	build(&k, false);
	for (size_t n = 0; n < 340; n++) {
		copy = malloc(n + 1);
		memcpy(copy, k.b, n);
		exif_parse(copy, n, &x);
		free(copy);
	}
	for (size_t i = 0; i < 340; i++) {
		build(&k, false);
		k.b[i] = 0xff;
		exif_parse(k.b, sizeof(k.b), &x);
		k.b[i] = (unsigned char)i;
		exif_parse(k.b, sizeof(k.b), &x);
	}
	build(&k, false);
	entry(&k, 34, 0x8769, 4, 1, 8); /* a directory that refers to itself */
	ok(exif_parse(k.b, sizeof(k.b), &x), "a directory that points to itself ends");
	ok(!exif_parse((const unsigned char *)"XXXXXXXXXX", 10, &x), "no TIFF header");
}

int
main(void)
{
	test_order(false);
	test_order(true);
	test_hostile();
	return done_testing();
}
