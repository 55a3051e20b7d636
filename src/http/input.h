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
	/*
	 * min..max code points, bytes with FIELD_SECRET; no control characters unless FIELD_TEXT
	 */
	FIELD_STRING,
	FIELD_INT, /* min..max */
	FIELD_BOOL,
	FIELD_UUID,
	FIELD_TIME,   /* RFC 3339; held as us */
	FIELD_ENUM,   /* one of choices "a|b|c" */
	FIELD_EMAIL,  /* str_is_email(), held in lower case */
	FIELD_OBJECT, /* fields */
	/* array of min..max strings of 1..item_max code points, each one of choices if there are */
	FIELD_STRINGS,
	FIELD_UUIDS,   /* array of min..max ids */
	FIELD_INTS,    /* array of min..max integers item_min..item_max */
	FIELD_OBJECTS, /* array of min..max objects after `fields` */
	FIELD_JSON,    /* any value; handler reads the tree */
};

#define FIELD_REQUIRED 1u
#define FIELD_NULLABLE 2u /* JSON null allowed: input_is_null() */
#define FIELD_TEXT 4u     /* line breaks and tabs allowed */
#define FIELD_SECRET 8u   /* bytes are counted, not code points; never echoed */
#define FIELD_DIGITS 16u  /* of a string: 0-9 only */
#define FIELD_HEX 32u     /* of a string: 0-9, a-f, A-F only */
/*
 * Of FIELD_OBJECTS, one in a body: either this list comes alone, or the members of one element
 * stand in its place: those that the element requires are required then. They have rules beside
 * the list's, none of them required.
 */
#define FIELD_ALONE 64u

#define FIELD_STRING_MAX 255 /* code points where a rule says max = 0 */
#define FIELD_ITEMS_MAX 100  /* elements where a rule says max = 0 */
#define INPUT_QUERY_PAIRS_MAX 64

struct field_rule {
	const char *name;
	enum field_type type;
	int64_t min, max;
	unsigned flags;
	const char *choices; /* "a|b|c" */
	int64_t item_min, item_max;
	const struct field_rule *fields;
	int64_t fallback; /* of FIELD_INT: what the handler takes when it is absent; 0: none */
};

struct json;

/*
 * What the rules let pass, as JSON Schema (2020-12, as OpenAPI 3.1 has it): an object for a body.
 * `x-unit` is "bytes" where minLength and maxLength count those; `x-lines` marks texts that may
 * have line breaks.
 */
void input_schema(struct json *, const char *key, const struct field_rule *);
/* One rule alone: a parameter. */
void input_schema_field(struct json *, const char *key, const struct field_rule *);

struct input; /* immutable; belongs to the arena */

const struct input *input_empty(void);
bool input_from_json(struct arena *, const struct field_rule *, const char *body, size_t len,
    const struct input **, struct error *);
bool input_from_query(struct arena *, const struct field_rule *, const char *query,
    const struct input **, struct error *);

/* A part of the path against the rule of its name, if it has one. */
bool input_check_param(struct arena *, const struct field_rule *, const char *name,
    const char *text, struct error *);

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
