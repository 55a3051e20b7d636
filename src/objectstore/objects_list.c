/*
 * Listing: range scans over the index, rolled up at a delimiter by skipping past each common
 * prefix.
 */
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "objectstore/objects_internal.h"
#include "service/call.h"
#include "service/services.h"

#include "core/banned.h"

#define ROLL_BATCH 128 /* rows read at once if many may be skipped */
#define LAST_CODE_POINT "\xf4\x8f\xbf\xbf"

/*
 * U+10FFFF often enough to be longer than any key: UTF-8 sorts by bytes in the order of code
 * points.
 */
static const char *
end_of_keys(struct arena *arena)
{
	struct buf out;

	buf_init(&out, arena, 0);
	while (out.len <= OBJECT_KEY_MAX)
		buf_adds(&out, LAST_CODE_POINT);
	return out.data;
}

static unsigned long
decode_last(const char *s, size_t len, size_t *start)
{
	unsigned long c;
	size_t i = len - 1;

	while (i > 0 && ((unsigned char)s[i] & 0xc0) == 0x80)
		i--;
	*start = i;
	c = (unsigned char)s[i];
	c = len - i == 1 ? c : len - i == 2 ? c & 0x1f : len - i == 3 ? c & 0x0f : c & 0x07;
	for (i++; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

static void
encode(struct buf *out, unsigned long c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_addc(out, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		buf_addc(out, (char)(0xe0 | c >> 12));
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		buf_addc(out, (char)(0xf0 | c >> 18));
		buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_addc(out, (char)(0x80 | (c & 0x3f)));
}

/* Works on code points, because the database rejects texts that are not UTF-8. */
const char *
object_key_successor(struct arena *arena, const char *prefix)
{
	size_t len = strlen(prefix), start;
	struct buf out;

	while (len > 0) {
		unsigned long c = decode_last(prefix, len, &start);

		if (c < 0x10ffff) {
			buf_init(&out, arena, 0);
			buf_add(&out, prefix, start);
			encode(&out, c == 0xd7ff ? 0xe000 : c + 1);
			return out.data;
		}
		len = start;
	}
	return end_of_keys(arena);
}

/* The part of a key up to the first delimiter after the prefix, or NULL. */
static const char *
rolled_up(struct arena *arena, const struct object_list_query *query, const char *key)
{
	size_t prefix_len = strlen(query->prefix);
	const char *at;

	if (*query->delimiter == '\0' || strlen(key) < prefix_len ||
	    (at = strstr(key + prefix_len, query->delimiter)) == NULL)
		return NULL;
	return arena_strndup(arena, key, (size_t)(at - key) + strlen(query->delimiter));
}

static void
go_on(struct object_range *range, const char *from, bool inclusive)
{
	range->from = from;
	range->inclusive = inclusive;
}

static void
start_at(struct arena *arena, const struct object_list_query *query, struct object_range *range)
{
	const char *roll = *query->after != '\0' ? rolled_up(arena, query, query->after) : NULL;

	go_on(range, query->after, false);
	if (*query->after == '\0' || strcmp(query->after, query->prefix) < 0)
		go_on(range, query->prefix, true);
	/* continues after a whole common prefix */
	else if (roll != NULL && strcmp(roll, query->after) == 0)
		go_on(range, object_key_successor(arena, roll), true);
}

/* Adds one item; false if the list is full and there are more items. */
static bool
add_item(struct object_list *out, int max, const char *prefix, const struct object_row *row)
{
	if (out->n == (size_t)max) {
		out->truncated = true;
		return false;
	}
	out->items[out->n++] = (struct object_list_item) { prefix, *row };
	out->next = prefix != NULL ? prefix : row->key;
	return true;
}

/* Adds one batch and moves the range behind it; false if the list is full. */
static bool
take_batch(struct arena *arena, const struct object_list_query *query,
    const struct object_row *rows, size_t n, struct object_range *range, struct object_list *out)
{
	const char *roll = NULL;

	for (size_t i = 0; i < n; i++) {
		if (roll != NULL && str_starts(rows[i].key, roll))
			continue;
		roll = rolled_up(arena, query, rows[i].key);
		if (!add_item(out, query->max, roll, &rows[i]))
			return false;
	}
	if (roll != NULL)
		go_on(range, object_key_successor(arena, roll), true);
	else
		go_on(range, rows[n - 1].key, false);
	return true;
}

bool
objects_list(const struct call *call, const struct object_list_query *query,
    struct object_list *out, struct error *err)
{
	const char *before = *query->prefix != '\0' ?
	    object_key_successor(call->arena, query->prefix) :
	    end_of_keys(call->arena);
	const int batch =
	    *query->delimiter != '\0' && query->max > ROLL_BATCH ? ROLL_BATCH : query->max + 1;
	struct object_range range = {
		.bucket = query->bucket,
		.before = before,
		.limit = batch,
	};
	struct object_row *rows;
	size_t n;

	*out = (struct object_list) { .items = arena_array(call->arena, (size_t)query->max + 1,
					  sizeof(*out->items)) };
	if (!objects_bucket_require(call, query->bucket, err))
		return false;
	if (query->max == 0)
		return true;
	start_at(call->arena, query, &range);
	do {
		if (!store_objects_list(call->svc->db, call->arena, &range, &rows, &n, err))
			return false;
	} while (n > 0 && take_batch(call->arena, query, rows, n, &range, out) &&
	    n == (size_t)batch);
	return true;
}

bool
objects_uploads_list(const struct call *call, const struct object_uploads_query *query,
    struct object_uploads *out, struct error *err)
{
	struct object_upload_range range = {
		.bucket = query->bucket,
		.from = query->prefix,
		.before = *query->prefix != '\0' ?
		    object_key_successor(call->arena, query->prefix) :
		    end_of_keys(call->arena),
		.key_marker = query->key_marker,
		.id_marker = query->id_marker,
		.limit = query->max + 1,
	};

	/* Without an id, the uploads of the marker's key are skipped as well. */
	if (*range.key_marker != '\0' && *range.id_marker == '\0')
		range.id_marker = LAST_CODE_POINT;
	if (!objects_bucket_require(call, query->bucket, err) ||
	    !store_object_uploads_list(call->svc->db, call->arena, &range, &out->items, &out->n,
		err))
		return false;
	out->truncated = out->n > (size_t)query->max;
	if (out->truncated)
		out->n = (size_t)query->max;
	return true;
}
