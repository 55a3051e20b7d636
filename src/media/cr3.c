#include <stdint.h>
#include <string.h>

#include "core/arena.h"
#include "media/box.h"
#include "media/cr3.h"
#include "media/tiff.h"

#include "core/banned.h"

#define CMT_MAX (64UL << 10) /* bytes of a block */
#define UUID_SIZE 16
#define HEADER 8
#define ENTRY_SIZE 12
#define POINTERS 2 /* entries for the other directories */
#define POINTERS_SIZE (POINTERS * ENTRY_SIZE)

enum { MAIN, PHOTO, GPS, BLOCKS };

struct blocks {
	struct box box[BLOCKS];
	bool has[BLOCKS];
};

static void
put16(unsigned char *b, unsigned v)
{
	b[0] = (unsigned char)v;
	b[1] = (unsigned char)(v >> 8);
}

static void
put32(unsigned char *b, size_t v)
{
	put16(b, (unsigned)v & 0xffff);
	put16(b + 2, (unsigned)(v >> 16) & 0xffff);
}

/* A block with its directory at its start, as Canon writes it: little-endian. */
static bool
is_block(const struct box *box)
{
	struct tiff t;
	size_t first;

	return box->size >= HEADER + 2 && box->size <= CMT_MAX &&
	    tiff_open(box->data, box->size, &t, &first) && !t.big_endian && first == HEADER &&
	    tiff_u16(&t, HEADER) <= TIFF_ENTRIES_MAX;
}

static bool
find_blocks(const unsigned char *b, size_t size, struct blocks *out)
{
	static const char *const names[] = { "CMT1", "CMT2", "CMT4" };
	struct box moov, uuid;

	memset(out, 0, sizeof(*out));
	if (!box_find(b, size, "moov", &moov) || !box_find(moov.data, moov.size, "uuid", &uuid) ||
	    uuid.size < UUID_SIZE)
		return false;
	for (int i = 0; i < BLOCKS; i++)
		out->has[i] = box_find(uuid.data + UUID_SIZE, uuid.size - UUID_SIZE, names[i],
				  &out->box[i]) &&
		    is_block(&out->box[i]);
	return out->has[MAIN];
}

/* The offsets of a block that begins at `base` count from there: from now on from the start. */
static void
rebase(unsigned char *b, size_t size, size_t base, size_t directory)
{
	static const unsigned sizes[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4 };
	struct tiff t = { b, size, false };
	unsigned n = tiff_u16(&t, directory);

	for (size_t i = 0, at = directory + 2; i < n && at + ENTRY_SIZE <= size;
	    i++, at += ENTRY_SIZE) {
		unsigned type = tiff_u16(&t, at + 2);

		if (type < sizeof(sizes) / sizeof(sizes[0]) &&
		    (uint64_t)sizes[type] * tiff_u32(&t, at + 4) > 4)
			put32(b + at + 8, base + tiff_u32(&t, at + 8));
	}
}

static void
put_pointer(unsigned char *entry, unsigned tag, size_t to)
{
	put16(entry, tag);
	put16(entry + 2, 4);
	put32(entry + 4, 1);
	put32(entry + 8, to);
}

const unsigned char *
cr3_exif(struct arena *arena, const unsigned char *file, size_t size, size_t *n)
{
	static const unsigned pointers[] = { [PHOTO] = 0x8769, [GPS] = 0x8825 };
	struct blocks blocks;
	unsigned char *out;
	size_t at = HEADER, entries, main_size;

	*n = 0;
	if (!find_blocks(file, size, &blocks))
		return NULL;
	out = arena_alloc(arena, HEADER + 2 + POINTERS_SIZE + BLOCKS * CMT_MAX);
	memcpy(out, "II*\0\x08\0\0\0", HEADER);
	/* The main directory with room for pointers; so it all moves by as much. */
	main_size = blocks.box[MAIN].size - HEADER;
	entries = blocks.box[MAIN].data[HEADER] | (size_t)blocks.box[MAIN].data[HEADER + 1] << 8;
	if (main_size < 2 + entries * ENTRY_SIZE)
		return NULL;
	memcpy(out + at, blocks.box[MAIN].data + HEADER, 2 + entries * ENTRY_SIZE);
	memcpy(out + at + 2 + entries * ENTRY_SIZE + POINTERS_SIZE,
	    blocks.box[MAIN].data + HEADER + 2 + entries * ENTRY_SIZE,
	    main_size - 2 - entries * ENTRY_SIZE);
	at += main_size + POINTERS_SIZE;
	rebase(out, at, POINTERS_SIZE, HEADER);
	for (int i = PHOTO; i < BLOCKS; i++) {
		if (!blocks.has[i])
			continue;
		memcpy(out + at, blocks.box[i].data, blocks.box[i].size);
		rebase(out, at + blocks.box[i].size, at, at + HEADER);
		put_pointer(out + HEADER + 2 + entries * ENTRY_SIZE, pointers[i], at + HEADER);
		at += blocks.box[i].size;
		entries++;
	}
	put16(out + HEADER, (unsigned)entries);
	*n = at;
	return out;
}
