/*
 * Field rules: accepted input is described by data, one row for each field. It is checked before
 * authentication and without I/O.
 *
 * For GET, HEAD and DELETE the rules apply to the query string, otherwise to the JSON body (an
 * object). Unknown and duplicate names, wrong types and values outside min..max are errors; one
 * problem document lists all of them. A route with input == NULL takes neither query nor body ({}
 * is accepted). Arrays of strings, ids and numbers come as a comma-separated list in a query;
 * objects and FIELD_JSON are not possible there.
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
	FIELD_TIME,   /* RFC 3339; stored as us */
	FIELD_DATE,   /* full-date of RFC 3339, "2012-05-31"; stored as it is */
	FIELD_ENUM,   /* one of choices "a|b|c" */
	FIELD_EMAIL,  /* str_is_email(), stored in lower case */
	FIELD_OBJECT, /* fields */
	/* array of min..max strings of 1..item_max code points, each one of choices if there are */
	FIELD_STRINGS,
	FIELD_UUIDS,   /* array of min..max ids */
	FIELD_INTS,    /* array of min..max integers item_min..item_max */
	FIELD_OBJECTS, /* array of min..max objects with `fields` */
	FIELD_JSON,    /* any value; the handler reads the tree */
};

#define FIELD_REQUIRED 1u
#define FIELD_NULLABLE 2u /* JSON null allowed: input_is_null() */
#define FIELD_TEXT 4u     /* line breaks and tabs allowed */
#define FIELD_SECRET 8u   /* counted in bytes, not code points; never echoed */
#define FIELD_DIGITS 16u  /* of a string: 0-9 only */
#define FIELD_HEX 32u     /* of a string: 0-9, a-f, A-F only */
/*
 * Of FIELD_OBJECTS, one in a body: the body has either this list alone or the members of one
 * element in its place; members that the element requires are then required. They have rules of
 * their own beside the list's, none of them required.
 */
#define FIELD_ALONE 64u

#define FIELD_STRING_MAX 255 /* code points if a rule has max = 0 */
#define FIELD_ITEMS_MAX 100  /* elements if a rule has max = 0 */
#define INPUT_QUERY_PAIRS_MAX 64

struct field_rule {
	const char *name;
	enum field_type type;
	int64_t min, max;
	unsigned flags;
	const char *choices; /* "a|b|c" */
	int64_t item_min, item_max;
	const struct field_rule *fields;
	int64_t fallback; /* of FIELD_INT: the handler's value when it is absent; 0: none */
};

struct json;

/*
 * The accepted input as JSON Schema (2020-12, as in OpenAPI 3.1): an object for a body. `x-unit` is
 * "bytes" if minLength and maxLength count bytes; `x-lines` marks texts that may have line breaks.
 */
void input_schema(struct json *, const char *key, const struct field_rule *);
/* One rule: a parameter. */
void input_schema_field(struct json *, const char *key, const struct field_rule *);

struct input; /* immutable; belongs to the arena */

const struct input *input_empty(void);
bool input_from_json(struct arena *, const struct field_rule *, const char *body, size_t len,
    const struct input **, struct error *);
bool input_from_query(struct arena *, const struct field_rule *, const char *query,
    const struct input **, struct error *);

/* Checks a path parameter against the rule of its name, if there is one. */
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
