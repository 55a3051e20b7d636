#include "bin/inputs.h"

#include <string.h>

#include "bin/pools.h"
#include "core/access.h"
#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "http/guard.h"
#include "http/request.h"
#include "http/route.h"
#include "model/collection.h"
#include "model/download.h"
#include "model/alert.h"
#include "model/hook.h"
#include "model/hook_out.h"
#include "model/link.h"
#include "model/list.h"
#include "model/media.h"
#include "model/notification.h"
#include "model/server.h"
#include "model/request.h"
#include "objectstore/objects.h"
#include "objectstore/protocol.h"
#include "service/catalogue/upload.h"
#include "store/s3.h"

#include "core/banned.h"

/* Uploads stay within the limits of S3 and of the embedded object store. */
_Static_assert(UPLOAD_SINGLE_MAX == OBJECT_PUT_MAX, "one PUT");
_Static_assert(UPLOAD_PART_SIZE <= OBJECT_PUT_MAX, "one part");
_Static_assert(UPLOAD_PARTS_MAX <= OBJECT_PARTS_MAX && OBJECT_PARTS_MAX == S3_PARTS_MAX, "parts");

/* The rule of a {name}: an id, or a parameter of the module. */
static void
put_param(struct json *j, const struct route_module *module, const char *name, size_t len)
{
	static const struct field_rule id = { .type = FIELD_UUID };
	struct arena *arena = j->buf.arena;
	const char *key = arena_strndup(arena, name, len);

	if (route_param_is_id(name, len)) {
		input_schema_field(j, key, &id);
		return;
	}
	for (const struct field_rule *rule = module->params; rule != NULL && rule->name != NULL;
	    rule++)
		if (strcmp(rule->name, key) == 0)
			input_schema_field(j, key, rule);
}

static void
put_params(struct json *j, const struct route_module *module, const struct route *route)
{
	json_object(j, "params");
	for (const char *p = strchr(route->path, '{'); p != NULL; p = strchr(p, '{')) {
		p++;
		put_param(j, module, p, strcspn(p, "}"));
	}
	json_object_end(j);
}

static void
put_route(struct json *j, const struct pool *pool, const struct route_module *module,
    const struct route *route)
{
	bool query = route->body != BODY_JSON;

	json_object(j, NULL);
	json_put_str(j, "pool", pool->name);
	json_put_str(j, "method", method_name(route->method));
	json_put_str(j, "path", route->path);
	json_put_str(j, "permission", permission_name(route->permission));
	put_params(j, module, route);
	if (query || route->input != NULL)
		input_schema(j, query ? "query" : "body", route->input);
	json_object_end(j);
}

static void
put_routes(struct json *j)
{
	json_array(j, "routes");
	for (const struct pool *pool = pools; pool->name != NULL; pool++)
		for (const struct route_module *const *module = pool->modules;
		    module != NULL && *module != NULL; module++)
			for (const struct route *route = (*module)->routes; route->path != NULL;
			    route++)
				put_route(j, pool, *module, route);
	json_array_end(j);
}

