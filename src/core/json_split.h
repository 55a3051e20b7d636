/*
 * A long JSON list read as it arrives: of an answer such as
 *	{"MediaContainer":{"totalSize":70000,"Metadata":[{...},{...},...]}}
 * the elements of one array are handed out one at a time, and what is around them is kept as a
 * small text of its own, with the array empty. Neither the answer nor its tree is ever in memory
 * as a whole. Only the structure is checked here; json_parse() judges each element and the rest.
 *
 *	json_split_init(&split, arena, "MediaContainer", "Metadata", &(struct json_split_limits) {
 *	    ITEM_MAX, REST_MAX }, on_item, context);
 *	while (read(...)) if (!json_split_feed(&split, data, n)) break;
 *	if (json_split_end(&split, &err)) rest = json_parse(arena, split.rest.data, ...);
 */
#ifndef MN_CORE_JSON_SPLIT_H
#define MN_CORE_JSON_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/str.h"

struct arena;
struct error;

/* Returns false to stop. The text is an object and lives until the function returns. */
typedef bool json_split_fn(void *context, const char *text, size_t len);

struct json_split_limits {
	size_t element; /* bytes of one element */
	size_t rest;    /* bytes of everything else */
};

enum json_split_state { JSON_SPLIT_RUNS, JSON_SPLIT_STOPPED, JSON_SPLIT_BROKEN, JSON_SPLIT_LONG };

struct json_split {
	const char *outer, *array; /* the array is a member of this member of the document */
	json_split_fn *element;
	void *context;
	struct buf rest, item, key;
	enum json_split_state state;
	unsigned depth;  /* of brackets */
	unsigned inside; /* depth of the array's elements; 0: not in the array */
	bool in_string, escaped;
	bool is_key;    /* the string that ended last may be one */
	bool named;     /* the last key was the array's */
	bool in_outer;  /* the object of depth 2 is the outer member */
	bool outer_key; /* the last key of depth 1 was the outer one */
	bool ended;     /* the document's last bracket was read */
};

/* The arena holds one element and the rest; it is not reset while the split is used. */
void json_split_init(struct json_split *, struct arena *, const char *outer, const char *array,
    const struct json_split_limits *, json_split_fn *, void *context);
/* False: stopped, broken or too long (see state). */
bool json_split_feed(struct json_split *, const char *data, size_t len);
/*
 * The input has ended. False with ERR_MALFORMED malformed_json unless it was one complete document
 * and nobody stopped it. Then `rest` is the document with the array empty.
 */
bool json_split_end(const struct json_split *, struct error *);

#endif
