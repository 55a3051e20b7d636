#include "http/input.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"
#include "http/input_value.h"
#include "core/banned.h"

size_t
input_rules_count(const struct field_rule *rules)
{
	size_t n = 0;

	while (rules != NULL && rules[n].name != NULL)
		n++;
	return n;
}

int64_t
input_text_max(int64_t max)
{
	return max == 0 ? FIELD_STRING_MAX : max;
}

int64_t
input_items_max(const struct field_rule *rule)
{
	return rule->max == 0 ? FIELD_ITEMS_MAX : rule->max;
}

bool
input_int_bounded(const struct field_rule *rule)
{
	return rule->min != 0 || rule->max != 0;
}

const char *
input_alphabet(const struct field_rule *rule)
{
	if ((rule->flags & FIELD_DIGITS) != 0)
		return "0123456789";
	return (rule->flags & FIELD_HEX) != 0 ? "0123456789abcdefABCDEF" : NULL;
}

struct input *
input_new(struct arena *arena, const struct field_rule *rules)
{
	struct input *in = arena_alloc(arena, sizeof(*in));

	in->rules = rules;
	in->n = input_rules_count(rules);
	in->values = arena_array(arena, in->n, sizeof(*in->values));
	return in;
}

const struct input *
input_empty(void)
{
	static const struct input empty = { .rules = NULL };

	return &empty;
}

/* C0 controls, DEL, and C1 controls (U+0080..U+009F, 0xC2 0x80..0x9F in UTF-8). */
static bool
text_has_control(const char *s, bool lines)
{
	const unsigned char *p = (const unsigned char *)s;

	for (; *p != '\0'; p++) {
		if (lines && (*p == '\n' || *p == '\r' || *p == '\t'))
			continue;
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return true;
	}
	return false;
}

static bool
text_length(const char *path, size_t len, int64_t min, int64_t max, const char *unit,
    struct error *err)
{
	if ((int64_t)len < min)
		return error_field(err, path, len == 0 ? "required" : "too_short",
		    "must have at least %lld %s", (long long)min, unit);
	if ((int64_t)len > max)
		return error_field(err, path, "too_long", "must have at most %lld %s",
		    (long long)max, unit);
	return true;
}

static bool
alphabet_holds(const struct field_rule *rule, const char *text)
{
	const char *alphabet = input_alphabet(rule);

	return alphabet == NULL || text[strspn(text, alphabet)] == '\0';
}

static bool
check_string(const struct field_rule *rule, const char *path, const char *text, struct error *err)
{
	bool secret = (rule->flags & FIELD_SECRET) != 0;
	size_t len = secret ? strlen(text) : utf8_length(text);

	if (!text_length(path, len, rule->min, input_text_max(rule->max),
		secret ? "bytes" : "characters", err))
		return false;
	if (!alphabet_holds(rule, text))
		return error_field(err, path, "format", "must contain only %s",
		    (rule->flags & FIELD_DIGITS) != 0 ? "digits" : "hexadecimal digits");
	if (!secret && text_has_control(text, (rule->flags & FIELD_TEXT) != 0))
		return error_field(err, path, "format", "must not contain control characters");
	return true;
}

static bool
choice_listed(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = choices; len > 0; p++) {
		size_t n = strcspn(p, "|");

		if (n == len && memcmp(p, text, n) == 0)
			return true;
		p += n;
		if (*p == '\0')
			break;
	}
	return false;
}

/* full-date of RFC 3339 section 5.6. */
static bool
is_date(const char *text)
{
	static const char midnight[] = "T00:00:00Z";
	char at[RFC3339_MAX];
	int64_t us;

	if (strlen(text) != strlen("2012-05-31"))
		return false;
	memcpy(at, text, strlen(text));
	memcpy(at + strlen(text), midnight, sizeof(midnight));
	return time_parse_rfc3339(at, &us);
}

bool
input_check_text(struct arena *arena, const struct field_rule *rule, const char *path,
    const char *text, struct value *value, struct error *err)
{
	value->str = text;
	switch (rule->type) {
	case FIELD_STRING:
		if (!check_string(rule, path, text, err))
			return false;
		break;
	case FIELD_ENUM:
		if (!choice_listed(rule->choices, text))
			return error_field(err, path, "choice", "must be one of %s", rule->choices);
		break;
	case FIELD_UUID:
		if (!uuid_valid(text))
			return error_field(err, path, "format", "must be a UUID");
		value->str = str_lower(arena, text);
		break;
	case FIELD_TIME:
		if (!time_parse_rfc3339(text, &value->num))
			return error_field(err, path, "format", "must be an RFC 3339 time");
		break;
	case FIELD_DATE:
		if (!is_date(text))
			return error_field(err, path, "format", "must be a date like 2012-05-31");
		break;
	case FIELD_EMAIL:
		if (!str_is_email(text))
			return error_field(err, path, "format", "must be an email address");
		value->str = str_lower(arena, text);
		break;
	default: return error_field(err, path, "type", "has the wrong type");
	}
	value->state = VALUE_PRESENT;
	return true;
}

bool
input_check_param(struct arena *arena, const struct field_rule *rules, const char *name,
    const char *text, struct error *err)
{
	struct value value;

	for (; rules != NULL && rules->name != NULL; rules++)
		if (str_eq(rules->name, name))
			return input_check_text(arena, rules, name, text, &value, err);
	return true;
}

