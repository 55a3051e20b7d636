#include "media/heic_part.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include <vips/vips.h>

#include "core/arena.h"
#include "core/error.h"
#include "media/box.h"
#include "media/bytes.h"
#include "media/mapped.h"
#include "media/media.h"
#include "media/picture.h"

#include "core/banned.h"

#define FULL_BOX 4 /* version and flags */
#define BOX_HEADER 8
#define IN_FILE 0 /* construction methods of ISO/IEC 14496-12, section 8.11.3 */
#define IN_IDAT 1
#define PROPERTIES_MAX 512 /* of an item */

/* Takes numbers off bytes; what is behind the end is 0 and `bad`. */
struct cursor {
	unsigned char *at;
	size_t left;
	bool bad;
};

static uint64_t
take(struct cursor *c, size_t n)
{
	uint64_t v;

	if (n > c->left) {
		c->bad = true;
		return 0;
	}
	v = n > 0 ? bytes_big(c->at, n) : 0;
	c->at += n;
	c->left -= n;
	return v;
}

static struct cursor
inside(const struct box *box)
{
	return (struct cursor) { (unsigned char *)(uintptr_t)box->data, box->size, false };
}

/* Where an item is. */
struct place {
	unsigned id, method, extents;
	uint64_t from, size;   /* of its extents: the first byte, and up to the last one */
	unsigned char *record; /* what can be copied to that of another item */
	size_t length;
	bool there;
};

struct heic {
	const unsigned char *data;
	size_t size;
	struct box meta, ipco, ipma;
	struct place *places;
	size_t nplaces;
	unsigned primary;
	unsigned rows, columns;
	uint64_t width, height, tile_width, tile_height;
	unsigned *tiles; /* ids */
	unsigned turns;  /* quarters, counter-clockwise */
};

static bool
find(const struct heic *h, const char *type, struct box *box)
{
	return box_find(h->meta.data, h->meta.size, type, box);
}

static void
take_place(struct cursor *c, const size_t sizes[4], unsigned version, struct place *p)
{
	uint64_t base, from, size;

	*p = (struct place) { .id = (unsigned)take(c, version < 2 ? 2 : 4), .from = UINT64_MAX };
	p->record = c->at;
	p->method = version > 0 ? (unsigned)take(c, 2) & 0xf : IN_FILE;
	if (take(c, 2) != 0)
		c->bad = true; /* in another file */
	base = take(c, sizes[2]);
	p->extents = (unsigned)take(c, 2);
	for (unsigned i = 0; i < p->extents && !c->bad; i++) {
		(void)take(c, version > 0 ? sizes[3] : 0);
		from = base + take(c, sizes[0]);
		size = take(c, sizes[1]);
		p->from = from < p->from ? from : p->from;
		p->size = from + size - p->from > p->size ? from + size - p->from : p->size;
	}
	p->length = (size_t)(c->at - p->record);
}

static bool
read_places(struct media_run *run, struct heic *h)
{
	struct box iloc;
	struct cursor c;
	unsigned version, packed;
	size_t sizes[4];

	if (!find(h, "iloc", &iloc))
		return false;
	c = inside(&iloc);
	version = (unsigned)take(&c, FULL_BOX) >> 24;
	packed = (unsigned)take(&c, 2);
	for (int i = 0; i < 4; i++)
		sizes[i] = packed >> (12 - 4 * i) & 0xf;
	h->nplaces = (size_t)take(&c, version < 2 ? 2 : 4);
	for (int i = 0; i < 4; i++)
		if (sizes[i] != 0 && sizes[i] != 4 && sizes[i] != 8)
			return false;
	if (c.bad || version > 2 || h->nplaces > c.left)
		return false;
	h->places = arena_array(run->arena, h->nplaces + 1, sizeof(*h->places));
	for (size_t i = 0; i < h->nplaces && !c.bad; i++) {
		struct place *p = &h->places[i];

		take_place(&c, sizes, version, p);
		p->there =
		    p->method != IN_FILE || (p->from <= h->size && p->size <= h->size - p->from);
	}
	return !c.bad;
}

static struct place *
place_of(const struct heic *h, unsigned id)
{
	for (size_t i = 0; i < h->nplaces; i++)
		if (h->places[i].id == id)
			return &h->places[i];
	return NULL;
}

/* The property of that number, which counts from 1. */
static bool
property(const struct heic *h, uint64_t number, struct box *found)
{
	size_t at = 0;

	for (uint64_t i = 1; box_read(h->ipco.data + at, h->ipco.size - at, found); i++) {
		if (i == number)
			return true;
		at += found->whole;
	}
	return false;
}

