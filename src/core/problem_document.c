#include "core/problem_document.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/banned.h"

#define UNAVAILABLE_RETRY 2 /* seconds, unless the error says otherwise */

int
error_retry_after(const struct error *err)
{
	if (err->retry_after == 0 && err->code == ERR_UNAVAILABLE)
		return UNAVAILABLE_RETRY;
	return err->retry_after;
}

void
problem_members(struct json *j, const struct error *err)
{
	const struct error_class *class = error_class(err->code);
	const char *slug = error_slug_of(err);
	int retry = error_retry_after(err);

	json_put_str(j, "type", arena_printf(j->buf.arena, PROBLEM_URN "%s", slug));
	json_put_str(j, "title", class->title);
	json_put_int(j, "status", class->status);
	json_put_str(j, "detail", err->message[0] == '\0' ? class->title : err->message);
	json_put_str(j, "code", slug);
	if (err->nfields > 0) {
		json_array(j, "errors");
		for (unsigned i = 0; i < err->nfields; i++) {
			json_object(j, NULL);
			json_put_str(j, "field", err->fields[i].field);
			json_put_str(j, "code", err->fields[i].code);
			json_put_str(j, "message", err->fields[i].message);
			json_object_end(j);
		}
		json_array_end(j);
	}
	if (retry > 0)
		json_put_int(j, "retryAfter", retry);
}

void
problem_document(struct json *j, const struct error *err, const char *instance,
    const char *request_id)
{
	json_object(j, NULL);
	problem_members(j, err);
	json_put_str(j, "instance", instance);
	json_put_str(j, "requestId", request_id);
	json_object_end(j);
}