bool
input_check_int(const struct field_rule *rule, const char *path, int64_t n, struct error *err)
{
	if (input_int_bounded(rule) && (n < rule->min || n > rule->max))
		return error_field(err, path, "range", "must be from %lld to %lld",
		    (long long)rule->min, (long long)rule->max);
	return true;
}

bool
input_check_item(const struct field_rule *rule, const char *path, size_t i, const char *text,
    struct error *err)
{
	struct field_rule one = { .name = rule->name,
		.type = FIELD_STRING,
		.min = 1,
		.max = rule->item_max,
		.flags = rule->flags };

	if (rule->type == FIELD_UUIDS && !uuid_valid(text))
		return error_field(err, path, "format", "must have a UUID as element %zu", i);
	if (rule->type == FIELD_STRINGS && !check_string(&one, path, text, err))
		return false;
	if (rule->choices != NULL && !choice_listed(rule->choices, text))
		return error_field(err, path, "choice",
		    "must not contain '%.40s', which is not one of the choices", text);
	return true;
}

bool
input_item_range(const struct field_rule *rule, const char *path, size_t i, struct error *err)
{
	return error_field(err, path, "range", "element %zu must be from %lld to %lld", i,
	    (long long)rule->item_min, (long long)rule->item_max);
}

bool
input_check_count(const struct field_rule *rule, const char *path, size_t n, struct error *err)
{
	int64_t max = input_items_max(rule);

	if ((int64_t)n < rule->min || (int64_t)n > max)
		return error_field(err, path, "range", "must have %lld to %lld elements",
		    (long long)rule->min, (long long)max);
	return true;
}

static const struct value *
value_find(const struct input *in, const char *name)
{
	static const struct value absent = { .state = VALUE_ABSENT };

	for (size_t i = 0; in != NULL && i < in->n; i++) {
		if (strcmp(in->rules[i].name, name) == 0)
			return &in->values[i];
	}
	return &absent;
}

/* The FIELD_ALONE rule, or NULL. */
static const struct field_rule *
rule_alone(const struct input *in)
{
	for (size_t i = 0; i < in->n; i++)
		if ((in->rules[i].flags & FIELD_ALONE) != 0)
			return &in->rules[i];
	return NULL;
}

/* Accepts either the list alone or the members of one element. */
static bool
check_forms(const struct input *in, const struct field_rule *list, struct error *err)
{
	bool batch = value_find(in, list->name)->state != VALUE_ABSENT, ok = true;

	for (const struct field_rule *rule = list->fields; rule->name != NULL; rule++) {
		bool given = value_find(in, rule->name)->state != VALUE_ABSENT;

		if (batch && given)
			ok = error_field(err, rule->name, "unknown",
			    "must not be sent together with '%s'", list->name);
		else if (!batch && !given && (rule->flags & FIELD_REQUIRED) != 0)
			ok = error_field(err, rule->name, "required", "must be given");
	}
	return ok;
}

bool
input_check_required(const struct input *in, const char *prefix, struct error *err)
{
	const struct field_rule *alone = rule_alone(in);
	bool ok = alone == NULL || check_forms(in, alone, err);

	for (size_t i = 0; i < in->n; i++) {
		char name[FIELD_PATH_MAX];

		if ((in->rules[i].flags & FIELD_REQUIRED) == 0 ||
		    in->values[i].state != VALUE_ABSENT)
			continue;
		str_copy(name, sizeof(name), prefix);
		str_copy(name + strlen(name), sizeof(name) - strlen(name), in->rules[i].name);
		ok = error_field(err, name, "required", "must be given");
	}
	return ok;
}

bool
input_has(const struct input *in, const char *name)
{
	return value_find(in, name)->state == VALUE_PRESENT;
}

bool
input_is_null(const struct input *in, const char *name)
{
	return value_find(in, name)->state == VALUE_NULL;
}

const char *
input_str(const struct input *in, const char *name)
{
	return value_find(in, name)->str;
}

int64_t
input_int(const struct input *in, const char *name, int64_t fallback)
{
	const struct value *value = value_find(in, name);

	return value->state == VALUE_PRESENT ? value->num : fallback;
}

bool
input_bool(const struct input *in, const char *name, bool fallback)
{
	return input_int(in, name, fallback) != 0;
}

int64_t
input_time(const struct input *in, const char *name)
{
	return input_int(in, name, 0);
}

size_t
input_count(const struct input *in, const char *name)
{
	return value_find(in, name)->count;
}

const char *
input_str_at(const struct input *in, const char *name, size_t i)
{
	const struct value *value = value_find(in, name);

	return i < value->count && value->strs != NULL ? value->strs[i] : NULL;
}

int64_t
input_int_at(const struct input *in, const char *name, size_t i)
{
	const struct value *value = value_find(in, name);

	return i < value->count && value->ints != NULL ? value->ints[i] : 0;
}

const struct input *
input_object(const struct input *in, const char *name)
{
	const struct value *value = value_find(in, name);

	return value->objects != NULL && value->count == 0 ? value->objects[0] : NULL;
}

const struct input *
input_object_at(const struct input *in, const char *name, size_t i)
{
	const struct value *value = value_find(in, name);

	return i < value->count && value->objects != NULL ? value->objects[i] : NULL;
}

const struct cJSON *
input_json(const struct input *in, const char *name)
{
	return value_find(in, name)->json;
}
