/*
 * Field rules: accepted input is data, one row a field, checked before authentication and without
 * I/O.
 *
 * For GET, HEAD and DELETE the rules speak of the query string, otherwise of the JSON body (an
 * object). Unknown and duplicate names are refused, so are wrong types and everything outside
 * min..max: all complaints are collected in one problem. A route with input == NULL takes no query
 * and no body at all ({} is let pass). Arrays of strings, ids and numbers come as a comma-separated
 * list in a query; objects and FIELD_JSON cannot come there.
 */
#ifndef MN_HTTP_INPUT_H
#define MN_HTTP_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct cJSON;
struct error;

enum field_type {
	FIELD_STRING, /* min..max code points; no control characters unless FIELD_TEXT */
	FIELD_INT,    /* min..max */
	FIELD_BOOL,
	FIELD_UUID,
	FIELD_TIME,    /* RFC 3339; held as us */
	FIELD_ENUM,    /* one of choices "a|b|c" */
	FIELD_EMAIL,   /* 3..254 bytes, one @, held in lower case */
	FIELD_OBJECT,  /* fields */
	FIELD_STRINGS, /* array of min..max strings of 1..item_max code points */
	FIELD_UUIDS,   /* array of min..max ids */
	FIELD_INTS,    /* array of min..max integers 0..item_max */
	FIELD_OBJECTS, /* array of min..max objects after `fields` */
	FIELD_JSON,    /* any value; handler reads the tree */
};

#define FIELD_REQUIRED 1u
#define FIELD_NULLABLE 2u /* JSON null allowed: input_is_null() */
#define FIELD_TEXT 4u     /* line breaks and tabs allowed */
#define FIELD_SECRET 8u   /* bytes are counted, not code points; never echoed */

#define FIELD_STRING_MAX 255 /* code points where a rule says max = 0 */
#define FIELD_ITEMS_MAX 100  /* elements where a rule says max = 0 */
#define INPUT_QUERY_PAIRS_MAX 64

struct field_rule {
	const char *name;
	enum field_type type;
	int64_t min, max;
	unsigned flags;
	const char *choices;
	int64_t item_max;
	const struct field_rule *fields;
};

struct input; /* immutable; belongs to the arena */

const struct input *input_empty(void);
bool input_from_json(struct arena *, const struct field_rule *, const char *body, size_t len,
    const struct input **, struct error *);
bool input_from_query(struct arena *, const struct field_rule *, const char *query,
    const struct input **, struct error *);

bool input_has(const struct input *, const char *name);        /* present and not null */
bool input_is_null(const struct input *, const char *name);    /* present as null */
const char *input_str(const struct input *, const char *name); /* NULL when absent */
int64_t input_int(const struct input *, const char *name, int64_t fallback);
bool input_bool(const struct input *, const char *name, bool fallback);
int64_t input_time(const struct input *, const char *name); /* us, 0 when absent */
/* elements of an array, 0 when absent */
size_t input_count(const struct input *, const char *name);
const char *input_str_at(const struct input *, const char *name, size_t);
int64_t input_int_at(const struct input *, const char *name, size_t);
const struct input *input_object(const struct input *, const char *name); /* NULL when absent */
const struct input *input_object_at(const struct input *, const char *name, size_t);
const struct cJSON *input_json(const struct input *, const char *name);

#endif
