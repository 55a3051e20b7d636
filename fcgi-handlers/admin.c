#include "fcgi-handlers/admin.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/operator/settings.h"

#include "core/banned.h"

static const char *const type_names[] = {
	[CONFIG_STRING] = "string",
	[CONFIG_INT] = "integer",
	[CONFIG_BOOL] = "boolean",
	[CONFIG_SIZE] = "size",
	[CONFIG_ENUM] = "enum",
	[CONFIG_PATH] = "path",
	[CONFIG_LIST] = "list",
};
static const char *const source_names[] = {
	[CONFIG_FROM_DEFAULT] = "default",
	[CONFIG_FROM_FILE] = "file",
	[CONFIG_FROM_ENVIRONMENT] = "environment",
	[CONFIG_FROM_DATABASE] = "database",
};

/* A value in the JSON type of its row. */
static void
put_value(struct json *j, const char *key, const struct config_row *row,
    const struct config *config, enum config_key id)
{
	switch (row->type) {
	case CONFIG_INT:
	case CONFIG_SIZE: json_put_int(j, key, config_int(config, id)); break;
	case CONFIG_BOOL: json_put_bool(j, key, config_bool(config, id)); break;
	case CONFIG_STRING:
	case CONFIG_ENUM:
	case CONFIG_PATH:
	case CONFIG_LIST: json_put_str(j, key, config_str(config, id)); break;
	}
}

/* A default has the type of its value. */
static void
put_default(struct json *j, const struct config_row *row, enum config_key id)
{
	switch (row->type) {
	case CONFIG_INT:
	case CONFIG_SIZE: json_put_int(j, "default", config_default(id)); break;
	case CONFIG_BOOL: json_put_bool(j, "default", config_default(id) != 0); break;
	case CONFIG_STRING:
	case CONFIG_ENUM:
	case CONFIG_PATH:
	case CONFIG_LIST: json_put_str(j, "default", row->fallback); break;
	}
}

static void
setting_view(struct json *j, const struct config *config, enum config_key id)
{
	const struct config_row *row = &config_rows[id];
	bool secret = (row->flags & CONFIG_SECRET) != 0;

	json_object(j, NULL);
	json_put_str(j, "key", row->key);
	if (secret) {
		json_put_null(j, "value");
		json_put_bool(j, "isSet", config_str(config, id)[0] != '\0');
	} else {
		put_value(j, "value", row, config, id);
		put_default(j, row, id);
	}
	json_put_str(j, "type", type_names[row->type]);
	json_opt_str(j, "unit", row->unit);
	json_opt_str(j, "choices", row->choices);
	json_put_str(j, "description", row->description);
	json_put_bool(j, "live", (row->flags & CONFIG_LIVE) != 0);
	json_put_str(j, "source", source_names[config_source(config, id)]);
	json_object_end(j);
}

/* GET /api/admin/settings */
static bool
settings_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	json_array(j, "items");
	for (enum config_key id = 0; id < CONFIG_KEYS; id++)
		setting_view(j, req->config, id);
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* Every key of the table may be given; the service decides which ones can be changed. */
static const struct field_rule settings_input[] = {
#define CONFIG(id, key_text, type, low, high, choice, fallback, unit, marks, description) \
	{ key_text, FIELD_JSON, .flags = FIELD_NULLABLE },
#include "core/config_table.def"
#undef CONFIG
	{ .name = NULL },
};

/* The value as configuration text; NULL if its type is not that of the row. */
static const char *
value_text(struct arena *arena, const struct config_row *row, const struct cJSON *value)
{
	struct buf buf;
	const struct cJSON *item;

	if (cJSON_IsString(value))
		return row->type == CONFIG_INT || row->type == CONFIG_BOOL ? NULL :
									     value->valuestring;
	if (cJSON_IsBool(value))
		return row->type == CONFIG_BOOL ? (cJSON_IsTrue(value) ? "true" : "false") : NULL;
	/* Not rounded: 0.5 as a limit would be 0, which is none. */
	if (cJSON_IsNumber(value))
		return (row->type == CONFIG_INT || row->type == CONFIG_SIZE) &&
			value->valuedouble == floor(value->valuedouble) ?
		    arena_printf(arena, "%.0f", value->valuedouble) :
		    NULL;
	if (!cJSON_IsArray(value) || row->type != CONFIG_LIST)
		return NULL;
	buf_init(&buf, arena, 0);
	cJSON_ArrayForEach (item, value) {
		if (!cJSON_IsString(item) || strchr(item->valuestring, ',') != NULL)
			return NULL;
		buf_addf(&buf, "%s%s", buf.len > 0 ? "," : "", item->valuestring);
	}
	return buf.data;
}

