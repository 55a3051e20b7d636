#include "service/operator/failures.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/catalogue/media_again.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_admin.h"
#include "store/store_media.h"

#include "core/banned.h"

bool
failures_list(const struct call *call, struct failure_group **groups, size_t *n, struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_failures(call->svc->db, call->arena, &reader, groups, n, err);
}

static bool
retry_item(const struct call *call, const struct failed_item *item, int64_t *retried,
    struct error *err)
{
	const char *upload_id;
	bool moved;

	if (!media_again(call, item->id, &moved, err))
		return false;
	if (!moved)
		return true;
	(*retried)++;
	return store_media_upload(call->svc->db, call->arena, item->id, &upload_id, err) &&
	    media_jobs_forget(call, item->id, err) &&
	    media_job(call, item->id, upload_id, item->content_type, err);
}

static bool
note(const struct call *call, const char *code, int64_t n, struct error *err)
{
	struct json *detail = json_new(call->arena, 0);
	struct audit_event event = { .action = "failures.retried" };

	json_object(detail, NULL);
	json_opt_str(detail, "code", code);
	json_put_int(detail, "items", n);
	json_object_end(detail);
	event.detail = detail->buf.data;
	return audit_add(call, &event, err);
}

static bool
retry_in(const struct call *call, const char *code, int64_t *retried, struct error *err)
{
	struct failed_item *items;
	size_t n;

	*retried = 0;
	if (!store_failures_lock(call->svc->db, call->arena, code, FAILURES_RETRY_MAX, &items, &n,
		err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!retry_item(call, &items[i], retried, err))
			return false;
	return *retried == 0 || note(call, code, *retried, err);
}

bool
failures_retry(const struct call *call, const char *code, int64_t *retried, struct error *err)
{
	struct db *db = call->svc->db;

	return db_begin(db, err) && db_end(db, retry_in(call, code, retried, err), err);
}
