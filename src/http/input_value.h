/* Private to input*.c: how checked values are stored. */
#ifndef MN_HTTP_INPUT_VALUE_H
#define MN_HTTP_INPUT_VALUE_H

#include "core/error.h"
#include "http/input.h"

enum value_state { VALUE_ABSENT, VALUE_NULL, VALUE_PRESENT };

struct value {
	enum value_state state;
	const char *str;
	int64_t num; /* integers, booleans, times */
	size_t count;
	const char **strs;
	int64_t *ints;
	const struct input **objects;
	const struct cJSON *json;
};

struct input {
	const struct field_rule *rules;
	size_t n;
	struct value *values; /* one for each rule */
};

#define FIELD_PATH_MAX ERROR_FIELD_NAME_MAX /* bytes of "files[3].name", with NUL */

/* The defaults of rules, for the checks and for input_schema.c. */
int64_t input_text_max(int64_t max);
int64_t input_items_max(const struct field_rule *);
bool input_int_bounded(const struct field_rule *);
const char *input_alphabet(const struct field_rule *); /* NULL: any character */

size_t input_rules_count(const struct field_rule *);
struct input *input_new(struct arena *, const struct field_rule *);
/*
 * Checks a text against a rule of a textual type (string, enum, UUID, time, e-mail) and keeps it.
 */
bool input_check_text(struct arena *, const struct field_rule *, const char *path, const char *text,
    struct value *, struct error *);
bool input_check_int(const struct field_rule *, const char *path, int64_t, struct error *);
/* Element i of an array of strings, ids or numbers, already split or unpacked. */
bool input_check_item(const struct field_rule *, const char *path, size_t i, const char *text,
    struct error *);
/* Reports element i of an array of numbers as out of range; returns false. */
bool input_item_range(const struct field_rule *, const char *path, size_t i, struct error *);
bool input_check_count(const struct field_rule *, const char *path, size_t n, struct error *);
bool input_check_required(const struct input *, const char *prefix, struct error *);

#endif