static void
put_words(struct json *j)
{
#define WORD(word) json_put_str(j, NULL, word);
#define NAMED_WORD(id, word) WORD(word)
#define NOTIFICATION_KIND(kind, event, email, ...) WORD(kind)
	json_object(j, "words");
	json_array(j, "role");
	ROLE_LIST(NAMED_WORD)
	json_array_end(j);
	json_array(j, "tier");
	TIER_LIST(NAMED_WORD)
	json_array_end(j);
	json_array(j, "permission");
	PERMISSION_LIST(NAMED_WORD)
	json_array_end(j);
	json_array(j, "account.status");
	ACCOUNT_STATUS_LIST(WORD)
	json_array_end(j);
	json_array(j, "media.kind");
	MEDIA_KIND_LIST(WORD)
	json_array_end(j);
	json_array(j, "media.source");
	MEDIA_SOURCE_LIST(WORD)
	json_array_end(j);
	json_array(j, "media.status");
	MEDIA_STATUS_LIST(WORD)
	json_array_end(j);
	json_array(j, "media.visibility");
	MEDIA_VISIBILITY_LIST(WORD)
	json_array_end(j);
	json_array(j, "media.taken");
	MEDIA_TAKEN_LIST(WORD)
	json_array_end(j);
	json_array(j, "collection.kind");
	COLLECTION_KIND_LIST(WORD)
	json_array_end(j);
	json_array(j, "collection.sort");
	COLLECTION_SORT_LIST(WORD)
	json_array_end(j);
	json_array(j, "collection.may");
	COLLECTION_MAY_LIST(WORD)
	json_array_end(j);
	json_array(j, "link.kind");
	LINK_KIND_LIST(WORD)
	json_array_end(j);
	json_array(j, "download.status");
	DOWNLOAD_STATUS_LIST(WORD)
	json_array_end(j);
	json_array(j, "server.kind");
	SERVER_KIND_LIST(WORD)
	json_array_end(j);
	json_array(j, "server.items");
	SERVER_ITEMS_LIST(WORD)
	json_array_end(j);
	json_array(j, "server.test");
	SERVER_TEST_LIST(WORD)
	json_array_end(j);
	json_array(j, "library.type");
	LIBRARY_TYPE_LIST(WORD)
	json_array_end(j);
	json_array(j, "library.visibility");
	LIBRARY_VISIBILITY_LIST(WORD)
	json_array_end(j);
	json_array(j, "media.thumbnail");
	MEDIA_THUMBNAIL_LIST(WORD)
	json_array_end(j);
	json_array(j, "hook.source");
	HOOK_SOURCE_LIST(WORD)
	json_array_end(j);
	json_array(j, "hook.status");
	HOOK_STATUS_LIST(WORD)
	json_array_end(j);
	json_array(j, "hook_out.event");
	HOOK_OUT_EVENT_LIST(WORD)
	json_array_end(j);
	json_array(j, "delivery.status");
	DELIVERY_STATUS_LIST(WORD)
	json_array_end(j);
	json_array(j, "endpoint.off_reason");
	ENDPOINT_OFF_LIST(WORD)
	json_array_end(j);
	json_array(j, "alert.severity");
	ALERT_SEVERITY_LIST(WORD)
	json_array_end(j);
	json_array(j, "alert.state");
	ALERT_STATE_LIST(WORD)
	json_array_end(j);
	json_array(j, "request.media");
	REQUEST_MEDIA_LIST(WORD)
	json_array_end(j);
	json_array(j, "request.status");
	REQUEST_STATUS_LIST(NAMED_WORD)
	json_array_end(j);
	json_array(j, "overseerr.by");
	OVERSEERR_BY_LIST(WORD)
	json_array_end(j);
	json_array(j, "notification.kind");
#include "model/notification_kinds.def"
#undef NOTIFICATION_KIND
#define NOTIFICATION_KIND(kind, event, email, ...) WORD(event)
	json_array_end(j);
	json_array(j, "notification.event");
#include "model/notification_kinds.def"
	json_array_end(j);
	json_array(j, "notification.email");
	NOTIFICATION_EMAIL_LIST(WORD)
	json_array_end(j);
	json_object_end(j);
#undef NOTIFICATION_KIND
#undef NAMED_WORD
#undef WORD
}

static void
put_slugs(struct json *j)
{
	static const struct {
		unsigned bit;
		const char *name;
	} places[] = { { SEEN_API, "api" }, { SEEN_MEDIA, "media" }, { SEEN_STORE, "store" },
		{ SEEN_LOG, "log" } };

	json_object(j, "slugs");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		json_array(j, places[i].name);
		for (const struct error_slug_row *row = error_slugs; row->slug != NULL; row++)
			if ((row->seen & places[i].bit) != 0)
				json_put_str(j, NULL, row->slug);
		json_array_end(j);
	}
	json_object_end(j);
	json_array(j, "problems");
	for (enum error_code code = ERR_NONE + 1; code < ERR_CODES; code++)
		json_put_str(j, NULL, error_class(code)->slug);
	json_array_end(j);
}

static void
put_limits(struct json *j)
{
	static const struct {
		const char *name;
		int64_t value;
	} limits[] = {
		{ "BODY_JSON_MAX", BODY_JSON_MAX },
		{ "PROTOCOL_BODY_MAX", PROTOCOL_BODY_MAX },
		{ "OBJECT_PUT_MAX", OBJECT_PUT_MAX },
		{ "IDEMPOTENCY_KEY_MAX", IDEMPOTENCY_KEY_MAX },
		{ "REQUEST_MEMORY_MAX", REQUEST_MEMORY_MAX },
		{ "LIST_LIMIT_MAX", LIST_LIMIT_MAX },
		{ "OBJECT_PARTS_MAX", OBJECT_PARTS_MAX },
		{ "UPLOAD_BATCH_MAX", UPLOAD_BATCH_MAX },
	};

	json_object(j, "limits");
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		json_put_int(j, limits[i].name, limits[i].value);
	json_object_end(j);
}

void
inputs_print(FILE *out)
{
	struct arena arena;
	struct json *j;

	arena_init(&arena);
	j = json_new(&arena, 0);
	json_object(j, NULL);
	put_routes(j);
	put_words(j);
	put_slugs(j);
	put_limits(j);
	json_object_end(j);
	fprintf(out, "%s\n", j->buf.data);
	arena_clear(&arena);
}