/* The property of that type that belongs to an item. */
static bool
property_of(const struct heic *h, unsigned id, const char *type, struct box *found)
{
	struct cursor c = inside(&h->ipma);
	uint64_t head = take(&c, FULL_BOX), entries = take(&c, 4);
	size_t wide = (head & 1) != 0 ? 2 : 1;
	unsigned seen = 0;

	for (; entries > 0 && !c.bad && seen < PROPERTIES_MAX; entries--) {
		bool ours = take(&c, head >> 24 == 0 ? 2 : 4) == id;

		for (uint64_t n = take(&c, 1); n > 0 && !c.bad; n--) {
			uint64_t number = take(&c, wide) & (wide == 2 ? 0x7fff : 0x7f);

			seen += ours;
			if (ours && property(h, number, found) && strcmp(found->type, type) == 0)
				return true;
		}
	}
	return false;
}

/* The grid itself: ISO/IEC 23008-12, section 6.6.2.3.2. */
static bool
read_grid(struct heic *h)
{
	const struct place *p = place_of(h, h->primary);
	struct box idat = { .size = h->size, .data = h->data }, ispe;
	struct cursor c;
	bool wide;

	if (p == NULL || !p->there || p->extents != 1 || p->method > IN_IDAT ||
	    (p->method == IN_IDAT && !find(h, "idat", &idat)) || p->from > idat.size)
		return false;
	c = (struct cursor) { (unsigned char *)(uintptr_t)idat.data + p->from,
		idat.size - (size_t)p->from, false };
	if (take(&c, 1) != 0)
		return false;
	wide = (take(&c, 1) & 1) != 0;
	h->rows = (unsigned)take(&c, 1) + 1;
	h->columns = (unsigned)take(&c, 1) + 1;
	h->width = take(&c, wide ? 4 : 2);
	h->height = take(&c, wide ? 4 : 2);
	if (c.bad || h->width == 0 || h->height == 0 || h->rows * h->columns > HEIC_TILES_MAX ||
	    !property_of(h, h->tiles[0], "ispe", &ispe))
		return false;
	c = inside(&ispe);
	(void)take(&c, FULL_BOX);
	h->tile_width = take(&c, 4);
	h->tile_height = take(&c, 4);
	return !c.bad && h->tile_width > 0 && h->tile_height > 0;
}

static bool
read_tiles(struct media_run *run, struct heic *h, size_t *n)
{
	struct box iref, refs;
	struct cursor c;
	size_t id;

	if (!find(h, "iref", &iref) || iref.size < FULL_BOX)
		return false;
	id = iref.data[0] == 0 ? 2 : 4;
	for (size_t at = FULL_BOX; box_read(iref.data + at, iref.size - at, &refs);
	    at += refs.whole) {
		c = inside(&refs);
		if (strcmp(refs.type, "dimg") != 0 || take(&c, id) != h->primary)
			continue;
		*n = (size_t)take(&c, 2);
		h->tiles = arena_array(run->arena, *n + 1, sizeof(*h->tiles));
		for (size_t i = 0; i < *n; i++)
			h->tiles[i] = (unsigned)take(&c, id);
		return *n > 0 && !c.bad;
	}
	return false;
}

static bool
read_turns(struct heic *h)
{
	struct box box;

	if (property_of(h, h->primary, "imir", &box) || property_of(h, h->primary, "clap", &box))
		return false;
	if (property_of(h, h->primary, "irot", &box))
		h->turns = box.size > 0 ? box.data[0] & 3 : 0;
	return true;
}

static bool
read_all(struct media_run *run, const struct mapped *file, struct heic *h)
{
	struct box pitm, iprp;
	struct cursor c;
	size_t n;

	*h = (struct heic) { .data = file->data, .size = file->size };
	if (!box_find(file->data, file->size, "meta", &h->meta) || h->meta.size < FULL_BOX)
		return false;
	h->meta.data += FULL_BOX;
	h->meta.size -= FULL_BOX;
	if (!find(h, "pitm", &pitm) || !find(h, "iprp", &iprp) ||
	    !box_find(iprp.data, iprp.size, "ipco", &h->ipco) ||
	    !box_find(iprp.data, iprp.size, "ipma", &h->ipma))
		return false;
	c = inside(&pitm);
	h->primary = (unsigned)take(&c, take(&c, FULL_BOX) >> 24 == 0 ? 2 : 4);
	return !c.bad && read_places(run, h) && read_tiles(run, h, &n) && read_grid(h) &&
	    n == (size_t)h->rows * h->columns && read_turns(h);
}

