/* Field rules over a JSON object. */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "http/input_value.h"
#include "core/banned.h"

static const struct input *object_check(struct arena *, const struct field_rule *, const cJSON *,
    const char *prefix, struct error *);

static bool
number_is_int(const cJSON *node)
{
	return cJSON_IsNumber(node) && node->valuedouble >= -(double)JSON_INT_MAX &&
	    node->valuedouble <= (double)JSON_INT_MAX &&
	    node->valuedouble == (double)(int64_t)node->valuedouble;
}

static bool
wrong_type(const char *path, const char *wanted, struct error *err)
{
	return error_field(err, path, "type", "must be %s", wanted);
}

static bool
array_item(struct arena *arena, const struct field_rule *rule, const char *path, size_t i,
    const cJSON *item, struct value *value, struct error *err)
{
	char prefix[FIELD_PATH_MAX];

	if (rule->type == FIELD_OBJECTS) {
		if (!cJSON_IsObject(item))
			return wrong_type(path, "an array of objects", err);
		snprintf(prefix, sizeof(prefix), "%.40s[%zu].", path, i);
		value->objects[i] = object_check(arena, rule->fields, item, prefix, err);
		return value->objects[i] != NULL;
	}
	if (rule->type == FIELD_INTS) {
		if (!number_is_int(item))
			return wrong_type(path, "an array of whole numbers", err);
		value->ints[i] = (int64_t)item->valuedouble;
		return (value->ints[i] >= rule->item_min && value->ints[i] <= rule->item_max) ||
		    input_item_range(rule, path, i, err);
	}
	if (!cJSON_IsString(item))
		return wrong_type(path, "an array of strings", err);
	value->strs[i] =
	    rule->type == FIELD_UUIDS ? str_lower(arena, item->valuestring) : item->valuestring;
	return input_check_item(rule, path, i, item->valuestring, err);
}

static bool
check_array(struct arena *arena, const struct field_rule *rule, const char *path, const cJSON *node,
    struct value *value, struct error *err)
{
	const cJSON *item;
	size_t n = 0;

	if (!cJSON_IsArray(node))
		return wrong_type(path, "an array", err);
	cJSON_ArrayForEach (item, node)
		n++;
	if (!input_check_count(rule, path, n, err))
		return false;
	if (rule->type == FIELD_OBJECTS)
		value->objects = arena_array(arena, n, sizeof(*value->objects));
	else if (rule->type == FIELD_INTS)
		value->ints = arena_array(arena, n, sizeof(*value->ints));
	else
		value->strs = arena_array(arena, n, sizeof(*value->strs));
	cJSON_ArrayForEach (item, node) {
		if (!array_item(arena, rule, path, value->count, item, value, err))
			return false;
		value->count++;
	}
	value->state = VALUE_PRESENT;
	return true;
}

static bool
check_object(struct arena *arena, const struct field_rule *rule, const char *path,
    const cJSON *node, struct value *value, struct error *err)
{
	char prefix[FIELD_PATH_MAX];

	if (!cJSON_IsObject(node))
		return wrong_type(path, "an object", err);
	snprintf(prefix, sizeof(prefix), "%.60s.", path);
	value->objects = arena_array(arena, 1, sizeof(*value->objects));
	value->objects[0] = object_check(arena, rule->fields, node, prefix, err);
	value->state = VALUE_PRESENT;
	return value->objects[0] != NULL;
}

static bool
check_scalar(struct arena *arena, const struct field_rule *rule, const char *path,
    const cJSON *node, struct value *value, struct error *err)
{
	if (rule->type == FIELD_INT) {
		if (!number_is_int(node))
			return wrong_type(path, "a whole number", err);
		value->num = (int64_t)node->valuedouble;
		value->state = VALUE_PRESENT;
		return input_check_int(rule, path, value->num, err);
	}
	if (rule->type == FIELD_BOOL) {
		if (!cJSON_IsBool(node))
			return wrong_type(path, "true or false", err);
		value->num = cJSON_IsTrue(node);
		value->state = VALUE_PRESENT;
		return true;
	}
	if (!cJSON_IsString(node))
		return wrong_type(path, "a string", err);
	return input_check_text(arena, rule, path, node->valuestring, value, err);
}

static bool
check_value(struct arena *arena, const struct field_rule *rule, const char *path, const cJSON *node,
    struct value *value, struct error *err)
{
	value->json = node;
	if (rule->type == FIELD_JSON &&
	    !(cJSON_IsNull(node) && (rule->flags & FIELD_NULLABLE) != 0)) {
		value->state = VALUE_PRESENT;
		return true;
	}
	if (cJSON_IsNull(node)) {
		if ((rule->flags & FIELD_NULLABLE) == 0)
			return error_field(err, path, "type", "must not be null");
		value->state = VALUE_NULL;
		return true;
	}
	switch (rule->type) {
	case FIELD_OBJECT: return check_object(arena, rule, path, node, value, err);
	case FIELD_STRINGS:
	case FIELD_UUIDS:
	case FIELD_INTS:
	case FIELD_OBJECTS: return check_array(arena, rule, path, node, value, err);
	default: return check_scalar(arena, rule, path, node, value, err);
	}
}

/* Collects all errors; returns NULL if there are any. json_parse() has rejected duplicate keys. */
static const struct input *
object_check(struct arena *arena, const struct field_rule *rules, const cJSON *object,
    const char *prefix, struct error *err)
{
	struct input *in = input_new(arena, rules);
	const cJSON *node;
	bool ok = true;

	cJSON_ArrayForEach (node, object) {
		char path[FIELD_PATH_MAX];
		size_t i = 0;

		snprintf(path, sizeof(path), "%.44s%.19s", prefix, node->string);
		while (i < in->n && strcmp(rules[i].name, node->string) != 0)
			i++;
		if (i == in->n) {
			ok = error_field(err,
			    utf8_clean(arena, path, strlen(path), sizeof(path) - 1), "unknown",
			    "must not be sent: the field is unknown");
			continue;
		}
		snprintf(path, sizeof(path), "%.40s%.22s", prefix, rules[i].name);
		if (!check_value(arena, &rules[i], path, node, &in->values[i], err))
			ok = false;
		if (in->values[i].state == VALUE_ABSENT)
			/* present but wrong: do not report it as missing too */
			in->values[i].state = VALUE_NULL;
	}
	if (!input_check_required(in, prefix, err))
		ok = false;
	return ok ? in : NULL;
}

bool
input_from_json(struct arena *arena, const struct field_rule *rules, const char *body, size_t len,
    const struct input **out, struct error *err)
{
	const cJSON *tree;

	if (len == 0) {
		struct input *in = input_new(arena, rules);

		*out = in;
		return input_check_required(in, "", err);
	}
	tree = json_parse(arena, body, len, err);
	if (tree == NULL)
		return false;
	if (!cJSON_IsObject(tree))
		return error_set(err, ERR_MALFORMED, "The body must be a JSON object.");
	*out = object_check(arena, rules, tree, "", err);
	return *out != NULL;
}