/* PATCH /api/admin/settings {"key":value,...}: all or nothing; null goes back to the default. */
static bool
settings_patch(const struct request *req, struct response *res, struct error *err)
{
	struct setting_change *changes = arena_array(req->arena, CONFIG_KEYS, sizeof(*changes));
	size_t n = 0;

	for (enum config_key id = 0; id < CONFIG_KEYS; id++) {
		const char *key = config_rows[id].key;

		if (input_is_null(req->input, key)) {
			changes[n++] = (struct setting_change) { id, NULL };
		} else if (input_has(req->input, key)) {
			changes[n] = (struct setting_change) { id,
				value_text(req->arena, &config_rows[id],
				    input_json(req->input, key)) };
			if (changes[n++].value == NULL)
				error_field(err, key, "type", "must be of type %s",
				    type_names[config_rows[id].type]);
		}
	}
	if (err->nfields > 0)
		return false;
	return settings_change(req->call, changes, n, err) && settings_get(req, res, err);
}

/* GET /api/admin/roles */
static bool
roles_show(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	permission_set roles[ROLES];

	if (!roles_get(req->call, roles, err))
		return false;
	json_object(j, NULL);
	json_object(j, "roles");
	for (enum role role = 0; role < ROLES; role++)
		permissions_put(j, role_name(role), roles[role]);
	json_object_end(j);
	json_object(j, "implied");
	for (enum permission permission = PUBLIC + 1; permission < PERM_SIGNED_IN; permission++)
		if (permission_closure(PERM_BIT(permission)) != PERM_BIT(permission))
			permissions_put(j, permission_name(permission),
			    permission_closure(PERM_BIT(permission)) & ~PERM_BIT(permission));
	json_object_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

#define PERMISSIONS_RULE \
	FIELD_STRINGS, .max = PERMISSIONS_GRANTABLE, .flags = FIELD_REQUIRED, \
	    .choices = PERMISSION_CHOICES
#define ROLE_RULE(id, name) { name, PERMISSIONS_RULE },
static const struct field_rule matrix_fields[] = {
	ROLE_LIST(ROLE_RULE) { .name = NULL },
};
static const struct field_rule roles_input[] = {
	{ "roles", FIELD_OBJECT, .flags = FIELD_REQUIRED, .fields = matrix_fields },
	{ .name = NULL },
};

/* PUT /api/admin/roles: the whole matrix. */
static bool
roles_put(const struct request *req, struct response *res, struct error *err)
{
	const struct input *matrix = input_object(req->input, "roles");
	permission_set roles[ROLES] = { 0 };
	enum permission permission;

	for (enum role role = 0; role < ROLES; role++)
		for (size_t i = 0; i < input_count(matrix, role_name(role)); i++)
			if (permission_parse(input_str_at(matrix, role_name(role), i), &permission))
				roles[role] |= PERM_BIT(permission);
	return roles_replace(req->call, roles, err) && roles_show(req, res, err);
}

static const struct route admin_routes[] = {
	{ METHOD_GET, "/api/admin/settings", settings_get, AUTH_BEARER, PERM_SYSTEM_SETTINGS,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_PATCH, "/api/admin/settings", settings_patch, AUTH_BEARER, PERM_SYSTEM_SETTINGS,
	    RATE_TIER, BODY_JSON, settings_input },
	{ METHOD_GET, "/api/admin/roles", roles_show, AUTH_BEARER, PERM_SYSTEM_SETTINGS, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_PUT, "/api/admin/roles", roles_put, AUTH_BEARER, PERM_SYSTEM_SETTINGS, RATE_TIER,
	    BODY_JSON, roles_input },
	{ .path = NULL },
};

const struct route_module admin_module = { "admin", admin_routes };