/* The box in which the file ends, ends with it. */
static bool
shorten(struct mapped *file)
{
	struct box box;
	size_t at = 0, left;

	while (box_read(file->data + at, file->size - at, &box))
		at += box.whole;
	left = file->size - at;
	if (left == 0)
		return true;
	if (left < BOX_HEADER || memcmp(file->data + at + 4, "mdat", 4) != 0)
		return false;
	memset(file->data + at, 0, 4); /* to the end of the file */
	return true;
}

/* Where a tile is when the picture is shown. */
static struct heic_hole
hole_of(const struct heic *h, size_t i)
{
	double w = (double)h->width, ht = (double)h->height;
	double x = (double)(i % h->columns) * (double)h->tile_width / w;
	double y = (double)(i / h->columns) * (double)h->tile_height / ht;
	struct heic_hole hole = { fmin(x, 1), fmin(y, 1), fmin(x + (double)h->tile_width / w, 1),
		fmin(y + (double)h->tile_height / ht, 1) };

	for (unsigned t = 0; t < h->turns; t++)
		hole = (struct heic_hole) { hole.top, 1 - hole.right, hole.bottom, 1 - hole.left };
	return hole;
}

/* A tile that is there, for those that are not. */
static const struct place *
donor(const struct heic *h)
{
	for (size_t i = 0; i < (size_t)h->rows * h->columns; i++) {
		const struct place *p = place_of(h, h->tiles[i]);

		if (p != NULL && p->there && p->method == IN_FILE && p->extents == 1)
			return p;
	}
	return NULL;
}

/* Of all items, so that libheif finds none outside; the tiles among them are holes. */
static bool
can_fill(const struct heic *h, const struct place *from)
{
	for (size_t i = 0; i < h->nplaces; i++)
		if (!h->places[i].there && h->places[i].length != from->length)
			return false;
	return true;
}

static void
measure(struct media_run *run, const struct heic *h, struct heic_part *part)
{
	const size_t n = (size_t)h->rows * h->columns;

	part->holes = arena_array(run->arena, n, sizeof(*part->holes));
	for (size_t i = 0; i < n; i++) {
		const struct place *p = place_of(h, h->tiles[i]);
		struct heic_hole hole = hole_of(h, i);

		if (p != NULL && p->there)
			continue;
		part->holes[part->n++] = hole;
		part->shown -= (hole.right - hole.left) * (hole.bottom - hole.top);
	}
}

bool
heic_fill(struct media_run *run, struct mapped *file, struct heic_part *part)
{
	const struct place *from;
	struct heic h;

	*part = (struct heic_part) { .shown = 1 };
	if (file->size > HEIC_FILE_MAX || !read_all(run, file, &h) || (from = donor(&h)) == NULL ||
	    !can_fill(&h, from))
		return false;
	measure(run, &h, part);
	if (part->n == 0 || part->shown < PICTURE_SHOWN_MIN || !shorten(file)) {
		part->n = 0;
		return false;
	}
	for (size_t i = 0; i < h.nplaces; i++)
		if (!h.places[i].there)
			memcpy(h.places[i].record, from->record, from->length);
	return true;
}

const char *
heic_write(struct media_run *run, const struct mapped *file, struct error *err)
{
	const char *path = media_out_path(run, "whole.heic");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = 0;

	for (size_t at = 0; fd >= 0 && at < file->size && n >= 0; at += (size_t)n) {
		n = write(fd, file->data + at, file->size - at);
		if (n < 0 && errno == EINTR)
			n = 0;
	}
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && n >= 0)
		return path;
	error_set(err, ERR_STORAGE_FULL, "A preview could not be written.");
	return NULL;
}

static void
release(void *image)
{
	g_object_unref(image);
}

bool
heic_blacken(struct media_run *run, const struct heic_part *part, struct picture *pic,
    struct error *err)
{
	double black[4] = { 0, 0, 0, 255 };
	VipsImage *copy = vips_image_new_memory();

	arena_defer(run->pictures, release, copy);
	if (vips_image_write(pic->pixels, copy) != 0)
		return error_slug(err, ERR_INTERNAL, "internal", "No memory for the picture.");
	for (size_t i = 0; i < part->n; i++) {
		const struct heic_hole *hole = &part->holes[i];
		int left = (int)floor(hole->left * copy->Xsize),
		    top = (int)floor(hole->top * copy->Ysize);

		if (vips_draw_rect(copy, black, copy->Bands, left, top,
			(int)ceil(hole->right * copy->Xsize) - left,
			(int)ceil(hole->bottom * copy->Ysize) - top, "fill", TRUE, NULL) != 0)
			return error_slug(err, ERR_INTERNAL, "internal",
			    "The picture could not be drawn.");
	}
	pic->pixels = copy;
	return true;
}
