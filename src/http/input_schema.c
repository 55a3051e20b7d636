/* Field rules as JSON Schema. */
#include <string.h>

#include "core/json.h"
#include "core/str.h"
#include "http/input_value.h"

#include "core/banned.h"

static void
put_type(struct json *j, const char *type, unsigned flags)
{
	if ((flags & FIELD_NULLABLE) == 0) {
		json_put_str(j, "type", type);
		return;
	}
	json_array(j, "type");
	json_put_str(j, NULL, type);
	json_put_str(j, NULL, "null");
	json_array_end(j);
}

/* Leaves out a limit that is not set. */
static void
put_limit(struct json *j, const char *key, int64_t limit)
{
	if (limit > 0)
		json_put_int(j, key, limit);
}

static void
put_choices(struct json *j, const char *choices)
{
	json_array(j, "enum");
	for (const char *p = choices;;) {
		size_t n = strcspn(p, "|");

		json_put_strn(j, NULL, p, n);
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	json_array_end(j);
}

static void
put_string(struct json *j, const struct field_rule *rule)
{
	put_limit(j, "minLength", rule->min);
	json_put_int(j, "maxLength", input_text_max(rule->max));
	if ((rule->flags & FIELD_DIGITS) != 0)
		json_put_str(j, "pattern", "^[0-9]*$");
	if ((rule->flags & FIELD_HEX) != 0)
		json_put_str(j, "pattern", "^[0-9a-fA-F]*$");
	if ((rule->flags & FIELD_SECRET) != 0) {
		json_put_str(j, "format", "password");
		json_put_str(j, "x-unit", "bytes");
	}
	if ((rule->flags & FIELD_TEXT) != 0)
		json_put_bool(j, "x-lines", true);
}

/* Strings with a format. */
static void
put_format(struct json *j, const char *format, unsigned flags)
{
	put_type(j, "string", flags);
	json_put_str(j, "format", format);
}

static void
put_item(struct json *j, const struct field_rule *rule)
{
	struct field_rule one = { .type = FIELD_STRING, .min = 1, .max = rule->item_max };

	if (rule->type == FIELD_OBJECTS) {
		input_schema(j, "items", rule->fields);
		return;
	}
	if (rule->type == FIELD_UUIDS)
		one = (struct field_rule) { .type = FIELD_UUID };
	else if (rule->type == FIELD_INTS)
		one = (struct field_rule) {
			.type = FIELD_INT, .min = rule->item_min, .max = rule->item_max
		};
	else if (rule->choices != NULL)
		one = (struct field_rule) { .type = FIELD_ENUM, .choices = rule->choices };
	input_schema_field(j, "items", &one);
}

static void
put_array(struct json *j, const struct field_rule *rule)
{
	put_type(j, "array", rule->flags);
	put_limit(j, "minItems", rule->min);
	json_put_int(j, "maxItems", input_items_max(rule));
	put_item(j, rule);
}

static void
put_int(struct json *j, const struct field_rule *rule)
{
	put_type(j, "integer", rule->flags);
	if (input_int_bounded(rule)) {
		json_put_int(j, "minimum", rule->min);
		json_put_int(j, "maximum", rule->max);
	}
	put_limit(j, "default", rule->fallback);
}

static void put_object(struct json *, const struct field_rule *, unsigned flags);

void
input_schema_field(struct json *j, const char *key, const struct field_rule *rule)
{
	if (rule->type == FIELD_OBJECT) {
		json_object(j, key);
		put_object(j, rule->fields, rule->flags);
		json_object_end(j);
		return;
	}
	json_object(j, key);
	switch (rule->type) {
	case FIELD_STRING:
		put_type(j, "string", rule->flags);
		put_string(j, rule);
		break;
	case FIELD_INT: put_int(j, rule); break;
	case FIELD_BOOL: put_type(j, "boolean", rule->flags); break;
	case FIELD_UUID: put_format(j, "uuid", rule->flags); break;
	case FIELD_TIME: put_format(j, "date-time", rule->flags); break;
	case FIELD_DATE: put_format(j, "date", rule->flags); break;
	case FIELD_ENUM:
		put_type(j, "string", rule->flags);
		put_choices(j, rule->choices);
		break;
	case FIELD_EMAIL:
		put_format(j, "email", rule->flags);
		json_put_int(j, "minLength", EMAIL_MIN);
		json_put_int(j, "maxLength", EMAIL_MAX);
		break;
	case FIELD_STRINGS:
	case FIELD_UUIDS:
	case FIELD_INTS:
	case FIELD_OBJECTS: put_array(j, rule); break;
	case FIELD_OBJECT:
	case FIELD_JSON: break; /* anything */
	}
	json_object_end(j);
}

static void
put_object(struct json *j, const struct field_rule *rules, unsigned flags)
{
	put_type(j, "object", flags);
	json_object(j, "properties");
	for (const struct field_rule *rule = rules; rule != NULL && rule->name != NULL; rule++)
		input_schema_field(j, rule->name, rule);
	json_object_end(j);
	json_array(j, "required");
	for (const struct field_rule *rule = rules; rule != NULL && rule->name != NULL; rule++)
		if ((rule->flags & FIELD_REQUIRED) != 0)
			json_put_str(j, NULL, rule->name);
	json_array_end(j);
	json_put_bool(j, "additionalProperties", false);
}

/* Either the members of one element or the list alone. */
static void
put_forms(struct json *j, const struct field_rule *list)
{
	struct field_rule alone[2] = { *list, { .name = NULL } };

	alone[0].flags |= FIELD_REQUIRED;
	json_array(j, "oneOf");
	json_object(j, NULL);
	put_object(j, list->fields, 0);
	json_object_end(j);
	json_object(j, NULL);
	put_object(j, alone, 0);
	json_object_end(j);
	json_array_end(j);
}

void
input_schema(struct json *j, const char *key, const struct field_rule *rules)
{
	const struct field_rule *rule = rules;

	while (rule != NULL && rule->name != NULL && (rule->flags & FIELD_ALONE) == 0)
		rule++;
	json_object(j, key);
	if (rule != NULL && rule->name != NULL)
		put_forms(j, rule);
	else
		put_object(j, rules, 0);
	json_object_end(j);
}
