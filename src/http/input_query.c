/* Field rules over a query string (application/x-www-form-urlencoded, WHATWG URL section 5.1). */
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "http/input_value.h"
#include "core/banned.h"

static bool
check_int(const struct field_rule *rule, const char *text, int64_t *n, struct error *err)
{
	if (!str_to_int(text, -JSON_INT_MAX, JSON_INT_MAX, n))
		return error_field(err, rule->name, "type", "must be a whole number");
	return input_check_int(rule, rule->name, *n, err);
}

static bool
check_list(struct arena *arena, const struct field_rule *rule, const char *text,
    struct value *value, struct error *err)
{
	size_t n = *text == '\0' ? 0 : 1, i = 0;

	for (const char *p = text; *p != '\0'; p++)
		n += *p == ',';
	if (!input_check_count(rule, rule->name, n, err))
		return false;
	value->strs = arena_array(arena, n, sizeof(*value->strs));
	value->ints = arena_array(arena, n, sizeof(*value->ints));
	for (const char *p = text; i < n; i++) {
		size_t len = strcspn(p, ",");
		char *item = arena_strndup(arena, p, len);

		value->strs[i] = rule->type == FIELD_UUIDS ? str_lower(arena, item) : item;
		if (rule->type == FIELD_INTS ?
			!str_to_int(item, rule->item_min, rule->item_max, &value->ints[i]) &&
			    !input_item_range(rule, rule->name, i, err) :
			!input_check_item(rule, rule->name, i, item, err))
			return false;
		p += len + (p[len] == ',');
	}
	value->count = n;
	return true;
}

static bool
check_pair(struct arena *arena, const struct field_rule *rule, const char *text,
    struct value *value, struct error *err)
{
	bool flag = false;

	if (value->state != VALUE_ABSENT)
		return error_field(err, rule->name, "duplicate", "must be given only once");
	value->state = VALUE_PRESENT;
	switch (rule->type) {
	case FIELD_INT: return check_int(rule, text, &value->num, err);
	case FIELD_BOOL:
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return error_field(err, rule->name, "type", "must be true or false");
		flag = text[0] == 't';
		value->num = flag;
		return true;
	case FIELD_STRINGS:
	case FIELD_UUIDS:
	case FIELD_INTS: return check_list(arena, rule, text, value, err);
	default: return input_check_text(arena, rule, rule->name, text, value, err);
	}
}

static bool
pair_decode(struct arena *arena, const char *pair, size_t len, char **name, char **text,
    struct error *err)
{
	const char *eq = memchr(pair, '=', len);
	size_t name_len = eq == NULL ? len : (size_t)(eq - pair), n = 0, t = 0;

	*text = arena_strdup(arena, "");
	if (!url_decode(arena, pair, name_len, true, name, &n) ||
	    (eq != NULL && !url_decode(arena, eq + 1, len - name_len - 1, true, text, &t)) ||
	    !utf8_valid(*name, n) || !utf8_valid(*text, t))
		return error_set(err, ERR_MALFORMED,
		    "The query is not valid percent-encoded UTF-8.");
	return true;
}

/* Returns false when the rest of the query cannot be read. */
static bool
query_pair(struct arena *arena, struct input *in, const char *pair, size_t len, bool *ok,
    struct error *err)
{
	char *name, *text;
	size_t i = 0;

	if (!pair_decode(arena, pair, len, &name, &text, err))
		return *ok = false;
	while (i < in->n && strcmp(in->rules[i].name, name) != 0)
		i++;
	if (i == in->n)
		*ok = error_field(err, utf8_clean(arena, name, strlen(name), FIELD_PATH_MAX - 1),
		    "unknown", "must not be sent: the parameter is unknown");
	else if (!check_pair(arena, &in->rules[i], text, &in->values[i], err))
		*ok = false;
	return true;
}

bool
input_from_query(struct arena *arena, const struct field_rule *rules, const char *query,
    const struct input **out, struct error *err)
{
	struct input *in = input_new(arena, rules);
	bool ok = true;
	int pairs = 0;

	for (const char *p = query; *p != '\0';) {
		size_t len = strcspn(p, "&");

		if (++pairs > INPUT_QUERY_PAIRS_MAX)
			return error_set(err, ERR_MALFORMED,
			    "The query has more than %d parameters.", INPUT_QUERY_PAIRS_MAX);
		if (len > 0 && !query_pair(arena, in, p, len, &ok, err))
			return false;
		p += len + (p[len] == '&');
	}
	if (!input_check_required(in, "", err))
		ok = false;
	*out = in;
	return ok;
}
